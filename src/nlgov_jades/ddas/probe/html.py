"""The report as one HTML page that can be mailed: no script, nothing that is fetched, other people's text escaped.

A Content-Security-Policy in the page allows one style sheet, by its hash, and nothing else: should some text ever get through
as markup, a browser runs and loads nothing of it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from typing import Final

from .cases import Group
from .report import CaseResult, Outcome, ProbeReport, Verdict, utc

__all__ = ["as_html"]

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1a1c1f; --soft: #52575e; --paper: #ffffff; --line: #d5d9de; --band: #f3f5f7;
  --passed: #14622b; --failed: #a5161d; --open: #7a4a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a9b0b8; --paper: #16181b; --line: #3a4048;
  --band: #1f2327; --passed: #7fd699; --failed: #ff9a94; --open: #f2c072; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 80rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.125rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; }
.soft { color: var(--soft); }
.outcome { border: 1px solid var(--line); border-left: .5rem solid var(--open); border-radius: .25rem; padding: .75rem 1rem;
  margin: 1rem 0; background: var(--band); }
.outcome strong { font-size: 1.25rem; }
.outcome.passed { border-left-color: var(--passed); }
.outcome.failed { border-left-color: var(--failed); }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .125rem 1rem; margin: .5rem 0; }
dt { color: var(--soft); }
dd { margin: 0; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; }
a { color: inherit; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .5rem; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--soft); font-weight: 600; }
th.verdict, td.verdict { width: 7rem; }
th.case { width: 34%; }
th.expected { width: 22%; }
td p:first-child, th p:first-child { margin-top: 0; }
tbody th { font-weight: 400; }
tbody th code { white-space: nowrap; }
code { font: .875em/1.4 ui-monospace, "DejaVu Sans Mono", monospace; }
.mark { font-weight: 700; white-space: nowrap; }
.mark.passed { color: var(--passed); }
.mark.failed { color: var(--failed); }
.mark.open { color: var(--open); }
tr.failed { background: var(--band); }
.todo { font-weight: 600; }
@media screen and (max-width: 46rem) {
  body { padding: 1rem; }
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dd { margin-bottom: .5rem; }
  table, caption, tbody, tr, th, td { display: block; width: auto; }
  thead { display: none; }
  tr { border-top: 1px solid var(--line); padding: .75rem .5rem; }
  th, td, th.verdict, td.verdict, th.case, th.expected { border: 0; padding: 0 0 .25rem; width: auto; }
  td[data-label]::before { content: attr(data-label) ": "; color: var(--soft); }
  td[data-label] > p:first-child { display: inline; }
}
@media print {
  @page { size: A4; margin: 14mm; }
  :root { color-scheme: light; --ink: #000000; --soft: #444444; --paper: #ffffff; --line: #bbbbbb; --band: #ffffff;
    --passed: #14622b; --failed: #a5161d; --open: #7a4a00; }
  body { max-width: none; padding: 0; font-size: 9pt; }
  th.verdict, td.verdict { width: 5.5rem; }
  tr, .outcome { break-inside: avoid; }
  h2 { break-after: avoid; }
}
"""

_POLICY: Final = (
    "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'; base-uri 'none'; form-action 'none'"
)

_MARKS: Final = {
    Verdict.PASSED: ("passed", "✓ passed"),
    Verdict.FAILED: ("failed", "✗ failed"),
    Verdict.NOT_TRIED: ("open", "○ not tried"),
    Verdict.SKIPPED: ("open", "- skipped"),
}

_OUTCOMES: Final = {
    Outcome.PASSED: "Passed: the endpoint does what DDAS asks.",
    Outcome.FAILED: "Failed: see what to do in the rows that say so.",
    Outcome.INCOMPLETE: "Incomplete: nothing failed, and not everything was tried.",
}


def as_html(report: ProbeReport) -> str:
    """The report as a page.

    Args:
        report: What the probe found.
    """
    title = f"Probe of {_plain(report.address)}"
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">',
            '<meta name="referrer" content="no-referrer">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            f"<h1>{title}</h1>",
            f'<p class="soft">Acceptance test of a DDAS endpoint, {utc(report.started)}, nlgov-jades {_plain(report.version)}</p>',
            *_summary(report),
            *_provider(report),
            *(line for group in Group for line in _group(report, group)),
            "</body>",
            "</html>",
            "",
        ]
    )


def _plain(text: object) -> str:
    """Other people's text: what no printer prints is taken out, what HTML obeys is escaped.

    Bidirectional characters would let a text be read in another order than it has.
    """
    shown = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in str(text))
    return escape(shown.encode("utf-8", "replace").decode("utf-8"))


def _facts(rows: Iterable[tuple[str, object]]) -> list[str]:
    return ["<dl>", *(f"<dt>{_plain(name)}</dt><dd>{_plain(value)}</dd>" for name, value in rows), "</dl>"]


def _summary(report: ProbeReport) -> list[str]:
    counts = [f"{report.count(verdict)} {verdict.value}" for verdict in Verdict if report.count(verdict)]
    waited = f"{len(report.waits)} times, {sum(report.waits):.0f} seconds" if report.waits else "no"
    return [
        f'<section class="outcome {report.outcome.value}">',
        f"<p><strong>{_OUTCOMES[report.outcome]}</strong></p>",
        f"<p>{len(report.results)} cases: {', '.join(counts)}</p>",
        *_named(report, Verdict.FAILED, "Failed"),
        *_named(report, Verdict.NOT_TRIED, "Not tried"),
        *(f"<p>{_plain(note)}</p>" for note in report.notes),
        "</section>",
        *_facts(
            [
                ("Endpoint", report.address),
                ("Asked for", report.kind.value),
                ("Took", f"{report.seconds:.1f} seconds"),
                ("Had to wait", waited),
            ]
        ),
    ]


def _named(report: ProbeReport, verdict: Verdict, head: str) -> list[str]:
    """Which cases ended so, each leading to its row."""
    names = [_plain(result.case.id) for result in report.results if result.verdict is verdict]
    links = ", ".join(f'<a href="#{name}">{name}</a>' for name in names)
    return [f"<p>{head}: {links}</p>"] if names else []


def _provider(report: ProbeReport) -> list[str]:
    found = report.provider
    if found is None:
        return ["<h2>The provider</h2>", "<p>No answer had a good signature, so nothing is known of it.</p>"]
    signature = found.signature
    source = "" if signature.revocation_source is None else f", by {signature.revocation_source.value}"
    return [
        "<h2>The provider</h2>",
        *_facts(
            [
                ("Signed by", found.organization or found.common_name or "a certificate without a name"),
                ("Common name", found.common_name or "none"),
                ("OIN", found.oin or "none"),
                ("OIN that had to sign", report.wanted or "any trusted signer"),
                ("Certificate ends", f"{utc(found.not_after)}, in {signature.certificate_days_left} days"),
                ("Key", f"{found.key_bits} bits"),
                ("Revocation", f"{signature.revocation.value}{source}"),
                ("Profile", signature.profile),
                ("Signature field", f"{signature.field_length} characters"),
            ]
        ),
    ]


def _group(report: ProbeReport, group: Group) -> list[str]:
    results = [result for result in report.results if result.case.group is group]
    if not results:
        return []
    heads = (("verdict", "Verdict"), ("case", "Sent"), ("expected", "Expected"), ("seen", "Came back"))
    return [
        f"<h2>{_plain(group.value[0].upper() + group.value[1:])}</h2>",
        "<table>",
        f"<caption>{sum(one.verdict is Verdict.PASSED for one in results)} of {len(results)} passed</caption>",
        "<thead><tr>",
        *(f'<th scope="col" class="{name}">{text}</th>' for name, text in heads),
        "</tr></thead>",
        "<tbody>",
        *map(_row, results),
        "</tbody>",
        "</table>",
    ]


def _row(result: CaseResult) -> str:
    case = result.case
    name, mark = _MARKS[result.verdict]
    came = [f"<p>{_plain(result.seen)}{', signed' if result.signed else ''}</p>"]
    came += [f"<p><code>{_plain(one.fault.value)}</code> {_plain(one.detail)}</p>" for one in result.findings]
    came += [f'<p class="soft">{_plain(remark)}</p>' for remark in result.remarks]
    if result.advice:
        came.append(f'<p><span class="todo">To do:</span> {_plain(result.advice)}</p>')
    return (
        f'<tr class="{name}" id="{_plain(case.id)}">'
        f'<td class="verdict"><span class="mark {name}">{mark}</span></td>'
        f'<th scope="row"><p>{_plain(case.title)} <code>{_plain(case.id)}</code></p>'
        f'<p class="soft">{_plain(case.deviation)}</p><p class="soft">{_plain(case.why)}</p></th>'
        f'<td data-label="Expected"><p>{_plain(case.expected)}</p></td>'
        '<td data-label="Came back">' + "".join(came) + "</td></tr>"
    )
