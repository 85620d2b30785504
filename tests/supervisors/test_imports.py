"""`supervisors/` is usable on its own."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import supervisors

SOURCES = sorted(Path(supervisors.__file__).parent.glob("**/*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_only_trio_and_the_standard_library_are_imported(path: Path) -> None:
    allowed = {"supervisors", "trio", *sys.stdlib_module_names}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module or ""]
        else:
            continue
        assert {name.partition(".")[0] for name in names} <= allowed


def test_importing_it_brings_in_no_other_part_of_the_platform() -> None:
    script = (
        "import sys, supervisors; "
        "print([m for m in sys.modules if m.split('.')[0] in ('config', 'persistence', 'handlers', 'server')])"
    )
    out = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert out.stdout.strip() == "[]"


def test_every_exported_name_exists_and_is_listed_in_order() -> None:
    assert all(hasattr(supervisors, name) for name in supervisors.__all__)
    assert list(supervisors.__all__) == sorted(
        supervisors.__all__, key=lambda n: (not n.isupper(), n[0].islower(), n)
    )
