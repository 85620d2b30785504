"""The version of this software."""

import importlib.metadata
import tomllib
from pathlib import Path


def version() -> str:
    """The version that is installed, or that of the checkout this runs from."""
    project = Path(__file__).resolve().parents[1] / "pyproject.toml"
    if project.exists():
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    return importlib.metadata.version("chat-platform")
