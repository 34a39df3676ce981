"""Step 7: the certificates of `x5c`, and every reference that names one of them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades.errors import (
    MalformedSignatureError,
    ProfileViolationError,
    UnsupportedAlgorithmError,
    VerificationError,
)
from nlgov_jades.jades import certificate_reference, check_references, has_only_reference, read_certificates, read_x5c
from nlgov_jades.profiles import CertificateReference
from nlgov_jades.testing import Hierarchy, Issued

Refused = Callable[..., AbstractContextManager[pytest.ExceptionInfo[VerificationError]]]

LEAF, CA, OTHER = b"leaf", b"ca", b"other"
CHAIN = (LEAF, CA)


def b64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def digest_object(octets: bytes, name: str = "S512") -> dict[str, str]:
    algorithm = {"S256": "sha256", "S384": "sha384", "S512": "sha512"}[name]
    return {"digAlg": name, "digVal": b64url(hashlib.new(algorithm, octets).digest())}


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def read(header: dict[str, Any]) -> tuple[tuple[bytes, x509.Certificate], ...]:
    return read_certificates(read_x5c(header))


# --- x5c -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_the_certificates_are_read_signer_first(issued: Issued, count: int) -> None:
    chain = (*issued.chain, issued.chain[-1])[:count]
    found = read({"x5c": [b64(der(certificate)) for certificate in chain]})
    assert found == tuple((der(certificate), certificate) for certificate in chain)


@pytest.mark.parametrize("x5c", [None, [], "AA==", {"0": "AA=="}, [None], [["AA=="]], ["AA==", 5], True])
def test_an_x5c_that_is_no_list_of_texts_is_malformed(refused: Refused, x5c: object) -> None:
    with refused(MalformedSignatureError, "x5c is not a non-empty list of texts"):
        read_x5c({"x5c": x5c})


def test_a_sixth_certificate_is_refused_before_any_is_read(refused: Refused) -> None:
    with refused(MalformedSignatureError, "x5c holds 6 certificates; at most 5 are read"):
        read_x5c({"x5c": ["no base64"] * 6})


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda text: text.rstrip("="), id="no padding"),
        pytest.param(lambda text: text + "\n", id="line feed"),
        pytest.param(lambda text: text[:64] + "\r\n" + text[64:], id="folded"),
        pytest.param(lambda text: text.replace("+", "-").replace("/", "_"), id="base64url"),
        pytest.param(lambda text: f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----", id="pem"),
        pytest.param(lambda text: " " + text, id="space"),
    ],
)
def test_a_certificate_in_another_encoding_is_malformed(
    refused: Refused, issued: Issued, spoil: Callable[[str], str]
) -> None:
    octets = der(issued.certificate)
    octets += bytes(-(len(octets) + 1) % 3)  # so that there is padding to take away
    with refused(MalformedSignatureError, "certificate 1 of x5c is not"):
        read({"x5c": [b64(der(issued.certificate)), spoil(b64(octets))]})


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"certificate", id="text"),
        pytest.param(lambda octets: octets[:-1], id="cut"),
        pytest.param(lambda octets: octets + b"\x00", id="an octet more"),
        pytest.param(lambda octets: octets + octets, id="two in one"),
        pytest.param(lambda octets: b"\x30\x80" + octets[4:] + b"\x00\x00", id="indefinite length"),
    ],
)
def test_a_certificate_that_cannot_be_read_is_malformed(
    refused: Refused, issued: Issued, spoil: Callable[[bytes], bytes]
) -> None:
    with refused(MalformedSignatureError, "certificate 0 of x5c cannot be read"):
        read({"x5c": [b64(spoil(der(issued.certificate)))]})


def certificate_of(octets: int, hierarchy: Hierarchy, key: ec.EllipticCurvePrivateKey) -> str:
    """Base64 of a certificate that is exactly so long: an extension that nobody reads fills it."""
    filling = octets
    while True:
        filler = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), bytes(filling))
        issued = hierarchy.tsp.issue(key=key, more_extensions=[(filler, False)])
        excess = len(der(issued.certificate)) - octets
        if excess == 0:
            return b64(der(issued.certificate))
        filling -= excess


@pytest.mark.parametrize("position", [0, 1])
def test_a_certificate_of_8192_octets_is_read_and_one_octet_more_is_refused(
    refused: Refused, hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey, position: int
) -> None:
    longest, longer = (certificate_of(octets, hierarchy, p256_key) for octets in (8192, 8193))
    assert [len(octets) for octets, _ in read({"x5c": [longest] * (position + 1)})][-1] == 8192
    with refused(MalformedSignatureError, f"certificate {position} of x5c is longer than 8192 octets"):
        read({"x5c": [longest] * position + [longer]})


def test_a_huge_certificate_is_refused_before_it_is_decoded(refused: Refused) -> None:
    with refused(MalformedSignatureError, "a certificate in x5c is longer than 8192 octets"):
        read_x5c({"x5c": ["AA==", "no base64 " * 10_000]})


# --- references ----------------------------------------------------------------------------------------------


def test_a_reference_is_the_digest_of_the_certificate() -> None:
    assert certificate_reference(CertificateReference.X5T_S256, LEAF) == {
        "x5t#S256": b64url(hashlib.sha256(LEAF).digest())
    }
    assert certificate_reference(CertificateReference.X5T_O, LEAF) == {
        "x5t#o": {"digAlg": "S512", "digVal": b64url(hashlib.sha512(LEAF).digest())}
    }


@pytest.mark.parametrize("kind", CertificateReference)
def test_what_is_emitted_is_accepted(kind: CertificateReference) -> None:
    check_references(certificate_reference(kind, LEAF), CHAIN)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"x5t": "SHA-1 is never looked at"},
        {"x5t#S256": b64url(hashlib.sha256(LEAF).digest())},
        {"x5t#o": digest_object(LEAF, "S256")},
        {"x5t#o": digest_object(LEAF, "S384")},
        {"x5t#o": digest_object(LEAF, "S512")},
        {"sigX5ts": [digest_object(LEAF)]},
        {"sigX5ts": [digest_object(LEAF, "S256"), digest_object(CA, "S384")]},
        {"sigX5ts": [digest_object(LEAF), digest_object(LEAF)]},
        {"x5t#S256": b64url(hashlib.sha256(LEAF).digest()), "x5t#o": digest_object(LEAF)},
    ],
)
def test_references_that_name_their_certificates_are_accepted(header: dict[str, Any]) -> None:
    check_references(header, CHAIN)


GOOD = {"x5t#S256": b64url(hashlib.sha256(LEAF).digest()), "x5t#o": digest_object(LEAF)}


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ({"x5t#S256": b64url(hashlib.sha256(CA).digest())}, "x5t#S256"),
        ({"x5t#S256": b64url(bytes(32))}, "x5t#S256"),
        ({**GOOD, "x5t#o": digest_object(CA)}, "x5t#o"),
        ({**GOOD, "sigX5ts": [digest_object(OTHER)]}, "sigX5ts"),
        ({"sigX5ts": [digest_object(CA), digest_object(LEAF)]}, "sigX5ts"),
        ({"sigX5ts": [digest_object(LEAF), digest_object(OTHER)]}, "sigX5ts"),
        ({"sigX5ts": [digest_object(LEAF), digest_object(CA), digest_object(OTHER)]}, "sigX5ts"),
    ],
)
def test_a_reference_to_another_certificate_is_refused_whatever_the_others_say(
    refused: Refused, header: dict[str, Any], name: str
) -> None:
    with refused(ProfileViolationError, f"{name} does not name the certificate"):
        check_references(header, CHAIN)


@pytest.mark.parametrize("dig_alg", ["S224", "SHA256", "s256", "", "MD5", "S1", "[b]"])
def test_another_digest_algorithm_is_refused(refused: Refused, dig_alg: str) -> None:
    with refused(UnsupportedAlgorithmError, "S256, S384 and S512 are accepted"):
        check_references({"x5t#o": {**digest_object(LEAF), "digAlg": dig_alg}}, CHAIN)
    with refused(UnsupportedAlgorithmError, "digAlg of sigX5ts"):
        check_references({"sigX5ts": [digest_object(LEAF), {**digest_object(CA), "digAlg": dig_alg}]}, CHAIN)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "is not base64url"),
        (5, "is not base64url"),
        (["x"], "is not base64url"),
        ("é", "is not base64url"),
        ("", "is not base64url without padding"),
        (b64(hashlib.sha256(LEAF).digest()), "is not base64url without padding"),
        (hashlib.sha256(LEAF).hexdigest(), "is 48 octets long, which is not S256"),
        (b64url(hashlib.sha256(LEAF).digest())[:-1] + "_", "is not canonical base64url"),
        (b64url(hashlib.sha256(LEAF).digest()[:31]), "is 31 octets long, which is not S256"),
        (b64url(hashlib.sha1(LEAF, usedforsecurity=False).digest()), "is 20 octets long, which is not S256"),
        (b64url(hashlib.sha512(LEAF).digest()), "is 64 octets long, which is not S256"),
    ],
)
def test_a_digest_of_another_form_is_malformed(refused: Refused, value: object, words: str) -> None:
    with refused(MalformedSignatureError, f"x5t#S256 {words}"):
        check_references({"x5t#S256": value}, CHAIN)
    with refused(MalformedSignatureError, f"x5t#o {words}"):
        check_references({"x5t#o": {"digAlg": "S256", "digVal": value}}, CHAIN)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        [],
        {},
        {"digAlg": "S512"},
        {"digVal": digest_object(LEAF)["digVal"]},
        {**digest_object(LEAF), "x": 1},
        {**digest_object(LEAF), "digAlg": 512},
        {**digest_object(LEAF), "digAlg": None},
        {**digest_object(LEAF), "digAlg": ["S512"]},
    ],
)
def test_a_reference_object_of_another_form_is_malformed(refused: Refused, value: object) -> None:
    with refused(MalformedSignatureError, "x5t#o is not an object of digAlg and digVal"):
        check_references({"x5t#o": value}, CHAIN)
    with refused(MalformedSignatureError, "sigX5ts is not an object of digAlg and digVal"):
        check_references({"sigX5ts": [digest_object(LEAF), value]}, CHAIN)


@pytest.mark.parametrize("value", [None, [], {}, "text", digest_object(LEAF), True])
def test_sigx5ts_is_a_list(refused: Refused, value: object) -> None:
    with refused(MalformedSignatureError, "sigX5ts is not a list of references"):
        check_references({"sigX5ts": value}, CHAIN)


@pytest.mark.parametrize(
    ("header", "only"),
    [
        ({"x5t#S256": "AAAA"}, True),
        ({"x5t#S256": "AAAA", "x5t": "BBBB", "kid": "x"}, True),
        ({"x5t#S256": "BBBB"}, False),
        ({}, False),
        ({"x5t#S256": "AAAA", "x5t#o": {}}, False),
        ({"x5t#S256": "AAAA", "sigX5ts": []}, False),
        ({"x5t#o": {}, "sigX5ts": []}, False),
    ],
)
def test_only_the_usual_reference_alone_needs_no_further_look(header: dict[str, Any], only: bool) -> None:  # noqa: FBT001 - what is asked
    assert has_only_reference(header, "AAAA") is only
