"""A report with every verdict in it and with the worst texts that an endpoint could send. The tests in a browser use it too."""

from __future__ import annotations

import datetime as dt

from nlgov_jades import Oin
from nlgov_jades.ddas import Kind, SignatureFacts
from nlgov_jades.ddas.probe import CASES, CaseResult, Fault, Finding, ProbeReport, ProviderFacts, Verdict
from nlgov_jades.result import RevocationSource, RevocationStatus

HOSTILE = (
    "<script>window.ran=1</script>",
    "<img src=x onerror=window.ran=2>",
    "\"'><svg/onload=window.ran=3>",
    "</style><style>body{display:none}</style>",
    "\N{RIGHT-TO-LEFT OVERRIDE}desrever\N{POP DIRECTIONAL FORMATTING}",
    "<a href='javascript:window.ran=4'>click</a>",
    "<meta http-equiv=refresh content='0;url=https://elsewhere.example/'>",
    "x" * 400,
    "\x00\x1b[31m\ud800",
    "&lt;script&gt;",
)
"""Each must be there to read, and do nothing."""


def hostile_report() -> ProbeReport:
    """Texts go in as they came: whoever makes the report quotes them, and the page must not rely on that."""
    verdicts = (Verdict.PASSED, Verdict.FAILED, Verdict.NOT_TRIED, Verdict.SKIPPED)
    results = []
    for number, case in enumerate(CASES):
        text = HOSTILE[number % len(HOSTILE)]
        verdict = verdicts[number % len(verdicts)]
        results.append(
            CaseResult(
                case=case,
                verdict=verdict,
                seen=f"400 {text}",
                findings=(Finding(Fault.STATUS, text),) if verdict is Verdict.FAILED else (),
                remarks=(text,),
                advice=text if verdict is not Verdict.PASSED else "",
                status=400,
                code=text,
                signed=number % 2 == 0,
            )
        )
    provider = ProviderFacts(
        oin=Oin("00000003123456780000"),
        common_name=HOSTILE[0],
        organization=HOSTILE[1],
        not_after=dt.datetime(2027, 1, 1, tzinfo=dt.UTC),
        key_bits=2048,
        signature=SignatureFacts(
            profile="ddas",
            field_length=6503,
            certificate_days_left=100,
            revocation=RevocationStatus.GOOD,
            revocation_source=RevocationSource.OCSP,
            this_update=None,
        ),
    )
    return ProbeReport(
        address=f"https://gegevens.gemeente.example/{HOSTILE[0]}",
        kind=Kind.SHV,
        started=dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC),
        seconds=1.5,
        version="0.1.0",
        results=tuple(results),
        provider=provider,
        wanted=None,
        waits=(1.0,),
        notes=(HOSTILE[2],),
    )
