"""The generator behind both fetchers, driven by hand: who leads, who follows, and what is left behind."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades import RevocationPolicy
from nlgov_jades.errors import FetchError
from nlgov_jades.fetch import FetchLimits
from nlgov_jades.fetch.desk import Desk
from nlgov_jades.fetch.flights import Flights
from nlgov_jades.fetch.retrieval import Exchange, Landing, Reading, Retrieval
from nlgov_jades.fetch.store import Key
from nlgov_jades.pki.crl import parse_crl
from nlgov_jades.pki.revocation import FetchRequest
from nlgov_jades.result import RevocationSource
from nlgov_jades.testing import Hierarchy, Issued

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


class Counter:
    """A desk, its flights, and the CRLs of one CA."""

    def __init__(self, hierarchy: Hierarchy, issued: Issued) -> None:
        self.now = NOW
        self.desk = Desk(FetchLimits(), None, lambda: self.now, lambda: 0.0)
        self.flights: Flights[threading.Event] = Flights(threading.Event)
        self.hierarchy = hierarchy
        self.issued = issued

    def ask(
        self, *, at: dt.datetime = NOW, timeout: float = 5, later: Callable[[Key], object] | None = None
    ) -> Retrieval[threading.Event]:
        request = FetchRequest(
            RevocationSource.CRL,
            "http://crl.example.test/",
            self.issued.certificate,
            self.hierarchy.tsp.certificate,
            RevocationPolicy.HARD_FAIL,
            at,
        )
        return Retrieval(self.desk, self.flights, request, timeout, later=later)

    def crl(self, *, number: int = 1, at: dt.datetime = NOW - HOUR) -> bytes:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.hierarchy.tsp.certificate.subject)
            .last_update(at)
            .next_update(at + 24 * HOUR)
            .add_extension(x509.CRLNumber(number), critical=False)
        )
        return builder.sign(self.hierarchy.tsp.key, SHA256()).public_bytes(Encoding.DER)

    def fetch(self, der: bytes, **changes: Any) -> bytes:
        """Drive one retrieval to its end."""
        retrieval = self.ask(**changes)
        for step in retrieval.steps():
            with step.outcome():
                if isinstance(step, Exchange):
                    step.octets, step.max_age = der, None
                if isinstance(step, Reading):
                    step.parse()
        return retrieval.data.der


@pytest.fixture
def counter(hierarchy: Hierarchy, issued: Issued) -> Counter:
    return Counter(hierarchy, issued)


def test_the_first_leads_and_the_second_follows(counter: Counter) -> None:
    leader, follower = counter.ask(), counter.ask()
    leading, following = leader.steps(), follower.steps()
    exchange, landing = next(leading), next(following)
    assert isinstance(exchange, Exchange)
    assert isinstance(landing, Landing)
    exchange.octets, exchange.max_age = counter.crl(), None
    reading = next(leading)
    assert isinstance(reading, Reading)
    reading.parse()
    assert not landing.flight.landed.is_set()
    assert next(leading, None) is None
    assert landing.flight.landed.is_set()
    assert next(following, None) is None
    assert follower.data is leader.data


def test_a_leader_that_is_closed_makes_room_for_the_next(counter: Counter) -> None:
    leading, follower = counter.ask().steps(), counter.ask()
    following = follower.steps()
    next(leading)
    landing = next(following)
    leading.close()
    assert isinstance(landing, Landing)
    assert landing.flight.landed.is_set()
    assert isinstance(next(following), Exchange)
    following.close()
    assert len(counter.flights) == 0


def test_a_leader_that_fails_fails_its_followers(counter: Counter) -> None:
    leading, following = counter.ask().steps(), counter.ask().steps()
    exchange = next(leading)
    next(following)
    exchange.failure = FetchError("it is down")
    for steps in (leading, following):
        with pytest.raises(FetchError, match=r"^it is down$"):
            next(steps)
    assert len(counter.flights) == 0


def test_a_leader_that_had_little_time_lets_a_follower_try(counter: Counter) -> None:
    leading, following = counter.ask(timeout=0.5).steps(), counter.ask().steps()
    exchange = next(leading)
    next(following)
    exchange.failure = FetchError("no answer in time")
    with pytest.raises(FetchError):
        next(leading)
    assert isinstance(next(following), Exchange)
    following.close()


def test_a_follower_with_another_question_asks_it_itself(counter: Counter) -> None:
    leading, following = counter.ask().steps(), counter.ask(at=NOW - 48 * HOUR).steps()
    exchange = next(leading)
    next(following)
    assert isinstance(exchange, Exchange)
    exchange.octets, exchange.max_age = counter.crl(), None
    reading = next(leading)
    assert isinstance(reading, Reading)
    reading.parse()
    assert next(leading, None) is None
    assert isinstance(next(following), Exchange)
    following.close()


def test_whoever_looked_before_the_landing_and_led_after_it_does_not_fetch(counter: Counter) -> None:
    late = counter.ask()
    held, looks = counter.desk.held, []

    def first_look_misses(request: FetchRequest, key: Any) -> Any:
        looks.append(key)
        return None if len(looks) == 1 else held(request, key)

    fetched = counter.fetch(counter.crl())
    counter.desk.held = first_look_misses  # type: ignore[method-assign]  # as if it looked a moment earlier
    assert list(late.steps()) == []
    assert late.data.der == fetched
    assert len(looks) == 2


def test_a_refresh_takes_half_of_the_time_that_is_left(counter: Counter) -> None:
    counter.fetch(counter.crl())
    counter.now = NOW + 5 * HOUR
    steps = counter.ask(at=counter.now, timeout=2).steps()
    assert 0.5 < next(steps).deadline.left() <= 1
    steps.close()


@pytest.mark.parametrize("minutes", [0, 59])
def test_what_is_due_is_used_at_once_when_somebody_fetches_newer_data_later(counter: Counter, minutes: int) -> None:
    keys: list[Key] = []
    held = counter.fetch(counter.crl())
    counter.now = NOW + 4 * HOUR + dt.timedelta(minutes=minutes)
    retrieval = counter.ask(at=counter.now, later=keys.append)
    assert list(retrieval.steps()) == []
    assert retrieval.data.der == held
    assert keys == [retrieval._key]
    assert len(counter.flights) == 0


def test_what_is_due_is_fetched_by_who_asks_when_nobody_does_it_later(counter: Counter) -> None:
    counter.fetch(counter.crl())
    counter.now = NOW + 4 * HOUR
    steps = counter.ask(at=counter.now).steps()
    assert isinstance(next(steps), Exchange)
    steps.close()


def test_what_was_due_an_hour_ago_is_not_left_for_later(counter: Counter) -> None:
    keys: list[Key] = []
    counter.fetch(counter.crl())
    counter.now = NOW + 5 * HOUR
    steps = counter.ask(at=counter.now, later=keys.append).steps()
    assert isinstance(next(steps), Exchange)
    assert not keys
    steps.close()


@pytest.mark.parametrize("lived", [dt.timedelta(0), dt.timedelta(minutes=1)])
def test_what_was_to_live_for_less_than_an_hour_is_overdue_after_as_long_again(
    counter: Counter, lived: dt.timedelta
) -> None:
    # As a store says that heard of a revocation, and as a server may say with Cache-Control.
    counter.fetch(counter.crl())
    retrieval = counter.ask()
    entry = counter.desk.store.get(retrieval._key)
    assert entry is not None
    counter.desk.store.put(retrieval._key, replace(entry, refresh_at=NOW + lived))
    found = []
    for moment in (2 * lived - dt.timedelta.resolution, 2 * lived):
        counter.now = NOW + moment
        held = counter.desk.held(retrieval._request, retrieval._key)
        assert held is not None
        found.append((held.due, held.overdue))
    assert found == [(lived > dt.timedelta(0), False), (True, True)]


def test_what_is_left_alone_after_a_failure_is_not_due(counter: Counter) -> None:
    keys: list[Key] = []
    counter.fetch(counter.crl())
    counter.now = NOW + 4 * HOUR
    retrieval = counter.ask(at=counter.now, later=keys.append)
    counter.desk.unreachable(retrieval._key, FetchError("it is down"))
    assert list(retrieval.steps()) == []
    assert not keys


def test_older_data_answer_a_question_about_that_time_and_are_not_kept(counter: Counter) -> None:
    newer, older = counter.crl(number=2), counter.crl(number=1, at=NOW - 20 * HOUR)
    assert counter.fetch(newer) == newer
    assert counter.fetch(older, at=NOW - 10 * HOUR) == older
    assert counter.fetch(b"not fetched") == newer


def test_an_answer_that_is_older_gives_way_to_what_another_process_found(counter: Counter) -> None:
    # The other one stores its data while this one fetches.
    retrieval, newer = counter.ask(), parse_crl(counter.crl(number=2))
    steps = retrieval.steps()
    exchange = next(steps)
    assert isinstance(exchange, Exchange)
    counter.desk.keep(exchange.request, retrieval._key, newer, None)
    exchange.octets, exchange.max_age = counter.crl(number=1, at=NOW - 2 * HOUR), None
    reading = next(steps)
    assert isinstance(reading, Reading)
    reading.parse()
    assert next(steps, None) is None
    assert retrieval.data is newer


def test_without_time_there_is_no_retrieval(counter: Counter) -> None:
    with pytest.raises(FetchError, match="no time is left"):
        counter.ask(timeout=0)
