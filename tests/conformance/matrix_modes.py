"""The matrix: soft-fail and off. Every function is a case."""

from __future__ import annotations

from typing import Final

from cryptography.x509.ocsp import OCSPCertStatus

from nlgov_jades.policy import RevocationPolicy

from .cases import PATH, REVOKED, UNKNOWN, VALID, Case, Cases
from .making import DAY, HOUR, NOW, Exhibit, World, crl, entry, ocsp, rework_ocsp

CASES: Final = Cases()
SOFT: Final = RevocationPolicy.SOFT_FAIL
OFF: Final = RevocationPolicy.OFF


@CASES.must_be(UNKNOWN, "given CRL: the CRL is of another issuer")
def hard_fail_without_data_about_the_signer(w: World) -> Exhibit:
    return w.exhibit(crls=(crl(w.root),))


@CASES.must_be(UNKNOWN, "'TEST CA'")
def hard_fail_without_data_about_the_ca(w: World) -> Exhibit:
    return w.exhibit(ocsp=(ocsp(w.leaf, w.ca),), crls=())


@CASES.must_be(VALID, "unchecked unchecked")
def soft_fail_without_data(w: World) -> Exhibit:
    return w.exhibit(crls=(), revocation=SOFT)


@CASES.must_be(VALID, "good unchecked")
def soft_fail_with_data_about_the_signer_only(w: World) -> Exhibit:
    return w.exhibit(ocsp=(ocsp(w.leaf, w.ca),), crls=(), revocation=SOFT)


@CASES.must_be(VALID, "unchecked unchecked")
def soft_fail_with_data_that_are_out_of_date(w: World) -> Exhibit:
    old = crl(w.ca, entry(w.leaf.certificate.serial_number), this_update=NOW - 2 * DAY, next_update=NOW - DAY)
    return w.exhibit(crls=(old,), revocation=SOFT)


@CASES.must_be(VALID, "unchecked unchecked")
def soft_fail_with_ocsp_of_a_stranger(w: World) -> Exhibit:
    return w.exhibit(ocsp=(ocsp(w.leaf, w.other_ca),), crls=(), revocation=SOFT)


@CASES.must_be(UNKNOWN, "does not fit its signer")
def soft_fail_with_a_bad_signature(w: World) -> Exhibit:
    return w.exhibit(ocsp=(rework_ocsp(ocsp(w.leaf, w.ca), w.other_ca),), crls=(), revocation=SOFT)


@CASES.must_be(REVOKED, "was revoked")
def soft_fail_with_a_revoked_signer(w: World) -> Exhibit:
    return w.exhibit(ocsp=(ocsp(w.leaf, w.ca, status=OCSPCertStatus.REVOKED),), crls=(), revocation=SOFT)


@CASES.must_be(REVOKED, "'TEST CA' was revoked")
def soft_fail_with_a_revoked_ca_and_nothing_about_the_signer(w: World) -> Exhibit:
    return w.exhibit(crls=(crl(w.root, entry(w.ca.certificate.serial_number)),), revocation=SOFT)


@CASES.must_be(REVOKED, "'TEST CA' was revoked")
def hard_fail_with_a_revoked_ca_and_nothing_about_the_signer(w: World) -> Exhibit:
    return w.exhibit(crls=(crl(w.root, entry(w.ca.certificate.serial_number)),))


@CASES.must_be(PATH, "is neither a trust anchor")
def soft_fail_with_a_path_that_fails(w: World) -> Exhibit:
    return w.exhibit(untrusted=(), revocation=SOFT)


@CASES.must_be(VALID, "unchecked unchecked")
def revocation_is_off_and_the_signer_revoked(w: World) -> Exhibit:
    response = ocsp(w.leaf, w.ca, status=OCSPCertStatus.REVOKED, this_update=NOW - HOUR)
    return w.exhibit(ocsp=(response,), crls=(crl(w.root),), revocation=OFF)


@CASES.must_be(PATH, "is neither a trust anchor")
def revocation_is_off_and_the_path_fails(w: World) -> Exhibit:
    return w.exhibit(untrusted=(), revocation=OFF)


OFF_CASES: Final[list[Case]] = [case for case in CASES if case.name.startswith("revocation_is_off")]
"""What pyhanko-certvalidator has no opinion on: it cannot leave revocation out."""
