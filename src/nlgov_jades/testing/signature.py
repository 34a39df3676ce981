"""Signing CRLs and OCSP responses in ways that the builders of `cryptography` do not know. Only for data of our own."""

from __future__ import annotations

import datetime as dt
from enum import Enum
from typing import Any

from asn1crypto import algos, core
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

__all__ = ["RsaScheme", "resign_crl", "resign_ocsp"]


class RsaScheme(Enum):
    """Form of an RSA signature (RFC 8017)."""

    PKCS1V15 = "pkcs1v15"
    """As PKIoverheid's G1 and G3."""

    PSS = "pss"
    """As G4: a salt as long as the hash, and one hash throughout."""

    def padding(
        self, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, algorithm: SHA256 | SHA384 | SHA512
    ) -> padding.PSS | padding.PKCS1v15 | None:
        """What `cryptography` calls it; `None` for a key that is not RSA."""
        if not isinstance(key, rsa.RSAPrivateKey):
            return None
        if self is RsaScheme.PKCS1V15:
            return padding.PKCS1v15()
        return padding.PSS(mgf=padding.MGF1(algorithm), salt_length=algorithm.digest_size)


def resign_crl(
    der: bytes,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    algorithm: SHA256 | SHA384 | SHA512,
    scheme: RsaScheme,
) -> bytes:
    """A CRL without its nextUpdate, signed again in the form in which it was."""
    crl = asn1_crl.CertificateList.load(der)
    del crl["tbs_cert_list"]["next_update"]
    crl["signature"] = _sign(key, crl["tbs_cert_list"].dump(force=True), algorithm, scheme)
    return _dump(crl)


def resign_ocsp(
    der: bytes,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    algorithm: SHA256 | SHA384 | SHA512,
    scheme: RsaScheme,
    *,
    produced_at: dt.datetime,
) -> bytes:
    """An OCSP response with another producedAt, where the builder puts the real time, signed anew with this key."""
    response = asn1_ocsp.OCSPResponse.load(der)
    basic = response["response_bytes"]["response"].parsed
    basic["tbs_response_data"]["produced_at"] = produced_at.replace(microsecond=0)
    basic["signature_algorithm"] = _identifier(key, algorithm, scheme)
    basic["signature"] = _sign(key, basic["tbs_response_data"].dump(force=True), algorithm, scheme)
    response["response_bytes"]["response"] = basic
    return _dump(response)


def _sign(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    octets: bytes,
    algorithm: SHA256 | SHA384 | SHA512,
    scheme: RsaScheme,
) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(octets, ec.ECDSA(algorithm))
    chosen = scheme.padding(key, algorithm)
    assert chosen is not None  # noqa: S101 - for the type checker: the key is RSA
    return key.sign(octets, chosen, algorithm)


def _identifier(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, algorithm: SHA256 | SHA384 | SHA512, scheme: RsaScheme
) -> algos.SignedDigestAlgorithm:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return algos.SignedDigestAlgorithm({"algorithm": f"{algorithm.name}_ecdsa"})  # RFC 5758 §3.2: no parameters
    if scheme is RsaScheme.PKCS1V15:
        # RFC 4055 §5: the parameters are NULL.
        return algos.SignedDigestAlgorithm({"algorithm": f"{algorithm.name}_rsa", "parameters": core.Null()})
    digest = {"algorithm": algorithm.name}
    parameters = {
        "hash_algorithm": digest,
        "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": digest},
        "salt_length": algorithm.digest_size,
    }
    return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})


def _dump(value: Any) -> bytes:
    der: bytes = value.dump(force=True)
    return der
