"""The OpenAPI 3.1 document, made from the operations and the types that the code itself uses.

Source: OpenAPI Specification 3.1.1; its schemas are JSON Schema 2020-12, which is what msgspec writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import inspect

from handlers.content import SHAPES
from handlers.errors import Code
from server.rest.operation import MOST_SEQ, PREFIX, NoQuery, Operation
from server.rest.problems import MEDIA_TYPE, Problem
from server.version import version

_REF: Final = "#/components/schemas/{name}"
_JSON: Final = "application/json"
_ABOUT: Final = """\
Ids are opaque strings. Times are RFC 3339 in UTC. Phone numbers are E.164. Fields that are not listed may appear and are to be ignored.

Errors are `application/problem+json` (RFC 9457) with a stable `code`. 400 is for a body that is not JSON, 422 for fields, 404 for what is not there \
or not visible to the caller; 429 and 503 say in `Retry-After` when to try again.

The socket is described in `/asyncapi.json`."""


def openapi(operations: Sequence[Operation]) -> dict[str, Any]:
    """The document, ready to be encoded."""
    types: list[Any] = [Problem, *dict.fromkeys(SHAPES.values())]
    for operation in operations:
        answers = [kind for answer in operation.answers.values() for kind in _kinds(answer)]
        types += [each for each in (operation.body, *answers) if each is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    by_type = dict(zip(map(repr, types), schemas, strict=True))
    for query in dict.fromkeys(operation.query for operation in operations):
        named = msgspec.json.schema_components([query], ref_template=_REF)[1]
        components |= {name: schema for name, schema in named.items() if name != query.__name__}
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        described = _operation(operation, by_type)
        paths.setdefault(PREFIX + operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Chat platform",
            "version": version(),
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This node; any node serves any client."}],
        "security": [{"bearerAuth": []}],
        "tags": [{"name": name} for name in dict.fromkeys(o.tag for o in operations)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearerAuth": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The `access_token` of a session.",
                }
            },
        },
    }


def _operation(operation: Operation, by_type: dict[str, Any]) -> dict[str, Any]:
    summary, _, more = (operation.serve.__doc__ or "").strip().partition("\n\n")
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": _plain(summary),
    }
    if more:
        described["description"] = _plain(more)
    if operation.public:
        described["security"] = []
    parameters = [*_path_parameters(operation), *_query_parameters(operation.query)]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = {
            "required": operation.body_required,
            "content": {_JSON: {"schema": by_type[repr(operation.body)]}},
        }
    described["responses"] = _answers(operation, by_type) | _refusals(operation, by_type)
    return described


def _plain(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text).strip()


def _path_parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", operation.path):
        schema: dict[str, Any] = {"type": "string", "maxLength": 64}
        if name == "seq":
            schema = {"type": "integer", "minimum": 1, "maximum": MOST_SEQ}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(query: type[msgspec.Struct]) -> Iterable[dict[str, Any]]:
    if query is NoQuery:
        return
    kind = inspect.type_info(query)
    assert isinstance(kind, inspect.StructType)
    properties = msgspec.json.schema_components([query], ref_template=_REF)[1][query.__name__]["properties"]
    for field in kind.fields:
        schema = _without_null(properties[field.encode_name])
        parameter = {"name": field.encode_name, "in": "query", "required": field.required}
        if "description" in schema:
            parameter["description"] = schema.pop("description")
        yield {**parameter, "schema": schema}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is absent rather than null."""
    kinds: list[dict[str, Any]] = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    return dict(kinds[0]) if len(kinds) == 1 else dict(schema)


def _answers(operation: Operation, by_type: dict[str, Any]) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for status, kind in operation.answers.items():
        answers[str(status)] = {"description": HTTPStatus(status).phrase}
        if kind is not None:
            schemas = [by_type[repr(each)] for each in _kinds(kind)]
            schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
            answers[str(status)]["content"] = {_JSON: {"schema": schema}}
    return answers


def _kinds(answer: Any) -> tuple[Any, ...]:
    return answer if isinstance(answer, tuple) else (answer,)


def _refusals(operation: Operation, by_type: dict[str, Any]) -> dict[str, Any]:
    codes = {*operation.refuses, Code.UNAVAILABLE, Code.INTERNAL}
    if not operation.public:
        codes |= {Code.UNAUTHENTICATED, Code.TOKEN_EXPIRED}
    if not operation.public or operation.quotas:
        codes.add(Code.RATE_LIMITED)
    if operation.body is not None:
        codes |= {Code.MALFORMED, Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA_TYPE, Code.INVALID}
    if operation.query is not NoQuery:
        codes.add(Code.INVALID)
    answers: dict[str, Any] = {}
    for status in sorted({code.status for code in codes}):
        slugs = sorted(code.slug for code in codes if code.status == status)
        answers[str(status)] = {
            "description": "`code`: " + ", ".join(f"`{slug}`" for slug in slugs),
            "content": {MEDIA_TYPE: {"schema": by_type[repr(Problem)]}},
        }
        if status in (429, 503):
            answers[str(status)]["headers"] = {
                "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
            }
    return answers
