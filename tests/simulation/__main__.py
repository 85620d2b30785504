"""`scripts/simulate`."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Iterator

import click

from tests.simulation.walk import walk


@click.command()
@click.option("--seeds", default=100, show_default=True, help="How many, one after the other.")
@click.option("--from", "first", default=0, show_default=True, help="The first of them.")
@click.option("--seed", type=int, help="Only this one.")
@click.option("--story", is_flag=True, help="Print what was done and what went wrong.")
def main(seeds: int, first: int, seed: int | None, story: bool) -> None:
    """Random walks of a simulated cluster through everything that can go wrong."""
    began = time.monotonic()
    chosen = range(first, first + seeds) if seed is None else range(seed, seed + 1)
    for one in chosen:
        try:
            told = walk(one)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
            if story:
                print("\n".join(getattr(error, "story", [])))
            for cause in _causes(error):
                traceback.print_exception(cause, limit=-3)
            print(f"seed {one} has found something; again: scripts/simulate --seed {one} --story")
            sys.exit(1)
        if story:
            print("\n".join(told))
        if sys.stderr.isatty():
            print(f"\rseed {one}", end="", file=sys.stderr, flush=True)
    print(f"{len(chosen)} seeds, nothing found, {time.monotonic() - began:.1f} s")


def _causes(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _causes(part)
    else:
        yield error


if __name__ == "__main__":
    main()
