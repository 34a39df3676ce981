"""Whom the messages of the probe are signed by: the good signer, and those that must be refused. No message is made here.

With the CA keys of a `dev-pki` folder the others are issued on the spot. In an acceptance environment, where nobody has such
keys, they lie in a folder under agreed names.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from ...credentials import SigningCredential
from ...errors import ConfigurationError
from ...pki.identity import Oin, common_name, oin_of, organization
from ...testing.folder import load_hierarchy, register_in
from ...testing.revocation import Revocation
from .cases import Material
from .copies import copied

__all__ = ["Credentials", "credentials"]

EXPIRED_AGO = dt.timedelta(seconds=90)
"""How long an issued certificate has expired: longer than clocks may differ, and not so long that iat within it is old."""

REVOKED_AGO = dt.timedelta(minutes=1)

_TEST_OIN = "00000099000000001000"
"""Of the register's range for tests: nobody may ask with it."""

_OF_THE_NUMBER = 15
"""Place of a digit of an OIN's number, whichever the register: behind the eight of the prefix stand eight or nine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What messages are signed with.

    Attributes:
        good: Trusted by the provider, and allowed to ask.
        foreign: The same certificates with other keys, under another root.
        others: What there is of the rest.
    """

    good: SigningCredential = field(repr=False)
    foreign: SigningCredential = field(repr=False)
    others: Mapping[Material, SigningCredential] = field(repr=False)


def credentials(
    good: SigningCredential,
    *,
    at: dt.datetime,
    pki: Path | None = None,
    folder: Path | None = None,
    password: bytes | None = None,
) -> Credentials:
    """All credentials that can be had.

    Args:
        good: Of the good signer.
        at: The time, UTC.
        pki: Folder of `dev-pki new` with CA keys, which must have issued the good one. What is revoked is written there.
        folder: Folder with `expired-chain.pem`, `expired-key.pem` and the same for `revoked` and `other-oin`, as far as they
            are at hand; these go before those of `pki`.
        password: Of the keys in `folder` that are encrypted.

    Raises:
        ConfigurationError: A file cannot be used, or a certificate is not what its name says.
        OSError: What is revoked cannot be written.
    """
    others: dict[Material, SigningCredential] = {}
    if folder is not None:
        others |= _found(folder, password)
        _check(others, good, at)
    if pki is not None:
        others = {**_issued(good.chain[0], pki, at, frozenset(Material) - frozenset(others)), **others}
    return Credentials(good=good, foreign=copied(good), others=MappingProxyType(others))


# --- from the CA keys ----------------------------------------------------------------------------------------------


def _issued(
    good: x509.Certificate, pki: Path, at: dt.datetime, wanted: frozenset[Material]
) -> dict[Material, SigningCredential]:
    hierarchy = load_hierarchy(pki)
    try:
        good.verify_directly_issued_by(hierarchy.tsp.certificate)
    except (ValueError, TypeError, InvalidSignature):
        raise ConfigurationError("the signer's certificate was not issued by the CAs in the folder of --pki") from None
    found: dict[Material, SigningCredential] = {}
    own = oin_of(good)
    issue = partial(
        hierarchy.tsp.issue,
        common_name=common_name(good) or "probe",
        organization=organization(good) or "probe",
        oin=None if own is None else str(own),
    )
    ends = (at - EXPIRED_AGO).replace(microsecond=0)
    if Material.EXPIRED in wanted and ends - hierarchy.tsp.certificate.not_valid_before_utc > EXPIRED_AGO:
        found[Material.EXPIRED] = issue(not_after=ends).credential
    if Material.OTHER_OIN in wanted:
        found[Material.OTHER_OIN] = issue(oin=_other_than(own)).credential
    if Material.REVOKED in wanted:
        revoked = issue()
        since = max((at - REVOKED_AGO).replace(microsecond=0), revoked.certificate.not_valid_before_utc)
        register_in(pki).revoke(Revocation.of(revoked.certificate, since, None))
        found[Material.REVOKED] = revoked.credential
    return found


def _other_than(own: Oin | None) -> str:
    """Another OIN of the same kind: one for tests could be refused because it is one."""
    if own is None:
        return _TEST_OIN
    digits = str(own)
    before, digit, behind = digits[:_OF_THE_NUMBER], digits[_OF_THE_NUMBER], digits[_OF_THE_NUMBER + 1 :]
    return f"{before}{(int(digit) + 1) % 10}{behind}"


# --- from a folder -------------------------------------------------------------------------------------------------


def _found(folder: Path, password: bytes | None) -> dict[Material, SigningCredential]:
    found: dict[Material, SigningCredential] = {}
    for material in Material:
        chain, key = folder / f"{material.value}-chain.pem", folder / f"{material.value}-key.pem"
        if not chain.exists() and not key.exists():
            continue
        try:
            chain_pem, key_pem = chain.read_bytes(), key.read_bytes()
        except OSError:
            raise ConfigurationError(f"{chain.name} and {key.name} go together, and one cannot be read") from None
        encrypted = b"ENCRYPTED" in key_pem
        try:
            found[material] = SigningCredential.from_pem(key_pem, chain_pem, password=password if encrypted else None)
        except ConfigurationError as error:
            raise ConfigurationError(f"{chain.name} and {key.name}: {error}") from None
    if not found:
        names = ", ".join(f"{material.value}-chain.pem" for material in Material)
        raise ConfigurationError(f"the folder of --certificates holds none of {names}")
    return found


def _check(found: Mapping[Material, SigningCredential], good: SigningCredential, at: dt.datetime) -> None:
    expired, other = found.get(Material.EXPIRED), found.get(Material.OTHER_OIN)
    if expired is not None and expired.chain[0].not_valid_after_utc >= at:
        raise ConfigurationError("the certificate in expired-chain.pem has not expired")
    if other is not None and oin_of(other.chain[0]) == oin_of(good.chain[0]):
        raise ConfigurationError("the certificate in other-oin-chain.pem has the OIN of the good signer")
    for material, credential in found.items():
        if material is not Material.EXPIRED and not (
            credential.chain[0].not_valid_before_utc <= at <= credential.chain[0].not_valid_after_utc
        ):
            raise ConfigurationError(f"the certificate in {material.value}-chain.pem is not valid now")
