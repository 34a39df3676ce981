"""Signatures on revocation data: which algorithms and keys are accepted, parameters included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asn1crypto import core
from asn1crypto.algos import SignedDigestAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.x509 import Certificate

from nlgov_jades.pki.signatures import ForgedDataError, UnusableDataError, check_signature
from nlgov_jades.testing import Hierarchy

OCTETS = b"what was signed"
REFUSED = "the CRL is signed with an algorithm or key that is not accepted"

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def pss(digest: str, salt: int, mask: str | None = None, mask_algorithm: str = "mgf1") -> SignedDigestAlgorithm:
    generator: dict[str, Any] = {"algorithm": mask_algorithm, "parameters": {"algorithm": mask or digest}}
    if mask_algorithm != "mgf1":
        generator["parameters"] = core.Null()
    parameters = {"hash_algorithm": {"algorithm": digest}, "mask_gen_algorithm": generator, "salt_length": salt}
    return SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})


@pytest.fixture(scope="module")
def rsa_signer(hierarchy: Hierarchy, leaf_key: rsa.RSAPrivateKey) -> Certificate:
    return hierarchy.tsp.issue(key=leaf_key).certificate


@pytest.fixture(scope="module")
def ec_signer(hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey) -> Certificate:
    return hierarchy.tsp.issue(key=p256_key).certificate


@pytest.mark.parametrize("digest", HASHES)
def test_rsa_with_pkcs1_padding_is_accepted(rsa_signer: Certificate, leaf_key: rsa.RSAPrivateKey, digest: str) -> None:
    signature = leaf_key.sign(OCTETS, padding.PKCS1v15(), HASHES[digest])
    check_signature(rsa_signer, SignedDigestAlgorithm({"algorithm": f"{digest}_rsa"}), OCTETS, signature, "CRL")


@pytest.mark.parametrize("digest", HASHES)
def test_rsa_with_pss_padding_is_accepted_with_one_hash_and_a_salt_as_long(
    rsa_signer: Certificate, leaf_key: rsa.RSAPrivateKey, digest: str
) -> None:
    length = HASHES[digest].digest_size
    scheme = padding.PSS(mgf=padding.MGF1(HASHES[digest]), salt_length=length)
    signature = leaf_key.sign(OCTETS, scheme, HASHES[digest])
    check_signature(rsa_signer, pss(digest, length), OCTETS, signature, "CRL")


@pytest.mark.parametrize("digest", HASHES)
def test_ecdsa_is_accepted(ec_signer: Certificate, p256_key: ec.EllipticCurvePrivateKey, digest: str) -> None:
    signature = p256_key.sign(OCTETS, ec.ECDSA(HASHES[digest]))
    check_signature(ec_signer, SignedDigestAlgorithm({"algorithm": f"{digest}_ecdsa"}), OCTETS, signature, "CRL")


def test_octets_that_were_changed_are_refused(rsa_signer: Certificate, leaf_key: rsa.RSAPrivateKey) -> None:
    signature = leaf_key.sign(OCTETS, padding.PKCS1v15(), hashes.SHA256())
    algorithm = SignedDigestAlgorithm({"algorithm": "sha256_rsa"})
    with pytest.raises(UnusableDataError, match="the signature on the CRL does not fit its signer"):
        check_signature(rsa_signer, algorithm, OCTETS + b"!", signature, "CRL")


def test_a_signature_of_another_length_is_refused(rsa_signer: Certificate) -> None:
    with pytest.raises(UnusableDataError, match="does not fit its signer"):
        check_signature(rsa_signer, SignedDigestAlgorithm({"algorithm": "sha256_rsa"}), OCTETS, b"", "CRL")


OTHERS = {
    "SHA-1": SignedDigestAlgorithm({"algorithm": "sha1_rsa"}),
    "MD5": SignedDigestAlgorithm({"algorithm": "md5_rsa"}),
    "SHA-224": SignedDigestAlgorithm({"algorithm": "sha224_rsa"}),
    "ECDSA": SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
    "DSA": SignedDigestAlgorithm({"algorithm": "sha256_dsa"}),
    "Ed25519": SignedDigestAlgorithm({"algorithm": "ed25519"}),
    "unknown": SignedDigestAlgorithm({"algorithm": "1.2.3.4.5"}),
    "PSS without parameters": SignedDigestAlgorithm({"algorithm": "rsassa_pss"}),
    "PSS with SHA-1": pss("sha1", 20),
    "PSS with a short salt": pss("sha256", 20),
    "PSS with a mask of SHA-1": pss("sha256", 32, mask="sha1"),
    "PSS with a mask of SHA-512": pss("sha256", 32, mask="sha512"),
    "PSS with an unknown mask": pss("sha256", 32, mask_algorithm="1.2.3.4.5"),
}


@pytest.mark.parametrize("algorithm", OTHERS.values(), ids=OTHERS)
def test_other_algorithms_and_parameters_are_refused_for_an_rsa_key(
    rsa_signer: Certificate, leaf_key: rsa.RSAPrivateKey, algorithm: SignedDigestAlgorithm
) -> None:
    signature = leaf_key.sign(OCTETS, padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(UnusableDataError, match=REFUSED):
        check_signature(rsa_signer, algorithm, OCTETS, signature, "CRL")


def test_an_algorithm_of_rsa_is_refused_for_a_key_on_a_curve(ec_signer: Certificate) -> None:
    with pytest.raises(UnusableDataError, match=REFUSED):
        check_signature(ec_signer, SignedDigestAlgorithm({"algorithm": "sha256_rsa"}), OCTETS, b"", "CRL")


@pytest.mark.parametrize("curve", [ec.SECP192R1(), ec.SECP256K1(), ec.BrainpoolP256R1()], ids=lambda curve: curve.name)
def test_a_key_on_a_curve_that_no_path_accepts_is_refused(hierarchy: Hierarchy, curve: ec.EllipticCurve) -> None:
    # The design asks for at least P-256 on revocation data; a path accepts P-256, P-384 and P-521.
    key = ec.generate_private_key(curve)
    signature = key.sign(OCTETS, ec.ECDSA(hashes.SHA256()))
    signer = hierarchy.tsp.issue(key=key).certificate
    with pytest.raises(UnusableDataError, match=REFUSED):
        check_signature(signer, SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}), OCTETS, signature, "CRL")


def test_a_key_of_another_type_is_refused(hierarchy: Hierarchy) -> None:
    key: Any = ed25519.Ed25519PrivateKey.generate()  # the hierarchy's type names RSA and curves only
    signer = hierarchy.tsp.issue(key=key).certificate
    with pytest.raises(UnusableDataError, match=REFUSED):
        check_signature(signer, SignedDigestAlgorithm({"algorithm": "ed25519"}), OCTETS, key.sign(OCTETS), "CRL")


def test_a_small_rsa_key_is_refused(hierarchy: Hierarchy) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - the fault under test
    signer = hierarchy.tsp.issue(key=key).certificate
    signature = key.sign(OCTETS, padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(UnusableDataError, match=REFUSED):
        check_signature(signer, SignedDigestAlgorithm({"algorithm": "sha256_rsa"}), OCTETS, signature, "CRL")


@pytest.mark.parametrize(
    "spoil",
    [lambda octets: octets[:-1] + bytes([octets[-1] ^ 1]), lambda octets: octets[:-1]],
    ids=["another octet", "cut"],
)
def test_a_signature_on_a_curve_that_does_not_fit_is_forged(
    ec_signer: Certificate, p256_key: ec.EllipticCurvePrivateKey, spoil: Callable[[bytes], bytes]
) -> None:
    signature = p256_key.sign(OCTETS, ec.ECDSA(hashes.SHA256()))
    algorithm = SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"})
    check_signature(ec_signer, algorithm, OCTETS, signature, "CRL")
    with pytest.raises(ForgedDataError, match="the signature on the CRL does not fit its signer"):
        check_signature(ec_signer, algorithm, OCTETS, spoil(signature), "CRL")
    with pytest.raises(ForgedDataError, match="the signature on the CRL does not fit its signer"):
        check_signature(ec_signer, algorithm, OCTETS + b"x", signature, "CRL")


@pytest.mark.parametrize("name", ["sha256_rsa", "sha256_ecdsa", "sha256_dsa", "ed25519", "rsassa_pss"])
@pytest.mark.parametrize(
    "key",
    [ed25519.Ed25519PrivateKey.generate(), dsa.generate_private_key(2048)],
    ids=["Ed25519", "DSA of 2048 bits"],
)
def test_a_key_of_another_type_cannot_be_used_whatever_the_algorithm_says(
    hierarchy: Hierarchy, key: Any, name: str
) -> None:
    algorithm = pss("sha256", 32) if name == "rsassa_pss" else SignedDigestAlgorithm({"algorithm": name})
    signer = hierarchy.tsp.issue(key=key).certificate
    with pytest.raises(UnusableDataError, match=REFUSED) as caught:
        check_signature(signer, algorithm, OCTETS, b"signature", "CRL")
    assert type(caught.value) is UnusableDataError, "nobody forged anything"


@pytest.mark.parametrize("name", ["sha256_ecdsa", "sha256_dsa", "sha1_rsa", "md5_rsa"])
def test_an_algorithm_that_is_not_accepted_is_unusable_and_not_forged(rsa_signer: Certificate, name: str) -> None:
    with pytest.raises(UnusableDataError, match=REFUSED) as caught:
        check_signature(rsa_signer, SignedDigestAlgorithm({"algorithm": name}), OCTETS, bytes(256), "CRL")
    assert type(caught.value) is UnusableDataError


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_a_key_on_each_of_three_curves_signs_revocation_data(hierarchy: Hierarchy, curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve)
    signer = hierarchy.tsp.issue(key=key).certificate
    signature = key.sign(OCTETS, ec.ECDSA(hashes.SHA256()))
    algorithm = SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"})
    check_signature(signer, algorithm, OCTETS, signature, "CRL")
    with pytest.raises(ForgedDataError, match="does not fit its signer"):
        check_signature(signer, algorithm, OCTETS + b"x", signature, "CRL")
