"""The key ring for access tokens in MongoDB: collection `signing_keys`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymongo.errors import DuplicateKeyError

from persistence.mongo import Mongo


class MongoSigningKeys:
    """`SigningKeys` in MongoDB."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._keys = mongo.db["signing_keys"]

    async def load(self) -> list[dict[str, Any]]:
        rows = await self._mongo.call(lambda: list(self._keys.find().sort([("created_at", -1), ("_id", -1)])))
        return [{"kid": row.pop("_id"), **row} for row in rows]

    async def add(self, key: Mapping[str, Any]) -> bool:
        document = dict(key)
        document["_id"] = document.pop("kid")
        try:
            await self._mongo.call(self._keys.insert_one, document)
        except DuplicateKeyError:
            return False
        return True
