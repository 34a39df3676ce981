"""Our judgement of a chain as one word, for tables: `VALID`, or the code of the error."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Final

from cryptography import x509

from nlgov_jades.errors import FetchError, VerificationError
from nlgov_jades.pki.path import CertificationPath, build_path
from nlgov_jades.pki.revocation import (
    FetchRequest,
    GivenData,
    RevocationData,
    RevocationFindings,
    check_revocation,
)
from nlgov_jades.pki.trust import TrustStore
from nlgov_jades.policy import CertificateRequirements, RevocationPolicy
from nlgov_jades.profiles import SignatureAlgorithm

VALID: Final = "VALID"

Fetch = Callable[[FetchRequest], RevocationData | FetchError]


def offline(_: FetchRequest) -> FetchError:
    """What a verifier without a fetcher answers."""
    return FetchError("no network")


def findings(
    path: CertificationPath, policy: RevocationPolicy, *, at: dt.datetime, given: GivenData, fetch: Fetch = offline
) -> RevocationFindings:
    """Runs `check_revocation` to its end."""
    steps = check_revocation(path, policy, at=at, given=given)
    try:
        request = next(steps)
        while True:
            request = steps.send(fetch(request))
    except StopIteration as stop:
        found: RevocationFindings = stop.value
        return found


def judge(
    leaf: x509.Certificate,
    untrusted: Sequence[x509.Certificate],
    *,
    trust: TrustStore,
    at: dt.datetime,
    given: GivenData,
    policies: frozenset[str] | None = None,
    algorithm: SignatureAlgorithm = SignatureAlgorithm.PS256,
    revocation: RevocationPolicy = RevocationPolicy.HARD_FAIL,
    fetch: Fetch = offline,
) -> tuple[str, str]:
    """Path and revocation; the verdict and the words that go with it."""
    requirements = CertificateRequirements.GENERIC
    if policies is not None:
        requirements = requirements.replace(policies=policies)
    try:
        path = build_path(leaf, untrusted, trust=trust, requirements=requirements, algorithm=algorithm, at=at)
        found = findings(path, revocation, at=at, given=given, fetch=fetch)
    except VerificationError as error:
        return error.code, error.detail
    return VALID, " ".join(str(item.status) for item in found.evidence)
