"""Who may open a socket, or a long-polling session, before it is asked whose it is: not from any page, and not too often from one address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handlers.errors import ChatError, Code
from handlers.quotas import Quota, Quotas
from server.addresses import Network, client_address, limited_address


class Admission:
    """Looks at the head of the request that opens a connection.

    An origin is not what keeps others out: what identifies a client is a token that it has to bring itself, and no cookie that a browser adds for whatever
    page asks. So any origin is as good as another unless the settings say otherwise.

    Args:
        quotas: how often addresses may connect.
        trusted: networks of proxies.
        origins: pages that may connect, in lower case; none is any.

    """

    def __init__(
        self, quotas: Quotas, *, trusted: Sequence[Network] = (), origins: Sequence[str] = ()
    ) -> None:
        self._quotas = quotas
        self._trusted = trusted
        self._origins = origins

    def check(self, headers: Mapping[str, str], peer: str) -> None:
        """Return if it may go on.

        Args:
            headers: by name in lower case.
            peer: the other end of the connection.

        Raises:
            ChatError: `FORBIDDEN`, `RATE_LIMITED`.

        """
        origin = headers.get("origin")
        if self._origins and origin is not None and origin.lower() not in self._origins:
            raise ChatError(Code.FORBIDDEN, "pages of this origin may not connect")
        address = client_address(peer, headers.get("x-forwarded-for"), self._trusted)
        self._quotas.take_from(Quota.CONNECTS_FROM, limited_address(address, self._trusted))
