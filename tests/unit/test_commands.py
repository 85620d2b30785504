"""The command line, as far as it needs no servers."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner

from config.settings import Settings
from server.__main__ import cli, main
from server.control import control_spec
from supervisors.supervisor import Supervisor, open_supervisor
from supervisors.tree import snapshot

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    "serve",
    "local",
    "init-db",
    "check",
    "tree",
    "replay",
    "create-operator",
    "dead-letters",
    "verify-audit",
    "describe",
)
STORES = (
    "MONGODB_URI",
    "REDIS_URL",
    "S3_ENDPOINT_URL",
    "S3_ACCESS_KEY_ID",
    "S3_SECRET_ACCESS_KEY",
    "CHAT_CONFIG",
)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in an empty folder; `(status, output, errors)`."""
    monkeypatch.chdir(tmp_path)
    for name in STORES:
        monkeypatch.delenv(name, raising=False)

    def command(*arguments: str, **env: str) -> tuple[int, str, str]:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as caught:
            main(list(arguments))
        out, err = capsys.readouterr()
        code = caught.value.code
        return code if isinstance(code, int) else 0, out, err

    return command


def test_help_lists_the_commands_and_each_has_its_own() -> None:
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.output
        own = CliRunner().invoke(cli, [name, "--help"])
        assert own.exit_code == 0
        assert "Usage:" in own.output


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    code = "import sys; from server.__main__ import cli; cli.main(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert not {name for name in ("trio", "boto3", "quart", "hypercorn") if f"'{name}'" in out}


def test_version() -> None:
    assert CliRunner().invoke(cli, ["--version"]).output.strip()[0].isdigit()


def test_wrong_settings_are_a_line_each_without_a_traceback(run: Run) -> None:
    status, out, err = run("check", PORT="x", LEASE_S="0")
    assert (status, out) == (2, "")
    assert err.splitlines() == [
        "error: PORT: must be a whole number, not 'x' (from the environment)",
        "error: LEASE_S: must be more than 0, not '0' (from the environment)",
    ]


def test_serve_names_what_is_not_set(run: Run) -> None:
    status, _, err = run("serve")
    assert status == 2
    assert [line.split(":")[1].strip() for line in err.splitlines()] == [
        "MONGODB_URI",
        "REDIS_URL",
        "S3_ACCESS_KEY_ID",
        "S3_SECRET_ACCESS_KEY",
    ]


@pytest.mark.parametrize(("command", "others"), [("serve", {}), ("local", {"MONGODB_URI": ""})])
def test_a_taken_port_is_one_line_that_names_the_setting(
    run: Run, command: str, others: dict[str, str]
) -> None:
    given = {
        "MONGODB_URI": "mongodb://h",
        "REDIS_URL": "redis://h",
        "S3_ACCESS_KEY_ID": "a",
        "S3_SECRET_ACCESS_KEY": "b",
    }
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, _, err = run(command, "--port", str(port), **{**given, **others})
    assert status == 2
    assert (
        err
        == f"error: PORT: port {port} on 127.0.0.1 is taken by another program: choose another with --port or PORT\n"
    )


def free_pair() -> int:
    """A free port with a free one after it, outside the range from which the system gives ports to connections."""
    for port in range(20_000, 30_000, 7):
        with socket.socket() as one, socket.socket() as next_one:
            try:
                one.bind(("127.0.0.1", port))
                next_one.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise AssertionError("no free ports")


@pytest.mark.parametrize(
    ("env", "said"),
    [
        (
            {"LOCAL_MONGOD": "/nowhere/mongod"},
            "error: LOCAL_MONGOD: /nowhere/mongod is not a program that can be run\n",
        ),
        ({"HOST": "192.0.2.1"}, "error: HOST: cannot listen on 192.0.2.1: "),
    ],
)
def test_local_says_what_it_cannot_run(run: Run, env: dict[str, str], said: str) -> None:
    status, out, err = run("local", "--port", str(free_pair()), **env)
    assert (status, out) == (2, "")
    assert err.startswith(said)
    assert len(err.splitlines()) == 1


def test_local_refuses_a_folder_that_it_cannot_write(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    status, _, err = run("local", VAR_DIR=str(tmp_path / "file"))
    assert status == 2
    assert err.startswith(f"error: VAR_DIR: {tmp_path / 'file'}")
    assert "set VAR_DIR to another folder" in err


def test_local_refuses_a_number_of_nodes_that_makes_no_sense(run: Run) -> None:
    assert run("local", "--nodes", "-1")[2] == "error: --nodes: must be between 0 and 64, not -1\n"


def test_check_tells_what_is_missing_and_what_does_not_answer(run: Run) -> None:
    status, out, _ = run(
        "check",
        MONGODB_URI="mongodb://127.0.0.1:1",
        MONGODB_TIMEOUT_MS="100",
        REDIS_URL="redis://:hunter2@127.0.0.1:1",
    )
    assert status == 2
    lines = out.splitlines()
    assert lines[:2] == [
        "BAD  setting  S3_ACCESS_KEY_ID: is not set",
        "BAD  setting  S3_SECRET_ACCESS_KEY: is not set",
    ]
    assert [line.split()[:3] for line in lines[2:]] == [
        ["BAD", "mongodb", "MONGODB_URI:"],
        ["BAD", "redis", "REDIS_URL:"],
    ]
    assert "hunter2" not in out


def test_check_hides_secrets_in_what_client_libraries_say(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(settings: Settings) -> None:
        await trio.lowlevel.checkpoint()
        raise ValueError(f"cannot parse {settings.redis.url.get_secret_value()}")

    monkeypatch.setattr("server.commands.check._ask_redis", fail)
    _, out, _ = run("check", REDIS_URL="redis://:hunter2@127.0.0.1:1")
    assert "BAD  redis    REDIS_URL: cannot parse [hidden]" in out


@pytest.mark.parametrize("command", [("init-db",), ("create-operator", "+4930123456"), ("dead-letters",)])
def test_commands_that_need_the_database_say_so(run: Run, command: tuple[str, ...]) -> None:
    status, _, err = run(*command)
    assert (status, err) == (2, "error: MONGODB_URI: is not set, and no local stack runs from this folder\n")
    status, _, err = run(*command, MONGODB_URI="mongodb://127.0.0.1:1", MONGODB_TIMEOUT_MS="100")
    assert status == 2
    assert err.startswith("error: MONGODB_URI: the database does not do what is asked: ")
    assert len(err.splitlines()) == 1


def test_create_operator_refuses_what_is_no_phone_number(run: Run) -> None:
    status, _, err = run("create-operator", "0301234")
    assert status == 2
    assert (
        err
        == "error: create-operator: phone must be a phone number in international form, like +4930123456\n"
    )


def test_tree_without_a_node_says_so(run: Run) -> None:
    status, _, err = run("tree")
    assert (status, err) == (
        2,
        "error: VAR_DIR: nothing runs from var/: start it first, or name a node with --url\n",
    )


async def test_tree_shows_every_process_of_the_folder(tmp_path: Path) -> None:
    names = ("local", "node-8001")
    roots: dict[str, Supervisor] = {}
    for name in names:
        path = tmp_path / "run" / f"{name}.sock"
        roots[name] = Supervisor([control_spec(path, lambda name=name: snapshot(roots[name]))], name=name)  # type: ignore[misc]

    def invoke(*arguments: str) -> str:
        result = CliRunner().invoke(
            cli, ["tree", *arguments], env={"VAR_DIR": str(tmp_path)}, catch_exceptions=False
        )
        assert result.exit_code == 0
        return result.output

    async with open_supervisor(roots["local"]), open_supervisor(roots["node-8001"]):
        text = await trio.to_thread.run_sync(invoke)
        lines = (await trio.to_thread.run_sync(invoke, "--json")).splitlines()
        expected = [asdict(snapshot(roots[name]))["id"] for name in names]
    assert [line.split()[0] for line in text.splitlines() if line[0].isalpha()] == list(names)
    assert [json.loads(line)["id"] for line in lines] == expected


def test_tree_of_another_machine_needs_a_token(run: Run) -> None:
    assert run("tree", "--url", "http://127.0.0.1:1")[2].startswith("error: CHAT_TOKEN: is not set")
    assert run("tree", "--url", "ftp://x", "--token", "x")[2].startswith("error: --url: must begin with http")
    status, _, err = run("tree", "--url", "http://127.0.0.1:1", "--token", "x")
    assert (status, err) == (
        2,
        "error: --url: http://127.0.0.1:1 does not answer: [Errno 111] Connection refused\n",
    )
