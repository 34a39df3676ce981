"""Verification as one generator: the numbered steps. `verify.py` offers it, `drivers.py` runs it.

The steps, in this order; the first that fails gives the error (`docs/reference/wire-format.md`, "Reading"):

     1. the signature field is there once, with one value
     2. size caps, before any parsing
     3. canonical base64url, strict JSON
     4. `alg` and `b64`
     5. `crit`
     6. `sigD`, the required parameters, and the fields that are not covered
     7. the signer's certificate and every reference to it; type and size of its key
     8. the signature
     9. the digest of the body
    10. the times
    11. the certification path, then revocation
    12. who signed

All but the comparison in step 9 is decided from the fields alone: see `Verifier.verify_fields`.
"""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import NamedTuple

from .beginnings import Beginnings
from .drivers import Steps
from .errors import CertificateRevokedError
from .message import HttpMessage
from .pki.path import build_path
from .pki.revocation import GivenData, check_revocation
from .pki.trust import TrustStore
from .policy import VerificationPolicy
from .reporting import message_notices, path_notices
from .result import A_VERIFIER, SignerIdentity, VerifiedMessage
from .steps import (
    BodyArrival,
    SignedMessage,
    check_fields,
    check_signer,
    check_times,
)
from .verdicts import PathVerdict, VerdictStore, lifetime

__all__ = ["Checked", "Occasion", "proof", "verification"]


class Occasion(NamedTuple):
    """What one verification goes by. A tuple, since one is made for every message.

    Attributes:
        at: The time to judge for, UTC.
        body: Whether the body is compared now.
        given: Revocation data that the caller brought along.
        beginnings: Reads the signature field.
        verdicts: Verdicts that may be used and added to; `None` for a check of another time or with given data.
        revocations: Hears of every revocation, whoever brought the data.
        source: The generation of whoever fetches, read before any check; `None` when there is none.
    """

    at: dt.datetime
    body: BodyArrival
    given: GivenData
    beginnings: Beginnings
    verdicts: VerdictStore | None
    revocations: VerdictStore
    source: object


class Checked(NamedTuple):
    """What every step found. With a body that was compared it is made into a proof.

    Attributes:
        signed: What steps 1 to 9 established.
        verdict: What step 11 did.
        at: The time that was judged for, UTC.
    """

    signed: SignedMessage
    verdict: PathVerdict
    at: dt.datetime


def verification(
    message: HttpMessage, trust: TrustStore, policy: VerificationPolicy, occasion: Occasion
) -> Steps[Checked]:
    """The steps in their order.

    Args:
        message: As it stands on the wire.
        trust: Anchors and intermediates.
        policy: What is accepted.
        occasion: When, with which data, and what is known already.

    Yields:
        Revocation data to read.

    Raises:
        VerificationError: The first step that fails.
        ConfigurationError: Something of ours is missing.
    """
    at, verdicts = occasion.at, occasion.verdicts
    # Steps 1 to 9; the digest is compared here when the body is at hand.
    known = None if verdicts is None else partial(verdicts.find, at=at, source=occasion.source)
    signed = check_fields(message, policy, occasion.body, find=known, beginnings=occasion.beginnings)
    # 10. The times.
    check_times(signed.times, signed.certificates.validity, policy, at)
    # 11. The certification path and its revocation, unless they are known.
    verdict = signed.verdict
    if verdict is None:
        verdict = yield from _judge(signed, trust, policy, occasion)
    # 12. Who signed.
    check_signer(verdict.identity, policy)
    if signed.verdict is not None and signed.read.known is None:
        _remember(signed, occasion.beginnings)
    return Checked(signed, verdict, at)


def _remember(signed: SignedMessage, beginnings: Beginnings) -> None:
    """Have the next fields of a signer who was met before read faster: first how they begin, then the whole header."""
    profile, read, key = signed.profile, signed.read, signed.verdict_key
    if read.beginning is None:
        beginnings.learn(signed.field, read, profile.algorithm, key)
    else:
        beginnings.learn_header(signed.field, read, profile, signed.covered, key)


def proof(message: HttpMessage, checked: Checked, policy: VerificationPolicy) -> VerifiedMessage:
    """The proof, of a message whose body was compared.

    Args:
        message: With that body.
        checked: From `verification`.
        policy: The same.
    """
    signed, verdict = checked.signed, checked.verdict
    return VerifiedMessage(
        message=message,
        profile=signed.profile,
        algorithm=signed.profile.algorithm,
        signing_time=signed.times.claimed,
        covered=signed.covered,
        signer=verdict.identity,
        path=verdict.path.certificates,
        revocation=verdict.evidence,
        protected=signed.read.protected,
        signature=signed.read.signature,
        verified_at=checked.at,
        notices=verdict.notices + message_notices(signed, policy),
        made_by=A_VERIFIER,
    )


def _judge(
    signed: SignedMessage, trust: TrustStore, policy: VerificationPolicy, occasion: Occasion
) -> Steps[PathVerdict]:
    """Step 11. Only a path that reached an anchor may cause a fetch."""
    at, verdicts, certificates = occasion.at, occasion.verdicts, signed.certificates
    generation = None if verdicts is None else verdicts.generation
    path = build_path(
        certificates.leaf,
        certificates.untrusted,
        trust=trust,
        requirements=policy.certificate,
        algorithm=signed.profile.algorithm,
        at=at,
    )
    try:
        findings = yield from check_revocation(path, policy.revocation, at=at, given=occasion.given)
    except CertificateRevokedError as error:
        occasion.revocations.revoked(error.sha256)
        raise
    identity = SignerIdentity.from_certificate(path.leaf)
    until = findings.valid_until
    verdict = PathVerdict(
        certificates=certificates,
        path=path,
        evidence=findings.evidence,
        identity=identity,
        notices=path_notices(certificates, identity, findings.evidence),
        from_time=at,
        valid_until=at if until is None else lifetime(path, findings.evidence, until, policy=policy.revocation, at=at),
        generation=generation,
        source=occasion.source,
    )
    if verdicts is not None and until is not None:
        verdicts.keep(signed.verdict_key, verdict)
    return verdict
