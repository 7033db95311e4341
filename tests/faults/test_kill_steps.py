"""Two kills in a row, at the steps of rotation, recovery and leaving: nothing lost or doubled."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.process
COMPRESSIONS = pytest.mark.parametrize("compression", [None, "gzip"])


def killed(preloaded, tell, timeout_s, **arguments):
    """Run the pairs; what must hold of them."""
    found = preloaded("kill_steps", timeout_s, **arguments)
    tell(
        f"{arguments}: both killed in {found['both']} runs, one in {found['one']}, none in "
        f"{found['none']}; {found['took_s']:.0f} s"
    )
    assert {} == found["wrong"]
    assert found["both"] + found["one"] > found["none"]


@COMPRESSIONS
def test_a_sample_of_pairs_of_steps_is_recovered_from(preloaded, tell, seed, compression):
    """A writer killed at one step, the next one at another: each event once, no file left over."""
    sample = 2 if compression else 6
    killed(preloaded, tell, 170, sample=sample, seed=seed, compression=compression)


@pytest.mark.stress
@pytest.mark.timeout(3_600)
@COMPRESSIONS
def test_every_pair_of_steps_is_recovered_from(preloaded, tell, compression):
    """All of them: the same."""
    killed(preloaded, tell, 3_500, compression=compression)
