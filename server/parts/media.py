"""Files, wired."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from config.settings import Settings
from handlers.media.library import MediaLibrary
from handlers.media.uploads import Uploads
from handlers.media.uses import AVATAR, MESSAGE, AllUses, AvatarUses, MessageUses, Uses
from handlers.media.views import MediaViews
from handlers.people.contacts import Contacts
from handlers.workers.media_review import MediaReview
from server.stores import Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaParts:
    """What a node has for files."""

    library: MediaLibrary
    uploads: Uploads
    views: MediaViews
    review: MediaReview


def make_media(
    settings: Settings,
    stores: Stores,
    contacts: Contacts,
    *,
    clock: Callable[[], int],
    new_id: Callable[[], str],
    others: Mapping[str, Uses] | None = None,
) -> MediaParts:
    """Wire them.

    Args:
        settings: limits and times.
        stores: the record and the object store.
        contacts: who has blocked whom.
        clock: milliseconds since the epoch.
        new_id: makes ids.
        others: kinds of use beside messages and profile pictures, by the beginning of their names.

    """
    media = settings.media
    uses = AllUses(
        {
            MESSAGE: MessageUses(stores.chats, stores.log, patience_s=media.orphan_s),
            AVATAR: AvatarUses(stores.users, contacts),
            **(others or {}),
        }
    )
    library = MediaLibrary(stores.media, stores.objects, clock, new_id, upload_ttl_s=media.upload_ttl_s)
    return MediaParts(
        library=library,
        uploads=Uploads(stores.media, stores.objects, clock, new_id, media),
        views=MediaViews(stores.media, stores.objects, uses, clock, ttl_s=media.download_ttl_s),
        review=MediaReview(
            stores.media,
            stores.objects,
            library,
            uses,
            clock,
            new_id,
            orphan_s=media.orphan_s,
            every_s=media.review_s,
        ),
    )
