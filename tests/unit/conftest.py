"""A hierarchy whose certificates name where revocation data are, and a fetcher that has them: revocation is on."""

from __future__ import annotations

import datetime as dt

import pytest

from nlgov_jades.errors import FetchError
from nlgov_jades.pki.revocation import FetchRequest, RevocationData
from nlgov_jades.testing import Hierarchy, Issued, make_crl

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)


class Crls:
    """A fetcher of CRLs, in which certificates can be revoked. It has no OCSP responses."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        self.by_name = {authority.certificate.subject: authority for authority in hierarchy.authorities}
        self.generation = 0
        self.now = NOW
        self.revoked: list[int] = []
        self.asked = 0
        self.longest = 0.0

    def fetch(self, request: FetchRequest, *, timeout: float) -> RevocationData:
        """The CRL of this issuer."""
        self.asked += 1
        self.longest = max(self.longest, timeout)
        if request.body() is not None or request.issuer.subject not in self.by_name:
            raise FetchError(f"nothing here, and {timeout:.0f} s left")
        return request.parse(make_crl(self.by_name[request.issuer.subject], self.revoked, this_update=self.now))


@pytest.fixture(scope="module")
def online() -> Hierarchy:
    return Hierarchy.new(not_before=NOW - dt.timedelta(days=30), revocation_url="http://crl.example")


@pytest.fixture(scope="module")
def signer(online: Hierarchy) -> Issued:
    return online.tsp.issue()


@pytest.fixture
def crls(online: Hierarchy) -> Crls:
    return Crls(online)
