"""The pytest plugin, as another project meets it: a fresh folder, one line in its conftest."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

CONFTEST = 'pytest_plugins = ["nlgov_jades.testing.plugin"]\n'

SIGNS = """
import pytest
from nlgov_jades import HttpRequest, Signer, errors, profiles

@pytest.fixture
def signed(nlgov_jades_signer):
    fields = [("Host", "x"), ("Content-Type", "application/json"), ("Content-Length", "2")]
    request = HttpRequest(method="POST", target="/", fields=fields, body=b"{}")
    return request.with_fields(Signer(nlgov_jades_signer.credential, profile=profiles.ADR_PAYLOAD).sign(request))

def test_a_signer_is_accepted(signed, nlgov_jades_verifier, nlgov_jades_responder, nlgov_jades_signer):
    verified = nlgov_jades_verifier.verify(signed, crls=nlgov_jades_responder.crls())
    assert str(verified.signer.oin) == "00000001002220647000"
    nlgov_jades_responder.revoke(nlgov_jades_signer)
    with pytest.raises(errors.CertificateRevokedError):
        nlgov_jades_verifier.verify(signed, crls=nlgov_jades_responder.crls())

def test_the_next_test_starts_afresh(signed, nlgov_jades_verifier, nlgov_jades_responder):
    assert nlgov_jades_responder.requests == ()
    nlgov_jades_verifier.verify(signed, crls=nlgov_jades_responder.crls())

def test_certificates_name_the_responder(nlgov_jades_hierarchy, nlgov_jades_responder):
    assert nlgov_jades_hierarchy.tsp.revocation_url == nlgov_jades_responder.url

def test_without_revocation_data_nobody_knows(signed, nlgov_jades_verifier):
    with pytest.raises(errors.RevocationUnknownError):
        nlgov_jades_verifier.verify(signed)
"""

OVERRIDES = """
import pytest
from nlgov_jades import profiles

@pytest.fixture
def nlgov_jades_verifier_policy(nlgov_jades_verifier_policy):
    return nlgov_jades_verifier_policy.replace(profiles=(profiles.DDAS,))

def test_the_policy_is_ones_own(nlgov_jades_verifier_policy, nlgov_jades_verifier):
    assert nlgov_jades_verifier.policy is nlgov_jades_verifier_policy
    assert nlgov_jades_verifier.policy.profiles == (profiles.DDAS,)
"""


def test_a_fresh_project_uses_the_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_signs=SIGNS, test_overrides=OVERRIDES)
    # In a process of its own: there the plugin is loaded for the first time. -W error: no socket or thread is left.
    result = pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider", "-p", "no:xdist")
    result.assert_outcomes(passed=5)


def test_every_fixture_says_what_it_is(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    result = pytester.runpytest_subprocess("--fixtures", "-p", "no:cacheprovider")
    shown = result.stdout.str()
    for name in ("hierarchy", "signer", "responder", "verifier", "verifier_policy"):
        assert f"nlgov_jades_{name} " in shown
    assert "no docstring available" not in shown.partition("nlgov_jades_")[2]


def test_nothing_of_pytest_is_imported_without_the_plugin() -> None:
    code = "import sys, nlgov_jades.testing; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
