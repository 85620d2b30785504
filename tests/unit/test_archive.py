"""Archives: ZIP files of JSON, written a page at a time."""

from __future__ import annotations

import json
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from handlers.accounts.archive import Archive, forget_old


def read(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: json.loads(archive.read(name)) for name in archive.namelist()}


def test_pages_of_one_name_become_one_list(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "made" / "a.zip")
    for name, items in (("a.json", [1, {"x": "ü"}]), ("a.json", []), ("a.json", [3]), ("b/c.json", [])):
        archive.add(name, items)
    size = archive.close()
    path = tmp_path / "made" / "a.zip"
    assert size == path.stat().st_size
    assert read(path) == {"a.json": [1, {"x": "ü"}, 3], "b/c.json": []}
    assert path.parent.stat().st_mode & 0o077 == 0


def test_what_is_discarded_is_gone_whether_or_not_it_was_complete(tmp_path: Path) -> None:
    for complete in (True, False):
        archive = Archive(tmp_path / "a.zip")
        archive.add("a.json", [1])
        if complete:
            archive.close()
        archive.discard()
        archive.discard()
        assert list(tmp_path.iterdir()) == []


def test_an_archive_is_not_written_over_another(tmp_path: Path) -> None:
    Archive(tmp_path / "a.zip").close()
    with pytest.raises(FileExistsError):
        Archive(tmp_path / "a.zip")


def test_only_what_is_old_is_left_over(tmp_path: Path) -> None:
    forget_old(tmp_path / "not there", older_than_s=10)
    for name, age in (("old.zip", 20), ("new.zip", 5), ("old.txt", 20)):
        (tmp_path / name).write_text("x")
        at = time.time() - age
        os.utime(tmp_path / name, (at, at))
    forget_old(tmp_path, older_than_s=10)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.zip", "old.txt"]
