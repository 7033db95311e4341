"""Say which links in the documents lead nowhere, and which Python samples do not compile."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
SAMPLE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def documents() -> list[Path]:
    """The texts that people read."""
    native = ROOT / "native"
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *native.glob("*.md")])


def dead_links(page: Path, text: str) -> Iterator[str]:
    """Relative links of *page* whose target is not there."""
    for target in LINK.findall(SAMPLE.sub("", text)):
        if "://" in target or target.startswith("mailto:"):
            continue
        if not (page.parent / target).exists():
            yield f"{page.relative_to(ROOT)}: no such file: {target}"


def broken_samples(page: Path, text: str) -> Iterator[str]:
    """Samples of *page* that Python cannot parse."""
    for sample in SAMPLE.finditer(text):
        line = text.count("\n", 0, sample.start()) + 1
        try:
            compile(sample[1], str(page), "exec", dont_inherit=True)
        except SyntaxError as error:
            yield f"{page.relative_to(ROOT)}:{line + (error.lineno or 0)}: {error.msg}"


def main() -> int:
    """Print every finding; 1 when there is one, or when there was nothing to look at."""
    pages = documents()
    findings = []
    for page in pages:
        text = page.read_text(encoding="utf-8")
        findings += [*dead_links(page, text), *broken_samples(page, text)]
    print("\n".join([*findings, f"{len(pages)} documents, {len(findings)} findings"]))
    return 1 if findings or not pages else 0


if __name__ == "__main__":
    sys.exit(main())
