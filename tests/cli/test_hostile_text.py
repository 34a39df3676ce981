"""Text of strangers in certificates, headers and names: a terminal and a log obey none of it."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from nlgov_jades import Signer
from nlgov_jades.cli.capture import parse_capture
from nlgov_jades.profiles import ADR_PAYLOAD
from nlgov_jades.testing import Hierarchy
from nlgov_jades.testing.hierarchy import new_key

from .command import Done, Run, process, trusting, with_header

HOSTILE = {
    "ANSI colour": "\x1b[31mred\x1b[0m",
    "ANSI clear screen": "\x1b[2J\x1b[H",
    "terminal title": "\x1b]0;valid\x07",
    "hyperlink": "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "C1 control sequence": "\x9b31m",
    "carriage return": "gemeente\rvalid",
    "line feed": "gemeente\nvalid\n  OIN 1",
    "backspace": "evil\b\b\b\bgood",
    "delete": "a\x7fb",
    "right-to-left override": "\u202egnp.elif",
    "isolates": "\u2066a\u2069",
    "zero width": "a\u200b\u200d\ufeffb",
    "line separator": "a\u2028b\u2029c",
    "rich markup": "[red]x[/red][link=https://evil.example]y[/link]",
    "unbalanced rich markup": "[/] [/red] [[ \\[",
    "rich emoji": ":warning: :thumbs_up:",
    "format string": "%s%n{0}{0.__class__}",
    "private use and unassigned": "\ue000\U000e0001",
}

OUR_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def obeyed(done: Done) -> list[str]:
    """Characters in the output that a terminal would act upon; our own colours aside."""
    text = OUR_COLOURS.sub("", done.text)
    return [
        ascii(sign)
        for sign in text
        if sign != "\n" and unicodedata.category(sign) in {"Cc", "Cf", "Co", "Cn", "Zl", "Zp"}
    ]


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return new_key()


@pytest.fixture(scope="module")
def messages(files: Path, today: Hierarchy, key: rsa.RSAPrivateKey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a message of each kind: signed by someone with such a name, and with such a key identifier."""
    folder = tmp_path_factory.mktemp("hostile")
    capture = parse_capture((files / "request.http").read_bytes())
    for position, name in enumerate(HOSTILE.values()):
        issued = today.tsp.issue(common_name=name, organization=f"O {name}", key=key)
        signed = Signer(issued.credential, profile=ADR_PAYLOAD, kid=name).sign(capture.message)
        (folder / str(position)).write_bytes(capture.with_fields(signed))
    return folder


@pytest.fixture(params=list(HOSTILE), ids=str)
def hostile(request: pytest.FixtureRequest, messages: Path) -> Path:
    """Such a message."""
    return messages / str(list(HOSTILE).index(request.param))


def test_a_name_in_the_certificate_of_a_valid_message(hostile: Path, run: Run, files: Path) -> None:
    done = run("verify", hostile, *trusting(files))
    assert (done.status, obeyed(done)) == (0, [])
    # A forged line of the answer would stand at the start of a line.
    assert [line for line in done.text.splitlines() if line.startswith("valid")] == ["valid"]


def test_a_name_in_the_certificate_of_a_message_that_is_refused(hostile: Path, run: Run, files: Path) -> None:
    done = run("verify", hostile, "--trust", files / "foreign-root.pem", "--revocation", "off")
    assert (done.status, obeyed(done)) == (1, [])


def test_a_name_in_the_certificate_of_a_message_that_is_out_of_date(hostile: Path, run: Run, files: Path) -> None:
    done = run("verify", hostile, *trusting(files), "--at", "2200-01-01T00:00:00Z")
    assert (done.status, obeyed(done)) == (1, [])


def test_a_name_in_what_is_inspected(hostile: Path, run: Run) -> None:
    done = run("inspect", hostile)
    assert (done.status, obeyed(done)) == (0, [])


@pytest.mark.parametrize("command", ["verify", "inspect"])
def test_a_name_in_the_json_object(command: str, hostile: Path, run: Run, files: Path) -> None:
    done = run(command, hostile, *(trusting(files) if command == "verify" else ()), "--json")
    assert (done.status, obeyed(done)) == (0, [])


def test_the_json_object_still_holds_the_name_itself(hostile: Path, run: Run, files: Path) -> None:
    said = run("verify", hostile, *trusting(files), "--json").json["signer"]["common_name"]
    assert said in HOSTILE.values()


def kind(name: str) -> str:
    return str(list(HOSTILE).index(name))


def test_rich_markup_is_shown_as_it_is(messages: Path, run: Run, files: Path) -> None:
    done = run("verify", messages / kind("rich markup"), *trusting(files))
    assert HOSTILE["rich markup"] in done.text


def test_a_terminal_with_colours_gets_ours_and_no_others(messages: Path, files: Path) -> None:
    words = ("verify", messages / kind("ANSI colour"), *trusting(files))
    done = process(*words, FORCE_COLOR="1", TERM="xterm-256color", COLUMNS="200")
    assert (done.status, obeyed(done)) == (0, [])
    assert OUR_COLOURS.search(done.text)
    assert "\x1b[31m" not in done.text


# --- text of a stranger that is no certificate ---------------------------------------------------------------

EVIL = "\x1b[2J\x9b\u202e[red]"


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": EVIL},
        {"typ": EVIL},
        {"kid": EVIL},
        {EVIL: EVIL},
        {"crit": ["b64", "sigD", EVIL], EVIL: 1},
        {"sigD": {"mId": EVIL, "pars": [EVIL]}},
        {"sigD": {"mId": "http://uri.etsi.org/19182/HttpHeaders", "pars": ["digest", EVIL]}},
        {"x5c": [EVIL]},
        {"x5t#o": {"digAlg": EVIL, "digVal": EVIL}},
        {"nested": {"a": [EVIL, {EVIL: EVIL}]}},
    ],
    ids=["alg", "typ", "kid", "a name", "crit", "mId", "pars", "x5c", "digAlg", "nested"],
)
@pytest.mark.parametrize("command", ["verify", "inspect"])
def test_text_in_the_protected_header(
    command: str, changes: dict[str, object], run: Run, files: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").write_bytes(with_header((files / "signed.http").read_bytes(), **changes))
    done = run(command, tmp_path / "in", *(trusting(files) if command == "verify" else ()))
    assert (done.status, obeyed(done)) == (0 if command == "inspect" else 1, [])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"POST /v1", b"POST /[red]\\v1"),
        (b"HTTP/1.1\r\n", b"HTTP/1.1\x1b[2J\r\n"),
        (b"Host: ", b"Ho\x1b[2Jst: "),
        (b"Host: ", b"X: \x1b[2J\r\nHost: "),
        (b"Content-Length: ", b"Content-Length: \x9b[red]"),
        (b"Content-Length: ", b"Transfer-Encoding: \x9b[red]\r\nX: "),
        (b"Content-Type: ", b"Content-Encoding: \x9b[red]\r\nContent-Type: "),
        (b"Digest: ", b"Digest: \x9b[red]"),
        (b"nlgov-adr-payload-sig: ", b"nlgov-adr-payload-sig: \x9b[red]"),
    ],
)
@pytest.mark.parametrize("command", ["verify", "inspect"])
def test_text_in_the_message(command: str, old: bytes, new: bytes, run: Run, files: Path) -> None:
    octets = (files / "signed.http").read_bytes().replace(old, new, 1)
    done = run(command, "-", *(trusting(files) if command == "verify" else ()), stdin=octets)
    assert obeyed(done) == []


@pytest.mark.parametrize("where", ["argument", "option", "command", "extra argument", "choice", "trust", "oin"])
def test_text_in_the_command_line(where: str, run: Run, files: Path) -> None:
    # A file name may come from a stranger: nlgov-jades verify *.http
    words = {
        "argument": ["verify", EVIL, "--trust", "x"],
        "option": ["verify", f"--{EVIL}"],
        "command": [EVIL],
        "extra argument": ["verify", "a", EVIL, "--trust", "x"],
        "choice": ["verify", "a", "--trust", "x", "--profile", EVIL],
        "trust": ["verify", str(files / "signed.http"), "--trust", EVIL],
        "oin": ["verify", str(files / "signed.http"), "--trust", str(files / "root.pem"), "--oin", EVIL],
    }
    done = run(*words[where])
    assert (done.status, obeyed(done)) == (2, [])
