"""Files: where to upload them, and where to download them."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.errors import Code
from handlers.media.uploads import UploadAnswer, UploadBody
from handlers.media.views import MediaView
from handlers.quotas import Quota
from server.rest.operation import Call, NoQuery, Operation
from server.services import Services

TAG = "media"


def operations(services: Services) -> Sequence[Operation]:
    """The calls below `/media`."""
    media = services.media

    async def begin(call: Call[UploadBody, NoQuery]) -> UploadAnswer:
        """Begin an upload: where, and with which headers, to send the file.

        The client sends it directly to the object store, which takes exactly the promised type and size. Then a message, a story or a
        profile may name its `media_id`.
        """
        return await media.uploads.begin(call.principal, call.body)

    async def get(call: Call[None, NoQuery]) -> MediaView:
        """A file, with a URL that is good for a few minutes. For its owner, and for those who may see what it is part of."""
        return await media.views.get(call.principal, call.id("media_id"))

    return (
        Operation(
            method="POST",
            path="/media/uploads",
            serve=begin,
            tag=TAG,
            body=UploadBody,
            quotas=(Quota.UPLOADS,),
            answers={201: UploadAnswer},
            refuses=(Code.RATE_LIMITED,),
        ),
        Operation(
            method="GET",
            path="/media/{media_id}",
            serve=get,
            tag=TAG,
            answers={200: MediaView},
            refuses=(Code.NOT_FOUND,),
        ),
    )
