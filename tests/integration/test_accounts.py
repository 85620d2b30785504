"""Archives and deletions of accounts, on real nodes, MongoDB and object store."""

from __future__ import annotations

import io
import json
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.nodes import PASSWORD, PATIENCE_S, Account, Cluster, request

pytestmark = [pytest.mark.real, pytest.mark.node]
PATH = "/users/me/export"


def eventually(look: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """What `look` gives, once that is something."""
    until = time.monotonic() + patience_s
    while not (found := look()):
        assert time.monotonic() < until, "in vain"
        time.sleep(0.1)
    return found


def ready(account: Account) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        answer = account.call("GET", PATH)
        return dict(answer.json) if answer.json["status"] == "ready" else None

    return dict(eventually(look))


def fetched(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        assert answer.headers["Content-Type"] == "application/zip"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        content = answer.read()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: json.loads(archive.read(name)) for name in archive.namelist()}


def test_an_archive_is_made_by_any_node_and_fetched_from_the_object_store(cluster: Cluster) -> None:
    one, other = cluster.start_many(2)
    ana, ben = cluster.sign_up(one), cluster.sign_up(other, "Ben")
    chat_id = ana.group(ben)
    for number in range(30):
        body = {"client_id": f"c{number}", "type": "text", "content": {"text": f"number {number}"}}
        ana.ask("POST", f"/chats/{chat_id}/messages", body)
    asked = ana.ask("POST", PATH)
    assert asked["status"] == "preparing"
    ana.node = other
    view = ready(ana)
    assert view["id"] == asked["id"]
    files = fetched(view["url"])
    assert files["profile.json"][0]["id"] == ana.id
    texts = {message["content"]["text"] for message in files[f"messages/{chat_id}.json"]}
    assert texts == {f"number {number}" for number in range(30)}
    assert ana.call("POST", PATH).status == 429
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(view["url"].partition("?")[0], timeout=PATIENCE_S)
    assert refused.value.code in (
        400,
        403,
    )  # which one for a request without a signature differs between servers


def test_an_account_is_deleted_although_the_node_that_was_asked_is_killed(cluster: Cluster) -> None:
    one, other = cluster.start_many(2, module="tests.integration.hasty_node")
    ana, ben = cluster.sign_up(one), cluster.sign_up(other, "Ben")
    groups = [ana.group(ben, title=f"group {number}") for number in range(20)]
    answer = ana.call("DELETE", "/users/me", {"password": PASSWORD})
    one.kill()
    assert answer.status == 204
    login = {"phone": ana.phone, "password": PASSWORD}
    assert request(other.port, "POST", "/api/v1/auth/login", login).status == 401

    def left() -> bool:
        for chat_id in groups:
            members = ben.ask("GET", f"/chats/{chat_id}/members")["items"]
            if [(member["user_id"], member["role"]) for member in members] != [(ben.id, "owner")]:
                return False
        return True

    assert eventually(left, patience_s=120)
    assert ben.ask("GET", f"/users/{ana.id}")["name"] == "Deleted account"
