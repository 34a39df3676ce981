"""The clients that `edges.py` measures, one in each process: with the transport of httpx, and with the bare cryptography inline.

    python edges_client.py ours|bare|spool long|small PORT PKI

Prints the MiB that it grew and the seconds of one long exchange, or 0 and how many small ones it made in a second. Without
us, the fields of the request were made before; what it sends and gets is hashed, one signature made and one verified. With
`spool`, both bodies go through files, as they must when they are neither made twice nor handed on before they are verified.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import IO, Any

import edges_site as site
import httpx

from nlgov_jades import BodyDigest, HttpRequest
from nlgov_jades import httpx as jades

SECONDS = 4.0
READ = 1 << 20


def peak() -> float:
    """Largest resident size so far, MiB."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


def _fields_made_before(path: str, piece: bytes, count: int) -> dict[str, str]:
    digest = BodyDigest()
    for _ in range(count):
        digest.update(piece)
    lines = [("Content-Type", "application/json")]
    return dict(site.SIGNER.sign(HttpRequest(method="POST", target=path, fields=lines, body=digest)))


class Exchange:
    """One request and its answer, again and again.

    Args:
        kind: `ours`, `bare` or `spool`.
        port: Where the server is.
        piece: What the body is made of.
        count: How often.
    """

    def __init__(self, kind: str, port: int, piece: bytes, count: int) -> None:
        self._kind, self._piece, self._count = kind, piece, count
        path = "/long" if count > 1 else "/small"
        self._url = f"http://127.0.0.1:{port}{path}"
        self._fields = {"Content-Type": "application/json", "Content-Length": str(count * len(piece))}
        transport: httpx.BaseTransport = httpx.HTTPTransport()
        if kind == "ours":
            hosts = {f"http://127.0.0.1:{port}"}
            transport = jades.JadesTransport(
                transport, signer=site.SIGNER, verifier=site.verifier(), hosts=hosts, body=site.BODY
            )
        else:
            self._fields |= _fields_made_before(path, piece, count)
        self.http = httpx.Client(transport=transport, timeout=300)

    def once(self) -> None:
        """Make one."""
        with tempfile.TemporaryFile(buffering=0) as sent, tempfile.TemporaryFile(buffering=0) as got:
            body: Any = self._piece if self._count == 1 else repeat(self._piece, self._count)
            if self._kind != "ours":
                body = self._signed(sent, body)
            with self.http.stream("POST", self._url, content=body, headers=self._fields) as answer:
                answer.raise_for_status()
                length = self._read(answer, got)
        if length != self._count * len(self._piece):
            raise RuntimeError(f"{length} octets came back")

    def _signed(self, file: IO[bytes], body: Any) -> Any:
        hasher = hashlib.sha256()
        for piece in repeat(self._piece, self._count):
            hasher.update(piece)
            if self._kind == "spool":
                file.write(piece)
        site.sign_inline(hasher.digest())
        return self._again(file) if self._kind == "spool" else body

    def _again(self, file: IO[bytes]) -> Iterator[bytes]:
        file.seek(0)
        return iter(lambda: file.read(READ), b"")

    def _read(self, answer: httpx.Response, file: IO[bytes]) -> int:
        if self._kind == "ours":
            return sum(len(piece) for piece in answer.iter_raw())
        length, hasher = 0, hashlib.sha256()
        for piece in answer.iter_raw():
            length += len(piece)
            hasher.update(piece)
            if self._kind == "spool":
                file.write(piece)
        site.verify_inline()
        return sum(len(piece) for piece in self._again(file)) if self._kind == "spool" else length


def main(kind: str, size: str, port: int) -> None:
    """One process."""
    long = size == "long"
    exchange = Exchange(kind, port, *((site.PIECE, site.GIB // len(site.PIECE)) if long else (site.SMALL, 1)))
    if not long:
        exchange.once()
    before, started, done = peak(), time.perf_counter(), 0
    while done == 0 or (not long and time.perf_counter() < started + SECONDS):
        exchange.once()
        done += 1
    seconds = time.perf_counter() - started
    print(*((peak() - before, seconds) if long else (0, done / seconds)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
