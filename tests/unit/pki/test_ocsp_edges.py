"""OCSP at its edges: several answers in one response, the last moment of a responder, what a delegate may be."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from asn1crypto import core
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from nlgov_jades.pki.answer import Standing
from nlgov_jades.pki.ocsp import OcspAnswer, check_ocsp, parse_ocsp
from nlgov_jades.pki.signatures import UnusableDataError
from nlgov_jades.testing import Authority, Hierarchy, Issued, make_ocsp, ocsp_delegate

from .revoking import HARD, HOUR, NOW, REVOKED, ocsp_of

Reissue = Callable[..., bytes]

SECOND = dt.timedelta(seconds=1)
UNKNOWN_STATUS = asn1_ocsp.CertStatus("unknown", core.Null())


@pytest.fixture(scope="module")
def signer(hierarchy: Hierarchy, leaf_key: rsa.RSAPrivateKey) -> Issued:
    return hierarchy.tsp.issue(key=leaf_key)


def ask(der: bytes, signer: Issued, issuer: Authority, *, at: dt.datetime = NOW) -> OcspAnswer:
    return check_ocsp(parse_ocsp(der), signer.certificate, issuer.certificate, policy=HARD, at=at)


def edited(der: bytes, issuer: Authority, edit: Callable[[Any], object]) -> bytes:
    """The response with its data changed and signed again by the issuer."""
    parsed = asn1_ocsp.OCSPResponse.load(der)
    basic = parsed["response_bytes"]["response"].parsed
    edit(basic["tbs_response_data"])
    assert isinstance(issuer.key, rsa.RSAPrivateKey)
    octets = basic["tbs_response_data"].dump(force=True)
    basic["signature"] = issuer.key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    parsed["response_bytes"]["response"] = core.ParsableOctetString(basic.dump(force=True))
    made: bytes = parsed.dump(force=True)
    return made


def repeated(number: int) -> Callable[[Any], None]:
    def edit(data: Any) -> None:
        data["responses"] = [data["responses"][0]] * number

    return edit


# --- several answers -----------------------------------------------------------------------------------------


def test_64_answers_in_one_response_are_read_and_one_more_is_too_many(hierarchy: Hierarchy, signer: Issued) -> None:
    der = ocsp_of(hierarchy.tsp, signer)
    assert ask(edited(der, hierarchy.tsp, repeated(64)), signer, hierarchy.tsp).answer.standing is Standing.GOOD
    with pytest.raises(UnusableDataError, match="holds too many answers"):
        ask(edited(der, hierarchy.tsp, repeated(65)), signer, hierarchy.tsp)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["unknown first", "unknown last"])
def test_an_answer_counts_beside_one_that_does_not_know(
    hierarchy: Hierarchy, signer: Issued, order: tuple[int, int]
) -> None:
    def edit(data: Any) -> None:
        first = data["responses"][0]
        unknown = first.copy()
        unknown["cert_status"] = UNKNOWN_STATUS
        both = [unknown, first]
        data["responses"] = [both[position] for position in order]

    der = edited(ocsp_of(hierarchy.tsp, signer), hierarchy.tsp, edit)
    assert ask(der, signer, hierarchy.tsp).answer.standing is Standing.GOOD


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["another's first", "another's last"])
def test_an_answer_counts_beside_one_about_another_certificate(
    hierarchy: Hierarchy, signer: Issued, order: tuple[int, int]
) -> None:
    def edit(data: Any) -> None:
        first = data["responses"][0]
        other = first.copy()
        other["cert_id"]["serial_number"] = signer.certificate.serial_number + 1
        both = [other, first]
        data["responses"] = [both[position] for position in order]

    der = edited(ocsp_of(hierarchy.tsp, signer, REVOKED), hierarchy.tsp, edit)
    assert ask(der, signer, hierarchy.tsp).answer.standing is Standing.REVOKED


def test_a_certificate_that_is_named_with_another_hash_is_not_the_one_in_question(
    hierarchy: Hierarchy, signer: Issued
) -> None:
    builder = ocsp.OCSPRequestBuilder()
    named = builder.add_certificate(signer.certificate, hierarchy.tsp.certificate, hashes.SHA224()).build()

    def edit(data: Any) -> None:
        data["responses"][0]["cert_id"]["hash_algorithm"] = {"algorithm": "sha224"}
        data["responses"][0]["cert_id"]["issuer_name_hash"] = named.issuer_name_hash
        data["responses"][0]["cert_id"]["issuer_key_hash"] = named.issuer_key_hash

    der = edited(ocsp_of(hierarchy.tsp, signer), hierarchy.tsp, edit)
    with pytest.raises(UnusableDataError, match="does not know the certificate, or is about another"):
        ask(der, signer, hierarchy.tsp)


def test_a_later_revocation_counts_for_an_earlier_time_at_which_it_had_happened(
    hierarchy: Hierarchy, signer: Issued
) -> None:
    der = ocsp_of(hierarchy.tsp, signer, REVOKED)
    revoked_since = NOW - 24 * HOUR
    answer = ask(der, signer, hierarchy.tsp, at=revoked_since).answer
    assert (answer.standing, answer.revoked_at) == (Standing.REVOKED, revoked_since)
    with pytest.raises(UnusableDataError, match="after the time it is asked for"):
        ask(der, signer, hierarchy.tsp, at=revoked_since - SECOND)


# --- the responder -------------------------------------------------------------------------------------------


@pytest.fixture
def delegated(hierarchy: Hierarchy, ca_key: rsa.RSAPrivateKey) -> Callable[..., Issued]:
    standard: dict[str, Any] = {"key": ca_key}
    return lambda **parts: ocsp_delegate(hierarchy.tsp, **(standard | parts))


def by(delegate: Issued, hierarchy: Hierarchy, signer: Issued) -> bytes:
    return make_ocsp(hierarchy.tsp, signer.certificate, this_update=NOW - HOUR, delegate=delegate)


def test_a_delegate_answers_from_its_first_to_its_last_second(
    hierarchy: Hierarchy, signer: Issued, delegated: Callable[..., Issued]
) -> None:
    for validity in ({"not_before": NOW}, {"not_after": NOW}):
        der = by(delegated(**validity), hierarchy, signer)
        assert ask(der, signer, hierarchy.tsp).answer.standing is Standing.GOOD
    for validity in ({"not_before": NOW + SECOND}, {"not_after": NOW - SECOND}):
        der = by(delegated(**validity), hierarchy, signer)
        with pytest.raises(UnusableDataError, match="certificate is not valid at this time"):
            ask(der, signer, hierarchy.tsp)


@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()], ids=lambda item: item.name)
def test_a_delegate_may_be_signed_with_any_hash_that_is_accepted_in_a_path(
    hierarchy: Hierarchy, signer: Issued, delegated: Callable[..., Issued], algorithm: hashes.HashAlgorithm
) -> None:
    der = by(delegated(algorithm=algorithm), hierarchy, signer)
    assert ask(der, signer, hierarchy.tsp).answer.standing is Standing.GOOD


def test_a_delegate_signed_with_another_hash_is_refused(
    hierarchy: Hierarchy, signer: Issued, delegated: Callable[..., Issued]
) -> None:
    der = by(delegated(algorithm=hashes.SHA224()), hierarchy, signer)
    with pytest.raises(UnusableDataError, match="is signed with an algorithm that is not accepted"):
        ask(der, signer, hierarchy.tsp)


@pytest.mark.parametrize("usages", [("digital_signature",), ("content_commitment",), ()])
def test_a_delegate_signs_with_either_usage_or_with_none_stated(
    hierarchy: Hierarchy, signer: Issued, delegated: Callable[..., Issued], usages: tuple[str, ...]
) -> None:
    der = by(delegated(usages=usages), hierarchy, signer)
    assert ask(der, signer, hierarchy.tsp).answer.standing is Standing.GOOD


@pytest.mark.parametrize("number", [0, 1])
def test_a_delegate_has_a_positive_serial_number(
    hierarchy: Hierarchy, signer: Issued, delegated: Callable[..., Issued], reissue: Reissue, number: int
) -> None:
    delegate = delegated()
    octets = reissue(delegate, hierarchy.tsp, lambda item: item["tbs_certificate"].__setitem__("serial_number", number))
    der = with_certificates(by(delegate, hierarchy, signer), [octets])
    if number > 0:
        assert ask(der, signer, hierarchy.tsp).answer.standing is Standing.GOOD
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # as an application has it
        with pytest.raises(UnusableDataError, match="has a serial number that is not positive"):
            ask(der, signer, hierarchy.tsp)


def with_certificates(der: bytes, certificates: list[bytes]) -> bytes:
    """The response with other certificates sent along; those are not among what is signed."""
    parsed = asn1_ocsp.OCSPResponse.load(der)
    basic = parsed["response_bytes"]["response"].parsed
    basic["certs"] = [asn1_x509.Certificate.load(certificate) for certificate in certificates]
    parsed["response_bytes"]["response"] = core.ParsableOctetString(basic.dump(force=True))
    made: bytes = parsed.dump(force=True)
    return made


def insisting(
    hierarchy: Hierarchy, key: rsa.RSAPrivateKey, extensions: list[tuple[x509.ExtensionType, bool]]
) -> Issued:
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
    held = [item for item, _ in extensions]
    more = [*extensions, *([] if usage in held else [(usage, False)])]
    more += [] if x509.OCSPNoCheck() in held else [(x509.OCSPNoCheck(), False)]
    return hierarchy.tsp.issue(
        common_name="the responder", oin=None, key=key, policies=None, extended_key_usages=None, more_extensions=more
    )


POLICY = x509.PolicyInformation(x509.ObjectIdentifier("1.2.3"), None)
NOT_PROCESSED = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")


@pytest.mark.parametrize(
    "extension",
    [
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]),
        x509.CertificatePolicies([POLICY]),
        x509.OCSPNoCheck(),
    ],
    ids=lambda extension: type(extension).__name__,
)
def test_a_delegate_may_insist_on_what_is_processed(
    hierarchy: Hierarchy, signer: Issued, ca_key: rsa.RSAPrivateKey, extension: x509.ExtensionType
) -> None:
    der = by(insisting(hierarchy, ca_key, [(extension, True)]), hierarchy, signer)
    assert ask(der, signer, hierarchy.tsp).answer.standing is Standing.GOOD


def test_a_delegate_that_insists_on_something_else_is_refused(
    hierarchy: Hierarchy, signer: Issued, ca_key: rsa.RSAPrivateKey
) -> None:
    der = by(insisting(hierarchy, ca_key, [(NOT_PROCESSED, False)]), hierarchy, signer)
    assert ask(der, signer, hierarchy.tsp).answer.standing is Standing.GOOD
    der = by(insisting(hierarchy, ca_key, [(NOT_PROCESSED, True)]), hierarchy, signer)
    with pytest.raises(UnusableDataError, match="has a critical extension that is not processed"):
        ask(der, signer, hierarchy.tsp)


# --- form ----------------------------------------------------------------------------------------------------


def test_the_fourth_certificate_that_was_sent_along_may_be_the_delegates_and_the_fifth_may_not(
    hierarchy: Hierarchy, signer: Issued, delegated: Callable[..., Issued]
) -> None:
    delegate = delegated()
    others = [hierarchy.root.certificate.public_bytes(Encoding.DER)] * 3
    own = delegate.certificate.public_bytes(Encoding.DER)
    response = by(delegate, hierarchy, signer)
    assert ask(with_certificates(response, [*others, own]), signer, hierarchy.tsp).answer.standing is Standing.GOOD
    with pytest.raises(UnusableDataError, match="signed by neither the issuer nor a delegate"):
        ask(with_certificates(response, [*others, others[0], own]), signer, hierarchy.tsp)


def test_a_response_of_64_kib_is_looked_at_and_a_longer_one_is_not() -> None:
    with pytest.raises(UnusableDataError, match="this is not an OCSP response, or a damaged one"):
        parse_ocsp(bytes(65_536))
    with pytest.raises(UnusableDataError, match="an OCSP response is bytes, at most 65536 of them"):
        parse_ocsp(bytes(65_537))


@pytest.mark.parametrize(
    "algorithm",
    [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()],  # noqa: S303 - it only names the issuer
    ids=lambda item: item.name,
)
def test_the_certificate_in_question_may_be_named_with_any_of_four_hashes(
    hierarchy: Hierarchy, signer: Issued, algorithm: Any
) -> None:
    der = make_ocsp(hierarchy.tsp, signer.certificate, this_update=NOW - HOUR, hash_algorithm=algorithm)
    assert ask(der, signer, hierarchy.tsp).answer.standing is Standing.GOOD
