"""Certificates with P-256 keys, which are made quickly, in files that are replaced the way others replace them."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from nlgov_jades.testing import Hierarchy, Issued

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
LOGGER = "nlgov_jades.rotation"

Issue = Callable[..., Issued]
Told = Callable[..., list[str]]


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = NOW
        self.readings = 0

    def __call__(self) -> dt.datetime:
        self.readings += 1
        return self.time

    def forward(self, **by: float) -> None:
        self.time += dt.timedelta(**by)


class Pair:
    """`key.pem` and `chain.pem` in one folder, what may be put in them, and the time that it is."""

    def __init__(self, folder: Path, hand: Hand, issue: Issue, first: Issued, second: Issued) -> None:
        self.folder = folder
        self.hand = hand
        self.issue = issue
        self.first = first
        self.second = second
        self.key = folder / "key.pem"
        self.chain = folder / "chain.pem"

    def put(self, issued: Issued) -> None:
        """Replace both, each by a rename."""
        self.put_key(issued.key_pem())
        self.put_chain(issued.chain_pem)

    def put_key(self, octets: bytes) -> None:
        rename_to(self.key, octets)

    def put_chain(self, octets: bytes) -> None:
        rename_to(self.chain, octets)


def rename_to(path: Path, octets: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(octets)
    new.replace(path)


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def pair(tmp_path: Path, hand: Hand, issue: Issue, first: Issued, second: Issued) -> Pair:
    return Pair(tmp_path, hand, issue, first, second)


@pytest.fixture(scope="session")
def issue(hierarchy: Hierarchy) -> Issue:
    """A certificate that is valid from and until so many days from now."""

    def made(begins: float = -1, ends: float = 100, **options: object) -> Issued:
        return hierarchy.tsp.issue(
            key=ec.generate_private_key(ec.SECP256R1()),
            not_before=NOW + dt.timedelta(days=begins),
            not_after=NOW + dt.timedelta(days=ends),
            **options,  # type: ignore[arg-type]  # names of others' arguments
        )

    return made


@pytest.fixture(scope="session")
def first(issue: Issue) -> Issued:
    return issue(-20, 40)


@pytest.fixture(scope="session")
def second(issue: Issue) -> Issued:
    return issue(-1, 365 - 31)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Told:
    """What was logged since it was asked last, from this level on."""
    caplog.set_level(logging.DEBUG, LOGGER)

    def lines(level: int = logging.WARNING) -> list[str]:
        records = [record for record in caplog.records if record.levelno >= level]
        caplog.clear()
        assert all(record.name == LOGGER for record in records)
        return [f"{record.levelname} {record.getMessage()}" for record in records]

    return lines
