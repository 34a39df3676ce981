"""Nothing that a command prints holds a body, a query string, a credential, a key or a password."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .command import Argument, Done, Run, signing, trusting

BSN = "900000037"
QUERY = "query-7d1e"
TOKEN = "token-5a90"
COOKIE = "cookie-44c2"
PASSWORD = "geheim-9f3b"

BODY = b'{"Burgerservicenummer":"%b"}' % BSN.encode()
REQUEST = (
    b"POST /v1/gegevens?bsn=%b&q=%b HTTP/1.1\r\nHost: provider.example.test\r\nContent-Type: application/json\r\n"
    b"Authorization: Bearer %b\r\nFsc-Authorization: Bearer %b\r\nCookie: session=%b\r\nContent-Length: %d\r\n\r\n%b"
    % (BSN.encode(), QUERY.encode(), TOKEN.encode(), TOKEN.encode(), COOKIE.encode(), len(BODY), BODY)
)


def secrets(files: Path) -> list[str]:
    """Every canary, and a line out of the middle of the private key."""
    return [BSN, QUERY, TOKEN, COOKIE, PASSWORD, (files / "key.pem").read_text().splitlines()[5]]


def shown(done: Done, files: Path) -> list[str]:
    """The canaries that were printed. White space is no hiding place: a table breaks lines."""
    text = re.sub(r"\s", "", done.text)
    return [secret for secret in secrets(files) if secret in text]


@pytest.fixture
def signed(run: Run, files: Path, tmp_path: Path) -> Path:
    (tmp_path / "request.http").write_bytes(REQUEST)
    done = run("sign", tmp_path / "request.http", "-o", tmp_path / "signed.http", *signing(files))
    assert done.status == 0
    return tmp_path / "signed.http"


@pytest.mark.parametrize("json", [(), ("--json",)], ids=["people", "json"])
@pytest.mark.parametrize("profile", ["adr-payload", "adr-message", "ddas-body"])
def test_signing_verifying_and_inspecting_show_no_secret(
    profile: str, json: tuple[str, ...], run: Run, files: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").write_bytes(REQUEST)
    made = run("sign", tmp_path / "in", "-o", tmp_path / "out", *signing(files), "--profile", profile, *json)
    seen = run("verify", tmp_path / "out", *trusting(files), "--profile", profile, *json)
    told = run("inspect", tmp_path / "out", *json)
    assert [(done.status, shown(done, files)) for done in (made, seen, told)] == [(0, [])] * 3


@pytest.mark.parametrize(
    "change",
    [
        (b'"}', b'" }'),
        (b"Content-Length: ", b"Content-Length: 1"),
        (b"Digest: SHA-256=", b"Digest: SHA-256=A"),
        (b"nlgov-adr-payload-sig: ", b"nlgov-adr-payload-sig: x"),
        (b"nlgov-adr-payload-sig: ", b"X: "),
        (b"Content-Type: ", b"Content-Encoding: gzip\r\nContent-Type: "),
        (b"Content-Length: ", b"Transfer-Encoding: chunked\r\nX: "),
        (b"Content-Length: ", b"Transfer-Encoding: gzip\r\nX: "),
    ],
)
@pytest.mark.parametrize("command", ["verify", "inspect"])
def test_a_message_that_is_refused_shows_no_secret(
    command: str, change: tuple[bytes, bytes], run: Run, files: Path, signed: Path
) -> None:
    octets = signed.read_bytes().replace(*change, 1)
    done = run(command, "-", *(trusting(files) if command == "verify" else ()), stdin=octets)
    assert shown(done, files) == []


# What goes wrong in daily use, and what is then the first thing that the parser meets.
MALFORMED = {
    "the body alone": BODY,
    "a body of several lines alone": b'{\n  "Burgerservicenummer": "%b"\n\n}\n' % BSN.encode(),
    "no empty line before the body": REQUEST.replace(b"\r\n\r\n", b"\r\n") + b"\r\n\r\n",
    "a space in the query string": REQUEST.replace(b"&q=", b"& q=", 1),
    "a space behind the request line": REQUEST.replace(b"HTTP/1.1\r\n", b"HTTP/1.1 \r\n", 1),
    "another version": REQUEST.replace(b"HTTP/1.1\r\n", b"HTTP/one\r\n", 1),
    "a space before a colon": REQUEST.replace(b"\r\nAuthorization: Bearer ", b"\r\nAuthorization : ", 1),
    "a folded field": REQUEST.replace(b"\r\nAuthorization: Bearer ", b"\r\nAuthorization:\r\n Bearer ", 1),
    "a line break in a cookie": REQUEST.replace(b"Cookie: ", b"Cookie: a\r\n", 1),
    "an octet that is no text in a cookie": REQUEST.replace(b"Cookie: ", b"Cookie: \x01", 1),
    "curl -v": b"> " + REQUEST.replace(b"\r\n", b"\r\n> "),
    "HAR or JSON of a proxy": b'{"url": "https://a.example/v1?bsn=%b"}' % BSN.encode(),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_message_that_cannot_be_read_shows_no_secret(kind: str, run: Run, files: Path, tmp_path: Path) -> None:
    made = run("sign", "-", "-o", tmp_path / "out", *signing(files), "--json", stdin=MALFORMED[kind])
    seen = run("verify", "-", *trusting(files), "--json", stdin=MALFORMED[kind])
    told = run("inspect", "-", "--json", stdin=MALFORMED[kind])
    assert [(done.status, shown(done, files)) for done in (made, seen, told)] == [(2, [])] * 3


@pytest.mark.parametrize("command", ["verify", "inspect"])
def test_headers_and_body_exchanged_show_no_secret(command: str, run: Run, files: Path, signed: Path) -> None:
    head, _, body = signed.read_bytes().partition(b"\r\n\r\n")
    signed.with_name("head").write_bytes(head)
    signed.with_name("body").write_bytes(body)
    options = trusting(files) if command == "verify" else ()
    exchanged = ("--headers", signed.with_name("body"), "--body", signed.with_name("head"))
    done = run(command, *exchanged, *options, "--json")
    assert (done.status, shown(done, files)) == (2, [])


def test_a_trailer_that_is_no_field_shows_no_secret(run: Run, files: Path) -> None:
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + BODY + b"\r\n\r\n"
    done = run("verify", "-", *trusting(files), "--json", stdin=chunked)
    assert (done.status, shown(done, files)) == (2, [])


@pytest.mark.parametrize("option", ["--trust", "--intermediates", "--chain", "--key"])
@pytest.mark.parametrize("wrong", ["request.http", "key.pem", "password"])
def test_a_secret_in_the_place_of_another_file_is_not_shown(
    option: str, wrong: str, run: Run, files: Path, tmp_path: Path
) -> None:
    (tmp_path / "request.http").write_bytes(REQUEST)
    bad = tmp_path / wrong if wrong == "request.http" else files / wrong
    if option in {"--trust", "--intermediates"}:
        words: tuple[Argument, ...] = ("verify", files / "signed.http", "--trust", files / "root.pem", option, bad)
    else:
        words = ("sign", files / "request.http", "-o", tmp_path / "out", *signing(files), option, bad)
    done = run(*words, "--json")
    expected = 0 if (option, wrong) == ("--key", "key.pem") else 2
    assert done.status == expected
    assert shown(done, files) == []


@pytest.mark.parametrize("wrong", ["locked.pem", "key.p12"])
def test_a_password_that_does_not_fit_is_not_shown(wrong: str, run: Run, files: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{TOKEN}\n{BSN}\n")
    chain = signing(files)[2:] if wrong == "locked.pem" else ()
    words = ("--key", files / wrong, *chain, "--password-file", tmp_path / "password")
    done = run("sign", files / "request.http", "-o", tmp_path / "out", *words, "--json")
    assert (done.status, shown(done, files)) == (2, [])


def test_a_new_hierarchy_shows_neither_key_nor_password(run: Run, files: Path, tmp_path: Path) -> None:
    done = run("dev-pki", "new", tmp_path / "pki", "--password-file", files / "password", "--json")
    key = (tmp_path / "pki" / "signer-key.pem").read_text().splitlines()[5]
    assert (done.status, shown(done, files)) == (0, [])
    assert key not in done.text
