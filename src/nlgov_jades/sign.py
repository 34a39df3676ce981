"""Signing: one generator, two drivers. It yields the digest to sign and receives the signature.

The message is never changed: what comes back are the field lines to add.
"""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Collection, Generator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar, cast

from .clock import Clock, now, utc_now
from .credentials import LocalPrivateKey, SigningCredential, issuer_serial, refuse_awaitable
from .encoding import base64url_encode
from .errors import (
    CertificatePathError,
    ConfigurationError,
    InvalidSignatureError,
    MessageNotSignableError,
    SigningError,
    VerificationError,
    quoted,
)
from .jades import MAX_CERTIFICATE, MAX_X5C, build_header, certificate_reference
from .jws import (
    MAX_FIELD_LENGTH,
    base64url_pieces,
    serialize,
    signature_length,
    signing_input_digest,
    verify_signature,
)
from .message import HttpMessage, SignedFields
from .notice import NlgovJadesWarning, Notice, NoticeCode
from .pki.certificate import check_validity
from .profiles import BodyOctets, Profile, signature_fields
from .sigd import pars_to_emit, payload_octets
from .signable import check_signable, check_unsigned, digest_lines
from .steps import content_codings
from .template import HeaderTemplate

__all__ = ["AsyncSigner", "HeaderForm", "SendChain", "Signer"]

LONG_FIELD = 7500
"""Characters: what is left for the value where nginx, Apache and gunicorn stop at about 8 170."""

LONGEST_FIELD = 16_000
"""Characters: Node stops at 16 341 for all fields together, HAProxy at 15 221 for one."""


class SendChain(StrEnum):
    """Which certificates go into `x5c`."""

    NO_ROOT = "no-root"
    """All but a self-signed root: the receiver has its own. The default."""
    ISSUER = "issuer"
    """The signer's and the one above it."""
    LEAF = "leaf"
    """The signer's only: the receiver must have the intermediates."""
    FULL = "full"
    """All of them, the root included."""


class HeaderForm(StrEnum):
    """What the protected header holds beyond the minimum of the profile."""

    BASELINE_B = "baseline-b"
    """`iat` and a reference to the certificate as well: JAdES B-B (TS 119 182-1 §6). The default."""
    PROFILE_ONLY = "profile-only"
    """Exactly what the profile names, for a receiver that accepts no more."""


class _DigestToSign(NamedTuple):
    """What the generator needs a signature over. A tuple, since one is made for every message."""

    digest: bytes
    algorithm: str


_Signing = Generator[_DigestToSign, bytes, SignedFields]


class _Settings:
    """What both signers are made of."""

    __slots__ = (
        "_certificates",
        "_clock",
        "_credential",
        "_encodings",
        "_form",
        "_kid",
        "_limit",
        "_notices",
        "_profile",
        "_signature_fields",
        "_templates",
        "_validity",
    )

    def __init__(
        self,
        credential: SigningCredential,
        *,
        profile: Profile,
        clock: Clock = utc_now,
        send_chain: SendChain | str = SendChain.NO_ROOT,
        kid: str | None = None,
        header_form: HeaderForm | str = HeaderForm.BASELINE_B,
        content_encodings: Collection[str] = frozenset({"identity"}),
        max_field_length: int = LONGEST_FIELD,
    ) -> None:
        if not isinstance(credential, SigningCredential) or not isinstance(profile, Profile):
            raise ConfigurationError("a signer is made of a SigningCredential and a Profile")
        if credential.algorithm is not profile.algorithm:
            raise ConfigurationError(
                f"profile {profile.id} signs with {profile.algorithm}; the key is for {credential.algorithm}"
            )
        if kid is not None and (not isinstance(kid, str) or not kid or _is_no_text(kid)):
            raise ConfigurationError("kid is text and not empty; leave it out for the IssuerSerial")
        if isinstance(content_encodings, str) or not content_encodings:
            raise ConfigurationError("content_encodings is a set of content codings in lower case, at least one")
        self._credential = credential
        self._profile = profile
        self._signature_fields = signature_fields((profile,))
        self._clock = clock
        self._form = _choice(HeaderForm, header_form)
        self._kid = issuer_serial(credential.chain_der[0]) if kid is None else kid
        leaf = credential.chain[0]
        # Read once: a certificate makes them anew each time.
        self._validity = leaf.not_valid_before_utc, leaf.not_valid_after_utc
        self._certificates = _sent(credential, _choice(SendChain, send_chain))
        self._encodings = frozenset(content_encodings)
        self._limit = min(max_field_length, MAX_FIELD_LENGTH)
        self._templates: dict[tuple[str, ...], HeaderTemplate] = {}
        self._notices = self._check_length()
        _check_readable(self._certificates)

    @property
    def profile(self) -> Profile:
        """What is signed."""
        return self._profile

    @property
    def credential(self) -> SigningCredential:
        """What is signed with."""
        return self._credential

    def _check_length(self) -> tuple[Notice, ...]:
        """The length of the field follows from the chain: tell it when the signer is made, not when a server refuses."""
        covers = self._profile.covers
        header = self._header(() if isinstance(covers, BodyOctets) else covers.order, iat=9_999_999_999)
        signature = bytes(signature_length(self._credential.public_key))
        length = len(serialize(base64url_encode(header), signature))
        if length > self._limit:
            raise ConfigurationError(
                f"the signature field would be {length} characters long, more than {self._limit}: send a shorter chain "
                "(send_chain='issuer' or 'leaf') or raise max_field_length"
            )
        if length <= LONG_FIELD:
            return ()
        text = (
            f"the signature field is up to {length} characters long, and nginx, Apache and gunicorn refuse more than "
            "about 8 170 by default: raise their limits, or send a shorter chain (send_chain='issuer' or 'leaf') to a "
            "receiver that has the intermediates"
        )
        warnings.warn(text, NlgovJadesWarning, stacklevel=3)
        return (Notice(NoticeCode.FIELD_LONG, text),)

    def _template(self, pars: tuple[str, ...]) -> HeaderTemplate:
        # A few at most: which of the names that a profile covers "if present" a message has.
        template = self._templates.get(pars)
        if template is None:
            template = self._templates[pars] = HeaderTemplate(lambda iat: self._header(pars, iat))
        return template

    def _header(self, pars: Collection[str], iat: int) -> bytes:
        profile, leaf = self._profile, self._credential.chain_der[0]
        complete = self._form is HeaderForm.BASELINE_B
        reference: Mapping[str, Any] = {}
        if complete or profile.reference.value in profile.required_parameters:
            reference = certificate_reference(profile.reference, leaf)
        return build_header(
            profile=profile,
            kid=self._kid,
            certificates=self._certificates,
            pars=tuple(pars),
            iat=iat if complete or "iat" in profile.required_parameters else None,
            reference=reference,
        )

    def _signing(self, message: HttpMessage) -> _Signing:
        if not isinstance(message, HttpMessage):
            raise ConfigurationError("a message is an HttpRequest or a HttpResponse")
        at = now(self._clock)
        try:
            return (yield from self._steps(message, at))
        except VerificationError as error:
            # The same rules as a verifier's, met before anything was sent.
            raise MessageNotSignableError(error.detail) from None

    def _steps(self, message: HttpMessage, at: dt.datetime) -> _Signing:
        profile = self._profile
        check_signable(message)
        check_unsigned(message, self._signature_fields)
        self._check_validity(at)
        lines: list[tuple[str, str]] = []
        pars: tuple[str, ...] = ()
        if isinstance(profile.covers, BodyOctets):
            if not isinstance(message.body, bytes):
                raise ConfigurationError(f"profile {profile.id} signs the body itself: give it as bytes")
            payload = base64url_pieces(message.body)
        else:
            lines += digest_lines(message)
            # Digest is mandatory in every profile, so it is covered before it is there.
            pars = pars_to_emit(profile.covers, message)
            self._check_encoding(message, pars)
            payload = iter([payload_octets(pars, message, {"digest": lines[0][1]} if lines else {})])
        template = self._template(pars)
        rest = template.rest(int(at.timestamp()))
        digest = signing_input_digest(rest, payload, template.hasher())
        signature = yield _DigestToSign(digest, profile.algorithm.value)
        self._check_signature(signature, digest)
        value = template.text + serialize(rest, signature)
        lines.append((profile.field_name, value))
        return SignedFields(lines, signature=value, notices=self._notices)

    def _check_validity(self, at: dt.datetime) -> None:
        if self._validity[0] <= at <= self._validity[1]:
            return
        try:
            check_validity(self._credential.chain[0], at)
        except CertificatePathError as error:
            raise SigningError(f"nobody would accept the signature: {error.detail}") from None

    def _check_encoding(self, message: HttpMessage, pars: Collection[str]) -> None:
        if "content-encoding" in pars:
            return
        for coding in content_codings(message.fields):
            if coding not in self._encodings:
                raise MessageNotSignableError(
                    f"the body has Content-Encoding {quoted(coding)}, which this profile does not sign: sign the body as "
                    "it is, or name the coding in content_encodings"
                )

    def _check_signature(self, signature: object, digest: bytes) -> None:
        if isinstance(self._credential.key, LocalPrivateKey):
            return
        # It came from elsewhere: a fault there must not leave as a message that nobody can verify.
        try:
            verify_signature(self._credential.public_key, signature if isinstance(signature, bytes) else b"", digest)
        except InvalidSignatureError:
            raise SigningError("the private key returned a signature that does not fit its certificate") from None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._profile.id}, {self._credential!r}>"


class Signer(_Settings):
    """Signs messages. Safe to share between threads.

    Args:
        credential: Key and chain.
        profile: What is signed and where the signature goes.
        clock: Gives the current time, UTC; read once per message.
        send_chain: Which certificates are sent.
        kid: Key identifier; the IssuerSerial of the certificate when not given.
        header_form: Whether the protected header makes it JAdES B-B.
        content_encodings: Content codings that are signed where the profile does not cover Content-Encoding.
        max_field_length: Characters of the signature field that are made at most; never above 32 768, where
            verifiers stop.

    Raises:
        ConfigurationError: The key does not fit the profile, the field would be too long, or an argument has
            another form.

    Warns:
        NlgovJadesWarning: The field is longer than common servers accept by default.
    """

    __slots__ = ()

    def sign(self, message: HttpMessage) -> SignedFields:
        """The field lines to add: Digest, unless an equal one is there, and the signature.

        Args:
            message: As it will stand on the wire, body included. Nothing that is covered may change afterwards.

        Raises:
            MessageNotSignableError: The message carries a signature or another digest, or a covered value cannot be
                signed.
            SigningError: The private key could not sign.
            ConfigurationError: A response covers `(request-target)` and has no request.
        """
        key = self._credential.key
        steps = self._signing(message)
        wanted = next(steps)
        try:
            signature = key.sign_digest(wanted.digest, algorithm=wanted.algorithm)
        except Exception as error:
            raise SigningError("the private key could not sign") from error
        if not isinstance(signature, bytes):
            refuse_awaitable(signature, "use AsyncSigner")
        return _finish(steps, cast("bytes", signature))


class AsyncSigner(_Settings):
    """`Signer` for a key that is awaited, or any other. Safe to share between tasks.

    Args:
        credential: Key and chain.
        profile: What is signed and where the signature goes.
        clock: Gives the current time, UTC; read once per message.
        send_chain: Which certificates are sent.
        kid: Key identifier; the IssuerSerial of the certificate when not given.
        header_form: Whether the protected header makes it JAdES B-B.
        content_encodings: Content codings that are signed where the profile does not cover Content-Encoding.
        max_field_length: Characters of the signature field that are made at most.

    Raises:
        ConfigurationError: As for `Signer`.
    """

    __slots__ = ()

    async def sign(self, message: HttpMessage) -> SignedFields:
        """As `Signer.sign`."""
        steps = self._signing(message)
        wanted = next(steps)
        try:
            signature = self._credential.key.sign_digest(wanted.digest, algorithm=wanted.algorithm)
            octets = signature if isinstance(signature, bytes) else await signature
        except Exception as error:
            raise SigningError("the private key could not sign") from error
        return _finish(steps, octets)


def _finish(steps: _Signing, signature: bytes) -> SignedFields:
    try:
        steps.send(signature)
    except StopIteration as done:
        signed: SignedFields = done.value
        return signed
    raise SigningError("unreachable: one digest is signed per message")  # pragma: no cover - the generator yields once


_Choice = TypeVar("_Choice", bound=StrEnum)


def _choice(kind: type[_Choice], value: str) -> _Choice:
    try:
        return kind(value)
    except ValueError:
        names = ", ".join(member.value for member in kind)
        raise ConfigurationError(f"{quoted(value)} is none of {names}") from None


def _sent(credential: SigningCredential, choice: SendChain) -> tuple[bytes, ...]:
    chain, der = credential.chain, credential.chain_der
    if choice is SendChain.LEAF:
        return der[:1]
    if choice is SendChain.ISSUER:
        return der[:2]
    if choice is SendChain.NO_ROOT and len(chain) > 1 and chain[-1].subject == chain[-1].issuer:
        return der[:-1]
    return der


def _check_readable(certificates: tuple[bytes, ...]) -> None:
    if len(certificates) > MAX_X5C:
        raise ConfigurationError(f"{len(certificates)} certificates would be sent; verifiers read at most {MAX_X5C}")
    if any(len(der) > MAX_CERTIFICATE for der in certificates):
        raise ConfigurationError(f"a certificate is longer than the {MAX_CERTIFICATE} octets that verifiers read")


def _is_no_text(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
