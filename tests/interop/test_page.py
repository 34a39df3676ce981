"""docs/interop.md, the vectors of other implementations and the pins of their programs belong to one run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from nlgov_jades import profiles

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "interop.md"
VECTORS = ROOT / "test-vectors" / "interop" / "vectors"
OURS, THEIRS = "it verifies ours", "we verify its"


class Row(NamedTuple):
    peer: str
    version: str
    direction: str
    case: str
    outcome: str
    reason: str


def rows() -> list[Row]:
    lines = PAGE.read_text("utf-8").partition("\n## All rows\n")[2].strip().splitlines()
    assert lines[0] == "| peer | version | direction | profile | outcome | reason |"
    return [Row(*line.strip("|").strip().split(" | ")) for line in lines[2:]]


@pytest.fixture(scope="module")
def driver_peers() -> dict[str, str]:
    """Id and name of every peer of the driver."""
    command = [sys.executable, str(ROOT / "interop" / "run.py"), "--list"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return {line.split("\t")[0]: line.split("\t")[1] for line in done.stdout.splitlines()}


def vectors() -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(VECTORS.glob("*.json"))]


def test_the_page_has_every_peer_of_the_driver_with_every_profile_in_both_directions(
    driver_peers: dict[str, str],
) -> None:
    found = defaultdict(set)
    for row in rows():
        found[row.peer].add((row.direction, row.case))
    assert list(found) == list(driver_peers.values())
    wanted = {(direction, profile.id) for direction in (OURS, THEIRS) for profile in profiles.ALL}
    assert {peer: wanted - seen for peer, seen in found.items() if not wanted <= seen} == {}


def test_no_row_is_red_and_what_is_not_green_says_why() -> None:
    assert {row.outcome for row in rows()} <= {"accepted", "rightly refused", "cannot"}
    for row in rows():
        assert row.outcome != "cannot" or "It says: " in row.reason, row
        assert row.outcome != "accepted" or re.search(r"\b([1-9][0-9]*) of \1 tampered ones refused$", row.reason), row


def test_dss_calls_our_signatures_valid_and_baseline_b() -> None:
    judged = {row.case: row for row in rows() if row.peer == "EU DSS" and row.direction == OURS}
    for case in ("adr-payload", "adr-message", "logius-payload", "logius-message", "ddas", "oots-response"):
        assert judged[case].outcome == "accepted", case
        assert judged[case].reason.startswith("TOTAL_PASSED, JAdES-BASELINE-B; "), case


def test_there_is_a_vector_for_every_signature_of_others_that_we_accept_and_no_other(
    driver_peers: dict[str, str],
) -> None:
    ids = {name: peer for peer, name in driver_peers.items()}
    accepted = {
        f"{ids[row.peer]}-{re.sub('[^a-z0-9]+', '-', row.case.lower()).strip('-')}": (row.peer, row.version)
        for row in rows()
        if row.direction == THEIRS and row.outcome == "accepted"
    }
    assert {peer for peer, _ in accepted.values()} == set(driver_peers.values())
    made = {vector["id"]: (vector["provenance"]["peer"], vector["provenance"]["version"]) for vector in vectors()}
    assert made == accepted


def test_page_and_vectors_are_of_one_run() -> None:
    dated = re.search(r"^Last run: ([0-9-]{10}), with nlgov-jades ", PAGE.read_text("utf-8"), re.MULTILINE)
    assert dated is not None
    assert {vector["provenance"]["date"] for vector in vectors()} == {dated[1]}
    assert len({vector["policy"]["at"] for vector in vectors()}) == 1


def pinned() -> dict[str, str]:
    """The versions in pom.xml, package.json with its lock file, and go.mod."""
    namespace = {"m": "http://maven.apache.org/POM/4.0.0"}
    pom = ET.parse(ROOT / "interop" / "java" / "pom.xml").getroot()  # noqa: S314 - our own file
    properties = pom.find("m:properties", namespace)
    assert properties is not None
    lock = json.loads((ROOT / "interop" / "node" / "package-lock.json").read_text("utf-8"))
    package = json.loads((ROOT / "interop" / "node" / "package.json").read_text("utf-8"))
    assert lock["packages"]["node_modules/jose"]["version"] == package["dependencies"]["jose"]
    go = re.search(r"go-jose/v4 v([0-9.]+)", (ROOT / "interop" / "go" / "go.mod").read_text("utf-8"))
    assert go is not None
    texts = {name: properties.findtext(f"m:{name}.version", "", namespace) for name in ("dss", "jose4j", "nimbus")}
    return {
        "EU DSS": texts["dss"],
        "jose4j": texts["jose4j"],
        "Nimbus JOSE+JWT": texts["nimbus"],
        "npm jose": package["dependencies"]["jose"],
        "go-jose": go[1],
    }


def test_the_page_was_made_with_the_versions_that_are_pinned() -> None:
    stated = {row.peer: row.version for row in rows()}
    assert {peer: stated[peer] for peer in pinned()} == pinned()


def test_no_lock_file_says_where_to_download_from() -> None:
    lock = json.loads((ROOT / "interop" / "node" / "package-lock.json").read_text("utf-8"))
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert [name for name, package in lock["packages"].items() if name and "integrity" not in package] == []
