"""Stories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from handlers.errors import Code
from handlers.pages import Page, PageQuery
from handlers.stories.views import NewStory, StoryGroup, StoryView, ViewerView
from server.rest.operation import Answer, Call, NoQuery, Operation
from server.services import Services

TAG: Final = "stories"


def operations(services: Services) -> Sequence[Operation]:
    """The calls below `/stories`."""
    stories = services.stories

    async def post(call: Call[NewStory, NoQuery]) -> Answer:
        """Show a story to one's contacts, or to chosen ones among them, for 24 hours.

        With a `client_id` that was used before, the first answer again (200), and nothing changes.
        """
        view, created = await stories.post(call.principal, call.body)
        return Answer(201 if created else 200, view)

    async def page(call: Call[None, PageQuery]) -> Page[StoryGroup]:
        """The stories that the caller may see, by person: first those with something not seen yet, then by the newest story.

        One's own are a group like the others', and count as seen. Whose last story is seen while somebody pages may be listed again further down.
        """
        return await stories.page(call.principal, call.query)

    async def delete(call: Call[None, NoQuery]) -> None:
        """End one's own story now. Those who could see it get `STORY_EXPIRED`."""
        await stories.delete(call.principal, call.id("story_id"))

    async def view(call: Call[None, NoQuery]) -> None:
        """Say that one has seen a story. Its owner gets `STORY_VIEWED` the first time; one's own story is not counted."""
        await stories.view(call.principal, call.id("story_id"))

    async def viewers(call: Call[None, PageQuery]) -> Page[ViewerView]:
        """Who has seen one's own story, newest first. Somebody whom one has blocked, or who has blocked one, is left out."""
        return await stories.viewers(call.principal, call.id("story_id"), call.query)

    one = "/stories/{story_id}"
    return (
        Operation(
            method="POST",
            path="/stories",
            serve=post,
            tag=TAG,
            body=NewStory,
            answers={201: StoryView, 200: StoryView},
            refuses=(Code.CONFLICT,),
        ),
        Operation(
            method="GET",
            path="/stories",
            serve=page,
            tag=TAG,
            query=PageQuery,
            answers={200: Page[StoryGroup]},
        ),
        Operation(
            method="DELETE",
            path=one,
            serve=delete,
            tag=TAG,
            answers={204: None},
            refuses=(Code.NOT_FOUND, Code.FORBIDDEN),
        ),
        Operation(
            method="PUT",
            path=one + "/view",
            serve=view,
            tag=TAG,
            answers={204: None},
            refuses=(Code.NOT_FOUND,),
        ),
        Operation(
            method="GET",
            path=one + "/views",
            serve=viewers,
            tag=TAG,
            query=PageQuery,
            answers={200: Page[ViewerView]},
            refuses=(Code.NOT_FOUND, Code.FORBIDDEN),
        ),
    )
