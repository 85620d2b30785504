"""Who has blocked whom, in MongoDB: collection `blocks`."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from persistence.models import Block
from persistence.mongo import Document, Mongo


class MongoBlocks:
    """`Blocks` in MongoDB."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._blocks = mongo.db["blocks"]

    async def put(self, block: Block) -> bool:
        return await self._mongo.call(put_block, self._blocks, block)

    async def remove(self, user_id: str, blocked_id: str) -> bool:
        block = Block(user_id=user_id, blocked_id=blocked_id, at=0)
        return await self._mongo.call(remove_block, self._blocks, block)

    async def of_user(self, user_id: str, *, after_id: str | None, limit: int) -> list[Block]:
        where: Document = {"user_id": user_id}
        if after_id is not None:
            where["blocked_id"] = {"$gt": after_id}
        rows = await self._mongo.call(
            lambda: list(self._blocks.find(where).sort("blocked_id", 1).limit(limit))
        )
        return [Block(user_id=row["user_id"], blocked_id=row["blocked_id"], at=row["at"]) for row in rows]

    async def among(self, pairs: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        if not pairs:
            return set()
        where = {
            "user_id": {"$in": list({who for who, _ in pairs})},
            "_id": {"$in": [_id(*pair) for pair in pairs]},
        }
        rows = await self._mongo.call(lambda: list(self._blocks.find(where, {"user_id": 1, "blocked_id": 1})))
        return {(row["user_id"], row["blocked_id"]) for row in rows}


def put_block(blocks: Collection[Document], block: Block, session: ClientSession | None = None) -> bool:
    """Insert a block, in a transaction or on its own; `False` if it was there."""
    fresh = {"$setOnInsert": {"blocked_id": block.blocked_id, "at": block.at}}
    result = blocks.update_one(_where(block), fresh, upsert=True, session=session)
    return result.upserted_id is not None


def remove_block(blocks: Collection[Document], block: Block, session: ClientSession | None = None) -> bool:
    """Delete a block, in a transaction or on its own; `False` if there was none."""
    return blocks.delete_one(_where(block), session=session).deleted_count == 1


def _where(block: Block) -> Document:
    return {"_id": _id(block.user_id, block.blocked_id), "user_id": block.user_id}


def _id(user_id: str, blocked_id: str) -> str:
    return f"{user_id}/{blocked_id}"
