"""The matrix: OCSP responses by a delegate of the CA. Its CA has a good CRL; the rest is as in `matrix_ocsp`."""

from __future__ import annotations

from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.ocsp import OCSPCertStatus, OCSPResponderEncoding

from nlgov_jades.testing import Issued

from .cases import REVOKED, UNKNOWN, VALID, Cases
from .making import (
    HOUR,
    NOW,
    PKCS1_SHA1,
    PKCS1_SHA224,
    UNKNOWN_EXTENSION,
    Exhibit,
    World,
    crl,
    distribution_point,
    entry,
    ocsp,
    rework_crl,
    url,
)

CASES: Final = Cases()


# --- who signed it -------------------------------------------------------------------------------------------


def _delegated(w: World, delegate: Issued) -> Exhibit:
    response = ocsp(w.leaf, delegate, certificates=[delegate.certificate])
    return w.exhibit(ocsp=(response,), crls=(crl(w.root),))


@CASES.must_be(VALID, "good good")
def ocsp_by_a_delegate(w: World) -> Exhibit:
    return _delegated(w, w.delegate())


@CASES.must_be(VALID, "good good")
def ocsp_by_a_delegate_identified_by_name(w: World) -> Exhibit:
    delegate = w.delegate()
    response = ocsp(w.leaf, delegate, certificates=[delegate.certificate], by=OCSPResponderEncoding.NAME)
    return w.asked(response)


@CASES.must_be(VALID, "good good")
def ocsp_by_a_delegate_with_p256(w: World) -> Exhibit:
    return _delegated(w, w.delegate(key=ec.generate_private_key(ec.SECP256R1())))


@CASES.must_be(UNKNOWN, "neither the issuer nor a delegate that it sent along")
def ocsp_by_a_delegate_that_was_not_sent_along(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.delegate()))


@CASES.must_be(UNKNOWN, "is not for OCSP (id-kp-OCSPSigning)")
def ocsp_by_a_delegate_for_something_else(w: World) -> Exhibit:
    return _delegated(w, w.delegate(extended_key_usages=("1.3.6.1.5.5.7.3.36",)))


@CASES.must_be(UNKNOWN, "is not for OCSP (id-kp-OCSPSigning)")
def ocsp_by_a_delegate_without_extended_key_usage(w: World) -> Exhibit:
    return _delegated(w, w.delegate(extended_key_usages=None))


@CASES.must_be(UNKNOWN, "may not sign (keyUsage)")
def ocsp_by_a_delegate_that_may_not_sign(w: World) -> Exhibit:
    return _delegated(w, w.delegate(usages=("key_encipherment",)))


@CASES.must_be(VALID, "good good")
def ocsp_by_a_delegate_without_key_usage(w: World) -> Exhibit:
    return _delegated(w, w.delegate(usages=()))


@CASES.must_be(UNKNOWN, "is not valid at this time")
def ocsp_by_a_delegate_that_has_expired(w: World) -> Exhibit:
    return _delegated(w, w.delegate(not_after=NOW - HOUR))


@CASES.must_be(UNKNOWN, "is not valid at this time")
def ocsp_by_a_delegate_that_is_not_yet_valid(w: World) -> Exhibit:
    return _delegated(w, w.delegate(not_before=NOW + HOUR))


@CASES.must_be(UNKNOWN, "was not issued by the same CA")
def ocsp_by_a_delegate_of_another_ca(w: World) -> Exhibit:
    return _delegated(w, w.delegate(w.other_ca))


@CASES.must_be(UNKNOWN, "was not issued by the same CA")
def ocsp_by_a_delegate_of_the_ca_above(w: World) -> Exhibit:
    return _delegated(w, w.delegate(w.root))


@CASES.must_be(UNKNOWN, "was not issued by the same CA")
def ocsp_by_a_delegate_that_signed_itself(w: World) -> Exhibit:
    delegate = w.delegate()
    return _delegated(w, w.reworked(delegate, delegate))


@CASES.must_be(UNKNOWN, "the OCSP responder's certificate")
def ocsp_by_a_delegate_signed_with_sha1(w: World) -> Exhibit:
    return _delegated(w, w.reworked(w.delegate(), w.ca, scheme=PKCS1_SHA1))


@CASES.must_be(UNKNOWN, "certificate is signed with an algorithm that is not accepted")
def ocsp_by_a_delegate_signed_with_sha224(w: World) -> Exhibit:
    return _delegated(w, w.reworked(w.delegate(), w.ca, scheme=PKCS1_SHA224))


@CASES.must_be(UNKNOWN, "algorithm or key that is not accepted")
def ocsp_by_a_delegate_with_a_small_key(w: World) -> Exhibit:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - the fault under test
    return _delegated(w, w.delegate(key=small))


@CASES.must_be(UNKNOWN, "")
def ocsp_by_a_delegate_with_an_unknown_critical_extension(w: World) -> Exhibit:
    odd = x509.UnrecognizedExtension(UNKNOWN_EXTENSION, b"\x05\x00")
    return _delegated(w, w.delegate(more_extensions=[(odd, True)]))


@CASES.must_be(UNKNOWN, "neither the issuer nor a delegate")
def ocsp_by_the_signer_about_itself(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.leaf))


# --- is the delegate revoked? --------------------------------------------------------------------------------


@CASES.must_be(UNKNOWN, "whether its responder 'TEST OCSP responder' is revoked is not known")
def ocsp_by_a_delegate_without_nocheck_and_no_crl(w: World) -> Exhibit:
    return _delegated(w, w.delegate(nocheck=False))


def _listed_delegate(
    w: World,
    *entries: x509.RevokedCertificate,
    delegate: Issued | None = None,
    status: OCSPCertStatus = OCSPCertStatus.GOOD,
) -> Exhibit:
    """With a CRL of the distribution point that the delegate names, which is not that of the signer."""
    delegate = delegate or w.delegate(nocheck=False)
    response = ocsp(w.leaf, delegate, certificates=[delegate.certificate], status=status)
    return w.exhibit(ocsp=(response,), crls=(crl(w.root), _of_delegates(w, *entries)))


def _of_delegates(w: World, *entries: x509.RevokedCertificate) -> bytes:
    return crl(w.ca, *entries, extensions=[distribution_point(full_name=[url("delegates")])])


@CASES.must_be(VALID, "good good")
def ocsp_by_a_delegate_without_nocheck_and_a_good_crl(w: World) -> Exhibit:
    return _listed_delegate(w)


@CASES.must_be(UNKNOWN, "whether its responder 'TEST OCSP responder' is revoked is not known")
def ocsp_by_a_delegate_that_is_revoked(w: World) -> Exhibit:
    delegate = w.delegate(nocheck=False)
    return _listed_delegate(w, entry(delegate.certificate.serial_number), delegate=delegate)


@CASES.must_be(UNKNOWN, "whether its responder 'TEST OCSP responder' is revoked is not known")
def ocsp_says_revoked_by_a_delegate_that_is_revoked(w: World) -> Exhibit:
    delegate = w.delegate(nocheck=False)
    listed = entry(delegate.certificate.serial_number)
    return _listed_delegate(w, listed, delegate=delegate, status=OCSPCertStatus.REVOKED)


@CASES.must_be(REVOKED, "was revoked")
def ocsp_says_revoked_by_a_delegate_without_nocheck_and_no_crl(w: World) -> Exhibit:
    delegate = w.delegate(nocheck=False)
    response = ocsp(w.leaf, delegate, certificates=[delegate.certificate], status=OCSPCertStatus.REVOKED)
    return w.asked(response)


@CASES.must_be(VALID, "good good")
def ocsp_by_the_second_of_two_delegates_that_were_sent_along(w: World) -> Exhibit:
    delegate = w.delegate()
    return w.asked(ocsp(w.leaf, delegate, certificates=[w.leaf.certificate, delegate.certificate]))


@CASES.must_be(UNKNOWN, "neither the issuer nor a delegate")
def ocsp_by_the_fifth_of_five_delegates_that_were_sent_along(w: World) -> Exhibit:
    delegate = w.delegate()
    return w.asked(ocsp(w.leaf, delegate, certificates=[w.leaf.certificate] * 4 + [delegate.certificate]))


@CASES.must_be(REVOKED, "was revoked")
def ocsp_says_revoked_by_a_delegate_with_a_good_crl(w: World) -> Exhibit:
    return _listed_delegate(w, status=OCSPCertStatus.REVOKED)


@CASES.must_be(UNKNOWN, "is revoked is not known")
def ocsp_by_a_delegate_whose_negative_serial_number_is_revoked(w: World) -> Exhibit:
    def edit(tbs: Any) -> None:
        tbs["serial_number"] = -5

    def negative(tbs: Any) -> None:
        tbs["revoked_certificates"][0]["user_certificate"] = -5

    delegate = w.reworked(w.delegate(nocheck=False), w.ca, edit=edit)
    response = ocsp(w.leaf, delegate, certificates=[delegate.certificate])
    return w.exhibit(ocsp=(response,), crls=(crl(w.root), rework_crl(_of_delegates(w, entry(5)), w.ca, edit=negative)))
