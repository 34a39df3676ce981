"""How long a verdict is remembered, and what makes a verifier forget: revocations, whoever brought the news."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from binascii import b2a_base64
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades import ANY_TRUSTED, HttpRequest, HttpResponse, Signer, VerificationPolicy, Verifier, profiles
from nlgov_jades.errors import (
    CertificateRevokedError,
    FetchError,
    MessageNotSignableError,
    ProfileViolationError,
    UnsupportedAlgorithmError,
    VerificationError,
)
from nlgov_jades.jades import read_certificates
from nlgov_jades.pki.crl import Entries, check_crl, parse_crl
from nlgov_jades.pki.revocation import FetchRequest, RevocationData
from nlgov_jades.pki.signatures import ForgedDataError
from nlgov_jades.policy import RevocationPolicy
from nlgov_jades.testing import Hierarchy, Issued, Revocation, make_crl
from nlgov_jades.testing.hierarchy import new_key

Refused = Callable[..., AbstractContextManager[pytest.ExceptionInfo[VerificationError]]]

START = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


class Authorities:
    """A fetcher that makes a CRL of any CA of the hierarchy, and counts. What it revokes is told to it."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        self.hierarchy = hierarchy
        self.revoked: list[Revocation] = []
        self.now = START
        self.fetched = 0

    def crl(self, issuer: x509.Name) -> bytes:
        authority = next(item for item in self.hierarchy.authorities if item.certificate.subject == issuer)
        listed = self.revoked if authority is self.hierarchy.tsp else []
        return make_crl(authority, listed, this_update=self.now)

    def fetch(self, request: FetchRequest, *, timeout: float) -> RevocationData:
        self.fetched += 1
        if request.body() is not None:
            raise FetchError(f"no OCSP here, and {timeout:.0f} s left")
        return request.parse(self.crl(request.issuer.subject))


@pytest.fixture(scope="module")
def online() -> Hierarchy:
    return Hierarchy.new(not_before=START - 100 * HOUR, revocation_url="http://crl.example")


@pytest.fixture(scope="module")
def signer(online: Hierarchy) -> Issued:
    return online.tsp.issue()


@pytest.fixture
def authorities(online: Hierarchy) -> Authorities:
    return Authorities(online)


@pytest.fixture
def checking(online: Hierarchy, authorities: Authorities) -> Verifier:
    policy = VerificationPolicy(profiles=(profiles.DDAS,), signers=ANY_TRUSTED)
    return Verifier(trust=online.trust, policy=policy, fetcher=authorities, clock=lambda: authorities.now)


@pytest.fixture
def message(signer: Issued, request_message: HttpRequest) -> HttpRequest:
    made = Signer(signer.credential, profile=profiles.DDAS, clock=lambda: START)
    return request_message.with_fields(made.sign(request_message))


def listed(signer: Issued, reason: x509.ReasonFlags | None = None) -> Revocation:
    return Revocation(serial_number=signer.certificate.serial_number, at=START - HOUR, reason=reason)


def test_the_second_message_of_a_signer_fetches_nothing(
    checking: Verifier, message: HttpRequest, authorities: Authorities
) -> None:
    first = checking.verify(message)
    after_first = authorities.fetched
    assert after_first > 0
    assert checking.verify(message).revocation == first.revocation
    assert authorities.fetched == after_first


def other_digest(name: str) -> dict[str, str]:
    digest = hashlib.new({"S256": "sha256", "S512": "sha512"}[name], b"another certificate").digest()
    return {"digAlg": name, "digVal": base64.urlsafe_b64encode(digest).rstrip(b"=").decode()}


@pytest.mark.parametrize(
    ("references", "words"),
    [
        ({"x5t#S256": other_digest("S256")["digVal"]}, "x5t#S256"),
        ({"x5t#o": other_digest("S512")}, "x5t#o"),
        ({"sigX5ts": [other_digest("S512")]}, "sigX5ts"),
        ({"x5t#S256": other_digest("S256")["digVal"], "x5t#o": other_digest("S512")}, "x5t#S256"),
    ],
)
def test_a_signer_that_is_known_is_held_to_each_reference_again(
    checking: Verifier,
    authorities: Authorities,
    message: HttpRequest,
    request_message: HttpRequest,
    signer: Issued,
    forge: Callable[..., HttpRequest],
    refused: Refused,
    references: dict[str, object],
    words: str,
) -> None:
    checking.verify(message)
    fetched = authorities.fetched
    checking.verify(forge(request_message, signer=signer))
    assert authorities.fetched == fetched, "the signer is known"
    with refused(ProfileViolationError, f"{words} does not name the certificate"):
        checking.verify(forge(request_message, signer=signer, edit=lambda header: header.update(references)))


def test_a_verdict_ends_after_the_four_hours_of_the_policy(
    checking: Verifier, message: HttpRequest, authorities: Authorities
) -> None:
    checking.verify(message)
    before = authorities.fetched
    authorities.now = START + 4 * HOUR
    checking.verify(message)
    assert authorities.fetched == before, "it holds up to the last moment"
    authorities.now += dt.timedelta(seconds=1)
    checking.verify(message)
    assert authorities.fetched > before


def test_a_revocation_that_a_caller_brings_along_ends_the_verdict(
    checking: Verifier, message: HttpRequest, authorities: Authorities, signer: Issued
) -> None:
    checking.verify(message)
    revoking = make_crl(authorities.hierarchy.tsp, [listed(signer)], this_update=START)
    with pytest.raises(CertificateRevokedError):
        checking.verify(message, crls=[revoking])
    authorities.revoked = [listed(signer)]
    with pytest.raises(CertificateRevokedError):
        checking.verify(message)


def test_a_revoked_signer_cannot_make_the_others_dear_by_repeating_himself(
    checking: Verifier, message: HttpRequest, authorities: Authorities, signer: Issued, request_message: HttpRequest
) -> None:
    other = authorities.hierarchy.tsp.issue(common_name="other.example")
    made = Signer(other.credential, profile=profiles.DDAS, clock=lambda: START)
    of_other = request_message.with_fields(made.sign(request_message))
    authorities.revoked = [listed(signer)]
    with pytest.raises(CertificateRevokedError):
        checking.verify(message)
    checking.verify(of_other)
    with pytest.raises(CertificateRevokedError):
        checking.verify(message)
    before = authorities.fetched
    checking.verify(of_other)
    assert authorities.fetched == before


def test_a_revocation_after_a_lifted_hold_is_a_new_one(
    checking: Verifier, message: HttpRequest, authorities: Authorities, signer: Issued
) -> None:
    authorities.revoked = [listed(signer, x509.ReasonFlags.certificate_hold)]
    with pytest.raises(CertificateRevokedError):
        checking.verify(message)
    authorities.revoked = []
    checking.verify(message)  # lifted, and remembered as good
    revoking = make_crl(authorities.hierarchy.tsp, [listed(signer)], this_update=START)
    with pytest.raises(CertificateRevokedError):
        checking.verify(message, crls=[revoking])
    authorities.revoked = [listed(signer)]
    with pytest.raises(CertificateRevokedError):
        checking.verify(message)


# --- costly or forged things that a stranger sends -------------------------------------------------------------


def test_a_ca_with_a_weak_or_costly_key_is_refused_before_it_is_used(online: Hierarchy) -> None:
    weak = online.domain.issue_authority("weak", key=new_key(1024))
    entry = b2a_base64(weak.certificate.public_bytes(Encoding.DER), newline=False).decode()
    with pytest.raises(UnsupportedAlgorithmError, match="certificate 0 of x5c has 1024 bits") as caught:
        read_certificates([entry])
    assert caught.value.sub_indication == "CRYPTO_CONSTRAINTS_FAILURE"


def test_the_entries_of_a_crl_from_the_network_are_not_read_before_its_signature(
    online: Hierarchy, signer: Issued
) -> None:
    forged = make_crl(online.tsp, [listed(signer)], this_update=START, signed_by=online.root)
    parsed = parse_crl(forged, Entries.AFTER_SIGNATURE)
    hard = RevocationPolicy.HARD_FAIL
    with pytest.raises(ForgedDataError):
        check_crl(parsed, signer.certificate, online.tsp.certificate, policy=hard, at=START)
    assert parsed._index is None


# --- answers that carry no whole body --------------------------------------------------------------------------


def test_an_answer_to_head_is_neither_signed_nor_verified(
    checking: Verifier, signer: Issued, message: HttpRequest
) -> None:
    question = HttpRequest(method="HEAD", target="/v1/gegevens")
    answer = HttpResponse(status=200, fields=message.fields, request=question)
    with pytest.raises(ProfileViolationError, match="HEAD"):
        checking.verify(answer)
    made = Signer(signer.credential, profile=profiles.DDAS, clock=lambda: START)
    with pytest.raises(MessageNotSignableError, match="HEAD"):
        made.sign(HttpResponse(status=200, request=question))
