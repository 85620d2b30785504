"""Names of files that people send: nothing in them may mislead a browser, a program or a person."""

from __future__ import annotations

import pytest

from handlers.media.filenames import MOST_BYTES, PLAIN, clean_filename, disposition, served_type


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.png", "a.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\x.exe", "x.exe"),
        ("a/b/", "b"),
        ("..", "file"),
        ("", "file"),
        ("  . ", "file"),
        (".htaccess", "htaccess"),
        ("a\r\nSet-Cookie: x", "aSet-Cookie_ x"),
        ("a\0b", "ab"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("zero\u200bwidth", "zerowidth"),
        ('a"b<c>|?*.txt', "a_b_c____.txt"),
        ("u\u0308n.txt", "ün.txt"),
        ("🎈 party.jpg", "🎈 party.jpg"),
        ("a   b.txt", "a b.txt"),
    ],
)
def test_what_is_kept_of_a_name(given: str, kept: str) -> None:
    assert clean_filename(given) == kept


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "ü" * 255, "🎈" * 255 + ".jpeg", "a." + "b" * 255])
def test_a_long_name_is_cut_and_keeps_its_ending(name: str) -> None:
    kept = clean_filename(name)
    assert 0 < len(kept.encode()) <= MOST_BYTES
    ending = name.rpartition(".")[2]
    assert kept.endswith(ending) or len(ending) > 16


@pytest.mark.parametrize(
    "name", ['a"; filename="b.exe', "a\r\nX: y", "ünï 🎈.png", "a;b,c=d", "%22", "\\", "'x'"]
)
def test_a_disposition_is_one_header_with_one_name(name: str) -> None:
    header = disposition("image/png", clean_filename(name))
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    assert header.count("filename=") == 1
    kind, plain, extended = header.split("; ")
    assert kind == "inline"
    assert plain.startswith('filename="')
    assert extended.startswith("filename*=UTF-8''")


@pytest.mark.parametrize("content_type", ["image/jpeg", "image/png", "video/mp4", "audio/ogg", "audio/webm"])
def test_plain_pictures_and_recordings_are_shown_in_place(content_type: str) -> None:
    assert disposition(content_type, None) == "inline"
    assert served_type(content_type) == content_type


@pytest.mark.parametrize(
    ("content_type", "served"),
    [
        ("image/svg+xml", PLAIN),
        ("text/html", PLAIN),
        ("application/xhtml+xml", PLAIN),
        ("text/xml", PLAIN),
        ("text/javascript", PLAIN),
        ("application/pdf", "application/pdf"),
        ("text/plain", "text/plain"),
        ("application/zip", "application/zip"),
    ],
)
def test_everything_else_is_saved_and_never_run(content_type: str, served: str) -> None:
    assert disposition(content_type, "a").startswith("attachment; ")
    assert served_type(content_type) == served
