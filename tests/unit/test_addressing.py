"""Where the bucket's name stands in what is signed."""

from __future__ import annotations

import pytest

from persistence.objects import Addressing, ObjectStore
from server.web.policy import store_origin


@pytest.mark.parametrize(
    ("endpoint", "addressing", "origin"),
    [
        (None, "auto", "https://chat-media.s3.eu-central-1.amazonaws.com"),
        (None, "virtual", "https://chat-media.s3.eu-central-1.amazonaws.com"),
        (None, "path", "https://s3.eu-central-1.amazonaws.com"),
        ("https://s3.example.org", "auto", "https://s3.example.org"),
        ("https://s3.example.org:8443", "virtual", "https://chat-media.s3.example.org:8443"),
        ("https://s3.example.org", "path", "https://s3.example.org"),
        ("http://192.0.2.1:9000", "virtual", "http://192.0.2.1:9000"),
    ],
)
def test_clients_are_sent_to_the_region_and_the_host_that_the_settings_say(
    endpoint: str | None, addressing: Addressing, origin: str
) -> None:
    objects = ObjectStore(
        endpoint_url=endpoint,
        region="eu-central-1",
        bucket="chat-media",
        access_key_id="key",
        secret_access_key="secret",
        addressing=addressing,
    )
    signed = objects.sign_upload("uploads/a", content_type="image/png", size=1, ttl_s=60)
    path = "/uploads/a" if "chat-media." in origin else "/chat-media/uploads/a"
    assert signed.url.startswith(f"{origin}{path}?")
    assert store_origin(objects) == origin
