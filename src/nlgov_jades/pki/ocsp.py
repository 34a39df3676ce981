"""OCSP (RFC 6960, RFC 5019): the request for one certificate, and what a response says about it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from ..policy import RevocationPolicy
from ..result import RevocationSource
from .answer import Answer, Standing, check_window, decide
from .certificate import extended_key_usages, key_usage
from .identity import common_name
from .signatures import UnusableDataError, check_signature

__all__ = ["MAX_OCSP", "OcspAnswer", "OcspResponse", "check_ocsp", "ocsp_request", "parse_ocsp"]

MAX_OCSP = 64 * 1024
"""Octets. A response with its delegate's certificate takes 2 to 3 KB."""

_MAX_RESPONSES = 64
"""Single responses that are looked at; a responder answers what was asked, sometimes with a few more."""

_MAX_CERTIFICATES = 4

_PROCESSED = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.OCSP_NO_CHECK,
    }
)
"""Extensions that may be critical in a delegate's certificate."""

_HASHES = (hashes.SHA1, hashes.SHA256, hashes.SHA384, hashes.SHA512)
"""Of names and keys in a CertID. SHA-1 identifies here, it does not protect (RFC 6960 §4.3)."""


@dataclass(frozen=True, slots=True, repr=False)
class OcspResponse:
    """A successful response whose form was checked. Made by `parse_ocsp`.

    Attributes:
        der: The response itself.
        parsed: As `cryptography` reads it.
        basic: As `asn1crypto` reads it, for the octets that were signed.
    """

    der: bytes
    parsed: ocsp.OCSPResponse
    basic: asn1_ocsp.BasicOCSPResponse


@dataclass(frozen=True, slots=True)
class OcspAnswer:
    """An answer, and who must not be revoked for it to count.

    Attributes:
        answer: What was said.
        delegate: The responder's certificate when it must itself be checked, else `None`.
    """

    answer: Answer
    delegate: x509.Certificate | None


def ocsp_request(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    """DER of the request for one certificate, without nonce, so that responders may answer from a cache (RFC 5019)."""
    return _request(certificate, issuer, hashes.SHA1()).public_bytes(Encoding.DER)  # noqa: S303 - see _HASHES


def parse_ocsp(der: bytes) -> OcspResponse:
    """A response, when it is a successful one of the basic type. Its signature is not checked here.

    Raises:
        UnusableDataError: No response, too large, or one that reports an error.
    """
    if not isinstance(der, bytes) or len(der) > MAX_OCSP:
        raise UnusableDataError(f"an OCSP response is bytes, at most {MAX_OCSP} of them")
    try:
        parsed = ocsp.load_der_ocsp_response(der)
        _check_status(parsed)
        basic = asn1_ocsp.OCSPResponse.load(der)["response_bytes"]["response"].parsed
        _ = parsed.signature, parsed.produced_at_utc, parsed.certificates, basic["tbs_response_data"].dump()
        _refuse_critical(basic["tbs_response_data"])
        return OcspResponse(der, parsed, basic)
    except UnusableDataError:
        raise
    except Exception:  # noqa: BLE001 - the parsers raise more classes than they document
        raise UnusableDataError("this is not an OCSP response, or a damaged one") from None


def check_ocsp(
    response: OcspResponse,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    *,
    policy: RevocationPolicy,
    at: dt.datetime,
) -> OcspAnswer:
    """What the response says about a certificate (RFC 6960 §3.2).

    Args:
        response: From `parse_ocsp`.
        certificate: The one in question.
        issuer: The CA certificate above it on a path that holds.
        policy: Gives `skew`, and `max_age` for a response without nextUpdate.
        at: The time to judge for, UTC.

    Raises:
        UnusableDataError: It says nothing: another certificate, "unknown", another time, a responder that may not
            answer, or a bad signature.
    """
    try:
        if all(single.serial_number != certificate.serial_number for single in response.parsed.responses):
            raise UnusableDataError("the OCSP response is about another certificate")  # noqa: TRY301 - before any signature is checked
        signer, delegate = _signer(response, issuer, at)
        basic = response.basic
        check_signature(
            signer,
            basic["signature_algorithm"],
            basic["tbs_response_data"].dump(),
            basic["signature"].native,
            "OCSP response",
        )
        answers = _answers(response, certificate, issuer, policy=policy, at=at, signer=signer)
    except UnusableDataError:
        raise
    except Exception:  # noqa: BLE001 - parts of a response are parsed when they are asked for
        raise UnusableDataError("the OCSP response is damaged") from None
    answer = decide(answers)
    if answer is None:
        raise UnusableDataError("the OCSP response does not know the certificate, or is about another")
    return OcspAnswer(answer, delegate)


def _check_status(response: ocsp.OCSPResponse) -> None:
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise UnusableDataError(f"the OCSP responder answered {response.response_status.name.lower()}")


def _refuse_critical(data: asn1_ocsp.ResponseData) -> None:
    # A nonce was not asked for; nothing else is known that changes what a response means.
    lists = [data["response_extensions"], *(single["single_extensions"] for single in data["responses"])]
    if any(extension["critical"].native for extensions in lists for extension in extensions):
        raise UnusableDataError("the OCSP response has a critical extension that is not processed")


def _request(
    certificate: x509.Certificate, issuer: x509.Certificate, algorithm: hashes.HashAlgorithm
) -> ocsp.OCSPRequest:
    return ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, algorithm).build()


def _answers(
    response: OcspResponse,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    *,
    policy: RevocationPolicy,
    at: dt.datetime,
    signer: x509.Certificate,
) -> list[Answer]:
    """Every usable answer about this certificate; when one is out of date, so is the response."""
    found = []
    for position, single in enumerate(response.parsed.responses):
        if position >= _MAX_RESPONSES:
            raise UnusableDataError("the OCSP response holds too many answers")
        if not _is_about(single, certificate, issuer):
            continue
        until = check_window(
            single.this_update_utc,
            single.next_update_utc,
            policy=policy,
            at=at,
            what="OCSP response",
            revoked_at=single.revocation_time_utc,
        )
        if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
            continue
        reason = single.revocation_reason
        standing = Standing.GOOD
        if single.certificate_status is ocsp.OCSPCertStatus.REVOKED:
            standing = Standing.ON_HOLD if reason is x509.ReasonFlags.certificate_hold else Standing.REVOKED
        found.append(
            Answer(
                standing=standing,
                source=RevocationSource.OCSP,
                signer=common_name(signer),
                this_update=single.this_update_utc,
                next_update=single.next_update_utc,
                valid_until=min(until, signer.not_valid_after_utc),
                revoked_at=single.revocation_time_utc,
                reason=None if reason is None else reason.value,
                der=response.der,
            )
        )
    return found


def _is_about(single: ocsp.OCSPSingleResponse, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if single.serial_number != certificate.serial_number or not isinstance(single.hash_algorithm, _HASHES):
        return False
    wanted = _request(certificate, issuer, single.hash_algorithm)
    return (single.issuer_name_hash, single.issuer_key_hash) == (wanted.issuer_name_hash, wanted.issuer_key_hash)


def _signer(
    response: OcspResponse, issuer: x509.Certificate, at: dt.datetime
) -> tuple[x509.Certificate, x509.Certificate | None]:
    """Who signed: the issuer itself, or a delegate it issued (RFC 6960 §4.2.2.2)."""
    if _is_responder(response.parsed, issuer):
        return issuer, None
    for delegate in response.parsed.certificates[:_MAX_CERTIFICATES]:
        if _is_responder(response.parsed, delegate):
            _check_delegate(delegate, issuer, at)
            nocheck = any(isinstance(item.value, x509.OCSPNoCheck) for item in delegate.extensions)
            return delegate, None if nocheck else delegate
    raise UnusableDataError("the OCSP response is signed by neither the issuer nor a delegate that it sent along")


def _is_responder(response: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    if response.responder_name is not None:
        return response.responder_name == certificate.subject
    key_hash = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest  # SHA-1 of the key bits
    return response.responder_key_hash == key_hash


def _check_delegate(delegate: x509.Certificate, issuer: x509.Certificate, at: dt.datetime) -> None:
    try:
        delegate.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001 - another name, another key, another algorithm
        raise UnusableDataError("the OCSP responder's certificate was not issued by the same CA") from None
    if not delegate.not_valid_before_utc <= at <= delegate.not_valid_after_utc:
        raise UnusableDataError("the OCSP responder's certificate is not valid at this time")
    if delegate.serial_number <= 0:
        raise UnusableDataError("the OCSP responder's certificate has a serial number that is not positive")
    if any(extension.critical and extension.oid not in _PROCESSED for extension in delegate.extensions):
        raise UnusableDataError("the OCSP responder's certificate has a critical extension that is not processed")
    if getattr(delegate.signature_hash_algorithm, "name", "") not in {"sha256", "sha384", "sha512"}:
        raise UnusableDataError("the OCSP responder's certificate is signed with an algorithm that is not accepted")
    extended = extended_key_usages(delegate)
    if extended is None or ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string not in extended:
        raise UnusableDataError("the OCSP responder's certificate is not for OCSP (id-kp-OCSPSigning)")
    usage = key_usage(delegate)
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise UnusableDataError("the OCSP responder's certificate may not sign (keyUsage)")
