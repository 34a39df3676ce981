"""What the demo says: to people as it goes on, and to machines at the end. No octet of a body is among it."""

from __future__ import annotations

from typing import Any

from ...ddas import FleetReport, ProviderReport
from ...pki.identity import common_name
from ...result import RevocationEvidence, VerifiedMessage
from ..output import Printer, plain

__all__ = ["Account"]

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_COLUMNS = ("provider", "OIN", "status", "pages", "records", "octets", "seconds", "code")
_NUMBERS = frozenset({"pages", "records", "octets", "seconds"})


class Account:
    """Of one run: says what happens, and remembers it.

    Args:
        printer: Where to.

    Attributes:
        steps: What happened, for JSON.
        has_failed: Whether something did not come out as it must.
    """

    def __init__(self, printer: Printer) -> None:
        self._printer = printer
        self.steps: list[dict[str, Any]] = []
        self.has_failed = False

    def line(self, text: str = "", style: str = "") -> None:
        """One line for people."""
        self._printer.line(text, style)

    def title(self, text: str) -> None:
        """Begin a step."""
        self.line()
        self.line(text, style="bold")

    def detail(self, text: str) -> None:
        """One line about the step."""
        self.line(f"     {text}", style="dim")

    def note(self, step: str, /, **facts: object) -> None:
        """Remember a step that came out as it must."""
        self.steps.append({"step": step, "ok": True, **facts})

    def wrong(self, step: str, text: str, /, **facts: object) -> None:
        """It did not come out as it must: say so, and remember it."""
        self.has_failed = True
        self.line(f"     {plain(text, 400)}", style="bold red")
        self.steps.append({"step": step, "ok": False, "detail": plain(text, 400), **facts})

    def proof(self, title: str, verified: VerifiedMessage, length: int) -> None:
        """What is known about a message that was verified.

        Args:
            title: Which one.
            verified: The proof.
            length: Octets of its body.
        """
        signer, evidence = verified.signer, verified.revocation
        self.line(f"     {title}: valid", style="bold green")
        self._printer.facts(
            {
                "     signed by": f"{plain(signer.organization)}, OIN {signer.oin}",
                "     covers": f"{', '.join(verified.covered)} of {length} octets of body",
                "     signed at": "-" if verified.signing_time is None else f"{verified.signing_time:{_TIME}}",
                "     path": " > ".join(plain(common_name(certificate)) for certificate in verified.path),
                **{f"     {name}": text for name, text in _revocation(evidence)},
            }
        )

    def refusal(self, title: str, facts: dict[str, object]) -> None:
        """A message that was refused, as it must be."""
        self.line(f"     {title}", style="bold")
        self._printer.facts({f"     {name}": plain(value, 400) for name, value in facts.items()})

    def fleet(self, report: FleetReport) -> None:
        """What came of each provider."""
        rows = [_COLUMNS, *(_row(one) for one in report.providers)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
        for number, row in enumerate(rows):
            cells = [
                cell.rjust(width) if name in _NUMBERS else cell.ljust(width)
                for cell, width, name in zip(row, widths, _COLUMNS, strict=True)
            ]
            self.line("     " + "  ".join(cells).rstrip(), style="" if number else "dim")


def _row(one: ProviderReport) -> tuple[str, ...]:
    counts = (str(one.pages), str(one.records), str(one.octets), f"{one.seconds:.1f}")
    return (plain(one.name, 40), str(one.oin), one.status.value, *counts, one.code or "-")


def _revocation(evidence: tuple[RevocationEvidence, ...]) -> list[tuple[str, str]]:
    """One line for the signer, and one for all above it."""
    lines = []
    for name, entries in (("not revoked", evidence[:1]), ("nor above it", evidence[1:])):
        said = (
            f"{entry.status.value} by {'-' if entry.source is None else entry.source.value.upper()}"
            + (f", known at {entry.this_update:{_TIME}}" if entry.this_update else "")
            for entry in entries
        )
        lines.append((name, "; ".join(said)))
    return lines
