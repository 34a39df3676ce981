"""`nlgov-jades probe` as a process, against real servers."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

from nlgov_jades.ddas import Kind, RateLimit, SqliteStorage
from nlgov_jades.ddas.probe import CASES
from nlgov_jades.testing import save_signer

from .world import MUNICIPALITY, PATIENCE, World, raw_server, serving


def words(world: World, url: str, *more: str | Path) -> list[str]:
    script = shutil.which("nlgov-jades", path=str(Path(sys.executable).parent)) or shutil.which("nlgov-jades")
    assert script is not None
    key = ("--key", world.folder / "signer-key.pem", "--chain", world.folder / "signer-chain.pem")
    trust = ("--trust", world.folder / "root.pem", "--oin", MUNICIPALITY)
    online = ("--online-host", world.responder.url.removeprefix("http://"))
    return [str(word) for word in (script, "probe", f"{url}/v1/gegevens?geheim=1", *key, *trust, *online, *more)]


def run(line: list[str]) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(line, capture_output=True, check=False, timeout=4 * PATIENCE)
    assert b"Traceback" not in done.stderr
    return done


def test_a_provider_that_passes_is_status_0_with_a_report_in_three_forms(
    world: World, storage: SqliteStorage, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    with serving(world.provider(storage, Kind.SHV)) as url:
        done = run(words(world, url, "--pki", world.folder, "--html", page, "--json"))
    assert done.returncode == 0, done.stderr.decode()
    value = json.loads(done.stdout)
    assert (value["ok"], value["outcome"]) == (True, "passed")
    assert value["totals"] == {"passed": len(CASES), "failed": 0, "not tried": 0, "skipped": 0}
    assert value["provider"]["oin"] == MUNICIPALITY
    assert value["html"] == str(page)
    people = done.stderr.decode()
    assert f"passed: {len(CASES)} passed" in people
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    for text in (people, done.stdout.decode(), page.read_text("utf-8")):
        assert "geheim" not in text
        assert all(case.id in text for case in CASES)


def test_what_is_not_at_hand_is_not_tried_and_skipped_when_that_is_said(world: World, storage: SqliteStorage) -> None:
    with serving(world.provider(storage, Kind.SHV, rate_limit=RateLimit(rate=100, burst=100))) as url:
        incomplete = run(words(world, url, "--json"))
        skips = [word for case in CASES if case.material for word in ("--skip", case.id)]
        skipped = run(words(world, url, "--json", *skips))
    assert incomplete.returncode == 1
    value = json.loads(incomplete.stdout)
    assert (value["ok"], value["outcome"], value["totals"]["not tried"]) == (False, "incomplete", 3)
    advice = [case["advice"] for case in value["cases"] if case["verdict"] == "not tried"]
    assert all("--certificates" in text for text in advice)
    assert skipped.returncode == 0
    value = json.loads(skipped.stdout)
    assert (value["ok"], value["totals"]["skipped"]) == (True, 3)
    assert "certificate-expired, certificate-revoked, oin-other" in value["notes"][0]


def test_certificates_of_an_acceptance_environment_lie_in_a_folder(
    world: World, storage: SqliteStorage, tmp_path: Path
) -> None:
    revoked = world.hierarchy.tsp.issue(oin="00000001001234567000")
    world.responder.revoke(revoked)
    save_signer(revoked, tmp_path, name="revoked")
    save_signer(world.hierarchy.tsp.issue(oin="00000099000000002000"), tmp_path, name="other-oin")
    with serving(world.provider(storage, Kind.SHV)) as url:
        done = run(words(world, url, "--certificates", tmp_path, "--skip", "certificate-expired", "--json"))
    assert done.returncode == 0, done.stderr.decode()


def test_what_fails_is_status_1_with_what_to_do_about_it(world: World, storage: SqliteStorage) -> None:
    with serving(world.provider(storage, Kind.SHV, replay_guard=None)) as url:
        done = run(words(world, url, "--pki", world.folder))
    assert done.returncode == 1
    text = done.stdout.decode()
    assert re.search(r"✗ failed +replay +200", text)
    assert "it was accepted, with status 200" in text
    assert "Give the provider a replay guard" in text
    assert f"failed: {len(CASES) - 1} passed, 1 failed" in text


def test_without_revocation_data_the_report_says_what_to_add(world: World, storage: SqliteStorage) -> None:
    with serving(world.provider(storage, Kind.SHV)) as url:
        line = words(world, url, "--pki", world.folder)
        at = line.index("--online-host")
        done = run([*line[:at], *line[at + 2 :]])
    assert done.returncode == 1
    assert "--online, --crl or --ocsp" in done.stdout.decode()


def test_on_a_terminal_it_shows_which_case_is_tried_and_nothing_of_an_endpoint_reaches_it(world: World) -> None:
    def hostile(connection: object) -> None:
        body = b'{"status":400,"title":"\\u001b[31mred\\u202e","code":"\x1b[2J[bold]"}'
        head = b"HTTP/1.1 400 Bad\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n\r\n" % len(body)
        connection.recv(65536)  # type: ignore[attr-defined]  # a socket
        connection.sendall(head + body)  # type: ignore[attr-defined]  # the same

    with raw_server(hostile) as url:
        octets, status = on_terminal(words(world, url, "--pki", world.folder))
    assert status == 1
    text = octets.decode("utf-8", "replace")
    assert re.search(rf"\d+ of {len(CASES)}: ", text)
    assert "\x1b[2J" not in text
    assert "\u202e" not in text
    assert "\x1b[31mred" not in text


def on_terminal(line: list[str]) -> tuple[bytes, int]:
    """All that a command prints on a terminal, and how it ended."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(line, stdin=slave, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        octets = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # Linux says so when the other end is closed
                break
            if not piece:
                break
            octets += piece
    os.close(master)
    return octets, process.returncode


def test_the_kind_is_an_option(world: World, tmp_path: Path) -> None:
    with serving(world.provider(world.storage(tmp_path / "records.sqlite", Kind.VS), Kind.VS)) as url:
        done = run(words(world, url, "--pki", world.folder, "--kind", "VS", "--json"))
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["kind"] == "VS"
