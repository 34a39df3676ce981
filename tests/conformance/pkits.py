"""The NIST PKITS tests as data: the table in `pkits_tests.txt`, the certificates and CRLs in `cryptography_vectors`."""

from __future__ import annotations

import datetime as dt
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import cryptography_vectors
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from nlgov_jades.pki.certificate import UnreadableCertificateError, load_der
from nlgov_jades.pki.crl import Crl, parse_crl
from nlgov_jades.pki.policies import ANY_POLICY
from nlgov_jades.pki.revocation import GivenData
from nlgov_jades.pki.signatures import UnusableDataError
from nlgov_jades.pki.trust import TrustStore

from .judging import judge

AT: Final = dt.datetime(2012, 1, 1, tzinfo=dt.UTC)
"""Everything in the suite that is meant to be valid is so from 2010 (or 2011) to 2030."""

ANCHOR: Final = "TrustAnchorRootCertificate"
ANCHOR_CRL: Final = "TrustAnchorRootCRL"

_HERE = Path(__file__).parent
_DATA = Path(cryptography_vectors.__file__).parent / "x509" / "PKITS_data"
TEST_POLICIES = {f"P{number}": f"2.16.840.1.101.3.2.1.48.{number}" for number in range(1, 7)}


@dataclass(frozen=True, slots=True)
class PkitsTest:
    """One line of the table."""

    id: str
    must_be: str
    settings: frozenset[str]
    leaf: str
    others: tuple[str, ...]
    crls: tuple[str, ...]

    @property
    def policies(self) -> frozenset[str]:
        """The user-initial-policy-set as our API can say it.

        We have no initial-explicit-policy of its own: naming policies sets it. "Explicit, and any policy will do" is
        said by naming every policy that the suite knows.
        """
        named = frozenset(TEST_POLICIES[name] for name in self.settings if name in TEST_POLICIES)
        if not named and "explicit" in self.settings:
            return frozenset(TEST_POLICIES.values())
        return named or frozenset({ANY_POLICY})

    @property
    def files(self) -> list[Path]:
        """Every file that the test names."""
        return [_certificate_file(name) for name in (self.leaf, *self.others)] + [_crl_file(name) for name in self.crls]


def pkits_tests() -> list[PkitsTest]:
    """The table."""
    lines = (_HERE / "pkits_tests.txt").read_text(encoding="ascii").splitlines()
    return [_parsed(line) for line in lines if not line.startswith("#")]


def outcome(test: PkitsTest) -> tuple[str, str]:
    """What our code makes of a test: the verdict and its words."""
    try:
        leaf, *others = (_certificate(name) for name in (test.leaf, *test.others))
    except UnreadableCertificateError:
        return "UNREADABLE", "a certificate cannot be read"
    # A CRL of a form that is refused is as good as absent: that is what a fetcher makes of it.
    crls = [crl for name in (ANCHOR_CRL, *test.crls) if (crl := _crl(name)) is not None]
    given = GivenData(crls=tuple(crls))
    return judge(leaf, others, trust=_trust(), at=AT, given=given, policies=test.policies)


def chain(test: PkitsTest) -> tuple[x509.Certificate, ...]:
    """The certificates of a test from the end entity to the anchor, put together by signature alone."""
    path = [_certificate(test.leaf)]
    others = [_certificate(name) for name in (*test.others, ANCHOR)]
    while path[-1].issuer != path[-1].subject or not _issued(path[-1], path[-1]):
        path.append(next(other for other in others if other not in path and _issued(path[-1], other)))
    return tuple(path)


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _parsed(line: str) -> PkitsTest:
    identifier, must_be, settings, leaf, others, crls = (cell.strip() for cell in line.split("|"))
    assert must_be in {"valid", "invalid"}, line
    return PkitsTest(identifier, must_be, frozenset(_list(settings, ",")), leaf, _list(others), _list(crls))


def _list(cell: str, separator: str = " ") -> tuple[str, ...]:
    return () if cell == "-" else tuple(cell.split(separator))


def _certificate_file(name: str) -> Path:
    return _DATA / "certs" / f"{name}.crt"


def _crl_file(name: str) -> Path:
    return _DATA / "crls" / f"{name}.crl"


@cache
def _trust() -> TrustStore:
    return TrustStore([_certificate(ANCHOR)])


@cache
def _certificate(name: str) -> x509.Certificate:
    with warnings.catch_warnings():
        # A negative serial number warns. In production that is no error, so the certificate is judged here.
        warnings.simplefilter("ignore")
        return load_der(_certificate_file(name).read_bytes())


@cache
def _crl(name: str) -> Crl | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the same
        try:
            return parse_crl(_crl_file(name).read_bytes())
        except UnusableDataError:
            return None
