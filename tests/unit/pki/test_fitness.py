"""What a certificate is fit for, told in sentences."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509 import Certificate
from cryptography.x509.oid import NameOID

from nlgov_jades.pki.fitness import describe_key, fit_for_signing, fit_for_tls, is_test, is_trial, policy_names
from nlgov_jades.testing import Hierarchy

ARC = "2.16.528.1.1003.1.2."
SERVER, CLIENT = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"

Make = Callable[..., Certificate]


@pytest.fixture(scope="module")
def signing(hierarchy: Hierarchy, leaf_key: rsa.RSAPrivateKey) -> Make:
    """A certificate that is fit for signing, but for what is said."""
    standard: dict[str, Any] = {"key": leaf_key}
    return lambda **parts: hierarchy.tsp.issue(**(standard | parts)).certificate


@pytest.fixture(scope="module")
def tls(hierarchy: Hierarchy, leaf_key: rsa.RSAPrivateKey) -> Make:
    """A certificate that is fit for TLS, but for what is said."""
    plain: dict[str, Any] = {
        "key": leaf_key,
        "extended_key_usages": (SERVER, CLIENT),
        "policies": (ARC + "8.6",),
    }
    return lambda **parts: hierarchy.tsp.issue(**(plain | parts)).certificate


def test_a_certificate_for_signing_is_fit_for_signing(signing: Make) -> None:
    assert fit_for_signing(signing()).obstacles == ()
    assert fit_for_signing(signing(oin=None, kvk="12345678")).obstacles == ()


@pytest.mark.parametrize("usage", [CLIENT, "1.3.6.1.5.5.7.3.4", "1.3.6.1.4.1.311.10.3.12", "1.3.6.1.5.5.7.3.36"])
def test_the_usages_of_older_services_certificates_are_fit_for_signing_too(signing: Make, usage: str) -> None:
    assert fit_for_signing(signing(extended_key_usages=(usage,))).obstacles == ()


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"usages": ("key_encipherment",)}, "has no keyUsage with digitalSignature"),
        ({"extended_key_usages": (SERVER,)}, "is for TLS servers"),
        ({"policies": None}, "it states no PKIoverheid certificate policy for signing"),
        ({"policies": (ARC + "8.6",)}, "it states no PKIoverheid certificate policy for signing"),
        ({"oin": None}, "the subject holds neither an OIN nor a KVK number"),
        ({"oin": "00000099000000001000"}, "its OIN is a test number"),
        ({"policies": (ARC + "8.4", ARC + "41.16.25.4")}, "it is from the TRIAL hierarchy"),
        ({"more_subject": ((NameOID.SURNAME, "Jansen"),)}, "the subject holds neither an OIN nor a KVK number"),
    ],
)
def test_one_thing_that_is_wrong_for_signing_is_the_one_obstacle(
    signing: Make, parts: dict[str, Any], words: str
) -> None:
    (obstacle,) = fit_for_signing(signing(**parts)).obstacles
    assert words in obstacle


def test_a_key_of_another_type_is_an_obstacle_for_signing(signing: Make, p256_key: ec.EllipticCurvePrivateKey) -> None:
    (obstacle,) = fit_for_signing(signing(key=p256_key)).obstacles
    assert "PS256" in obstacle


def test_all_obstacles_are_told(signing: Make, p256_key: ec.EllipticCurvePrivateKey) -> None:
    parts = {"key": p256_key, "usages": (), "policies": (ARC + "41.1",), "oin": "00000099000000001000"}
    assert len(fit_for_signing(signing(**parts)).obstacles) == 5


def test_a_certificate_for_tls_is_fit_for_tls(tls: Make) -> None:
    assert fit_for_tls(tls()).obstacles == ()


@pytest.mark.parametrize("policy", ["5.6", "8.6", "44.15.35.11"], ids=["G3", "G1", "G4"])
def test_a_certificate_for_tls_of_each_hierarchy_is_fit_for_tls_and_not_for_signing(tls: Make, policy: str) -> None:
    certificate = tls(policies=(ARC + policy,))
    assert fit_for_tls(certificate).obstacles == ()
    assert "it states no PKIoverheid certificate policy for signing" in fit_for_signing(certificate).obstacles


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"extended_key_usages": (SERVER,)}, "extendedKeyUsage does not hold clientAuth"),
        ({"extended_key_usages": (CLIENT,)}, "extendedKeyUsage does not hold serverAuth"),
        ({"extended_key_usages": None}, "extendedKeyUsage does not hold clientAuth and serverAuth"),
        ({"usages": ("key_encipherment",)}, "keyUsage does not hold digitalSignature"),
        ({"usages": ()}, "keyUsage does not hold digitalSignature"),
        ({"oin": None}, "the subject holds no OIN"),
        ({"oin": "00000099000000001000"}, "its OIN is a test number"),
        ({"policies": (ARC + "8.4",)}, "it states no PKIoverheid certificate policy for TLS"),
        ({"policies": (ARC + "8.6", ARC + "41.15.35.11")}, "it is from the TRIAL hierarchy"),
    ],
)
def test_one_thing_that_is_wrong_for_tls_is_the_one_obstacle(tls: Make, parts: dict[str, Any], words: str) -> None:
    (obstacle,) = fit_for_tls(tls(**parts)).obstacles
    assert words in obstacle


def test_a_certificate_for_one_job_is_not_fit_for_the_other(signing: Make, tls: Make) -> None:
    assert fit_for_signing(tls()).obstacles
    assert fit_for_tls(signing()).obstacles


def test_trial_and_test_are_told_apart(signing: Make) -> None:
    trial, test = signing(policies=(ARC + "41.16.25.4",)), signing(oin="00000099000000001000")
    assert (is_trial(trial), is_test(trial)) == (True, False)
    assert (is_trial(test), is_test(test)) == (False, True)
    none = signing(policies=None, oin=None)
    assert (is_trial(none), is_test(none)) == (False, False)


def test_policies_are_named_in_order(signing: Make) -> None:
    named = policy_names(signing(policies=("1.2.3", ARC + "8.4")))
    assert named == ["1.2.3", "2.16.528.1.1003.1.2.8.4 (private services: authenticity (G1))"]
    assert policy_names(signing(policies=None)) == []


def test_a_key_is_described(signing: Make, p256_key: ec.EllipticCurvePrivateKey) -> None:
    assert describe_key(signing()) == "RSA 2048"
    assert describe_key(signing(key=p256_key)) == "secp256r1"
    assert describe_key(signing(key=ed25519.Ed25519PrivateKey.generate())) == "of another type"


def test_what_was_found_is_not_changed(signing: Make) -> None:
    found = fit_for_signing(signing(oin=None))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.obstacles = ()  # type: ignore[misc]  # that it cannot be set is what is tested
