"""Several processes share what one fetched; and a Redis that is down, slow, full of garbage or hostile changes no verdict."""

from __future__ import annotations

import datetime as dt
import math
import socket
import subprocess
import sys
import time as stopwatch
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades import ANY_TRUSTED, HttpRequest, Signer, VerificationPolicy, Verifier, profiles
from nlgov_jades.errors import CertificateRevokedError
from nlgov_jades.fetch.store import Key
from nlgov_jades.result import RevocationSource
from nlgov_jades.stores.value import MAX_LINE, NEWS
from nlgov_jades.testing import Hierarchy, OCSPCertStatus, make_crl, make_ocsp

from .conftest import HOUR, MINUTE, NOW, PASSWORD, Impostor, Process, World

CRL, OCSP = RevocationSource.CRL, RevocationSource.OCSP
Start = Callable[..., Process]
Pretend = Callable[..., Impostor]

# --- sharing -----------------------------------------------------------------------------------------------------

ANOTHER_PROCESS = """
import datetime as dt, sys
from cryptography import x509
from nlgov_jades import RevocationPolicy
from nlgov_jades.fetch import AddressRule, FetchLimits
from nlgov_jades.fetch.requests import RequestsFetcher
from nlgov_jades.pki.revocation import FetchRequest
from nlgov_jades.result import RevocationSource
from nlgov_jades.stores.redis import RedisStore

redis_url, source, url, at = sys.argv[1:]
certificate, issuer = x509.load_pem_x509_certificates(sys.stdin.buffer.read())
now = dt.datetime.fromisoformat(at)
limits = FetchLimits(ports=range(1, 65536), addresses=AddressRule.ANY_ADDRESS)
fetcher = RequestsFetcher(store=RedisStore(redis_url), limits=limits, clock=lambda: now)
request = FetchRequest(RevocationSource(source), url, certificate, issuer, RevocationPolicy.HARD_FAIL, now)
print(fetcher.fetch(request, timeout=5).der.hex())
"""


def in_another_process(world: World, url: str, source: RevocationSource) -> bytes:
    request = world.request(source)
    pem = b"".join(item.public_bytes(Encoding.PEM) for item in (request.certificate, request.issuer))
    arguments = [url, source.value, request.url, world.now.isoformat()]
    program = [sys.executable, "-W", "error", "-c", ANOTHER_PROCESS, *arguments]
    done = subprocess.run(program, input=pem, capture_output=True, check=True, timeout=30)
    return bytes.fromhex(done.stdout.decode())


@pytest.mark.parametrize("source", [CRL, OCSP])
def test_two_processes_share_one_fetch(world: World, url: str, source: RevocationSource) -> None:
    fetched = in_another_process(world, url, source)
    assert world.responder.count() == 1
    assert in_another_process(world, url, source) == fetched
    assert Process("threads", world, url).fetch(source).der == fetched
    assert world.responder.count() == 1


@pytest.mark.parametrize("source", [CRL, OCSP])
def test_what_one_kind_of_fetcher_fetched_another_finds(
    process: Start, world: World, url: str, source: RevocationSource
) -> None:
    fetched = Process("threads", world, url).fetch(source)
    reader = process(url)
    found = reader.fetch(source)
    assert found.der == fetched.der
    assert reader.fetch(source) is found  # parsed once
    assert world.responder.count() == 1


def test_what_was_loaded_is_due_when_the_other_process_says(process: Start, world: World, url: str) -> None:
    first, second = process(url), process(url)
    first.fetch()
    world.now = NOW + 3 * HOUR
    second.fetch()
    assert world.responder.count() == 1
    world.now = NOW + 5 * HOUR
    second.fetch()
    assert world.responder.count() == 2


def test_newer_data_of_another_process_save_a_fetch(process: Start, world: World, url: str) -> None:
    first, second = process(url), process(url)
    first.fetch()
    older = second.fetch()
    world.now = NOW + 5 * HOUR
    newer = first.fetch()
    assert newer.der != older.der
    assert second.fetch().der == newer.der
    assert world.responder.count() == 2


def test_a_revocation_that_another_process_saw_counts_as_new_here(process: Start, world: World, url: str) -> None:
    first, second = process(url), process(url)
    first.fetch(OCSP)
    second.fetch(OCSP)
    before = second.store._front.generation
    world.now = NOW + 5 * HOUR
    world.responder.revoke(world.signer)
    revoked = first.fetch(OCSP)
    assert second.fetch(OCSP).der == revoked.der
    assert world.responder.count() == 2
    assert second.store._front.generation != before


def test_a_revocation_that_another_process_met_voids_verdicts_here_before_the_data_are_due(
    world: World, url: str, client: Any
) -> None:
    here = Process("threads", world, url)
    verifier = verifier_of(world, here)
    here.store._ask_after = math.inf  # asked by hand
    for _ in range(2):
        verifier.verify(signed(world))
        here.store._ask_for_news()
    # Another process asks later, for it has been started only now: it hears of the revocation first.
    world.responder.revoke(world.signer)
    world.now = NOW + MINUTE
    client.delete(*client.keys("*[0-9a-f]"))
    with pytest.raises(CertificateRevokedError):
        verifier_of(world, Process("threads", world, url)).verify(signed(world))
    asked = world.responder.count()
    verifier.verify(signed(world))  # it has not heard yet
    here.store._ask_for_news()
    with pytest.raises(CertificateRevokedError) as caught:
        verifier.verify(signed(world))
    assert caught.value.code == "CERTIFICATE_REVOKED"
    assert world.responder.count() == asked


def test_news_that_change_nothing_for_a_key_cause_no_fetch(process: Start, world: World, url: str, client: Any) -> None:
    reader = process(url)
    held = reader.fetch()
    for _ in range(3):
        client.incr(NEWS)
        before = reader.store._changes
        reader.store._ask_for_news()
        assert reader.store._changes == before + 1
        assert reader.fetch() is held
    client.flushall()
    reader.store._ask_for_news()
    assert reader.fetch() is held
    assert world.responder.count() == 1


def test_after_news_what_differs_from_redis_is_fetched_anew(
    process: Start, world: World, url: str, client: Any
) -> None:
    reader = process(url)
    reader.fetch()
    client.set(world.name(), line() + b"garbage", px=100_000)
    client.incr(NEWS)
    reader.store._ask_for_news()
    reader.fetch()
    assert world.responder.count() == 2
    reader.fetch()
    assert world.responder.count() == 2


def test_only_data_that_may_revoke_something_are_news(world: World, url: str, client: Any) -> None:
    def news() -> int:
        return int(client.get(NEWS) or 0)

    tsp, signer = world.hierarchy.tsp, world.signer
    entry_of(world, url, make_ocsp(tsp, signer, this_update=NOW - HOUR), OCSP)
    entry_of(world, url, make_crl(tsp, [], this_update=NOW - HOUR, number=1), CRL)
    assert news() == 0
    for number in (2, 2, 3):
        revoked = make_ocsp(tsp, signer, status=OCSPCertStatus.REVOKED, this_update=NOW - (4 - number) * MINUTE)
        entry_of(world, url, revoked, OCSP)
    assert news() == 2
    entry_of(world, url, make_crl(tsp, [tsp.issue(key=signer.key)], this_update=NOW, number=2), CRL)
    assert news() == 3


def test_neither_serial_number_nor_url_stands_in_redis(process: Start, world: World, url: str, client: Any) -> None:
    process(url).fetch(OCSP)
    (name,) = client.keys("*")
    assert name.decode() == world.name(OCSP)
    assert len(name.rpartition(b":")[2]) == 64
    assert client.get(name).count(b"http") == 0


def verifier_of(world: World, process: Process) -> Verifier:
    policy = VerificationPolicy(profiles=(profiles.DDAS,), signers=ANY_TRUSTED)
    return Verifier(trust=world.hierarchy.trust, policy=policy, fetcher=process.fetcher, clock=lambda: world.now)


def signed(world: World) -> HttpRequest:
    fields = [("Host", "provider.example.test"), ("Content-Type", "application/json")]
    message = HttpRequest(method="POST", target="/", fields=fields, body=b"{}")
    signer = Signer(world.signer.credential, profile=profiles.DDAS, clock=lambda: world.now)
    return message.with_fields(signer.sign(message))


# --- what somebody else wrote ------------------------------------------------------------------------------------


def line(*, age: dt.datetime = NOW - HOUR, number: str = "-", refresh: dt.datetime = NOW + HOUR) -> bytes:
    return b"jades1 %016d0 %s %016d\n" % (age.timestamp() * 1000, number.encode(), refresh.timestamp() * 1000)


def shortened(octets: bytes) -> bytes:
    return octets[:-10]


def with_another_signature(octets: bytes) -> bytes:
    return octets[:-1] + bytes([octets[-1] ^ 1])


GARBAGE: dict[str, Callable[[bytes], bytes]] = {
    "one octet": lambda _: b"0",
    "text": lambda _: b"garbage" * 100,
    "the DER alone": lambda der: der,
    "no DER": lambda _: line(),
    "no DER behind the times": lambda _: line() + b"garbage",
    "a truncated answer": lambda der: line() + shortened(der),
    "a spoiled signature": lambda der: line() + with_another_signature(der),
    "octets behind the answer": lambda der: line() + der + b"0",
    "a time that does not exist": lambda der: b"jades1 %s - %s\n" % (b"9" * 16 + b"0", b"9" * 16) + der,
    "a pickle": lambda _: line() + b"cos\nsystem\n(S'false'\ntR.",
}


@pytest.mark.parametrize("spoil", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("source", [CRL, OCSP])
def test_garbage_in_redis_is_ignored_and_replaced(
    world: World, url: str, client: Any, source: RevocationSource, spoil: Callable[[bytes], bytes]
) -> None:
    writer, reader = Process("threads", world, url), Process("threads", world, url)
    fetched = writer.fetch(source)
    client.set(world.name(source), spoil(fetched.der))  # without an end, as no value of ours
    reader.fetch(source)
    assert world.responder.count() == 2
    assert Process("threads", world, url).fetch(source).der == reader.fetch(source).der
    assert world.responder.count() == 2


def test_an_answer_of_another_issuer_is_ignored(process: Start, world: World, url: str, client: Any) -> None:
    stranger = Hierarchy.new(not_before=NOW - 24 * HOUR)
    foreign = make_crl(stranger.tsp, [], this_update=NOW)
    client.set(world.name(), line() + foreign, px=100_000)
    assert process(url).fetch().der != foreign
    assert world.responder.count() == 1


def test_an_answer_about_another_certificate_is_ignored(process: Start, world: World, url: str, client: Any) -> None:
    other = make_ocsp(world.hierarchy.tsp, world.hierarchy.tsp.issue(), this_update=NOW)
    client.set(world.name(OCSP), line() + other, px=100_000)
    assert process(url).fetch(OCSP).der != other
    assert world.responder.count() == 1


def test_an_answer_that_is_out_of_date_is_ignored(process: Start, world: World, url: str, client: Any) -> None:
    old = make_ocsp(world.hierarchy.tsp, world.signer, this_update=NOW - 48 * HOUR, next_update=NOW - 24 * HOUR)
    client.set(world.name(OCSP), line(age=NOW - 48 * HOUR) + old, px=100_000)
    assert process(url).fetch(OCSP).der != old
    assert world.responder.count() == 1


def test_an_answer_that_is_too_large_is_not_read(process: Start, world: World, url: str, client: Any) -> None:
    limit = world.request(OCSP).limit
    client.set(world.name(OCSP), line() + b"0" * (limit + MAX_LINE))
    client.config_resetstat()
    process(url).fetch(OCSP)
    assert world.responder.count() == 1
    calls = {name: stat["calls"] for name, stat in client.info("commandstats").items()}
    # The script that replaces it reads its first line.
    assert (calls["cmdstat_strlen"], calls["cmdstat_getrange"], calls["cmdstat_eval"]) == (1, 1, 1)


@pytest.mark.parametrize("kind", ["list", "hash"])
def test_a_key_of_another_type_is_ignored_and_replaced(
    process: Start, world: World, url: str, client: Any, kind: str
) -> None:
    if kind == "list":
        client.rpush(world.name(), b"0")
    else:
        client.hset(world.name(), "field", b"0")
    process(url).fetch()
    process(url).fetch()
    assert world.responder.count() == 1


def test_redis_cannot_put_off_that_newer_data_are_asked_for(
    process: Start, world: World, url: str, client: Any
) -> None:
    reader = process(url)
    Process("threads", world, url).fetch()
    der = client.get(world.name()).partition(b"\n")[2]

    def lie() -> None:
        client.set(world.name(), line(refresh=NOW + 24 * HOUR) + der, px=100_000)

    lie()
    reader.fetch()
    assert world.responder.count() == 1
    world.now = NOW + 5 * HOUR
    lie()  # the same data once more, as if they were fetched just now
    reader.fetch()
    assert world.responder.count() == 2


def test_redis_cannot_take_a_revocation_back(process: Start, world: World, url: str, client: Any) -> None:
    reader = process(url)
    good = make_ocsp(world.hierarchy.tsp, world.signer, this_update=NOW - HOUR, next_update=NOW + 24 * HOUR)
    world.responder.revoke(world.signer)
    revoked = reader.fetch(OCSP)
    for moment in (MINUTE, 5 * HOUR):
        world.now = NOW + moment
        client.set(world.name(OCSP), line(age=world.now) + good, px=100_000)
        standing = world.request(OCSP).check(reader.fetch(OCSP)).standing
        assert standing.value == "revoked"
    assert revoked.der != good


# --- newer stays -------------------------------------------------------------------------------------------------


def entry_of(world: World, url: str, der: bytes, source: RevocationSource) -> Any:
    """Save what a process has just parsed."""
    process = Process("threads", world, url)
    request = world.request(source)
    process.fetcher._desk.keep(request, Key.of(request), request.parse(der), None)
    entry = process.store.get(Key.of(request))
    assert entry is not None
    process.store.save(Key.of(request), entry, timeout=5)
    return entry


def stored(client: Any, world: World, source: RevocationSource) -> bytes:
    der: bytes = client.get(world.name(source)).partition(b"\n")[2]
    return der


def test_an_answer_is_replaced_by_a_newer_and_never_by_an_older_one(world: World, url: str, client: Any) -> None:
    tsp, signer = world.hierarchy.tsp, world.signer
    older = make_ocsp(tsp, signer, this_update=NOW - 2 * HOUR, next_update=NOW + 48 * HOUR)
    newer = make_ocsp(tsp, signer, this_update=NOW - HOUR, next_update=NOW + HOUR)
    newest = make_ocsp(tsp, signer, this_update=NOW, next_update=NOW + HOUR)
    for der, kept in ((newer, newer), (older, newer), (newest, newest), (newer, newest)):
        entry_of(world, url, der, OCSP)
        assert stored(client, world, OCSP) == kept


def test_of_the_same_moment_revoked_is_kept(world: World, url: str, client: Any) -> None:
    tsp, signer = world.hierarchy.tsp, world.signer
    good = make_ocsp(tsp, signer, this_update=NOW)
    revoked = make_ocsp(tsp, signer, status=OCSPCertStatus.REVOKED, this_update=NOW)
    for der, kept in ((good, good), (revoked, revoked), (good, revoked)):
        entry_of(world, url, der, OCSP)
        assert stored(client, world, OCSP) == kept


def test_a_crl_with_a_lower_number_replaces_nothing(world: World, url: str, client: Any) -> None:
    def crl(number: int, at: dt.datetime) -> bytes:
        return make_crl(world.hierarchy.tsp, [], this_update=at, next_update=NOW + 24 * HOUR, number=number)

    seventh, sixth, eighth = crl(7, NOW - HOUR), crl(6, NOW), crl(8, NOW)
    for der, kept in ((seventh, seventh), (sixth, seventh), (eighth, eighth), (seventh, eighth)):
        entry_of(world, url, der, CRL)
        assert stored(client, world, CRL) == kept


# --- the end of a value ------------------------------------------------------------------------------------------


def test_a_value_ends_with_the_data(world: World, url: str, client: Any) -> None:
    entry_of(world, url, make_ocsp(world.hierarchy.tsp, world.signer, this_update=NOW, next_update=NOW + HOUR), OCSP)
    assert 3_500_000 < client.pttl(world.name(OCSP)) <= 3_600_000


def test_a_value_ends_after_a_week_however_long_the_data_are_good(world: World, url: str, client: Any) -> None:
    long = make_ocsp(world.hierarchy.tsp, world.signer, this_update=NOW, next_update=NOW + 1000 * HOUR)
    entry_of(world, url, long, OCSP)
    week = 7 * 24 * 3_600_000
    assert week - 100_000 < client.pttl(world.name(OCSP)) <= week


def test_what_has_ended_is_fetched_anew(process: Start, world: World, url: str, client: Any) -> None:
    process(url).fetch()
    client.pexpire(world.name(), 0)
    process(url).fetch()
    assert world.responder.count() == 2


# --- no Redis, or none that helps --------------------------------------------------------------------------------


def silent(connection: socket.socket, server: Impostor) -> None:
    """Accepts and never answers."""
    del connection
    server.stopped.wait()


def dripping(connection: socket.socket, server: Impostor) -> None:
    """Sends one octet at a time: each comes in time, the answer never."""
    connection.recv(65536)
    connection.sendall(b"$100000\r\n")
    while not server.stopped.wait(0.02):
        connection.sendall(b"0")


def slow(connection: socket.socket, server: Impostor) -> None:
    """Answers later than anybody waits."""
    while connection.recv(65536) and not server.stopped.wait(3):
        connection.sendall(b":100\r\n")


def speaking_something_else(connection: socket.socket, server: Impostor) -> None:
    """Is no Redis at all."""
    del server
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def huge_number(connection: socket.socket, server: Impostor) -> None:
    """Answers with what no server would."""
    del server
    while connection.recv(65536):
        connection.sendall(b":999999999999999999999999999999\r\n")


def hanging_up(connection: socket.socket, server: Impostor) -> None:
    """Ends the connection at once."""


BEHAVIOURS = [silent, dripping, slow, speaking_something_else, hanging_up]


@pytest.mark.parametrize("behave", BEHAVIOURS)
def test_a_redis_that_does_not_answer_costs_a_moment_and_is_left_alone(
    process: Start, world: World, impostor: Pretend, behave: Callable[[socket.socket, Impostor], None]
) -> None:
    pretended = impostor(behave)
    reader = process(pretended.url, seconds=0.2)
    begun = stopwatch.monotonic()
    assert reader.fetch() is not None
    assert reader.fetch(OCSP) is not None
    assert stopwatch.monotonic() - begun < 2
    assert pretended.connections == 1  # neither told of the first, nor asked for the second
    assert world.responder.count() == 2


def test_a_redis_that_says_strange_things_is_no_redis(process: Start, world: World, impostor: Pretend) -> None:
    assert process(impostor(huge_number).url).fetch() is not None
    assert world.responder.count() == 1


def test_no_redis_at_all_costs_nothing(process: Start, world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    begun = stopwatch.monotonic()
    assert process(f"redis://127.0.0.1:{port}").fetch() is not None
    assert stopwatch.monotonic() - begun < 2
    assert world.responder.count() == 1


def test_of_many_threads_one_waits_for_redis(world: World, impostor: Pretend) -> None:
    pretended = impostor(silent)
    reader = Process("threads", world, pretended.url, seconds=0.2)
    with ThreadPoolExecutor(50) as pool:
        fetched = [asked.result() for asked in [pool.submit(reader.fetch) for _ in range(50)]]
    assert all(data is fetched[0] for data in fetched)
    assert (pretended.connections, world.responder.count()) == (1, 1)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_event_loop_goes_on_while_redis_is_waited_for(world: World, impostor: Pretend, backend: str) -> None:
    pretended = impostor(silent)
    reader = Process(backend, world, pretended.url, seconds=1)
    order: list[str] = []

    async def fetch() -> None:
        await reader.fetcher.fetch(world.request(), timeout=5)
        order.append("fetched")

    async def meanwhile() -> None:
        await anyio.to_thread.run_sync(pretended.visited.wait, 5)
        order.append("went on")
        pretended.close()  # which ends the wait

    async def both() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(fetch)
            group.start_soon(meanwhile)

    anyio.run(both, backend=backend)
    assert order == ["went on", "fetched"]
    assert world.responder.count() == 1


# --- passwords ---------------------------------------------------------------------------------------------------


def test_a_password_is_used_and_not_shown(process: Start, world: World, locked_path: Path) -> None:
    url = f"unix://:{PASSWORD}@{locked_path}"
    writer = process(url)
    writer.fetch()
    process(url).fetch()
    assert world.responder.count() == 1
    assert PASSWORD not in repr(writer.store) + repr(writer.fetcher)


def test_a_wrong_password_means_no_redis(process: Start, world: World, locked_path: Path) -> None:
    for _ in range(2):
        process(f"unix://:wrong@{locked_path}").fetch()
    assert world.responder.count() == 2
