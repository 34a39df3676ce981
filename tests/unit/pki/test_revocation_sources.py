"""Where revocation data are looked for, what is sent and read there, and what the caller may bring along."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from nlgov_jades.errors import (
    ConfigurationError,
    FetchError,
    VerificationError,
)
from nlgov_jades.pki.revocation import MAX_URL_LENGTH, GivenData
from nlgov_jades.testing import Hierarchy

from .revoking import (
    COMPROMISE,
    SOFT,
    Chain,
    access,
    crl_of,
    new_chain,
    ocsp_of,
    points,
)

Refused = Callable[..., AbstractContextManager[pytest.ExceptionInfo[VerificationError]]]


@pytest.fixture
def chain(hierarchy: Hierarchy, ca_key: rsa.RSAPrivateKey, p256_key: ec.EllipticCurvePrivateKey) -> Chain:
    return new_chain(hierarchy, ca_key, p256_key)


# --- addresses -----------------------------------------------------------------------------------------------


def urls_asked(chain: Chain, *extensions: tuple[x509.ExtensionType, bool]) -> list[str]:
    signer = chain.ca.issue(key=chain.signer.key, more_extensions=extensions)
    other = Chain(chain.root, chain.ca, signer)
    other.judge(policy=SOFT, crls=[crl_of(chain.root)])
    return other.urls


def test_two_addresses_of_a_kind_are_asked_each_once(chain: Chain) -> None:
    first, second, third = (f"http://{number}.example/" for number in "123")
    assert urls_asked(chain, access(first, first, second, third)) == [first, second]
    assert urls_asked(chain, points(first, first, second, third)) == [first, second]
    assert urls_asked(chain, access(first), points(first)) == [first, first]


@pytest.mark.parametrize(
    "url",
    [
        "ldap://a.example/cn=x?certificateRevocationList",
        "file:///etc/passwd",
        "ftp://a.example/",
        "gopher://a.example/",
        "//a.example/",
        "",
        "http:a.example",
        "http://a.example/" + "x" * MAX_URL_LENGTH,
    ],
)
def test_addresses_of_other_kinds_and_endless_ones_are_passed_over(chain: Chain, url: str) -> None:
    good = "HTTPS://good.example/"
    assert urls_asked(chain, access(url, url + "2", good)) == [good]
    assert urls_asked(chain, points(url, url + "2", good)) == [good]


def test_the_longest_address_has_2048_characters(chain: Chain) -> None:
    longest = "http://a.example/".ljust(2048, "x")
    assert len(longest) == MAX_URL_LENGTH
    assert urls_asked(chain, points(longest, longest + "x")) == [longest]


def test_ca_issuers_is_never_followed(chain: Chain) -> None:
    name = x509.UniformResourceIdentifier("http://issuer.example/")
    issuers = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, name)
    assert urls_asked(chain, (x509.AuthorityInformationAccess([issuers]), False)) == []


def test_points_of_another_issuer_for_some_reasons_or_without_an_address_are_passed_over(chain: Chain) -> None:
    url = [x509.UniformResourceIdentifier("http://a.example/")]
    other = [x509.DirectoryName(chain.root.certificate.subject)]
    relative = x509.RelativeDistinguishedName([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    skipped = [
        x509.DistributionPoint(url, None, frozenset([COMPROMISE]), None),
        x509.DistributionPoint(url, None, None, other),
        x509.DistributionPoint(None, relative, None, None),
        x509.DistributionPoint(other, None, None, None),
    ]
    assert urls_asked(chain, (x509.CRLDistributionPoints(skipped), False)) == []


# --- requests and given data ---------------------------------------------------------------------------------


def test_a_request_says_what_to_send_and_how_much_to_read(chain: Chain) -> None:
    chain.judge(policy=SOFT)
    asked_ocsp, asked_crl, *_ = chain.asked
    sent = asked_ocsp.body()
    assert sent is not None
    assert ocsp.load_der_ocsp_request(sent).serial_number == chain.serials[0]
    assert asked_crl.body() is None
    assert (asked_ocsp.limit, asked_crl.limit) == (64 * 1024, 32 * 1024 * 1024)


@pytest.mark.parametrize("octets", [b"", b"<html>", b"\x30\x03\x0a\x01\x06"], ids=["empty", "html", "unauthorized"])
def test_what_is_no_answer_is_a_failed_fetch(chain: Chain, octets: bytes) -> None:
    chain.judge(policy=SOFT)
    for request in chain.asked[:2]:
        with pytest.raises(FetchError) as caught:
            request.parse(octets)
        assert caught.value.__suppress_context__


def test_an_answer_about_another_certificate_is_a_failed_fetch(chain: Chain) -> None:
    chain.judge(policy=SOFT)
    asked_ocsp, asked_crl, *_ = chain.asked
    with pytest.raises(FetchError, match="about another"):
        asked_ocsp.parse(ocsp_of(chain.root, chain.ca))
    with pytest.raises(FetchError, match="of another issuer"):
        asked_crl.parse(crl_of(chain.root))


def test_given_data_are_parsed_once(chain: Chain) -> None:
    given = GivenData.parse((ocsp_of(chain.ca, chain.signer),), (crl_of(chain.ca),))
    assert GivenData.parse(given.ocsp, given.crls) == given


@pytest.mark.parametrize("octets", [b"", b"no data", "text", None])
def test_given_data_that_cannot_be_read_are_our_own_mistake(octets: bytes) -> None:
    for given in (((octets,), ()), ((), (octets,))):
        with pytest.raises(ConfigurationError, match="revocation data that were given cannot be used"):
            GivenData.parse(*given)
