"""pytest fixtures for projects that sign or verify with nlgov-jades.

Put one line into the `conftest.py` at the root of your tests; nothing is loaded without it, so that no other test run
pays for the import:

`pytest_plugins = ["nlgov_jades.testing.plugin"]`

A test that signs, verifies, and sees a revocation:

```python
def test_a_revoked_signer_is_refused(nlgov_jades_signer, nlgov_jades_responder, nlgov_jades_verifier):
    signed = request.with_fields(Signer(nlgov_jades_signer.credential, profile=profiles.ADR_PAYLOAD).sign(request))
    nlgov_jades_verifier.verify(signed, crls=nlgov_jades_responder.crls())
    nlgov_jades_responder.revoke(nlgov_jades_signer)
    with pytest.raises(errors.CertificateRevokedError):
        nlgov_jades_verifier.verify(signed, crls=nlgov_jades_responder.crls())
```
"""

from __future__ import annotations

from collections.abc import Iterator

try:
    import pytest
except ImportError:  # pragma: no cover - pytest is there when tests run
    raise ImportError("the fixtures need an extra: pip install 'nlgov-jades[testing]'") from None

from .. import profiles
from ..pki.identity import Oin
from ..policy import VerificationPolicy
from ..verify import Verifier
from .hierarchy import EXAMPLE_OIN, Hierarchy, Issued
from .responder import Responder

__all__ = [
    "nlgov_jades_hierarchy",
    "nlgov_jades_responder",
    "nlgov_jades_signer",
    "nlgov_jades_verifier",
    "nlgov_jades_verifier_policy",
]


@pytest.fixture(scope="session")
def _nlgov_jades_running_responder() -> Iterator[Responder]:
    """One for the whole session: the certificates name its port."""
    with Responder() as responder:
        yield responder


@pytest.fixture(scope="session")
def nlgov_jades_hierarchy(_nlgov_jades_running_responder: Responder) -> Hierarchy:
    """Throw-away root, domain CA and TSP CA, valid for a year, whose certificates name a responder on this machine.

    `nlgov_jades_hierarchy.trust` is the TrustStore for a verifier; `.tsp.issue(oin=…)` makes more signers.
    """
    hierarchy = Hierarchy.new(revocation_url=_nlgov_jades_running_responder.url)
    _nlgov_jades_running_responder.add(hierarchy)
    return hierarchy


@pytest.fixture(scope="session")
def nlgov_jades_signer(nlgov_jades_hierarchy: Hierarchy) -> Issued:
    """A signer with OIN 00000001002220647000. `.credential` is what a Signer takes; `.chain_pem` and `.key_pem()` are files."""
    return nlgov_jades_hierarchy.tsp.issue()


@pytest.fixture
def nlgov_jades_responder(
    nlgov_jades_hierarchy: Hierarchy, _nlgov_jades_running_responder: Responder
) -> Iterator[Responder]:
    """The responder for OCSP and CRLs of `nlgov_jades_hierarchy`, in which nothing is revoked.

    `.revoke(certificate)` and `.behave(Behaviour.SILENT)` hold for one test; `.requests` is what it was asked in that test.
    """
    _ = nlgov_jades_hierarchy  # it answers for this one
    _nlgov_jades_running_responder.reset()
    yield _nlgov_jades_running_responder
    _nlgov_jades_running_responder.reset()


@pytest.fixture
def nlgov_jades_verifier_policy() -> VerificationPolicy:
    """A policy that accepts `nlgov_jades_signer` under the profile `adr-payload`, with revocation checked (hard-fail).

    Override it in your `conftest.py` for another profile: `return nlgov_jades_verifier_policy.replace(profiles=(…,))`.
    """
    return VerificationPolicy(profiles=(profiles.ADR_PAYLOAD,), signers={Oin(EXAMPLE_OIN)})


@pytest.fixture
def nlgov_jades_verifier(nlgov_jades_hierarchy: Hierarchy, nlgov_jades_verifier_policy: VerificationPolicy) -> Verifier:
    """A verifier that trusts `nlgov_jades_hierarchy` only, and opens no connection: give it `crls=nlgov_jades_responder.crls()`."""
    return Verifier(trust=nlgov_jades_hierarchy.trust, policy=nlgov_jades_verifier_policy)
