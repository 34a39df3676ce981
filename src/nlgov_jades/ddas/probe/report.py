"""What the probe found: values, and the same as JSON. No octet of a question, of an answer or of a field line is in it."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ...pki.identity import Oin
from ...result import VerifiedMessage
from ..kinds import Kind
from ..report import SignatureFacts
from .cases import Case
from .judging import Finding

__all__ = ["CaseResult", "Outcome", "ProbeReport", "ProviderFacts", "Verdict"]


class Verdict(StrEnum):
    """What came of one case."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_TRIED = "not tried"
    """Something is missing that it needs."""
    SKIPPED = "skipped"
    """Whoever ran the probe left it out."""


class Outcome(StrEnum):
    """What came of all."""

    PASSED = "passed"
    FAILED = "failed"
    INCOMPLETE = "incomplete"
    """Nothing failed, and not everything was tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What came of one case.

    Attributes:
        case: Which.
        verdict: What came of it.
        seen: What came back, in a few words; other people's text in it is quoted.
        findings: What is wrong.
        remarks: What is worth telling.
        advice: What to do about it.
        status: HTTP status of the answer, or `None`.
        code: `code` of its problem document, or `None`.
        signed: Whether the answer had a good signature.
        attempts: How often it was tried.
        seconds: How long it took.
    """

    case: Case
    verdict: Verdict
    seen: str = ""
    findings: tuple[Finding, ...] = ()
    remarks: tuple[str, ...] = ()
    advice: str = ""
    status: int | None = None
    code: str | None = None
    signed: bool = False
    attempts: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Its values for JSON; every key is always there."""
        return {
            "id": self.case.id,
            "group": self.case.group.value,
            "title": self.case.title,
            "deviation": self.case.deviation,
            "why": self.case.why,
            "expected": self.case.expected,
            "verdict": self.verdict.value,
            "seen": self.seen,
            "status": self.status,
            "code": self.code,
            "signed": self.signed,
            "findings": [{"fault": one.fault.value, "detail": one.detail} for one in self.findings],
            "remarks": list(self.remarks),
            "advice": self.advice,
            "attempts": self.attempts,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFacts:
    """What a verified answer tells about the provider.

    Attributes:
        oin: OIN of the signer, or `None`.
        common_name: For people.
        organization: For people.
        not_after: When its certificate ends, UTC.
        key_bits: Size of its key.
        signature: Profile, length of the field, days left, revocation.
    """

    oin: Oin | None
    common_name: str = field(repr=False)
    organization: str = field(repr=False)
    not_after: dt.datetime
    key_bits: int
    signature: SignatureFacts

    @classmethod
    def of(cls, verified: VerifiedMessage) -> ProviderFacts:
        """From the proof."""
        leaf = verified.path[0]
        return cls(
            oin=verified.signer.oin,
            common_name=verified.signer.common_name,
            organization=verified.signer.organization,
            not_after=leaf.not_valid_after_utc,
            key_bits=getattr(leaf.public_key(), "key_size", 0),
            signature=SignatureFacts.of(verified),
        )

    def as_json(self) -> dict[str, Any]:
        """Its values for JSON."""
        found = self.signature
        return {
            "oin": None if self.oin is None else str(self.oin),
            "common_name": self.common_name,
            "organization": self.organization,
            "certificate_not_after": utc(self.not_after),
            "certificate_days_left": found.certificate_days_left,
            "key_bits": self.key_bits,
            "profile": found.profile,
            "field_length": found.field_length,
            "revocation": {
                "status": found.revocation.value,
                "source": None if found.revocation_source is None else found.revocation_source.value,
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """What the probe found.

    Attributes:
        address: Of the endpoint, without query.
        kind: What it was asked for.
        started: When, UTC.
        seconds: How long it took.
        version: Of this library.
        results: One for each case, in the order of the cases.
        provider: What is known of the provider, or `None` when no answer could be verified.
        wanted: The OIN that had to sign, or `None` when any trusted signer was accepted.
        waits: Seconds that were waited because the endpoint asked for it, one for each time.
        notes: What concerns all of it.
    """

    address: str
    kind: Kind
    started: dt.datetime
    seconds: float
    version: str
    results: tuple[CaseResult, ...]
    provider: ProviderFacts | None
    wanted: Oin | None
    waits: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """What came of all: passed only when every case passed or was skipped, and one at least passed."""
        verdicts = {result.verdict for result in self.results}
        if Verdict.FAILED in verdicts:
            return Outcome.FAILED
        if Verdict.NOT_TRIED in verdicts or Verdict.PASSED not in verdicts:
            return Outcome.INCOMPLETE
        return Outcome.PASSED

    def count(self, verdict: Verdict) -> int:
        """How many cases ended so."""
        return Counter(result.verdict for result in self.results)[verdict]

    def as_json(self) -> dict[str, Any]:
        """All of it for JSON. Keys stay; new ones may come."""
        return {
            "address": self.address,
            "kind": self.kind.value,
            "started": utc(self.started),
            "seconds": round(self.seconds, 3),
            "version": self.version,
            "outcome": self.outcome.value,
            "totals": {verdict.value: self.count(verdict) for verdict in Verdict},
            "wanted_oin": None if self.wanted is None else str(self.wanted),
            "provider": None if self.provider is None else self.provider.as_json(),
            "waits": [round(seconds, 3) for seconds in self.waits],
            "notes": list(self.notes),
            "cases": [result.as_json() for result in self.results],
        }

    def json(self) -> str:
        """The same as text, in ASCII."""
        return json.dumps(self.as_json(), indent=2)


def utc(time: dt.datetime) -> str:
    """The time as people and programs read it."""
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
