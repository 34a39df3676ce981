"""The numbers of an RSA key that do not belong together are found before anything is signed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from asn1crypto import keys, pem
from cryptography.hazmat.primitives.asymmetric import rsa

from nlgov_jades import SigningCredential
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.testing import Hierarchy, Issued

NUMBERS = ("private_exponent", "prime1", "prime2", "exponent1", "exponent2", "coefficient")


@pytest.fixture(scope="module")
def signer() -> Issued:
    return Hierarchy.new().tsp.issue()


def with_numbers(signer: Issued, **changed: int) -> bytes:
    """The signer's key as PKCS#1, some of its numbers others."""
    assert isinstance(signer.key, rsa.RSAPrivateKey)
    numbers = signer.key.private_numbers()
    values: Mapping[str, int] = {
        "modulus": numbers.public_numbers.n,
        "public_exponent": numbers.public_numbers.e,
        "private_exponent": numbers.d,
        "prime1": numbers.p,
        "prime2": numbers.q,
        "exponent1": numbers.dmp1,
        "exponent2": numbers.dmq1,
        "coefficient": numbers.iqmp,
    }
    der = keys.RSAPrivateKey({"version": 0, **values, **changed}).dump()
    armored: bytes = pem.armor("RSA PRIVATE KEY", der)
    return armored


def test_the_numbers_of_a_good_key_belong_together(signer: Issued) -> None:
    credential = SigningCredential.from_pem(with_numbers(signer), signer.chain_pem)
    assert credential.chain_der == signer.credential.chain_der


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("change", [-2, -1, 1, 2])
def test_one_number_that_is_another_is_found(signer: Issued, name: str, change: int) -> None:
    assert isinstance(signer.key, rsa.RSAPrivateKey)
    true = keys.RSAPrivateKey.load(pem.unarmor(with_numbers(signer))[2])[name].native
    with pytest.raises(ConfigurationError) as caught:
        SigningCredential.from_pem(with_numbers(signer, **{name: true + change}), signer.chain_pem)
    assert str(true + change) not in str(caught.value)


@pytest.mark.parametrize(
    ("first", "second"),
    [("prime1", "prime2"), ("exponent1", "exponent2")],
    ids=["the primes", "the exponents"],
)
def test_two_numbers_in_each_other_s_place_are_found(signer: Issued, first: str, second: str) -> None:
    native = keys.RSAPrivateKey.load(pem.unarmor(with_numbers(signer))[2]).native
    swapped = {first: native[second], second: native[first]}
    with pytest.raises(ConfigurationError):
        SigningCredential.from_pem(with_numbers(signer, **swapped), signer.chain_pem)


@pytest.mark.parametrize(
    "changed",
    [
        {"prime1": 1},
        {"prime2": 0},
        {"prime1": 0, "prime2": 0},
        {"exponent1": 0},
        {"private_exponent": 1},
        {"coefficient": 0},
        {"exponent1": -1},
        {"prime1": -3},
    ],
    ids=str,
)
def test_numbers_that_no_key_has_are_found(signer: Issued, changed: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError):
        SigningCredential.from_pem(with_numbers(signer, **changed), signer.chain_pem)


def test_the_trivial_factors_of_the_modulus_are_found(signer: Issued) -> None:
    assert isinstance(signer.key, rsa.RSAPrivateKey)
    n = signer.key.private_numbers().public_numbers.n
    with pytest.raises(ConfigurationError):
        SigningCredential.from_pem(with_numbers(signer, prime1=n, prime2=1), signer.chain_pem)
