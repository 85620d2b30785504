"""Pieces of the local stack that need no servers."""

import re
import socket
from pathlib import Path

import pytest

from config.settings import Settings
from server.local_stack.binaries import MONGOD, Binary
from server.local_stack.folder import Folder, in_use, opened
from server.local_stack.log_file import LogFile
from server.local_stack.narrator import last_words
from server.local_stack.plan import make, reachable
from server.local_stack.ports import Ports
from server.local_stack.proxy import SAMPLE, configuration
from server.refusal import Refusal


@pytest.fixture
def program(tmp_path: Path) -> str:
    path = tmp_path / "program"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def first_of_two_free_ports() -> int:
    for first in range(41_000, 48_000, 2):
        with socket.socket() as one, socket.socket() as two:
            try:
                one.bind(("127.0.0.1", first))
                two.bind(("127.0.0.1", first + 1))
            except OSError:
                continue
            return first
    raise AssertionError("no free ports")


def test_a_taken_port_leads_to_the_next_free_one() -> None:
    first = first_of_two_free_ports()
    with socket.socket() as other, Ports() as ports:
        other.bind(("127.0.0.1", first))
        other.listen()
        assert ports.choose(first, preferred=None, setting="X") == first + 1


def test_the_port_of_last_time_is_taken_again_if_it_is_free() -> None:
    first = first_of_two_free_ports()
    with Ports() as ports:
        assert ports.choose(first, preferred=first + 1, setting="X") == first + 1
        assert ports.choose(first, preferred=first + 1, setting="X") == first
    with Ports(taken=[first + 1]) as ports:
        assert ports.choose(first, preferred=first + 1, setting="X") == first


def test_two_that_choose_at_once_get_different_ports() -> None:
    first = first_of_two_free_ports()
    with Ports() as one, Ports() as two:
        assert one.choose(first, preferred=None, setting="X") == first
        assert two.choose(first, preferred=None, setting="X") == first + 1
    with Ports() as three:
        assert three.choose(first, preferred=None, setting="X") == first


def test_a_folder_is_for_one_at_a_time(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "var")
    assert not in_use(folder)
    with opened(tmp_path / "var"):
        assert in_use(folder)
        with (
            pytest.raises(Refusal, match=r"VAR_DIR: .* in use by another local stack \(process \d+\)"),
            opened(tmp_path / "var"),
        ):
            pass
    assert not in_use(folder)


def test_the_key_pair_is_made_once_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    with opened(tmp_path) as folder:
        pair = folder.key_pair()
        assert folder.key_pair() == pair
        assert (tmp_path / "secrets" / "s3.json").stat().st_mode & 0o777 == 0o600
        assert len(pair.secret_access_key) >= 40
        (tmp_path / "secrets" / "s3.json").write_text("broken")
        with pytest.raises(Refusal, match="remove it, and a new key pair is made"):
            folder.key_pair()


def test_a_plan_gives_nodes_what_they_need(tmp_path: Path, program: str) -> None:
    local = {"mongod": program, "redis_server": program, "rclone": program}
    settings = Settings(port=first_of_two_free_ports(), local=local, node_name="east", var_dir=tmp_path)
    with opened(tmp_path) as folder, Ports() as ports:
        plan = make(settings, folder, ports, 1)
        record = folder.recorded()
        secret = folder.key_pair().secret_access_key
    assert [part.id for part in plan.servers] == ["mongodb", "redis", "s3"]
    assert plan.settings.missing() == ()
    (node,) = plan.nodes
    assert node.env["OWN_PORT"] == str(settings.port + 1)
    assert node.env["NODE_NAME"] == "east-1"
    assert node.env["MONGODB_URI"] == plan.settings.mongodb.uri.get_secret_value()
    assert record["nodes"] == [settings.port + 1]
    assert all("127.0.0.1" in part.address for part in plan.servers)
    assert secret not in str([part.command for part in plan.servers]) + str(record)


def test_behind_a_proxy_nodes_listen_on_their_own_ports_alone(tmp_path: Path, program: str) -> None:
    local = {"mongod": program, "redis_server": program, "rclone": program, "nginx": program}
    settings = Settings(port=first_of_two_free_ports(), host="0.0.0.0", local=local, var_dir=tmp_path)
    with opened(tmp_path) as folder, Ports() as ports:
        plan = make(settings, folder, ports, 1, proxied=True)
        assert [part.id for part in plan.parts] == ["mongodb", "redis", "s3", "nginx", "node-1"]
        (node,) = plan.nodes
        assert (node.env["HOST"], node.env["PORT"], node.env["OWN_PORT"]) == (
            "127.0.0.1",
            str(settings.port + 1),
            "0",
        )
        text = (folder.run / "nginx" / "nginx.conf").read_text()
        assert f"listen 0.0.0.0:{settings.port};" in text
        servers = re.findall(r"^ +server (\S+) ", text, re.MULTILINE)
        assert servers == [f"127.0.0.1:{settings.port + 1}"] * 2
        with pytest.raises(Refusal, match="--proxy: needs nodes"):
            make(settings, folder, ports, 0, proxied=True)


def test_a_proxys_configuration_has_each_node_in_each_upstream() -> None:
    text = configuration(SAMPLE.read_text(), "127.0.0.1:9", ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"])
    servers = re.findall(r"^ +server (\S+) max_fails=1 fail_timeout=2s;", text, re.MULTILINE)
    assert servers == ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"] * 2
    assert re.findall(r"^ +listen (.+);", text, re.MULTILINE) == ["127.0.0.1:9"]
    with pytest.raises(Refusal, match="is not the configuration that this can be made of"):
        configuration(text, "127.0.0.1:9", ["127.0.0.1:1"])


def test_a_plan_starts_nothing_of_what_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "MONGODB_URI": "mongodb://db.example",
        "REDIS_URL": "redis://cache.example",
        "S3_ACCESS_KEY_ID": "a",
        "S3_SECRET_ACCESS_KEY": "b",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = Settings(
        mongodb={"uri": given["MONGODB_URI"]},
        redis={"url": given["REDIS_URL"]},
        s3={"access_key_id": "a", "secret_access_key": "b"},
    )
    with opened(tmp_path) as folder, Ports() as ports:
        plan = make(settings, folder, ports, 0)
    assert plan.servers == plan.nodes == ()
    assert plan.settings.mongodb.uri.get_secret_value() == "mongodb://db.example"


def test_programs_are_found_where_the_project_installs_them_or_not_at_all() -> None:
    absent = Binary(
        "no-such-program", "LOCAL_X", "set X_URL to a server that runs", "nowhere/no-such-program"
    )
    with pytest.raises(
        Refusal, match=r"LOCAL_X: there is no no-such-program: .*set X_URL to a server that runs"
    ):
        absent.find("")
    assert MONGOD.find("/bin/sh") == "/bin/sh"


def test_log_files_are_limited_in_size(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "x.log", most_bytes=100)
    for number in range(100):
        log.write(f"line {number}")
    log.close()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 250
    assert (tmp_path / "x.log").read_text().endswith("line 99\n")
    assert (tmp_path / "x.log.1").exists()
    log.write("again \udcff")
    log.close()
    assert "again ?" in (tmp_path / "x.log").read_text()


def test_the_last_words_of_a_server_are_those_that_say_most() -> None:
    assert last_words(["starting", "cannot open config", ""]) == "cannot open config"
    fatal = '{"s":"E","msg":"Failed to start","attr":{"error":"Data directory not found"}}'
    assert (
        last_words(['{"s":"I","msg":"starting"}', fatal, '{"s":"I","msg":"bye"}'])
        == "Failed to start Data directory not found"
    )
    assert last_words([]) == ""


def test_where_something_that_listens_everywhere_can_be_reached() -> None:
    assert [reachable(host) for host in ("0.0.0.0", "::", "10.1.2.3")] == ["127.0.0.1", "::1", "10.1.2.3"]
