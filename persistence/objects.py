"""The object store: any S3. Files go between it and clients directly; a node only signs, asks and removes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

import boto3
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError

from persistence.errors import StoreUnavailable
from persistence.threads import StoreThreads

TIMEOUT_S: Final = 3
_WITHOUT_LOCATION: Final = ("", "auto", "us-east-1")
"""Regions that S3 does not take as a bucket's location."""


class ObjectStore:
    """A bucket.

    Args:
        endpoint_url: of the S3 server; `None` for AWS.
        bucket: its name.
        addressing: "path" or "virtual", or "auto" for what the server's name suggests.

    """

    name = "s3"

    def __init__(
        self,
        *,
        endpoint_url: str | None,
        region: str,
        bucket: str,
        access_key_id: str,
        secret_access_key: str,
        addressing: Literal["auto", "path", "virtual"] = "auto",
    ) -> None:
        self.bucket = bucket
        self._region = region
        self._client = boto3.client(
            "s3",
            endpoint_url=endpoint_url,
            region_name=region,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            config=Config(
                signature_version="s3v4",
                connect_timeout=TIMEOUT_S,
                read_timeout=TIMEOUT_S,
                retries={"total_max_attempts": 1},
                s3={"addressing_style": addressing},
            ),
        )
        self._threads = StoreThreads(self.name)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Usable as long as the block."""
        try:
            async with self._threads.running():
                yield
        finally:
            self._client.close()

    async def ping(self) -> None:
        """Whether the bucket is there and the keys are good. Raises `StoreUnavailable`."""
        await self._threads.call(self._ping)

    def _ping(self) -> None:
        try:
            self._client.head_bucket(Bucket=self.bucket)
        except (BotoCoreError, ClientError) as error:
            raise self._unavailable(error) from error

    async def create_bucket(self) -> bool:
        """Make the bucket; `False` if it was there. Raises `StoreUnavailable`."""
        return await self._threads.call(self._create_bucket)

    def _create_bucket(self) -> bool:
        try:
            self._client.head_bucket(Bucket=self.bucket)
        except ClientError as error:
            if _code(error) not in ("404", "NoSuchBucket"):
                raise self._unavailable(error) from error
        except BotoCoreError as error:
            raise self._unavailable(error) from error
        else:
            return False
        try:
            if self._region in _WITHOUT_LOCATION:
                self._client.create_bucket(Bucket=self.bucket)
            else:
                location: Any = {"LocationConstraint": self._region}
                self._client.create_bucket(Bucket=self.bucket, CreateBucketConfiguration=location)
        except ClientError as error:
            if _code(error) in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                return False  # another node was faster
            raise self._unavailable(error) from error
        except BotoCoreError as error:
            raise self._unavailable(error) from error
        return True

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(self.name, f"bucket {self.bucket}: {error}"[:300])


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
