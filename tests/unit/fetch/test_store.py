"""The store: bounded, never going back to older data, and counting what was revoked."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades import RevocationPolicy
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.fetch.store import Entry, Key, MemoryStore, newest
from nlgov_jades.pki.answer import Answer, Standing
from nlgov_jades.pki.crl import Crl, parse_crl
from nlgov_jades.pki.revocation import FetchRequest
from nlgov_jades.result import RevocationSource
from nlgov_jades.testing import Hierarchy, Issued

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)

KEY = Key(RevocationSource.OCSP, b"issuer", 1, "http://crl.example.test/")
CRL_KEY = Key(RevocationSource.CRL, b"issuer", None, "http://crl.example.test/")


def answer(**changes: Any) -> Answer:
    stated: dict[str, Any] = {
        "standing": Standing.GOOD,
        "source": RevocationSource.OCSP,
        "signer": "CA",
        "this_update": NOW,
        "next_update": NOW + 24 * HOUR,
        "valid_until": NOW + 24 * HOUR,
        "der": b"0" * 100,
    }
    return Answer(**{**stated, **changes})


class Response:
    """Stands for an OCSP response: the store looks at its times only."""

    der = b"0" * 100


def entry(data: Any = Response, *, fetched_at: dt.datetime = NOW, **changes: Any) -> Entry:
    return Entry.of(data, answer(**changes), fetched_at=fetched_at)


@pytest.fixture(scope="session")
def crl_of(hierarchy: Hierarchy) -> Any:
    def make(number: int, *serials: int, this_update: dt.datetime = NOW) -> Crl:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(hierarchy.tsp.certificate.subject)
            .last_update(this_update)
            .next_update(this_update + 24 * HOUR)
            .add_extension(x509.CRLNumber(number), critical=False)
        )
        for serial in serials:
            revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW).build()
            builder = builder.add_revoked_certificate(revoked)
        return parse_crl(builder.sign(hierarchy.tsp.key, SHA256()).public_bytes(Encoding.DER))

    return make


def crl_entry(crl: Crl, **changes: Any) -> Entry:
    return entry(crl, this_update=crl.this_update, valid_until=crl.next_update, der=crl.der, **changes)


# --- keys --------------------------------------------------------------------------------------------------------


def test_a_crl_is_shared_by_certificates_and_an_ocsp_response_is_not(hierarchy: Hierarchy, issued: Issued) -> None:
    def request(source: RevocationSource, certificate: x509.Certificate, url: str) -> FetchRequest:
        return FetchRequest(source, url, certificate, hierarchy.tsp.certificate, RevocationPolicy.HARD_FAIL, NOW)

    other, url = hierarchy.domain.certificate, "http://a/"
    crl, ocsp = RevocationSource.CRL, RevocationSource.OCSP
    assert Key.of(request(crl, issued.certificate, url)) == Key.of(request(crl, other, url))
    assert Key.of(request(ocsp, issued.certificate, url)) != Key.of(request(ocsp, other, url))
    assert Key.of(request(crl, issued.certificate, url)) != Key.of(request(crl, issued.certificate, "http://b/"))
    assert Key.of(request(crl, issued.certificate, url)) != Key.of(request(ocsp, issued.certificate, url))


# --- when newer data are asked for -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "age", "max_age", "wait"),
    [
        (24 * HOUR, 0 * HOUR, None, 4 * HOUR),
        (4 * HOUR, 0 * HOUR, None, 3 * HOUR),
        (4 * HOUR, 2 * HOUR, None, 1 * HOUR),
        (24 * HOUR, 17 * HOUR, None, 72 * MINUTE),
        (24 * HOUR, 23 * HOUR, None, 72 * MINUTE),
        (HOUR, 50 * MINUTE, None, 3 * MINUTE),
        (4 * MINUTE, 3 * MINUTE, None, MINUTE),
        (4000 * HOUR, 3999 * HOUR, None, 4 * HOUR),
        (4 * HOUR, 0 * HOUR, HOUR, HOUR),
        (4 * HOUR, 0 * HOUR, 24 * HOUR, 3 * HOUR),
        (4 * HOUR, 0 * HOUR, 0 * HOUR, 12 * MINUTE),
    ],
)
def test_newer_data_are_asked_for_at_three_quarters_or_after_four_hours(
    window: dt.timedelta, age: dt.timedelta, max_age: dt.timedelta | None, wait: dt.timedelta
) -> None:
    said = answer(this_update=NOW - age, valid_until=NOW - age + window)
    found = Entry.of(Response, said, fetched_at=NOW, max_age=max_age)  # type: ignore[arg-type]  # stands for one
    assert found.refresh_at == NOW + wait
    assert found.valid_until == said.valid_until


@pytest.mark.parametrize(("chance", "hours"), [(0.0, 4.0), (0.5, 3.8), (1.0, 3.6)])
def test_chance_brings_the_refresh_forward(chance: float, hours: float) -> None:
    found = Entry.of(Response, answer(), fetched_at=NOW, jitter=chance)  # type: ignore[arg-type]  # stands for one
    assert found.refresh_at == NOW + hours * HOUR


# --- what replaces what ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "fetched", "replaced"),
    [
        ({}, {}, True),
        ({}, {"this_update": NOW + MINUTE}, True),
        ({}, {"this_update": NOW - MINUTE}, False),
        ({}, {"this_update": NOW - MINUTE, "valid_until": NOW + 48 * HOUR}, False),
        ({"standing": Standing.REVOKED}, {"this_update": NOW - MINUTE}, False),
        ({"standing": Standing.REVOKED}, {}, False),
        ({"standing": Standing.ON_HOLD}, {}, False),
        ({"standing": Standing.ON_HOLD}, {"this_update": NOW + MINUTE}, True),
        ({}, {"standing": Standing.REVOKED}, True),
    ],
)
def test_data_never_go_back(stored: dict[str, Any], fetched: dict[str, Any], replaced: bool) -> None:  # noqa: FBT001 - a column
    before, after = entry(**stored), entry(**fetched)
    assert newest(before, after) is (after if replaced else before)
    assert newest(None, after) is after


def test_a_crl_with_a_lower_number_is_older_as_long_as_the_former_is_in_date(crl_of: Any) -> None:
    before = crl_entry(crl_of(7))
    lower = crl_of(6, this_update=NOW + HOUR)
    assert newest(before, crl_entry(lower, fetched_at=NOW + HOUR)) is before
    later = crl_entry(lower, fetched_at=NOW + 25 * HOUR)
    assert newest(before, later) is later


def test_the_store_returns_what_it_keeps() -> None:
    store = MemoryStore()
    newer, older = entry(), entry(this_update=NOW - HOUR)
    assert store.put(KEY, newer) is newer
    assert store.put(KEY, older) is newer
    assert store.get(KEY) is newer
    assert store.get(CRL_KEY) is None


# --- bounds ------------------------------------------------------------------------------------------------------


def key(number: int) -> Key:
    return dataclasses.replace(KEY, serial=number)


def test_what_was_not_used_for_longest_goes_first() -> None:
    store = MemoryStore(max_entries=3)
    for number in range(3):
        store.put(key(number), entry())
    store.get(key(0))
    store.put(key(3), entry())
    assert [store.get(key(number)) is not None for number in range(4)] == [True, False, True, True]


def test_the_store_is_bounded_by_size() -> None:
    store = MemoryStore(max_octets=1000)
    for number in range(20):
        store.put(key(number), entry())
    assert len(store) == 5
    assert repr(store) == "<MemoryStore: 5 entries, 1000 octets>"


def test_an_entry_that_is_replaced_is_not_counted_twice() -> None:
    store = MemoryStore(max_octets=1000)
    for minute in range(20):
        store.put(KEY, entry(this_update=NOW + minute * MINUTE))
    assert repr(store) == "<MemoryStore: 1 entries, 200 octets>"


def test_an_entry_larger_than_the_store_is_returned_and_not_kept() -> None:
    store = MemoryStore(max_octets=10)
    large = entry()
    assert store.put(KEY, large) is large
    assert store.get(KEY) is None
    assert repr(store) == "<MemoryStore: 0 entries, 0 octets>"


@pytest.mark.parametrize("bounds", [{"max_entries": 0}, {"max_octets": 0}, {"max_entries": -1}])
def test_a_store_holds_something(bounds: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError):
        MemoryStore(**bounds)


# --- the generation ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("standings", "generation"),
    [
        ([Standing.GOOD, Standing.GOOD], 0),
        ([Standing.GOOD, Standing.REVOKED], 1),
        ([Standing.GOOD, Standing.ON_HOLD], 1),
        ([Standing.REVOKED], 1),
        ([Standing.REVOKED, Standing.REVOKED], 1),
        ([Standing.ON_HOLD, Standing.GOOD, Standing.REVOKED], 2),
    ],
)
def test_a_new_revocation_changes_the_generation(standings: list[Standing], generation: int) -> None:
    store = MemoryStore()
    for minute, standing in enumerate(standings):
        store.put(KEY, entry(standing=standing, this_update=NOW + minute * MINUTE))
    assert store.generation == generation


def test_another_list_that_lists_anything_changes_the_generation(crl_of: Any) -> None:
    # It was fetched for a certificate that it does not list; for another it may mean the end.
    store = MemoryStore()
    first, empty, second = crl_of(1), crl_of(2), crl_of(3, 12345)
    generations = []
    for crl in (first, first, empty, second, second):
        store.put(CRL_KEY, crl_entry(crl))
        generations.append(store.generation)
    assert generations == [0, 0, 0, 1, 1]
