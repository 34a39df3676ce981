"""The acceptance test of an endpoint of DDAS: good messages and bad ones, each answer judged. Needs the extra `ddas`.

    report = probe(
        Endpoint("https://ddas.gemeente.example/v1/gegevens"),
        kind=Kind.SHV, credentials=credentials(signer, at=utc_now(), pki=Path("pki")), verifier=verifier,
    )

Only names are here; each file beside this one has one subject.
"""

from __future__ import annotations

from .advice import AS_FIRST
from .cases import Answered, Case, Group, Material, Refused, Refuser
from .catalogue import BY_ID, CASES
from .certificates import Credentials, credentials
from .html import as_html
from .judging import Fault, Finding, Given
from .report import CaseResult, Outcome, ProbeReport, ProviderFacts, Verdict
from .running import ProbeSettings, probe
from .wire import Endpoint, Tls, WireError, WireFault

__all__ = [
    "AS_FIRST",
    "BY_ID",
    "CASES",
    "Answered",
    "Case",
    "CaseResult",
    "Credentials",
    "Endpoint",
    "Fault",
    "Finding",
    "Given",
    "Group",
    "Material",
    "Outcome",
    "ProbeReport",
    "ProbeSettings",
    "ProviderFacts",
    "Refused",
    "Refuser",
    "Tls",
    "Verdict",
    "WireError",
    "WireFault",
    "as_html",
    "credentials",
    "probe",
]
