"""Every client against every server, as real processes on loopback, signed both ways, with a tampering proxy between them.

By default each client and each server comes by once; `nox -s matrix` tries all pairs.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from nlgov_jades.testing.hierarchy import EXAMPLE_OIN

from .clients import CLIENTS, CURL, Party, Question, ask
from .conftest import StartServer
from .processes import SERVERS
from .tampering import CHANGES, tampering

EVERYTHING = bool(os.environ.get("NLGOV_JADES_MATRIX"))
ALL_PAIRS = [(client, server) for server in SERVERS for client in CLIENTS]
PAIRS = ALL_PAIRS if EVERYTHING else list(zip(CLIENTS, SERVERS, strict=True))
BODY = b'{"aanleverende_organisatie":"Gemeente S\xc3\xbadwest","burgerservicenummer":"000000012"}'

pytestmark = pytest.mark.parametrize(
    ("client", "server"), PAIRS, ids=[f"{client}-{server}" for client, server in PAIRS]
)


@pytest.fixture(autouse=True)
def _curl_is_there(client: str) -> None:
    if client == "curl" and CURL is None:
        pytest.skip("curl is not on this machine")


def test_a_request_and_its_answer_are_signed_and_verified(
    client: str, server: str, serve: StartServer, party: Party, pki: Path
) -> None:
    site = serve(server, SITE_PKI=str(pki))
    reply = ask(client, party, Question(site.authority, "/gegevens", BODY))
    assert (reply.status, reply.oin, reply.code) == (200, EXAMPLE_OIN, "")
    told = json.loads(reply.body)
    assert told == {"sha256": hashlib.sha256(BODY).hexdigest(), "oin": EXAMPLE_OIN, "length": len(BODY)}


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_bodies_of_every_size_come_back_as_they_were_sent(
    client: str, server: str, size: int, serve: StartServer, party: Party, pki: Path
) -> None:
    body = b"\xc3\xa9" * (size // 2) + b"\n" * (size % 2)
    reply = ask(client, party, Question(serve(server, SITE_PKI=str(pki)).authority, "/echo", body))
    assert (reply.status, reply.oin, reply.code) == (200, EXAMPLE_OIN, "")
    assert reply.body == body


@pytest.mark.parametrize("change", CHANGES)
def test_a_request_that_was_changed_on_its_way_is_refused_and_the_refusal_is_signed(
    client: str, server: str, change: str, serve: StartServer, party: Party, pki: Path
) -> None:
    site = serve(server, SITE_PKI=str(pki))
    with tampering(site.port) as proxy:
        proxy.request = CHANGES[change]
        reply = ask(client, party, Question(f"127.0.0.1:{proxy.port}", "/gegevens", BODY))
        assert [answer.split()[1] for _, answer in proxy.passed] == ["400"]
    # The media type of the refusal is among those that the policy expects, so it is verified like any other answer.
    assert (reply.status, reply.oin) == (400, EXAMPLE_OIN)
    assert json.loads(reply.body)["code"] in CODES[change]


@pytest.mark.parametrize("change", CHANGES)
def test_an_answer_that_was_changed_on_its_way_is_refused(
    client: str, server: str, change: str, serve: StartServer, party: Party, pki: Path
) -> None:
    site = serve(server, SITE_PKI=str(pki))
    with tampering(site.port) as proxy:
        proxy.response = CHANGES[change]
        reply = ask(client, party, Question(f"127.0.0.1:{proxy.port}", "/gegevens", BODY))
        assert [answer.split()[1] for _, answer in proxy.passed] == ["200"]
    assert reply.body == b""
    assert reply.code in CODES[change]


CODES = {
    "body": {"DIGEST_MISMATCH"},
    "shorter": {"DIGEST_MISMATCH"},
    "no_signature": {"SIGNATURE_MISSING"},
    "two_signatures": {"MALFORMED_SIGNATURE"},
    "signature": {"INVALID_SIGNATURE"},
    "digest": {"INVALID_SIGNATURE"},
}
