"""`nlgov-jades probe` where nothing is sent: its usage. What it does to endpoints is in tests/integration/probe."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nlgov_jades.cli.failure import CommandFailure
from nlgov_jades.cli.probe import _fields
from nlgov_jades.ddas.probe import CASES

from .command import Argument, Run, finished, process, signing, surroundings

NOBODY = "http://127.0.0.1:1/v1/gegevens"


def test_the_cases_are_listed_with_what_must_come_back(run: Run) -> None:
    done = run("probe", "--list", "--json")
    assert done.status == 0
    assert [case["id"] for case in done.json["cases"]] == [case.id for case in CASES]
    assert set(done.json["cases"][0]) == {"id", "group", "title", "deviation", "why", "expected", "needs"}
    assert {case["needs"] for case in done.json["cases"]} == {None, "expired", "revoked", "other-oin"}
    shown = run("probe", "--list")
    assert all(case.id.encode() in shown.out for case in CASES)


def test_a_narrow_terminal_gets_every_character() -> None:
    done = process("probe", "--list", COLUMNS="30")
    assert done.status == 0
    text = "".join(done.text.split())
    assert "…" not in text
    assert process("probe", "--list", PYTHONIOENCODING="ascii").status == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "give a URL"),
        ((NOBODY,), "give a URL, and --key"),
        ((NOBODY, "--skip", "no-such-case"), "no-such-case"),
        ((NOBODY, "--client-key", "x"), "--client-cert"),
        ((NOBODY, "--kind", "shv"), "shv"),
        ((NOBODY, "--timeout", "0"), "--timeout"),
    ],
    ids=range(6),
)
def test_usage_that_cannot_be_followed_says_so(
    run: Run, files: Path, options: tuple[Argument, ...], words: str
) -> None:
    key = signing(files) if len(options) > 1 else ()
    done = run("probe", *options, *key, "--trust", files / "root.pem", "--json")
    assert (done.status, done.error) == (2, "USAGE")
    assert words in done.detail


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (NOBODY + "?geheim=1", "UNREACHABLE"),
        ("https://127.0.0.1:1/geheim", "UNREACHABLE"),
        ("ftp://a.example/geheim", "CONFIGURATION"),
        ("https://u:geheim@a.example/", "CONFIGURATION"),
    ],
)
def test_nothing_can_be_sent_there(run: Run, files: Path, tmp_path: Path, url: str, code: str) -> None:
    report = tmp_path / "report.html"
    report.write_text("an earlier report", "utf-8")
    done = run("probe", url, *signing(files), "--trust", files / "root.pem", "--html", report, "--json")
    assert (done.status, done.error) == (2, code)
    assert "geheim=1" not in done.text
    assert "u:geheim" not in done.text
    assert report.read_text("utf-8") == "an earlier report"
    absent = tmp_path / "absent.html"
    assert run("probe", url, *signing(files), "--trust", files / "root.pem", "--html", absent).status == 2
    assert not absent.exists()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--html", "no/such/folder/report.html"), "OUTPUT", "cannot be written"),
        (("--oin", "1"), "CONFIGURATION", "OIN"),
        (("--pki", "no-such-folder"), "CONFIGURATION", "no CA keys"),
        (("--certificates", "no-such-folder"), "CONFIGURATION", "holds none of"),
        (("--fields", "no-such-file"), "UNREADABLE_INPUT", "field lines"),
        (("--crl", "no-such-file"), "UNREADABLE_INPUT", "CRL"),
        (("--ca", "no-such-file"), "CONFIGURATION", "CAs of servers"),
        (("--online-host", "a b"), "USAGE", "--online-host"),
    ],
    ids=range(8),
)
def test_a_file_or_a_value_that_cannot_be_used_says_which(
    run: Run, files: Path, options: tuple[str, ...], code: str, words: str
) -> None:
    done = run("probe", "https://127.0.0.1:1/x", *signing(files), "--trust", files / "root.pem", *options, "--json")
    assert (done.status, done.error) == (2, code)
    assert words in done.detail


def test_standard_input_is_one_file_only(run: Run, files: Path) -> None:
    done = run("probe", NOBODY, *signing(files), "--trust", "-", "--fields", "-", "--json")
    assert (done.status, done.error) == (2, "USAGE")


def test_field_lines_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "fields"
    path.write_bytes(b"Fsc-Grant-Hash: $1$2$abc\r\n\nX-Other:  a: b \n")
    assert _fields(str(path)) == (("Fsc-Grant-Hash", "$1$2$abc"), ("X-Other", "a: b"))
    assert _fields(None) == ()
    for wrong in (b"no colon", "é: x".encode()):
        path.write_bytes(wrong)
        with pytest.raises(CommandFailure):
            _fields(str(path))


WITHOUT = """
import importlib.abc, sys

class Without(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=sys.argv[1])

sys.meta_path.insert(0, Without())
from nlgov_jades.cli.app import run
sys.exit(run(["probe", "--list", "--json"]))
"""


@pytest.mark.parametrize("package", ["starlette", "h11", "httpx"])
def test_without_the_extra_it_says_what_to_install(package: str) -> None:
    done = finished([sys.executable, "-c", WITHOUT, package], stdin=b"", env=surroundings())
    assert (done.status, done.error) == (2, "USAGE")
    assert "nlgov-jades[cli,ddas]" in done.detail
