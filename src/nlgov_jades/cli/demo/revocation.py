"""How consumer and providers of the demo check revocation: hard-fail, and asked anew for each message. Settings only."""

from __future__ import annotations

import datetime as dt
from ipaddress import IPv4Network
from typing import Final

from ...fetch.httpx import HttpxFetcher
from ...fetch.limits import FetchLimits
from ...fetch.store import MemoryStore
from ...policy import RevocationPolicy

__all__ = ["ASKED_EACH_TIME", "HOST", "fetcher_for"]

HOST: Final = "127.0.0.1"
"""Nothing in the demo listens elsewhere or connects elsewhere."""

ASKED_EACH_TIME: Final = RevocationPolicy.HARD_FAIL.replace(max_age=dt.timedelta(0))
"""No verdict is remembered. In production one is, for four hours at most, and nobody would wait so long for a demo."""


def fetcher_for(port: int) -> HttpxFetcher:
    """One that asks the responder of the demo, remembers nothing, and reaches nothing else.

    Args:
        port: Where the responder is.
    """
    limits = FetchLimits(allowed_hosts={HOST}, ports={port}, addresses=(IPv4Network(f"{HOST}/32"),))
    # What is larger than the whole store is not kept.
    return HttpxFetcher(limits=limits, store=MemoryStore(max_octets=1))
