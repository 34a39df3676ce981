"""A page of 25 000 trajecten is never in memory: measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

MIB = 1024 * 1024
ALLOWED = 64 * MIB
"""Above an idle provider, as the programme of this library promises."""

PATIENCE = 120
"""Seconds after which that process hangs."""

PROGRAM = """
import asyncio, datetime as dt, json, sys
from pathlib import Path
from random import Random
from nlgov_jades import AsyncVerifier, HttpRequest, HttpResponse, RevocationPolicy, Signer, VerificationPolicy, profiles
from nlgov_jades import BodyDigest
from nlgov_jades.ddas import *
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
oins = {oin_of(issued.certificate)}
policy = VerificationPolicy(profiles=(profiles.DDAS,), signers=oins, revocation=RevocationPolicy.OFF)
verifier = AsyncVerifier(trust=hierarchy.trust, policy=policy)
app = provider_app(
    storage=storage, kind=Kind.SHV, signer=signer, verifier=verifier,
    answers=AnswerSettings(supplier="x"), fsc=FscSettings(token=FscToken.IF_PRESENT),
)


def status(name):
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


async def ask(body):
    lines = [("Host", "a.example"), ("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    request = HttpRequest(method="POST", target="/gegevens", fields=lines, body=body)
    request = request.with_fields(signer.sign(request))
    scope = {"type": "http", "method": "POST", "path": "/gegevens", "raw_path": b"/gegevens", "query_string": b"",
             "headers": [(name.lower().encode(), value.encode()) for name, value in request.fields], "root_path": ""}
    start, digest, length = {}, BodyDigest(), 0

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        nonlocal length
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            digest.update(message["body"])
            length += len(message["body"])

    await app(scope, receive, send)
    answer = HttpResponse(status=start["status"], fields=start["headers"], body=digest, request=request)
    verified = await verifier.verify(answer)
    return start["status"], length, str(verified.signer.oin)


async def main():
    for _ in range(3):
        await ask(b'{"pageSize":10}')
    Path("/proc/self/clear_refs").write_text("5")
    idle = status("VmRSS")
    told = await ask(b"{}")
    print(json.dumps({"status": told[0], "length": told[1], "above": status("VmHWM") - idle}))


asyncio.run(main())
"""


@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="only Linux tells how much memory was used at most"
)
def test_a_page_of_25000_trajecten_is_signed_without_being_in_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "records.sqlite")],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["status"] == 200
    assert found["length"] > 8 * MIB
    assert found["above"] < ALLOWED, found
    # Below the page itself: nothing held it.
    assert found["above"] < found["length"], found
