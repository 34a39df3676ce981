"""The steps of a verification that need no certification path: 1 to 10 and 12. `verify.py` gives their order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Sequence
from enum import Enum
from typing import Any, NamedTuple

from . import jades
from .beginnings import Beginnings, ReadSignature
from .digest import DigestAlgorithm, compare, parse_content_digest, parse_digest
from .errors import (
    ConfigurationError,
    MalformedSignatureError,
    ProfileViolationError,
    SignatureMissingError,
    SignerNotAllowedError,
    SigningTimeError,
    quoted,
)
from .jws import base64url_pieces, check_key, signing_input_digest, verify_signature
from .message import Fields, HttpMessage, HttpResponse
from .policy import ANY_MEDIA_TYPE, ANY_TRUSTED, VerificationPolicy
from .profiles import BodyOctets, CertificateReference, Profile
from .result import SignerIdentity
from .sigd import check_pars, payload_octets
from .verdicts import PathVerdict, SignerCertificates

__all__ = [
    "BodyArrival",
    "SignedMessage",
    "StatedDigests",
    "check_body",
    "check_fields",
    "check_signer",
    "check_times",
    "content_codings",
    "is_verifiable",
    "is_whole",
]

_UTF_8 = frozenset({"", "charset=utf-8", 'charset="utf-8"'})
"""Parameters that an unsigned Content-Type may have."""

_FIRST_FINAL_STATUS = 200
_UNVERIFIABLE_STATUSES = frozenset({206, 304})
"""Partial Content and Not Modified: their Digest is of a body that they do not carry (RFC 3230 §4.3.2)."""


class BodyArrival(Enum):
    """Whether the body is compared now or after it was read."""

    HERE = "here"
    LATER = "later"


class StatedDigests(NamedTuple):
    """What the fields state about the body. Both are empty when the signature covers the body itself. A tuple, since one
    is made for every message.
    """

    digest: dict[DigestAlgorithm, bytes]
    content_digest: dict[DigestAlgorithm, bytes]

    @property
    def algorithms(self) -> frozenset[DigestAlgorithm]:
        """What must be computed to compare all of them."""
        return frozenset(self.digest) | frozenset(self.content_digest)


_NO_DIGESTS = StatedDigests({}, {})


class SignedMessage(NamedTuple):
    """What steps 1 to 9 established. The signature holds for the key in the signer's certificate; only a
    verdict, where there is one, vouches for that certificate. A tuple, since one is made for every message.
    """

    profile: Profile
    field: str
    read: ReadSignature
    covered: tuple[str, ...]
    certificates: SignerCertificates
    verdict_key: bytes
    verdict: PathVerdict | None
    times: jades.SigningTimes
    stated: StatedDigests

    def __repr__(self) -> str:
        return f"<SignedMessage: {self.profile.id}, covers {', '.join(self.covered)}>"


FindVerdict = Callable[[bytes], PathVerdict | None]


def check_fields(
    message: HttpMessage,
    policy: VerificationPolicy,
    body: BodyArrival,
    *,
    find: FindVerdict | None,
    beginnings: Beginnings,
) -> SignedMessage:
    """Steps 1 to 9.

    Args:
        message: As received.
        policy: Gives the profiles and what may stay uncovered.
        body: Whether step 9 compares the body now.
        find: Gives the verdict about certificates that were met before, so that they are not parsed again.
        beginnings: Reads the field; knows how those of signers met before begin.

    Raises:
        VerificationError: A step fails; the first one that does gives the error.
        ConfigurationError: The request that a response answers is needed, or the body is needed and not here.
    """
    fields = message.fields
    _check_verifiable(message)
    # 1. The field is there once, with one value.
    profile, value = _signature_field(fields, policy)
    # 1 to 3. Form, size, canonical base64url, strict JSON.
    read = beginnings.read(value)
    header, covers = read.header, profile.covers
    # What 4 to 7 ask of the header itself was asked of this one before, when only the digits of `iat` differ.
    known = read.known
    if known is not None and known.profile is not profile:
        known = None
    pars: tuple[str, ...] = ()
    if known is None:
        # 4. alg and b64, before any key is touched.
        jades.check_algorithm(header, profile)
        # 5. crit.
        jades.check_critical(header, profile)
    # 6. sigD, the required parameters, and what stays uncovered.
    if not isinstance(covers, BodyOctets):
        pars = jades.read_pars(header) if known is None else known.pars
        check_pars(pars, covers, message)
    if known is None:
        jades.check_parameters(header, profile)
    _check_uncovered(fields, pars, policy)
    # 7. The signer's certificate, every reference to it, its key.
    key = read.verdict_key(profile.algorithm, jades.read_x5c(header)) if known is None else known.key
    verdict = None if find is None else find(key)
    if verdict is None:
        certificates = _signer_certificates(header, jades.read_x5c(header), profile)
    else:
        certificates = verdict.certificates
        if known is None and not jades.has_only_reference(header, certificates.x5t):
            jades.check_references(header, certificates.der)
    # 8. The signature.
    payload = _body_payload(message, body) if isinstance(covers, BodyOctets) else [payload_octets(pars, message)]
    digest = signing_input_digest(read.unhashed, payload, read.hasher)
    verify_signature(certificates.key, read.signature, digest)
    # 9. The digest of the body.
    stated, covered = (_NO_DIGESTS, ("body",)) if isinstance(covers, BodyOctets) else (_stated_digests(fields), pars)
    if body is BodyArrival.HERE:
        check_body(message, stated, covered, policy)
    return SignedMessage(
        profile=profile,
        field=value,
        read=read,
        covered=covered,
        certificates=certificates,
        verdict_key=key,
        verdict=verdict,
        times=jades.read_times(header) if known is None or known.expires else _times_of(header["iat"]),
        stated=stated,
    )


def _times_of(iat: int) -> jades.SigningTimes:
    """The times of a header that has only `iat`, with ten digits."""
    return jades.SigningTimes(dt.datetime.fromtimestamp(iat, dt.UTC), None)


def _signer_certificates(header: dict[str, Any], x5c: Sequence[str], profile: Profile) -> SignerCertificates:
    parsed = jades.read_certificates(x5c)
    der = tuple(octets for octets, _ in parsed)
    jades.check_references(header, der)
    leaf = parsed[0][1]
    return SignerCertificates(
        der=der,
        leaf=leaf,
        untrusted=tuple(certificate for _, certificate in parsed[1:]),
        key=check_key(leaf.public_key(), profile.algorithm),
        x5t=jades.certificate_reference(CertificateReference.X5T_S256, der[0])["x5t#S256"],
        validity=(leaf.not_valid_before_utc, leaf.not_valid_after_utc),
    )


def is_verifiable(answer: HttpResponse) -> bool:
    """Whether an answer carries the whole body that its Digest speaks of: not one to HEAD, 1xx, 206 or 304."""
    return is_whole(answer.status, None if answer.request is None else answer.request.method)


def is_whole(status: int, method: str | None) -> bool:
    """The same, of an answer with this status to a request with this method, where that is known."""
    return method != "HEAD" and status >= _FIRST_FINAL_STATUS and status not in _UNVERIFIABLE_STATUSES


def _check_verifiable(message: HttpMessage) -> None:
    """Before step 1: the message is one whose fields and body are all there, under names that everybody reads alike."""
    if isinstance(message, HttpResponse) and not is_verifiable(message):
        raise ProfileViolationError(
            f"an answer to HEAD or with status {message.status} has no whole body and cannot be verified"
        )
    if message.fields.odd_names:
        raise MalformedSignatureError(f"the message has a field with the name {quoted(message.fields.odd_names[0])}")


def _signature_field(fields: Fields, policy: VerificationPolicy) -> tuple[Profile, str]:
    present = fields.among(policy.signature_fields)
    if not present:
        names = ", ".join(profile.field_name for profile in policy.profiles)
        raise SignatureMissingError(f"the message has no field {names}")
    if len(present) > 1:
        raise MalformedSignatureError(f"the message has two signature fields: {present[0]} and {present[1]}")
    for accepted in policy.profiles:
        if accepted.field_name.lower() == present[0]:
            break
    else:
        raise SignatureMissingError(f"the message has the field {present[0]}, which the policy does not accept")
    value, *more = fields.get_all(present[0])
    if more:
        raise MalformedSignatureError(f"the field {present[0]} is there {1 + len(more)} times")
    return accepted, value


def _check_uncovered(fields: Fields, pars: tuple[str, ...], policy: VerificationPolicy) -> None:
    """Step 6: a field that says how to read the body and is not signed may only say what the policy expects."""
    if "content-encoding" not in pars:
        for coding in content_codings(fields):
            if coding not in policy.content_encodings:
                raise ProfileViolationError(
                    f"Content-Encoding {quoted(coding)} is not covered by the signature and not accepted: "
                    "send the body as it is (Accept-Encoding: identity)"
                )
    if "content-type" not in pars and policy.media_types is not ANY_MEDIA_TYPE:
        types = fields.get_all("content-type")
        if len(types) > 1:
            raise ProfileViolationError("Content-Type is there more than once and is not covered by the signature")
        if types and types[0] not in policy.media_types and not _is_accepted(types[0], policy.media_types):
            raise ProfileViolationError(
                f"Content-Type {quoted(types[0])} is not covered by the signature and not among the media types of "
                "the policy"
            )


def content_codings(fields: Fields) -> list[str]:
    """The codings in Content-Encoding, in lower case; none when it is absent or empty (RFC 9110 §8.4)."""
    value = fields.combined("content-encoding")
    return [coding.strip(" \t").lower() for coding in value.split(",")] if value else []


def _is_accepted(value: str, media_types: Collection[str]) -> bool:
    """Whether a Content-Type is one of these, in UTF-8: another charset or parameter makes another text of the body."""
    media_type, _, parameters = value.lower().partition(";")
    return media_type.strip(" \t") in media_types and parameters.strip(" \t") in _UTF_8


def _body_payload(message: HttpMessage, body: BodyArrival) -> Iterable[bytes]:
    if body is BodyArrival.LATER or not isinstance(message.body, bytes):
        raise ConfigurationError("profile ddas-body signs the body itself: use verify, with the body as bytes")
    return base64url_pieces(message.body)


def _stated_digests(fields: Fields) -> StatedDigests:
    lines = fields.get_all("digest")
    if len(lines) != 1:
        raise MalformedSignatureError(f"the field Digest is there {len(lines)} times")
    content = fields.combined("content-digest")
    return StatedDigests(
        digest=parse_digest(lines[0]),
        content_digest={} if content is None else parse_content_digest(content),
    )


def check_body(
    message: HttpMessage, stated: StatedDigests, covered: tuple[str, ...], policy: VerificationPolicy
) -> None:
    """Step 9: the body is the one that the fields speak of.

    Args:
        message: With its body, or a BodyDigest fed with it.
        stated: From `check_fields`.
        covered: From `check_fields`.
        policy: Gives the media types.

    Raises:
        DigestMismatchError: A stated digest is not the body's.
        ProfileViolationError: There is a body, and nothing says of which media type, and the policy pins those.
        ConfigurationError: The BodyDigest lacks an algorithm.
    """
    body = message.body
    if covered != ("body",):
        compare(stated.digest, body)
    if stated.content_digest:
        compare(stated.content_digest, body, "Content-Digest")
    length = len(body) if isinstance(body, bytes) else body.length
    if policy.media_types is not ANY_MEDIA_TYPE and length and "content-type" not in message.fields:
        raise ProfileViolationError("the message has a body and no Content-Type, and the policy pins media types")


def check_times(
    times: jades.SigningTimes,
    validity: tuple[dt.datetime, dt.datetime],
    policy: VerificationPolicy,
    at: dt.datetime,
) -> None:
    """Step 10: the claimed signing time is possible, recent enough, and inside the certificate's validity.

    Args:
        times: From the protected header.
        validity: Of the signer's certificate.
        policy: Gives the skew and the age.
        at: Now, UTC.

    Raises:
        SigningTimeError: It is not, or it is absent where the policy sets `max_age`, or `exp` has passed.
    """
    if times.expires is not None and at >= times.expires:
        raise SigningTimeError(f"the signature expired at {times.expires.isoformat()} (exp)")
    if times.claimed is None:
        if policy.max_age is not None:
            raise SigningTimeError("the signature states no signing time (iat), and the policy limits its age")
        return
    if not validity[0] <= times.claimed <= validity[1]:
        raise SigningTimeError("the signing time is outside the validity of the signer's certificate")
    if times.claimed - at > policy.clock_skew:
        raise SigningTimeError(
            f"the signing time {times.claimed.isoformat()} is in the future; it is {at.isoformat(timespec='seconds')}: "
            "compare the clocks"
        )
    if policy.max_age is not None and at - times.claimed > policy.max_age:
        raise SigningTimeError(
            f"the signing time {times.claimed.isoformat()} is more than {policy.max_age.total_seconds():.0f} s ago"
        )


def check_signer(identity: SignerIdentity, policy: VerificationPolicy) -> None:
    """Step 12: the policy names this signer.

    Raises:
        SignerNotAllowedError: It does not.
    """
    if policy.signers is ANY_TRUSTED:
        return
    names = {name for name in (identity.oin, identity.kvk) if name is not None}
    if not names:
        raise SignerNotAllowedError("the signer's certificate holds neither an OIN nor a KVK number", identity=identity)
    if names.isdisjoint(_named(policy)):
        shown = " and ".join(f"{type(name).__name__.upper()} {name}" for name in (identity.oin, identity.kvk) if name)
        raise SignerNotAllowedError(f"the signer, {shown}, is not among those the policy allows", identity=identity)


def _named(policy: VerificationPolicy) -> frozenset[object]:
    return frozenset() if policy.signers is ANY_TRUSTED else frozenset(policy.signers)
