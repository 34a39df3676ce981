"""What a collection came to, provider by provider: values, a table and JSON. No octet of an answer is in it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..pki.identity import Oin
from ..result import RevocationSource, RevocationStatus, VerifiedMessage

__all__ = ["CollectionStatus", "FleetReport", "ProviderReport", "SignatureFacts"]


class CollectionStatus(StrEnum):
    """How it ended with one provider."""

    OK = "ok"
    """All pages are there."""
    REFUSED = "refused"
    """An answer was not accepted."""
    GATEWAY = "fsc-error"
    """An FSC gateway answered."""
    PROBLEM = "problem"
    """The provider answered with a problem document."""
    UNREACHABLE = "unreachable"
    """There was no answer, or not in time."""
    FAILED = "failed"
    """This side could not go on: no signature could be made, or what came could not be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFacts:
    """What a verified answer tells about the one who signs.

    Attributes:
        profile: Which profile it follows.
        field_length: Octets of the field with the signature.
        certificate_days_left: Whole days until the signer's certificate ends.
        revocation: What is known of the signer's certificate.
        revocation_source: Where from, or `None`.
        this_update: When that was known to be so, or `None`.
    """

    profile: str
    field_length: int
    certificate_days_left: int
    revocation: RevocationStatus
    revocation_source: RevocationSource | None
    this_update: dt.datetime | None

    @classmethod
    def of(cls, verified: VerifiedMessage) -> SignatureFacts:
        """From the proof."""
        evidence = verified.revocation[0] if verified.revocation else None
        return cls(
            profile=verified.profile.id,
            field_length=sum(map(len, verified.message.fields.get_all(verified.profile.field_name))),
            certificate_days_left=(verified.path[0].not_valid_after_utc - verified.verified_at).days,
            revocation=RevocationStatus.UNCHECKED if evidence is None else evidence.status,
            revocation_source=None if evidence is None else evidence.source,
            this_update=None if evidence is None else evidence.this_update,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderReport:
    """What came of one provider.

    Attributes:
        name: What it is called here.
        oin: Who must have signed.
        status: How it ended.
        code: Why, for programs; `None` when all is well.
        http_status: Of the answer that ended it, where there is one.
        signature: What the last verified answer with status 200 tells, or `None` when there was none.
        pages: Pages of the last round.
        records: Records of the last round.
        octets: Octets of the last round.
        attempts: How often anything was asked.
        rounds: 2 when it started again, because what is delivered changed.
        seconds: How long it took.
    """

    name: str
    oin: Oin
    status: CollectionStatus
    code: str | None = None
    http_status: int | None = None
    signature: SignatureFacts | None = None
    pages: int = 0
    records: int = 0
    octets: int = 0
    attempts: int = 0
    rounds: int = 1
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Its values for JSON; every key is there, whatever happened."""
        found = self.signature
        return {
            "name": self.name,
            "oin": str(self.oin),
            "status": self.status.value,
            "code": self.code,
            "http_status": self.http_status,
            "profile": None if found is None else found.profile,
            "field_length": None if found is None else found.field_length,
            "certificate_days_left": None if found is None else found.certificate_days_left,
            "revocation": {
                "status": None if found is None else found.revocation.value,
                "source": None if found is None or found.revocation_source is None else found.revocation_source.value,
                "this_update": None if found is None or found.this_update is None else _utc(found.this_update),
            },
            "pages": self.pages,
            "records": self.records,
            "octets": self.octets,
            "attempts": self.attempts,
            "rounds": self.rounds,
            "seconds": round(self.seconds, 3),
        }


def _utc(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_COLUMNS = (
    *("provider", "OIN", "status", "code", "profile", "field", "days left", "revocation", "pages", "records"),
    *("octets", "attempts", "seconds"),
)
_TEXTS = frozenset({"provider", "OIN", "status", "code", "profile", "revocation"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetReport:
    """What came of all providers, in the order in which they were named.

    Attributes:
        providers: One report for each.
        started: When it began, UTC.
        seconds: How long it took.
    """

    providers: tuple[ProviderReport, ...]
    started: dt.datetime
    seconds: float

    @property
    def is_complete(self) -> bool:
        """Whether everything of everybody is there."""
        return bool(self.providers) and all(one.status is CollectionStatus.OK for one in self.providers)

    def as_json(self) -> dict[str, Any]:
        """All of it for JSON. Keys stay; new ones may come."""
        return {
            "started": _utc(self.started),
            "seconds": round(self.seconds, 3),
            "complete": self.is_complete,
            "totals": {
                "providers": len(self.providers),
                **{status.value: sum(one.status is status for one in self.providers) for status in CollectionStatus},
                "records": sum(one.records for one in self.providers),
                "octets": sum(one.octets for one in self.providers),
            },
            "providers": [one.as_json() for one in self.providers],
        }

    def json(self) -> str:
        """The same as text, in ASCII."""
        return json.dumps(self.as_json(), indent=2)

    def table(self) -> str:
        """A table for people: one line for each provider, and one for all."""
        rows = [_COLUMNS, *(_row(one) for one in self.providers)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
        lines = [_line(row, widths) for row in rows]
        lines.insert(1, "-" * max(map(len, lines)))
        well = sum(one.status is CollectionStatus.OK for one in self.providers)
        records = sum(one.records for one in self.providers)
        lines.append(f"{well} of {len(self.providers)} complete, {records} records, {self.seconds:.1f} seconds")
        return "\n".join(lines)


def _row(one: ProviderReport) -> tuple[str, ...]:
    found = one.signature
    known = ("-",) * 4
    if found is not None:
        source = found.revocation.value if found.revocation_source is None else found.revocation_source.value
        when = "" if found.this_update is None else f" {_utc(found.this_update)}"
        known = (found.profile, str(found.field_length), str(found.certificate_days_left), source + when)
    counts = map(str, (one.pages, one.records, one.octets, one.attempts))
    return (one.name, str(one.oin), one.status.value, one.code or "-", *known, *counts, f"{one.seconds:.1f}")


def _line(cells: Iterable[str], widths: list[int]) -> str:
    texts = [
        cell.ljust(width) if column in _TEXTS else cell.rjust(width)
        for cell, width, column in zip(cells, widths, _COLUMNS, strict=True)
    ]
    return "  ".join(texts).rstrip()
