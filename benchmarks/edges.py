"""What the edges cost: memory of long bodies, throughput beside the bare cryptography, how long an event loop is held.

Prints figures; asserts nothing. Each server is a process of its own, once with the middlewares and once without: the one
without does the same SHA-256, RSA verification and RSA signature inline and nothing else. Run with `nox -s bench`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from at_hand import memory_at_hand

from nlgov_jades import BodyDigest, Fields, HttpRequest, Signer, profiles
from nlgov_jades.testing import Hierarchy, make_crl, save_hierarchy, save_signer
from nlgov_jades.testing.hierarchy import new_key

HERE = Path(__file__).parent
GIB = 1024**3
PIECE = b"x" * 65536
ROUNDS = 3
TURNS, TURN = 60, 0.25
"""How often each server has its turn, and for how many seconds."""
CLIENTS = ("ours", "bare", "spool")
SERVERS = {
    "ASGI (uvicorn)": ["uvicorn", "edges_site:asgi_{kind}", "--port={port}", "--no-access-log", "--lifespan=off"],
    "WSGI (gunicorn)": [
        *("gunicorn", "edges_site:wsgi_{kind}", "--bind=127.0.0.1:{port}", "--worker-class=gthread", "--threads=2"),
        *("--limit-request-field_size=32768", "--log-level=error"),
    ],
}


def make_pki(folder: Path, bits: int = 3072) -> Signer:
    """Certificates for both sides: a leaf with RSA-3072, as PKIoverheid G4 has, or another."""
    hierarchy = Hierarchy.new(revocation_url="http://127.0.0.1:9")  # nobody answers there: the CRLs are at hand
    save_hierarchy(hierarchy, folder)
    for number, authority in enumerate(hierarchy.authorities):
        (folder / f"{number}.crl").write_bytes(
            make_crl(authority, this_update=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5))
        )
    issued = hierarchy.tsp.issue(key=new_key(bits))
    save_signer(issued, folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Signer(issued.credential, profile=profiles.DDAS)


@contextmanager
def server(name: str, kind: str, pki: Path) -> Iterator[tuple[int, int]]:
    """A running server: its port and the process that does the work."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [part.format(kind=kind, port=port) for part in SERVERS[name]]
    process = subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-W", "ignore", "-m", *command],
        cwd=HERE,
        env={**os.environ, "SITE_PKI": str(pki)},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            with socket.socket() as connection:
                if connection.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port, worker_of(process.pid)
    finally:
        process.terminate()
        process.wait()


def worker_of(pid: int) -> int:
    """The child that serves, where a server has one."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


def peak(pid: int) -> float:
    """Largest resident size so far, MiB."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


def signed_head(signer: Signer, path: str, digest: BodyDigest | bytes, length: int) -> bytes:
    """Start line and fields of a signed request."""
    lines = [("Host", "127.0.0.1"), ("Content-Type", "application/json"), ("Content-Length", str(length))]
    request = HttpRequest(method="POST", target=path, fields=Fields(lines), body=digest)
    request = request.with_fields(signer.sign(request))
    return (
        f"POST {path} HTTP/1.1\r\n".encode() + b"".join(f"{n}: {v}\r\n".encode() for n, v in request.fields) + b"\r\n"
    )


def exchange(connection: socket.socket, octets: bytes) -> tuple[bytes, int]:
    """One request and its answer: the head, and how long its body is."""
    connection.sendall(octets)
    return read_answer(connection)


def read_answer(connection: socket.socket) -> tuple[bytes, int]:
    """The head of an answer and the length of its body, which is read and forgotten."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError("the server ended the connection")
        got += more
    head, _, rest = got.partition(b"\r\n\r\n")
    lower = head.lower()
    if b"content-length:" not in lower:
        return head, len(rest) + _chunked(connection, rest)
    length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
    left = length - len(rest)
    while left > 0:
        left -= len(connection.recv(min(left, 1 << 20)))
    return head, length


def _chunked(connection: socket.socket, rest: bytes) -> int:
    tail, read = rest[-16:], 0
    while not tail.endswith(b"0\r\n\r\n"):
        more = connection.recv(1 << 20)
        if not more:
            break
        read += len(more)
        tail = (tail + more)[-16:]
    return read


def long_bodies(name: str, kind: str, pki: Path, signer: Signer) -> tuple[float, float]:
    """MiB that a server grew, and seconds, when one GiB went in and one came out."""
    digest = BodyDigest()
    for _ in range(GIB // len(PIECE)):
        digest.update(PIECE)
    # Connected when the memory is at hand: a server does not wait for that.
    with (
        server(name, kind, pki) as (port, pid),
        memory_at_hand(),
        socket.create_connection(("127.0.0.1", port)) as connection,
    ):
        exchange(connection, signed_head(signer, "/small", b"{}", 2) + b"{}")
        before = peak(pid)
        started = time.perf_counter()
        connection.sendall(signed_head(signer, "/long", digest, GIB))
        for _ in range(GIB // len(PIECE)):
            connection.sendall(PIECE)
        head, _ = read_answer(connection)
        seconds = time.perf_counter() - started
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode("latin-1")[:200])
        return peak(pid) - before, seconds


def by_turns(name: str, pki: Path, request: bytes) -> tuple[float, float, float]:
    """Requests a second over two connections, with us and without, and the median of one beside the other.

    Both servers run, and have their turn of a quarter of a second again and again: this machine is faster now and then.
    """
    with ExitStack() as stack:
        sides = []
        for kind in ("ours", "bare"):
            port, _ = stack.enter_context(server(name, kind, pki))
            opened = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(2)]
            _turn(opened, request)
            sides.append(opened)
        turns: list[tuple[float, ...]] = []
        for number in range(TURNS):
            order = (0, 1) if number % 2 else (1, 0)
            rates = {which: _turn(sides[which], request) for which in order}
            turns.append((rates[0], rates[1], rates[0] / rates[1]))
    ours, bare, ratio = (statistics.median(figures) for figures in zip(*turns, strict=True))
    return ours, bare, ratio


def _turn(connections: list[socket.socket], request: bytes) -> float:
    done = [0] * len(connections)
    started = time.perf_counter()
    end = started + TURN

    def run(which: int) -> None:
        while time.perf_counter() < end:
            head, _ = exchange(connections[which], request)
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode("latin-1")[:200])
            done[which] += 1

    threads = [threading.Thread(target=run, args=(which,)) for which in range(len(connections))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - started)


def clients(pki: Path) -> None:
    """The httpx transport against one server, each side in a process of its own, with and without us."""
    with server("ASGI (uvicorn)", "ours", pki) as (port, _):
        runs = [{kind: _long_client_run(kind, port, pki) for kind in CLIENTS} for _ in range(ROUNDS)]
        grown, seconds = (
            {kind: statistics.median(run[kind][which] for run in runs) for kind in CLIENTS} for which in range(2)
        )
        bare, spool = (statistics.median(run[kind][1] / run["ours"][1] for run in runs) for kind in ("bare", "spool"))
        print(
            f"{'httpx transport, 1 GiB each way':<58} +{grown['ours']:5.1f} MiB   (without us +{grown['bare']:.1f})   "
            f"{seconds['ours']:.1f} s, bare cryptography {seconds['bare']:.1f} s   {bare:.0%}, "
            f"and with files {seconds['spool']:.1f} s   {spool:.0%}"
        )
        runs = [{kind: _client_run(kind, "small", port, pki) for kind in ("bare", "ours")} for _ in range(ROUNDS)]
        ratio = statistics.median(run["ours"][1] / run["bare"][1] for run in runs)
        each = [statistics.median(run[kind][1] for run in runs) for kind in ("ours", "bare")]
        what = "httpx transport, RSA-3072, body of 2 KB, requests a second"
        print(f"{what:<58} {each[0]:7.0f}   bare cryptography {each[1]:7.0f}   {ratio:.0%}")


def _long_client_run(kind: str, port: int, pki: Path) -> tuple[float, float]:
    with memory_at_hand():
        return _client_run(kind, "long", port, pki)


def _client_run(kind: str, size: str, port: int, pki: Path) -> tuple[float, float]:
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-W", "ignore", str(HERE / "edges_client.py"), kind, size, str(port), str(pki)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "SITE_PKI": str(pki)},
    )
    first, second = done.stdout.split()
    return float(first), float(second)


def held_loop(pki: Path) -> None:
    """The longest time in which the event loop could do nothing else, while long bodies pass both ways.

    On the clock, and of the processor: the first holds also what the system and the interpreter take to hand over from one
    thread to another. The same for a loop that does nothing at all while two threads hash shows how much that is.
    """
    os.environ["SITE_PKI"] = str(pki)
    sys.path.insert(0, str(HERE))
    import edges_site  # noqa: PLC0415 - needs the certificates first

    _print_held("beside hashing threads only", [asyncio.run(_idle_gap()) for _ in range(ROUNDS)])
    size = 256 * 1024 * 1024
    edges_site.GIB = size
    for name, piece in (("pieces of 64 KiB", 65536), ("one piece of 256 MiB", size)):
        body = bytes(piece)
        digest = BodyDigest()
        for _ in range(size // piece):
            digest.update(body)
        lines = [("Host", "x"), ("Content-Type", "application/json"), ("Content-Length", str(size))]
        request = HttpRequest(method="POST", target="/long", fields=Fields(lines), body=digest)
        fields = [
            (n.lower().encode(), v.encode()) for n, v in request.with_fields(edges_site.SIGNER.sign(request)).fields
        ]
        # The first of a process meets the chain and the loop for the first time; no lifespan came before it.
        first = asyncio.run(_gap(edges_site.asgi_ours, fields, body, size // piece))
        if piece < size:
            _print_held("the first of a process", [first])
        gaps = [asyncio.run(_gap(edges_site.asgi_ours, fields, body, size // piece)) for _ in range(ROUNDS)]
        _print_held(name, gaps)


def _print_held(what: str, gaps: list[tuple[float, float]]) -> None:
    clock, own = (statistics.median(gap[which] for gap in gaps) * 1e3 for which in range(2))
    print(f"{'event loop held at most, ' + what:<58} {own:6.1f} ms of the processor, {clock:.1f} ms on the clock")


class _Watch:
    """How long a task that always wants to run has to wait, and how much of that the thread of the loop itself works."""

    def __init__(self) -> None:
        self.longest = (0.0, 0.0)
        self.ended = False

    async def run(self) -> None:
        last = time.perf_counter(), time.thread_time()
        while not self.ended:
            await asyncio.sleep(0)
            now = time.perf_counter(), time.thread_time()
            self.longest = max(self.longest[0], now[0] - last[0]), max(self.longest[1], now[1] - last[1])
            last = now


async def _idle_gap() -> tuple[float, float]:
    watch = _Watch()
    piece = bytes(1024 * 1024)

    def hash_it() -> None:
        while not watch.ended:
            hashlib.sha256(piece)

    threads = [threading.Thread(target=hash_it) for _ in range(2)]
    for thread in threads:
        thread.start()
    task = asyncio.create_task(watch.run())
    await asyncio.sleep(1.5)
    watch.ended = True
    await task
    return watch.longest


async def _gap(app: Any, fields: list[tuple[bytes, bytes]], body: bytes, count: int) -> tuple[float, float]:
    watch = _Watch()
    left = count

    async def receive() -> dict[str, Any]:
        nonlocal left
        await asyncio.sleep(0)
        left -= 1
        return {"type": "http.request", "body": body, "more_body": left > 0}

    async def send(_: dict[str, Any]) -> None:
        await asyncio.sleep(0)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": "/long",
        "raw_path": b"/long", "query_string": b"", "headers": fields, "extensions": {},
    }  # fmt: skip
    task = asyncio.create_task(watch.run())
    await app(scope, receive, send)
    watch.ended = True
    await task
    return watch.longest


def small_messages(bits: int) -> None:
    """Requests a second, for bodies of 2 KB and 1 MiB, beside the bare cryptography."""
    with tempfile.TemporaryDirectory() as name:
        pki = Path(name)
        signer = make_pki(pki, bits)
        for size, label in ((2000, "2 KB"), (1024 * 1024, "1 MiB")):
            body = b'{"gegevens":"' + b"x" * size + b'"}'
            request = signed_head(signer, "/small", body, len(body)) + body
            for edge in SERVERS:
                ours, bare, ratio = by_turns(edge, pki, request)
                what = f"{edge}, RSA-{bits}, body of {label}, requests a second"
                print(f"{what:<58} {ours:7.0f}   bare cryptography {bare:7.0f}   {ratio:.0%}")


def main() -> None:
    """All figures."""
    with tempfile.TemporaryDirectory() as name:
        pki = Path(name)
        signer = make_pki(pki)
        for edge in SERVERS:
            grown, seconds = long_bodies(edge, "ours", pki, signer)
            bare_grown, bare_seconds = long_bodies(edge, "bare", pki, signer)
            _, file_seconds = long_bodies(edge, "spool", pki, signer)
            print(
                f"{edge + ', 1 GiB each way':<58} +{grown:5.1f} MiB   (without us +{bare_grown:.1f})   {seconds:.1f} s, "
                f"bare cryptography {bare_seconds:.1f} s   {bare_seconds / seconds:.0%}, "
                f"and with files {file_seconds:.1f} s   {file_seconds / seconds:.0%}"
            )
        clients(pki)
        held_loop(pki)
    for bits in (3072, 4096):
        small_messages(bits)


if __name__ == "__main__":
    main()
