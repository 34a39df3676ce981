"""A harness that must find something: proof that engine, watch, report and exit status work. Not among those that are run."""

from __future__ import annotations

from .harness import ACCEPTED, Harness, check

__all__ = ["SELF_TEST"]

HELD = b"held against"


def run(data: bytes) -> str:
    check(data != HELD, "the self-test found what it looks for")
    return ACCEPTED


SELF_TEST = Harness("self-test", "no input is the words that are its seed", run, lambda: [b"before", HELD], longest=64)
