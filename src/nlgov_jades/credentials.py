"""What a signer signs with: a private key and the certificate chain that goes with it.

The key may be anywhere: in memory, or behind a `PrivateKey` or `AsyncPrivateKey` (HSM, KMS) that never gives it away.
"""

from __future__ import annotations

import hashlib
import inspect
from binascii import b2a_base64
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs12

from .errors import ConfigurationError, InvalidSignatureError, SigningError, UnsupportedAlgorithmError
from .jws import PREHASHED, PSS, PublicKey, check_key, is_rsa, verify_signature
from .pki.certificate import display_name, load_pem_bundle
from .profiles import SignatureAlgorithm
from .rsa_key import check_rsa_key

__all__ = ["AsyncPrivateKey", "PrivateKey", "SigningCredential", "issuer_serial"]

_PROBE = hashlib.sha256(b"nlgov-jades: does this private key belong to this certificate?").digest()

_MAX_CHAIN = 10
"""Certificates in a chain file; a real chain has four."""


class PrivateKey(Protocol):
    """A private key that is not ours to hold."""

    def sign_digest(self, digest: bytes, *, algorithm: str) -> bytes:
        """Sign a SHA-256 digest.

        Args:
            digest: 32 octets.
            algorithm: `PS256` (RSASSA-PSS, MGF1-SHA-256, salt of 32 octets) or `ES256`.

        Returns:
            The signature as JWS wants it: for PS256 as long as the modulus, for ES256 64 octets R and S.
        """
        ...


class AsyncPrivateKey(Protocol):
    """A private key that is not ours to hold, over a connection that is awaited."""

    def sign_digest(self, digest: bytes, *, algorithm: str) -> Awaitable[bytes]:
        """As `PrivateKey.sign_digest`; usually an `async def`."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class LocalPrivateKey:
    """A key in memory, behind the same protocol as every other."""

    _key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    def sign_digest(self, digest: bytes, *, algorithm: str) -> bytes:  # noqa: ARG002 - the protocol; the key decides
        """As `PrivateKey.sign_digest`."""
        key = self._key
        if is_rsa(type(key)):
            return cast("rsa.RSAPrivateKey", key).sign(digest, PSS, PREHASHED)
        r, s = decode_dss_signature(cast("ec.EllipticCurvePrivateKey", key).sign(digest, ec.ECDSA(PREHASHED)))
        return r.to_bytes(32) + s.to_bytes(32)

    def __repr__(self) -> str:
        return "<LocalPrivateKey>"


class SigningCredential:
    """A private key and its certificate chain, known to belong together.

    Make one with `from_pem`, `from_pkcs12`, `from_key` or `from_async_key`; each checks the key against the
    certificate and puts the chain in order. Immutable; safe to share.

    Attributes:
        chain: Signer's certificate first, each followed by its issuer.
        key: Where signatures come from.
    """

    __slots__ = ("_chain", "_der", "_key", "_public_key")

    def __init__(
        self, key: PrivateKey | AsyncPrivateKey, chain: Sequence[x509.Certificate], *, _checked: object
    ) -> None:
        if _checked is not _CHECKED:
            raise ConfigurationError("make a SigningCredential with from_pem, from_pkcs12, from_key or from_async_key")
        self._key = key
        self._chain = tuple(chain)
        self._der = tuple(certificate.public_bytes(Encoding.DER) for certificate in chain)
        self._public_key = _public_key(chain[0])

    @classmethod
    def from_pem(cls, key_pem: bytes, chain_pem: bytes, *, password: bytes | None = None) -> SigningCredential:
        """A credential from PEM texts.

        Args:
            key_pem: One private key: PKCS#8, PKCS#1 or SEC1, encrypted or not.
            chain_pem: The signer's certificate and the CAs above it, in any order.
            password: Of the key, when it is encrypted.

        Raises:
            ConfigurationError: A text cannot be read, the password is wrong, or key and certificates do not belong
                together.
        """
        if not isinstance(key_pem, bytes) or not isinstance(password, bytes | None):
            raise ConfigurationError("key and password are bytes")
        _check_password(password)
        try:
            # The library's own check holds Python for 100 to 250 ms, which stops an event loop when a credential is
            # replaced while a service runs. `check_rsa_key` finds the same faults, for the modulus is known to be good.
            key = serialization.load_pem_private_key(key_pem, password, unsafe_skip_rsa_key_validation=True)
        except Exception as error:  # noqa: BLE001 - the parser raises more classes than it documents
            # Never the library's text: it may quote the input.
            raise ConfigurationError(_unreadable_key(error, password)) from None
        return cls._from_local(key, load_pem_bundle(chain_pem, "the certificate chain"))

    @classmethod
    def from_pkcs12(cls, p12: bytes, password: bytes | None) -> SigningCredential:
        """A credential from a PKCS#12 file (`.p12`, `.pfx`) with one key and its certificates.

        Raises:
            ConfigurationError: The file cannot be read, the password is wrong, there is no key, or key and
                certificates do not belong together.
        """
        if not isinstance(p12, bytes) or not isinstance(password, bytes | None):
            raise ConfigurationError("the PKCS#12 file and its password are bytes")
        _check_password(password)
        try:
            key, leaf, others = pkcs12.load_key_and_certificates(p12, password)
        except Exception:  # noqa: BLE001 - the parser raises more classes than it documents
            raise ConfigurationError("the PKCS#12 file cannot be read: damaged, or another password") from None
        if key is None:
            raise ConfigurationError("the PKCS#12 file holds no private key")
        return cls._from_local(key, [*([leaf] if leaf else []), *others])

    @classmethod
    def from_key(cls, key: PrivateKey, chain: Iterable[x509.Certificate]) -> SigningCredential:
        """A credential whose key is elsewhere. Makes one signature, to see that it fits the first certificate.

        Args:
            key: Signs digests.
            chain: The signer's certificate first.

        Raises:
            ConfigurationError: The certificates are no chain, or the key does not fit.
            SigningError: The key could not sign.
        """
        ordered = _ordered(list(chain))
        public_key = _public_key(ordered[0])
        try:
            signature = key.sign_digest(_PROBE, algorithm=_algorithm(public_key).value)
        except Exception as error:
            raise SigningError("the private key could not sign") from error
        refuse_awaitable(signature, "make the credential with from_async_key")
        _check_probe(public_key, signature)
        return cls(key, ordered, _checked=_CHECKED)

    @classmethod
    async def from_async_key(cls, key: AsyncPrivateKey, chain: Iterable[x509.Certificate]) -> SigningCredential:
        """As `from_key`, for a key that is awaited. For AsyncSigner only."""
        ordered = _ordered(list(chain))
        public_key = _public_key(ordered[0])
        try:
            answer = key.sign_digest(_PROBE, algorithm=_algorithm(public_key).value)
            if not inspect.isawaitable(answer):
                raise ConfigurationError("this private key is not awaited: make the credential with from_key")  # noqa: TRY301 - told apart below
            signature = await answer
        except ConfigurationError:
            raise
        except Exception as error:
            raise SigningError("the private key could not sign") from error
        _check_probe(public_key, signature)
        return cls(key, ordered, _checked=_CHECKED)

    @classmethod
    def _from_local(cls, key: object, certificates: Sequence[x509.Certificate]) -> SigningCredential:
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise ConfigurationError("the private key is neither RSA nor elliptic curve")
        wanted = _spki(key.public_key())
        mine = [certificate for certificate in dict.fromkeys(certificates) if _spki(certificate.public_key()) == wanted]
        if len(mine) != 1:
            raise ConfigurationError(
                "no certificate in the chain belongs to the private key"
                if not mine
                else "several certificates in the chain belong to the private key: keep the current one"
            )
        others = [certificate for certificate in dict.fromkeys(certificates) if certificate != mine[0]]
        ordered = _ordered([mine[0], *others])
        public_key, local = _public_key(ordered[0]), LocalPrivateKey(key)
        if isinstance(key, rsa.RSAPrivateKey):
            check_rsa_key(key)
            _check_probe(public_key, local.sign_digest(_PROBE, algorithm=_algorithm(public_key).value))
        return cls(local, ordered, _checked=_CHECKED)

    @property
    def key(self) -> PrivateKey | AsyncPrivateKey:
        """Where signatures come from."""
        return self._key

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """Signer's certificate first, each followed by its issuer."""
        return self._chain

    @property
    def chain_der(self) -> tuple[bytes, ...]:
        """The same as DER."""
        return self._der

    @property
    def public_key(self) -> PublicKey:
        """The key in the signer's certificate."""
        return self._public_key

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """What the key can sign with: PS256 for RSA, ES256 for P-256."""
        return _algorithm(self._public_key)

    def __repr__(self) -> str:
        return f"<SigningCredential: {display_name(self._chain[0])}, {len(self._chain)} certificates>"


_CHECKED = object()


def refuse_awaitable(signature: object, instead: str) -> None:
    """Return when a key answered with a signature and not with something to await, which is closed.

    Raises:
        ConfigurationError: It is awaited.
    """
    if not inspect.isawaitable(signature):
        return
    if inspect.iscoroutine(signature):
        signature.close()
    raise ConfigurationError(f"this credential's key is awaited: {instead}")


def _check_password(password: bytes | None) -> None:
    # The PKCS#12 reader ends in a panic, which no `except Exception` catches and which prints the password.
    try:
        text = (password or b"").decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ConfigurationError("the password is not UTF-8 text: was it written as UTF-16?")


def _unreadable_key(error: Exception, password: bytes | None) -> str:
    # The library tells a missing or superfluous password by TypeError.
    if isinstance(error, TypeError):
        return (
            "the private key is encrypted: give its password"
            if not password
            else "a password was given and the private key is not encrypted"
        )
    return "the private key cannot be read: no PEM, damaged, of an unknown type, or another password"


def _algorithm(key: PublicKey) -> SignatureAlgorithm:
    return SignatureAlgorithm.PS256 if isinstance(key, rsa.RSAPublicKey) else SignatureAlgorithm.ES256


def _public_key(leaf: x509.Certificate) -> PublicKey:
    key = leaf.public_key()
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise ConfigurationError("the signer's certificate holds neither an RSA nor an elliptic curve key")
    try:
        return check_key(key, _algorithm(key))
    except UnsupportedAlgorithmError as error:
        raise ConfigurationError(error.detail) from None


def _check_probe(public_key: PublicKey, signature: object) -> None:
    try:
        verify_signature(public_key, signature if isinstance(signature, bytes) else b"", _PROBE)
    except InvalidSignatureError:
        raise ConfigurationError("the private key does not belong to the signer's certificate") from None


def _spki(key: object) -> bytes:
    # Every public key that a certificate can hold has public_bytes.
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]  # above
    return encoded


def _ordered(certificates: list[x509.Certificate]) -> list[x509.Certificate]:
    """The certificates with each one followed by its issuer. The first stays first."""
    if not certificates or not all(isinstance(certificate, x509.Certificate) for certificate in certificates):
        raise ConfigurationError("a chain is a list of certificates, the signer's first")
    if len(certificates) > _MAX_CHAIN:
        raise ConfigurationError(f"a chain holds at most {_MAX_CHAIN} certificates; give only those of one signer")
    ordered, rest = certificates[:1], certificates[1:]
    while rest:
        issuer = next((candidate for candidate in rest if _issued(ordered[-1], candidate)), None)
        if issuer is None:
            raise ConfigurationError(
                f"certificate {display_name(rest[0])} does not belong to the chain of {display_name(ordered[0])}"
            )
        ordered.append(issuer)
        rest.remove(issuer)
    return ordered


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001 - another name, another key, another algorithm: all mean "not by this one"
        return False
    return True


def issuer_serial(certificate_der: bytes) -> str:
    """Standard base64 of the DER IssuerSerial, which TS 119 182-1 §5.1.4 gives as the form of `kid`."""
    certificate = asn1_x509.Certificate.load(certificate_der)
    name = asn1_x509.GeneralName(name="directory_name", value=certificate.issuer)
    value = tsp.IssuerSerial({"issuer": [name], "serial_number": certificate.serial_number})
    return b2a_base64(value.dump(), newline=False).decode("ascii")
