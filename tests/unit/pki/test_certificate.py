"""Reading certificates of strangers: every parser error becomes ours, and becomes it at once."""

from __future__ import annotations

import datetime as dt
import hashlib
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Literal

import pytest
from asn1crypto import core
from asn1crypto.pem import armor
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from nlgov_jades.errors import (
    CertificateExpiredError,
    CertificateNotYetValidError,
    ConfigurationError,
    VerificationError,
)
from nlgov_jades.pki.certificate import (
    UnreadableCertificateError,
    check_validity,
    display_name,
    fingerprint,
    is_authority,
    load_der,
    load_pem_bundle,
)
from nlgov_jades.testing import Hierarchy, Issued
from nlgov_jades.testing.hierarchy import pem

Refused = Callable[..., AbstractContextManager[pytest.ExceptionInfo[VerificationError]]]
Reissue = Callable[..., bytes]

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def named(name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """A certificate with this subject; nothing else about it matters."""
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + SECOND)
    return builder.sign(key, SHA256())


# --- DER -----------------------------------------------------------------------------------------------------


def test_a_certificate_is_read(issued: Issued) -> None:
    assert load_der(der(issued.certificate)) == issued.certificate


@pytest.mark.parametrize(
    "octets",
    [
        lambda _: b"",
        lambda _: b"\x30\x00",
        lambda _: b"-----BEGIN CERTIFICATE-----",
        lambda octets: octets[:-1],
        lambda octets: octets[: len(octets) // 2],
        lambda octets: octets + b"\x00",
        lambda octets: b"\x31" + octets[1:],
        lambda octets: b"\x30\x80" + octets[4:] + b"\x00\x00",
        lambda octets: octets[:1] + b"\x84\xff\xff\xff\xff" + octets[4:],
        lambda octets: b"\x30\x82\xff\xff" * 4096 + octets,
    ],
    ids=["empty", "empty sequence", "PEM", "cut", "half", "more", "set", "indefinite", "huge length", "deep"],
)
def test_what_is_no_certificate_is_unreadable(issued: Issued, octets: Callable[[bytes], bytes]) -> None:
    with pytest.raises(UnreadableCertificateError) as caught:
        load_der(octets(der(issued.certificate)))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def spoil_extension(octets: bytes, oid: str) -> bytes:
    """The value of this extension begins with a tag that does not exist."""
    name = core.ObjectIdentifier(oid).dump()
    start = octets.index(name) + len(name)
    start += 3 if octets[start] == 0x01 else 0  # critical
    assert octets[start] == 0x04
    return octets[: start + 2] + b"\xff" + octets[start + 3 :]


def in_month_13(octets: bytes) -> bytes:
    start = octets.index(b"\x17\x0d26") + 4
    return octets[:start] + b"13" + octets[start + 2 :]


def repeat_an_extension(certificate: Any) -> None:
    extensions = certificate["tbs_certificate"]["extensions"]
    extensions.append(extensions[0].copy())


def name_version_2(certificate: Any) -> None:
    certificate["tbs_certificate"]["version"] = "v2"


def make_the_key_unknown(certificate: Any) -> None:
    certificate["tbs_certificate"]["subject_public_key_info"]["algorithm"]["algorithm"] = "1.2.3.4"


def assert_unreadable(octets: bytes) -> None:
    with pytest.raises(UnreadableCertificateError):
        load_der(octets)
    with pytest.raises(ConfigurationError, match="it holds no PEM certificate, or one that cannot be read"):
        load_pem_bundle(armor("CERTIFICATE", octets), "it")


@pytest.mark.parametrize("edit", [repeat_an_extension, name_version_2, make_the_key_unknown])
def test_a_certificate_that_its_issuer_should_not_have_signed_is_unreadable(
    hierarchy: Hierarchy, issued: Issued, reissue: Reissue, edit: Callable[[Any], object]
) -> None:
    assert_unreadable(reissue(issued, hierarchy.tsp, edit))


@pytest.mark.parametrize("oid", ["2.5.29.15", "2.5.29.19", "2.5.29.32", "2.5.29.37", "2.5.29.35", "2.5.29.14"])
def test_an_extension_that_cannot_be_read_makes_the_certificate_unreadable(issued: Issued, oid: str) -> None:
    assert_unreadable(spoil_extension(der(issued.certificate), oid))


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"gegevens", b"\xff\xfe\xfdvens"), (b"\x13\x14" + b"0000", b"\x13\x14" + b"\x00000")],
    ids=["not UTF-8", "NUL in a printable string"],
)
def test_a_name_that_cannot_be_read_makes_the_certificate_unreadable(issued: Issued, old: bytes, new: bytes) -> None:
    octets = der(issued.certificate)
    assert old in octets
    assert_unreadable(octets.replace(old, new))


def test_a_time_that_does_not_exist_makes_the_certificate_unreadable(issued: Issued) -> None:
    assert_unreadable(in_month_13(der(issued.certificate)))


def test_a_certificate_that_is_signed_again_unchanged_is_read(
    hierarchy: Hierarchy, issued: Issued, reissue: Reissue
) -> None:
    assert load_der(reissue(issued, hierarchy.tsp, lambda _: None)).subject == issued.certificate.subject


@pytest.mark.parametrize("number", [1, (1 << 159) - 1])
def test_a_positive_serial_number_is_read(hierarchy: Hierarchy, issued: Issued, reissue: Reissue, number: int) -> None:
    def edit(certificate: Any) -> None:
        certificate["tbs_certificate"]["serial_number"] = number

    assert load_der(reissue(issued, hierarchy.tsp, edit)).serial_number == number


@pytest.mark.parametrize("number", [0, -1])
@pytest.mark.parametrize("warned", ["error", "ignore"])
def test_a_serial_number_that_is_not_positive_is_unreadable_however_warnings_are_set(
    hierarchy: Hierarchy, issued: Issued, reissue: Reissue, number: int, warned: Literal["error", "ignore"]
) -> None:
    # RFC 5280 §4.1.2.2. `cryptography` warns for now, so that the filter of warnings would decide.
    def edit(certificate: Any) -> None:
        certificate["tbs_certificate"]["serial_number"] = number

    octets = reissue(issued, hierarchy.tsp, edit)
    with warnings.catch_warnings():
        warnings.simplefilter(warned)
        with pytest.raises(UnreadableCertificateError):
            load_der(octets)


# --- PEM -----------------------------------------------------------------------------------------------------


def test_every_certificate_of_a_bundle_is_read_once_and_in_order(hierarchy: Hierarchy) -> None:
    chain = hierarchy.tsp.chain
    text = b"# roots\r\n" + pem(chain).replace(b"\n", b"\r\n") + b"between\n" + pem(chain[::-1]) + b"end"
    assert load_pem_bundle(text, "it") == chain


@pytest.mark.parametrize(
    "text",
    [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", b"\x00" * 10],
)
def test_a_bundle_without_certificates_is_refused(text: bytes) -> None:
    with pytest.raises(ConfigurationError, match="the file of roots holds no PEM certificate"):
        load_pem_bundle(text, "the file of roots")


def test_a_bundle_of_something_else_is_refused(issued: Issued) -> None:
    for text in (issued.key_pem(), der(issued.certificate)):
        with pytest.raises(ConfigurationError, match="holds no PEM certificate"):
            load_pem_bundle(text, "it")


def test_one_bad_certificate_spoils_the_bundle(hierarchy: Hierarchy) -> None:
    text = hierarchy.root_pem.replace(b"MII", b"MIJ", 1)
    with pytest.raises(ConfigurationError, match="or one that cannot be read"):
        load_pem_bundle(hierarchy.intermediates_pem + text, "it")


@pytest.mark.parametrize("text", ["-----BEGIN", None, 5, bytearray(b"-----BEGIN")])
def test_a_bundle_is_bytes(text: Any) -> None:
    with pytest.raises(ConfigurationError, match="it is PEM, as bytes"):
        load_pem_bundle(text, "it")


# --- names ---------------------------------------------------------------------------------------------------


def test_a_fingerprint_is_the_sha_256_of_the_der(issued: Issued) -> None:
    assert fingerprint(issued.certificate) == hashlib.sha256(der(issued.certificate)).hexdigest()


def test_a_certificate_is_shown_by_its_first_common_name(p256_key: ec.EllipticCurvePrivateKey) -> None:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, text) for text in ("a[b]\u202e", "second")]
    assert display_name(named(x509.Name(attributes), p256_key)) == r"'a\x5bb]\u{202e}'"


def test_without_a_common_name_the_whole_subject_is_shown_and_cut(p256_key: ec.EllipticCurvePrivateKey) -> None:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "x" * 60) for _ in range(3)]
    shown = display_name(named(x509.Name(attributes), p256_key))
    assert shown.startswith("'OU=xxx")
    assert shown.endswith("…' (191 characters)")
    assert display_name(named(x509.Name([]), p256_key)) == "''"


def test_a_subject_that_is_no_text_is_shown_all_the_same(p256_key: ec.EllipticCurvePrivateKey) -> None:
    unique = x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, b"\x00\xff", _ASN1Type.BitString)
    assert display_name(named(x509.Name([unique]), p256_key)) == "'2.5.4.45=#00ff'"


# --- times ---------------------------------------------------------------------------------------------------


@pytest.fixture
def brief(hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """Valid for an hour."""
    later = NOW + dt.timedelta(hours=1)
    return hierarchy.tsp.issue(common_name="brief", key=p256_key, not_before=NOW, not_after=later).certificate


@pytest.mark.parametrize("after", [dt.timedelta(0), dt.timedelta(minutes=30), dt.timedelta(hours=1)])
def test_a_certificate_is_valid_from_its_first_to_its_last_second(brief: x509.Certificate, after: dt.timedelta) -> None:
    check_validity(brief, NOW + after)


@pytest.mark.parametrize("late", [dt.timedelta(microseconds=1), SECOND, dt.timedelta(days=3650)])
def test_a_certificate_is_refused_after_its_last_second(
    refused: Refused, brief: x509.Certificate, late: dt.timedelta
) -> None:
    end = NOW + dt.timedelta(hours=1)
    with refused(CertificateExpiredError, "certificate 'brief' expired on 2026-06-15T13:00:00Z") as caught:
        check_validity(brief, end + late)
    error = caught.value
    assert isinstance(error, CertificateExpiredError)
    assert (error.certificate, error.not_after, error.at) == ("'brief'", end, end + late)


@pytest.mark.parametrize("early", [dt.timedelta(microseconds=1), SECOND, dt.timedelta(days=3650)])
def test_a_certificate_is_refused_before_its_first_second(
    refused: Refused, brief: x509.Certificate, early: dt.timedelta
) -> None:
    with refused(CertificateNotYetValidError, "certificate 'brief' is valid from 2026-06-15T12:00:00Z") as caught:
        check_validity(brief, NOW - early)
    error = caught.value
    assert isinstance(error, CertificateNotYetValidError)
    assert (error.certificate, error.not_before, error.at) == ("'brief'", NOW, NOW - early)


def test_a_certificate_is_that_of_a_ca_when_it_says_so(
    hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey
) -> None:
    silent = named(x509.Name([]), p256_key)
    assert is_authority(silent) is False
    assert is_authority(hierarchy.tsp.certificate) is True
