"""Certification paths (RFC 5280 §6): from the signer's certificate to a trust anchor, and whether it may sign.

The search and its cryptography are `cryptography`'s, which spends a bounded number of signature checks. It is given no
certificate of a stranger but those below a CA that is known here: see `candidates`. What follows are our own checks, and
finding out why a search failed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, VerificationError

from ..errors import CertificatePathError
from ..policy import CertificateRequirements
from ..profiles import SignatureAlgorithm
from . import requirements as checks
from .candidates import below_known_cas
from .certificate import check_validity, display_name
from .failure import explain
from .policies import valid_policies
from .trust import MAX_INTERMEDIATES_ON_PATH, TrustStore

__all__ = ["CertificationPath", "build_path", "find_path"]


@dataclass(frozen=True, slots=True)
class CertificationPath:
    """A path that met every check for one time and one set of requirements.

    Attributes:
        certificates: Signer first, trust anchor last.
        policies: The certificate policies for which it is valid; empty when it states none and none was asked for.
    """

    certificates: tuple[x509.Certificate, ...]
    policies: frozenset[str]

    @property
    def leaf(self) -> x509.Certificate:
        """The signer's certificate."""
        return self.certificates[0]


def _authority_policy() -> ExtensionPolicy:
    # The defaults are those of the web PKI: they demand clientAuth in any CA's EKU and know no policies. What is
    # permitted here is checked afterwards, in `requirements` and `policies`.
    policy = ExtensionPolicy.webpki_defaults_ca()
    for extension in (
        x509.CertificatePolicies,
        x509.PolicyConstraints,
        x509.InhibitAnyPolicy,
        x509.AuthorityKeyIdentifier,
        x509.ExtendedKeyUsage,
    ):
        policy = policy.may_be_present(extension, Criticality.AGNOSTIC, None)
    return policy


_AUTHORITIES = _authority_policy()
_SIGNERS = ExtensionPolicy.permit_all()


def build_path(
    leaf: x509.Certificate,
    untrusted: Sequence[x509.Certificate],
    *,
    trust: TrustStore,
    requirements: CertificateRequirements,
    algorithm: SignatureAlgorithm,
    at: dt.datetime,
) -> CertificationPath:
    """The certification path of a signer's certificate, when there is one that meets every requirement.

    Args:
        leaf: The signer's certificate.
        untrusted: What the signer sent along; used to find a path, trusted for nothing.
        trust: Anchors and further intermediates.
        requirements: What the signer's certificate must say.
        algorithm: Of the message's signature; decides which key types are accepted.
        at: The time to judge for, UTC.

    Raises:
        CertificatePathError: No path, or one that fails a check; the error names the certificate.
        CertificateExpiredError: A certificate is past its notAfter.
        CertificateNotYetValidError: A certificate is before its notBefore.
    """
    certificates = find_path(leaf, untrusted, trust=trust, at=at)
    checks.check_signer(leaf, requirements.extended_key_usages)
    checks.check_usage_nesting(certificates, requirements.extended_key_usages)
    checks.check_keys(certificates, algorithm)
    checks.check_authorities(certificates)
    return CertificationPath(certificates, valid_policies(certificates, requirements.policies))


def find_path(
    leaf: x509.Certificate, untrusted: Sequence[x509.Certificate], *, trust: TrustStore, at: dt.datetime
) -> tuple[x509.Certificate, ...]:
    """Certificates from this one to an anchor whose signatures hold and which are valid at that time; no more than that.

    For telling about a certificate. `build_path` is what accepts a signer.

    Args:
        leaf: The certificate in question, first in the result.
        untrusted: Candidates for CAs, trusted for nothing.
        trust: Anchors and further intermediates.
        at: The time to judge for, UTC.

    Raises:
        CertificatePathError: As `build_path`.
    """
    certificates = _search(leaf, untrusted, trust, at)
    for certificate in certificates:
        # The builder judges this too; asked again so that it holds for the anchor whatever the builder does with it.
        check_validity(certificate, at)
    return certificates


def _search(
    leaf: x509.Certificate, untrusted: Sequence[x509.Certificate], trust: TrustStore, at: dt.datetime
) -> tuple[x509.Certificate, ...]:
    verifier = (
        PolicyBuilder()
        .store(trust.store)
        .time(at)
        .max_chain_depth(MAX_INTERMEDIATES_ON_PATH)
        .extension_policies(ca_policy=_AUTHORITIES, ee_policy=_SIGNERS)
        .build_client_verifier()
    )
    try:
        chain = verifier.verify(leaf, [*below_known_cas(untrusted, trust), *trust.intermediates]).chain
    except VerificationError as error:
        raise explain(leaf, untrusted, trust=trust, at=at, reason=str(error)) from None
    except Exception:  # noqa: BLE001 - a form that the certificate parser accepts and the path builder does not
        name = display_name(leaf)
        raise CertificatePathError(f"the path of certificate {name} cannot be built", certificate=name) from None
    if len(chain) == 1:
        # The signer's certificate is itself an anchor: then no CA vouches for it and nothing could revoke it.
        name = display_name(leaf)
        raise CertificatePathError(f"certificate {name} is itself a trust anchor", certificate=name)
    return tuple(chain)
