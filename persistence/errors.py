"""The ways in which a store can refuse, the same for every backend."""


class StoreError(Exception):
    """Base of everything a port raises on purpose."""


class StoreUnavailable(StoreError):
    """The store could not be reached or could not answer in time; whether a write took effect is unknown.

    Retrying is safe for every write of `persistence.ports`: each is idempotent or guarded by a unique index.
    """

    def __init__(self, store: str, reason: str) -> None:
        super().__init__(f"{store}: {reason}")
        self.store = store
        self.reason = reason


class AlreadyExists(StoreError):
    """A unique value (`what`, for example "phone") is taken."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} already exists")
        self.what = what


class NotFound(StoreError):
    """The thing to change does not exist, or no longer has the state the change needs."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} not found")
        self.what = what
