"""The driver of the interoperability runs gives no green row to a peer that does not verify."""

from __future__ import annotations

import datetime as dt
import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

MODULES = ("cases", "page", "peers", "plan", "trials")

# A peer in a few lines: `answer` is what it says to every job that is no question for its version.
FAKE = """
import json, sys
for line in sys.stdin:
    job = json.loads(line)
    version = {"name": "fake", "version": "1.0", "runtime": "none"}
    print(json.dumps(version if job["op"] == "version" else ANSWER))
"""


@pytest.fixture(scope="module")
def driver() -> Any:
    """The modules of the driver, which is no package that is installed."""
    sys.path.insert(0, str(ROOT / "interop"))
    try:
        yield {name: importlib.import_module(f"driver.{name}") for name in MODULES}
    finally:
        sys.path.remove(str(ROOT / "interop"))


@pytest.fixture(scope="module")
def trials(driver: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    now = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
    return driver["trials"].Trials(driver["cases"].Certificates.new(now), now, tmp_path_factory.mktemp("built"))


def fake(driver: Any, script: str, **more: Any) -> Any:
    return driver["peers"].Peer(
        **{"id": "fake", "name": "fake", "command": lambda _: (sys.executable, "-c", script)} | more
    )


def answering(driver: Any, answer: dict[str, object]) -> Any:
    return fake(driver, FAKE.replace("ANSWER", repr(answer)))


def rows_of(results: Any, direction: str) -> list[Any]:
    return [row for row in results.rows if row.direction.name == direction]


def test_a_peer_that_accepts_everything_fails_in_every_row(driver: Any, trials: Any) -> None:
    results = trials.run(answering(driver, {"valid": True, "value": "e30..AA"}))
    assert len(results.rows) == 14
    assert {row.outcome.name for row in results.rows} == {"FAILED"}
    assert {row.reason.partition(":")[0] for row in rows_of(results, "OURS")} == {
        "it does not refuse one bit of the signature"
    }
    assert results.foreign == []


def test_a_peer_that_refuses_everything_fails_in_every_row(driver: Any, trials: Any) -> None:
    results = trials.run(answering(driver, {"valid": False, "reason": "no"}))
    assert {row.outcome.name for row in results.rows} == {"FAILED"}
    assert {row.reason for row in rows_of(results, "OURS")} == {"no"}


def test_a_program_that_goes_wrong_refuses_nothing(driver: Any, trials: Any) -> None:
    half = FAKE.replace("ANSWER", '{"valid": True} if seen == 1 else {"error": "broken"}')
    half = half.replace("    version =", "    seen = globals().get('seen', 0) + (job['op'] == 'verify')\n    version =")
    results = trials.run(fake(driver, half))
    first = rows_of(results, "OURS")[0]
    assert first.outcome.name == "FAILED"
    assert first.reason == "it does not refuse one bit of the signature: broken"


def test_a_real_library_is_green_and_its_signatures_are_kept(driver: Any, trials: Any) -> None:
    (peer,) = [peer for peer in driver["peers"].PEERS if peer.id == "joserfc"]
    results = trials.run(peer)
    assert {row.outcome.name for row in results.rows} == {"ACCEPTED"}
    assert [one.case.id for one in results.foreign] == [case.id for case in driver["plan"].CASES]


def test_a_limit_that_no_longer_holds_makes_its_row_fail(driver: Any, trials: Any) -> None:
    (real,) = [peer for peer in driver["peers"].PEERS if peer.id == "joserfc"]
    # Under the name of a peer of which limits.py says that it cannot.
    results = trials.run(driver["peers"].Peer("go-jose", real.name, real.command))
    by_case = {row.case: row for row in rows_of(results, "OURS")}
    assert by_case["ddas-body"].outcome.name == "ACCEPTED"
    assert by_case["adr-payload"].outcome.name == "FAILED"
    assert by_case["adr-payload"].reason.startswith("limits.py says that it cannot; now: accepted: ")


def test_a_peer_whose_tools_are_missing_is_not_run_and_says_so(driver: Any, trials: Any) -> None:
    results = trials.run(fake(driver, "", tools=("no-such-tool-anywhere",)))
    assert {(row.outcome.name, row.reason) for row in results.rows} == {
        ("NOT_RUN", "not on this machine: no-such-tool-anywhere")
    }


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("print('{}')", "fake answered 1 of "),
        ("print('hello')", "fake wrote something that is no JSON"),
        ("print('[]')", "fake wrote something that is no answer"),
        ("raise SystemExit('it broke')", "ended with 1: it broke"),
        (FAKE.replace('"fake"', '"other"').replace("ANSWER", "{}"), 'fake says that it is {"name": "other"'),
    ],
    ids=["too few answers", "no JSON", "no answer", "dies", "is another"],
)
def test_a_program_that_does_not_keep_the_protocol_ends_its_trials(
    driver: Any, trials: Any, script: str, words: str
) -> None:
    with pytest.raises(driver["peers"].PeerError) as caught:
        trials.run(fake(driver, script))
    assert words in str(caught.value)


def test_a_program_that_hangs_is_ended(driver: Any, trials: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver["peers"], "RUN_SECONDS", 0.5)
    with pytest.raises(driver["peers"].PeerError) as caught:
        trials.run(fake(driver, "import signal\nsignal.pause()"))
    assert "took more than" in str(caught.value)


def test_the_page_holds_the_words_of_the_driver(driver: Any) -> None:
    text = (ROOT / "docs" / "interop.md").read_text("utf-8")
    page = driver["page"]
    parts = (page.HEAD, page.MEANING, page.TAMPERED, page.DIFFERENCES, page.REMARKS)
    assert [part[:60] for part in parts if part not in text] == []


def test_a_run_of_some_peers_writes_nothing(
    driver: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert driver
    run = importlib.import_module("run")
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["run.py", "pyjwt", "--write"])
    assert run.main() == 1
    assert capsys.readouterr().err == "nothing was written: page and vectors come from one complete run\n"
    assert list(tmp_path.iterdir()) == []
