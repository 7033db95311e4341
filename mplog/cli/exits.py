"""What the exit codes of each command mean: help texts and docs/reference/cli.md are made of it."""

from __future__ import annotations

USAGE, FAILURE, INTERRUPTED, PIPE = 2, 125, 130, 141

COMMON: dict[int | str, str] = {
    USAGE: "wrong usage or configuration",
    FAILURE: "mplog itself failed: the machine, a sink, or a fault of ours",
    INTERRUPTED: "interrupted from the keyboard",
    PIPE: "the reader of the output went away",
}

OWN: dict[str, dict[int | str, str]] = {
    "run": {
        "any": "the command's own",
        "128 + n": "signal n has ended the command",
        FAILURE: "the log file is another service's; with --on-error=stop: there is no shared "
        "memory for the log",
        126: "the command cannot be run",
        127: "the command was not found",
    },
    "serve": {
        0: "told to leave, and all is delivered",
        FAILURE: "it has a writer already, the log file is another service's, or there is no "
        "shared memory; with --on-error=stop: a log file cannot be written; or it was told to "
        "leave, and what it could not deliver waits for the next writer",
    },
    "status": {0: "shown, also where there is no service"},
    "verify": {
        0: "clean",
        1: "lost, doubled, torn or out of order; with --strict: or dropped, late, or suspect",
        USAGE: "wrong usage, or a file that carries no numbers (format text)",
        3: "a file cannot be read",
    },
    "reopen": {
        0: "done, or no writer lives, so that there is nothing to do",
        1: "not done, told on stderr",
    },
    "rotate": {
        0: "done, or the file is empty",
        1: "not done, told on stderr: no writer lives, or it may not rename the file",
    },
    "recover": {
        0: "done, also where there was nothing",
        USAGE: "wrong usage, processes of that version still run, or a layout that this version "
        "does not know",
        FAILURE: "a file cannot be read or written",
    },
    "check": {
        0: "the configuration is right",
        USAGE: "it is not: every problem is told on stderr",
    },
    "doctor": {
        0: "nothing that needs anybody, or only warnings",
        1: "at least one finding is FAIL; with --strict: or WARN",
    },
}


def of(command: str) -> dict[int | str, str]:
    """The exit codes of *command*, with those that every command has."""
    own = OWN.get(command, {})
    common = {code: text for code, text in COMMON.items() if code not in own}
    return {**own, **common}


def epilog(command: str) -> str:
    """The text below the help of *command*."""
    lines = [f"  {code!s:>7}  {text}" for code, text in of(command).items()]
    return "exit codes:\n" + "\n".join(lines)
