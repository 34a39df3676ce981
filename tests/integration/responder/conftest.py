"""A responder for the hierarchy of all tests, and the proof that it leaves no thread behind."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator

import pytest

from nlgov_jades.pki.crl import MAX_CRL
from nlgov_jades.testing import (
    Hierarchy,
    Issued,
    Responder,
)

from .asking import KEY, NOW


@pytest.fixture(scope="module")
def leaf(hierarchy: Hierarchy) -> Issued:
    return hierarchy.tsp.issue(key=KEY)


@pytest.fixture
def responder(hierarchy: Hierarchy) -> Iterator[Responder]:
    with Responder(
        hierarchy,
        clock=lambda: NOW,
        delay=dt.timedelta(milliseconds=20),
        drip_interval=dt.timedelta(microseconds=10),
        huge=MAX_CRL + 1,
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before
