"""Random walks. How many seeds: `SIMULATIONS=200 pytest tests/simulation/test_walk.py`, or `scripts/simulate`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.walk import walk

SIMULATIONS = int(os.environ.get("SIMULATIONS", "30"))


@pytest.mark.parametrize("seed", range(SIMULATIONS))
def test_after_a_random_walk_through_all_that_can_go_wrong_everything_is_as_it_ought_to_be(seed: int) -> None:
    walk(seed)


def test_a_seed_always_tells_the_same_story() -> None:
    assert walk(3) == walk(3)


def test_it_does_so_in_another_process() -> None:
    """Where the hashes of strings are others."""
    code = "from tests.simulation.walk import walk; print('\\n'.join(walk(3)))"
    root = Path(__file__).parents[2]
    stories = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env={"PYTHONPATH": str(root), "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(stories) == 1
