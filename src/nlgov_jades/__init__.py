"""Sign and verify HTTP messages the way Dutch government APIs ask for it.

A JAdES detached JWS in a header field (`nlgov-adr-payload-sig`), over the `Digest` of the exact body, made with a
PKIoverheid certificate and checked up to a trust anchor:

    credential = SigningCredential.from_pem(key_pem, chain_pem)
    request = HttpRequest(method="POST", target="/v1/gegevens", fields=fields, body=body)
    request = request.with_fields(Signer(credential, profile=profiles.DDAS).sign(request))

    policy = VerificationPolicy(profiles=(profiles.DDAS,), signers={Oin("00000001002220647000")})
    verified = Verifier(trust=TrustStore.from_pem(roots_pem), policy=policy).verify(request)
    use(verified.body)      # these octets were verified; anything else raises errors.VerificationError
"""

from . import errors, profiles
from .credentials import AsyncPrivateKey, PrivateKey, SigningCredential
from .digest import BodyDigest
from .message import Fields, HttpRequest, HttpResponse, SignedFields
from .pki.identity import Kvk, Oin
from .pki.trust import TrustStore
from .policy import (
    ANY_MEDIA_TYPE,
    ANY_TRUSTED,
    CertificateRequirements,
    RevocationPolicy,
    VerificationPolicy,
)
from .result import SignerIdentity, VerifiedMessage
from .sign import AsyncSigner, HeaderForm, SendChain, Signer
from .verify import AsyncVerifier, PendingMessage, Verifier

__all__ = [
    "ANY_MEDIA_TYPE",
    "ANY_TRUSTED",
    "AsyncPrivateKey",
    "AsyncSigner",
    "AsyncVerifier",
    "BodyDigest",
    "CertificateRequirements",
    "Fields",
    "HeaderForm",
    "HttpRequest",
    "HttpResponse",
    "Kvk",
    "Oin",
    "PendingMessage",
    "PrivateKey",
    "RevocationPolicy",
    "SendChain",
    "SignedFields",
    "Signer",
    "SignerIdentity",
    "SigningCredential",
    "TrustStore",
    "VerificationPolicy",
    "VerifiedMessage",
    "Verifier",
    "errors",
    "profiles",
]

__version__ = "0.1.0"
