"""What takes a while to be done for accounts, wired: deletion, and the worker that carries it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from config.settings import NodeRole, Settings
from handlers.audit import Audit
from handlers.auth import Auth
from handlers.blocking import Blocking
from handlers.chats import Conversations
from handlers.deletion import Deletion, Leave
from handlers.signal import Signal
from handlers.workers.account_tasks import AccountTasks
from persistence.models import AccountTask
from server.stores import Stores
from supervisors import ChildSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Deletion, and who carries it out."""

    deletion: Deletion
    tasks: AccountTasks
    children: tuple[ChildSpec, ...]


def make_accounts(
    settings: Settings,
    stores: Stores,
    *,
    auth: Auth,
    audit: Audit,
    conversations: Conversations,
    blocking: Blocking,
    subjects: Sequence[Leave],
    clock: Callable[[], int],
    new_id: Callable[[], str],
) -> Accounts:
    """Wire it; `subjects` are those that keep something of a user beside what is named here."""
    wake = Signal()
    deletion = Deletion(
        jobs=stores.account_jobs,
        users=stores.users,
        chats=stores.chats,
        invites=stores.invites,
        auth=auth,
        audit=audit,
        conversations=conversations,
        blocking=blocking,
        subjects=subjects,
        wake=wake.set,
        clock=clock,
        new_id=new_id,
    )
    tasks = AccountTasks(stores.account_jobs, {AccountTask.DELETION: deletion}, wake, clock)
    children = (ChildSpec("accounts", tasks.run),) if NodeRole.API in settings.roles else ()
    return Accounts(deletion=deletion, tasks=tasks, children=children)
