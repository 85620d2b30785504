"""What integration tests share: nodes as processes, a cluster to a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.nodes import Cluster
from tests.servers import Servers


@pytest.fixture(scope="module")
def cluster(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Nodes over a database and a Redis prefix of the module's own; all end with it."""
    with Cluster(servers, tmp_path_factory.mktemp("nodes")) as cluster:
        yield cluster
