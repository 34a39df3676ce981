"""Whether the numbers of an RSA private key belong together. Arithmetic only."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import rsa

from .errors import ConfigurationError

__all__ = ["check_rsa_key"]


def check_rsa_key(key: rsa.RSAPrivateKey) -> None:
    """Return when a key's numbers are those of its modulus (RFC 8017 §3.2), so that no signature betrays a factor.

    Whether p and q are prime is not asked, which is what takes long. The modulus stands in a certificate, and a CA vouches
    for it; two factors of it that are not 1 are its primes, or its owner has published a modulus that is none.

    Args:
        key: Loaded without a check of its own. Its modulus is that of the signer's certificate.

    Raises:
        ConfigurationError: A number is another one.
    """
    numbers = key.private_numbers()
    n, e = numbers.public_numbers.n, numbers.public_numbers.e
    p, q = numbers.p, numbers.q
    fits = (
        min(p, q) > 1
        and p % 2 == q % 2 == 1
        and p * q == n
        and 0 < numbers.d < n
        and numbers.d % (p - 1) == numbers.dmp1
        and numbers.d % (q - 1) == numbers.dmq1
        and e * numbers.dmp1 % (p - 1) == 1
        and e * numbers.dmq1 % (q - 1) == 1
        and 0 < numbers.iqmp < p
        and numbers.iqmp * q % p == 1
    )
    if not fits:
        raise ConfigurationError("the private key is damaged: its numbers do not belong together")
