"""Name constraints on directory names (RFC 5280 §4.2.1.10): the builder refuses critical ones and passes over the others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID, ObjectIdentifier

from nlgov_jades import CertificateRequirements
from nlgov_jades.errors import CertificatePathError, VerificationError
from nlgov_jades.pki.path import CertificationPath, build_path
from nlgov_jades.pki.requirements import check_authorities
from nlgov_jades.profiles import SignatureAlgorithm
from nlgov_jades.testing import Authority, Hierarchy, Issued

Refused = Callable[..., AbstractContextManager[pytest.ExceptionInfo[VerificationError]]]

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
COUNTRY, ORGANIZATION, COMMON = NameOID.COUNTRY_NAME, NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME
Attributes = Sequence[tuple[ObjectIdentifier, str]]
Below = Callable[..., Issued]

# The signer of `Authority.issue` is C=NL, O=Gemeente Voorbeeldstad, serialNumber=…, CN=gegevens.gemeente.example.
SIGNER = "certificate 'gegevens.gemeente.example' has a name that 'limited' may not certify"


def directory(*attributes: tuple[ObjectIdentifier, str]) -> x509.DirectoryName:
    return x509.DirectoryName(x509.Name([x509.NameAttribute(oid, text) for oid, text in attributes]))


NL = directory((COUNTRY, "NL"))


def limits(
    permitted: Sequence[x509.GeneralName] = (), excluded: Sequence[x509.GeneralName] = ()
) -> x509.NameConstraints:
    return x509.NameConstraints(list(permitted) or None, list(excluded) or None)


@pytest.fixture
def below(hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey) -> Below:
    """A signer below a CA with these name constraints."""

    def issue(
        constraints: x509.NameConstraints,
        *,
        critical: bool = False,
        organization: str = "Gemeente Voorbeeldstad",
        alternative: x509.SubjectAlternativeName | None = None,
    ) -> Issued:
        more: list[tuple[x509.ExtensionType, bool]] = [(constraints, critical)]
        authority = hierarchy.root.issue_authority("limited", key=p256_key, more_extensions=more)
        extensions = [] if alternative is None else [(alternative, False)]
        return authority.issue(key=p256_key, organization=organization, more_extensions=extensions)

    return issue


@pytest.mark.parametrize(
    "tree",
    [
        NL,
        directory(),
        directory((COUNTRY, "nl")),
        directory((COUNTRY, "NL"), (ORGANIZATION, "Gemeente Voorbeeldstad")),
        directory((COUNTRY, "NL"), (ORGANIZATION, "GEMEENTE voorbeeldSTAD")),
        directory((COUNTRY, "NL"), (ORGANIZATION, "  Gemeente \t Voorbeeldstad ")),
    ],
    ids=lambda tree: tree.value.rfc4514_string() or "everything",
)
def test_a_name_within_a_subtree_is_permitted_or_excluded(
    refused: Refused, below: Below, tree: x509.DirectoryName
) -> None:
    check_authorities(below(limits([tree])).chain)
    with refused(CertificatePathError, SIGNER) as caught:
        check_authorities(below(limits((), [tree])).chain)
    assert isinstance(caught.value, CertificatePathError)
    assert caught.value.certificate == "'gegevens.gemeente.example'"


@pytest.mark.parametrize(
    "tree",
    [
        directory((COUNTRY, "BE")),
        directory((COUNTRY, "NL"), (ORGANIZATION, "Gemeente")),
        directory((COUNTRY, "NL"), (ORGANIZATION, "Gemeente Voorbeeldstadje")),
        directory((COUNTRY, "NL"), (ORGANIZATION, "GemeenteVoorbeeldstad")),
        directory((COUNTRY, "NL"), (COMMON, "Gemeente Voorbeeldstad")),
        directory((ORGANIZATION, "Gemeente Voorbeeldstad")),
        directory((ORGANIZATION, "Gemeente Voorbeeldstad"), (COUNTRY, "NL")),
        directory((COUNTRY, "NL"), *[(ORGANIZATION, "Gemeente Voorbeeldstad")] * 9),
    ],
    ids=lambda tree: tree.value.rfc4514_string(),
)
def test_a_name_outside_a_subtree_is_neither_permitted_nor_excluded(
    refused: Refused, below: Below, tree: x509.DirectoryName
) -> None:
    check_authorities(below(limits((), [tree])).chain)
    with refused(CertificatePathError, SIGNER):
        check_authorities(below(limits([tree])).chain)


def test_one_permitted_subtree_of_several_is_enough_and_an_excluded_one_wins(refused: Refused, below: Below) -> None:
    belgium, city = directory((COUNTRY, "BE")), directory((COUNTRY, "NL"), (ORGANIZATION, "Gemeente Voorbeeldstad"))
    check_authorities(below(limits([belgium, NL], [belgium])).chain)
    with refused(CertificatePathError, SIGNER):
        check_authorities(below(limits([belgium, NL], [city])).chain)


@pytest.mark.parametrize(
    "disguise",
    [
        pytest.param("EVIL", id="upper case"),
        pytest.param("  evil  ", id="white space around"),
        pytest.param("\uff25vil", id="fullwidth letter"),
        pytest.param("E\u00advil", id="soft hyphen"),
        pytest.param("E\u200bvil", id="zero-width space"),
        pytest.param("Evil\u00a0", id="no-break space at the end"),
    ],
)
def test_an_excluded_name_is_recognised_in_disguise(refused: Refused, below: Below, disguise: str) -> None:
    # RFC 5280 §7.1 compares names as RFC 4518 prepares them: case folded, NFKC, what is invisible mapped to nothing.
    constraints = limits((), [directory((COUNTRY, "NL"), (ORGANIZATION, "Evil"))])
    check_authorities(below(constraints, organization="Devil").chain)
    with refused(CertificatePathError, SIGNER):
        check_authorities(below(constraints, organization=disguise).chain)


@pytest.mark.parametrize("text", ["STRASSE", "stra\u00dfe", "Stra\u1e9ee"])
def test_case_is_folded_beyond_ascii(below: Below, text: str) -> None:
    check_authorities(below(limits([directory((COUNTRY, "NL"), (ORGANIZATION, "Strasse"))]), organization=text).chain)


# --- which names ---------------------------------------------------------------------------------------------


def test_directory_names_of_the_alternative_name_are_names_too(refused: Refused, below: Below) -> None:
    belgium = directory((COUNTRY, "BE"), (ORGANIZATION, "x"))
    check_authorities(below(limits([NL]), alternative=x509.SubjectAlternativeName([NL])).chain)
    with refused(CertificatePathError, SIGNER):
        check_authorities(below(limits([NL]), alternative=x509.SubjectAlternativeName([NL, belgium])).chain)
    with refused(CertificatePathError, SIGNER):
        excluded = limits((), [directory((COUNTRY, "BE"))])
        check_authorities(below(excluded, alternative=x509.SubjectAlternativeName([belgium])).chain)


def test_alternative_names_of_other_kinds_are_no_directory_names(below: Below) -> None:
    names = [x509.DNSName("a.example"), x509.RFC822Name("a@a.example"), x509.UniformResourceIdentifier("urn:a")]
    check_authorities(below(limits([NL]), alternative=x509.SubjectAlternativeName(names)).chain)


def test_constraints_on_other_kinds_do_not_limit_directory_names(below: Below) -> None:
    others = [x509.DNSName("a.example"), x509.RFC822Name("a.example")]
    check_authorities(below(limits(others)).chain)
    check_authorities(below(limits((), others)).chain)


def test_an_empty_subject_is_no_name(hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey) -> None:
    more: list[tuple[x509.ExtensionType, bool]] = [(limits([directory((COUNTRY, "BE"))]), False)]
    authority = hierarchy.root.issue_authority("limited", key=p256_key, more_extensions=more)
    nameless = x509.CertificateBuilder(
        authority.certificate.subject, x509.Name([]), p256_key.public_key(), 1, NOW, NOW + dt.timedelta(days=1)
    ).sign(p256_key, SHA256())
    check_authorities((nameless, *authority.chain))


def test_a_relative_name_with_several_attributes_is_a_set(p256_key: ec.EllipticCurvePrivateKey) -> None:
    def name(*attributes: tuple[ObjectIdentifier, str]) -> x509.Name:
        parts = [x509.NameAttribute(oid, text) for oid, text in attributes]
        return x509.Name([x509.RelativeDistinguishedName(parts)])

    forward, backward = name((COUNTRY, "NL"), (ORGANIZATION, "a")), name((ORGANIZATION, "A"), (COUNTRY, "nl"))

    def certificate(subject: x509.Name, constraints: x509.NameConstraints | None) -> x509.Certificate:
        builder = x509.CertificateBuilder(forward, subject, p256_key.public_key(), 1, NOW, NOW + dt.timedelta(days=1))
        if constraints is not None:
            builder = builder.add_extension(constraints, critical=False)
        return builder.sign(p256_key, SHA256())

    limited = certificate(forward, limits([x509.DirectoryName(backward)]))
    check_authorities([certificate(forward, None), limited])
    with pytest.raises(CertificatePathError):
        check_authorities([certificate(name((COUNTRY, "NL")), None), limited])


# --- which certificates --------------------------------------------------------------------------------------


@pytest.fixture
def two(hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey) -> Callable[[str], Authority]:
    """A CA of this name below a CA that may certify Belgian names only."""

    def issue(name: str) -> Authority:
        more: list[tuple[x509.ExtensionType, bool]] = [(limits([directory((COUNTRY, "BE"))]), False)]
        limited = hierarchy.root.issue_authority("limited", key=p256_key, more_extensions=more)
        return limited.issue_authority(name, key=p256_key)

    return issue


def test_a_ca_below_is_limited_too(refused: Refused, two: Callable[[str], Authority]) -> None:
    with refused(CertificatePathError, "certificate 'CA below' has a name that 'limited' may not certify"):
        check_authorities(two("CA below").chain)


def test_a_self_issued_ca_is_exempt_and_a_self_issued_signer_is_not(
    refused: Refused, hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey
) -> None:
    # The signer's name is permitted, that of the CAs is not.
    city = directory((COUNTRY, "NL"), (ORGANIZATION, "Gemeente Voorbeeldstad"))
    more: list[tuple[x509.ExtensionType, bool]] = [(limits([city]), False)]
    limited = hierarchy.root.issue_authority("limited", key=p256_key, more_extensions=more)
    again, other = (limited.issue_authority(name, key=p256_key) for name in ("limited", "other"))
    assert again.certificate.subject == again.certificate.issuer
    check_authorities(again.issue(key=p256_key).chain)
    with refused(CertificatePathError, "certificate 'other' has a name"):
        check_authorities(other.issue(key=p256_key).chain)
    with refused(CertificatePathError, "certificate 'limited' has a name"):
        check_authorities(again.chain)


def test_a_self_issued_ca_does_not_hide_the_cas_above_it(
    refused: Refused, hierarchy: Hierarchy, p256_key: ec.EllipticCurvePrivateKey
) -> None:
    city = directory((COUNTRY, "NL"), (ORGANIZATION, "Gemeente Voorbeeldstad"))
    more: list[tuple[x509.ExtensionType, bool]] = [(limits([city]), False)]
    limited = hierarchy.root.issue_authority("limited", key=p256_key, more_extensions=more)
    other = limited.issue_authority("other", key=p256_key)
    again = other.issue_authority("other", key=p256_key)
    assert again.certificate.subject == again.certificate.issuer
    with refused(CertificatePathError, "certificate 'other' has a name that 'limited' may not certify"):
        check_authorities(again.issue(key=p256_key).chain)


def test_what_stands_above_a_ca_is_not_limited_by_it(below: Below) -> None:
    # The root is Dutch and the CA below it may certify Belgian names only: that says nothing about the root.
    with pytest.raises(CertificatePathError) as caught:
        check_authorities(below(limits([directory((COUNTRY, "BE"))])).chain)
    assert caught.value.certificate == "'gegevens.gemeente.example'"
    check_authorities(below(limits([directory((COUNTRY, "BE"))])).chain[1:])


def test_the_constraints_of_the_anchor_count(refused: Refused, below: Below) -> None:
    with refused(CertificatePathError, SIGNER):
        check_authorities(below(limits([directory((COUNTRY, "BE"))])).chain[:2])


# --- together with the builder -------------------------------------------------------------------------------


def build(issued: Issued, hierarchy: Hierarchy) -> CertificationPath:
    return build_path(
        issued.certificate,
        issued.chain[1:-1],
        trust=hierarchy.trust,
        requirements=CertificateRequirements.GENERIC,
        algorithm=SignatureAlgorithm.ES256,
        at=NOW,
    )


@pytest.mark.parametrize("constraints", [limits([NL]), limits((), [directory((COUNTRY, "BE"))])])
def test_critical_constraints_on_directory_names_are_refused_whatever_they_say(
    refused: Refused, below: Below, hierarchy: Hierarchy, constraints: x509.NameConstraints
) -> None:
    issued = below(constraints)
    assert build(issued, hierarchy).certificates == issued.chain
    with refused(CertificatePathError, "unsupported directoryName constraint"):
        build(below(constraints, critical=True), hierarchy)


@pytest.mark.parametrize("critical", [False, True])
@pytest.mark.parametrize(
    ("name", "tree"),
    [
        (x509.DNSName("evil.example"), x509.DNSName("good.example")),
        (x509.RFC822Name("a@evil.example"), x509.RFC822Name("good.example")),
        (x509.UniformResourceIdentifier("https://evil.example/"), x509.UniformResourceIdentifier("good.example")),
    ],
    ids=["DNS", "e-mail", "URI"],
)
def test_an_alternative_name_that_a_ca_may_not_certify_is_refused(
    refused: Refused,
    below: Below,
    hierarchy: Hierarchy,
    name: x509.GeneralName,
    tree: x509.GeneralName,
    critical: bool,  # noqa: FBT001 - the same
) -> None:
    issued = below(limits([tree]), critical=critical, alternative=x509.SubjectAlternativeName([name]))
    with refused(CertificatePathError, "is refused: "):
        build(issued, hierarchy)
