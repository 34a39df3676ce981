"""A page of 25 000 trajecten is collected without being in memory: measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

MIB = 1024 * 1024
ALLOWED = 48 * MIB
"""Above an idle consumer and provider, which are one process here."""

PATIENCE = 120
"""Seconds after which that process hangs."""

PROGRAM = """
import asyncio, json, sys, time
from pathlib import Path
from random import Random
import httpx
from nlgov_jades import *
from nlgov_jades.ddas import *
from nlgov_jades.ddas.collect import Consumer, Provider, collect
from nlgov_jades.ddas.testdata import organisations, trajecten
from nlgov_jades.pki.identity import oin_of
from nlgov_jades.testing import Hierarchy

hierarchy = Hierarchy.new()
issued = hierarchy.tsp.issue()
storage = SqliteStorage(sys.argv[1])
random = Random(1)
for organisation in organisations(Kind.SHV, 2, random):
    storage.add(Kind.SHV, organisation, (Record.of(Kind.SHV, data) for data in trajecten(12_500, random)))
signer = Signer(issued.credential, profile=profiles.DDAS)
oin = oin_of(issued.certificate)
policy = VerificationPolicy(profiles=(profiles.DDAS,), signers={oin}, revocation=RevocationPolicy.OFF)
app = provider_app(
    storage=storage, kind=Kind.SHV, signer=signer, verifier=AsyncVerifier(trust=hierarchy.trust, policy=policy),
    answers=AnswerSettings(supplier="x"), fsc=FscSettings(token=FscToken.IF_PRESENT),
)


class Direct(httpx.AsyncBaseTransport):
    # httpx.ASGITransport would hold the whole answer.
    async def handle_async_request(self, request):
        body, start, queue = await request.aread(), {}, asyncio.Queue(1)
        scope = {"type": "http", "method": "POST", "path": "/gegevens", "raw_path": b"/gegevens", "query_string": b"",
                 "headers": [(name.lower(), value) for name, value in request.headers.raw], "root_path": ""}

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message):
            await queue.put(message)

        task = asyncio.create_task(app(scope, receive, send))
        start = await queue.get()

        class Stream(httpx.AsyncByteStream):
            async def __aiter__(self):
                more = True
                while more:
                    message = await queue.get()
                    more = message.get("more_body", False)
                    yield message["body"]
                await task

        return httpx.Response(start["status"], headers=start["headers"], stream=Stream())


def status(name):
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


consumer = Consumer(signer=signer, trust=hierarchy.trust, transport=lambda _: Direct(), fetcher=None,
                    certificate=CertificateRequirements.GENERIC, revocation=RevocationPolicy.OFF)
provider = Provider(name="a", url="https://a.example/gegevens", oin=oin, kind=Kind.SHV)


async def gather(size, first_page_only):
    count = length = 0
    async with collect(provider, Question(page_size=size), consumer=consumer) as pages:
        async for page in pages:
            length += page.length
            count += sum(1 for _ in page.records())
            if first_page_only:
                break
    return count, length


async def main():
    for _ in range(3):
        await gather(10, True)
    Path("/proc/self/clear_refs").write_text("5")
    idle, began = status("VmRSS"), time.perf_counter()
    count, length = await gather(25_000, False)
    print(json.dumps({"count": count, "length": length, "above": status("VmHWM") - idle, "s": time.perf_counter() - began}))


asyncio.run(main())
"""


@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="only Linux tells how much memory was used at most"
)
def test_a_page_of_25000_trajecten_is_collected_without_being_in_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "records.sqlite")],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["count"] == 25_000
    assert found["length"] > 8 * MIB
    assert found["above"] < ALLOWED, found
