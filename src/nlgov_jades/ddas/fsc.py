"""What an FSC inway passes on: the transaction id and the access token, read strictly. Values and comparisons only.

The signature of the token is not checked here: the inway did, before it passed the request on, and it alone knows the keys of
the group. A provider must therefore be reachable through its inway only. What is compared here is what the inway cannot see:
that the one who got the token is the one who signed the request.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ..encoding import base64url_decode, json_object
from ..errors import ConfigurationError, MalformedSignatureError
from ..message import Fields
from ..result import SignerIdentity
from .problems import denied, invalid

__all__ = ["AccessToken", "Delegation", "FscSettings", "FscToken", "check_token", "read_token", "transaction_id"]

MAX_TOKEN = 16 * 1024
"""Characters: a token of FSC has about 1000, and servers stop near this length."""

CLOCK_SKEW = dt.timedelta(seconds=60)
"""Between the clock of the peer's manager, which makes tokens, and ours."""

AUTHORIZATION, TRANSACTION = "Fsc-Authorization", "Fsc-Transaction-Id"

_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"})
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BEARER = re.compile(r"Bearer +", re.IGNORECASE)
_THUMBPRINT = 32
_LATEST = 253_402_300_799
"""The last second of the year 9999: no later one fits a datetime."""


class FscToken(Enum):
    """What becomes of a request without an access token."""

    REQUIRED = "required"
    """It is refused: it did not come through the inway."""
    IF_PRESENT = "if-present"
    """It is answered; a token that is there is checked all the same."""


class Delegation(Enum):
    """Who may sign, when a token says that its holder acts for another (`act`)."""

    REFUSE = "refuse"
    """The holder of the token (`sub`) only."""
    ALLOW = "allow"
    """The holder, or the one it acts for (`act.sub`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FscSettings:
    """How a provider takes what its inway passes on.

    Attributes:
        token: What becomes of a request without a token.
        delegation: Who may sign.

    Raises:
        ConfigurationError: A value has another form.
    """

    token: FscToken = FscToken.REQUIRED
    delegation: Delegation = Delegation.REFUSE

    def __post_init__(self) -> None:
        if not isinstance(self.token, FscToken) or not isinstance(self.delegation, Delegation):
            raise ConfigurationError("token of FscSettings is one of FscToken, and delegation one of Delegation")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """What an access token claims. Its signature is the inway's to check.

    Attributes:
        grant: Hash of the grant (`gth`).
        group: Id of the FSC group (`gid`).
        subject: PeerID of who got it (`sub`): an OIN.
        issuer: PeerID of who issued it (`iss`).
        service: Name of the service (`svc`).
        audience: Addresses it is for (`aud`).
        not_before: From when it holds.
        expires: Until when.
        certificate: SHA-256 of the certificate of the transport (`cnf.x5t#S256`).
        actor: PeerID of the one that the subject acts for (`act.sub`), or `None`.
    """

    grant: str = field(repr=False)
    group: str
    subject: str
    issuer: str
    service: str
    audience: tuple[str, ...]
    not_before: dt.datetime
    expires: dt.datetime
    certificate: bytes
    actor: str | None


def transaction_id(fields: Fields) -> str | None:
    """The transaction id, in lower case; `None` when there is none.

    Raises:
        ProblemError: It is there more than once, or is no UUID: such a text goes into no log.
    """
    values = fields.get_all(TRANSACTION)
    if not values:
        return None
    if len(values) != 1 or not _UUID.fullmatch(values[0]):
        raise invalid(f"{TRANSACTION} is niet een enkele UUID.", code="FSC_TRANSACTION_ID", veld=TRANSACTION)
    return values[0].lower()


def check_token(fields: Fields, signer: SignerIdentity, *, settings: FscSettings, now: dt.datetime) -> None:
    """Return when the token of a request, if it must have one, is that of its signer.

    Args:
        fields: Of the request.
        signer: Who signed it, verified.
        settings: What is asked.
        now: The time.

    Raises:
        ProblemError: Status 400: no token, more than one, or another form. Status 403: of another, of another time, or the
            request was signed with the certificate of the transport.
    """
    values = fields.get_all(AUTHORIZATION)
    if not values:
        if settings.token is FscToken.IF_PRESENT:
            return
        raise invalid(f"{AUTHORIZATION} ontbreekt.", code="FSC_TOKEN_MISSING", veld=AUTHORIZATION)
    if len(values) != 1:
        raise _malformed()
    token = read_token(values[0])
    # Added to the time of this machine, and not to the token's: that may be the last second there is.
    if not (token.not_before <= now + CLOCK_SKEW and now - CLOCK_SKEW < token.expires):
        raise denied(f"De token in {AUTHORIZATION} geldt niet op dit moment.", code="FSC_TOKEN_TIME")
    _check_signer(token, signer, settings.delegation)


def _check_signer(token: AccessToken, signer: SignerIdentity, delegation: Delegation) -> None:
    if signer.sha256 == token.certificate.hex():
        raise denied(
            "Het request is ondertekend met het certificaat van de TLS-verbinding; ondertekenen vraagt een ander certificaat.",
            code="FSC_TRANSPORT_CERTIFICATE",
        )
    holders = {token.subject}
    if delegation is Delegation.ALLOW and token.actor is not None:
        holders.add(token.actor)
    # A signer without an OIN is nobody's holder.
    if signer.oin is None or str(signer.oin) not in holders:
        raise denied(
            f"De ondertekenaar is niet de houder van de token in {AUTHORIZATION}.", code="FSC_TOKEN_OTHER_HOLDER"
        )


def read_token(value: str) -> AccessToken:
    """The claims in a field value, with or without `Bearer`.

    Raises:
        ProblemError: It is no JWT with all the claims of FSC. The signature is not among what is looked at.
    """
    if len(value) > MAX_TOKEN:
        raise _malformed()
    parts = _BEARER.sub("", value, count=1).split(".") if _BEARER.match(value) else value.split(".")
    if len(parts) != len(("header", "claims", "signature")):
        raise _malformed()
    try:
        header, claims, _ = (base64url_decode(part.encode("ascii"), "a token") for part in parts)
        return _token(json_object(header, "a token"), json_object(claims, "a token"))
    except (MalformedSignatureError, UnicodeEncodeError, _ClaimError):
        raise _malformed() from None


def _malformed() -> Exception:
    return invalid(f"{AUTHORIZATION} is niet een enkele access token van FSC.", code="FSC_TOKEN", veld=AUTHORIZATION)


class _ClaimError(ValueError):
    """A claim is missing or has another form. Never leaves this file."""


def _token(header: dict[str, Any], claims: dict[str, Any]) -> AccessToken:
    if not isinstance(header.get("alg"), str) or header["alg"] not in _ALGORITHMS or "crit" in header:
        raise _ClaimError
    audience = claims.get("aud")
    confirmed = claims.get("cnf")
    actor = claims.get("act", {"sub": None})
    if not isinstance(confirmed, dict) or not isinstance(actor, dict) or audience == []:
        raise _ClaimError
    return AccessToken(
        grant=_text(claims.get("gth")),
        group=_text(claims.get("gid")),
        subject=_text(claims.get("sub")),
        issuer=_text(claims.get("iss")),
        service=_text(claims.get("svc")),
        audience=tuple(_text(item) for item in (audience if isinstance(audience, list) else [audience])),
        not_before=_time(claims.get("nbf")),
        expires=_time(claims.get("exp")),
        certificate=_thumbprint(confirmed.get("x5t#S256")),
        actor=_text(actor.get("sub")) if "act" in claims else None,
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise _ClaimError
    return value


def _time(value: object) -> dt.datetime:
    if type(value) is not int or not 0 <= value <= _LATEST:
        raise _ClaimError
    return dt.datetime.fromtimestamp(value, dt.UTC)


def _thumbprint(value: object) -> bytes:
    octets = base64url_decode(_text(value).encode("ascii"), "a thumbprint")
    if len(octets) != _THUMBPRINT:
        raise _ClaimError
    return octets
