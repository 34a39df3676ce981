"""Access tokens of FSC: a JWT (RFC 7519) made by the manager of the peer that offers a service, and checked by its inway.

The claims are read where the provider reads them, in `ddas.fsc`; here is what the provider leaves to the inway: the signature,
who made it, and for which group, inway and connection. Nothing is sent here.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding

from ...clock import Clock, check_time, utc_now
from ...encoding import base64url_decode, base64url_encode, json_object
from ...errors import ConfigurationError, MalformedSignatureError, NlgovJadesError, UnsupportedAlgorithmError
from ...jws import check_rsa_size
from ...pki.identity import Oin, oin_of
from ..fsc import CLOCK_SKEW, AccessToken, read_token
from ..problems import ProblemError
from .grants import Grant

__all__ = ["INVALID", "TokenMaker", "TokenRefusedError", "check_access", "check_issuer", "peer_id", "thumbprint"]

LIFETIME: Final = dt.timedelta(minutes=5)
"""Of a token: each request gets a new one."""

MAX_LIFETIME: Final = dt.timedelta(hours=1)
"""A token is a key; more than one that is used for an hour is a mistake."""

INVALID, EXPIRED, WRONG_GROUP = (
    "ERROR_CODE_ACCESS_TOKEN_INVALID",
    "ERROR_CODE_ACCESS_TOKEN_EXPIRED",
    "ERROR_CODE_WRONG_GROUP_ID_IN_TOKEN",
)

_HASHES: Final[Mapping[str, type[SHA256 | SHA384 | SHA512]]] = {"256": SHA256, "384": SHA384, "512": SHA512}
_CURVES: Final[dict[str, type[ec.EllipticCurve]]] = {
    "ES256": ec.SECP256R1,
    "ES384": ec.SECP384R1,
    "ES512": ec.SECP521R1,
}
_RSA: Final = frozenset({"RS256", "RS384", "RS512"})


class TokenRefusedError(NlgovJadesError):
    """A token is not the one for this request.

    Attributes:
        code: Of FSC's table.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def thumbprint(certificate: x509.Certificate) -> bytes:
    """SHA-256 of its DER (RFC 7515 §4.1.8)."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()


def peer_id(certificate: x509.Certificate) -> Oin:
    """PeerID of whoever has the certificate: its OIN.

    Raises:
        ConfigurationError: It has none.
    """
    oin = oin_of(certificate)
    if oin is None:
        raise ConfigurationError("a certificate of the group has an OIN in its subject's serialNumber")
    return oin


# --- making --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenMaker:
    """Makes access tokens in the place of a manager. Whoever has its key may call every service behind its inway.

    Attributes:
        key: Of the certificate: RSA, or elliptic on P-256, P-384 or P-521.
        certificate: Of the peer that offers the services; its OIN is the issuer.
        group: Id of the FSC group.
        lifetime: How long a token holds.
        clock: Gives the time, UTC.

    Raises:
        ConfigurationError: A value has another form, or key and certificate are not of one pair.
    """

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate
    group: str
    lifetime: dt.timedelta = LIFETIME
    clock: Clock = utc_now

    def __post_init__(self) -> None:
        if not isinstance(self.certificate, x509.Certificate):
            raise ConfigurationError("certificate of a TokenMaker is one")
        peer_id(self.certificate)
        _algorithm_of(self.key)
        if self.key.public_key() != self.certificate.public_key():
            raise ConfigurationError("key and certificate of a TokenMaker are of one pair")
        if not isinstance(self.group, str) or not self.group:
            raise ConfigurationError("group of a TokenMaker is the id of the FSC group")
        if not isinstance(self.lifetime, dt.timedelta) or not dt.timedelta(0) < self.lifetime <= MAX_LIFETIME:
            raise ConfigurationError("lifetime of a TokenMaker is above zero, and an hour at most")

    def token(self, grant: Grant, holder: x509.Certificate) -> str:
        """A token for one who has a grant: a TokenSource.

        Args:
            grant: What it may do.
            holder: The certificate of its outway, which alone can use the token (RFC 8705 §3.1).

        Raises:
            ConfigurationError: The holder has no OIN.
        """
        now = int(check_time(self.clock()).timestamp())
        claims = {
            "gth": grant.hash,
            "gid": self.group,
            "sub": str(peer_id(holder)),
            "iss": str(peer_id(self.certificate)),
            "svc": grant.service,
            "aud": grant.inway,
            "nbf": now,
            "exp": now + int(self.lifetime.total_seconds()),
            "cnf": {"x5t#S256": _b64(thumbprint(holder))},
        }
        return self.sign(claims)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A token with these claims, whatever they are: for tests of whoever must refuse some."""
        algorithm = _algorithm_of(self.key)
        header = {"alg": algorithm, "typ": "JWT", "x5t#S256": _b64(thumbprint(self.certificate))}
        signed = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(dict(claims)).encode())}"
        return f"{signed}.{_b64(_signature(self.key, algorithm, signed.encode('ascii')))}"


def _b64(octets: bytes) -> str:
    return base64url_encode(octets).decode("ascii")


def _algorithm_of(key: object) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return "RS256"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        for name, curve in _CURVES.items():
            if isinstance(key.curve, curve):
                return name
    raise ConfigurationError("key of a TokenMaker is an RSA key, or one on P-256, P-384 or P-521")


def _signature(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, algorithm: str, signed: bytes) -> bytes:
    chosen = _HASHES[algorithm[2:]]()
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed, padding.PKCS1v15(), chosen)
    width = (key.curve.key_size + 7) // 8
    # RFC 7518 §3.4: both numbers one behind the other, each as long as the curve is wide.
    r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(chosen)))
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")


def check_issuer(certificate: object) -> None:
    """Return when tokens may be signed with the key of this certificate.

    Raises:
        ConfigurationError: It is none, has no OIN, or a key that FSC has no algorithm for.
    """
    if not isinstance(certificate, x509.Certificate):
        raise ConfigurationError("issuers has certificates")
    peer_id(certificate)
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) and not (
        isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, tuple(_CURVES.values()))
    ):
        raise ConfigurationError("the key of a certificate that tokens are signed with is RSA, or on a curve of FSC")


# --- checking ------------------------------------------------------------------------------------------------------


def check_access(
    value: str,
    *,
    issuers: Mapping[bytes, x509.Certificate],
    group: str,
    audience: str,
    peer: x509.Certificate,
    now: dt.datetime,
) -> AccessToken:
    """The claims of a token that gives access over this connection, now.

    Args:
        value: Of the field, with or without `Bearer`.
        issuers: What the inway's own manager signs with, by thumbprint.
        group: Id of the inway's group.
        audience: Address of the inway.
        peer: Certificate at the other end of the connection.
        now: The time.

    Raises:
        TokenRefusedError: It does not.
    """
    try:
        token = read_token(value)
    except ProblemError:
        raise TokenRefusedError(INVALID, "it is no access token of FSC") from None
    issuer = _check_signature(value, issuers)
    # Who made it is known; what it says is compared from here.
    if not issuer.not_valid_before_utc <= now <= issuer.not_valid_after_utc:
        raise TokenRefusedError(INVALID, "the certificate of its signer is not valid now")
    if token.issuer != str(peer_id(issuer)):
        raise TokenRefusedError(INVALID, "its issuer is not the peer that signed it")
    if token.certificate != thumbprint(peer):
        raise TokenRefusedError(INVALID, "it is bound to another certificate than that of the connection")
    if token.subject != _peer(peer):
        raise TokenRefusedError(INVALID, "its subject is not the peer at the other end of the connection")
    if token.group != group:
        raise TokenRefusedError(WRONG_GROUP, "it is of another group")
    if token.audience != (audience,):
        raise TokenRefusedError(INVALID, "it is for another inway")
    if not token.not_before <= now + CLOCK_SKEW:
        raise TokenRefusedError(INVALID, "it does not hold yet")
    if not now - CLOCK_SKEW < token.expires:
        raise TokenRefusedError(EXPIRED, "it has expired")
    return token


def _peer(certificate: x509.Certificate) -> str:
    oin = oin_of(certificate)
    if oin is None:
        raise TokenRefusedError(INVALID, "the certificate of the connection has no OIN")
    return str(oin)


def _check_signature(value: str, issuers: Mapping[bytes, x509.Certificate]) -> x509.Certificate:
    """The certificate that it is signed with. `read_token` found three parts, and an algorithm of FSC's list."""
    signed, _, encoded = value.rpartition(" ")[2].rpartition(".")
    try:
        header = json_object(base64url_decode(signed.partition(".")[0].encode("ascii"), "a token"), "a token")
        signature = base64url_decode(encoded.encode("ascii"), "a token")
        named = header.get("x5t#S256")
        found = base64url_decode(named.encode("ascii"), "a thumbprint") if isinstance(named, str) else b""
    except (MalformedSignatureError, UnicodeEncodeError):
        raise TokenRefusedError(INVALID, "its header has another form") from None
    issuer = issuers.get(found)
    if issuer is None:
        raise TokenRefusedError(INVALID, "it is signed by somebody else than the manager of this inway")
    try:
        _verify(issuer.public_key(), str(header["alg"]), signature, signed.encode("ascii"))
    except (InvalidSignature, UnsupportedAlgorithmError):
        raise TokenRefusedError(INVALID, "its signature is wrong") from None
    return issuer


def _verify(key: object, algorithm: str, signature: bytes, signed: bytes) -> None:
    """The algorithm is the token's choice, and must be one of the key's."""
    chosen = _HASHES[algorithm[2:]]()
    if isinstance(key, rsa.RSAPublicKey) and algorithm in _RSA:
        check_rsa_size(key, "a manager")
        key.verify(signature, signed, padding.PKCS1v15(), chosen)
        return
    curve = _CURVES.get(algorithm)
    if curve is None or not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, curve):
        raise InvalidSignature
    width = (key.curve.key_size + 7) // 8
    if len(signature) != 2 * width:
        raise InvalidSignature
    r, s = int.from_bytes(signature[:width], "big"), int.from_bytes(signature[width:], "big")
    key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(chosen))
