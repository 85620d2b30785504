"""What takes a while to be done for an account, in MongoDB: collection `account_jobs`."""

from __future__ import annotations

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from persistence.models import AccountJob, AccountTask, TaskState
from persistence.mongo import Document, Mongo


class MongoAccountJobs:
    """`AccountJobs` in MongoDB."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._jobs = mongo.db["account_jobs"]

    async def add(self, job: AccountJob, *, instead_of: str | None = None) -> AccountJob:
        return await self._mongo.call(self._add, job, instead_of)

    def _add(self, job: AccountJob, instead_of: str | None) -> AccountJob:
        where = _where(job.user_id, job.task)
        if instead_of is not None:
            old = where | {"run_id": instead_of, "state": {"$ne": TaskState.WAITING.value}}
            if self._jobs.replace_one(old, _document(job)).matched_count == 1:
                return job
        try:
            self._jobs.insert_one(_document(job))
        except DuplicateKeyError:
            there = self._jobs.find_one(where)
            return job if there is None else _job(there)
        return job

    async def get(self, user_id: str, task: AccountTask) -> AccountJob | None:
        row = await self._mongo.call(self._jobs.find_one, _where(user_id, task))
        return None if row is None else _job(row)

    async def claim(self, *, now: int, until: int) -> AccountJob | None:
        row = await self._mongo.call(
            lambda: self._jobs.find_one_and_update(
                {"due_at": {"$lte": now}},
                {"$set": {"due_at": until}, "$inc": {"tries": 1}},
                sort=[("due_at", 1)],
                return_document=ReturnDocument.AFTER,
            )
        )
        return None if row is None else _job(row)

    async def save(self, job: AccountJob, *, claimed: int) -> bool:
        document = _document(job)
        where = _where(job.user_id, job.task) | {
            "run_id": job.run_id,
            "$or": [{"due_at": claimed}, {"due_at": job.due_at, "state": job.state.value}],
        }
        result = await self._mongo.call(lambda: self._jobs.replace_one(where, document))
        return result.matched_count == 1

    async def remove(self, job: AccountJob) -> bool:
        where = _where(job.user_id, job.task) | {"run_id": job.run_id, "due_at": job.due_at}
        return (await self._mongo.call(self._jobs.delete_one, where)).deleted_count == 1


def _where(user_id: str, task: AccountTask) -> Document:
    return {"_id": f"{user_id}/{task.value}", "user_id": user_id}


def _document(job: AccountJob) -> Document:
    return _where(job.user_id, job.task) | {
        "task": job.task.value,
        "run_id": job.run_id,
        "state": job.state.value,
        "asked_at": job.asked_at,
        "due_at": job.due_at,
        "tries": job.tries,
        "media_id": job.media_id,
        "size": job.size,
        "done_at": job.done_at,
        "expires_at": job.expires_at,
    }


def _job(row: Document) -> AccountJob:
    return AccountJob(
        user_id=row["user_id"],
        task=AccountTask(row["task"]),
        run_id=row["run_id"],
        state=TaskState(row["state"]),
        asked_at=row["asked_at"],
        due_at=row["due_at"],
        tries=row["tries"],
        media_id=row["media_id"],
        size=row["size"],
        done_at=row["done_at"],
        expires_at=row["expires_at"],
    )
