"""The documents that describe the API, without a node: for whoever generates a client from them."""

from __future__ import annotations

from typing import Any, cast

from server.rest.app import operations
from server.rest.asyncapi import asyncapi
from server.rest.openapi import openapi
from server.services import Services


class NoServices:
    """Stands for services whose operations are listed and never called. Whatever is asked of it is there, and every role is among its roles."""

    def __getattr__(self, name: str) -> NoServices:
        return self

    def __contains__(self, item: object) -> bool:
        return True

    def __call__(self, *_: object, **__: object) -> NoServices:
        """Whatever is called answers the same again."""
        return self


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of a node with all roles, as it answers `/openapi.json`."""
    return openapi(operations(cast("Services", NoServices())))


def asyncapi_document() -> dict[str, Any]:
    """The AsyncAPI document, as a node answers `/asyncapi.json`."""
    return asyncapi()
