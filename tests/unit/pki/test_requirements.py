"""Our own checks over a path: what a signer may be, usages, keys and algorithms. Names are in `test_requirements_names.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest
from asn1crypto import keys
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.x509.oid import ExtensionOID, ObjectIdentifier

from nlgov_jades.errors import CertificatePathError, VerificationError
from nlgov_jades.pki.certificate import load_der
from nlgov_jades.pki.requirements import check_keys, check_signer, check_usage_nesting
from nlgov_jades.policy import ExtendedKeyUsages
from nlgov_jades.profiles import SignatureAlgorithm
from nlgov_jades.testing import Hierarchy, Issued

Refused = Callable[..., AbstractContextManager[pytest.ExceptionInfo[VerificationError]]]
Leaf = Callable[..., x509.Certificate]

COMMON, STRICT = ExtendedKeyUsages.COMMON, ExtendedKeyUsages.STRICT
PS256, ES256 = SignatureAlgorithm.PS256, SignatureAlgorithm.ES256

SERVER_AUTH, CLIENT_AUTH, EMAIL = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.4"
CODE_SIGNING, TIME_STAMPING, OCSP_SIGNING = "1.3.6.1.5.5.7.3.3", "1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9"
DOCUMENTS, MS_DOCUMENTS, ANY = "1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.311.10.3.12", "2.5.29.37.0"


@pytest.fixture
def leaf(hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey) -> Leaf:
    def certificate(**arguments: Any) -> x509.Certificate:
        return hierarchy.tsp.issue(**{"key": p256_key, **arguments}).certificate

    return certificate


# --- the signer ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "usages",
    [
        ("digital_signature",),
        ("content_commitment",),
        ("digital_signature", "content_commitment"),
        ("digital_signature", "key_encipherment"),
        ("content_commitment", "data_encipherment"),
    ],
)
def test_either_of_two_key_usages_makes_a_signer(leaf: Leaf, usages: tuple[str, ...]) -> None:
    check_signer(leaf(usages=usages), COMMON)


@pytest.mark.parametrize(
    "usages",
    [
        (),
        ("key_encipherment",),
        ("key_encipherment", "data_encipherment"),
        ("key_agreement",),
        ("key_agreement", "encipher_only"),
        ("key_cert_sign", "crl_sign"),
    ],
)
def test_without_either_of_them_there_is_no_signer(refused: Refused, leaf: Leaf, usages: tuple[str, ...]) -> None:
    with refused(CertificatePathError, "has no keyUsage with digitalSignature or nonRepudiation") as caught:
        check_signer(leaf(usages=usages), COMMON)
    assert isinstance(caught.value, CertificatePathError)
    assert caught.value.certificate == "'gegevens.gemeente.example'"


@pytest.mark.parametrize("usages", [("digital_signature",), ("digital_signature", "key_cert_sign")])
def test_a_ca_is_no_signer(
    refused: Refused, hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey, usages: tuple[str, ...]
) -> None:
    authority = hierarchy.tsp.issue_authority("CA that signs", key=p256_key, usages=usages)
    with refused(CertificatePathError, "certificate 'CA that signs' is that of a CA"):
        check_signer(authority.certificate, COMMON)


def test_a_certificate_without_basic_constraints_is_no_ca(
    hierarchy: Hierarchy, leaf_key: rsa.RSAPrivateKey, reissue: Callable[..., bytes]
) -> None:
    def edit(certificate: Any) -> None:
        extensions = certificate["tbs_certificate"]["extensions"]
        kept = [extension for extension in extensions if extension["extn_id"].native != "basic_constraints"]
        assert len(kept) == len(extensions) - 1
        certificate["tbs_certificate"]["extensions"] = kept

    issued = hierarchy.tsp.issue(key=leaf_key)
    check_signer(load_der(reissue(issued, hierarchy.tsp, edit)), COMMON)


@pytest.mark.parametrize(
    ("usages", "common", "strict"),
    [
        (None, True, True),
        ([DOCUMENTS], True, True),
        ([MS_DOCUMENTS], True, True),
        ([DOCUMENTS, CODE_SIGNING], True, True),
        ([EMAIL], True, False),
        ([CLIENT_AUTH], True, False),
        ([ANY], True, False),
        ([CLIENT_AUTH, EMAIL], True, False),
        ([CODE_SIGNING], False, False),
        ([TIME_STAMPING, OCSP_SIGNING], False, False),
        (["1.2.3.4"], False, False),
        ([SERVER_AUTH], False, False),
        ([SERVER_AUTH, CLIENT_AUTH], False, False),
        ([SERVER_AUTH, DOCUMENTS], False, False),
        ([ANY, SERVER_AUTH], False, False),
    ],
)
def test_an_extended_key_usage_is_accepted_as_the_table_says(
    refused: Refused,
    leaf: Leaf,
    usages: list[str] | None,
    common: bool,  # noqa: FBT001 - the same
    strict: bool,  # noqa: FBT001 - the same
) -> None:
    certificate = leaf(extended_key_usages=usages)
    words = "is for TLS servers (serverAuth)" if SERVER_AUTH in (usages or ()) else "that allows no signing of messages"
    for accepted, holds in ((COMMON, common), (STRICT, strict)):
        if holds:
            check_signer(certificate, accepted)
            continue
        with refused(CertificatePathError, words):
            check_signer(certificate, accepted)


@pytest.mark.parametrize(
    "extension",
    [
        x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00"),
        x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.5.5.7.1.3"), b"\x30\x00"),
        x509.NameConstraints([x509.DNSName("a.example")], None),
        x509.InhibitAnyPolicy(0),
        x509.UnrecognizedExtension(ExtensionOID.POLICY_MAPPINGS, bytes.fromhex("300a300806022a0306022a04")),
        x509.CRLDistributionPoints(
            [x509.DistributionPoint([x509.UniformResourceIdentifier("http://a.example")], None, None, None)]
        ),
    ],
    ids=lambda extension: extension.oid.dotted_string,
)
def test_a_critical_extension_that_is_not_processed_is_refused(
    refused: Refused, leaf: Leaf, extension: x509.ExtensionType
) -> None:
    check_signer(leaf(more_extensions=[(extension, False)]), COMMON)
    with refused(
        CertificatePathError, f"has a critical extension that is not processed: {extension.oid.dotted_string}"
    ):
        check_signer(leaf(more_extensions=[(extension, True)]), COMMON)


@pytest.mark.parametrize(
    "extension",
    [
        x509.SubjectAlternativeName([x509.DNSName("a.example")]),
        x509.PolicyConstraints(0, None),
        x509.ExtendedKeyUsage([ObjectIdentifier(DOCUMENTS)]),
        x509.CertificatePolicies([x509.PolicyInformation(ObjectIdentifier("1.2.3"), None)]),
    ],
    ids=lambda extension: extension.oid.dotted_string,
)
def test_a_critical_extension_that_is_processed_is_accepted(leaf: Leaf, extension: x509.ExtensionType) -> None:
    certificate = leaf(extended_key_usages=None, policies=None, more_extensions=[(extension, True)])
    check_signer(certificate, COMMON)


# --- nesting of usages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signer", "authorities", "accepted"),
    [
        ([DOCUMENTS], [None, None], COMMON),
        ([DOCUMENTS], [[DOCUMENTS], [DOCUMENTS, EMAIL]], COMMON),
        ([DOCUMENTS, EMAIL], [[EMAIL], None], COMMON),
        ([DOCUMENTS], [[ANY], [ANY, SERVER_AUTH]], COMMON),
        ([ANY], [[EMAIL], None], COMMON),
        ([ANY, DOCUMENTS], [[EMAIL], None], COMMON),
        (None, [[EMAIL], [EMAIL, CLIENT_AUTH]], COMMON),
        (None, [None, [CLIENT_AUTH, SERVER_AUTH]], COMMON),
        (None, [[DOCUMENTS], None], STRICT),
        ([MS_DOCUMENTS], [None, [MS_DOCUMENTS]], STRICT),
    ],
)
def test_cas_that_allow_what_the_signer_is_used_for_are_accepted(
    hierarchy: Hierarchy,
    p256_key: ec.EllipticCurvePrivateKey,
    signer: list[str] | None,
    authorities: list[list[str] | None],
    accepted: ExtendedKeyUsages,
) -> None:
    check_usage_nesting(nested(hierarchy, p256_key, signer, authorities), accepted)


@pytest.mark.parametrize(
    ("signer", "authorities", "accepted", "name"),
    [
        ([DOCUMENTS], [[EMAIL], None], COMMON, "below"),
        ([DOCUMENTS], [None, [SERVER_AUTH, CLIENT_AUTH]], COMMON, "above"),
        ([CLIENT_AUTH], [None, [SERVER_AUTH]], COMMON, "above"),
        ([DOCUMENTS, EMAIL], [[EMAIL], [DOCUMENTS]], COMMON, "above"),
        ([ANY], [[SERVER_AUTH], None], COMMON, "below"),
        ([DOCUMENTS], [[CODE_SIGNING], [ANY]], COMMON, "below"),
        (None, [[SERVER_AUTH], None], COMMON, "below"),
        (None, [[EMAIL], [CLIENT_AUTH]], COMMON, "above"),
        (None, [None, [EMAIL]], STRICT, "above"),
        ([DOCUMENTS], [None, [MS_DOCUMENTS]], STRICT, "above"),
    ],
)
def test_a_ca_that_does_not_allow_it_is_refused(
    refused: Refused,
    hierarchy: Hierarchy,
    p256_key: ec.EllipticCurvePrivateKey,
    signer: list[str] | None,
    authorities: list[list[str] | None],
    accepted: ExtendedKeyUsages,
    name: str,
) -> None:
    with refused(CertificatePathError, f"certificate '{name}' has an extendedKeyUsage that does not allow"):
        check_usage_nesting(nested(hierarchy, p256_key, signer, authorities), accepted)


def nested(
    hierarchy: Hierarchy,
    key: ec.EllipticCurvePrivateKey,
    signer: list[str] | None,
    authorities: Sequence[list[str] | None],
) -> tuple[x509.Certificate, ...]:
    """A path with these extended key usages, the signer's and those of the CA below and the CA above."""
    lower, upper = authorities
    above = hierarchy.root.issue_authority("above", key=key, extended_key_usages=upper)
    below = above.issue_authority("below", key=key, extended_key_usages=lower)
    return below.issue(key=key, extended_key_usages=signer).chain


# --- keys and algorithms -------------------------------------------------------------------------------------


def with_modulus(bits: int, exponent: int = 65537) -> Callable[[Any], None]:
    """Exchange the public key for one of this size."""

    def edit(certificate: Any) -> None:
        key = keys.RSAPublicKey({"modulus": (1 << (bits - 1)) + 1, "public_exponent": exponent})
        certificate["tbs_certificate"]["subject_public_key_info"]["public_key"] = key

    return edit


@pytest.fixture
def rekeyed(issued: Issued, hierarchy: Hierarchy, reissue: Callable[..., bytes]) -> Callable[..., x509.Certificate]:
    def certificate(bits: int, exponent: int = 65537) -> x509.Certificate:
        return load_der(reissue(issued, hierarchy.tsp, with_modulus(bits, exponent)))

    return certificate


@pytest.mark.parametrize("bits", [2048, 3072, 4096, 8192])
def test_an_rsa_key_of_accepted_size_is_accepted_anywhere(
    issued: Issued, rekeyed: Callable[..., x509.Certificate], bits: int
) -> None:
    for position in range(4):
        path = list(issued.chain)
        path[position] = rekeyed(bits)
        check_keys(path, PS256)
        check_keys(path, ES256)


@pytest.mark.parametrize(
    ("bits", "exponent", "words"),
    [
        (1024, 65537, "'gegevens.gemeente.example': the RSA key of this certificate has 1024 bits"),
        (2047, 65537, "'gegevens.gemeente.example': the RSA key of this certificate has 2047 bits"),
        (8193, 65537, "'gegevens.gemeente.example': the RSA key of this certificate has 8193 bits"),
        (
            2048,
            3,
            "'gegevens.gemeente.example': the RSA key of this certificate has a public exponent that is not accepted",
        ),
        (
            2048,
            (1 << 64) + 1,
            "'gegevens.gemeente.example': the RSA key of this certificate has a public exponent that is not accepted",
        ),
    ],
)
@pytest.mark.parametrize("position", range(4))
def test_a_weak_or_costly_rsa_key_is_refused_anywhere(
    refused: Refused,
    issued: Issued,
    rekeyed: Callable[..., x509.Certificate],
    bits: int,
    exponent: int,
    words: str,
    position: int,
) -> None:
    path = list(issued.chain)
    path[position] = rekeyed(bits, exponent)
    for algorithm in (PS256, ES256):
        with refused(CertificatePathError, words) as caught:
            check_keys(path, algorithm)
        assert isinstance(caught.value, CertificatePathError)
        assert caught.value.certificate == "'gegevens.gemeente.example'"


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_an_elliptic_curve_is_accepted_where_the_profile_is_es256(
    refused: Refused, hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey, curve: ec.EllipticCurve
) -> None:
    authority = hierarchy.root.issue_authority("curved", key=ec.generate_private_key(curve))
    path = authority.issue(key=p256_key).chain
    check_keys(path, ES256)
    with refused(CertificatePathError, "certificate 'curved' has a key of a type that is not accepted"):
        check_keys(path[1:], PS256)


@pytest.mark.parametrize("curve", [ec.SECP256K1(), ec.BrainpoolP256R1(), ec.SECP224R1()], ids=lambda curve: curve.name)
def test_another_curve_is_never_accepted(refused: Refused, hierarchy: Hierarchy, curve: ec.EllipticCurve) -> None:
    authority = hierarchy.root.issue_authority("curved", key=ec.generate_private_key(curve))
    for algorithm in (PS256, ES256):
        with refused(CertificatePathError, "certificate 'curved' has a key of a type that is not accepted"):
            check_keys(authority.chain, algorithm)


def test_an_edwards_curve_is_never_accepted(refused: Refused, hierarchy: Hierarchy) -> None:
    key: Any = ed25519.Ed25519PrivateKey.generate()
    certificate = hierarchy.tsp.issue(key=key, common_name="edwards").certificate
    for algorithm in (PS256, ES256):
        with refused(CertificatePathError, "certificate 'edwards' has a key of a type that is not accepted"):
            check_keys([certificate], algorithm)


@pytest.mark.parametrize("algorithm", [SHA256(), SHA384(), SHA512()], ids=lambda algorithm: algorithm.name)
def test_sha_2_of_256_bits_and_more_is_accepted(leaf: Leaf, algorithm: SHA256 | SHA384 | SHA512) -> None:
    check_keys([leaf(algorithm=algorithm)], ES256)


@pytest.mark.parametrize("name", ["sha1_rsa", "md5_rsa", "sha224_rsa", "1.2.840.113549.1.1.99"])
@pytest.mark.parametrize("position", range(4))
def test_another_hash_is_refused_anywhere_also_on_the_anchor(
    refused: Refused,
    hierarchy: Hierarchy,
    issued: Issued,
    reissue: Callable[..., bytes],
    name: str,
    position: int,
) -> None:
    def edit(certificate: Any) -> None:
        for algorithm in (certificate["signature_algorithm"], certificate["tbs_certificate"]["signature"]):
            algorithm["algorithm"] = name

    path = list(issued.chain)
    path[position] = load_der(reissue(issued, hierarchy.tsp, edit))
    with refused(CertificatePathError, "is signed with an algorithm that is not accepted"):
        check_keys(path, PS256)


def test_a_signature_that_names_no_hash_is_refused(
    refused: Refused, hierarchy: Hierarchy, issued: Issued, reissue: Callable[..., bytes]
) -> None:
    def edit(certificate: Any) -> None:
        for algorithm in (certificate["signature_algorithm"], certificate["tbs_certificate"]["signature"]):
            algorithm["algorithm"] = "ed25519"
            del algorithm["parameters"]

    with refused(CertificatePathError, "is signed with an algorithm that is not accepted"):
        check_keys([load_der(reissue(issued, hierarchy.tsp, edit))], PS256)
