"""OIN and KVK number: their form, and from which certificates they are read."""

from __future__ import annotations

import datetime as dt
import string
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID, ObjectIdentifier

from nlgov_jades import Kvk, Oin
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.pki.certificate import load_der
from nlgov_jades.pki.identity import OIN_PREFIXES, common_name, kvk_of, oin_of, organization
from nlgov_jades.testing import Hierarchy

OIN, KVK_OIN = "00000001002220647000", "00000003123456780000"
Subject = Callable[..., x509.Certificate]


@pytest.fixture
def subject(hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey) -> Subject:
    """A certificate with these attributes in its subject, as a verifier reads it."""

    def certificate(*attributes: tuple[ObjectIdentifier, str], **arguments: Any) -> x509.Certificate:
        issued = hierarchy.tsp.issue(key=p256_key, more_subject=attributes, **{"oin": None, **arguments})
        return load_der(issued.certificate.public_bytes(Encoding.DER))

    return certificate


# --- form ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "register", "number"),
    [
        (OIN, "RSIN", "002220647"),
        ("00000001123456780000", "RSIN", "123456780"),  # a RSIN that ends in 0
        (KVK_OIN, "KVK", "12345678"),
        ("00000004123456789012", "subOIN", "123456789"),
        ("00000007012345678000", "BRIN", "012345678"),
        ("0000000800ABCDEF0000", "foreign", "00ABCDEF0"),
        ("00000099123456789000", "test", "123456789"),
        ("00000002123456789000", "Fi-nummer", "123456789"),
        ("00000005123456789000", "free", "123456789"),
        ("00000006123456789000", "Logius", "123456789"),
        ("00000009123456780000", "UZI", "123456780"),
        ("00000010123456789000", "TRR-BD", "123456789"),
    ],
)
def test_an_oin_is_split_by_its_prefix(value: str, register: str, number: str) -> None:
    oin = Oin(value)
    assert (oin.value, str(oin), oin.prefix, oin.register, oin.number) == (value, value, value[:8], register, number)
    assert oin.is_test is (register == "test")


def test_every_prefix_of_the_register_is_known() -> None:
    assert set(OIN_PREFIXES) == {f"{number:08}" for number in (*range(1, 11), 99)}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param(OIN[:-1], id="19 positions"),
        pytest.param(OIN + "0", id="21 positions"),
        pytest.param(OIN + "\n", id="line feed"),
        pytest.param(" " + OIN[1:], id="space"),
        pytest.param("00000000002220647000", id="prefix 0"),
        pytest.param("00000011002220647000", id="unknown prefix"),
        pytest.param("10000001002220647000", id="another prefix"),
        pytest.param("00000001002220647001", id="suffix is not zero"),
        pytest.param("00000001002220647100", id="suffix is too short"),
        pytest.param("0000000100222064A000", id="RSIN with a letter"),
        pytest.param("00000003123456781000", id="KVK number of nine positions"),
        pytest.param("0000000312345A780000", id="KVK number with a letter"),
        pytest.param("00000003123456780001", id="KVK number with a counter"),
        pytest.param("0000000700abcdef0000", id="lower case"),
        pytest.param("00000007012345678001", id="another register with a counter"),
        pytest.param("0000000A002220647000", id="prefix with a letter"),
        pytest.param("0000000100222064700\u0660", id="arabic digit"),
        pytest.param("\uff10" * 7 + OIN[7:], id="fullwidth digits"),
        pytest.param(2220647000, id="number"),
        pytest.param(None, id="nothing"),
        pytest.param(OIN.encode(), id="octets"),
    ],
)
def test_what_is_no_oin_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="is not an OIN"):
        Oin(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1234567",
        "123456789",
        "12345678\n",
        "1234567a",
        "\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668",
        " 2345678",
        12345678,
        None,
        b"12345678",
    ],
)
def test_what_is_no_kvk_number_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="is not a KVK number"):
        Kvk(value)


def test_numbers_are_values_that_do_not_mix() -> None:
    assert Oin(OIN) == Oin(OIN)
    assert hash(Kvk("12345678")) == hash(Kvk("12345678"))
    assert {Oin(OIN), Oin(OIN), Kvk("12345678")} == {Kvk("12345678"), Oin(OIN)}
    for other in (OIN, Kvk("12345678"), Oin(KVK_OIN)):
        assert Oin(OIN) != other
    assert str(Kvk("00000001")) == "00000001"


def test_what_is_wrong_is_shown_escaped_and_cut() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Oin("\x1b[31m" + "9" * 10_000)
    assert r"\x1b\x5b31m" in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("value", "passes"),
    [
        (OIN, True),
        ("00000001002220648000", False),
        ("00000001000000000000", True),
        ("00000001123456782000", True),
        ("00000001123456789000", False),
        # No other register has this test.
        ("00000003123456790000", True),
        ("0000000800ABCDEF0000", True),
    ],
)
def test_the_eleven_test_is_for_rsin_only(value: str, passes: bool) -> None:  # noqa: FBT001 - a column of the table
    assert Oin(value).passes_eleven_test() is passes


# --- certificates --------------------------------------------------------------------------------------------


def test_the_oin_is_the_serial_number_of_the_subject(subject: Subject) -> None:
    assert oin_of(subject(oin=OIN)) == Oin(OIN)


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param([], id="none"),
        pytest.param([(NameOID.SERIAL_NUMBER, "12345")], id="free serial number"),
        pytest.param([(NameOID.SERIAL_NUMBER, OIN + " ")], id="space"),
        pytest.param([(NameOID.SERIAL_NUMBER, OIN), (NameOID.SERIAL_NUMBER, OIN)], id="twice the same"),
        pytest.param([(NameOID.SERIAL_NUMBER, OIN), (NameOID.SERIAL_NUMBER, KVK_OIN)], id="two"),
        pytest.param([(NameOID.SERIAL_NUMBER, "x"), (NameOID.SERIAL_NUMBER, OIN)], id="one and something else"),
        pytest.param([(NameOID.ORGANIZATIONAL_UNIT_NAME, OIN)], id="another attribute"),
        pytest.param([(NameOID.DN_QUALIFIER, OIN)], id="qualifier"),
    ],
)
def test_without_exactly_one_oin_there_is_none(
    subject: Subject, attributes: list[tuple[ObjectIdentifier, str]]
) -> None:
    assert oin_of(subject(*attributes)) is None


PERSONAL = [(NameOID.SURNAME, "Jansen"), (NameOID.GIVEN_NAME, "Jan"), (NameOID.PSEUDONYM, "JJ")]


@pytest.mark.parametrize("attribute", PERSONAL, ids=lambda attribute: attribute[1])
def test_the_certificate_of_a_person_holds_no_oin(subject: Subject, attribute: tuple[ObjectIdentifier, str]) -> None:
    assert oin_of(subject(attribute, oin=OIN)) is None
    assert kvk_of(subject(attribute, oin=KVK_OIN)) is None


@pytest.mark.parametrize("attribute", PERSONAL, ids=lambda attribute: attribute[1])
def test_an_employee_does_not_sign_for_the_organisation_that_is_named_in_the_certificate(
    subject: Subject, attribute: tuple[ObjectIdentifier, str]
) -> None:
    # EN 319 412-2 §4.2.4: organizationIdentifier of a person's certificate is that of the employer.
    assert kvk_of(subject(attribute, kvk="12345678")) is None


@pytest.mark.parametrize(
    ("arguments", "kvk"),
    [
        pytest.param({"kvk": "12345678"}, "12345678", id="organizationIdentifier"),
        pytest.param({"oin": KVK_OIN}, "12345678", id="OIN"),
        pytest.param({"oin": KVK_OIN, "kvk": "12345678"}, "12345678", id="both alike"),
        pytest.param({"oin": OIN, "kvk": "12345678"}, "12345678", id="OIN of another register"),
        pytest.param({"oin": "free", "kvk": "12345678"}, "12345678", id="no OIN"),
        pytest.param({"oin": KVK_OIN, "kvk": "87654321"}, None, id="contradiction"),
        pytest.param({"oin": OIN}, None, id="OIN without"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_the_kvk_number_is_read_from_either_place(subject: Subject, arguments: dict[str, str], kvk: str | None) -> None:
    assert kvk_of(subject(**arguments)) == (None if kvk is None else Kvk(kvk))


ORGANIZATION_IDENTIFIER = NameOID.ORGANIZATION_IDENTIFIER


@pytest.mark.parametrize(
    "identifiers",
    [
        ["NTRNL-1234567"],
        ["NTRNL-123456789"],
        ["NTRNL-12345678\n"],
        ["NTRNL-1234567x"],
        ["ntrnl-12345678"],
        ["NTRNL:12345678"],
        ["NTRBE-12345678"],
        ["VATNL-12345678"],
        ["12345678"],
        ["NTRNL-12345678", "NTRNL-12345678"],
        ["NTRNL-12345678", "NTRNL-87654321"],
        ["NTRNL-12345678", "VATNL-123456789B01"],
    ],
    ids=repr,
)
def test_without_exactly_one_kvk_number_there_is_none(subject: Subject, identifiers: list[str]) -> None:
    assert kvk_of(subject(*((ORGANIZATION_IDENTIFIER, identifier) for identifier in identifiers))) is None


@pytest.mark.parametrize(
    "identifiers",
    [
        ["VATNL-123456789B01"],
        ["LEIXG-529900T8BM49AURSDO55"],
        ["VATNL-123456789B01", "LEIXG-529900T8BM49AURSDO55"],
    ],
    ids=repr,
)
def test_an_identifier_of_another_register_contradicts_no_oin(subject: Subject, identifiers: list[str]) -> None:
    more = [(ORGANIZATION_IDENTIFIER, identifier) for identifier in identifiers]
    assert kvk_of(subject(*more, oin=KVK_OIN)) == Kvk("12345678")


def test_two_kvk_numbers_are_none_even_when_the_oin_holds_one_of_them(subject: Subject) -> None:
    more = [(ORGANIZATION_IDENTIFIER, "NTRNL-12345678"), (ORGANIZATION_IDENTIFIER, "NTRNL-87654321")]
    assert kvk_of(subject(*more, oin=KVK_OIN)) is None


def test_names_for_people_are_the_first_or_empty(subject: Subject) -> None:
    certificate = subject((NameOID.COMMON_NAME, "second"), common_name="first", organization="Gemeente Súdwest-Fryslân")
    assert (common_name(certificate), organization(certificate)) == ("first", "Gemeente Súdwest-Fryslân")


def self_signed(name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    start = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + dt.timedelta(days=1))
    return load_der(builder.sign(key, SHA256()).public_bytes(Encoding.DER))


def test_a_subject_without_names_has_empty_ones(p256_key: ec.EllipticCurvePrivateKey) -> None:
    certificate = self_signed(x509.Name([]), p256_key)
    assert (common_name(certificate), organization(certificate)) == ("", "")
    assert (oin_of(certificate), kvk_of(certificate)) == (None, None)


def test_an_attribute_that_is_no_text_is_passed_over(p256_key: ec.EllipticCurvePrivateKey) -> None:
    unique = x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, OIN.encode(), _ASN1Type.BitString)
    certificate = self_signed(x509.Name([unique]), p256_key)
    assert (common_name(certificate), oin_of(certificate)) == ("", None)


def test_an_oin_in_a_relative_name_with_more_attributes_is_read(p256_key: ec.EllipticCurvePrivateKey) -> None:
    both = [x509.NameAttribute(NameOID.COMMON_NAME, "a"), x509.NameAttribute(NameOID.SERIAL_NUMBER, OIN)]
    assert oin_of(self_signed(x509.Name([x509.RelativeDistinguishedName(both)]), p256_key)) == Oin(OIN)


@pytest.mark.parametrize("letter", string.ascii_letters)
def test_no_letter_is_a_digit_of_a_number_whose_register_has_digits_only(letter: str, subject: Subject) -> None:
    for value in (f"00000001{letter}02220647000", f"00000003{letter}23456780000", f"{letter}0000001002220647000"):
        with pytest.raises(ConfigurationError, match="is not an OIN"):
            Oin(value)
    with pytest.raises(ConfigurationError, match="is not a KVK number"):
        Kvk(f"{letter}2345678")
    assert kvk_of(subject((ORGANIZATION_IDENTIFIER, f"NTRNL-{letter}2345678"))) is None
