"""What a verification accepted and a person should know: the notices of a certification path, and of a message."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric import rsa

from .notice import Notice, NoticeCode
from .pki.pkioverheid import TRIAL_ARC
from .pki.policies import policies_of
from .policy import ANY_MEDIA_TYPE, ANY_TRUSTED, VerificationPolicy
from .result import RevocationEvidence, RevocationStatus, SignerIdentity
from .steps import SignedMessage
from .verdicts import SignerCertificates

__all__ = ["message_notices", "path_notices"]

_RECOMMENDED_RSA_BITS = 3072
"""What ETSI TS 119 312 asks of keys used after 2028; smaller ones are accepted and reported."""

# Made once: they are the same for every message.
_SMALL_KEY = Notice(NoticeCode.SMALL_KEY, "the signer's RSA key is below 3072 bits")
_RSIN_CHECK = Notice(NoticeCode.RSIN_CHECK, "the RSIN in the signer's OIN fails the eleven-test")
_TRIAL_CERTIFICATE = Notice(
    NoticeCode.TRIAL_CERTIFICATE, "the signer's certificate is from PKIoverheid's TRIAL hierarchy"
)
_REVOCATION_UNCHECKED = Notice(
    NoticeCode.REVOCATION_UNCHECKED, "revocation was not checked for every certificate: a withdrawn one passes"
)
_NO_SIGNING_TIME = Notice(
    NoticeCode.NO_SIGNING_TIME,
    "the signature states no signing time (iat): nothing tells an old message from a new one",
)
_AGE_UNLIMITED = Notice(
    NoticeCode.AGE_UNLIMITED, "no maximum age is set: a recorded message passes as often as it is sent"
)
_ANY_SIGNER = Notice(
    NoticeCode.ANY_SIGNER,
    "any signer with a trusted certificate is accepted: compare the OIN with the party you expect",
)
_CONTENT_TYPE_UNSIGNED = Notice(
    NoticeCode.CONTENT_TYPE_UNSIGNED, "Content-Type is not covered by the signature and any is accepted"
)


def path_notices(
    certificates: SignerCertificates, identity: SignerIdentity, evidence: Sequence[RevocationEvidence]
) -> tuple[Notice, ...]:
    """What is worth telling about the signer's certification path, whatever the message."""
    found = []
    key = certificates.key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _RECOMMENDED_RSA_BITS:
        found.append(_SMALL_KEY)
    if identity.oin is not None and not identity.oin.passes_eleven_test():
        found.append(_RSIN_CHECK)
    if any(oid.startswith(TRIAL_ARC) for oid in policies_of(certificates.leaf) or ()):
        found.append(_TRIAL_CERTIFICATE)
    if any(entry.status is RevocationStatus.UNCHECKED for entry in evidence):
        found.append(_REVOCATION_UNCHECKED)
    return tuple(found)


def message_notices(signed: SignedMessage, policy: VerificationPolicy) -> tuple[Notice, ...]:
    """What is worth telling about this message under this policy."""
    found = []
    if signed.times.claimed is None:
        found.append(_NO_SIGNING_TIME)
    if policy.max_age is None:
        found.append(_AGE_UNLIMITED)
    if policy.signers is ANY_TRUSTED:
        found.append(_ANY_SIGNER)
    if policy.media_types is ANY_MEDIA_TYPE and "content-type" not in signed.covered:
        found.append(_CONTENT_TYPE_UNSIGNED)
    return tuple(found)
