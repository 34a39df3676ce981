"""What a certificate is fit for, in plain words: signing DDAS messages, TLS on Digikoppeling. Tells, accepts nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ..errors import CertificatePathError, UnsupportedAlgorithmError
from ..jws import check_key
from ..policy import CertificateRequirements, ExtendedKeyUsages
from ..profiles import SignatureAlgorithm
from . import requirements
from .certificate import extended_key_usages, key_usage
from .identity import kvk_of, oin_of
from .pkioverheid import POLICIES, TLS_POLICIES, TRIAL_ARC
from .policies import policies_of

__all__ = ["Fitness", "describe_key", "fit_for_signing", "fit_for_tls", "is_test", "is_trial", "policy_names"]

_SERVER_AUTH, _CLIENT_AUTH = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"


@dataclass(frozen=True, slots=True)
class Fitness:
    """Whether a certificate is fit for a job.

    Attributes:
        obstacles: What stands in the way, one sentence each; empty when nothing does.
    """

    obstacles: tuple[str, ...]


def fit_for_signing(certificate: x509.Certificate) -> Fitness:
    """DDAS: a PKIoverheid certificate for authenticity or a seal, RSA, for an organisation with an OIN or KVK number."""
    found: list[str] = []
    try:
        check_key(certificate.public_key(), SignatureAlgorithm.PS256)
    except UnsupportedAlgorithmError as error:
        found.append(error.detail)
    try:
        requirements.check_signer(certificate, ExtendedKeyUsages.COMMON)
    except CertificatePathError as error:
        found.append(error.detail)
    wanted = CertificateRequirements.PKIOVERHEID_SIGNING.policies
    return Fitness((*found, *_policy_obstacles(certificate, wanted, "signing"), *_organisation_obstacles(certificate)))


def fit_for_tls(certificate: x509.Certificate) -> Fitness:
    """Digikoppeling: a PKIoverheid certificate for TLS on both sides, with an OIN."""
    found: list[str] = []
    usages = extended_key_usages(certificate) or frozenset()
    if missing := sorted(
        {_SERVER_AUTH: "serverAuth", _CLIENT_AUTH: "clientAuth"}[oid] for oid in {_SERVER_AUTH, _CLIENT_AUTH} - usages
    ):
        found.append(f"extendedKeyUsage does not hold {' and '.join(missing)}")
    usage = key_usage(certificate)
    if usage is None or not usage.digital_signature:
        found.append("keyUsage does not hold digitalSignature")
    if oin_of(certificate) is None:
        found.append("the subject holds no OIN")
    return Fitness((*found, *_policy_obstacles(certificate, TLS_POLICIES, "TLS"), *_trial_obstacles(certificate)))


def _policy_obstacles(certificate: x509.Certificate, wanted: frozenset[str], job: str) -> Sequence[str]:
    if wanted & (policies_of(certificate) or frozenset()):
        return ()
    return (f"it states no PKIoverheid certificate policy for {job}",)


def _organisation_obstacles(certificate: x509.Certificate) -> Sequence[str]:
    found = [] if oin_of(certificate) or kvk_of(certificate) else ["the subject holds neither an OIN nor a KVK number"]
    return (*found, *_trial_obstacles(certificate))


def _trial_obstacles(certificate: x509.Certificate) -> Sequence[str]:
    found = ["it is from the TRIAL hierarchy, not for production"] if is_trial(certificate) else []
    return (*found, *(["its OIN is a test number (prefix 99), not for production"] if is_test(certificate) else []))


def is_trial(certificate: x509.Certificate) -> bool:
    """Whether it names a policy of the TRIAL hierarchy."""
    return any(oid.startswith(TRIAL_ARC) for oid in policies_of(certificate) or ())


def is_test(certificate: x509.Certificate) -> bool:
    """Whether its OIN is a test number."""
    oin = oin_of(certificate)
    return oin is not None and oin.is_test


def policy_names(certificate: x509.Certificate) -> list[str]:
    """Its certificate policies, with what PKIoverheid calls them."""
    return [f"{oid} ({POLICIES[oid]})" if oid in POLICIES else oid for oid in sorted(policies_of(certificate) or ())]


def describe_key(certificate: x509.Certificate) -> str:
    """Type and size of its key."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else "of another type"
