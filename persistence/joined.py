"""What a change of the log makes of somebody who was not in the chat."""

from persistence.models import Change, Member


def new_member(change: Change, seq: int) -> Member:
    """Somebody who joins: what was written before counts as read."""
    assert change.user_id is not None
    assert change.role is not None
    return Member(
        chat_id=change.chat_id,
        user_id=change.user_id,
        role=change.role,
        joined_at=change.at,
        joined_seq=seq,
        delivered_seq=seq,
        read_seq=seq,
        updated_at=change.at,
    )
