"""One set of CAs that certify each other in circles, put before every door, in a process of its own.

    python hostile.py SET        prints for every door the name of the error that comes of it

A test that hangs cannot fail by itself: the process is killed instead.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from nlgov_jades import CertificateRequirements, TrustStore
from nlgov_jades.errors import VerificationError
from nlgov_jades.pki.path import build_path, find_path
from nlgov_jades.profiles import SignatureAlgorithm

NOW: Final = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
YEAR: Final = dt.timedelta(days=365)
CAS: Final = 30

Certificates = Sequence[x509.Certificate]


def _certificate(
    subject: str, key: rsa.RSAPrivateKey, issuer: str, issuer_key: rsa.RSAPrivateKey, *, ca: bool = True
) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - YEAR)
        .not_valid_after(NOW + YEAR)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(issuer_key, SHA256())
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def self_issued() -> tuple[x509.Certificate, Certificates]:
    """30 certificates of one CA for itself: every one issued every one."""
    key = _key()
    return _certificate("leaf", key, "loop", key, ca=False), [
        _certificate("loop", key, "loop", key) for _ in range(CAS)
    ]


def same_name_other_keys() -> tuple[x509.Certificate, Certificates]:
    """30 CAs of one name, by turns with two keys, each certified by the other key: half of all signatures hold."""
    keys = (_key(), _key())
    cas = [_certificate("loop", keys[turn % 2], "loop", keys[(turn + 1) % 2]) for turn in range(CAS)]
    return _certificate("leaf", keys[0], "loop", keys[1], ca=False), cas


def cross_signed() -> tuple[x509.Certificate, Certificates]:
    """6 CAs with one key, each certified by each of the 5 others."""
    key, names = _key(), [f"CA {number}" for number in range(6)]
    cas = [_certificate(subject, key, issuer, key) for subject in names for issuer in names if subject != issuer]
    return _certificate("leaf", key, names[0], key, ca=False), cas


def near_the_anchor() -> tuple[x509.Certificate, Certificates]:
    """As `cross_signed`, and one of them is said to be issued by the anchor, which is not true."""
    leaf, cas = cross_signed()
    key = _key()
    return leaf, [*cas, _certificate("CA 5", key, "anchor", key)]


def ladder() -> tuple[x509.Certificate, Certificates]:
    """5 steps of 6 CAs with one name and one key a step: 6 to the power of 5 ways up, and nothing at the top."""
    key = _key()
    cas = [_certificate(f"step {step}", key, f"step {step + 1}", key) for step in range(5) for _ in range(6)]
    return _certificate("leaf", key, "step 0", key, ca=False), cas


SETS: Final[dict[str, Callable[[], tuple[x509.Certificate, Certificates]]]] = {
    made.__name__: made for made in (self_issued, same_name_other_keys, cross_signed, near_the_anchor, ladder)
}


def sent_along(leaf: x509.Certificate, cas: Certificates, anchor: x509.Certificate) -> None:
    _build(leaf, cas, TrustStore([anchor]))


def as_intermediates(leaf: x509.Certificate, cas: Certificates, anchor: x509.Certificate) -> None:
    _build(leaf, (), TrustStore([anchor], cas))


def on_both_sides(leaf: x509.Certificate, cas: Certificates, anchor: x509.Certificate) -> None:
    _build(leaf, cas, TrustStore([anchor], cas))


def to_be_told_about(leaf: x509.Certificate, cas: Certificates, anchor: x509.Certificate) -> None:
    find_path(leaf, cas, trust=TrustStore([anchor]), at=NOW)


def as_the_signer_itself(_: x509.Certificate, cas: Certificates, anchor: x509.Certificate) -> None:
    _build(cas[0], cas, TrustStore([anchor]))


DOORS: Final = {
    door.__name__: door
    for door in (sent_along, as_intermediates, on_both_sides, to_be_told_about, as_the_signer_itself)
}


def _build(leaf: x509.Certificate, untrusted: Certificates, trust: TrustStore) -> None:
    build_path(
        leaf,
        untrusted,
        trust=trust,
        requirements=CertificateRequirements.GENERIC,
        algorithm=SignatureAlgorithm.PS256,
        at=NOW,
    )


def main(kind: str) -> None:
    key = _key()
    leaf, cas = SETS[kind]()
    for name, door in DOORS.items():
        outcome = "accepted"
        try:
            door(leaf, cas, _certificate("anchor", key, "anchor", key))
        except VerificationError as error:
            outcome = type(error).__name__
        sys.stdout.write(f"{name}: {outcome}\n")


if __name__ == "__main__":
    main(sys.argv[1])
