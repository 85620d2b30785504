"""What the commands that need the stores have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click
from pymongo.errors import PyMongoError

from config.settings import Settings, load
from handlers.errors import ChatError
from persistence.errors import StoreUnavailable
from server.refusal import refuse

if TYPE_CHECKING:
    from persistence.mongo import Mongo

T = TypeVar("T")


def load_or_find() -> Settings:
    """The settings; where they name no servers, those of the local stack that runs from this folder, if one does."""
    from server.local_stack.running import find

    settings = load()
    found = find(settings)
    if found is None:
        return settings
    click.echo(f"Using the local stack of {settings.var_dir}/ (process {found.process}).", err=True)
    return found.settings


async def with_mongodb(settings: Settings, use: Callable[[Mongo], Awaitable[T]]) -> T:
    """What `use` gives, called with the connected database. Raises `Refusal` (not set, or does not answer) and what `use` raises as `ChatError`."""
    from persistence.mongo import Mongo

    uri = settings.mongodb.uri.get_secret_value()
    if not uri:
        raise refuse("MONGODB_URI", "is not set, and no local stack runs from this folder")
    failure: ChatError | StoreUnavailable | PyMongoError
    try:
        mongo = Mongo(uri, settings.mongodb.database, timeout_ms=settings.mongodb.timeout_ms)
    except PyMongoError as error:
        raise refuse("MONGODB_URI", str(error)) from error
    async with mongo.running():
        try:
            return await use(mongo)
        except (ChatError, StoreUnavailable, PyMongoError) as error:
            failure = error  # raised outside: the threads' nursery would put it into a group
    if isinstance(failure, ChatError):
        raise failure
    reason = failure.reason if isinstance(failure, StoreUnavailable) else str(failure)
    raise refuse("MONGODB_URI", f"the database does not do what is asked: {reason[:300]}") from failure
