"""The matrix: paths, time, keys and names. Every function is a case; its revocation data are good."""

from __future__ import annotations

import datetime as dt
from typing import Final

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from nlgov_jades.profiles import SignatureAlgorithm
from nlgov_jades.testing import Authority, Issued

from .cases import EXPIRED, NOT_YET_VALID, PATH, VALID, Cases
from .making import (
    DAY,
    NOW,
    PKCS1_SHA1,
    PSS_OTHER_SALT,
    PSS_SHA512,
    UNKNOWN_EXTENSION,
    Exhibit,
    World,
    crl,
)

CASES: Final = Cases()
SECOND: Final = dt.timedelta(seconds=1)


# --- paths ---------------------------------------------------------------------------------------------------


@CASES.must_be(VALID, "good good")
def a_signer_below_one_ca(w: World) -> Exhibit:
    return w.exhibit()


@CASES.must_be(VALID, "good good")
def an_intermediate_from_the_trust_store(w: World) -> Exhibit:
    return w.exhibit(untrusted=(), intermediates=(w.ca.certificate,), crls=(crl(w.root), crl(w.ca)))


@CASES.must_be(VALID, "good good")
def certificates_that_do_not_belong_are_sent_along(w: World) -> Exhibit:
    more = (w.other_ca.certificate, w.ca.certificate, w.root.certificate)
    return w.exhibit(untrusted=more, crls=(crl(w.root), crl(w.ca)))


@CASES.must_be(VALID, "good good good good good")
def four_cas_between_signer_and_anchor(w: World) -> Exhibit:
    return _deep(w, 4)


@CASES.must_be(PATH, "at most 4")
def five_cas_between_signer_and_anchor(w: World) -> Exhibit:
    return _deep(w, 5)


def _deep(w: World, count: int) -> Exhibit:
    issuers, crls = [w.root], [crl(w.root)]
    for number in range(count):
        issuers.append(w.authority(f"TEST level {number}", issuers[-1]))
        crls.append(crl(issuers[-1]))
    return w.exhibit(w.issue(issuers[-1]), crls=tuple(crls))


@CASES.must_be(PATH, "is neither a trust anchor nor among the intermediates")
def the_intermediate_is_missing(w: World) -> Exhibit:
    return w.exhibit(untrusted=())


@CASES.must_be(PATH, "is neither a trust anchor nor among the intermediates")
def the_anchor_is_another(w: World) -> Exhibit:
    stranger = World.new()
    return w.exhibit(anchors=(w.other_ca.certificate, stranger.ca.certificate))


@CASES.must_be(PATH, "but another key signed it")
def an_anchor_of_the_same_name_with_another_key(w: World) -> Exhibit:
    return w.exhibit(anchors=(World.new().root.certificate,))


@CASES.must_be(PATH, "the issuer of certificate")
def the_signer_is_signed_with_another_key(w: World) -> Exhibit:
    return w.exhibit(w.issue(Authority(w.spare_key, w.ca.chain)))


@CASES.must_be(PATH, "but another key signed it")
def the_ca_is_signed_with_another_key(w: World) -> Exhibit:
    forged = w.authority("TEST CA", Authority(w.spare_key, w.root.chain), key=w.ca.key)
    return w.exhibit(untrusted=(forged.certificate,))


@CASES.must_be(VALID, "good good")
def a_forged_twin_of_the_ca_is_sent_before_the_real_one(w: World) -> Exhibit:
    twin = w.authority("TEST CA", Authority(w.spare_key, w.root.chain))
    return w.exhibit(untrusted=(twin.certificate, w.ca.certificate))


@CASES.must_be(PATH, "is itself a trust anchor")
def the_anchor_signs_messages(w: World) -> Exhibit:
    return w.exhibit(w.root, untrusted=())


@CASES.must_be(PATH, "is that of a CA")
def a_ca_signs_messages(w: World) -> Exhibit:
    return w.exhibit(w.authority("TEST signer", w.ca, usages=("key_cert_sign", "digital_signature")))


@CASES.must_be(PATH, "is refused")
def the_signer_issued_a_certificate(w: World) -> Exhibit:
    below = w.issue(Authority(w.leaf.key, w.leaf.chain), key=w.spare_key)
    return w.exhibit(below)


@CASES.must_be(PATH, "is refused")
def a_ca_without_basic_constraints(w: World) -> Exhibit:
    def edit(tbs: asn1_x509.TbsCertificate) -> None:
        tbs["extensions"] = [item for item in tbs["extensions"] if item["extn_id"].native != "basic_constraints"]

    return _below(w, w.reworked(w.ca, w.root, edit=edit))


@CASES.must_be(PATH, "is refused")
def a_ca_that_may_not_sign_certificates(w: World) -> Exhibit:
    return _below(w, w.authority("TEST CA", key=w.ca.key, usages=("crl_sign", "digital_signature")))


@CASES.must_be(PATH, "is refused")
def a_path_length_that_is_exceeded(w: World) -> Exhibit:
    first = w.authority("TEST first", path_length=0)
    second = w.authority("TEST second", first)
    return w.exhibit(w.issue(second), crls=(crl(w.root), crl(first), crl(second)))


@CASES.must_be(VALID, "good good good")
def a_path_length_that_is_just_enough(w: World) -> Exhibit:
    first = w.authority("TEST first", path_length=1)
    second = w.authority("TEST second", first, path_length=0)
    return w.exhibit(w.issue(second), crls=(crl(w.root), crl(first), crl(second)))


@CASES.must_be(PATH, "is refused")
def a_ca_with_an_unknown_critical_extension(w: World) -> Exhibit:
    odd = x509.UnrecognizedExtension(UNKNOWN_EXTENSION, b"\x05\x00")
    return _below(w, w.authority("TEST CA", key=w.ca.key, more_extensions=[(odd, True)]))


@CASES.must_be(PATH, "critical extensions")
def a_signer_with_an_unknown_critical_extension(w: World) -> Exhibit:
    odd = x509.UnrecognizedExtension(UNKNOWN_EXTENSION, b"\x05\x00")
    return w.exhibit(w.issue(more_extensions=[(odd, True)]))


@CASES.must_be(VALID, "good good")
def a_signer_with_an_unknown_extension(w: World) -> Exhibit:
    odd = x509.UnrecognizedExtension(UNKNOWN_EXTENSION, b"\x05\x00")
    return w.exhibit(w.issue(more_extensions=[(odd, False)]))


def _below(w: World, ca: Issued) -> Exhibit:
    return w.exhibit(untrusted=(ca.certificate,))


# --- time ----------------------------------------------------------------------------------------------------


@CASES.must_be(VALID, "good good")
def the_last_second_of_the_signer(w: World) -> Exhibit:
    return w.exhibit(w.issue(not_after=NOW))


@CASES.must_be(EXPIRED, "expired on 2026-06-15T11:59:59Z")
def the_signer_expired_a_second_ago(w: World) -> Exhibit:
    return w.exhibit(w.issue(not_after=NOW - SECOND))


@CASES.must_be(VALID, "good good")
def the_first_second_of_the_signer(w: World) -> Exhibit:
    return w.exhibit(w.issue(not_before=NOW))


@CASES.must_be(NOT_YET_VALID, "is valid from 2026-06-15T12:00:01Z")
def the_signer_is_valid_a_second_from_now(w: World) -> Exhibit:
    return w.exhibit(w.issue(not_before=NOW + SECOND))


@CASES.must_be(EXPIRED, "'TEST CA' expired")
def the_ca_has_expired(w: World) -> Exhibit:
    return _below(w, w.authority("TEST CA", key=w.ca.key, not_after=NOW - DAY))


@CASES.must_be(NOT_YET_VALID, "'TEST CA' is valid from")
def the_ca_is_not_yet_valid(w: World) -> Exhibit:
    return _below(w, w.authority("TEST CA", key=w.ca.key, not_before=NOW + DAY))


@CASES.must_be(EXPIRED, "Root CA' expired")
def everything_has_expired_with_the_anchor(w: World) -> Exhibit:
    late = NOW + 600 * DAY

    def later(issuer: Authority) -> bytes:
        return crl(issuer, this_update=late - DAY, next_update=late + DAY)

    signer = w.issue(w.authority("TEST CA", key=w.ca.key, not_after=late + DAY), not_after=late + DAY)
    return w.exhibit(signer, at=late, crls=(later(w.root), later(w.ca)))


# --- keys and algorithms -------------------------------------------------------------------------------------


@CASES.must_be(VALID, "good good")
def certificates_signed_as_those_of_g4(w: World) -> Exhibit:
    ca = w.reworked(w.ca, w.root, scheme=PSS_SHA512)
    return _below_with(w, ca, w.reworked(w.leaf, w.ca, scheme=PSS_SHA512))


@CASES.must_be(PATH, "is refused")
def a_signer_certificate_signed_with_pss_of_another_salt(w: World) -> Exhibit:
    return _below_with(w, w.ca, w.reworked(w.leaf, w.ca, scheme=PSS_OTHER_SALT))


@CASES.must_be(PATH, "the issuer of certificate")
def a_signer_certificate_signed_with_sha1(w: World) -> Exhibit:
    return _below_with(w, w.ca, w.reworked(w.leaf, w.ca, scheme=PKCS1_SHA1))


@CASES.must_be(PATH, "the issuer of certificate 'TEST CA'")
def a_ca_certificate_signed_with_sha1(w: World) -> Exhibit:
    return _below(w, w.reworked(w.ca, w.root, scheme=PKCS1_SHA1))


def _below_with(w: World, ca: Issued, signer: Issued) -> Exhibit:
    return w.exhibit(leaf=signer.certificate, untrusted=(ca.certificate,))


@CASES.must_be(PATH, "1024 bits")
def a_signer_with_a_small_rsa_key(w: World) -> Exhibit:
    return w.exhibit(w.issue(key=_small_key()))


@CASES.must_be(PATH, "is refused")
def a_ca_with_a_small_rsa_key(w: World) -> Exhibit:
    weak = w.authority("TEST weak CA", key=_small_key())
    return w.exhibit(w.issue(weak), crls=(crl(w.root), crl(weak)))


def _small_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - the fault under test


@CASES.must_be(VALID, "good good")
def a_signer_with_p256_where_the_profile_is_es256(w: World) -> Exhibit:
    signer = w.issue(key=ec.generate_private_key(ec.SECP256R1()))
    return w.exhibit(signer, algorithm=SignatureAlgorithm.ES256)


@CASES.must_be(PATH, "has a key of a type that is not accepted")
def a_signer_with_p256_where_the_profile_is_ps256(w: World) -> Exhibit:
    return w.exhibit(w.issue(key=ec.generate_private_key(ec.SECP256R1())))


@CASES.must_be(PATH, "has a key of a type that is not accepted")
def a_signer_with_a_curve_that_nobody_agreed_on(w: World) -> Exhibit:
    signer = w.issue(key=ec.generate_private_key(ec.SECP256K1()))
    return w.exhibit(signer, algorithm=SignatureAlgorithm.ES256)


@CASES.must_be(PATH, "has a key of a type that is not accepted")
def a_signer_with_ed25519(w: World) -> Exhibit:
    key = ed25519.Ed25519PrivateKey.generate()
    return w.exhibit(w.issue(key=key), algorithm=SignatureAlgorithm.ES256)


# --- name constraints ----------------------------------------------------------------------------------------


def _named(w: World, constraints: x509.NameConstraints, *, critical: bool, **signer: object) -> Exhibit:
    ca = w.authority("TEST CA", key=w.ca.key, more_extensions=[(constraints, critical)])
    return w.exhibit(w.issue(ca, **signer))


def _directory(organization: str) -> x509.DirectoryName:
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, "NL")
    return x509.DirectoryName(x509.Name([country, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)]))


def _alternative(name: x509.GeneralName) -> dict[str, object]:
    return {"more_extensions": [(x509.SubjectAlternativeName([name]), False)]}


@CASES.must_be(VALID, "good good")
def a_directory_name_within_what_is_permitted(w: World) -> Exhibit:
    return _named(w, x509.NameConstraints([_directory("gemeente  VOORBEELDSTAD")], None), critical=False)


@CASES.must_be(PATH, "has a name that 'TEST CA' may not certify")
def a_directory_name_outside_what_is_permitted(w: World) -> Exhibit:
    return _named(w, x509.NameConstraints([_directory("Gemeente Elders")], None), critical=False)


@CASES.must_be(PATH, "has a name that 'TEST CA' may not certify")
def a_directory_name_that_is_excluded(w: World) -> Exhibit:
    return _named(w, x509.NameConstraints(None, [_directory("Gemeente Voorbeeldstad")]), critical=False)


@CASES.must_be(PATH, "unsupported name constraint")
def a_directory_name_that_is_excluded_among_the_alternatives(w: World) -> Exhibit:
    constraints = x509.NameConstraints(None, [_directory("Gemeente Elders")])
    return _named(w, constraints, critical=False, **_alternative(_directory("Gemeente Elders")))


@CASES.must_be(PATH, "directoryName")
def a_directory_name_within_what_is_permitted_critically(w: World) -> Exhibit:
    return _named(w, x509.NameConstraints([_directory("Gemeente Voorbeeldstad")], None), critical=True)


@CASES.must_be(VALID, "good good")
def a_dns_name_within_what_is_permitted(w: World) -> Exhibit:
    constraints = x509.NameConstraints([x509.DNSName("gemeente.example")], None)
    return _named(w, constraints, critical=True, **_alternative(x509.DNSName("a.gemeente.example")))


@CASES.must_be(PATH, "is refused")
def a_dns_name_outside_what_is_permitted(w: World) -> Exhibit:
    constraints = x509.NameConstraints([x509.DNSName("gemeente.example")], None)
    return _named(w, constraints, critical=True, **_alternative(x509.DNSName("gemeente.example.net")))


@CASES.must_be(PATH, "is refused")
def a_dns_name_that_is_excluded(w: World) -> Exhibit:
    constraints = x509.NameConstraints(None, [x509.DNSName("gemeente.example")])
    return _named(w, constraints, critical=False, **_alternative(x509.DNSName("a.gemeente.example")))


@CASES.must_be(VALID, "good good")
def no_dns_name_where_dns_names_are_constrained(w: World) -> Exhibit:
    return _named(w, x509.NameConstraints([x509.DNSName("gemeente.example")], None), critical=True)
