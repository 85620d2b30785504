"""Signed-in devices in MongoDB: collection `devices`."""

from __future__ import annotations

from persistence.models import Device
from persistence.mongo import Document, Mongo


class MongoDevices:
    """`Devices` in MongoDB."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._devices = mongo.db["devices"]

    async def create(self, device: Device) -> None:
        document = _document(device)
        await self._mongo.call(lambda: self._devices.replace_one({"_id": device.id}, document, upsert=True))

    async def get(self, device_id: str) -> Device | None:
        row = await self._mongo.call(self._devices.find_one, {"_id": device_id})
        return None if row is None else _device(row)

    async def of_user(self, user_id: str) -> list[Device]:
        rows = await self._mongo.call(
            lambda: list(self._devices.find({"user_id": user_id}).sort([("created_at", -1), ("_id", -1)]))
        )
        return [_device(row) for row in rows]

    async def rotate(self, device_id: str, *, spent: bytes, fresh: bytes, expires_at: int, at: int) -> bool:
        fields = {
            "refresh_hash": fresh,
            "previous_hash": spent,
            "refresh_expires_at": expires_at,
            "last_used_at": at,
        }
        # The second is what the winner finds who repeats, because the answer was lost.
        current = [{"refresh_hash": spent}, {"refresh_hash": fresh, "previous_hash": spent}]
        where = {"_id": device_id, "$or": current}
        result = await self._mongo.call(lambda: self._devices.update_one(where, {"$set": fields}))
        return result.matched_count == 1

    async def revoke(self, device_id: str, user_id: str) -> bool:
        result = await self._mongo.call(
            lambda: self._devices.delete_one({"_id": device_id, "user_id": user_id})
        )
        return result.deleted_count == 1


def _document(d: Device) -> Document:
    return {
        "_id": d.id,
        "user_id": d.user_id,
        "name": d.name,
        "platform": d.platform,
        "refresh_hash": d.refresh_hash,
        "previous_hash": d.previous_hash,
        "refresh_expires_at": d.refresh_expires_at,
        "created_at": d.created_at,
        "last_used_at": d.last_used_at,
    }


def _device(row: Document) -> Device:
    return Device(
        id=row["_id"],
        user_id=row["user_id"],
        name=row["name"],
        platform=row["platform"],
        refresh_hash=row["refresh_hash"],
        previous_hash=row["previous_hash"],
        refresh_expires_at=row["refresh_expires_at"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
    )
