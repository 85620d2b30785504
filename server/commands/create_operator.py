"""Make somebody an operator."""

from __future__ import annotations

import sys
from functools import partial
from typing import IO, TYPE_CHECKING

import click

from config.settings import Settings
from server.refusal import refuse

if TYPE_CHECKING:
    from persistence.models import User
    from persistence.mongo import Mongo


@click.command("create-operator", short_help="Make somebody an operator.")
@click.argument("phone")
@click.option("--name", help="Name of the account, if there is none with this number yet.")
@click.option(
    "--password-file",
    type=click.File(),
    help="File with the password of a new account; - for standard input.",
)
def command(phone: str, name: str | None, password_file: IO[str] | None) -> None:
    """Give the account with this PHONE number (like +4930123456) the rights of an operator.

    Without such an account, one is made. The rights come with the next access token, on signing in or within the life of the present one.
    """
    import trio

    from handlers.auth.phones import e164
    from handlers.errors import ChatError
    from server.commands.stores import load_or_find, with_mongodb

    try:
        number = e164(phone)
        settings = load_or_find()
        user = trio.run(with_mongodb, settings, partial(_promote, number))
        if user is None:
            if not sys.stdin.isatty() and (name is None or password_file is None):
                raise refuse(
                    "create-operator", "there is no such account: give --name and --password-file to make one"
                )
            name = name or click.prompt("There is no such account yet. Its name")
            password = (
                password_file.read().rstrip("\r\n")
                if password_file is not None
                else click.prompt("Its password", hide_input=True, confirmation_prompt=True)
            )
            user = trio.run(with_mongodb, settings, partial(_make, settings, number, name, password))
    except ChatError as error:
        detail = "; ".join(f"{each.field} {each.message}" for each in error.errors) or error.message
        raise refuse("create-operator", detail) from error
    click.echo(f"{user.name} ({user.phone}) is an operator.")


async def _promote(phone: str, mongo: Mongo) -> User | None:
    """Make the user of this number an operator; `None` if there is none."""
    from persistence.users import MongoUsers

    users = MongoUsers(mongo)
    user = await users.by_phone(phone)
    if user is not None:
        await users.set_operator(user.id, operator=True)
        await _note(user, mongo)
    return user


async def _note(user: User, mongo: Mongo) -> None:
    """Who has the rights of an operator is in the audit log; that it is the command line that gave them says that no user did."""
    from handlers.audit.writer import AuditWriter
    from persistence.audit import MongoAuditLog
    from persistence.ids import Ids, wall_clock
    from persistence.models import AuditAction, AuditNote

    note = AuditNote(
        id=f"create-operator/{Ids()()}",
        at=wall_clock(),
        action=AuditAction.OPERATOR_MADE,
        about={"user_id": user.id, "by": "command line"},
    )
    await AuditWriter(MongoAuditLog(mongo)).append([note])


async def _make(settings: Settings, phone: str, name: str, password: str, mongo: Mongo) -> User:
    """Make a user who is an operator. Raises `ChatError`."""
    from handlers.auth.auth import MAX_NAME, MAX_PASSWORD, MIN_PASSWORD
    from handlers.auth.passwords import Passwords
    from handlers.errors import invalid
    from handlers.text_fields import one_line
    from persistence.ids import Ids, wall_clock
    from persistence.models import User
    from persistence.users import MongoUsers

    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise invalid("password", f"must be {MIN_PASSWORD} to {MAX_PASSWORD} characters long")
    auth = settings.auth
    passwords = Passwords(
        memory_kib=auth.argon2_memory_kib, iterations=auth.argon2_iterations, lanes=auth.argon2_lanes
    )
    now = wall_clock()
    user = User(
        id=Ids()(),
        name=one_line(name, "name", most=MAX_NAME),
        phone=phone,
        password_hash=await passwords.hash(password),
        operator=True,
        created_at=now,
        updated_at=now,
    )
    await MongoUsers(mongo).create(user)
    await _note(user, mongo)
    return user
