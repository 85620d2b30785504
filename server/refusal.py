"""What a command says when it cannot do what it was asked."""

from config.errors import Problem


class Refusal(Exception):
    """A command cannot go on, for a reason outside the program. `problems` say which, a line each, and name the setting to change."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def refuse(setting: str, message: str) -> Refusal:
    """A refusal for one reason."""
    return Refusal(Problem(setting, message))
