"""Reading IRC logs: what was said by whom, whatever people's clients and nicks looked like."""

from pathlib import Path

import pytest

from server.refusal import Refusal
from server.replay.cast import cast
from server.replay.irc import Log, parse, read

SAMPLE = Path(__file__).resolve().parents[2] / "docs" / "sample-conversation.txt"


def said(text: str | bytes) -> list[tuple[str, str]]:
    return [(line.nick, line.text) for line in log(text).lines]


def log(text: str | bytes, name: str = "x.txt") -> Log:
    return parse(text.encode() if isinstance(text, str) else text, Path(name))


@pytest.mark.parametrize(
    ("line", "nick", "text"),
    [
        ("[05:29] <bruenig> hello", "bruenig", "hello"),
        ("[05:29:07] <bruenig> hello", "bruenig", "hello"),
        ("05:29 <bruenig> hello", "bruenig", "hello"),
        ("<bruenig> hello", "bruenig", "hello"),
        ("05:29 <@bruenig> hello", "bruenig", "hello"),
        ("[05:29] <a>  two  spaces ", "a", " two  spaces "),
        ("[05:29] <a> <b> quoted", "a", "<b> quoted"),
        ("[05:29] <a> === not a notice", "a", "=== not a notice"),
        ("[05:29] <a> * not done", "a", "* not done"),
        (r"[05:29] <[w]`\^{|}_-> odd", r"[w]`\^{|}_-", "odd"),
        ("[05:29] <[set] > a space after the nick", "[set]", "a space after the nick"),
        ("[05:29] <[cro] smiley> a space within it", "[cro] smiley", "a space within it"),
        ("[05:29] <田中> おはよう", "田中", "おはよう"),
        ("[05:29] <a> form\x0cfeed \x85 and \u2028 stay in the line", "a", "form\x0cfeed \x85 and \u2028 stay in the line"),
        ("[20:02]  * Tribal_Away will be back", "Tribal_Away", "/me will be back"),
        (" * Tribal_Away will be back", "Tribal_Away", "/me will be back"),
        ("=== chillywilly swings a trout", "chillywilly", "/me swings a trout"),
        ("=== sinope[crashed]  will miss slackware :(", "sinope[crashed]", "/me  will miss slackware :("),
        ("=== Tonren : Bringing it to you", "Tonren", "/me : Bringing it to you"),
    ],
)  # fmt: skip
def test_a_line_is_somebodys_words(line: str, nick: str, text: str) -> None:
    assert said(line) == [(nick, text)]


@pytest.mark.parametrize(
    ("line", "nicks"),
    [
        ("=== niru [n=niru@203.129.255.178]  has joined #ubuntu", ("niru",)),
        ("=== augmentor [[H] -853478@58.10.69.123]  has joined #ubuntu", ("augmentor",)),
        ('=== SapoDriLo [~s@dial.example]  has left #ubuntu ["Leaving"]', ("SapoDriLo",)),
        ("=== [cro] smiley [n=x@host.example]  has joined #ubuntu", ("[cro] smiley",)),
        ("=== Rictoo_ is now known as Rictoo", ("Rictoo_", "Rictoo")),
        ("=== mode/#ubuntu [+o Seveas]  by ChanServ", ()),
    ],
)
def test_who_comes_goes_or_changes_nick_is_there_without_saying_anything(
    line: str, nicks: tuple[str, ...]
) -> None:
    read_log = log(f"{line}\n<z> hello")
    assert read_log.nicks == (*nicks, "z")
    assert [found.nick for found in read_log.lines] == ["z"]


def test_two_spellings_of_a_nick_are_one_person_who_is_called_as_first_written() -> None:
    assert said("<Niru[a]> one\n<niru{A}> two") == [("Niru[a]", "one"), ("Niru[a]", "two")]


def test_a_line_without_text_is_counted_and_no_message() -> None:
    read_log = log("[14:17] <Tex_Nick>\n[14:18] <a> \n[14:18] <a> b")
    assert (read_log.empty, len(read_log.lines), read_log.nicks) == (2, 1, ("Tex_Nick", "a"))


def test_lines_of_no_known_form_are_counted() -> None:
    assert log("--- Log opened\n<a> b\n\nfree text").unknown == 2


def test_lines_keep_their_numbers_in_the_file() -> None:
    assert [line.number for line in log("\ufeff<a> b\r\n\r\n=== x is now known as y\r\n<c> d\r\n").lines] == [
        1,
        4,
    ]


def test_what_old_clients_sent_in_windows_encoding_is_read() -> None:
    assert said("<a> utf-8: é".encode() + b"\n<b> caf\xe9 \x80 5\n<c> \x81") == [
        ("a", "utf-8: é"),
        ("b", "café € 5"),
        ("c", "\x81"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an IRC log"),
        (b"It was a dark and stormy night.\n", "is not an IRC log"),
        (b"=== a [x]  has joined #b\n", "is not an IRC log"),
        (b"\x7fELF\0\0", "is not a text file"),
        (b"<a> ok\n<a> " + b"x" * 8193, "line 2: longer than the 8192 characters"),
    ],
)
def test_what_is_no_log_is_refused_in_a_line_that_names_the_file(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(content)
    with pytest.raises(Refusal) as caught:
        read(path)
    assert str(caught.value).startswith(f"FILE: {path}")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.txt"):
        with pytest.raises(Refusal, match="cannot be read: "):
            read(path)


def test_the_sample_conversation_has_a_bit_of_everything() -> None:
    sample = read(SAMPLE)
    assert (sample.channel, sample.unknown, sample.empty) == ("#lighthouse", 0, 0)
    assert len(sample.lines) > 40
    assert {"jörg", "[tide]", "田中"} <= set(sample.nicks)
    assert any(line.text.startswith("/me ") for line in sample.lines)


def test_a_nick_in_two_files_is_one_user_in_two_groups() -> None:
    made = cast([log("<ann> 1\n<bob> 2", "one.txt"), log("=== Bob [x]  has joined #c\n<cy> 3", "two.txt")])
    assert made.names == ("ann", "bob", "cy")
    one, two = made.conversations
    assert (one.title, one.members) == ("one", (0, 1))
    assert (two.title, two.members) == ("#c two", (1, 2))
    assert [(part.number, part.sender, part.text) for part in two.parts] == [(2, 2, "3")]


def test_names_fit_what_the_platform_takes() -> None:
    made = cast([log(f"<{'x' * 100}> long\n<\x02b\x02> bold\n<\x02> nothing visible")])
    assert made.names == ("x" * 64, "b", "nick")
