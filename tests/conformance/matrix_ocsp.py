"""The matrix: OCSP responses about the signer. Its CA has a good CRL; there is no CRL about the signer unless said so."""

from __future__ import annotations

import datetime as dt
from typing import Final

from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as x509_ocsp
from cryptography.x509.ocsp import OCSPCertStatus, OCSPResponderEncoding

from .cases import NOT_PARSED, REVOKED, UNKNOWN, VALID, Case, Cases
from .making import (
    DAY,
    HOUR,
    NOW,
    PKCS1_SHA1,
    PSS,
    PSS_OTHER_MASK,
    PSS_OTHER_SALT,
    PSS_WITHOUT_PARAMETERS,
    UNKNOWN_EXTENSION,
    Exhibit,
    World,
    crl,
    entry,
    ocsp,
    rework_ocsp,
)

CASES: Final = Cases()

HOLD: Final = x509.ReasonFlags.certificate_hold
MINUTE: Final = dt.timedelta(minutes=1)


# --- what it says --------------------------------------------------------------------------------------------


@CASES.must_be(VALID, "good good")
def ocsp_by_the_issuer(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.ca))


@CASES.must_be(VALID, "good good")
def ocsp_by_the_issuer_identified_by_name(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.ca, by=OCSPResponderEncoding.NAME))


@CASES.must_be(VALID, "good good")
def ocsp_with_a_cert_id_of_sha256(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.ca, identified_with=hashes.SHA256()))


@CASES.must_be(REVOKED, "was revoked on 2026-06-13T12:00:00Z (keyCompromise), says the OCSP of 'TEST CA'")
def ocsp_says_revoked(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.ca, status=OCSPCertStatus.REVOKED, reason=x509.ReasonFlags.key_compromise))


@CASES.must_be(REVOKED, "(certificateHold)")
def ocsp_says_on_hold(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.ca, status=OCSPCertStatus.REVOKED, reason=HOLD))


@CASES.must_be(UNKNOWN, "does not know the certificate")
def ocsp_says_unknown(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.ca, status=OCSPCertStatus.UNKNOWN))


@CASES.must_be(NOT_PARSED, "try_later")
def ocsp_says_try_later(w: World) -> Exhibit:
    response = x509_ocsp.OCSPResponseBuilder.build_unsuccessful(x509_ocsp.OCSPResponseStatus.TRY_LATER)
    return w.asked(response.public_bytes(Encoding.DER))


# --- whom it is about ----------------------------------------------------------------------------------------


@CASES.must_be(UNKNOWN, "is about another certificate")
def ocsp_about_another_serial_number(w: World) -> Exhibit:
    return w.asked(ocsp(w.issue(), w.ca))


@CASES.must_be(UNKNOWN, "or is about another")
def ocsp_about_the_serial_number_of_another_issuer(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.ca, issuer=w.other_ca.certificate))


@CASES.must_be(UNKNOWN, "or is about another")
def ocsp_with_another_issuer_key_hash(w: World) -> Exhibit:
    def edit(data: asn1_ocsp.ResponseData) -> None:
        data["responses"][0]["cert_id"]["issuer_key_hash"] = bytes(20)

    return _edited(w, edit)


@CASES.must_be(UNKNOWN, "or is about another")
def ocsp_with_another_issuer_name_hash(w: World) -> Exhibit:
    def edit(data: asn1_ocsp.ResponseData) -> None:
        data["responses"][0]["cert_id"]["issuer_name_hash"] = bytes(20)

    return _edited(w, edit)


@CASES.must_be(UNKNOWN, "holds too many answers")
def ocsp_with_a_hundred_answers(w: World) -> Exhibit:
    def edit(data: asn1_ocsp.ResponseData) -> None:
        data["responses"] = [data["responses"][0]] * 100

    return _edited(w, edit)


def _edited(w: World, edit: object) -> Exhibit:
    assert callable(edit)
    return w.asked(rework_ocsp(ocsp(w.leaf, w.ca), w.ca, edit=edit))


# --- time ----------------------------------------------------------------------------------------------------


@CASES.must_be(UNKNOWN, "the OCSP response was valid until 2026-06-15T11:59:00Z")
def ocsp_out_of_date(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.ca, next_update=NOW - MINUTE))


@CASES.must_be(VALID, "good good")
def ocsp_in_its_last_second(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.ca, next_update=NOW))


@CASES.must_be(UNKNOWN, "the OCSP response is from 2026-06-15T12:02:00Z")
def ocsp_from_the_future(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.ca, this_update=NOW + 2 * MINUTE))


@CASES.must_be(VALID, "good good")
def ocsp_from_a_clock_that_is_a_minute_ahead(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.ca, this_update=NOW + MINUTE))


@CASES.must_be(VALID, "good good")
def ocsp_without_next_update_of_an_hour_ago(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.ca, next_update=None))


@CASES.must_be(UNKNOWN, "the OCSP response was valid until 2026-06-14T15:00:00Z")
def ocsp_without_next_update_of_a_day_and_an_hour_ago(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.ca, this_update=NOW - DAY - HOUR, next_update=None))


# --- several answers -----------------------------------------------------------------------------------------


@CASES.must_be(REVOKED, "was revoked")
def one_response_says_good_and_revoked(w: World) -> Exhibit:
    return w.asked(_both(w, ocsp(w.leaf, w.ca), ocsp(w.leaf, w.ca, status=OCSPCertStatus.REVOKED)))


@CASES.must_be(REVOKED, "was revoked")
def one_response_says_revoked_and_good(w: World) -> Exhibit:
    return w.asked(_both(w, ocsp(w.leaf, w.ca, status=OCSPCertStatus.REVOKED), ocsp(w.leaf, w.ca)))


@CASES.must_be(VALID, "good good")
def one_response_speaks_of_another_certificate_first(w: World) -> Exhibit:
    return w.asked(_both(w, ocsp(w.issue(), w.ca, status=OCSPCertStatus.REVOKED), ocsp(w.leaf, w.ca)))


def _both(w: World, first: bytes, second: bytes) -> bytes:
    singles = [
        asn1_ocsp.OCSPResponse.load(der)["response_bytes"]["response"].parsed["tbs_response_data"]["responses"][0]
        for der in (first, second)
    ]

    def edit(data: asn1_ocsp.ResponseData) -> None:
        data["responses"] = singles

    return rework_ocsp(first, w.ca, edit=edit)


@CASES.must_be(REVOKED, "was revoked")
def one_response_says_good_and_another_revoked(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.ca), ocsp(w.leaf, w.ca, status=OCSPCertStatus.REVOKED, this_update=NOW - 2 * HOUR))


@CASES.must_be(VALID, "good good")
def a_hold_is_lifted_by_a_newer_response(w: World) -> Exhibit:
    hold = ocsp(w.leaf, w.ca, status=OCSPCertStatus.REVOKED, reason=HOLD, this_update=NOW - 2 * HOUR)
    return w.asked(hold, ocsp(w.leaf, w.ca))


@CASES.must_be(REVOKED, "(certificateHold)")
def a_hold_is_newer_than_the_good_response(w: World) -> Exhibit:
    hold = ocsp(w.leaf, w.ca, status=OCSPCertStatus.REVOKED, reason=HOLD)
    return w.asked(ocsp(w.leaf, w.ca, this_update=NOW - 2 * HOUR), hold)


@CASES.must_be(REVOKED, "says the CRL")
def ocsp_says_good_and_a_crl_revoked(w: World) -> Exhibit:
    crls = (crl(w.root), crl(w.ca, entry(w.leaf.certificate.serial_number)))
    return w.exhibit(ocsp=(ocsp(w.leaf, w.ca),), crls=crls)


@CASES.must_be(VALID, "good good")
def ocsp_is_useless_and_a_crl_good(w: World) -> Exhibit:
    response = ocsp(w.leaf, w.ca, next_update=NOW - MINUTE)
    return w.exhibit(ocsp=(response,), crls=(crl(w.root), crl(w.ca)))


# --- its signature and form ----------------------------------------------------------------------------------


@CASES.must_be(UNKNOWN, "the signature on the OCSP response does not fit its signer")
def ocsp_signed_with_another_key(w: World) -> Exhibit:
    return w.asked(rework_ocsp(ocsp(w.leaf, w.ca), w.other_ca))


@CASES.must_be(UNKNOWN, "algorithm or key that is not accepted")
def ocsp_signed_with_sha1(w: World) -> Exhibit:
    return w.asked(rework_ocsp(ocsp(w.leaf, w.ca), w.ca, scheme=PKCS1_SHA1))


@CASES.must_be(VALID, "good good")
def ocsp_signed_with_pss(w: World) -> Exhibit:
    return w.asked(rework_ocsp(ocsp(w.leaf, w.ca), w.ca, scheme=PSS))


@CASES.must_be(UNKNOWN, "algorithm or key that is not accepted")
def ocsp_signed_with_pss_of_another_salt(w: World) -> Exhibit:
    return w.asked(rework_ocsp(ocsp(w.leaf, w.ca), w.ca, scheme=PSS_OTHER_SALT))


@CASES.must_be(UNKNOWN, "algorithm or key that is not accepted")
def ocsp_signed_with_pss_of_another_mask(w: World) -> Exhibit:
    return w.asked(rework_ocsp(ocsp(w.leaf, w.ca), w.ca, scheme=PSS_OTHER_MASK))


@CASES.must_be(UNKNOWN, "the OCSP response is")
def ocsp_signed_with_pss_without_parameters(w: World) -> Exhibit:
    return w.asked(rework_ocsp(ocsp(w.leaf, w.ca), w.ca, scheme=PSS_WITHOUT_PARAMETERS))


@CASES.must_be(VALID, "good good")
def ocsp_with_a_nonce_that_nobody_asked_for(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.ca, extensions=[(x509.OCSPNonce(b"0123456789abcdef"), False)]))


@CASES.must_be(NOT_PARSED, "critical extension")
def ocsp_with_an_unknown_critical_extension(w: World) -> Exhibit:
    odd = x509.UnrecognizedExtension(UNKNOWN_EXTENSION, b"\x05\x00")
    return w.asked(ocsp(w.leaf, w.ca, extensions=[(odd, True)]))


@CASES.must_be(NOT_PARSED, "critical extension")
def ocsp_with_an_unknown_critical_extension_in_its_answer(w: World) -> Exhibit:
    def edit(data: asn1_ocsp.ResponseData) -> None:
        odd = {"extn_id": UNKNOWN_EXTENSION.dotted_string, "critical": True, "extn_value": b"\x05\x00"}
        data["responses"][0]["single_extensions"] = [odd]

    return _edited(w, edit)


@CASES.must_be(NOT_PARSED, "not an OCSP response")
def ocsp_that_was_cut_off(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.ca)[:-1])


@CASES.must_be(NOT_PARSED, "not an OCSP response")
def ocsp_with_something_behind_it(w: World) -> Exhibit:
    return w.asked(ocsp(w.leaf, w.ca) + b"\x00")


@CASES.must_be(NOT_PARSED, "not an OCSP response")
def ocsp_that_is_a_web_page(w: World) -> Exhibit:
    return w.asked(b"<!doctype html><title>Sign in</title>")


SEVERAL: Final[list[Case]] = [
    case for case in CASES if "another_revoked" in case.name or case.name.startswith("a_hold_")
]
"""Cases with more than one response, which one URL cannot give."""
