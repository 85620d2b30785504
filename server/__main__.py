"""`python -m server`: everything that operators and developers run."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - somebody with an older one gets a sentence, not a traceback
    sys.exit(f"error: this needs Python 3.11 or newer, and {sys.executable} is {sys.version.split()[0]}")

import importlib
from typing import Any, Final

import click

from config.settings import SettingsError
from server.refusal import Refusal
from server.version import version

EXIT_REFUSED: Final = 2
_COMMANDS: Final = {
    "serve": "serve",
    "local": "local",
    "init-db": "init_db",
    "check": "check",
    "tree": "tree",
    "replay": "replay",
    "create-operator": "create_operator",
    "dead-letters": "dead_letters",
    "verify-audit": "verify_audit",
    "describe": "describe",
}


class Commands(click.Group):
    """Finds each command in a module of its own, imported only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order in which somebody new would need them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or `None` if there is none of this name."""
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = importlib.import_module(f"server.commands.{module}").command
        assert isinstance(command, click.Command)
        return command


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version(), message="%(version)s")
def cli() -> None:
    """A chat platform on a supervised process tree.

    Settings come from the environment and from a TOML file (chat-platform.toml here, or the one that CHAT_CONFIG names).
    """


def main(arguments: list[str] | None = None, **options: Any) -> None:
    """Run a command. What is wrong outside the program is said in a line each, without a traceback; the status then is 2."""
    try:
        cli.main(arguments, prog_name="python -m server", **options)
    except (SettingsError, Refusal) as error:
        for problem in error.problems:
            click.echo(f"error: {problem}", err=True)
        sys.exit(EXIT_REFUSED)


if __name__ == "__main__":
    main()
