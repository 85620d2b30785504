"""The document runs, and the suite is complete."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

import supervisors

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/supervisors.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", TEXT, re.DOTALL)


@pytest.mark.parametrize(("code", "printed"), BLOCKS, ids=[f"block{n}" for n in range(len(BLOCKS))])
def test_every_block_of_code_in_the_document_runs_and_prints_what_the_document_says(
    code: str, printed: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trio, "run", partial(trio.run, clock=MockClock(autojump_threshold=0)))
    scope: dict[str, Any] = {"__name__": "document"}
    exec(compile(code, "docs/supervisors.md", "exec"), scope)
    assert capsys.readouterr().out == printed


def test_the_first_example_has_ten_lines_of_code() -> None:
    assert len(BLOCKS) == 3
    lines = [line for line in BLOCKS[0][0].splitlines() if line.strip()]
    assert len(lines) <= 10


def test_every_class_and_constant_in_the_document_exists() -> None:
    words = set(re.findall(r"`(?:await |async with |with )?([A-Z]\w+)[`(]", TEXT))
    members = {
        *supervisors.Restart.__members__,
        *supervisors.Strategy.__members__,
        *supervisors.AutoShutdown.__members__,
    }
    assert words - members - set(supervisors.__all__) == {"KeyboardInterrupt", "None", "SystemExit"}
    assert {"PartitionSupervisor", "REST_FOR_ONE"} <= words


def test_each_of_the_sixty_statements_has_a_test_that_begins_with_its_number() -> None:
    names = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    numbers = {int(number) for number in re.findall(r"def test_(\d\d)_\w+", names)}
    assert numbers == set(range(1, 61))
