"""The pair that a direct chat belongs to: two sorted user ids, joined by ":"."""


def pair_of(one: str, other: str) -> str:
    """What names the direct chat of two users, whoever asks."""
    return ":".join(sorted((one, other)))


def two_of(pair: str) -> tuple[str, str]:
    """Both of them."""
    one, _, other = pair.partition(":")
    return one, other


def other_of(pair: str, user_id: str) -> str:
    """The other of the two."""
    one, other = two_of(pair)
    return other if one == user_id else one
