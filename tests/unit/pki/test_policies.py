"""Certificate policies along a path: RFC 5280 §6.1 with policy mapping inhibited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID

from nlgov_jades.errors import CertificatePathError, VerificationError
from nlgov_jades.pki.policies import ANY_POLICY, policies_of, valid_policies
from nlgov_jades.testing import Authority, Hierarchy

Refused = Callable[..., AbstractContextManager[pytest.ExceptionInfo[VerificationError]]]

A, B, C, ANY = "1.2.3.1", "1.2.3.2", "1.2.3.3", ANY_POLICY
MAPPINGS = x509.UnrecognizedExtension(ExtensionOID.POLICY_MAPPINGS, bytes.fromhex("300a300806022a0306022a04"))


@dataclass(frozen=True, kw_only=True)
class Level:
    """What one certificate says about policies.

    `policies`: certificatePolicies, `None` without. `explicit`: requireExplicitPolicy. `inhibit`: inhibitAnyPolicy.
    `again`: it has the name of its issuer (self-issued).
    """

    policies: tuple[str, ...] | None
    explicit: int | None = None
    inhibit: int | None = None
    again: bool = False
    more: tuple[tuple[x509.ExtensionType, bool], ...] = ()

    @property
    def extensions(self) -> list[tuple[x509.ExtensionType, bool]]:
        found = list(self.more)
        if self.explicit is not None:
            found.append((x509.PolicyConstraints(self.explicit, None), True))
        if self.inhibit is not None:
            found.append((x509.InhibitAnyPolicy(self.inhibit), True))
        return found


def ca(*policies: str, explicit: int | None = None, inhibit: int | None = None, again: bool = False) -> Level:
    return Level(policies=policies or None, explicit=explicit, inhibit=inhibit, again=again)


Path = Callable[..., Sequence[x509.Certificate]]


@pytest.fixture
def path(hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey) -> Path:
    """The path of these levels, given from the anchor down; the last is the signer's."""

    def below(authority: Authority, level: Level, name: str) -> Authority:
        names = authority.certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return authority.issue_authority(
            str(names[0].value) if level.again else name,
            key=p256_key,
            policies=level.policies,
            more_extensions=level.extensions,
        )

    def of(*levels: Level) -> Sequence[x509.Certificate]:
        authority: Authority = hierarchy.root
        *above, last = levels
        for index, level in enumerate(above):
            authority = below(authority, level, f"CA {index}")
        if last.again:
            return below(authority, last, "").chain
        return authority.issue(key=p256_key, policies=last.policies, more_extensions=last.extensions).chain

    return of


@pytest.mark.parametrize(
    ("levels", "initial", "valid"),
    [
        pytest.param([ca(A)], {A}, {A}, id="one certificate"),
        pytest.param([ca(A), ca(A), ca(A)], {A}, {A}, id="the same everywhere"),
        pytest.param([ca(A), ca(A), ca(A)], {ANY}, {A}, id="nothing asked"),
        pytest.param([ca(), ca(), ca()], {ANY}, set(), id="nothing asked and nothing stated"),
        pytest.param([ca(), ca(A), ca(A)], {ANY}, set(), id="nothing asked, nothing stated by the first"),
        pytest.param([ca(A), ca(B)], {ANY}, set(), id="nothing asked, nothing in common"),
        pytest.param([ca(A, B), ca(A, B), ca(B, C)], {A, B}, {B}, id="what is in common"),
        pytest.param([ca(A, B), ca(A, B)], {A, C}, {A}, id="one of those asked"),
        pytest.param([ca(A, B), ca(A, B)], {ANY, A}, {A, B}, id="any among those asked asks for none"),
        pytest.param([ca(ANY), ca(A)], {A}, {A}, id="a CA for any"),
        pytest.param([ca(ANY), ca(A)], {ANY}, {A}, id="a CA for any, nothing asked"),
        pytest.param([ca(ANY), ca(ANY)], {A, B}, {A, B}, id="any everywhere is what was asked"),
        pytest.param([ca(ANY), ca(ANY)], {ANY}, {ANY}, id="any everywhere, nothing asked"),
        pytest.param([ca(A), ca(ANY)], {A}, {A}, id="a signer for any keeps what its CA has"),
        pytest.param([ca(A), ca(ANY), ca(ANY, B)], {A}, {A}, id="any and another below"),
        pytest.param([ca(A, B), ca(A, ANY)], {B}, {B}, id="any adds what is not named"),
        pytest.param([ca(ANY, A), ca(B)], {B}, {B}, id="any beside another"),
        # inhibitAnyPolicy
        pytest.param([ca(A, inhibit=0), ca(A), ca(A)], {A}, {A}, id="any inhibited and not used"),
        pytest.param([ca(ANY, inhibit=0), ca(A)], {A}, {A}, id="any of the CA that inhibits it still counts"),
        pytest.param([ca(A, inhibit=1), ca(ANY), ca(A)], {A}, {A}, id="any one certificate further down"),
        pytest.param([ca(A, inhibit=2), ca(ANY), ca(ANY)], {A}, {A}, id="any two certificates further down"),
        pytest.param([ca(A, inhibit=0), ca(ANY, again=True), ca(A)], {A}, {A}, id="any of a self-issued CA"),
        pytest.param(
            [ca(A, inhibit=1), ca(ANY, again=True), ca(ANY), ca(A)], {A}, {A}, id="a self-issued CA does not count"
        ),
        pytest.param([ca(A), ca(A), ca(ANY, inhibit=0)], {A}, {A}, id="inhibited by the signer itself"),
        # requireExplicitPolicy
        pytest.param([ca(A, explicit=0), ca(A), ca(A)], {ANY}, {A}, id="demanded and stated"),
        pytest.param([ca(explicit=3), ca(), ca()], {ANY}, set(), id="demanded below the end of the path"),
        pytest.param([ca(explicit=5), ca(), ca()], {ANY}, set(), id="demanded far below the end of the path"),
        pytest.param(
            [ca(explicit=2), ca(again=True), ca(again=True), ca()], {ANY}, set(), id="self-issued do not count"
        ),
        pytest.param([ca(), ca(explicit=1)], {ANY}, set(), id="demanded by the signer of others"),
        pytest.param([ca(A), ca(A, explicit=0)], {ANY}, {A}, id="demanded by the signer and stated"),
    ],
)
def test_a_path_is_valid_for_the_policies_that_it_states_throughout(
    path: Path, levels: list[Level], initial: set[str], valid: set[str]
) -> None:
    assert valid_policies(path(*levels), frozenset(initial)) == valid


@pytest.mark.parametrize(
    ("levels", "initial"),
    [
        pytest.param([ca(A)], {B}, id="another"),
        pytest.param([ca()], {A}, id="none"),
        pytest.param([ca(A), ca(A), ca(A)], {B}, id="another everywhere"),
        pytest.param([ca(), ca(A)], {A}, id="none of the CA"),
        pytest.param([ca(A), ca(), ca(A)], {A}, id="none of a CA between"),
        pytest.param([ca(A), ca()], {A}, id="none of the signer"),
        pytest.param([ca(A), ca(B)], {A}, id="another of the signer"),
        pytest.param([ca(A), ca(B)], {B}, id="another of the CA"),
        pytest.param([ca(A), ca(B)], {A, B}, id="nothing in common"),
        pytest.param([ca(A), ca(ANY)], {B}, id="a signer for any gets no more than its CA has"),
        pytest.param([ca(ANY), ca(A)], {B}, id="a CA for any gives no more than the signer has"),
        pytest.param([ca(A, inhibit=0), ca(ANY)], {A}, id="any of the signer inhibited"),
        pytest.param([ca(ANY, inhibit=0), ca(ANY)], {A}, id="any of the signer inhibited by a CA for any"),
        pytest.param([ca(A, inhibit=0), ca(ANY), ca(A)], {A}, id="any of a CA inhibited"),
        pytest.param([ca(A, inhibit=1), ca(A), ca(ANY)], {A}, id="any of the signer inhibited from further up"),
        pytest.param([ca(A, inhibit=5), ca(A, inhibit=0), ca(ANY)], {A}, id="the lower inhibition counts"),
        pytest.param([ca(A, inhibit=0), ca(A, inhibit=5), ca(ANY)], {A}, id="a later one does not lift it"),
        pytest.param([ca(A, inhibit=0), ca(ANY, again=True)], {A}, id="a self-issued signer is no exception"),
    ],
)
def test_a_path_without_a_policy_that_is_asked_for_is_refused(
    refused: Refused, path: Path, levels: list[Level], initial: set[str]
) -> None:
    with refused(CertificatePathError, "is valid for none of the certificate policies " + ", ".join(sorted(initial))):
        valid_policies(path(*levels), frozenset(initial))


@pytest.mark.parametrize(
    "levels",
    [
        pytest.param([ca(A, explicit=0), ca()], id="demanded by the CA"),
        pytest.param([ca(A, explicit=0), ca(B)], id="demanded, and another"),
        pytest.param([ca(explicit=0), ca(A)], id="demanded by a CA that states none"),
        pytest.param([ca(explicit=1), ca(), ca()], id="demanded one certificate further down"),
        pytest.param([ca(explicit=2), ca(), ca()], id="demanded two certificates further down, at the very end"),
        pytest.param([ca(explicit=2), ca(), ca(), ca()], id="demanded two certificates further down"),
        pytest.param([ca(A, explicit=1), ca(A), ca()], id="demanded of the signer"),
        pytest.param([ca(), ca(explicit=0)], id="demanded by the signer"),
        pytest.param([ca(explicit=3), ca(explicit=0), ca()], id="the lower demand counts"),
        pytest.param([ca(A, explicit=0), ca(A, explicit=5), ca()], id="a later one does not lift it"),
        pytest.param([ca(explicit=1), ca(again=True), ca(), ca()], id="self-issued do not count"),
        pytest.param([ca(A, explicit=0, inhibit=0), ca(ANY)], id="demanded, and any inhibited"),
        pytest.param([ca(ANY, explicit=0, inhibit=0), ca(ANY)], id="demanded, and any inhibited by a CA for any"),
    ],
)
def test_an_explicit_policy_that_a_ca_demands_must_be_there_even_if_nobody_asked(
    refused: Refused, path: Path, levels: list[Level]
) -> None:
    with refused(CertificatePathError, "a CA demands an explicit certificate policy, and the path has none at"):
        valid_policies(path(*levels), frozenset({ANY}))


def test_a_refusal_names_the_certificate_and_what_it_states(refused: Refused, path: Path) -> None:
    with refused(CertificatePathError, "for none of the certificate policies 1.2.3.2; it states none") as caught:
        valid_policies(path(ca(A), ca(), ca(A)), frozenset({B}))
    assert isinstance(caught.value, CertificatePathError)
    assert caught.value.certificate == "'CA 1'"
    with refused(CertificatePathError, "it states none") as caught:
        valid_policies(path(ca(), ca(A), ca(A)), frozenset({A}))
    assert isinstance(caught.value, CertificatePathError)
    assert caught.value.certificate == "'CA 0'", "the first without a policy"
    with refused(CertificatePathError, "it states 1.2.3.1, 1.2.3.3"):
        valid_policies(path(ca(ANY), ca(C, A)), frozenset({B}))


@pytest.mark.parametrize(("count", "end"), [(8, "1.2.4.7"), (9, "1.2.4.7 and 1 more"), (300, "1.2.4.104 and 292 more")])
def test_a_refusal_names_eight_policies_and_counts_the_others(
    refused: Refused, path: Path, count: int, end: str
) -> None:
    # Found by fuzzing: a certificate of 16 KB made a line of 27 000 characters.
    stated = ca(*(f"1.2.4.{number}" for number in range(count)))
    with refused(CertificatePathError, "; it states 1.2.4.0, 1.2.4.1") as caught:
        valid_policies(path(ca(ANY), stated), frozenset({B}))
    assert caught.value.detail.endswith(end)


@pytest.mark.parametrize("critical", [True, False])
@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("initial", [{A}, {ANY}])
def test_a_certificate_that_maps_policies_is_refused(
    refused: Refused, path: Path, position: int, initial: set[str], *, critical: bool
) -> None:
    levels = [ca(A), ca(A), ca(A)]
    levels[position] = Level(policies=(A,), more=((MAPPINGS, critical),))
    with refused(CertificatePathError, "maps policies, which is not accepted"):
        valid_policies(path(*levels), frozenset(initial))


def test_forbidding_to_map_policies_is_no_mapping(path: Path) -> None:
    forbidding = Level(policies=(A,), more=((x509.PolicyConstraints(None, 0), True),))
    assert valid_policies(path(forbidding, ca(A)), frozenset({A})) == {A}


def test_what_the_anchor_says_does_not_count(path: Path) -> None:
    anchor = Level(policies=(B,), explicit=0, inhibit=0, more=((MAPPINGS, False),))
    certificates = path(anchor, ca(A), ca(ANY))[:-1]
    assert valid_policies(certificates, frozenset({A})) == {A}
    assert valid_policies(path(anchor, ca(), ca())[:-1], frozenset({ANY})) == frozenset()


def test_the_policies_of_a_certificate_are_a_set_or_none(path: Path) -> None:
    assert policies_of(path(ca(A, B))[0]) == frozenset({A, B})
    assert policies_of(path(ca())[0]) is None
