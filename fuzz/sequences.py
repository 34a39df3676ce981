"""Harness of what a verifier remembers: beginnings of headers, verdicts, revocations. Many messages through one verifier must give
what a new verifier gives each of them.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from nlgov_jades import ANY_TRUSTED, HttpRequest, RevocationPolicy, TrustStore, VerificationPolicy, Verifier, profiles
from nlgov_jades.errors import FetchError, VerificationError
from nlgov_jades.pki.revocation import FetchRequest, RevocationData

from .choices import Choices, changed
from .forging import HEADER_CHANGES, raw_signature
from .harness import ACCEPTED, Harness, check, label
from .vectors import AT, key
from .world import World, crl, ocsp_response

__all__ = ["HARNESSES"]

_BODY = b'{"besluit":"toegekend"}'
_TIMES = tuple(dt.timedelta(hours=hours) for hours in (0, 0, 0, 0, 1, 3, 5, 24, 26, -1, 24 * 400, -24 * 40))
_KIDS = ("k", "k" * 300, "k" * 301, "k" * 302, "\u00e9" * 200, '"x5c":["A"],' * 30, "k" * 17_000)
_TAILS = (
    b"",
    b',"iat":1',
    b',"x5c":["QQ=="]',
    b',"alg":"none"',
    b',"exp":1781524900',
    b',"a":[[[[[[[[]]]]]]]]',
    b" ",
    b',"b64":true',
    b',"iat":NaN',
)


@dataclass(slots=True)
class Source:
    """A fetcher that keeps the contract: its generation changes when it has learned of a revocation."""

    is_revoked: bool = False
    is_silent: bool = False
    generation: int = 0
    asked: list[str] = field(default_factory=list)

    def fetch(self, request: FetchRequest, *, timeout: float) -> RevocationData:
        """From what was made before; no network."""
        del timeout
        self.asked.append(request.url)
        if self.is_silent:
            raise FetchError("silent")
        return request.parse(
            served(
                request.url, hashlib.sha256(request.certificate.public_bytes(Encoding.DER)).digest(), self.is_revoked
            )
        )


@cache
def served(url: str, about: bytes, is_revoked: bool) -> bytes:  # noqa: FBT001 - a key of the cache
    """What a URL answers about a certificate."""
    world = World.get()
    compromise = x509.ReasonFlags.key_compromise
    if url.endswith("root.crl"):
        return crl(world.root, world.root_key, []).public_bytes(Encoding.DER)
    gone = [world.revoked, *([world.leaf] if is_revoked else [])]
    if url.endswith("ca.crl"):
        return crl(world.ca, world.ca_key, [(item.serial_number, compromise) for item in gone]).public_bytes(
            Encoding.DER
        )
    asked = next(item for item in signers() if hashlib.sha256(item.public_bytes(Encoding.DER)).digest() == about)
    status = ocsp.OCSPCertStatus.REVOKED if asked in gone else ocsp.OCSPCertStatus.GOOD
    return ocsp_response(world, asked, status, delegated=asked is world.second)


@cache
def signers() -> tuple[x509.Certificate, ...]:
    """Those that sign: the third is revoked."""
    world = World.get()
    return world.leaf, world.second, world.revoked


@lru_cache(maxsize=4096)
def signature(name: str, octets: bytes) -> bytes:
    """Signatures are dear; the same octets get the same one."""
    return raw_signature(key(name), octets)


@dataclass(frozen=True, slots=True)
class Step:
    """One message, and when it arrives."""

    message: HttpRequest
    at: dt.datetime


def run(data: bytes) -> str:
    choices, world = Choices(data), World.get()
    shared_source = Source()
    clock = {"now": AT}
    trust = TrustStore([world.root])
    policy = VerificationPolicy(
        profiles=(profiles.DDAS, profiles.ADR_MESSAGE), signers=ANY_TRUSTED, revocation=RevocationPolicy.HARD_FAIL
    )
    shared = Verifier(trust=trust, policy=policy, fetcher=shared_source, clock=lambda: clock["now"])
    words = []
    last: str | None = None
    for _ in range(2 + choices.below(6)):
        _turn(shared_source, choices)
        step, last = made(choices, last)
        clock["now"] = step.at
        source = Source(is_revoked=shared_source.is_revoked, is_silent=shared_source.is_silent)
        fresh = Verifier(trust=trust, policy=policy, fetcher=source, clock=lambda: clock["now"])
        # A verdict that holds spares the fetch; then silence is not heard, and need not be.
        asked = len(shared_source.asked)
        found, wanted = outcome(shared, step.message), outcome(fresh, step.message)
        is_spared = len(shared_source.asked) == asked and source.is_silent and wanted[0] == "REVOCATION_UNKNOWN"
        check(found == wanted or is_spared, f"one verifier says {found[0]} and a new one {wanted[0]}")
        words.append(str(wanted[0]))
    return ACCEPTED if ACCEPTED in words else words[0]


def _turn(source: Source, choices: Choices) -> None:
    """What happens in the world between two messages."""
    how = choices.below(12)
    if how == 11:
        source.is_revoked = not source.is_revoked
        source.generation += 1
    elif how == 10:
        source.is_silent = not source.is_silent
    elif how == 9:
        source.generation += 1


def outcome(verifier: Verifier, message: HttpRequest) -> tuple[Any, ...]:
    """The word, and everything that the proof or the error tells."""
    try:
        proof = verifier.verify(message)
    except VerificationError as error:
        return label(error), type(error), error.sub_indication, error.detail
    told = (
        proof.protected,
        proof.signature,
        proof.covered,
        proof.signer,
        proof.path,
        proof.signing_time,
        proof.notices,
    )
    return ACCEPTED, told, proof.profile.id, proof.verified_at, proof.revocation, json.dumps(proof.protected_header)


def made(choices: Choices, last: str | None) -> tuple[Step, str]:
    """A message: of a signer, with a header in some order, or one that was sent before with changes."""
    world = World.get()
    at = AT + choices.pick(_TIMES)
    if last is not None and choices.below(4) == 3:
        value = changed(last.encode(), choices, (b"..", b"A", b"=")).decode("latin-1")
    else:
        value = _signed(choices, world)
    digest = base64.b64encode(hashlib.sha256(_BODY).digest()).decode()
    body = _BODY if choices.below(8) != 7 else b"{}"
    lines = [("Content-Type", "application/json"), ("Digest", f"SHA-256={digest}"), ("nlgov-adr-payload-sig", value)]
    return Step(HttpRequest(method="POST", target="/", fields=lines, body=body), at), value


def _signed(choices: Choices, world: World) -> str:
    signer = choices.below(3)
    own, ca, root = (
        base64.b64encode(item.public_bytes(Encoding.DER)).decode() for item in (signers()[signer], world.ca, world.root)
    )
    header: dict[str, Any] = {
        "alg": "PS256",
        "kid": choices.pick(_KIDS),
        "x5c": choices.pick(([own, ca], [own, ca], [own, ca], [own], [own, ca, root], [ca, own], [own, ca, ca])),
        "typ": "JOSE",
        "b64": False,
        "iat": int(AT.timestamp()) + choices.pick((0, 1, 2, -3600, 10**6)),
        "sigD": {"mId": "http://uri.etsi.org/19182/HttpHeaders", "pars": ["digest"]},
        "crit": ["b64", "sigD"],
    }
    if choices.below(4) == 3:
        choices.pick(HEADER_CHANGES)(header, choices)
    octets = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    if choices.below(4) == 3:
        octets = octets[:-1] + choices.pick(_TAILS) + b"}"
    encoded = base64.urlsafe_b64encode(octets).rstrip(b"=")
    digest = base64.b64encode(hashlib.sha256(_BODY).digest())
    made_signature = signature(
        "leaf-rsa3072" if signer == 1 else "leaf-rsa2048", encoded + b".digest: SHA-256=" + digest
    )
    return (encoded + b".." + base64.urlsafe_b64encode(made_signature).rstrip(b"=")).decode()


def _step(
    turn: int = 0,
    *,
    time: int = 0,
    again: bytes = b"\0",
    signer: int = 0,
    kid: int = 0,
    x5c: int = 0,
    iat: int = 0,
    tail: bytes = b"\0",
) -> bytes:
    """The octets that choose one message; `again` is empty for the first one."""
    return bytes([turn, time]) + again + bytes([signer, kid, x5c, iat, 0]) + tail + b"\0"


def seeds() -> list[bytes]:
    """The same signer again and again, with each kind of turn, time, kid, x5c and tail; and a field of his that was changed."""
    rows: list[list[bytes]] = [[_step(signer=signer, iat=index) for index in range(4)] for signer in range(3)]
    rows += [[_step(signer=index % 3, iat=index) for index in range(7)]]
    rows += [[_step(), _step(), _step(turn), _step(), _step(turn), _step()] for turn in (9, 10, 11)]
    rows += [[_step(), _step(time=time), _step(), _step(time=time)] for time in range(len(_TIMES))]
    rows += [
        [_step(kid=kid, x5c=x5c, iat=index) for index in range(4)] for kid in range(len(_KIDS)) for x5c in range(7)
    ]
    rows += [
        [_step(kid=1), _step(kid=1), _step(kid=1, tail=bytes([3, tail])), _step(kid=1)] for tail in range(len(_TAILS))
    ]
    made_seeds = [_count(row) + row[0][:2] + row[0][3:] + b"".join(row[1:]) for row in rows]
    changed_field = [
        bytes([0, 0, 3, at >> 8, at & 255, kind, 65, 0]) for at in range(0, 5600, 400) for kind in range(6)
    ]
    known = _step(kid=1)
    made_seeds += [bytes([1]) + known[:2] + known[3:] + known + change for change in changed_field]
    return made_seeds


def _count(row: list[bytes]) -> bytes:
    return bytes([len(row) - 2])


HARNESSES = (
    Harness(
        "sequence",
        "every message gives through one verifier, with its beginnings, verdicts and revocations, what a new verifier gives it: the "
        "same proof or the same error, word for word; a revocation that the fetcher has learned of counts at once",
        run,
        seeds,
        (b"\x03", b"\x09", b"\x0a", b"\x0b", bytes(9)),
        160,
    ),
)
