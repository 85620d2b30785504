"""What takes a while to be done for accounts, wired: deletion, archives, and the worker that carries them out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from config.settings import NodeRole, Settings
from handlers.accounts.deletion import Deletion, Leave
from handlers.accounts.export_contents import ExportContents
from handlers.accounts.exports import Exports, Run
from handlers.accounts.leavings import Leavings
from handlers.audit.audit import Audit
from handlers.auth.auth import Auth
from handlers.chats.conversations import Conversations
from handlers.people.blocking import Blocking
from handlers.signal import Signal
from handlers.workers.account_tasks import AccountTasks, Task
from persistence.models import AccountTask
from server.stores import Stores
from supervisors import ChildSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountParts:
    """Deletion and archives, and who carries them out."""

    deletion: Deletion
    exports: Exports
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
    leavings: Leavings,
    run: Run,
    clock: Callable[[], int],
    new_id: Callable[[], str],
) -> AccountParts:
    """Wire it."""
    wake = Signal()
    exports = Exports(
        jobs=stores.account_jobs,
        users=stores.users,
        contents=ExportContents(
            users=stores.users,
            devices=stores.devices,
            chats=stores.chats,
            log=stores.log,
            blocks=stores.blocks,
            media=stores.media,
            stories=stores.stories,
            clock=clock,
        ),
        objects=stores.objects,
        audit=audit,
        folder=settings.var_dir / "exports",
        run=run,
        wake=wake.set,
        clock=clock,
        new_id=new_id,
    )
    deletion = Deletion(
        jobs=stores.account_jobs,
        users=stores.users,
        chats=stores.chats,
        invites=stores.invites,
        auth=auth,
        audit=audit,
        conversations=conversations,
        blocking=blocking,
        subjects=(
            leavings.forget_subscriptions,
            *subjects,
            leavings.drop_picture,
            exports.forget,
        ),
        wake=wake.set,
        clock=clock,
        new_id=new_id,
    )
    how: dict[AccountTask, Task] = {AccountTask.DELETION: deletion, AccountTask.EXPORT: exports}
    tasks = AccountTasks(stores.account_jobs, how, wake, clock)
    children = (ChildSpec("accounts", tasks.run),) if NodeRole.API in settings.roles else ()
    return AccountParts(deletion=deletion, exports=exports, tasks=tasks, children=children)
