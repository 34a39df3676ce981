"""Certification paths over certificates that are made to hurt: circles, broken rules, unknown extensions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ObjectIdentifier

from nlgov_jades import CertificateRequirements, TrustStore
from nlgov_jades.errors import CertificatePathError, VerificationError
from nlgov_jades.pki.certificate import load_der
from nlgov_jades.pki.path import CertificationPath, build_path, find_path
from nlgov_jades.profiles import SignatureAlgorithm
from nlgov_jades.testing import Authority, Hierarchy, Issued

Refused = Callable[..., AbstractContextManager[pytest.ExceptionInfo[VerificationError]]]
PathOf = Callable[..., CertificationPath]

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")


@pytest.fixture
def path_of(hierarchy: Hierarchy) -> PathOf:
    """The path of what was issued, with all its CAs but the root sent along."""

    def build(
        issued: Issued, *, sent: Sequence[x509.Certificate] | None = None, trust: TrustStore | None = None
    ) -> CertificationPath:
        return build_path(
            issued.certificate,
            issued.chain[1:-1] if sent is None else sent,
            trust=hierarchy.trust if trust is None else trust,
            requirements=CertificateRequirements.GENERIC,
            algorithm=SignatureAlgorithm.PS256,
            at=NOW,
        )

    return build


# --- critical extensions -------------------------------------------------------------------------------------


def test_an_unknown_critical_extension_is_refused_in_signer_and_ca(
    refused: Refused, hierarchy: Hierarchy, leaf_key: rsa.RSAPrivateKey, ca_key: rsa.RSAPrivateKey, path_of: PathOf
) -> None:
    for critical in (False, True):
        authority = hierarchy.domain.issue_authority("TEST CA", key=ca_key, more_extensions=[(UNKNOWN, critical)])
        for issued in (
            hierarchy.tsp.issue(key=leaf_key, more_extensions=[(UNKNOWN, critical)]),
            authority.issue(key=leaf_key),
        ):
            if not critical:
                assert path_of(issued).certificates == issued.chain
                continue
            with refused(CertificatePathError, "unaccounted-for critical extensions"):
                path_of(issued)


# --- hostile sets --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def loops(ca_key: rsa.RSAPrivateKey, p256_key: EllipticCurvePrivateKey) -> dict[str, tuple[Issued, Any]]:
    """Thirty CAs that certify each other, or themselves, and a signer below them. None leads to an anchor."""
    one = Hierarchy.new(name="TEST loop", not_before=NOW - DAY).root
    other = Authority(ca_key, one.issue_authority("TEST other", key=ca_key).chain)
    name = str(one.certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)
    back = [other.issue_authority(name, key=one.key).certificate for _ in range(15)]
    forth = [one.issue_authority("TEST other", key=ca_key).certificate for _ in range(15)]
    itself = [one.issue_authority(name, key=one.key).certificate for _ in range(30)]
    issued = one.issue(key=p256_key)
    return {"cross-signed": (issued, [*back, *forth]), "self-issued": (issued, itself)}


@pytest.mark.parametrize("shape", ["cross-signed", "self-issued"])
@pytest.mark.parametrize("configured", [False, True])
def test_thirty_cas_that_go_round_in_circles_are_a_refusal_like_any_other(
    refused: Refused,
    hierarchy: Hierarchy,
    path_of: PathOf,
    loops: dict[str, tuple[Issued, list[x509.Certificate]]],
    shape: str,
    *,
    configured: bool,
) -> None:
    issued, circle = loops[shape]
    trust = TrustStore([hierarchy.root.certificate], circle if configured else ())
    with refused(CertificatePathError, "is neither a trust anchor nor among", no_chain=True):
        path_of(issued, trust=trust, sent=() if configured else circle)


def test_a_signer_among_circles_is_found_all_the_same(
    loops: dict[str, tuple[Issued, list[x509.Certificate]]],
) -> None:
    issued, circle = loops["self-issued"]
    found = find_path(issued.certificate, circle, trust=TrustStore([issued.chain[-1]]), at=NOW)
    assert (found[0], found[-1]) == (issued.certificate, issued.chain[-1])


# --- malformed -----------------------------------------------------------------------------------------------


def name_another_algorithm_outside(certificate: Any) -> None:
    certificate["signature_algorithm"]["algorithm"] = "sha512_rsa"


def go_back_to_version_1(certificate: Any) -> None:
    certificate["tbs_certificate"]["version"] = "v1"


def lengthen_the_serial_number(certificate: Any) -> None:
    certificate["tbs_certificate"]["serial_number"] = 1 << 170


@pytest.mark.parametrize("edit", [name_another_algorithm_outside, go_back_to_version_1, lengthen_the_serial_number])
def test_a_certificate_that_is_read_but_breaks_the_rules_is_refused(
    hierarchy: Hierarchy,
    issued: Issued,
    reissue: Callable[..., bytes],
    path_of: PathOf,
    edit: Callable[[Any], object],
) -> None:
    spoiled = Issued(issued.key, (load_der(reissue(issued, hierarchy.tsp, edit)), *issued.chain[1:]))
    with pytest.raises(CertificatePathError) as caught:
        path_of(spoiled)
    assert type(caught.value) is CertificatePathError
    assert caught.value.code == "CERTIFICATE_PATH"


def test_one_changed_octet_of_a_signature_is_enough(refused: Refused, issued: Issued, path_of: PathOf) -> None:
    octets = bytearray(issued.certificate.public_bytes(Encoding.DER))
    octets[-1] ^= 1
    with refused(CertificatePathError, "is neither a trust anchor nor among", no_chain=True):
        path_of(Issued(issued.key, (load_der(bytes(octets)), *issued.chain[1:])))


def test_a_failure_of_the_builder_itself_is_a_refusal(
    refused: Refused, issued: Issued, path_of: PathOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def __getattr__(self, _: str) -> Any:
            return lambda *_, **__: self

        def verify(self, *_: object) -> None:
            raise ValueError("a parser that says too much")

    monkeypatch.setattr("nlgov_jades.pki.path.PolicyBuilder", Broken)
    with refused(CertificatePathError, "the path of certificate 'gegevens.gemeente.example' cannot be built") as caught:
        path_of(issued)
    assert "too much" not in caught.value.detail
    assert caught.value.__suppress_context__
