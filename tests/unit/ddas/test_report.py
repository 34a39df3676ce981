from __future__ import annotations

import datetime as dt
import json

from nlgov_jades import Oin
from nlgov_jades.ddas.report import CollectionStatus, FleetReport, ProviderReport, SignatureFacts
from nlgov_jades.result import RevocationSource, RevocationStatus

from .fleet_world import MUNICIPALITY, NOW

FACTS = SignatureFacts(
    profile="ddas",
    field_length=5321,
    certificate_days_left=41,
    revocation=RevocationStatus.GOOD,
    revocation_source=RevocationSource.OCSP,
    this_update=NOW - dt.timedelta(hours=1),
)
GOOD = ProviderReport(
    name="Gemeente A",
    oin=Oin(MUNICIPALITY),
    status=CollectionStatus.OK,
    signature=FACTS,
    pages=2,
    records=30_000,
    seconds=2,
)
BAD = ProviderReport(name="B", oin=Oin(MUNICIPALITY), status=CollectionStatus.REFUSED, code="CERTIFICATE_REVOKED")
REPORT = FleetReport(providers=(GOOD, BAD), started=NOW, seconds=2.5)


def test_the_table_has_a_line_for_each_provider() -> None:
    head, rule, good, bad, total = REPORT.table().splitlines()
    assert head.split("  ")[0] == "provider"
    assert set(rule) == {"-"}
    assert good.split() == (
        f"Gemeente A {MUNICIPALITY} ok - ddas 5321 41 ocsp 2026-06-15T11:00:00Z 2 30000 0 0 2.0".split()
    )
    assert bad.split() == f"B {MUNICIPALITY} refused CERTIFICATE_REVOKED - - - - 0 0 0 0 0.0".split()
    assert total == "1 of 2 complete, 30000 records, 2.5 seconds"


def test_the_keys_of_the_json_stay_whatever_happened() -> None:
    found = json.loads(REPORT.json())
    assert list(found) == ["started", "seconds", "complete", "totals", "providers"]
    good, bad = found["providers"]
    assert list(good) == list(bad)
    assert list(good) == [
        *("name", "oin", "status", "code", "http_status", "profile", "field_length", "certificate_days_left"),
        *("revocation", "pages", "records", "octets", "attempts", "rounds", "seconds"),
    ]
    assert good["revocation"] == {"status": "good", "source": "ocsp", "this_update": "2026-06-15T11:00:00Z"}
    assert bad["revocation"] == {"status": None, "source": None, "this_update": None}
    assert found["totals"]["ok"] == found["totals"]["refused"] == 1


def test_a_report_of_nobody_is_not_complete() -> None:
    assert not FleetReport(providers=(), started=NOW, seconds=0).is_complete
    assert not REPORT.is_complete
    assert FleetReport(providers=(GOOD,), started=NOW, seconds=0).is_complete
