"""How many examples of what Hypothesis invents are tried."""

import os
from typing import Final

PERCENT: Final = int(os.environ.get("EXAMPLES_PERCENT", "100"))


def examples(number: int) -> int:
    """So many, or the share of them that `EXAMPLES_PERCENT` asks for."""
    return max(1, number * PERCENT // 100)
