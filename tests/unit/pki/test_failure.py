"""Why was there no path? The explanation names the certificate, and never accepts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from nlgov_jades import TrustStore
from nlgov_jades.errors import (
    CertificateExpiredError,
    CertificateNotYetValidError,
    CertificatePathError,
    VerificationError,
)
from nlgov_jades.pki.failure import explain
from nlgov_jades.testing import Authority, Hierarchy, Issued

Refused = Callable[..., AbstractContextManager[pytest.ExceptionInfo[VerificationError]]]

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def raise_why(
    leaf: x509.Certificate,
    candidates: Sequence[x509.Certificate],
    trust: TrustStore,
    *,
    at: dt.datetime = NOW,
    reason: str = "because",
) -> None:
    error = explain(leaf, candidates, trust=trust, at=at, reason=reason)
    assert isinstance(error, CertificatePathError)
    raise error


def test_a_missing_issuer_is_named(refused: Refused, hierarchy: Hierarchy, issued: Issued) -> None:
    with refused(
        CertificatePathError,
        "the issuer of certificate 'gegevens.gemeente.example', 'TEST nlgov-jades TSP CA', is neither a trust anchor "
        "nor among the intermediates that were sent or configured",
        no_chain=True,
    ) as caught:
        raise_why(issued.certificate, [], hierarchy.trust)
    assert isinstance(caught.value, CertificatePathError)
    assert caught.value.certificate == "'gegevens.gemeente.example'"


@pytest.mark.parametrize(("sent", "stuck"), [(2, "TSP CA"), (3, "Domain CA")])
def test_the_furthest_certificate_is_the_one_that_is_named(
    refused: Refused, stranger: Hierarchy, issued: Issued, sent: int, stuck: str
) -> None:
    with refused(CertificatePathError, f"certificate 'TEST nlgov-jades {stuck}'", no_chain=True):
        # Order does not matter, and neither does what else is there.
        raise_why(issued.certificate, [*stranger.tsp.chain, *issued.chain[:sent][::-1]], stranger.trust)


def test_a_name_without_the_key_behind_it_is_told_apart(
    refused: Refused, hierarchy: Hierarchy, look_alike: Hierarchy
) -> None:
    with refused(
        CertificatePathError,
        "certificate 'TEST nlgov-jades Domain CA', 'TEST nlgov-jades Root CA', has the name of a trust anchor, but "
        "another key signed it",
        no_chain=True,
    ):
        raise_why(look_alike.tsp.certificate, look_alike.tsp.chain[1:-1], hierarchy.trust)


@pytest.mark.parametrize(("at", "kind"), [(NOW + 3650 * DAY, CertificateExpiredError)])
def test_a_whole_path_out_of_time_names_the_signer_first(
    refused: Refused, hierarchy: Hierarchy, issued: Issued, at: dt.datetime, kind: type[CertificatePathError]
) -> None:
    with refused(kind, "certificate 'gegevens.gemeente.example' expired on"):
        raise_why(issued.certificate, issued.chain[1:], hierarchy.trust, at=at)


def test_the_one_certificate_that_is_out_of_time_is_named(
    refused: Refused, hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey
) -> None:
    authority = hierarchy.domain.issue_authority("late CA", key=p256_key, not_before=NOW + DAY)
    issued = authority.issue(key=p256_key, not_before=NOW - DAY)
    with refused(CertificateNotYetValidError, "certificate 'late CA' is valid from"):
        raise_why(issued.certificate, issued.chain[1:], hierarchy.trust)


def test_what_else_is_wrong_is_in_the_words_of_the_builder_quoted_and_cut(
    refused: Refused, hierarchy: Hierarchy, issued: Issued
) -> None:
    with refused(
        CertificatePathError, r"the path of certificate 'gegevens.gemeente.example' is refused: 'it is \x5bbad]"
    ) as caught:
        raise_why(issued.certificate, issued.chain[1:], hierarchy.trust, reason="it is [bad]" + "x" * 5000)
    assert len(caught.value.detail) < 400
    assert "\\x1b" not in caught.value.detail


def test_a_name_that_a_stranger_chose_is_shown_escaped_and_cut(
    refused: Refused, hierarchy: Hierarchy, stranger: Hierarchy, p256_key: ec.EllipticCurvePrivateKey
) -> None:
    issued = stranger.tsp.issue(key=p256_key, common_name="\x1b[31m\u202eevil")
    with refused(CertificatePathError, r"'\x1b\x5b31m\u{202e}evil'", no_chain=True) as caught:
        raise_why(issued.certificate, [], hierarchy.trust)
    assert caught.value.detail.isprintable()


def orphan(issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    builder = x509.CertificateBuilder(issuer, x509.Name([]), key.public_key(), 1, NOW - DAY, NOW + DAY)
    return builder.sign(key, SHA256())


def test_an_issuer_without_a_common_name_is_shown_whole(
    refused: Refused, hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey
) -> None:
    issuer = x509.Name(
        [x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Nameless")]
    )
    with refused(CertificatePathError, "the issuer of certificate '', 'O=Nameless,C=NL', is neither", no_chain=True):
        raise_why(orphan(issuer, p256_key), [], hierarchy.trust)


def test_an_anchor_of_another_key_type_is_not_the_issuer(
    refused: Refused, hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey
) -> None:
    # Checking an RSA signature with this key is an error of its own kind, not a bad signature.
    key: Any = ed25519.Ed25519PrivateKey.generate()
    odd = hierarchy.root.issue_authority("TEST nlgov-jades TSP CA", key=key)
    issued = hierarchy.tsp.issue(key=p256_key)
    with refused(CertificatePathError, "has the name of a trust anchor, but another key", no_chain=True):
        raise_why(issued.certificate, [], TrustStore([odd.certificate]))


@pytest.mark.parametrize("count", [5, 6, 9])
def test_a_path_that_is_longer_than_allowed_is_not_blamed_on_a_key(
    refused: Refused, hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey, count: int
) -> None:
    authority = hierarchy.root
    for index in range(count):
        authority = authority.issue_authority(f"level {index}", key=p256_key)
    issued = authority.issue(key=p256_key)
    with refused(CertificatePathError, f"has {count} CAs below the trust anchor; at most 4 are accepted"):
        raise_why(issued.certificate, issued.chain[1:], hierarchy.trust)


def test_a_path_as_long_as_allowed_is_told_in_the_words_of_the_builder(
    refused: Refused, hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey
) -> None:
    authority = hierarchy.root
    for index in range(4):
        authority = authority.issue_authority(f"level {index}", key=p256_key)
    issued = authority.issue(key=p256_key)
    with refused(CertificatePathError, "is refused: 'because'"):
        raise_why(issued.certificate, issued.chain[1:], hierarchy.trust)


@pytest.fixture(scope="module")
def twins(p256_key: ec.EllipticCurvePrivateKey) -> list[Authority]:
    """CAs of one name and one key, each with its own serial number, all issued by that name."""
    one = Hierarchy.new(name="TEST twins", not_before=NOW - DAY).root.issue_authority("twin", key=p256_key)
    return [one.issue_authority("twin", key=p256_key) for _ in range(60)]


def test_the_work_that_a_hostile_set_causes_is_bounded(
    refused: Refused, hierarchy: Hierarchy, twins: list[Authority], monkeypatch: pytest.MonkeyPatch
) -> None:
    from nlgov_jades.pki import failure

    budgets: list[int] = []
    original = failure._Walk._has_signed

    def counted(
        walk: failure._Walk, issuer: x509.Certificate, certificate: x509.Certificate, *, is_known: bool
    ) -> bool:
        budgets.append(walk._budget)
        return original(walk, issuer, certificate, is_known=is_known)

    monkeypatch.setattr(failure._Walk, "_has_signed", counted)
    leaf = twins[0].issue(key=twins[0].key).certificate
    with refused(CertificatePathError, "'twin', is neither a trust anchor nor among", no_chain=True):
        raise_why(leaf, [twin.certificate for twin in twins], hierarchy.trust)
    # It was spent once, one signature at a time, and without a budget there is no check.
    spent = [budget for budget in budgets if budget > 0]
    assert sorted(set(spent), reverse=True) == list(range(12, 0, -1))
    assert min(budgets) == 0


def test_a_spent_budget_shortens_the_explanation_and_accepts_nothing(
    refused: Refused, hierarchy: Hierarchy, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nlgov_jades.pki.failure._MAX_SIGNATURE_CHECKS", 1)
    with refused(CertificatePathError, "certificate 'TEST nlgov-jades TSP CA', 'TEST nlgov", no_chain=True):
        raise_why(issued.certificate, issued.chain[1:], hierarchy.trust)


def test_a_candidate_that_is_its_own_issuer_is_no_way_round(
    refused: Refused, hierarchy: Hierarchy, stranger: Hierarchy
) -> None:
    root = stranger.root.certificate
    with refused(CertificatePathError, "'TEST stranger Root CA', is neither", no_chain=True):
        raise_why(root, [root, root], hierarchy.trust)


def test_the_name_of_one_anchor_of_several_is_enough_to_be_told_apart(
    refused: Refused, hierarchy: Hierarchy, stranger: Hierarchy, look_alike: Hierarchy
) -> None:
    trust = TrustStore([stranger.root.certificate, hierarchy.root.certificate])
    with refused(CertificatePathError, "has the name of a trust anchor, but another key signed it", no_chain=True):
        raise_why(look_alike.tsp.certificate, look_alike.tsp.chain[1:-1], trust)


@pytest.mark.parametrize(
    ("levels", "at"),
    [(1, NOW), (1, NOW + 3650 * DAY), (5, NOW)],
    ids=["refused by the builder", "expired", "too long"],
)
def test_an_explanation_is_given_and_not_thrown_and_names_the_signer(
    hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey, levels: int, at: dt.datetime
) -> None:
    authority = hierarchy.root
    for index in range(levels):
        authority = authority.issue_authority(f"level {index}", key=p256_key)
    issued = authority.issue(key=p256_key)
    error = explain(issued.certificate, issued.chain[1:], trust=hierarchy.trust, at=at, reason="because")
    assert error.certificate == "'gegevens.gemeente.example'"
