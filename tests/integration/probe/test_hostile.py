"""Endpoints that hang, flood, lie or send markup: the probe ends, fails what it must, and passes nothing on as it came."""

from __future__ import annotations

import hashlib
import itertools
import json
import socket
import ssl
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nlgov_jades.ddas import Kind, SqliteStorage
from nlgov_jades.ddas.probe import CASES, Endpoint, Outcome, ProbeReport, Tls, Verdict, WireError, WireFault, as_html
from nlgov_jades.ddas.probe import wire as wire_module
from nlgov_jades.testing import Hierarchy
from nlgov_jades.testing.hierarchy import pem

from .world import World, failures, raw_server, read_request, serving

SCRIPT = "<script>document.title='gone'</script>"
FRAMING_OF_THE_SERVER = {"length-long", "length-twice", "length-twice-last", "length-and-chunked"}
BY_ANYBODY = {"field-oversized", "length-long", "length-twice", "length-twice-last", "length-and-chunked"}


def no_answer(report: ProbeReport) -> set[str]:
    """Ids of what failed for there was no answer, with nothing else wrong."""
    return {case for case, faults in failures(report).items() if faults == ["NO_ANSWER"]}


def details(report: ProbeReport) -> set[str]:
    return {finding.detail.partition(":")[0] for result in report.results for finding in result.findings}


# --- no answer -----------------------------------------------------------------------------------------------------


def hang(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def drip(connection: socket.socket) -> None:
    read_request(connection)
    for octet in itertools.chain(b"HTTP/1.1 200 OK\r\nX: ", itertools.repeat(0x61)):
        connection.sendall(bytes([octet]))
        connection.settimeout(0.02)
        try:
            if not connection.recv(1):
                return
        except TimeoutError:
            continue


def flood_fields(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Flood: " + b"a" * 1000 + b"\r\n")


def flood_body(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        connection.sendall(b" " * 65536)


def flood_interim(connection: socket.socket) -> None:
    read_request(connection)
    while True:
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (hang, "TIMEOUT"),
        (drip, "TIMEOUT"),
        (flood_fields, "TOO_LONG"),
        (flood_body, "TOO_LONG"),
        (flood_interim, "TOO_LONG"),
    ],
    ids=["hangs", "drips", "floods fields", "floods its body", "floods interim answers"],
)
def test_who_gives_no_answer_three_times_is_asked_nothing_more(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[socket.socket], None],
    fault: str,
) -> None:
    monkeypatch.setattr(wire_module, "MAX_ANSWER", 1024 * 1024)
    with raw_server(answer) as url:
        report = world.probe(f"{url}/gegevens", seconds=0.5)
    assert [result.verdict for result in report.results] == [Verdict.FAILED] * 3 + [Verdict.NOT_TRIED] * (
        len(CASES) - 3
    )
    assert no_answer(report) == {result.case.id for result in report.results[:3]}
    assert details(report) == {fault}
    assert report.outcome is Outcome.FAILED
    assert report.provider is None


def close_at_once(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def close_half_way(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n{")


def close_in_the_fields(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 400 Bad Req")


def garbage(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"\x15\x03\x01\x00\x02\x02\x00" + bytes(range(256)) + b"\r\n\r\n")


def two_lengths(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (close_at_once, "CLOSED"),
        (close_half_way, "CLOSED"),
        (close_in_the_fields, "CLOSED"),
        (garbage, "NOT_HTTP"),
        (two_lengths, "NOT_HTTP"),
    ],
    ids=["closes at once", "closes half-way", "closes in the fields", "garbage", "two lengths"],
)
def test_who_answers_with_nothing_that_can_be_read_fails_wherever_an_answer_must_come(
    world: World, answer: Callable[[socket.socket], None], fault: str
) -> None:
    with raw_server(answer) as url:
        report = world.probe(f"{url}/gegevens")
    assert no_answer(report) == {case.id for case in CASES} - BY_ANYBODY
    assert details(report) == {fault}
    assert report.outcome is Outcome.FAILED


def test_where_nobody_listens_nothing_is_sent(world: World) -> None:
    with raw_server(hang) as url:
        pass
    with pytest.raises(WireError) as caught:
        world.probe(f"{url}/gegevens")
    assert caught.value.fault is WireFault.UNREACHABLE


# --- answers that are none -----------------------------------------------------------------------------------------


def answering(response: Callable[[], Response]) -> Starlette:
    async def anything(request: Request) -> Response:
        await request.body()
        return response()

    return Starlette(routes=[Route("/gegevens", anything, methods=["POST"])])


def test_a_redirect_is_not_followed(world: World) -> None:
    asked: list[bytes] = []

    def elsewhere(connection: socket.socket) -> None:
        asked.append(read_request(connection))

    with raw_server(elsewhere) as other:
        moved = answering(lambda: Response(status_code=307, headers={"Location": f"{other}/gegevens"}))
        with serving(moved) as url:
            report = world.probe(f"{url}/gegevens")
    assert asked == []
    assert failures(report)["good-page"] == ["SIGNATURE", "REFUSED"]
    assert failures(report)["unsigned"] == ["STATUS", "MEDIA_TYPE", "PROBLEM", "SIGNATURE"]
    (unsigned,) = [result for result in report.results if result.case.id == "unsigned"]
    assert "redirect" in unsigned.findings[0].detail


def test_a_page_of_html_with_a_script_is_no_problem_document_and_reaches_nobody(world: World) -> None:
    page = f"<html><title>{SCRIPT}</title>{SCRIPT}</html>"
    with serving(answering(lambda: Response(page, status_code=400, media_type="text/html"))) as url:
        report = world.probe(f"{url}/gegevens")
    assert failures(report)["unsigned"] == ["MEDIA_TYPE", "PROBLEM", "SIGNATURE"]
    for shown in (report.json(), as_html(report)):
        assert "script>" not in shown
        assert "gone" not in shown


def test_markup_in_a_problem_document_stays_text(world: World) -> None:
    problem = {"title": SCRIPT + "\u202eevil", "status": 400, "code": f"X{SCRIPT}", "detail": "nobody-sees-this"}
    body = json.dumps(problem)
    with serving(answering(lambda: Response(body, status_code=400, media_type="application/problem+json"))) as url:
        report = world.probe(f"{url}/gegevens")
    html = as_html(report)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "\u202e" not in html
    assert "\u202e" not in report.json()
    assert "\\u202e" not in report.json()
    assert "nobody-sees-this" not in html + report.json()
    # Who never signs a refusal is not waited for.
    assert report.waits == ()
    assert failures(report)["unsigned"] == ["SIGNATURE"]


def test_a_compressed_answer_fails_although_it_was_signed_before(world: World, storage: SqliteStorage) -> None:
    app = GZipMiddleware(world.provider(storage, Kind.SHV), minimum_size=1)
    with serving(app) as url:
        report = world.probe(f"{url}/v1/gegevens")
    # All other cases ask for no coding, so nothing of them is compressed.
    assert failures(report) == {"good-gzip-offered": ["SIGNATURE", "PAGE"]}

    async def forced(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": [(b"accept-encoding", b"gzip"), *scope["headers"]]}
        await app(scope, receive, send)

    with serving(forced) as url:
        report = world.probe(f"{url}/v1/gegevens")
    assert failures(report)["good-page"] == ["SIGNATURE", "PAGE"]
    assert failures(report)["unsigned"] == ["PROBLEM", "SIGNATURE"]


def test_a_provider_that_closes_each_connection_is_asked_on_a_new_one(world: World, storage: SqliteStorage) -> None:
    inner = world.provider(storage, Kind.SHV)

    async def closing(scope: Any, receive: Any, send: Any) -> None:
        async def closed(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        await inner(scope, receive, closed)

    with serving(closing) as url:
        assert failures(world.probe(f"{url}/v1/gegevens")) == {}


@pytest.mark.parametrize("part", ["body", "digest", "signature"])
def test_an_answer_that_is_changed_on_its_way_fails(world: World, storage: SqliteStorage, part: str) -> None:
    inner = world.provider(storage, Kind.SHV)

    async def changing(scope: Any, receive: Any, send: Any) -> None:
        async def changed(message: Any) -> None:
            if part == "body" and message["type"] == "http.response.body" and message["body"]:
                message = {**message, "body": message["body"][:-1] + b" "}
            if message["type"] == "http.response.start" and part != "body":
                name = b"digest" if part == "digest" else b"nlgov-adr-payload-sig"
                lines = [
                    (key, value[:-5] + b"AAAA=" if key.lower() == name else value) for key, value in message["headers"]
                ]
                message = {**message, "headers": lines}
            await send(message)

        await inner(scope, receive, changed)

    with serving(changing) as url:
        report = world.probe(f"{url}/v1/gegevens")
    assert {case for case, faults in failures(report).items() if "SIGNATURE" in faults} == {
        case.id for case in CASES if case.id not in BY_ANYBODY
    }


def test_a_field_of_fsc_gateways_on_a_refusal_fails(world: World, storage: SqliteStorage) -> None:
    inner = world.provider(storage, Kind.SHV)

    async def marking(scope: Any, receive: Any, send: Any) -> None:
        async def marked(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                lines = [*message["headers"], (b"Fsc-Error-Code", b"ERROR_CODE_ACCESS_TOKEN_INVALID")]
                message = {**message, "headers": lines}
            await send(message)

        await inner(scope, receive, marked)

    with serving(marking) as url:
        report = world.probe(f"{url}/v1/gegevens")
    assert set(map(tuple, failures(report).values())) == {("FSC_ERROR_CODE",)}
    refused_by_the_provider = {case.id for case in CASES if case.expected[0] == "4"} - BY_ANYBODY
    assert set(failures(report)) == refused_by_the_provider


@pytest.mark.parametrize("value", ["3600", "Fri, 31 Dec 9999 23:59:59 GMT"], ids=["seconds", "a date"])
def test_who_says_to_come_back_much_later_is_not_waited_for(world: World, value: str) -> None:
    waited: list[float] = []
    busy = answering(lambda: Response(status_code=429, headers={"Retry-After": value}))
    with serving(busy) as url:
        report = world.probe(f"{url}/gegevens", sleep=waited.append)
    assert waited == []
    # That it is busy says nothing about a message.
    assert set(failures(report)) >= {case.id for case in CASES} - FRAMING_OF_THE_SERVER


@pytest.mark.parametrize(("value", "seconds"), [("60", 60.0), ("9" * 400, 1.0), ("soon", 1.0), ("-5", 1.0)])
def test_who_is_always_busy_is_not_waited_for_without_end(world: World, value: str, seconds: float) -> None:
    waited: list[float] = []
    busy = answering(lambda: Response(status_code=429, headers={"Retry-After": value}))
    with serving(busy) as url:
        report = world.probe(f"{url}/gegevens", sleep=waited.append)
    assert set(waited) == {seconds}
    assert sum(waited) <= 300
    assert len(waited) == 5 or seconds == 1.0
    assert report.outcome is Outcome.FAILED


# --- TLS -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A server and a client under one CA that signs for nobody else."""
    folder = tmp_path_factory.mktemp("tls")
    authority = Hierarchy.new(name="TEST TLS")
    named = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    made = {
        "server": authority.tsp.issue(
            extended_key_usages=(ExtendedKeyUsageOID.SERVER_AUTH.dotted_string,), more_extensions=[(named, False)]
        ),
        "client": authority.tsp.issue(extended_key_usages=(ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string,)),
    }
    files = {"ca": folder / "ca.pem"}
    files["ca"].write_bytes(authority.root_pem)
    for name, issued in made.items():
        files[name], files[f"{name}-key"] = folder / f"{name}.pem", folder / f"{name}-key.pem"
        files[name].write_bytes(pem(issued.chain[:-1]))
        files[f"{name}-key"].write_bytes(issued.key_pem())
    return {name: str(path) for name, path in files.items()}


def test_over_tls_with_a_client_certificate_every_case_passes(
    world: World, storage: SqliteStorage, tls_files: dict[str, str]
) -> None:
    options: dict[str, Any] = {
        "ssl_certfile": tls_files["server"],
        "ssl_keyfile": tls_files["server-key"],
        "ssl_ca_certs": tls_files["ca"],
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
    }
    tls = Tls(ca=tls_files["ca"], certificate=tls_files["client"], key=tls_files["client-key"])
    with serving(world.provider(storage, Kind.SHV), **options) as url:
        report = world.probe(f"{url}/v1/gegevens", tls=tls, seconds=5)
        assert failures(report) == {}
        with pytest.raises(WireError) as caught:
            world.probe(f"{url}/v1/gegevens", tls=Tls())
        assert caught.value.fault is WireFault.TLS
        endpoint = Endpoint(f"{url}/v1/gegevens", tls=tls)
        with wire_module.Connection(endpoint, seconds=5, context=tls.context()) as connection:
            der = x509.load_pem_x509_certificate(Path(tls_files["server"]).read_bytes()).public_bytes(Encoding.DER)
            assert connection.server_certificate == hashlib.sha256(der).hexdigest()
        # With TLS 1.3 a server says only afterwards that it misses a certificate.
        without = world.probe(f"{url}/v1/gegevens", tls=Tls(ca=tls_files["ca"]))
    assert report.outcome is Outcome.PASSED
    assert no_answer(without) == {case.id for case in CASES} - BY_ANYBODY
