"""From a request as it came to a `Call`: token, parameters, body. Whatever is wrong with them is a `ChatError`."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import inspect
from quart import Request

from handlers.bodies import from_validation
from handlers.errors import ChatError, Code
from handlers.principal import Principal
from handlers.quotas import Quota
from server.addresses import client_address, limited_address
from server.rest.operation import Call, Operation
from server.rest.security import bearer
from server.services import Services

MOST_PART: Final = 128
"""Longest id in a path, in characters; none is."""
_JSON: Final = "application/json"


class Requests:
    """Reads the requests of one operation."""

    def __init__(self, operation: Operation, services: Services) -> None:
        self._operation = operation
        self._services = services
        self._repeated = _repeated(operation.query)
        self._decode = None if operation.body is None else msgspec.json.Decoder(operation.body).decode

    async def read(self, request: Request, path: dict[str, str]) -> Call[Any, Any]:
        """The call. Raises `ChatError`, or `werkzeug`'s exception for a body that is too large or late."""
        services, operation = self._services, self._operation
        caller = None
        if any(len(part) > MOST_PART for part in path.values()):
            raise ChatError(Code.NOT_FOUND, "there is nothing here")
        if not operation.public:
            caller = bearer(request.headers.get("Authorization"), services.tokens)
        address = client_address(
            request.remote_addr, request.headers.get("X-Forwarded-For"), services.settings.trusted_proxies
        )
        self._limit(caller, address)
        return Call(caller, await self._body(request), self._query(request), path, address)

    def _limit(self, caller: Principal | None, address: str) -> None:
        """Raises `ChatError` (`RATE_LIMITED`). Before the body is read: a call that is refused costs little, and a bad one counts."""
        quotas = self._services.quotas
        if caller is not None:
            quotas.take(Quota.REQUESTS, caller.user_id)
        for quota in self._operation.quotas:
            if quota.of_address:
                quotas.take_from(quota, limited_address(address, self._services.settings.trusted_proxies))
            else:
                assert caller is not None, "what needs no token is limited by address"
                quotas.take(quota, caller.user_id)

    def _query(self, request: Request) -> Any:
        given: dict[str, Any] = request.args.to_dict()
        given |= {name: request.args.getlist(name) for name in self._repeated & given.keys()}
        try:
            return msgspec.convert(given, self._operation.query, strict=False)
        except msgspec.ValidationError as error:
            raise from_validation(error) from None

    async def _body(self, request: Request) -> Any:
        if self._decode is None:
            return None
        raw = await request.get_data(cache=False)
        assert isinstance(raw, bytes)
        if not raw and not self._operation.body_required:
            raw = b"{}"
        elif request.mimetype != _JSON:
            raise ChatError(Code.UNSUPPORTED_MEDIA_TYPE, f"the body must be {_JSON}")
        try:
            return self._decode(raw)
        except msgspec.ValidationError as error:
            _require_json(raw)
            raise from_validation(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _malformed(error) from None


def _repeated(query: type[msgspec.Struct]) -> frozenset[str]:
    """Parameters that may be given several times: those that are lists. Of the others the first counts."""
    kind = inspect.type_info(query)
    assert isinstance(kind, inspect.StructType)
    return frozenset(field.encode_name for field in kind.fields if _is_list(field.type))


def _is_list(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.UnionType):
        return any(_is_list(part) for part in kind.types)
    if isinstance(kind, inspect.Metadata):
        return _is_list(kind.type)
    return isinstance(kind, inspect.ListType)


def _require_json(raw: bytes) -> None:
    """Decoding stops at the first field that is wrong; what follows it may not be JSON at all."""
    try:
        msgspec.json.decode(raw)
    except msgspec.ValidationError:
        return  # JSON, with a number beyond what is represented here
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(error) from None


def _malformed(error: Exception) -> ChatError:
    if isinstance(error, RecursionError):
        return ChatError(Code.MALFORMED, "the body is nested too deeply")
    if isinstance(error, UnicodeDecodeError):
        return ChatError(Code.MALFORMED, "the body is not UTF-8")
    reason = str(error).removeprefix("JSON is malformed: ")
    return ChatError(Code.MALFORMED, f"the body is not JSON: {reason}")
