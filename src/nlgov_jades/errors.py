"""The one exception tree, with the table of codes. Nothing else may live here.

    NlgovJadesError
    ├── ConfigurationError (also a ValueError)      ours: a wrong setting, key or argument
    ├── SigningError                                ours: no signature could be made
    │   └── MessageNotSignableError                 this message cannot be signed as it is
    ├── FetchError                                  only ever a __cause__
    └── VerificationError                           theirs: the message is not to be trusted
        ├── SignatureMissingError         SIGNATURE_MISSING         400
        ├── MalformedSignatureError       MALFORMED_SIGNATURE       400
        ├── UnsupportedAlgorithmError     UNSUPPORTED_ALGORITHM     400
        ├── ProfileViolationError         PROFILE_VIOLATION         400
        ├── InvalidSignatureError         INVALID_SIGNATURE         400
        ├── DigestMismatchError           DIGEST_MISMATCH           400
        ├── SigningTimeError              SIGNING_TIME              400
        ├── ReplayedMessageError          REPLAYED_MESSAGE          400
        ├── MalformedMessageError         MALFORMED_MESSAGE         400
        ├── BodyTooLargeError             BODY_TOO_LARGE            413
        ├── CertificatePathError          CERTIFICATE_PATH          403
        │   ├── CertificateExpiredError       CERTIFICATE_EXPIRED         403
        │   ├── CertificateNotYetValidError   CERTIFICATE_NOT_YET_VALID   403
        │   └── CertificateRevokedError       CERTIFICATE_REVOKED         403
        ├── RevocationUnknownError        REVOCATION_UNKNOWN        503, worth a retry
        ├── ReplayUnknownError            REPLAY_UNKNOWN            503, worth a retry with a new signature
        └── SignerNotAllowedError         SIGNER_NOT_ALLOWED        403

Codes and sub-indications (EN 319 102-1 clause 5) are stable: they may be stored and compared.
`detail` is for people; it never holds a body, a key, a query string or a credential, and other people's
text in it went through `quoted`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import datetime as dt

    from .result import SignerIdentity

__all__ = [
    "BodyTooLargeError",
    "CertificateExpiredError",
    "CertificateNotYetValidError",
    "CertificatePathError",
    "CertificateRevokedError",
    "ConfigurationError",
    "DigestMismatchError",
    "FetchError",
    "InvalidSignatureError",
    "MalformedMessageError",
    "MalformedSignatureError",
    "MessageNotSignableError",
    "NlgovJadesError",
    "ProfileViolationError",
    "ReplayUnknownError",
    "ReplayedMessageError",
    "RevocationUnknownError",
    "SignatureMissingError",
    "SignerNotAllowedError",
    "SigningError",
    "SigningTimeError",
    "UnsupportedAlgorithmError",
    "VerificationError",
    "quoted",
]

_LATIN_1 = 0xFF
_QUOTED_LENGTH = 80
"""Long enough to recognise a value, too short to smuggle a body through a log line."""


def quoted(text: object, limit: int = _QUOTED_LENGTH) -> str:
    """Other people's text, safe to show: quoted, cut, with nothing in it that a terminal or a log obeys.

    Control, bidirectional, private and unassigned characters are escaped, and so is `[`, which opens rich markup.

    Args:
        text: Anything; `bytes` are read as ISO-8859-1.
        limit: How many characters of the text are shown.
    """
    plain = text.decode("iso-8859-1") if isinstance(text, bytes) else str(text)
    shown = "".join(_escaped(character) for character in plain[:limit])
    return f"'{shown}'" if len(plain) <= limit else f"'{shown}…' ({len(plain)} characters)"


def _escaped(character: str) -> str:
    if character.isprintable() and character not in "[\\'":
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code <= _LATIN_1 else f"\\u{{{code:x}}}"


class NlgovJadesError(Exception):
    """Everything this library raises on purpose. Survives copying and pickling, as between processes."""

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), self.args, self.__dict__)


def _restored(cls: type[NlgovJadesError], args: tuple[object, ...], state: dict[str, object]) -> NlgovJadesError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(NlgovJadesError, ValueError):
    """A setting, key, certificate or argument of ours is wrong; no message can mend it."""


class SigningError(NlgovJadesError):
    """No signature could be made."""


class MessageNotSignableError(SigningError):
    """This message cannot be signed as it is; the text says what to change."""


class FetchError(NlgovJadesError):
    """Revocation data could not be fetched. Only ever the `__cause__` of a RevocationUnknownError."""


class VerificationError(NlgovJadesError):
    """The message is not to be trusted. Catch this one; the subclasses say why.

    Attributes:
        code: Stable name of the reason.
        sub_indication: EN 319 102-1 sub-indication.
        http_status: Status for a server that refuses the message.
        detail: One sentence for people and logs, not for the peer.
    """

    code: ClassVar[str] = "VERIFICATION"
    http_status: ClassVar[int] = 400
    sub_indication: str = "SIG_CONSTRAINTS_FAILURE"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class SignatureMissingError(VerificationError):
    """The message carries no signature field that the policy accepts."""

    code = "SIGNATURE_MISSING"
    sub_indication = "SIGNED_DATA_NOT_FOUND"


class MalformedSignatureError(VerificationError):
    """The field, the protected header, a certificate in it or a digest does not have its form."""

    code = "MALFORMED_SIGNATURE"
    sub_indication = "FORMAT_FAILURE"


class UnsupportedAlgorithmError(VerificationError):
    """An algorithm, key type or key size that the profile does not allow."""

    code = "UNSUPPORTED_ALGORITHM"
    sub_indication = "CRYPTO_CONSTRAINTS_FAILURE"


class ProfileViolationError(VerificationError):
    """Well formed, but not what the profile or the policy asks for."""

    code = "PROFILE_VIOLATION"


class InvalidSignatureError(VerificationError):
    """The signature does not belong to these octets and this key."""

    code = "INVALID_SIGNATURE"
    sub_indication = "SIG_CRYPTO_FAILURE"


class DigestMismatchError(VerificationError):
    """The body is not the one that was signed."""

    code = "DIGEST_MISMATCH"
    sub_indication = "HASH_FAILURE"


class SigningTimeError(VerificationError):
    """The signing time is missing, in the future, too old or outside the certificate's validity."""

    code = "SIGNING_TIME"


class ReplayedMessageError(VerificationError):
    """This very signature was accepted before."""

    code = "REPLAYED_MESSAGE"


class MalformedMessageError(VerificationError):
    """The message around the signature contradicts itself or is cut short: its length, its framing, its Host, its target."""

    code = "MALFORMED_MESSAGE"
    sub_indication = "FORMAT_FAILURE"


class BodyTooLargeError(VerificationError):
    """The body is longer than this side reads."""

    code = "BODY_TOO_LARGE"
    http_status = 413


class CertificatePathError(VerificationError):
    """No certification path that meets the requirements leads from the signer to a trust anchor.

    Attributes:
        certificate: Subject of the certificate that failed, quoted; `None` when no single one did.
    """

    code = "CERTIFICATE_PATH"
    http_status = 403
    sub_indication = "CHAIN_CONSTRAINTS_FAILURE"

    def __init__(self, detail: str, *, certificate: str | None = None, no_chain: bool = False) -> None:
        super().__init__(detail)
        self.certificate = certificate
        if no_chain:
            self.sub_indication = "NO_CERTIFICATE_CHAIN_FOUND"


class CertificateExpiredError(CertificatePathError):
    """A certificate on the path is past its notAfter at the time of verification."""

    code = "CERTIFICATE_EXPIRED"
    sub_indication = "EXPIRED"

    def __init__(self, certificate: str, *, not_after: dt.datetime, at: dt.datetime) -> None:
        super().__init__(
            f"certificate {certificate} expired on {_utc(not_after)}; verified at {_utc(at)}", certificate=certificate
        )
        self.not_after = not_after
        self.at = at


class CertificateNotYetValidError(CertificatePathError):
    """A certificate on the path is before its notBefore at the time of verification."""

    code = "CERTIFICATE_NOT_YET_VALID"
    sub_indication = "NOT_YET_VALID"

    def __init__(self, certificate: str, *, not_before: dt.datetime, at: dt.datetime) -> None:
        super().__init__(
            f"certificate {certificate} is valid from {_utc(not_before)}; verified at {_utc(at)}",
            certificate=certificate,
        )
        self.not_before = not_before
        self.at = at


class CertificateRevokedError(CertificatePathError):
    """A certificate on the path is revoked.

    Attributes:
        sha256: SHA-256 of its DER, lower-case hexadecimal.
    """

    code = "CERTIFICATE_REVOKED"
    sub_indication = "REVOKED"

    def __init__(self, detail: str, *, certificate: str | None = None, sha256: str = "") -> None:
        super().__init__(detail, certificate=certificate)
        self.sha256 = sha256


class RevocationUnknownError(VerificationError):
    """Whether a certificate is revoked could not be established. Worth a retry."""

    code = "REVOCATION_UNKNOWN"
    http_status = 503
    sub_indication = "TRY_LATER"


class ReplayUnknownError(VerificationError):
    """Whether this signature was accepted before could not be established: the guard is full, or its store silent.

    Worth a retry with a new signature: this one may have been written down before the failure.
    """

    code = "REPLAY_UNKNOWN"
    http_status = 503
    sub_indication = "TRY_LATER"


class SignerNotAllowedError(VerificationError):
    """The signature is valid and trusted, but the policy does not name its signer.

    Attributes:
        identity: Who signed.
    """

    code = "SIGNER_NOT_ALLOWED"
    http_status = 403

    def __init__(self, detail: str, *, identity: SignerIdentity) -> None:
        super().__init__(detail)
        self.identity = identity


def _utc(time: dt.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
