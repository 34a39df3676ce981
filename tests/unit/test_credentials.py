"""SigningCredential from files: a key, its certificate and the CAs above it belong together or there is no credential."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import itertools
from typing import Any

import pytest
from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.name import _ASN1Type

from nlgov_jades import HttpRequest, Signer, SigningCredential, Verifier, profiles
from nlgov_jades.credentials import LocalPrivateKey, issuer_serial
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.profiles import SignatureAlgorithm
from nlgov_jades.testing import Hierarchy, Issued
from nlgov_jades.testing.hierarchy import pem

PASSWORD = b"correct horse"
ODD = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "odd")])


@pytest.fixture(scope="session")
def other_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def traditional_pem(issued: Issued, password: bytes | None = None) -> bytes:
    """PKCS#1 for RSA, SEC1 for elliptic curves."""
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return issued.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, encryption)


def signs_what_is_accepted(credential: SigningCredential, request: HttpRequest, verifier: Verifier) -> bool:
    signed = request.with_fields(Signer(credential, profile=profiles.DDAS, clock=verifier._clock).sign(request))
    return verifier.verify(signed).body == request.body


# --- PEM -----------------------------------------------------------------------------------------------------


def test_a_pkcs8_key_signs_what_a_verifier_accepts(
    issued: Issued, request_message: HttpRequest, verifier: Verifier
) -> None:
    credential = SigningCredential.from_pem(issued.key_pem(), issued.chain_pem)
    assert b"BEGIN PRIVATE KEY" in issued.key_pem()
    assert signs_what_is_accepted(credential, request_message, verifier)


def test_a_pkcs1_key_signs_what_a_verifier_accepts(
    issued: Issued, request_message: HttpRequest, verifier: Verifier
) -> None:
    credential = SigningCredential.from_pem(traditional_pem(issued), issued.chain_pem)
    assert b"BEGIN RSA PRIVATE KEY" in traditional_pem(issued)
    assert signs_what_is_accepted(credential, request_message, verifier)


def test_a_sec1_key_makes_a_credential_for_es256(p256: Issued) -> None:
    assert b"BEGIN EC PRIVATE KEY" in traditional_pem(p256)
    credential = SigningCredential.from_pem(traditional_pem(p256), p256.chain_pem)
    assert credential.algorithm is SignatureAlgorithm.ES256
    assert isinstance(credential.public_key, ec.EllipticCurvePublicKey)


@pytest.mark.parametrize("form", ["pkcs8", "traditional"])
def test_an_encrypted_key_opens_with_its_password(issued: Issued, form: str) -> None:
    encrypted = issued.key_pem(PASSWORD) if form == "pkcs8" else traditional_pem(issued, PASSWORD)
    assert b"ENCRYPTED" in encrypted
    credential = SigningCredential.from_pem(encrypted, issued.chain_pem, password=PASSWORD)
    assert credential.public_key.public_numbers() == issued.key.public_key().public_numbers()
    assert credential.algorithm is SignatureAlgorithm.PS256


@pytest.mark.parametrize("form", ["pkcs8", "traditional"])
def test_an_encrypted_key_without_a_password_says_to_give_one(issued: Issued, form: str) -> None:
    encrypted = issued.key_pem(PASSWORD) if form == "pkcs8" else traditional_pem(issued, PASSWORD)
    with pytest.raises(ConfigurationError, match=r"^the private key is encrypted: give its password$"):
        SigningCredential.from_pem(encrypted, issued.chain_pem)


def test_a_wrong_password_is_refused_and_not_repeated(issued: Issued) -> None:
    with pytest.raises(ConfigurationError, match=r"^the private key cannot be read.*another password$") as caught:
        SigningCredential.from_pem(issued.key_pem(PASSWORD), issued.chain_pem, password=b"battery staple")
    assert "battery" not in str(caught.value)


def test_an_empty_password_for_an_encrypted_key_is_not_called_superfluous(issued: Issued) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SigningCredential.from_pem(issued.key_pem(PASSWORD), issued.chain_pem, password=b"")
    assert "not encrypted" not in str(caught.value)


def test_a_superfluous_password_is_refused(issued: Issued) -> None:
    with pytest.raises(ConfigurationError, match="a password was given and the private key is not encrypted"):
        SigningCredential.from_pem(issued.key_pem(), issued.chain_pem, password=PASSWORD)


@pytest.mark.parametrize(
    "key_pem",
    [
        b"",
        b"garbage",
        b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
        b"\xff\x00" * 40,
    ],
)
def test_a_key_that_cannot_be_read_is_refused_without_quoting_it(issued: Issued, key_pem: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"^the private key cannot be read") as caught:
        SigningCredential.from_pem(key_pem, issued.chain_pem)
    assert "c2VjcmV0" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_certificate_in_the_place_of_the_key_is_refused(issued: Issued) -> None:
    with pytest.raises(ConfigurationError, match=r"^the private key cannot be read"):
        SigningCredential.from_pem(issued.chain_pem, issued.chain_pem)


def test_a_key_given_as_text_is_not_called_encrypted(issued: Issued) -> None:
    text = issued.key_pem().decode()
    with pytest.raises(ConfigurationError) as caught:
        SigningCredential.from_pem(text, issued.chain_pem)  # type: ignore[arg-type]  # the mistake under test
    assert "encrypted" not in str(caught.value)


def test_a_password_given_as_text_is_not_called_superfluous(issued: Issued) -> None:
    encrypted = issued.key_pem(PASSWORD)
    with pytest.raises(ConfigurationError) as caught:
        SigningCredential.from_pem(encrypted, issued.chain_pem, password="correct horse")  # type: ignore[arg-type]  # the mistake under test
    assert "not encrypted" not in str(caught.value)


@pytest.mark.parametrize(
    "chain_pem", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_chain_that_cannot_be_read_is_refused(issued: Issued, chain_pem: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"^the certificate chain holds no PEM certificate"):
        SigningCredential.from_pem(issued.key_pem(), chain_pem)


def test_a_chain_given_as_text_is_refused(issued: Issued) -> None:
    with pytest.raises(ConfigurationError, match="is PEM, as bytes"):
        SigningCredential.from_pem(issued.key_pem(), issued.chain_pem.decode())  # type: ignore[arg-type]  # the mistake under test


# --- PKCS#12 -------------------------------------------------------------------------------------------------


def test_a_pkcs12_file_signs_what_a_verifier_accepts(
    issued: Issued, request_message: HttpRequest, verifier: Verifier
) -> None:
    credential = SigningCredential.from_pkcs12(issued.pkcs12(PASSWORD), PASSWORD)
    assert credential.chain == issued.chain
    assert signs_what_is_accepted(credential, request_message, verifier)


def test_a_pkcs12_file_without_password_opens_without_one(issued: Issued) -> None:
    p12 = pkcs12.serialize_key_and_certificates(
        None, issued.key, issued.certificate, list(issued.chain[1:]), NoEncryption()
    )
    assert SigningCredential.from_pkcs12(p12, None).chain == issued.chain


def test_a_pkcs12_file_without_a_key_is_refused(issued: Issued) -> None:
    p12 = pkcs12.serialize_key_and_certificates(None, None, None, list(issued.chain), BestAvailableEncryption(PASSWORD))
    with pytest.raises(ConfigurationError, match=r"^the PKCS#12 file holds no private key$"):
        SigningCredential.from_pkcs12(p12, PASSWORD)


def test_a_pkcs12_file_without_certificates_is_refused(issued: Issued) -> None:
    p12 = pkcs12.serialize_key_and_certificates(None, issued.key, None, None, BestAvailableEncryption(PASSWORD))
    with pytest.raises(ConfigurationError, match=r"^no certificate in the chain belongs to the private key$"):
        SigningCredential.from_pkcs12(p12, PASSWORD)


@pytest.mark.parametrize("password", [b"battery staple", b"", None])
def test_a_pkcs12_file_with_a_wrong_password_is_refused(issued: Issued, password: bytes | None) -> None:
    with pytest.raises(ConfigurationError, match=r"^the PKCS#12 file cannot be read: damaged, or another password$"):
        SigningCredential.from_pkcs12(issued.pkcs12(PASSWORD), password)


@pytest.mark.parametrize("p12", [b"", b"garbage", b"0\x82\xff\xff"])
def test_a_pkcs12_file_that_cannot_be_read_is_refused(p12: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"^the PKCS#12 file cannot be read") as caught:
        SigningCredential.from_pkcs12(p12, PASSWORD)
    assert "correct horse" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_pkcs12_file_that_holds_the_signer_twice_is_read_as_if_once(issued: Issued) -> None:
    # What `openssl pkcs12 -export -certfile fullchain.pem` writes.
    p12 = pkcs12.serialize_key_and_certificates(
        None, issued.key, issued.certificate, list(issued.chain), BestAvailableEncryption(PASSWORD)
    )
    assert SigningCredential.from_pkcs12(p12, PASSWORD).chain == issued.chain


# --- the chain -----------------------------------------------------------------------------------------------


def test_certificates_in_any_order_become_one_chain(issued: Issued) -> None:
    orders = list(itertools.permutations(issued.chain))
    assert len(orders) == 24
    # The key is parsed for each, so a handful of orders that are far apart.
    for order in orders[::5]:
        credential = SigningCredential.from_pem(issued.key_pem(), pem(order))
        assert credential.chain == issued.chain
        assert credential.chain_der == tuple(item.public_bytes(Encoding.DER) for item in issued.chain)


def test_a_certificate_that_is_there_twice_counts_once(issued: Issued) -> None:
    assert SigningCredential.from_pem(issued.key_pem(), issued.chain_pem * 2).chain == issued.chain


def test_the_signers_certificate_alone_is_a_chain(issued: Issued) -> None:
    assert SigningCredential.from_pem(issued.key_pem(), pem([issued.certificate])).chain == (issued.certificate,)


def test_a_foreign_certificate_in_the_chain_is_refused_and_named(issued: Issued, stranger: Hierarchy) -> None:
    chain_pem = pem([*issued.chain, stranger.root.certificate])
    with pytest.raises(ConfigurationError, match="'TEST stranger Root CA' does not belong to the chain of 'gegevens"):
        SigningCredential.from_pem(issued.key_pem(), chain_pem)


def test_a_chain_with_a_gap_is_refused(issued: Issued, hierarchy: Hierarchy) -> None:
    chain_pem = pem([issued.certificate, hierarchy.domain.certificate, hierarchy.root.certificate])
    with pytest.raises(ConfigurationError, match=r"does not belong to the chain of"):
        SigningCredential.from_pem(issued.key_pem(), chain_pem)


def test_a_ca_with_the_issuers_name_and_another_key_is_refused(issued: Issued, hierarchy: Hierarchy) -> None:
    namesake = hierarchy.domain.issue_authority("TEST nlgov-jades TSP CA", key=ec.generate_private_key(ec.SECP256R1()))
    assert namesake.certificate.subject == hierarchy.tsp.certificate.subject
    with pytest.raises(ConfigurationError, match="does not belong to the chain of"):
        SigningCredential.from_pem(issued.key_pem(), pem([issued.certificate, namesake.certificate]))


def test_a_key_of_another_certificate_is_refused(issued: Issued, other_key: rsa.RSAPrivateKey) -> None:
    key_pem = other_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ConfigurationError, match=r"^no certificate in the chain belongs to the private key$"):
        SigningCredential.from_pem(key_pem, issued.chain_pem)


def test_two_certificates_for_one_key_are_refused(issued: Issued, hierarchy: Hierarchy) -> None:
    renewed = hierarchy.tsp.issue(key=issued.key)
    chain_pem = pem([renewed.certificate, *issued.chain])
    with pytest.raises(ConfigurationError, match=r"^several certificates in the chain belong to the private key"):
        SigningCredential.from_pem(issued.key_pem(), chain_pem)


def test_more_than_ten_certificates_are_refused(p256: Issued, hierarchy: Hierarchy) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    crowd = [hierarchy.root.issue_authority(f"CA {number}", key=key).certificate for number in range(7)]
    with pytest.raises(ConfigurationError, match="a chain holds at most 10 certificates"):
        SigningCredential.from_pem(p256.key_pem(), pem([*p256.chain, *crowd]))


# --- which keys ----------------------------------------------------------------------------------------------


def test_an_rsa_key_below_2048_bits_is_refused(hierarchy: Hierarchy) -> None:
    weak = hierarchy.tsp.issue(key=rsa.generate_private_key(public_exponent=65537, key_size=2047))  # noqa: S505 - weak on purpose
    with pytest.raises(ConfigurationError, match="has 2047 bits; 2048 to 8192 are accepted"):
        SigningCredential.from_pem(weak.key_pem(), weak.chain_pem)


def test_an_rsa_key_with_exponent_3_is_refused(hierarchy: Hierarchy) -> None:
    weak = hierarchy.tsp.issue(key=rsa.generate_private_key(public_exponent=3, key_size=2048))
    with pytest.raises(ConfigurationError, match="has a public exponent that is not accepted"):
        SigningCredential.from_pem(weak.key_pem(), weak.chain_pem)


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1()], ids=lambda curve: curve.name)
def test_a_key_on_another_curve_than_p256_is_refused(hierarchy: Hierarchy, curve: ec.EllipticCurve) -> None:
    signer = hierarchy.tsp.issue(key=ec.generate_private_key(curve))
    with pytest.raises(ConfigurationError, match=r"^ES256 needs a P-256 key; the signer's certificate has another$"):
        SigningCredential.from_pem(signer.key_pem(), signer.chain_pem)


def test_an_ed25519_key_is_refused(issued: Issued) -> None:
    key_pem = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ConfigurationError, match=r"^the private key is neither RSA nor elliptic curve$"):
        SigningCredential.from_pem(key_pem, issued.chain_pem)


def test_an_ed25519_certificate_in_the_chain_does_not_hide_the_signers(issued: Issued) -> None:
    odd = self_signed(ed25519.Ed25519PrivateKey.generate(), ODD)
    with pytest.raises(ConfigurationError, match="'odd' does not belong to the chain of"):
        SigningCredential.from_pem(issued.key_pem(), pem([odd, *issued.chain]))


def test_an_ed25519_certificate_as_the_signers_is_refused_before_any_key_is_asked() -> None:
    odd = self_signed(ed25519.Ed25519PrivateKey.generate(), ODD)
    unasked: Any = None
    with pytest.raises(ConfigurationError, match=r"^the signer's certificate holds neither an RSA nor an elliptic"):
        SigningCredential.from_key(unasked, [odd])


def self_signed(key: ed25519.Ed25519PrivateKey, name: x509.Name) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
        .sign(key, None)
    )


# --- the object ----------------------------------------------------------------------------------------------


def test_a_credential_cannot_be_made_past_the_checks(issued: Issued, credential: SigningCredential) -> None:
    with pytest.raises(ConfigurationError, match="from_pem, from_pkcs12, from_key or from_async_key"):
        SigningCredential(credential.key, issued.chain, _checked=object())


@pytest.mark.parametrize("name", ["key", "chain", "chain_der", "public_key", "algorithm"])
def test_a_credential_does_not_change(credential: SigningCredential, name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(credential, name, None)


def test_a_local_key_does_not_change(credential: SigningCredential) -> None:
    assert isinstance(credential.key, LocalPrivateKey)
    with pytest.raises(dataclasses.FrozenInstanceError):
        credential.key._key = None  # type: ignore[misc, assignment]  # the mistake under test


def test_the_repr_of_a_credential_names_the_signer_only(credential: SigningCredential) -> None:
    assert repr(credential) == "<SigningCredential: 'gegevens.gemeente.example', 4 certificates>"
    assert repr(credential.key) == "<LocalPrivateKey>"


def test_the_issuer_serial_names_issuer_and_serial_number(issued: Issued) -> None:
    der = base64.b64decode(issuer_serial(issued.certificate.public_bytes(Encoding.DER)), validate=True)
    value = tsp.IssuerSerial.load(der, strict=True)
    (name,) = value["issuer"]
    assert value["serial_number"].native == issued.certificate.serial_number
    assert name.name == "directory_name"
    assert name.chosen.untag().dump() == issued.certificate.issuer.public_bytes()


def test_the_issuer_serial_keeps_the_string_types_of_the_issuer() -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Stra\u00dfe", _type=_ASN1Type.BMPString)])
    certificate = self_signed(ed25519.Ed25519PrivateKey.generate(), name)
    value = tsp.IssuerSerial.load(base64.b64decode(issuer_serial(certificate.public_bytes(Encoding.DER))))
    assert value["issuer"][0].chosen.untag().dump() == name.public_bytes()
