"""docs/interop.md: the page that says who verifies what, made from the results of one complete run."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable, Sequence

import nlgov_jades

from .jobs import field_value
from .limits import OPINIONS
from .plan import EXPECTED_CODES, Direction, Outcome, Row
from .trials import Results

HEAD = """# Interoperability

Other implementations verify what this library signs, and this library verifies what they sign.
This page is written by `interop/run.py`, never by hand: `nox -s interop -- --write` makes it anew, together with the vectors in [`test-vectors/interop`](../test-vectors/README.md#signatures-of-others).
`nox -s interop` alone runs the same trials and fails when a row is red.
"""

MEANING = """## What a row means

Every run makes throw-away certificates in the shape of PKIoverheid's: four levels, a signer with RSA-3072 (P-256 in `oots-response`), CRLs of all three CAs.
A profile is tried with a POST request; `oots-response` and `logius-message` are tried with a response, and `logius-message` covers the target of the request that it answers.

- *It verifies ours*: `Signer` signs, and the peer must accept the message and refuse each tampered one.
  EU DSS makes the signing input from fields and body by itself, validates with its default policy, our root as its only trust anchor and our CRLs, and must say `TOTAL_PASSED` and `JAdES-BASELINE-B`.
  The others know JWS and no JAdES: they are given the octets of the payload, the key of the certificate, and the name `sigD` as a critical parameter that their caller processes.
- *We verify its*: the peer signs, and `Verifier` must accept the message with hard-fail revocation and an allow-list of one OIN, and refuse each tampered one with the expected code.
  EU DSS makes the protected header by itself; the others sign the members that they are given.

| outcome | meaning |
|---|---|
| accepted | the message is accepted, and every tampered one refused |
| refused, rightly | the peer signs in a form that a profile must refuse, and we do, with the expected code |
| cannot | the peer cannot do it, for the stated reason; a run fails when that is no longer so |
"""

TAMPERED = """## What is tampered with

Each change is tried alone, on the signed message.
A peer that is given the payload does not see the body, and judges no certificates, so those changes are left out there.
"""

DIFFERENCES = """## Where EU DSS and the profiles differ

- DSS writes `iat` or `sigT`, as it is told.
  TS 119 182-1 V1.2.1 asks for `iat` from 2025-07-15 on; we write `iat` and read either.
- DSS writes `x5t#S256` for a SHA-256 reference and `x5t#o` for any other, as the profiles do, and `kid` as the IssuerSerial, as we do.
- DSS writes `typ` as `jose`; we write `JOSE` and compare without case.
- DSS writes `b64` and `sigD` in `crit`, beside `sigT` as beside `iat`; earlier signers list more names, which we process.
- DSS has no list of fields that must be covered: it signs and validates what its caller hands over.
  The ADR's list is checked by us alone.
- DSS signs RS256 with an RSA certificate, unless `setEncryptionAlgorithm(RSASSA_PSS)` comes after `setSigningCertificate`.
- DSS compares the body only when it is handed over as `HTTPHeaderDigest`, and then takes the Digest field for `SHA-256=` and the hash, whatever the message says.
  With the received Digest as an `HTTPHeader` the body is not looked at.
- DSS takes `X-Note` and `x-note` for two fields, so hand over names in lower case.
- For a changed signature, header, field or body DSS says `HASH_FAILURE`, because the signing input is the one reference that it checks with HttpHeaders.
  We say `SIG_CRYPTO_FAILURE`, and `HASH_FAILURE` where the signature fits and the body does not.
- To DSS a JWS without signing time is `JSON-NOT-ETSI`: the early dialect of DDAS, and a header that holds only what DDAS names (`header_form="profile-only"`).
  It finds the signature intact all the same.

## Where go-jose differs

- go-jose knows no critical parameter but `b64`, so it signs what we accept and verifies only the early dialect of DDAS.
- go-jose writes a `float64` with an exponent, such as `1.7e+09`.
  We take `iat` as digits only, so give it an integer type.
"""


REMARKS = """The throw-away signer has digitalSignature alone, as certificates for authenticity have, and names no caIssuers.
"""


def page(results: Sequence[Results], now: dt.datetime) -> str:
    """The whole page."""
    rows = [row for result in results for row in result.rows]
    parts = [HEAD, _when(results, now), _summary(results, rows), MEANING, TAMPERED, _tampered(results), DIFFERENCES]
    parts += [_headers(result) for result in results if result.peer.is_jades]
    parts += [
        "## All rows\n",
        _table(("peer", "version", "direction", "profile", "outcome", "reason"), map(_cells, rows)),
    ]
    return "\n".join(parts)


def _when(results: Sequence[Results], now: dt.datetime) -> str:
    runtimes = ", ".join(dict.fromkeys(result.runtime for result in results))
    version = nlgov_jades.__version__
    return f"Last run: {now:%Y-%m-%d}, with nlgov-jades {version} on {runtimes}.\n"


def _summary(results: Sequence[Results], rows: Sequence[Row]) -> str:
    def told(name: str, direction: Direction) -> str:
        counted = Counter(row.outcome for row in rows if row.peer == name and row.direction is direction)
        return ", ".join(f"{counted[outcome]} {outcome.value}" for outcome in Outcome if counted[outcome])

    lines = (
        (result.peer.name, result.version, *[told(result.peer.name, direction) for direction in Direction])
        for result in results
    )
    return _table(("peer", "version", *[direction.value for direction in Direction]), lines)


def _tampered(results: Sequence[Results]) -> str:
    by_jades = [result for result in results if result.peer.is_jades]
    titles = ("what is changed", "we say", *[f"{result.peer.name} says" for result in by_jades])
    lines = []
    for how, code in EXPECTED_CODES.items():
        said = [" or ".join(sorted(result.refusals.get(how, {"-"}))) for result in by_jades]
        early = how.name == "DIGEST"  # there is no Digest in the early dialect
        lines.append((how.value, f"`{code}`" + (" (no such trial in `ddas-body`)" if early else ""), *said))
    return _table(titles, lines)


def _headers(result: Results) -> str:
    found = {one.case.id: one for one in result.foreign}
    text = [f"## What {result.peer.name} writes\n"]
    for case in ("adr-message", "adr-payload, sigT", "oots-response"):
        encoded = field_value(found[case].message, found[case].case.profile).partition("..")[0]
        header = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
        header["x5c"] = [f"{entry[:16]}…" for entry in header["x5c"]]
        text.append(f"The protected header in `{case}`, its certificates cut:\n")
        text.append(f"```json\n{json.dumps(header, indent=1, ensure_ascii=False)}\n```\n")
    text += _opinion(result)
    if result.warnings:
        text.append("With each signature of ours that it accepts, it remarks:\n")
        text.append("".join(f"- {warning}\n" for warning in sorted(result.warnings)))
        text.append(REMARKS)
    return "\n".join(text)


def _opinion(result: Results) -> list[str]:
    if result.opinion is None:
        return []
    asked, differing = result.opinion.asked, result.opinion.differing
    text = (
        f"It was asked about {asked} of our [test vectors](../test-vectors/README.md), and says of {asked - len(differing)} "
        "what they say: that the signature fits the octets, or does not.\n"
    )
    return [
        text,
        *["Otherwise:\n" for _ in differing[:1]],
        "".join(f"- `{name}`: {OPINIONS[name]}.\n" for name in differing),
    ]


def _cells(row: Row) -> tuple[str, ...]:
    return row.peer, row.version, row.direction.value, row.case, row.outcome.value, row.reason


def _table(titles: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    made = [f"| {' | '.join(titles)} |", "|" + "---|" * len(titles)]
    made += [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines]
    return "\n".join(made) + "\n"
