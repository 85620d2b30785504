"""What could not be carried out, in MongoDB: collection `dead_letters`."""

from __future__ import annotations

from persistence.models import DeadLetter
from persistence.mongo import Mongo


class MongoDeadLetters:
    """`DeadLetters` in MongoDB."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._letters = mongo.db["dead_letters"]

    async def add(self, letter: DeadLetter) -> None:
        document = {
            "_id": letter.id,
            "source": letter.source,
            "reason": letter.reason,
            "command": letter.command,
            "at": letter.at,
        }
        await self._mongo.call(lambda: self._letters.replace_one({"_id": letter.id}, document, upsert=True))

    async def recent(self, limit: int) -> list[DeadLetter]:
        rows = await self._mongo.call(lambda: list(self._letters.find().sort("_id", -1).limit(limit)))
        return [
            DeadLetter(
                id=row["_id"],
                source=row["source"],
                reason=row["reason"],
                command=row["command"],
                at=row["at"],
            )
            for row in rows
        ]
