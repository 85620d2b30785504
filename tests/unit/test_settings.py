"""Where settings come from, which win, and what is said of wrong ones."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from config import describe
from config.settings import NodeRole, Settings, SettingsError, load
from config.sources import known

OTHER = {
    "ROLES": "api",
    "TRUSTED_PROXIES": "10.0.0.0/8",
    "ALLOWED_ORIGINS": "https://other",
    "LOG_LEVEL": "debug",
    "LOG_FORMAT": "json",
    "MONGODB_URI": "mongodb://other",
    "REDIS_URL": "redis://other",
    "S3_PUBLIC_ENDPOINT_URL": "https://files.example",
    "S3_ENDPOINT_URL": "http://other",
    "S3_ADDRESSING_STYLE": "path",
    "VAPID_PRIVATE_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE",
    "VAPID_SUBJECT": "mailto:other@example.org",
    "PUSH_NETWORKS": "10.0.0.0/8",
}
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environ)
    return [str(problem) for problem in caught.value.problems]


def test_defaults_need_nothing() -> None:
    settings = load({})
    assert settings == Settings()
    assert (settings.port, settings.own_port, settings.host) == (8000, 0, "127.0.0.1")
    assert settings.roles == frozenset(NodeRole)


def test_building_settings_directly_does_not_read_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9000")
    assert Settings().port == 8000
    assert load().port == 9000


def test_command_line_before_environment_before_file_before_default() -> None:
    Path("chat-platform.toml").write_text(
        'port = 1\nhost = "file"\nnode_name = "file"\n[redis]\nprefix = "file:"\n'
    )
    settings = load({"PORT": "2", "HOST": "environment"}, port=3, own_port=None)
    assert (settings.port, settings.host, settings.node_name, settings.redis.prefix) == (
        3,
        "environment",
        "file",
        "file:",
    )
    assert settings.own_port == 0


def test_the_file_may_be_anywhere() -> None:
    Path("elsewhere.toml").write_text("port = 1234")
    assert load({"CHAT_CONFIG": "elsewhere.toml"}).port == 1234
    assert problems({"CHAT_CONFIG": "missing.toml"}) == [
        "CHAT_CONFIG: cannot read missing.toml: No such file or directory"
    ]


def test_of_one_kind_of_file_the_size_may_be_set_without_the_types() -> None:
    Path("chat-platform.toml").write_text("[media.image]\nmost_bytes = 5\n[media.video]\nmost_bytes = 6\n")
    media, usual = load({"MEDIA_VIDEO_BYTES": "7"}).media, Settings().media
    assert (media.image.most_bytes, media.video.most_bytes) == (5, 7)
    assert (media.image.types, media.video.types) == (usual.image.types, usual.video.types)
    assert media.audio == usual.audio


def test_an_empty_variable_is_not_set() -> None:
    assert load({"PORT": "", "ROLES": ""}) == Settings()


def test_every_setting_can_be_set_by_its_variable() -> None:
    every, usual = known(Settings), Settings()
    names = [each.setting.env for each in every]
    assert len(names) == len(set(names))
    for each in every:
        settings = load({each.setting.env: _other_value(each.setting.env, each.field.default)})
        changed = {other.place for other in every if _at(settings, other.place) != _at(usual, other.place)}
        assert changed == {each.place}


def _other_value(name: str, default: object) -> str:
    if name in OTHER:
        return OTHER[name]
    if name.startswith("RATE_"):
        return "7/min burst 7"
    if name.startswith("MEDIA_") and isinstance(default, tuple):
        return "text/plain, text/csv"
    return str(int(default) + 1) if isinstance(default, int | float) else "other"


def _at(settings: Settings, place: tuple[str, ...]) -> object:
    value: object = settings
    for name in place:
        value = getattr(value, name)
    return value


def test_several_roles_and_networks() -> None:
    settings = load({"ROLES": "api, realtime", "TRUSTED_PROXIES": "10.0.0.0/8, fd00::/8"})
    assert settings.roles == {NodeRole.API, NodeRole.REALTIME}
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "fd00::/8"]


def test_a_secret_may_be_in_a_file_and_loses_the_end_of_its_line() -> None:
    Path("secret").write_text("s3cr3t value\n")
    assert (
        load({"S3_SECRET_ACCESS_KEY_FILE": "secret"}).s3.secret_access_key.get_secret_value()
        == "s3cr3t value"
    )
    assert problems({"S3_SECRET_ACCESS_KEY_FILE": "none"}) == [
        "S3_SECRET_ACCESS_KEY_FILE: cannot read none: No such file or directory"
    ]
    assert problems({"S3_SECRET_ACCESS_KEY_FILE": "secret", "S3_SECRET_ACCESS_KEY": "x"}) == [
        "S3_SECRET_ACCESS_KEY: is set, and so is S3_SECRET_ACCESS_KEY_FILE: set one of them"
    ]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "abc", "PORT: must be a whole number, not 'abc' (from the environment)"),
        ("PORT", "70000", "PORT: must be at most 65535, not '70000' (from the environment)"),
        ("LEASE_S", "0", "LEASE_S: must be more than 0, not '0' (from the environment)"),
        ("STORE_HOLD_S", "inf", "STORE_HOLD_S: must be a finite number, not 'inf' (from the environment)"),
        (
            "LOG_LEVEL",
            "loud",
            "LOG_LEVEL: must be one of 'debug', 'info', 'warning' or 'error', not 'loud' (from the environment)",
        ),
        (
            "TRUSTED_PROXIES",
            "here",
            "TRUSTED_PROXIES: must be networks like 10.0.0.0/8, not 'here' (from the environment)",
        ),
        (
            "S3_ENDPOINT_URL",
            "s3.local",
            "S3_ENDPOINT_URL: must begin with http:// or https://, not 's3.local' (from the environment)",
        ),
        ("OWN_PORT", "8000", "OWN_PORT: must differ from PORT"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_its_setting(name: str, value: str, said: str) -> None:
    assert problems({name: value}) == [said]


def test_all_wrong_settings_are_named_at_once() -> None:
    Path("chat-platform.toml").write_text('port = "x"\n')
    said = problems({"LEASE_S": "-1", "COMMIT_BATCH": "many"})
    assert [line.partition(":")[0] for line in said] == ["PORT", "COMMIT_BATCH", "LEASE_S"]
    assert said[0] == "PORT: must be a whole number, not 'x' (from port in chat-platform.toml)"


def test_two_settings_that_do_not_go_together() -> None:
    assert problems({"LEASE_S": "3"}) == [
        "LEASE_S: must be at least twice HEARTBEAT_S, or one late heartbeat buries a healthy node"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot = 1", "prot: is not a setting; did you mean port? (from chat-platform.toml)"),
        (
            "[redis]\nurll = 'x'",
            "redis.urll: is not a setting; did you mean redis.url? (from chat-platform.toml)",
        ),
        (
            "REDIS_URL = 'x'",
            "REDIS_URL: is not a setting; here it is called redis.url (from chat-platform.toml)",
        ),
        ("redis = 'x'", "redis: must be a table (from chat-platform.toml)"),
        ("port = ", "CHAT_CONFIG: chat-platform.toml is not TOML: Invalid value (at end of document)"),
    ],
)
def test_a_wrong_file(text: str, said: str) -> None:
    Path("chat-platform.toml").write_text(text)
    assert problems({}) == [said]


def test_secrets_are_shown_nowhere() -> None:
    secret = "redis:/:hunter2@host"
    said = problems({"REDIS_URL": secret, "MONGODB_URI": "hunter2"})
    assert [line.partition(":")[0] for line in said] == ["MONGODB_URI", "REDIS_URL"]
    assert "hunter2" not in "".join(said)
    settings = load({"REDIS_URL": "redis://:hunter2@host", "S3_SECRET_ACCESS_KEY": "hunter2"})
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings.model_dump())
    assert settings.secrets == ("redis://:hunter2@host", "hunter2")


def test_settings_cannot_be_changed() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.limits.max_pending = 1  # type: ignore[misc]


def test_what_a_node_cannot_do_without_is_missing_until_it_is_set() -> None:
    assert [problem.name for problem in load({}).missing()] == [
        "MONGODB_URI",
        "REDIS_URL",
        "S3_ACCESS_KEY_ID",
        "S3_SECRET_ACCESS_KEY",
    ]
    given = {
        "MONGODB_URI": "mongodb://h",
        "REDIS_URL": "redis://h",
        "S3_ACCESS_KEY_ID": "a",
        "S3_SECRET_ACCESS_KEY": "b",
    }
    assert load(given).missing() == ()


def test_names_of_nodes_and_their_sockets_differ_by_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "machine")
    assert load({"OWN_PORT": "8001"}).name == "machine-8001"
    assert load({"NODE_NAME": "a"}).name == "a"
    assert load({"VAR_DIR": "x", "OWN_PORT": "8001"}).control_socket == Path("x/run/node-8001.sock")


def test_every_setting_says_what_it_is_and_what_zero_means() -> None:
    for each in known(Settings):
        assert each.field.description, each.place
        default = each.field.default
        if isinstance(default, int | float):
            assert describe.unit(each) or each.place[-1].endswith("port"), each.place
            assert describe.zero(each), each.place
        elif isinstance(default, SecretStr) or default == "":
            assert describe.zero(each), each.place


def test_the_sample_file_is_what_the_code_says_and_loads_as_the_defaults() -> None:
    sample = ROOT / "config/deploy/chat-platform.toml"
    assert sample.read_text() == describe.sample(), (
        "run: python -m config.describe toml > config/deploy/chat-platform.toml"
    )
    assert load({"CHAT_CONFIG": str(sample)}) == Settings()
    everything = "\n".join(
        line[2:] if " = " in line and line.startswith("# ") else line
        for line in sample.read_text().splitlines()
    )
    Path("chat-platform.toml").write_text(everything)
    assert load({}) == Settings()


def test_the_table_in_the_documentation_is_what_the_code_says() -> None:
    assert describe.table() in (ROOT / "docs/operating.md").read_text(), (
        "run: python -m config.describe markdown"
    )
