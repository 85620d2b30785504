"""Finding the local stack that runs from a folder, for commands that are used beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from config.settings import Settings, load
from server.local_stack.folder import Folder, in_use


@dataclass(frozen=True, slots=True)
class Found:
    """Settings with the addresses of a stack that runs, and its process."""

    settings: Settings
    process: int


def find(settings: Settings) -> Found | None:
    """The running stack of `var_dir`; `None` if there is none, or if the settings name servers already."""
    if len(settings.missing()) < 4:
        return None
    folder = Folder(settings.var_dir.absolute())
    record = folder.recorded()
    process, env = record.get("process"), record.get("settings")
    if not isinstance(process, int) or not isinstance(env, dict) or not in_use(folder):
        return None
    if "S3_ENDPOINT_URL" in env:
        keys = folder.key_pair()
        env = {**env, "S3_ACCESS_KEY_ID": keys.access_key_id, "S3_SECRET_ACCESS_KEY": keys.secret_access_key}
    return Found(load({**os.environ, **env}), process)
