"""Who is there, and what they have said. Nothing here is secret: whoever reads this may sign in as any of them, on a stack that listens to its own machine alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

PASSWORD: Final = "just trying things"  # noqa: S105 - it is on the sign-in page


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody. Their number is one of those that are kept for stories: no telephone rings."""

    name: str
    phone: str
    status: str
    password: str = PASSWORD


@dataclass(frozen=True, slots=True)
class Line:
    """A message. `answers` is how many lines before it the one is that it replies to."""

    by: Person
    text: str
    answers: int = 0


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat, made by the first of its members; `admins` help them. A direct one has no title. `unread` are the lines at its end that nobody has read."""

    kind: Literal["direct", "group", "channel"]
    members: tuple[Person, ...]
    lines: tuple[Line, ...]
    title: str = ""
    admins: tuple[Person, ...] = ()
    unread: int = 0


AMARA: Final = Person("Amara Okafor", "+12025550101", "Somewhere with good coffee")
BEN: Final = Person("Ben Fischer", "+12025550102", "Please write, don't call")
CHEN: Final = Person("Chen Wei", "+12025550103", "On the road until Sunday")
DALIA: Final = Person("داليا حداد", "+12025550104", "متاحة")
ELIF: Final = Person("Elif Kaya", "+12025550105", "")
PEOPLE: Final = (AMARA, BEN, CHEN, DALIA, ELIF)

STORIES: Final = (
    (BEN, "Fog all the way to the summit, and then, for two minutes, everything."),
    (CHEN, "Night train. Six hours of window."),
)

CHATS: Final = (
    Chat(
        "channel",
        (BEN, AMARA, CHEN, DALIA, ELIF),
        (
            Line(BEN, "Welcome! Here is what changes in the neighbourhood, about once a week."),
            Line(BEN, "The bridge by the mill is closed until the 14th. Bicycles: the ford is fine."),
            Line(BEN, "Market is on the station square this Saturday, from 8 to 1."),
        ),
        title="Neighbourhood news",
        admins=(AMARA,),
    ),
    Chat(
        "direct",
        (AMARA, ELIF),
        (
            Line(ELIF, "Did you get the keys?"),
            Line(AMARA, "Yes, they were under the third pot. Obviously the third."),
            Line(ELIF, "It was the third from the other side 😅"),
        ),
    ),
    Chat(
        "direct",
        (AMARA, DALIA),
        (
            Line(DALIA, "صباح الخير! هل وصلت الصور؟"),
            Line(AMARA, "صباح النور، وصلت كلها. شكرًا! 🌷"),
            Line(DALIA, "العفو. أراك يوم السبت عند الجسر."),
        ),
    ),
    Chat(
        "direct",
        (AMARA, CHEN),
        (
            Line(CHEN, "I land at 18:40, if the wind agrees."),
            Line(AMARA, "I'll be the one with the sign that says nothing."),
            Line(
                CHEN, "Perfect. See https://en.wikipedia.org/wiki/Airport_terminal for what I'll be lost in."
            ),
        ),
    ),
    Chat(
        "group",
        (AMARA, BEN, CHEN, DALIA, ELIF),
        (
            Line(AMARA, "So: Saturday. Who is in?"),
            Line(BEN, "In. I know a way up that avoids the gravel road."),
            Line(CHEN, "The one with the ladder?"),
            Line(BEN, "The one with the *new* ladder.", answers=1),
            Line(DALIA, "أنا معكم 🥾"),
            Line(ELIF, "I can drive four people, or three and Ben's backpack."),
            Line(BEN, "Three and my backpack it is."),
            Line(
                AMARA, "Then 7:15 at the station square, before the market. I'll bring bread and the thermos."
            ),
            Line(CHEN, "And if it rains?"),
            Line(AMARA, "Then we bring two thermoses.", answers=1),
        ),
        title="Saturday hike",
        admins=(BEN,),
    ),
    Chat(
        "direct",
        (AMARA, BEN),
        (
            Line(BEN, "Can you look over the notice for the bridge before it goes out?"),
            Line(
                AMARA, "Looked. “Until the 14th”, not “from the 14th”: otherwise everybody will wade twice."
            ),
            Line(BEN, "Ha. Thank you."),
            Line(BEN, "One more thing: is the group for Saturday full?"),
        ),
        unread=1,
    ),
)
