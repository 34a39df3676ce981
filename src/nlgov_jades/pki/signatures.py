"""Signatures on revocation data: over the original octets, with the algorithms that are accepted in a path.

`cryptography` encodes a CRL anew before it checks it, which costs more than the check; the slice of the original that
`asn1crypto` keeps costs nothing.
"""

from __future__ import annotations

import hashlib

from asn1crypto.algos import SignedDigestAlgorithm
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from ..errors import UnsupportedAlgorithmError
from ..jws import check_rsa_size

__all__ = ["ACCEPTED_CURVES", "ForgedDataError", "UnusableDataError", "check_signature"]

ACCEPTED_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
"""Curves of keys in a path, where elliptic curves are accepted at all."""

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


class UnusableDataError(ValueError):
    """An OCSP response or a CRL that says nothing about the certificate in question. Never leaves `pki`.

    The text is our own words and goes into the list of attempts.
    """


class ForgedDataError(UnusableDataError):
    """Data whose signature does not fit: not merely missing, and never passed over by soft-fail."""


def check_signature(
    signer: x509.Certificate, algorithm: SignedDigestAlgorithm, octets: bytes | memoryview, signature: bytes, what: str
) -> None:
    """Return when this is the signer's signature over these octets.

    Args:
        signer: Whose key to use.
        algorithm: AlgorithmIdentifier, parameters included.
        octets: What was signed, as it was received.
        signature: The signature.
        what: Name of the data for the error.

    Raises:
        ForgedDataError: It is not.
        UnusableDataError: It is, but with an algorithm or key that is not accepted.
    """
    key = signer.public_key()
    try:
        kind, digest = algorithm.signature_algo, _HASHES[algorithm.hash_algo]
        # Other threads run while it hashes, and not while `cryptography` does: a CRL may have megabytes.
        hashed = hashlib.new(algorithm.hash_algo, octets).digest()
        if isinstance(key, rsa.RSAPublicKey) and kind in {"rsassa_pkcs1v15", "rsassa_pss"}:
            check_rsa_size(key, "its signer")
            scheme = padding.PKCS1v15() if kind == "rsassa_pkcs1v15" else _pss(algorithm, digest)
            key.verify(signature, hashed, scheme, Prehashed(digest))
            return
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ACCEPTED_CURVES) and kind == "ecdsa":
            key.verify(signature, hashed, ec.ECDSA(Prehashed(digest)))
            return
    except InvalidSignature:
        raise ForgedDataError(f"the signature on the {what} does not fit its signer") from None
    except (KeyError, ValueError, TypeError, UnsupportedAlgorithmError):
        pass  # an unknown OID, SHA-1, parameters that cannot be read, a key that is too small
    raise UnusableDataError(f"the {what} is signed with an algorithm or key that is not accepted")


def _pss(algorithm: SignedDigestAlgorithm, digest: hashes.HashAlgorithm) -> padding.PSS:
    """RSASSA-PSS as certificates use it: one hash throughout and a salt as long as that hash (RFC 8017 §9.1)."""
    parameters = algorithm["parameters"]
    mask = parameters["mask_gen_algorithm"]
    same_hash = mask["algorithm"].native == "mgf1" and mask["parameters"]["algorithm"].native == algorithm.hash_algo
    if not same_hash or parameters["salt_length"].native != digest.digest_size:
        raise ValueError
    return padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
