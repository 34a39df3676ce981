"""Harnesses of OCSP responses and CRLs: what they are taken to say is what another parser finds in octets that were signed.

The reference reads with asn1crypto, where the library reads answers and entries with cryptography.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from nlgov_jades.pki.answer import Answer, Standing
from nlgov_jades.pki.crl import MAX_CRL, Crl, Entries, check_crl, parse_crl
from nlgov_jades.pki.ocsp import MAX_OCSP, check_ocsp, parse_ocsp
from nlgov_jades.pki.signatures import UnusableDataError
from nlgov_jades.policy import RevocationPolicy

from .choices import Choices
from .der import INTERESTING, encoded
from .harness import Harness, check, label
from .resign import edited, sign_ocsp, sign_plain
from .vectors import AT
from .world import DAY, HOUR, UNKNOWN_EXTENSION, World, crl, ocsp_response

__all__ = ["HARNESSES"]

POLICY = RevocationPolicy.HARD_FAIL
GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN


def made(data: bytes, bases: list[bytes], sign: Callable[[Any, Any], None]) -> bytes:
    """DER: the input itself, or behind an odd octet a base with chosen changes, signed again by whom the input says."""
    if not data or data[0] % 2 == 0:
        return data[1:]
    choices, world = Choices(data[1:]), World.get()
    base = choices.pick(bases)
    signer = choices.pick((world.ca_key, None, world.other_key, world.root_key))
    root = edited(base, choices)
    if signer is not None:
        sign(root, signer)
    return encoded(root)


def _is_signed(key: Any, signature: bytes, octets: bytes) -> bool:
    for digest in (SHA256(), SHA384(), SHA512()):
        for scheme in (padding.PKCS1v15(), padding.PSS(padding.MGF1(digest), digest.digest_size)):
            try:
                key.verify(signature, octets, scheme, digest)
            except InvalidSignature:
                continue
            return True
    return False


def _fresh(this: dt.datetime, until: dt.datetime | None) -> bool:
    last = this + POLICY.max_age if until is None else until
    return this - AT <= POLICY.skew and last >= AT


# --- OCSP ----------------------------------------------------------------------------------------------------


@cache
def responses() -> list[bytes]:
    """Responses to begin with."""
    world = World.get()
    hold = x509.ReasonFlags.certificate_hold
    return [
        ocsp_response(world, world.leaf, GOOD),
        ocsp_response(world, world.leaf, GOOD, delegated=True),
        ocsp_response(world, world.revoked, REVOKED),
        ocsp_response(world, world.leaf, REVOKED, reason=hold, by_name=True),
        ocsp_response(world, world.leaf, UNKNOWN, delegated=True, by_name=True),
        ocsp_response(world, world.leaf, GOOD, more=[(x509.OCSPNonce(b"1234567890123456"), False)]),
        ocsp_response(world, world.leaf, GOOD, more=[(x509.OCSPNonce(b"1234567890123456"), True)]),
        ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(Encoding.DER),
    ]


def run_ocsp(data: bytes) -> str:
    der = made(data, responses(), sign_ocsp)
    try:
        response = parse_ocsp(der)
    except UnusableDataError as error:
        return label(error)
    check(len(der) <= MAX_OCSP and response.der == der, "a response is read that is too long, or not as it came")
    world, words = World.get(), []
    for about in (world.leaf, world.revoked, world.ca):
        try:
            answer = check_ocsp(
                response, about, world.ca if about is not world.ca else world.root, policy=POLICY, at=AT
            )
        except UnusableDataError as error:
            words.append(label(error))
            continue
        check(about is not world.ca, "somebody speaks for the root")
        _judge_ocsp(der, about, answer.answer, answer.delegate)
        words.append(str(answer.answer.standing))
    return next((word for word in words if word in set(Standing)), words[0])


def _judge_ocsp(der: bytes, about: x509.Certificate, answer: Answer, delegate: x509.Certificate | None) -> None:
    world = World.get()
    basic = asn1_ocsp.OCSPResponse.load(der, strict=True).basic_ocsp_response
    data, signature = basic["tbs_response_data"], basic["signature"].native
    octets = data.dump()
    check(octets in der, "what is judged is not what was sent")
    sent = [item.dump() for item in basic["certs"] or ()]
    by_delegate = world.delegate.public_bytes(Encoding.DER) in sent and _is_signed(
        world.other_key.public_key(), signature, octets
    )
    check(by_delegate or _is_signed(world.ca_key.public_key(), signature, octets), "nobody signed this response")
    check(delegate is None, "a delegate without nocheck is vouched for")
    check(answer.der == der and answer.signer in {"Fuzz CA", "responder"}, "another signer is told")
    singles = [single for single in data["responses"] if _is_about(single["cert_id"], about)]
    found = [single["cert_status"].name for single in singles]
    reasons = [_reason(single) for single in singles]
    revoked = [
        status == "revoked" and reason != "certificate_hold" for status, reason in zip(found, reasons, strict=True)
    ]
    for single, status in zip(singles, found, strict=True):
        this, until = single["this_update"].native, single["next_update"].native
        check(status == "revoked" or _fresh(this, until), "an answer is used that is out of date")
        check(not any(item["critical"].native for item in single["single_extensions"] or ()), "a critical extension")
    check(not any(item["critical"].native for item in data["response_extensions"] or ()), "a critical extension")
    if answer.standing is Standing.GOOD:
        check("good" in found and not any(revoked), "a revoked certificate is called good")
    elif answer.standing is Standing.REVOKED:
        check(any(revoked), "a certificate is called revoked that is not")
    else:
        check("certificate_hold" in reasons and not any(revoked), "a certificate is called on hold that is not")


def _reason(single: Any) -> str | None:
    status = single["cert_status"]
    return status.chosen["revocation_reason"].native if status.name == "revoked" else None


def _is_about(stated: Any, about: x509.Certificate) -> bool:
    ca = asn1_x509.Certificate.load(World.get().ca.public_bytes(Encoding.DER))
    kind = stated["hash_algorithm"]["algorithm"].native
    if kind not in {"sha1", "sha256", "sha384", "sha512"} or stated["serial_number"].native != about.serial_number:
        return False
    key_bits = bytes(ca.public_key["public_key"])
    return bool(
        stated["issuer_name_hash"].native == hashlib.new(kind, ca.subject.dump()).digest()
        and stated["issuer_key_hash"].native == hashlib.new(kind, key_bits).digest()
    )


# --- CRL -----------------------------------------------------------------------------------------------------


@cache
def crls() -> list[bytes]:
    """CRLs to begin with."""
    world = World.get()
    compromise, hold = x509.ReasonFlags.key_compromise, x509.ReasonFlags.certificate_hold
    listed: list[tuple[int, x509.ReasonFlags | None]] = [
        (world.revoked.serial_number, compromise),
        (2**159 - 1, None),
        (5, hold),
    ]
    point = x509.UniformResourceIdentifier("http://crl.example/ca.crl")
    scope = x509.IssuingDistributionPoint([point], None, only_contains_user_certs=True, only_contains_ca_certs=False,
                                          only_some_reasons=None, indirect_crl=False, only_contains_attribute_certs=False)  # fmt: skip
    stale = x509.FreshestCRL([x509.DistributionPoint([point], None, None, None)])
    odd = x509.UnrecognizedExtension(UNKNOWN_EXTENSION, b"\5\0")
    lists = [
        crl(world.ca, world.ca_key, []),
        crl(world.ca, world.ca_key, listed),
        crl(world.ca, world.ca_key, listed[:1], more=[(scope, True)]),
        crl(world.ca, world.ca_key, [], more=[(stale, False)]),
        crl(world.ca, world.ca_key, [(world.leaf.serial_number, hold)], entry=[(odd, False)]),
        crl(world.ca, world.ca_key, [], this_update=AT - 2 * DAY),
        crl(world.root, world.root_key, [(world.ca.serial_number, None)], this_update=AT - HOUR),
    ]
    return [made_crl.public_bytes(Encoding.DER) for made_crl in lists]


def run_crl(data: bytes) -> str:
    der = made(data, crls(), sign_plain)
    try:
        parsed = parse_crl(der)
    except UnusableDataError as error:
        _is_refused_later(der)
        return label(error)
    check(len(der) <= MAX_CRL and parsed.der == der, "a CRL is read that is too long, or not as it came")
    _check_index(der, parsed)
    world, words = World.get(), []
    for about, issuer in ((world.leaf, world.ca), (world.revoked, world.ca), (world.ca, world.root)):
        try:
            answer = check_crl(parsed, about, issuer, policy=POLICY, at=AT)
        except UnusableDataError as error:
            words.append(label(error))
            continue
        _judge_crl(der, about, issuer, answer)
        words.append(str(answer.standing))
    return next((word for word in words if word in set(Standing)), words[0])


def _is_refused_later(der: bytes) -> None:
    """What is refused at once is refused when its entries are read after its signature."""
    world = World.get()
    try:
        check_crl(parse_crl(der, Entries.AFTER_SIGNATURE), world.leaf, world.ca, policy=POLICY, at=AT)
    except UnusableDataError as error:
        label(error)
        return
    check(holds=False, what="a CRL that is refused at once is used later")


def _check_index(der: bytes, parsed: Crl) -> None:
    listed = asn1_crl.CertificateList.load(der, strict=True)["tbs_cert_list"]["revoked_certificates"] or ()
    serials = [item["user_certificate"].native for item in listed]
    check(len(parsed) == len(serials), "an entry is lost")
    world = World.get()
    asked = {
        *serials[:50],
        world.leaf.serial_number,
        world.revoked.serial_number,
        world.ca.serial_number,
        1,
        5,
        5 + 2**64,
    }
    for serial in asked:
        if serial >= 0:
            entry = parsed.entry(serial)
            check((entry is not None) == (serial in serials), "the index finds another entry than a plain loop")
            check(entry is None or entry.serial_number == serial, "another entry is found")


def _judge_crl(der: bytes, about: x509.Certificate, issuer: x509.Certificate, answer: Answer) -> None:
    outer = asn1_crl.CertificateList.load(der, strict=True)
    listed = outer["tbs_cert_list"]
    public = issuer.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    check(_is_signed(public, outer["signature"].native, listed.dump()), "nobody signed this CRL")
    check(listed["issuer"] == asn1_x509.Name.load(issuer.subject.public_bytes()), "a CRL of another issuer")
    check(listed["signature"].dump() == outer["signature_algorithm"].dump(), "two algorithms are named")
    entries = [
        item for item in listed["revoked_certificates"] or () if item["user_certificate"].native == about.serial_number
    ]
    this, until = listed["this_update"].native, listed["next_update"].native
    check(until is not None and (entries or _fresh(this, until)), "a CRL is used that is out of date")
    extensions = {item["extn_id"].native: item for item in listed["crl_extensions"] or ()}
    check("delta_crl_indicator" not in extensions, "a delta CRL is used")
    known = {"crl_number", "authority_key_identifier", "issuing_distribution_point"}
    critical = {name for name, item in extensions.items() if item["critical"].native}
    check(critical <= known, "a critical extension that nobody processes")
    if answer.standing is Standing.GOOD:
        check(not entries and "freshest_crl" not in extensions, "a listed certificate is called good")
        return
    check(entries, "a certificate is called revoked that is not listed")
    on_hold = entries[0].crl_reason_value is not None and entries[0].crl_reason_value.native == "certificate_hold"
    check(on_hold is (answer.standing is Standing.ON_HOLD), "a reason is read otherwise")


# --- seeds ---------------------------------------------------------------------------------------------------


def seeds_of(bases: list[bytes]) -> list[bytes]:
    """Each base as it is, and with one change of each kind."""
    plain = [b"\0" + base for base in bases]
    chosen = [
        bytes([1, index, signer, 1, place, kind, kind + 1])
        for index in range(len(bases))
        for signer in range(2)
        for place in range(3, 90, 13)
        for kind in range(8)
    ]
    return [*plain, *(bytes([1, index, 0, 0]) for index in range(len(bases))), *chosen]


HARNESSES = (
    Harness(
        "ocsp",
        "used only when signed by the CA or its delegate, in time and about the certificate; good, revoked and hold are what asn1crypto reads",
        run_ocsp,
        lambda: seeds_of(responses()),
        INTERESTING,
        3000,
    ),
    Harness(
        "crl",
        "used only when signed by the issuer and in time; the index finds what a plain loop over asn1crypto's entries finds",
        run_crl,
        lambda: seeds_of(crls()),
        INTERESTING,
        2000,
    ),
)
