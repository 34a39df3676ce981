"""Gateways under their server, over real connections: handshakes, octets on the wire, peers that fail."""

from __future__ import annotations

import socket
import ssl
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nlgov_jades.ddas.gateways import GatewayLimits, Grant, TlsFiles
from nlgov_jades.ddas.gateways.serving import MAX_HEAD, inway_config, outway_config
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.testing import Hierarchy, Issued, save_signer

from .world import (
    CBS,
    GRANT,
    OK,
    PATIENCE,
    Answering,
    World,
    new_world,
    of_group,
    raw_exchange,
    saying,
    serving,
    upstream,
)

MIB = 1024 * 1024
SHORT = GatewayLimits(connect=5, silence=0.3, whole=60)


@contextmanager
def inway(world: World, port: int, limits: GatewayLimits = SHORT) -> Iterator[int]:
    app = world.inway_app(services={"ddas-shv": f"http://127.0.0.1:{port}"}, limits=limits)
    with serving(inway_config(app, tls=world.files("inway"), port=0)) as listening:
        yield listening


@contextmanager
def both(world: World, port: int, limits: GatewayLimits = SHORT) -> Iterator[int]:
    """Outway and inway before a service: the port of the outway."""
    with ExitStack() as stack:
        real = stack.enter_context(inway(world, port, limits))
        # Tokens name the inway as everywhere in these tests; its port was not known when it was made.
        app = world.outway_app(
            grants=[Grant(hash=GRANT.hash, service="ddas-shv", inway=f"https://127.0.0.1:{real}")],
            tokens=lambda _, holder: world.maker.token(GRANT, holder),
            # What became of the service is for the inway to say.
            limits=GatewayLimits(),
        )
        yield stack.enter_context(serving(outway_config(app, port=0)))


def client_tls(world: World, issued: Issued | None, folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=world.hierarchy.root_pem.decode())
    if issued is not None:
        save_signer(issued, folder, name="client")
        context.load_cert_chain(folder / "client-chain.pem", folder / "client-key.pem")
    return context


def request(*lines: str, target: str = "/v1/gegevens", method: str = "POST", body: bytes = b"{}") -> bytes:
    head = [f"{method} {target} HTTP/1.1", "Host: a.example", "Connection: close", *lines]
    if not any(line.lower().startswith("transfer-encoding") for line in lines):
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def with_token(world: World, *lines: str, **options: Any) -> bytes:
    token = world.maker.token(GRANT, world.outway.certificate)
    return request(f"Fsc-Authorization: Bearer {token}", *lines, **options)


def granted(*lines: str, **options: Any) -> bytes:
    return request(f"Fsc-Grant-Hash: {GRANT.hash}", *lines, **options)


def status_of(answer: bytes) -> int:
    return int(answer.split()[1])


def what_comes(port: int, octets: bytes, tls: ssl.SSLContext | None = None) -> bytes:
    """As `raw_exchange`; nothing, when the other end refuses the connection. With TLS 1.3 that may be seen late."""
    try:
        return raw_exchange(port, octets, tls)
    except (ssl.SSLError, ConnectionError):
        return b""


# --- the certificate of the handshake ------------------------------------------------------------------------------


@pytest.fixture
def guarded(world: World) -> Iterator[tuple[int, list[bytes]]]:
    """An inway, and what reached the service behind it."""
    with upstream(OK) as (port, received), inway(world, port) as listening:
        yield listening, received


def test_the_outway_of_the_token_gets_in(world: World, guarded: tuple[int, list[bytes]], tmp_path: Path) -> None:
    port, received = guarded
    answer = raw_exchange(port, with_token(world), client_tls(world, world.outway, tmp_path))
    assert (status_of(answer), answer.endswith(b"{}")) == (200, True)
    assert len(received) == 1


def test_without_a_certificate_nobody_gets_in(world: World, guarded: tuple[int, list[bytes]], tmp_path: Path) -> None:
    port, received = guarded
    assert what_comes(port, with_token(world), client_tls(world, None, tmp_path)) == b""
    assert received == []


def test_with_a_certificate_of_another_group_nobody_gets_in(
    world: World, guarded: tuple[int, list[bytes]], tmp_path: Path
) -> None:
    port, received = guarded
    stranger = of_group(Hierarchy.new(name="TEST another group"), "outway.cbs.example", CBS)
    assert what_comes(port, with_token(world), client_tls(world, stranger, tmp_path)) == b""
    assert received == []


def test_without_tls_nobody_gets_in(world: World, guarded: tuple[int, list[bytes]]) -> None:
    port, received = guarded
    assert b"HTTP/1.1" not in what_comes(port, with_token(world))
    assert received == []


def test_a_stolen_token_is_of_no_use_over_another_connection(
    world: World, guarded: tuple[int, list[bytes]], tmp_path: Path
) -> None:
    port, received = guarded
    same_peer = of_group(world.hierarchy, "second.cbs.example", CBS)
    answer = raw_exchange(port, with_token(world), client_tls(world, same_peer, tmp_path))
    assert b"fsc-error-code: ERROR_CODE_ACCESS_TOKEN_INVALID\r\n" in answer
    assert received == []


def test_a_server_that_demands_no_certificate_gives_none(world: World, tmp_path: Path) -> None:
    with upstream(OK) as (port, received):
        app = world.inway_app(services={"ddas-shv": f"http://127.0.0.1:{port}"})
        for demanded in (ssl.CERT_NONE, ssl.CERT_OPTIONAL):
            config = inway_config(app, tls=world.files("inway"), port=0)
            config.ssl_cert_reqs = demanded
            folder = tmp_path / demanded.name
            folder.mkdir()
            with serving(config) as listening:
                answer = raw_exchange(listening, with_token(world), client_tls(world, world.outway, folder))
            assert status_of(answer) == 500
        assert received == []


# --- octets on the wire --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/v1/a%2Fb", "/v1?", "/v1?a=%20+&a", "/?", "//a/../b/./%7e", "/v1??", "/%00"])
def test_the_target_reaches_the_service_as_it_was_sent(world: World, target: str) -> None:
    with upstream(OK) as (port, received), both(world, port) as outway:
        assert status_of(raw_exchange(outway, granted(target=target))) == 200
    assert received[0].split(b"\r\n")[0] == f"POST {target} HTTP/1.1".encode()


def test_two_requests_of_one_connection_each_have_their_own_target(world: World) -> None:
    first = granted(target="/first?").replace(b"Connection: close\r\n", b"")
    with upstream(OK) as (port, received), both(world, port) as outway:
        answer = raw_exchange(outway, first + granted(target="/second"))
    assert answer.count(b"HTTP/1.1 200") == 2
    assert [octets.split()[1] for octets in received] == [b"/first?", b"/second"]


def test_a_message_passes_without_a_change_to_what_is_signed(world: World) -> None:
    lines = [
        "Digest: SHA-256=abc, SHA-512=def",
        f"nlgov-adr-payload-sig: {'A' * 60_000}",
        "X-Twice: 1",
        "X-Twice: 2",
        "Accept: application/json",
        "Content-Type: application/json",
    ]
    told = b"HTTP/1.1 200 OK\r\nDigest: SHA-256=ghi\r\nContent-Encoding: br\r\nX: 1\r\nX: 2\r\nContent-Length: 3\r\n\r\n\x00\xff{"
    with upstream(saying(told)) as (port, received), both(world, port) as outway:
        answer = raw_exchange(outway, granted(*lines, body=b"\x00\xff}"))
    head, _, body = received[0].partition(b"\r\n\r\n")
    assert body == b"\x00\xff}"
    names = [line.partition(b":")[0].lower().decode() for line in head.split(b"\r\n")[1:]]
    own = ["fsc-authorization", "fsc-transaction-id"]
    assert names == ["host", *(line.partition(":")[0].lower() for line in lines), "content-length", *own]
    assert b"a" * 60_000 in head.lower()
    answer_head, _, answer_body = answer.partition(b"\r\n\r\n")
    assert answer_body == b"\x00\xff{"
    assert [line.lower() for line in answer_head.split(b"\r\n")[1:]] == [
        *(b"digest: sha-256=ghi", b"content-encoding: br", b"x: 1", b"x: 2", b"content-length: 3"),
        b"connection: close",
    ]


def test_chunks_pass_in_both_directions(world: World) -> None:
    told = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    body = b"1\r\n{\r\n4\r\n abc\r\n1\r\n}\r\n0\r\n\r\n"
    with upstream(saying(told)) as (port, received), both(world, port) as outway:
        answer = raw_exchange(outway, granted("Transfer-Encoding: chunked", body=body))
    assert dechunked(received[0]) == b"{ abc}"
    assert b"content-length" not in received[0].lower()
    assert dechunked(answer) == b"abcde"


def dechunked(message: bytes) -> bytes:
    _, _, rest = message.partition(b"\r\n\r\n")
    octets = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if int(size, 16) == 0:
            return octets
        octets, rest = octets + rest[: int(size, 16)], rest[int(size, 16) + 2 :]


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        ("POST", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n"),
        ("GET", b"HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    ],
    ids=["HEAD", "204", "304", "103 before 404"],
)
def test_an_answer_without_a_body_passes(world: World, method: str, told: bytes) -> None:
    with upstream(saying(told)) as (port, received), both(world, port) as outway:
        answer = raw_exchange(outway, granted(method=method))
    assert received[0].startswith(f"{method} /v1/gegevens ".encode())
    assert answer.split()[1] == told.split(b"HTTP/1.1 ")[-1].split()[0]
    assert answer.endswith(b"\r\n\r\n")


def test_an_outway_that_its_inway_does_not_let_in_answers_for_itself(world: World, tmp_path: Path) -> None:
    stranger = of_group(Hierarchy.new(name="TEST another group"), "outway.cbs.example", CBS)
    save_signer(stranger, tmp_path, name="stranger")
    files = TlsFiles(
        chain=tmp_path / "stranger-chain.pem", key=tmp_path / "stranger-key.pem", trust=world.files("outway").trust
    )
    with upstream(OK) as (port, received), inway(world, port) as real:
        grant = Grant(hash=GRANT.hash, service="ddas-shv", inway=f"https://127.0.0.1:{real}")
        with serving(outway_config(world.outway_app(grants=[grant], tls=files), port=0)) as outway:
            answer = raw_exchange(outway, granted())
    assert (status_of(answer), b"fsc-error-code" in answer.lower(), received) == (502, False, [])


def test_an_outway_goes_to_an_inway_of_its_group_only(world: World, tmp_path: Path) -> None:
    other = new_world(tmp_path)
    with upstream(OK) as (port, received), inway(other, port) as real:
        grant = Grant(hash=GRANT.hash, service="ddas-shv", inway=f"https://127.0.0.1:{real}")
        with serving(outway_config(world.outway_app(grants=[grant]), port=0)) as outway:
            answer = raw_exchange(outway, granted())
    assert (status_of(answer), received) == (502, [])


def test_an_outway_goes_to_an_inway_with_the_right_name_only(world: World) -> None:
    with upstream(OK) as (port, received), inway(world, port) as real:
        # The certificate is for the address.
        grant = Grant(hash=GRANT.hash, service="ddas-shv", inway=f"https://localhost:{real}")
        with serving(outway_config(world.outway_app(grants=[grant]), port=0)) as outway:
            answer = raw_exchange(outway, granted())
    assert (status_of(answer), received) == (502, [])


def test_an_expectation_is_met_by_the_gateway(world: World) -> None:
    with upstream(OK) as (port, received), both(world, port) as outway:
        answer = raw_exchange(outway, granted("Expect: 100-continue"))
    assert answer.startswith(b"HTTP/1.1 100 ")
    assert b"HTTP/1.1 200" in answer
    assert b"expect" not in received[0].lower()


def test_a_client_of_http_1_0_is_refused(world: World) -> None:
    with upstream(OK) as (port, received), both(world, port) as outway:
        answer = raw_exchange(outway, granted().replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert (status_of(answer), received) == (505, [])


def test_a_connect_is_refused_with_the_code_of_fsc(world: World) -> None:
    with upstream(OK) as (port, received), both(world, port) as outway:
        answer = raw_exchange(outway, granted(method="CONNECT", target="127.0.0.1:443"))
    assert b"fsc-error-code: ERROR_CODE_METHOD_UNSUPPORTED\r\n" in answer
    assert (status_of(answer), received) == (405, [])


def test_a_head_that_is_too_long_goes_nowhere(world: World) -> None:
    with upstream(OK) as (port, received), both(world, port) as outway:
        answer = what_comes(outway, granted(f"X: {'a' * 8 * MAX_HEAD}"))
    assert (answer[9:12] in {b"", b"400"}, received) == (True, [])


# --- a service that fails ------------------------------------------------------------------------------------------

UNREACHABLE = b"fsc-error-code: ERROR_CODE_SERVICE_UNREACHABLE\r\n"


def hang_up(connection: socket.socket, _: bytes) -> None:
    connection.close()


def hanging(octets: bytes = b"") -> Answering:
    """Says so much, and then nothing until the other end hangs up."""

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(octets)
        connection.recv(1)

    return answer


def reset_after(octets: bytes) -> Answering:
    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(octets)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        hang_up,
        hanging(),
        hanging(b"HTTP/1.1 200"),
        saying(b"no HTTP at all\r\n\r\n"),
        saying(b"HTTP/1.1 200 OK\r\n\r\nuntil the end of the connection"),
        saying(b"HTTP/1.0 200 OK\r\n\r\nuntil the end of the connection"),
        saying(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000),
        saying(b"HTTP/1.1 999 Any\r\nContent-Length: 0\r\n\r\n"),
        saying(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
    ],
    ids=[
        "hangs up",
        "hangs",
        "hangs in its head",
        "no HTTP",
        "says no end",
        "HTTP/1.0",
        "endless head",
        "no status",
        "101",
    ],
)
def test_a_service_without_an_answer_is_unreachable(world: World, answer: Answering) -> None:
    with upstream(answer) as (port, _), both(world, port) as outway:
        told = raw_exchange(outway, granted())
    assert (status_of(told), UNREACHABLE in told) == (502, True)


def test_a_service_that_is_not_there_is_unreachable(world: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with both(world, taken.getsockname()[1]) as outway:
            told = raw_exchange(outway, granted())
    assert (status_of(told), UNREACHABLE in told) == (502, True)


LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"a" * 50
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n32\r\n" + b"a" * 50 + b"\r\n"


@pytest.mark.parametrize("begun", [LENGTH, CHUNKS], ids=["a length", "chunks"])
@pytest.mark.parametrize("failing", [saying, hanging, reset_after], ids=["hangs up", "hangs", "resets"])
def test_an_answer_that_was_cut_does_not_look_whole(
    world: World, begun: bytes, failing: Callable[[bytes], Answering]
) -> None:
    with upstream(failing(begun)) as (port, _), both(world, port) as outway:
        try:
            told = raw_exchange(outway, granted())
        except ConnectionError:
            return
    # Cut before the answer began on this side, it may be an error.
    if status_of(told) == 200:
        assert not told.endswith(b"0\r\n\r\n")
        assert told.count(b"a" * 50) <= 1
    else:
        assert UNREACHABLE in told


def test_an_answer_that_drips_ends_with_its_time(world: World) -> None:
    dripping = threading.Event()

    def drip(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not dripping.wait(0.02):
            connection.sendall(b"a")

    limits = GatewayLimits(connect=5, silence=5, whole=0.5)
    with upstream(drip) as (port, _), both(world, port, limits) as outway:
        told = raw_exchange(outway, granted())
        dripping.set()
    assert status_of(told) == 200
    assert b"\r\n\r\n" in told
    assert len(told) < 1_000_000


def test_a_client_that_hangs_up_is_noticed_at_the_service(world: World) -> None:
    noticed = threading.Event()

    def endless(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                connection.sendall(b"8000\r\n" + b"a" * 0x8000 + b"\r\n")
        except OSError:
            noticed.set()
            raise

    limits = GatewayLimits(whole=60)
    with upstream(endless) as (port, _), both(world, port, limits) as outway:
        client = socket.create_connection(("127.0.0.1", outway), PATIENCE)
        client.sendall(granted())
        assert client.recv(65536)
        client.close()
        assert noticed.wait(PATIENCE)


def test_a_client_that_hangs_up_before_its_answer_is_noticed_at_the_service(world: World) -> None:
    arrived, noticed = threading.Event(), threading.Event()

    def waiting(connection: socket.socket, _: bytes) -> None:
        arrived.set()
        if not connection.recv(1):
            noticed.set()

    limits = GatewayLimits(silence=60, whole=60)
    with upstream(waiting) as (port, _), both(world, port, limits) as outway:
        client = socket.create_connection(("127.0.0.1", outway), PATIENCE)
        client.sendall(granted())
        assert arrived.wait(PATIENCE)
        client.close()
        assert noticed.wait(PATIENCE)


# --- large bodies --------------------------------------------------------------------------------------------------

LARGE = 32 * MIB
PIECE = b"\x00" * MIB


def consume_and_flood(connection: socket.socket, begun: bytes, seen: list[int]) -> None:
    """Reads as much as it is told, and says as much."""
    seen[0] = len(begun.partition(b"\r\n\r\n")[2])
    while seen[0] < LARGE and (piece := connection.recv(MIB)):
        seen[0] += len(piece)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE)
    for _ in range(LARGE // MIB):
        connection.sendall(PIECE)


def test_large_bodies_pass_in_both_directions_without_being_in_memory(world: World) -> None:
    seen = [0]
    # With X-Length, the body is left to `consume_and_flood`.
    head = granted(f"X-Length: {LARGE}").replace(b"Content-Length: 2", b"Content-Length: %d" % LARGE)[:-2]
    with (
        upstream(partial(consume_and_flood, seen=seen)) as (port, _),
        both(world, port, GatewayLimits()) as outway,
        socket.create_connection(("127.0.0.1", outway), PATIENCE) as client,
    ):
        tracemalloc.start()
        try:
            client.sendall(head)
            for _ in range(LARGE // MIB):
                client.sendall(PIECE)
            received = 0
            while piece := client.recv(MIB):
                received += len(piece)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert seen[0] == LARGE
    assert received > LARGE
    # Both gateways, client and service are in this process; buffers of sockets are not counted.
    assert peak < 12 * MIB


# --- settings ------------------------------------------------------------------------------------------------------


def test_an_outway_listens_on_this_machine_only(world: World) -> None:
    assert outway_config(world.outway_app(), port=8081).host == "127.0.0.1"


def test_servers_take_a_long_head_believe_no_field_and_log_no_target(world: World) -> None:
    both_configs = (
        outway_config(world.outway_app(), port=0),
        inway_config(world.inway_app(), tls=world.files("inway"), port=0),
    )
    for config in both_configs:
        assert config.h11_max_incomplete_event_size == MAX_HEAD >= 2 * 32 * 1024
        assert (config.proxy_headers, config.access_log) == (False, False)


def test_the_settings_of_one_gateway_are_not_those_of_the_other(world: World) -> None:
    with pytest.raises(ConfigurationError):
        inway_config(world.outway_app(), tls=world.files("inway"), port=0)  # type: ignore[arg-type]  # that is the mistake
    with pytest.raises(ConfigurationError):
        inway_config(world.inway_app(), tls=None, port=0)  # type: ignore[arg-type]  # that is the mistake
    with pytest.raises(ConfigurationError):
        outway_config(world.inway_app(), port=0)  # type: ignore[arg-type]  # that is the mistake


def test_an_inway_that_takes_tokens_of_another_peer_is_a_mistake(world: World) -> None:
    for issuers in ([world.outway], [world.manager, world.outway]):
        app = world.inway_app(issuers=[issued.certificate for issued in issuers])
        with pytest.raises(ConfigurationError, match="the peer that its certificate is of"):
            inway_config(app, tls=world.files("inway"), port=0)
