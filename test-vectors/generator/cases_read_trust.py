"""Section 3, rules 10 to 12: times, certification path, signer."""

from __future__ import annotations

from collections.abc import Iterator

from generator import pki
from generator.model import (
    ACCEPT,
    AT,
    AT_SECONDS,
    BAD_PATH,
    CHAIN,
    CONSTRAINTS,
    EXPIRED,
    IAT,
    MALFORMED,
    NO_PATH,
    NOT_ALLOWED,
    NOT_YET,
    TIME,
    Accept,
    Draft,
    Policy,
    Reject,
)

_NOT_BEFORE = 1_767_225_600
"""2026-01-01T00:00:00Z in seconds since 1970."""
_NOT_AFTER = 1_861_920_000
"""2029-01-01T00:00:00Z in seconds since 1970."""
_SIGT = AT.replace("12:00:00", "11:59:55")
_MINUTES_5 = Policy(max_age=300)


def _iat(name: str, text: str, expected: Accept | Reject, value: object, policy: Policy | None = None) -> Draft:
    return Draft(f"read-10-{name}", text, expected, members={"iat": value}, policy=policy or Policy())


def _sig_t(name: str, text: str, expected: Accept | Reject, value: object) -> Draft:
    return Draft(f"read-10-{name}", text, expected, members={"sigT": value}, drop=("iat",))


def _iat_values() -> Iterator[Draft]:
    yield _iat("iat-future-30", "iat lies 30 seconds in the future, inside the skew.", ACCEPT, AT_SECONDS + 30)
    yield _iat("iat-future-60", "iat lies 60 seconds in the future, which is the skew.", ACCEPT, AT_SECONDS + 60)
    yield _iat("iat-future-61", "iat lies 61 seconds in the future.", TIME, AT_SECONDS + 61)
    yield _iat("iat-beyond-year-9999", "iat lies beyond what a calendar date can hold.", TIME, 10**18)
    yield _iat("iat-milliseconds", "iat counts milliseconds.", TIME, IAT * 1000)
    yield _iat("iat-at-not-before", "iat is the first moment of the validity of the leaf.", ACCEPT, _NOT_BEFORE)
    yield _iat("iat-before-leaf", "iat lies one second before the validity of the leaf.", TIME, _NOT_BEFORE - 1)
    yield _iat("iat-zero", "iat is 0.", TIME, 0)
    yield _iat(
        "iat-after-leaf",
        "iat lies after the validity of the leaf and inside the skew; the leaf is still valid.",
        TIME,
        _NOT_AFTER + 20,
        Policy(at="2028-12-31T23:59:50Z"),
    )
    for name, value in (
        ("string", str(IAT)),
        ("float", IAT + 0.5),
        ("true", True),
        ("negative", -1),
        ("null", None),
        ("array", [IAT]),
    ):
        yield _iat(f"iat-{name}", f"iat is of another form than a count of seconds: {name}.", MALFORMED, value)


def _sig_t_values() -> Iterator[Draft]:
    yield _sig_t("sigt", "sigT stands in the place of iat.", ACCEPT, _SIGT)
    yield _sig_t("sigt-future", "sigT lies ten minutes in the future.", TIME, AT.replace("12:00", "12:10"))
    yield _sig_t("sigt-before-leaf", "sigT lies before the validity of the leaf.", TIME, "2025-12-31T23:59:59Z")
    for name, value in (
        ("number", IAT),
        ("null", None),
        ("empty", ""),
        ("without-zone", _SIGT[:-1]),
        ("date-only", "2026-06-15"),
        ("impossible-date", "2026-02-30T12:00:00Z"),
        ("offset", f"{_SIGT[:-1]}+00:00"),
        ("space", _SIGT.replace("T", " ")),
    ):
        yield _sig_t(f"sigt-{name}", f"sigT has another form than YYYY-MM-DDThh:mm:ssZ: {name}.", MALFORMED, value)
    yield Draft("read-10-iat-and-sigt", "iat and sigT are both there and say the same.", TIME, members={"sigT": _SIGT})


def _ages() -> Iterator[Draft]:
    yield _iat(
        "max-age-inside",
        "iat is 200 seconds old and the policy allows 300.",
        ACCEPT,
        AT_SECONDS - 200,
        _MINUTES_5,
    )
    yield _iat(
        "max-age-exceeded",
        "iat is 600 seconds old and the policy allows 300.",
        TIME,
        AT_SECONDS - 600,
        _MINUTES_5,
    )
    yield Draft(
        "read-10-max-age-sigt",
        "sigT is 600 seconds old and the policy allows 300.",
        TIME,
        policy=_MINUTES_5,
        drop=("iat",),
        members={"sigT": AT.replace("12:00", "11:50")},
    )
    yield _iat("no-max-age", "iat is five months old and the policy sets no limit.", ACCEPT, _NOT_BEFORE + 60)
    yield Draft(
        "read-10-no-time-with-max-age",
        "There is no iat and no sigT, and the policy sets a limit.",
        TIME,
        policy=_MINUTES_5,
        drop=("iat",),
    )
    yield Draft("read-10-no-time", "There is no iat and no sigT, and the policy sets no limit.", ACCEPT, drop=("iat",))
    yield Draft(
        "read-10-ddas-body-max-age",
        "The early DDAS dialect has no time, and the policy sets a limit.",
        TIME,
        profile="ddas-body",
        policy=_MINUTES_5,
    )


def _expiry() -> Iterator[Draft]:
    def exp(name: str, text: str, expected: Accept | Reject, value: object) -> Draft:
        return Draft(f"read-10-exp-{name}", text, expected, members={"exp": value})

    yield exp("future", "exp lies ten minutes in the future.", ACCEPT, AT_SECONDS + 600)
    yield exp("passed", "exp lies ten minutes in the past.", TIME, AT_SECONDS - 600)
    for name, value in (
        ("string", str(AT_SECONDS + 600)),
        ("float", AT_SECONDS + 600.5),
        ("true", True),
        ("null", None),
        ("negative", -1),
    ):
        yield exp(name, f"exp is of another form than a count of seconds: {name}.", MALFORMED, value)


def _leaf(name: str, text: str, expected: Accept | Reject, leaf: str, policy: Policy | None = None) -> Draft:
    return Draft(name, text, expected, chain=(leaf, *CHAIN[1:]), policy=policy or Policy())


def _paths() -> Iterator[Draft]:
    foreign = ("foreign-leaf", "foreign-tsp-ca", "foreign-domain-ca")
    yield Draft("read-11-foreign-root", "The chain leads to another root with the same name.", NO_PATH, chain=foreign)
    yield Draft(
        "read-11-root-in-x5c",
        "x5c brings its own root, which is no anchor.",
        NO_PATH,
        chain=(*foreign, "foreign-root"),
    )
    yield Draft(
        "read-11-leaf-only",
        "x5c has the leaf only and the receiver knows no intermediates.",
        NO_PATH,
        chain=("leaf",),
    )
    yield Draft("read-11-gap", "The TSP CA is missing.", NO_PATH, chain=("leaf", "domain-ca"))
    yield Draft(
        "read-11-look-alike-issuer",
        "The issuers have the right names and another key.",
        NO_PATH,
        chain=("foreign-leaf", "tsp-ca", "domain-ca"),
    )
    yield Draft("read-11-self-signed", "The leaf signed itself.", NO_PATH, chain=("leaf-self-signed",))
    yield Draft(
        "read-11-issued-by-leaf",
        "A leaf that is no CA issued the certificate.",
        BAD_PATH,
        chain=("leaf-of-leaf", *CHAIN),
    )
    yield Draft(
        "read-11-any-order-after-leaf",
        "The CAs in x5c stand in another order.",
        ACCEPT,
        chain=("leaf", "domain-ca", "tsp-ca"),
    )
    yield Draft(
        "read-11-foreign-anchor-too",
        "The receiver pins two roots with the same name and the chain leads to the second.",
        ACCEPT,
        chain=foreign,
        anchors=("root", "foreign-root"),
    )
    yield Draft("read-11-intermediate-as-anchor", "The receiver pins the domain CA.", ACCEPT, anchors=("domain-ca",))


def _leaves() -> Iterator[Draft]:
    for name, text in (
        ("key-encipherment", "keyUsage of the leaf is keyEncipherment only."),
        ("no-key-usage", "The leaf has no keyUsage."),
        ("eku-server-auth", "The extended key usage of the leaf is serverAuth."),
        ("eku-server-auth-too", "The extended key usage of the leaf has serverAuth beside document signing."),
        ("eku-code-signing", "The extended key usage of the leaf is codeSigning."),
        ("is-ca", "The leaf is a CA."),
    ):
        yield _leaf(f"read-11-leaf-{name}", text, CONSTRAINTS, f"leaf-{name}")
    yield _leaf(
        "read-11-leaf-unknown-critical",
        "The leaf has an unknown critical extension.",
        BAD_PATH,
        "leaf-unknown-critical",
    )
    yield _leaf(
        "read-11-leaf-non-repudiation",
        "keyUsage of the leaf is nonRepudiation only.",
        ACCEPT,
        "leaf-non-repudiation",
    )
    yield _leaf("read-11-leaf-no-eku", "The leaf has no extended key usage.", ACCEPT, "leaf-no-eku")
    yield _leaf(
        "read-11-leaf-eku-client-auth",
        "The extended key usage of the leaf is clientAuth.",
        ACCEPT,
        "leaf-eku-client-auth",
    )


def _policies() -> Iterator[Draft]:
    wanted = Policy(require_policies=(pki.SERVICES_AUTHENTICITY,))
    yield _leaf(
        "read-11-policy-present",
        "The leaf has the certificate policy that is required.",
        ACCEPT,
        "leaf",
        wanted,
    )
    either = Policy(require_policies=("2.16.528.1.1003.1.2.5.4", pki.SERVICES_AUTHENTICITY))
    yield _leaf(
        "read-11-policy-one-of-two",
        "The leaf has one of the two certificate policies that suffice.",
        ACCEPT,
        "leaf",
        either,
    )
    yield _leaf(
        "read-11-policy-other",
        "The leaf has another certificate policy.",
        CONSTRAINTS,
        "leaf-confidentiality",
        wanted,
    )
    yield _leaf(
        "read-11-policy-absent",
        "The leaf has no certificate policies.",
        CONSTRAINTS,
        "leaf-no-policy",
        wanted,
    )
    issuers = Policy(require_policies=(pki.SERVICES_CONFIDENTIALITY,))
    yield _leaf(
        "read-11-policy-not-of-issuer",
        "The leaf has the required certificate policy and its issuers do not.",
        CONSTRAINTS,
        "leaf-confidentiality",
        issuers,
    )
    yield _leaf(
        "read-11-policy-not-required",
        "The leaf has no certificate policies and none is required.",
        ACCEPT,
        "leaf-no-policy",
    )


def _validity() -> Iterator[Draft]:
    yield Draft(
        "read-11-leaf-expired",
        "The leaf expired; iat lies inside its validity.",
        EXPIRED,
        chain=("leaf-expired", *CHAIN[1:]),
        members={"iat": _NOT_BEFORE + 86_400},
    )
    yield Draft(
        "read-11-leaf-not-yet-valid",
        "The leaf is not valid yet and there is no signing time.",
        NOT_YET,
        chain=("leaf-not-yet-valid", *CHAIN[1:]),
        drop=("iat",),
    )
    yield Draft(
        "read-11-intermediate-expired",
        "The TSP CA expired and the leaf did not.",
        EXPIRED,
        chain=("leaf", "tsp-ca-expired", "domain-ca"),
    )
    yield Draft(
        "read-11-last-second",
        "The last second of the validity of the leaf.",
        ACCEPT,
        members={"iat": _NOT_AFTER - 5},
        policy=Policy(at="2028-12-31T23:59:59Z"),
    )


def _signers() -> Iterator[Draft]:
    oin, kvk, other = (
        Policy(signers=(pki.OIN,)),
        Policy(signers=(f"kvk:{pki.KVK}",)),
        Policy(signers=("00000001123456782000",)),
    )
    yield _leaf("read-12-oin-listed", "The OIN of the leaf is listed.", ACCEPT, "leaf", oin)
    yield _leaf("read-12-oin-not-listed", "The OIN of the leaf is not listed.", NOT_ALLOWED, "leaf", other)
    two = Policy(signers=("00000001123456782000", pki.OIN))
    yield _leaf("read-12-oin-second", "The OIN of the leaf is the second on the list.", ACCEPT, "leaf", two)
    yield _leaf("read-12-kvk-listed", "The leaf has no OIN and its KVK number is listed.", ACCEPT, "leaf-kvk", kvk)
    yield _leaf(
        "read-12-kvk-not-listed",
        "The KVK number of the leaf is not listed.",
        NOT_ALLOWED,
        "leaf-kvk",
        Policy(signers=("kvk:87654321",)),
    )
    yield _leaf(
        "read-12-kvk-of-oin",
        "The KVK number stands inside an OIN with prefix 00000003.",
        ACCEPT,
        "leaf-oin-of-kvk",
        kvk,
    )
    yield _leaf(
        "read-12-oin-and-kvk",
        "The leaf has an OIN and a KVK number; the KVK number is listed.",
        ACCEPT,
        "leaf-oin-and-kvk",
        kvk,
    )
    yield _leaf(
        "read-12-no-identity-any",
        "The leaf has no identity and any trusted signer will do.",
        ACCEPT,
        "leaf-no-identity",
    )
    yield _leaf(
        "read-12-no-identity",
        "The leaf has no identity and signers are listed.",
        NOT_ALLOWED,
        "leaf-no-identity",
        oin,
    )
    yield _leaf(
        "read-12-person",
        "The listed number is the serialNumber of a person.",
        NOT_ALLOWED,
        "leaf-person",
        oin,
    )
    yield _leaf(
        "read-12-two-serial-numbers",
        "The leaf has two serialNumber attributes, one of them listed.",
        NOT_ALLOWED,
        "leaf-two-serial-numbers",
        oin,
    )


def drafts() -> Iterator[Draft]:
    """Return the drafts of rules 10 to 12."""
    groups = (_iat_values, _sig_t_values, _ages, _expiry, _paths, _leaves, _policies, _validity, _signers)
    for group in groups:
        yield from group()
