"""Whatever octets come as an OCSP response or a CRL: UnusableDataError or an answer, and nothing else ever."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from asn1crypto import algos
from asn1crypto import crl as asn1_crl
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from nlgov_jades.pki.answer import Answer
from nlgov_jades.pki.crl import check_crl, parse_crl
from nlgov_jades.pki.ocsp import check_ocsp, parse_ocsp
from nlgov_jades.pki.signatures import UnusableDataError
from nlgov_jades.testing import Authority, Hierarchy, Issued

from .revoking import COMPROMISE, HARD, HOLD, HOUR, NOW, REVOKED, crl_of, ocsp_of

bounded = settings(deadline=None, derandomize=True, database=None, max_examples=400)

Read = Callable[[bytes], Answer]


class Seeds:
    """Valid data about one signer, and what reads them."""

    def __init__(self, ca: Authority, signer: Issued, delegate: Issued) -> None:
        self._ca, self._signer = ca.certificate, signer.certificate
        serial = signer.certificate.serial_number
        self.crls = [crl_of(ca), crl_of(ca, {5: None, serial: COMPROMISE}), crl_of(ca, {serial: HOLD})]
        self.ocsp = [
            ocsp_of(ca, signer),
            ocsp_of(ca, signer, REVOKED, reason=COMPROMISE),
            ocsp_of(ca, signer, by=delegate),
        ]

    def read_crl(self, der: bytes) -> Answer:
        return check_crl(parse_crl(der), self._signer, self._ca, policy=HARD, at=NOW)

    def read_ocsp(self, der: bytes) -> Answer:
        return check_ocsp(parse_ocsp(der), self._signer, self._ca, policy=HARD, at=NOW).answer


@pytest.fixture(scope="module")
def seeds(hierarchy: Hierarchy, ca_key: rsa.RSAPrivateKey, p256_key: ec.EllipticCurvePrivateKey) -> Seeds:
    ca = hierarchy.root.issue_authority("TEST CA", key=ca_key)
    responder = ca.issue(key=p256_key, oin=None, extended_key_usages=("1.3.6.1.5.5.7.3.9",), not_after=NOW + 24 * HOUR)
    return Seeds(ca, ca.issue(key=p256_key), responder)


def harmless(read: Read, octets: bytes, original: Answer | None) -> None:
    """Refused as unusable, or an answer that says no more than the original."""
    try:
        answer = read(octets)
    except UnusableDataError:
        return
    assert original is not None
    assert (answer.standing, answer.this_update, answer.valid_until, answer.reason) == (
        original.standing,
        original.this_update,
        original.valid_until,
        original.reason,
    )


@st.composite
def damage(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """A few bits turned, an octet replaced by one that means something in DER, a piece cut out or doubled, an end cut off."""
    edits = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["flip", "set", "cut", "double", "end"]),
                st.floats(0, 1, exclude_max=True),
                st.integers(0, 7),
                st.sampled_from([0x00, 0x01, 0x02, 0x05, 0x0A, 0x17, 0x18, 0x30, 0x31, 0x80, 0x84, 0xA0, 0xFF]),
            ),
            min_size=1,
            max_size=4,
        )
    )

    def apply(octets: bytes) -> bytes:
        for kind, where, bit, value in edits:
            at = int(where * len(octets))
            head, tail = octets[:at], octets[at:]
            octets = {
                "flip": head + bytes([tail[0] ^ 1 << bit]) + tail[1:] if tail else head,
                "set": head + bytes([value]) + tail[1:],
                "cut": head + tail[bit + 1 :],
                "double": head + tail[: bit + 1] + tail,
                "end": head,
            }[kind]
        return octets

    return apply


@bounded
@given(octets=st.binary(max_size=300))
def test_any_octets_are_refused(seeds: Seeds, octets: bytes) -> None:
    harmless(seeds.read_crl, octets, None)
    harmless(seeds.read_ocsp, octets, None)


@bounded
@given(which=st.integers(0, 2), change=damage())
def test_a_damaged_crl_is_refused_or_says_the_same(seeds: Seeds, which: int, change: Callable[[bytes], bytes]) -> None:
    der = seeds.crls[which]
    harmless(seeds.read_crl, change(der), seeds.read_crl(der))


@bounded
@given(which=st.integers(0, 2), change=damage())
def test_a_damaged_response_is_refused_or_says_the_same(
    seeds: Seeds, which: int, change: Callable[[bytes], bytes]
) -> None:
    der = seeds.ocsp[which]
    harmless(seeds.read_ocsp, change(der), seeds.read_ocsp(der))


@pytest.mark.parametrize("kind", ["crls", "ocsp"])
def test_every_single_bit_counts(seeds: Seeds, kind: str) -> None:
    read = seeds.read_crl if kind == "crls" else seeds.read_ocsp
    der = getattr(seeds, kind)[1]
    original = read(der)
    for position in range(len(der)):
        for bit in range(8):
            harmless(read, der[:position] + bytes([der[position] ^ 1 << bit]) + der[position + 1 :], original)


@pytest.mark.parametrize("kind", ["crls", "ocsp"])
def test_every_truncation_is_refused(seeds: Seeds, kind: str) -> None:
    read = seeds.read_crl if kind == "crls" else seeds.read_ocsp
    der = getattr(seeds, kind)[1]
    for length in range(len(der)):
        with pytest.raises(UnusableDataError):
            read(der[:length])


@pytest.mark.parametrize("algorithm", ["rsassa_pss", "sha256_rsa", "sha1_rsa", "sha256_ecdsa", "ed25519", "1.2.3.4"])
@pytest.mark.parametrize("parameters", ["absent", "stated"])
def test_a_crl_of_any_algorithm_with_or_without_parameters_is_refused(
    seeds: Seeds, algorithm: str, parameters: str
) -> None:
    # Signed by nobody: what anyone on the way can make of a CRL.
    parsed = asn1_crl.CertificateList.load(seeds.crls[0])
    identifier = algos.SignedDigestAlgorithm({"algorithm": algorithm})
    if parameters == "stated" and algorithm == "rsassa_pss":
        identifier["parameters"] = {"salt_length": 32}
    parsed["tbs_cert_list"]["signature"] = parsed["signature_algorithm"] = identifier
    parsed["signature"] = bytes(256)
    with pytest.raises(UnusableDataError):
        seeds.read_crl(parsed.dump(force=True))
