"""Chats as their members see and manage them, wired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.settings import Settings
from handlers.audit.audit import Audit
from handlers.chats.conversations import Conversations
from handlers.chats.history import History
from handlers.chats.invitations import Invitations
from handlers.chats.views import ChatViews
from handlers.nodes.fanout import Fanout
from handlers.receipts.receipts import Receipts
from server.parts.messages import MessageParts
from server.stores import Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatParts:
    """What a node has for chats."""

    conversations: Conversations
    invitations: Invitations
    history: History


def make_chats(
    settings: Settings,
    stores: Stores,
    *,
    messages: MessageParts,
    receipts: Receipts,
    views: ChatViews,
    fanout: Fanout,
    audit: Audit,
    clock: Callable[[], int],
    new_id: Callable[[], str],
) -> ChatParts:
    """Wire them."""
    most_members = settings.limits.max_members_group
    return ChatParts(
        conversations=Conversations(
            chats=stores.chats,
            blocks=stores.blocks,
            users=stores.users,
            store=stores.log,
            views=views,
            writer=messages.writer,
            fanout=fanout,
            audit=audit,
            clock=clock,
            new_id=new_id,
            most_members=most_members,
        ),
        invitations=Invitations(
            invites=stores.invites,
            chats=stores.chats,
            blocks=stores.blocks,
            views=views,
            writer=messages.writer,
            clock=clock,
            new_id=new_id,
            most_members=most_members,
        ),
        history=History(
            chats=stores.chats,
            users=stores.users,
            store=stores.log,
            routers=messages.routers,
            receipts=receipts,
        ),
    )
