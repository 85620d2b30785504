"""How many examples of what Hypothesis invents are tried."""

import os
from typing import Final

PERCENT: Final = int(os.environ.get("EXAMPLES_PERCENT", "100"))
ANEW: Final = os.environ.get("EXAMPLES_ANEW", "0") == "1"
"""Whether to invent others each time. Else they follow from the test alone: what turns it red is the change that was made."""


def examples(number: int) -> int:
    """So many, or the share of them that `EXAMPLES_PERCENT` asks for."""
    return max(1, number * PERCENT // 100)
