"""What all tests share: the real servers, for those marked `real`."""

pytest_plugins = ["tests.servers"]
