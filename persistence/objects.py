"""The object store: any S3. Files go between it and clients directly; a node only signs, asks, copies within it and removes.

Source: AWS Signature Version 4 in query parameters, which every S3 server checks. Type and length of an upload are among what is signed, so the
store itself refuses any other: no node has to look at what was sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import boto3
import trio
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError

from config.sections import S3Settings
from persistence.cors import CorsRefused, amended
from persistence.errors import StoreUnavailable
from persistence.models import SignedUpload, StoredObject
from persistence.threads import StoreThreads

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CORSRuleUnionTypeDef

T = TypeVar("T")
Addressing = Literal["auto", "path", "virtual"]

TIMEOUT_S: Final = 3
"""For the server to connect, and to answer, when it has little to do."""
PATIENCE_S: Final = 60
"""The same when it has to move a whole file."""
THREADS: Final = 4
MOST_KEYS: Final = 1000
"""Objects that one request may remove."""
_WITHOUT_LOCATION: Final = ("", "auto", "us-east-1")
"""Regions that S3 does not take as a bucket's location."""
_MISSING: Final = frozenset({"404", "NoSuchKey", "NotFound"})
_ONE_THREAD: Final = TransferConfig(use_threads=False)


class ObjectStore:
    """A bucket; `Objects` in S3.

    Args:
        endpoint_url: of the S3 server, for nodes; `None` for AWS.
        public_endpoint_url: the same for clients, where it differs: what is signed holds the server's name.
        bucket: its name.
        addressing: "path" or "virtual" (an address of numbers is always addressed by path), or "auto": by path, but for AWS itself.

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
        addressing: Addressing = "auto",
        public_endpoint_url: str | None = None,
    ) -> None:
        self.bucket = bucket
        self._region = region

        def client(endpoint: str | None, timeout_s: float = TIMEOUT_S) -> S3Client:
            # botocore's own "auto" signs for AWS' name of all regions, which sends those of a new bucket elsewhere on: what is signed does not survive that.
            style = "virtual" if addressing == "auto" and endpoint is None else addressing
            made: S3Client = boto3.client(
                "s3",
                endpoint_url=endpoint,
                region_name=region,
                aws_access_key_id=access_key_id,
                aws_secret_access_key=secret_access_key,
                config=Config(
                    signature_version="s3v4",
                    connect_timeout=TIMEOUT_S,
                    read_timeout=timeout_s,
                    retries={"total_max_attempts": 1},
                    # A checksum in what is signed would have to be sent by the client, and not every S3 server knows them.
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    s3={"addressing_style": style},
                ),
            )
            return made

        self._client = client(endpoint_url)
        self._patient = client(endpoint_url, PATIENCE_S)
        self._public = client(public_endpoint_url or endpoint_url)
        self._threads = StoreThreads(self.name, THREADS, drops_abandoned=True)

    @classmethod
    def from_settings(cls, s3: S3Settings) -> ObjectStore:
        """The one that the settings name."""
        return cls(
            endpoint_url=s3.endpoint_url or None,
            public_endpoint_url=s3.public_endpoint_url or None,
            region=s3.region,
            bucket=s3.bucket,
            access_key_id=s3.access_key_id.get_secret_value(),
            secret_access_key=s3.secret_access_key.get_secret_value(),
            addressing=s3.addressing_style,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Usable as long as the block."""
        try:
            async with self._threads.running():
                yield
        finally:
            for client in (self._client, self._patient, self._public):
                client.close()

    async def _call(self, function: Callable[..., T], *args: Any, wait_s: float = 3 * TIMEOUT_S) -> T:
        """Run in one of the threads. A store that hangs costs whoever asks `wait_s`, however many wait before them."""
        with trio.move_on_after(wait_s):
            return await self._threads.call(self._translated, function, *args)
        raise StoreUnavailable(self.name, f"bucket {self.bucket}: no answer in time")

    def _translated(self, function: Callable[..., T], *args: Any) -> T:
        try:
            return function(*args)
        except (BotoCoreError, Boto3Error, ClientError) as error:
            raise self._unavailable(error) from error

    # -- what clients do themselves --------------------------------------------------------------------------------

    def sign_upload(self, key: str, *, content_type: str, size: int, ttl_s: int) -> SignedUpload:
        wanted = {"Bucket": self.bucket, "Key": key, "ContentType": content_type, "ContentLength": size}
        url = self._public.generate_presigned_url("put_object", Params=wanted, ExpiresIn=ttl_s)
        # The length is signed too, but a browser does not let anybody set it: it sends what it is.
        return SignedUpload("PUT", url, {"Content-Type": content_type})

    def sign_download(self, key: str, *, content_type: str, disposition: str, ttl_s: int) -> str:
        wanted = {
            "Bucket": self.bucket,
            "Key": key,
            "ResponseContentType": content_type,
            "ResponseContentDisposition": disposition,
        }
        return self._public.generate_presigned_url("get_object", Params=wanted, ExpiresIn=ttl_s)

    # -- what nodes do ---------------------------------------------------------------------------------------------

    async def head(self, key: str) -> StoredObject | None:
        return await self._call(self._head, key)

    def _head(self, key: str) -> StoredObject | None:
        try:
            there = self._client.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if _code(error) in _MISSING:
                return None
            raise
        return StoredObject(there["ContentLength"], there["ContentType"])

    async def copy(self, source: str, target: str, *, content_type: str) -> bool:
        return await self._call(self._copy, source, target, content_type, wait_s=PATIENCE_S)

    def _copy(self, source: str, target: str, content_type: str) -> bool:
        try:
            self._patient.copy_object(
                Bucket=self.bucket,
                Key=target,
                CopySource={"Bucket": self.bucket, "Key": source},
                MetadataDirective="REPLACE",
                ContentType=content_type,
            )
        except ClientError as error:
            if _code(error) in _MISSING:
                return False
            raise
        return True

    async def put(self, key: str, body: bytes | Path, *, content_type: str) -> None:
        await self._call(self._put, key, body, content_type, wait_s=PATIENCE_S)

    def _put(self, key: str, body: bytes | Path, content_type: str) -> None:
        if isinstance(body, bytes):
            self._patient.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)
        else:
            extra = {"ContentType": content_type}
            self._patient.upload_file(str(body), self.bucket, key, ExtraArgs=extra, Config=_ONE_THREAD)

    async def delete(self, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), MOST_KEYS):
            await self._call(self._delete, keys[start : start + MOST_KEYS], wait_s=PATIENCE_S)

    def _delete(self, keys: Sequence[str]) -> None:
        wanted: Any = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        answer = self._patient.delete_objects(Bucket=self.bucket, Delete=wanted)
        failed = [each for each in answer.get("Errors", ()) if each.get("Code") not in _MISSING]
        if failed:
            raise StoreUnavailable(self.name, f"{len(failed)} objects not removed: {failed[0].get('Code')}")

    # -- the bucket ------------------------------------------------------------------------------------------------

    async def ping(self) -> None:
        """Whether the bucket is there and the keys are good. Raises `StoreUnavailable`."""
        await self._call(self._ping)

    def _ping(self) -> None:
        self._client.head_bucket(Bucket=self.bucket)

    async def create_bucket(self) -> bool:
        """Make the bucket; `False` if it was there. Raises `StoreUnavailable`."""
        return await self._call(self._create_bucket)

    def _create_bucket(self) -> bool:
        try:
            self._client.head_bucket(Bucket=self.bucket)
        except ClientError as error:
            if _code(error) not in ("404", "NoSuchBucket"):
                raise
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
            raise
        return True

    async def allow_pages(self, origins: Sequence[str]) -> bool:
        """See that browsers let pages of these origins (of any, if none are given) use what is signed; `False` if they do already. Rules that others have set stay.

        Raises:
            CorsRefused: this server, or this key pair, cannot be told.
            StoreUnavailable: it could not be asked.

        """
        return await self._call(self._allow_pages, origins)

    def _allow_pages(self, origins: Sequence[str]) -> bool:
        try:
            changed = amended(self._cors_rules(), origins)
            if changed is None:
                return False
            self._client.put_bucket_cors(Bucket=self.bucket, CORSConfiguration={"CORSRules": changed})
        except ClientError as error:
            if _is_final(error):
                raise CorsRefused(
                    f"{_code(error)}: {error.response['Error'].get('Message', '')}"[:200]
                ) from error
            raise
        return True

    def _cors_rules(self) -> list[CORSRuleUnionTypeDef]:
        try:
            answer = self._client.get_bucket_cors(Bucket=self.bucket)
        except ClientError as error:
            if _code(error) == "NoSuchCORSConfiguration":
                return []
            raise
        if not answer.get("CORSRules"):
            # It has answered something else: to rclone this is a listing of the bucket, and what sets rules would make a bucket.
            raise CorsRefused("it knows no such rules")
        return list(answer["CORSRules"])

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(self.name, f"bucket {self.bucket}: {error}"[:300])


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _is_final(error: ClientError) -> bool:
    """Whether asking again would change nothing: it is refused, or not implemented."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return (400 <= status < 500 and status != 429) or status == 501
