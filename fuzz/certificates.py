"""Harness of certificates: edited DER of a signer or of a CA, signed again by the right CA or not."""

from __future__ import annotations

from functools import cache
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades.errors import VerificationError
from nlgov_jades.pki.certificate import (
    UnreadableCertificateError,
    display_name,
    extended_key_usages,
    fingerprint,
    is_authority,
    key_usage,
    load_der,
)
from nlgov_jades.pki.path import build_path
from nlgov_jades.pki.policies import policies_of
from nlgov_jades.pki.trust import TrustStore
from nlgov_jades.policy import CertificateRequirements, ExtendedKeyUsages
from nlgov_jades.profiles import SignatureAlgorithm
from nlgov_jades.result import SignerIdentity

from .choices import Choices
from .der import INTERESTING, encoded
from .harness import ACCEPTED, MAX_TEXT, Harness, check, label
from .parsers import identity_of
from .resign import edited, sign_plain
from .vectors import AT
from .world import World

__all__ = ["HARNESSES"]

_PROCESSED = {
    "basic_constraints",
    "key_usage",
    "extended_key_usage",
    "certificate_policies",
    "policy_constraints",
    "subject_alt_name",
}


@cache
def bases() -> tuple[tuple[bytes, bool], ...]:
    """Certificates to begin with, and whether each is that of a CA."""
    world = World.get()
    return tuple(
        (item.public_bytes(Encoding.DER), item is world.ca)
        for item in (world.leaf, world.second, world.ca, world.delegate)
    )


def run(data: bytes) -> str:
    choices, world = Choices(data[1:]), World.get()
    if data[:1] and data[0] % 2 == 0:
        original, der, signed_by_ca, is_ca = b"", data[1:], False, bool(data[0] & 2)
    else:
        original, is_ca = choices.pick(bases())
        signer = choices.pick((None, None, "issuer", "issuer", "other"))
        root = edited(original, choices)
        if signer is not None:
            sign_plain(root, world.other_key if signer == "other" else world.root_key if is_ca else world.ca_key)
        der, signed_by_ca = encoded(root), signer == "issuer"
    try:
        certificate = load_der(der)
    except UnreadableCertificateError as error:
        return label(error)
    check(certificate.public_bytes(Encoding.DER) == der, "a certificate is not what was read")
    _read_everything(certificate)
    leaf, sent = (world.leaf, certificate) if is_ca else (certificate, world.ca)
    try:
        path = build_path(
            leaf,
            [sent],
            trust=TrustStore([world.root]),
            requirements=CertificateRequirements.GENERIC,
            algorithm=SignatureAlgorithm.PS256,
            at=AT,
        )
    except VerificationError as error:
        check(der != original or certificate == world.delegate, "a good certificate is refused")
        return label(error)
    check(path.certificates == (leaf, sent, world.root), "another path")
    check(der in [base for base, _ in bases()] or signed_by_ca, "a certificate is accepted that no CA signed")
    _judge(der, is_ca=is_ca)
    return ACCEPTED


def _read_everything(certificate: x509.Certificate) -> None:
    """What is read of any certificate that could be read at all, trusted or not."""
    shown = display_name(certificate)
    check(shown.isprintable() and len(shown) <= MAX_TEXT, "a name is not fit to be shown")
    identity = SignerIdentity.from_certificate(certificate)
    check(repr(identity).isprintable(), "an identity is not fit to be shown")
    names = [(item.oid, item.value) for item in certificate.subject if isinstance(item.value, str)]
    told = (identity.oin and str(identity.oin), identity.kvk and str(identity.kvk))
    check(
        told == identity_of(names) or len(names) != len(list(certificate.subject)),
        "another identity than by the reference",
    )
    check(len(fingerprint(certificate)) == 64, "no fingerprint")
    for read in (extended_key_usages, is_authority, key_usage, policies_of):
        read(certificate)


def _judge(der: bytes, *, is_ca: bool) -> None:
    """Return when what asn1crypto reads is a certificate that may be accepted."""
    stated = asn1_x509.Certificate.load(der, strict=True)
    tbs = stated["tbs_certificate"]
    validity = tbs["validity"]
    check(validity["not_before"].native <= AT <= validity["not_after"].native, "accepted outside its validity")
    check(stated.serial_number > 0, "accepted with a serial number that is not positive")
    check(stated["signature_algorithm"].dump() == tbs["signature"].dump(), "accepted with two algorithms")
    check(stated.hash_algo in {"sha256", "sha384", "sha512"}, "accepted with a weak hash")
    key: Any = stated.public_key
    check(key.algorithm == "rsa" and 2048 <= key.bit_size <= 8192, "accepted with another key")
    extensions = [item["extn_id"].native for item in tbs["extensions"] or ()]
    check(len(set(extensions)) == len(extensions), "accepted with an extension twice")
    constraints, usage = stated.basic_constraints_value, stated.key_usage_value
    check(usage is not None, "accepted without keyUsage")
    may = set() if usage is None else usage.native
    authority = constraints is not None and constraints["ca"].native
    if is_ca:
        check(authority and "key_cert_sign" in may, "a CA is accepted that is none")
        return
    critical = {item["extn_id"].native for item in tbs["extensions"] if item["critical"].native}
    check(critical <= _PROCESSED, "accepted with a critical extension that nobody processes")
    check(not authority and may & {"digital_signature", "non_repudiation"}, "a signer is accepted that may not sign")
    usages = stated.extended_key_usage_value
    oids = {item.dotted for item in usages} if usages is not None else set(ExtendedKeyUsages.COMMON.value)
    check(oids & set(ExtendedKeyUsages.COMMON.value) and "1.3.6.1.5.5.7.3.1" not in oids, "accepted for another usage")


def seeds() -> list[bytes]:
    """Each base as it is, and with one change of each kind at many places, signed again and not."""
    made = [bytes([0 if not is_ca else 2]) + der for der, is_ca in bases()]
    made += [bytes([1, index, 0, 0]) for index in range(len(bases()))]
    made += [
        bytes([1, index, signer, 1, place, kind, kind * 5])
        for index in range(3)
        for signer in (0, 2)
        for place in range(1, 90, 5)
        for kind in range(8)
    ]
    return made


HARNESSES = (
    Harness(
        "certificate",
        "read to the same octets or not at all; on a path only when its CA signed just these octets and asn1crypto finds a certificate "
        "that may be there",
        run,
        seeds,
        INTERESTING,
        2500,
    ),
)
