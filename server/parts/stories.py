"""Stories, wired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.settings import NodeRole, Settings
from handlers.media.library import MediaLibrary
from handlers.nodes.fanout import Fanout
from handlers.people.contacts import Contacts
from handlers.routing.commit import GroupCommit
from handlers.sessions.hub import Hub
from handlers.stories.news import StoryNews
from handlers.stories.stories import UserStories
from handlers.workers.announcer import Announcer
from handlers.workers.story_repair import StoryRepair
from server.stores import Stores
from supervisors import ChildSpec


@dataclass(frozen=True, slots=True)
class StoryParts:
    """What a node has for stories."""

    news: StoryNews
    announcer: Announcer
    repair: StoryRepair
    stories: UserStories

    def workers(self, roles: frozenset[NodeRole], flush_s: float) -> tuple[ChildSpec, ...]:
        """What runs: on every node whatever was written there is announced at once; a node for stories announces what is due."""
        own = ChildSpec("announcer", self.announcer.run, shutdown=flush_s)
        return (own, ChildSpec("stories", self.announcer.run_due)) if NodeRole.STORIES in roles else (own,)


def make_stories(
    settings: Settings,
    stores: Stores,
    *,
    hub: Hub,
    fanout: Fanout,
    commit: GroupCommit,
    contacts: Contacts,
    library: MediaLibrary,
    clock: Callable[[], int],
    new_id: Callable[[], str],
) -> StoryParts:
    """Wire them."""
    news = StoryNews(hub, fanout)
    announcer = Announcer(
        stories=stores.stories,
        views=stores.story_views,
        contacts=contacts,
        news=news,
        fanout=fanout,
        media=library,
        busy=lambda: commit.writing or commit.pending > 0,
        clock=clock,
        ttl_s=settings.stories.ttl_s,
    )
    repair = StoryRepair(
        stories=stores.stories,
        views=stores.story_views,
        contacts=contacts,
        news=news,
        clock=clock,
        slack_ms=int(1000 * (2 * settings.cluster.lease_s + 2 * settings.cluster.heartbeat_s + 20)),
    )
    stories = UserStories(
        stories=stores.stories,
        views=stores.story_views,
        users=stores.users,
        contacts=contacts,
        announcer=announcer,
        media=library,
        clock=clock,
        new_id=new_id,
        ttl_s=settings.stories.ttl_s,
        most=settings.stories.most,
    )
    return StoryParts(news, announcer, repair, stories)
