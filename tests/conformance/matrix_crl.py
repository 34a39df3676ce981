"""The matrix: CRLs about the signer. Its CA has a good CRL, and there is no OCSP unless said so."""

from __future__ import annotations

from typing import Any, Final

from cryptography import x509
from cryptography.x509.ocsp import OCSPCertStatus

from nlgov_jades.policy import RevocationPolicy
from nlgov_jades.testing import Authority, Issued

from .cases import NOT_PARSED, REVOKED, UNKNOWN, VALID, Cases
from .making import (
    DAY,
    HOUR,
    NOW,
    PKCS1,
    PKCS1_SHA1,
    PSS,
    PSS_OTHER_SALT,
    PSS_SHA512,
    PSS_WITHOUT_PARAMETERS,
    UNKNOWN_EXTENSION,
    Exhibit,
    Scheme,
    World,
    crl,
    distribution_point,
    entry,
    ocsp,
    rework_crl,
    url,
)

CASES: Final = Cases()

ODD: Final = x509.UnrecognizedExtension(UNKNOWN_EXTENSION, b"\x05\x00")
HOLD: Final = x509.ReasonFlags.certificate_hold


def _serial(issued: Issued) -> int:
    return issued.certificate.serial_number


# --- what it says --------------------------------------------------------------------------------------------


@CASES.must_be(VALID, "good good")
def a_crl_without_entries(w: World) -> Exhibit:
    return w.listed(crl(w.ca))


@CASES.must_be(REVOKED, "was revoked on 2026-06-13T12:00:00Z, says the CRL of 'TEST CA'")
def a_crl_that_lists_the_signer(w: World) -> Exhibit:
    return w.listed(crl(w.ca, entry(7), entry(_serial(w.leaf)), entry(8)))


@CASES.must_be(REVOKED, "(keyCompromise)")
def a_crl_that_says_why(w: World) -> Exhibit:
    return w.listed(crl(w.ca, entry(_serial(w.leaf), x509.ReasonFlags.key_compromise)))


@CASES.must_be(REVOKED, "was revoked")
def a_crl_that_lists_the_signer_as_no_longer_listed(w: World) -> Exhibit:
    return w.listed(crl(w.ca, entry(_serial(w.leaf), x509.ReasonFlags.remove_from_crl)))


@CASES.must_be(VALID, "good good")
def a_crl_that_lists_others(w: World) -> Exhibit:
    around = (_serial(w.leaf) - 1, _serial(w.leaf) + 1, 1)
    return w.listed(crl(w.ca, *(entry(serial) for serial in around)))


@CASES.must_be(REVOKED, "(certificateHold)")
def a_crl_that_holds_the_signer(w: World) -> Exhibit:
    return w.listed(crl(w.ca, entry(_serial(w.leaf), HOLD)))


@CASES.must_be(VALID, "good good")
def a_hold_in_a_crl_is_lifted_by_newer_ocsp(w: World) -> Exhibit:
    held = crl(w.ca, entry(_serial(w.leaf), HOLD), this_update=NOW - 3 * HOUR)
    return w.listed(held, ocsp=(ocsp(w.leaf, w.ca),))


@CASES.must_be(REVOKED, "(certificateHold)")
def a_hold_in_a_crl_is_newer_than_ocsp(w: World) -> Exhibit:
    held = crl(w.ca, entry(_serial(w.leaf), HOLD))
    return w.listed(held, ocsp=(ocsp(w.leaf, w.ca, this_update=NOW - 3 * HOUR),))


@CASES.must_be(REVOKED, "was revoked")
def a_revocation_in_a_crl_is_not_lifted_by_newer_ocsp(w: World) -> Exhibit:
    listed = crl(w.ca, entry(_serial(w.leaf)), this_update=NOW - 3 * HOUR)
    return w.listed(listed, ocsp=(ocsp(w.leaf, w.ca),))


@CASES.must_be(REVOKED, "says the OCSP")
def a_crl_is_empty_and_ocsp_says_revoked(w: World) -> Exhibit:
    return w.listed(crl(w.ca), ocsp=(ocsp(w.leaf, w.ca, status=OCSPCertStatus.REVOKED),))


@CASES.must_be(REVOKED, "'TEST CA' was revoked")
def a_crl_that_lists_the_ca(w: World) -> Exhibit:
    return w.exhibit(crls=(crl(w.root, entry(_serial(w.ca))), crl(w.ca)))


# --- serial numbers ------------------------------------------------------------------------------------------


def _with_serial(w: World, serial: int) -> Issued:
    def edit(tbs: Any) -> None:
        tbs["serial_number"] = serial

    return w.reworked(w.leaf, w.ca, edit=edit)


LONGEST: Final = (1 << 159) - 1
"""20 octets with the sign bit clear: the longest that RFC 5280 §4.1.2.2 allows."""


@CASES.must_be(REVOKED, "was revoked")
def a_crl_that_lists_a_serial_number_of_20_octets(w: World) -> Exhibit:
    return w.exhibit(_with_serial(w, LONGEST), crls=(crl(w.root), crl(w.ca, entry(LONGEST), entry(3))))


@CASES.must_be(VALID, "good good")
def a_crl_that_lists_a_serial_number_of_20_octets_but_for_the_last_bit(w: World) -> Exhibit:
    return w.exhibit(_with_serial(w, LONGEST), crls=(crl(w.root), crl(w.ca, entry(LONGEST - 1))))


@CASES.must_be(VALID, "good good")
def a_crl_that_lists_a_negative_serial_number(w: World) -> Exhibit:
    return w.listed(_negative(w, -5))


@CASES.must_be(VALID, "good good")
def a_crl_that_lists_a_serial_number_of_30_octets(w: World) -> Exhibit:
    return w.listed(_negative(w, 1 << 239))


def _negative(w: World, serial: int) -> bytes:
    def edit(tbs: Any) -> None:
        tbs["revoked_certificates"][0]["user_certificate"] = serial

    return rework_crl(crl(w.ca, entry(5)), w.ca, edit=edit)


# --- time ----------------------------------------------------------------------------------------------------


@CASES.must_be(UNKNOWN, "the CRL was valid until 2026-06-15T11:00:00Z")
def a_crl_that_is_out_of_date(w: World) -> Exhibit:
    return w.listed(crl(w.ca, this_update=NOW - DAY, next_update=NOW - HOUR))


@CASES.must_be(UNKNOWN, "the CRL is from 2026-06-15T13:00:00Z")
def a_crl_from_the_future(w: World) -> Exhibit:
    return w.listed(crl(w.ca, this_update=NOW + HOUR))


@CASES.must_be(VALID, "good good")
def a_crl_in_its_last_second(w: World) -> Exhibit:
    return w.listed(crl(w.ca, next_update=NOW))


@CASES.must_be(NOT_PARSED, "the CRL has no nextUpdate")
def a_crl_without_next_update(w: World) -> Exhibit:
    def edit(tbs: Any) -> None:
        del tbs["next_update"]

    return w.listed(rework_crl(crl(w.ca), w.ca, edit=edit))


@CASES.must_be(UNKNOWN, "the CRL is from")
def a_crl_of_today_for_the_time_of_a_week_ago(w: World) -> Exhibit:
    return w.exhibit(at=NOW - 7 * DAY)


# --- scope ---------------------------------------------------------------------------------------------------


@CASES.must_be(NOT_PARSED, "delta CRL")
def a_delta_crl(w: World) -> Exhibit:
    return w.listed(crl(w.ca, extensions=[(x509.DeltaCRLIndicator(1), True)]))


def _freshest() -> tuple[x509.ExtensionType, bool]:
    return x509.FreshestCRL([x509.DistributionPoint([url("delta")], None, None, None)]), False


@CASES.must_be(REVOKED, "was revoked")
def a_crl_that_lists_the_signer_with_delta_crls_beside_it(w: World) -> Exhibit:
    return w.listed(crl(w.ca, entry(_serial(w.leaf)), extensions=[_freshest()]))


@CASES.must_be(REVOKED, "was revoked")
def soft_fail_with_a_crl_that_lists_the_signer_with_delta_crls_beside_it(w: World) -> Exhibit:
    listed = crl(w.ca, entry(_serial(w.leaf)), extensions=[_freshest()])
    return w.listed(listed, revocation=RevocationPolicy.SOFT_FAIL)


@CASES.must_be(UNKNOWN, "delta CRLs")
def a_crl_that_lists_nothing_with_delta_crls_beside_it(w: World) -> Exhibit:
    return w.listed(crl(w.ca, extensions=[_freshest()]))


@CASES.must_be(UNKNOWN, "delta CRLs")
def a_crl_that_lists_nothing_where_the_signer_names_delta_crls(w: World) -> Exhibit:
    return w.exhibit(w.issue(more_extensions=[_freshest()]), crls=(crl(w.root), crl(w.ca)))


@CASES.must_be(NOT_PARSED, "indirect, partial")
def an_indirect_crl(w: World) -> Exhibit:
    return w.listed(crl(w.ca, extensions=[distribution_point(indirect_crl=True)]))


@CASES.must_be(NOT_PARSED, "indirect, partial")
def a_crl_for_some_reasons(w: World) -> Exhibit:
    reasons = frozenset({x509.ReasonFlags.key_compromise})
    return w.listed(crl(w.ca, extensions=[distribution_point(only_some_reasons=reasons)]))


@CASES.must_be(NOT_PARSED, "about attribute certificates")
def a_crl_about_attribute_certificates(w: World) -> Exhibit:
    return w.listed(crl(w.ca, extensions=[distribution_point(only_contains_attribute_certs=True)]))


@CASES.must_be(UNKNOWN, "about certificates of another kind")
def a_crl_about_ca_certificates_only(w: World) -> Exhibit:
    return w.listed(crl(w.ca, extensions=[distribution_point(only_contains_ca_certs=True)]))


@CASES.must_be(VALID, "good good")
def a_crl_about_user_certificates_only(w: World) -> Exhibit:
    return w.listed(crl(w.ca, extensions=[distribution_point(only_contains_user_certs=True)]))


@CASES.must_be(UNKNOWN, "'TEST CA' is revoked is not known")
def a_crl_about_user_certificates_for_a_ca(w: World) -> Exhibit:
    users = crl(w.root, extensions=[distribution_point(only_contains_user_certs=True)])
    return w.exhibit(crls=(users, crl(w.ca)))


@CASES.must_be(VALID, "good good")
def a_crl_of_the_distribution_point_that_the_signer_names(w: World) -> Exhibit:
    return w.listed(crl(w.ca, extensions=[distribution_point(full_name=[url("elsewhere"), url("ca")])]))


@CASES.must_be(UNKNOWN, "of another distribution point")
def a_crl_of_another_distribution_point(w: World) -> Exhibit:
    return w.listed(crl(w.ca, extensions=[distribution_point(full_name=[url("elsewhere")])]))


@CASES.must_be(UNKNOWN, "of another distribution point")
def a_crl_of_a_distribution_point_where_the_signer_names_none(w: World) -> Exhibit:
    plain = w.ca.issue(key=w.leaf.key)
    listed = crl(w.ca, extensions=[distribution_point(full_name=[url("ca")])])
    return w.exhibit(plain, crls=(crl(w.root), listed))


@CASES.must_be(UNKNOWN, "relative to its issuer")
def a_crl_of_a_distribution_point_relative_to_its_issuer(w: World) -> Exhibit:
    name = x509.RelativeDistinguishedName([x509.NameAttribute(x509.NameOID.COMMON_NAME, "CRL 1")])
    return w.listed(crl(w.ca, extensions=[distribution_point(relative_name=name)]))


# --- extensions ----------------------------------------------------------------------------------------------


@CASES.must_be(NOT_PARSED, "the CRL has a critical extension that is not processed")
def a_crl_with_an_unknown_critical_extension(w: World) -> Exhibit:
    return w.listed(crl(w.ca, extensions=[(ODD, True)]))


@CASES.must_be(VALID, "good good")
def a_crl_with_an_unknown_extension(w: World) -> Exhibit:
    return w.listed(crl(w.ca, extensions=[(ODD, False)]))


@CASES.must_be(NOT_PARSED, "an entry of the CRL has a critical extension")
def a_crl_with_an_unknown_critical_extension_in_an_entry(w: World) -> Exhibit:
    return w.listed(crl(w.ca, entry(5, extensions=[(ODD, True)])))


@CASES.must_be(NOT_PARSED, "an entry of the CRL has a critical extension")
def a_crl_with_an_entry_of_another_issuer(w: World) -> Exhibit:
    other = x509.CertificateIssuer([x509.DirectoryName(w.other_ca.certificate.subject)])
    return w.listed(crl(w.ca, entry(5, extensions=[(other, True)])))


# --- who signed it -------------------------------------------------------------------------------------------


@CASES.must_be(UNKNOWN, "the CRL is of another issuer")
def a_crl_of_another_ca(w: World) -> Exhibit:
    return w.listed(crl(w.other_ca))


@CASES.must_be(UNKNOWN, "the CRL is of another issuer")
def a_crl_of_the_anchor_for_the_signer(w: World) -> Exhibit:
    return w.listed()


@CASES.must_be(UNKNOWN, "the signature on the CRL does not fit its signer")
def a_crl_of_a_ca_of_the_same_name_with_another_key(w: World) -> Exhibit:
    return w.listed(crl(Authority(w.spare_key, w.ca.chain)))


@CASES.must_be(UNKNOWN, "may not sign CRLs (cRLSign)")
def a_crl_of_a_ca_that_may_not_sign_crls(w: World) -> Exhibit:
    silent = w.authority("TEST CA", key=w.ca.key, usages=("key_cert_sign",))
    return w.listed(crl(w.ca), untrusted=(silent.certificate,))


@CASES.must_be(NOT_PARSED, "not a CRL")
def a_crl_with_one_algorithm_inside_and_another_outside(w: World) -> Exhibit:
    return w.listed(rework_crl(crl(w.ca), w.ca, scheme=PSS_SHA512, outer=PKCS1))


def _signed(w: World, scheme: Scheme) -> Exhibit:
    return w.listed(rework_crl(crl(w.ca), w.ca, scheme=scheme))


@CASES.must_be(VALID, "good good")
def a_crl_signed_with_pss(w: World) -> Exhibit:
    return _signed(w, PSS)


@CASES.must_be(VALID, "good good")
def a_crl_signed_with_pss_of_sha512(w: World) -> Exhibit:
    return _signed(w, PSS_SHA512)


@CASES.must_be(UNKNOWN, "algorithm or key that is not accepted")
def a_crl_signed_with_pss_of_another_salt(w: World) -> Exhibit:
    return _signed(w, PSS_OTHER_SALT)


@CASES.must_be(UNKNOWN, "algorithm or key that is not accepted")
def a_crl_signed_with_pss_without_parameters(w: World) -> Exhibit:
    return _signed(w, PSS_WITHOUT_PARAMETERS)


@CASES.must_be(UNKNOWN, "algorithm or key that is not accepted")
def a_crl_signed_with_sha1(w: World) -> Exhibit:
    return _signed(w, PKCS1_SHA1)


@CASES.must_be(NOT_PARSED, "not a CRL")
def a_crl_that_was_cut_off(w: World) -> Exhibit:
    return w.listed(crl(w.ca)[:-1])


@CASES.must_be(NOT_PARSED, "not a CRL")
def a_crl_that_is_a_web_page(w: World) -> Exhibit:
    return w.listed(b"<!doctype html><title>Sign in</title>")
