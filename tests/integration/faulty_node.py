"""A node with a fault: the push `test:crash` makes whatever serves the topic `me` crash. Takes the arguments of `python -m server`."""

from handlers.protocol import Push
from handlers.sessions import me
from server.__main__ import main


def crash(topic: me.MeTopic, push: Push) -> None:
    raise RuntimeError("the fault of this test")


me.MeTopic.pushes["test:crash"] = crash

if __name__ == "__main__":
    main()
