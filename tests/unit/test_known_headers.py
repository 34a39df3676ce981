"""A verifier that knows the whole header of a signer refuses all that one refuses that never met it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades import ANY_TRUSTED, HttpRequest, VerificationPolicy, VerifiedMessage, Verifier, profiles
from nlgov_jades.errors import (
    CertificateRevokedError,
    DigestMismatchError,
    InvalidSignatureError,
    MalformedSignatureError,
    ProfileViolationError,
    SigningTimeError,
    VerificationError,
)
from nlgov_jades.testing import Hierarchy, Issued, make_crl

from .conftest import Crls

Forge = Callable[..., HttpRequest]

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
FIELD, LOGIUS_FIELD = "nlgov-adr-payload-sig", "Payload-Signature"
POLICY = VerificationPolicy(
    profiles=(profiles.DDAS, profiles.LOGIUS_PAYLOAD, profiles.ADR_MESSAGE),
    signers=ANY_TRUSTED,
    max_age=dt.timedelta(minutes=5),
)


class Clock:
    """Stands where it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stranger(online: Hierarchy, crls: Crls, clock: Clock) -> Verifier:
    """Never met the signer."""
    return Verifier(trust=online.trust, policy=POLICY, fetcher=crls, clock=clock)


@pytest.fixture
def verifier(
    online: Hierarchy, crls: Crls, clock: Clock, forge: Forge, request_message: HttpRequest, signer: Issued
) -> Verifier:
    """Knows the headers of the signer, in the payload profile and in the message profile."""
    verifier = Verifier(trust=online.trust, policy=POLICY, fetcher=crls, clock=clock)
    for options in ({}, {"field": "nlgov-adr-message-sig", "edit": covering_all(request_message)}):
        for _ in range(3):
            verifier.verify(forge(request_message, signer=signer, **options))
    (known,) = verifier._beginnings._younger.values()
    assert [header.profile for header in known.headers] == [profiles.DDAS, profiles.ADR_MESSAGE]
    return verifier


def covering_all(message: HttpRequest, *, without: str = "") -> Callable[[dict[str, Any]], object]:
    """Sets the `pars` that the message profile asks of this message."""
    covers: Any = profiles.ADR_MESSAGE.covers
    there = [name for name in covers.order if name in covers.mandatory or name in message.fields]
    return lambda header: header["sigD"].update(pars=[name for name in there if name != without])


def both(verifier: Verifier, stranger: Verifier, message: HttpRequest) -> VerificationError:
    """The error, which is the same from a verifier that never met the signer."""
    errors = []
    for each in (verifier, stranger):
        with pytest.raises(VerificationError) as caught:
            each.verify(message)
        errors.append(caught.value)
    assert (type(errors[0]), errors[0].detail) == (type(errors[1]), errors[1].detail)
    return errors[0]


def at(header: dict[str, Any], *, later: int) -> None:
    header["iat"] += later


def test_what_a_known_header_proves_is_what_an_unknown_one_proves(
    verifier: Verifier, stranger: Verifier, forge: Forge, request_message: HttpRequest, signer: Issued
) -> None:
    message = forge(request_message, signer=signer, edit=lambda header: at(header, later=-60))
    seen: list[VerifiedMessage] = [verifier.verify(message), stranger.verify(message)]
    for field in dataclasses.fields(VerifiedMessage):
        assert getattr(seen[0], field.name) == getattr(seen[1], field.name)
    assert seen[0].signing_time == NOW - dt.timedelta(seconds=60)
    assert seen[0].protected_header == seen[1].protected_header


@pytest.mark.parametrize("later", [-301, 86_400])
def test_the_age_of_a_known_header_is_judged_by_its_own_iat(
    verifier: Verifier, stranger: Verifier, forge: Forge, request_message: HttpRequest, signer: Issued, later: int
) -> None:
    message = forge(request_message, signer=signer, edit=lambda header: at(header, later=later))
    error = both(verifier, stranger, message)
    assert isinstance(error, SigningTimeError)
    assert error.code == "SIGNING_TIME"


def test_a_copy_of_a_known_message_grows_old(
    verifier: Verifier, stranger: Verifier, clock: Clock, forge: Forge, request_message: HttpRequest, signer: Issued
) -> None:
    message = forge(request_message, signer=signer)
    verifier.verify(message)
    clock.now += dt.timedelta(minutes=6)
    assert both(verifier, stranger, message).code == "SIGNING_TIME"


def test_the_exp_of_a_known_header_still_ends_it(
    verifier: Verifier, stranger: Verifier, clock: Clock, forge: Forge, request_message: HttpRequest, signer: Issued
) -> None:
    end = int(NOW.timestamp()) + 60

    def ending(header: dict[str, Any]) -> None:
        header["exp"] = end

    for _ in range(2):
        verifier.verify(forge(request_message, signer=signer, edit=ending))
    (known,) = verifier._beginnings._younger.values()
    assert [header.expires for header in known.headers] == [False, False, True]
    clock.now += dt.timedelta(seconds=60)
    error = both(verifier, stranger, forge(request_message, signer=signer, edit=ending))
    assert isinstance(error, SigningTimeError)
    assert "(exp)" in error.detail


def test_an_iat_that_was_changed_in_a_known_header_breaks_the_signature(
    verifier: Verifier, stranger: Verifier, forge: Forge, request_message: HttpRequest, signer: Issued
) -> None:
    early = forge(request_message, signer=signer, edit=lambda header: at(header, later=-60))
    late = forge(request_message, signer=signer)
    values = [str(message.fields.combined(FIELD)).partition("..") for message in (early, late)]
    # The header of one, the signature of the other.
    mixed = HttpRequest(
        method=early.method,
        target=early.target,
        fields=[(name, values[0][0] + ".." + values[1][2] if name == FIELD else value) for name, value in early.fields],
        body=early.body,
    )
    assert isinstance(both(verifier, stranger, mixed), InvalidSignatureError)


def test_a_known_header_does_not_vouch_for_the_signature(
    verifier: Verifier, stranger: Verifier, forge: Forge, request_message: HttpRequest, signer: Issued
) -> None:
    spoilt = forge(request_message, signer=signer, damage=lambda octets: octets[:-1] + bytes([octets[-1] ^ 1]))
    assert isinstance(both(verifier, stranger, spoilt), InvalidSignatureError)


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 4, 171, 342, 512])
@pytest.mark.parametrize("more", ["", "=", "==", ".", "..", "!", "\u00e9", ",", "A", "AA", "AB", "AAA", "AAAA", "-_+/"])
def test_a_signature_of_another_form_is_refused_for_the_same_reason_after_a_known_header(
    verifier: Verifier,
    stranger: Verifier,
    forge: Forge,
    request_message: HttpRequest,
    signer: Issued,
    cut: int,
    more: str,
) -> None:
    message = forge(request_message, signer=signer)
    header, _, signature = str(message.fields.combined(FIELD)).partition("..")
    changed = f"{header}..{signature[:cut]}{more}"
    if changed == f"{header}..{signature}":
        verifier.verify(message)
        return
    lines = [(name, changed if name == FIELD else value) for name, value in message.fields]
    spoilt = HttpRequest(method=message.method, target=message.target, fields=lines, body=message.body)
    assert isinstance(both(verifier, stranger, spoilt), MalformedSignatureError | InvalidSignatureError)


def test_a_known_header_does_not_vouch_for_the_body(
    verifier: Verifier, stranger: Verifier, forge: Forge, request_message: HttpRequest, signer: Issued
) -> None:
    message = forge(request_message, signer=signer).with_body(b'{"another": "body"}')
    assert isinstance(both(verifier, stranger, message), DigestMismatchError)


def test_a_message_without_what_a_known_header_covers_is_refused(
    verifier: Verifier, stranger: Verifier, forge: Forge, request_message: HttpRequest, signer: Issued
) -> None:
    message = forge(request_message, signer=signer)
    bare = HttpRequest(
        method=message.method,
        target=message.target,
        fields=[line for line in message.fields if line[0] != "Digest"],
        body=message.body,
    )
    assert isinstance(both(verifier, stranger, bare), ProfileViolationError)


def test_a_field_that_a_known_header_leaves_out_is_missed_in_the_message_that_has_it(
    verifier: Verifier, stranger: Verifier, forge: Forge, request_message: HttpRequest, signer: Issued
) -> None:
    signed = forge(request_message, signer=signer, field="nlgov-adr-message-sig", edit=covering_all(request_message))
    more = signed.with_fields([("Content-Encoding", "identity")])
    error = both(verifier, stranger, more)
    assert isinstance(error, ProfileViolationError)
    assert "content-encoding" in error.detail


def test_what_the_policy_says_of_uncovered_fields_holds_for_a_known_header_too(
    verifier: Verifier, stranger: Verifier, forge: Forge, request_message: HttpRequest, signer: Issued
) -> None:
    message = forge(request_message, signer=signer).with_fields([("Content-Encoding", "gzip")])
    assert isinstance(both(verifier, stranger, message), ProfileViolationError)


def test_a_header_that_one_profile_accepted_is_judged_anew_by_another(
    online: Hierarchy,
    crls: Crls,
    clock: Clock,
    stranger: Verifier,
    forge: Forge,
    request_message: HttpRequest,
    signer: Issued,
) -> None:
    verifier = Verifier(trust=online.trust, policy=POLICY, fetcher=crls, clock=clock)

    def without_kid(header: dict[str, Any]) -> None:
        del header["kid"]
        header["cty"] = "x" * 600  # as long a beginning as is kept

    for _ in range(4):
        verifier.verify(forge(request_message, signer=signer, field=LOGIUS_FIELD, edit=without_kid))
    (known,) = verifier._beginnings._younger.values()
    assert [header.profile for header in known.headers] == [profiles.LOGIUS_PAYLOAD]
    error = both(verifier, stranger, forge(request_message, signer=signer, edit=without_kid))
    assert isinstance(error, ProfileViolationError)
    assert "kid" in error.detail


def test_a_header_known_with_another_signature_field_beside_it_is_refused(
    verifier: Verifier, stranger: Verifier, forge: Forge, request_message: HttpRequest, signer: Issued
) -> None:
    message = forge(request_message, signer=signer)
    twice = message.with_fields([(LOGIUS_FIELD, str(message.fields.combined(FIELD)))])
    assert isinstance(both(verifier, stranger, twice), MalformedSignatureError)


def test_a_signer_who_is_revoked_is_refused_with_a_known_header_too(
    verifier: Verifier,
    stranger: Verifier,
    crls: Crls,
    clock: Clock,
    forge: Forge,
    request_message: HttpRequest,
    signer: Issued,
) -> None:
    crls.revoked.append(signer.certificate.serial_number)
    crls.now = clock.now = NOW + dt.timedelta(hours=6)  # beyond what is remembered
    message = forge(request_message, signer=signer, edit=lambda header: at(header, later=6 * 3600))
    assert isinstance(both(verifier, stranger, message), CertificateRevokedError)


def test_a_revocation_in_given_data_is_seen_with_a_known_header(
    verifier: Verifier, online: Hierarchy, forge: Forge, request_message: HttpRequest, signer: Issued
) -> None:
    crl = make_crl(online.tsp, [signer.certificate.serial_number], this_update=NOW)
    with pytest.raises(CertificateRevokedError) as caught:
        verifier.verify(forge(request_message, signer=signer), crls=[crl])
    assert caught.value.code == "CERTIFICATE_REVOKED"
