"""Every client of the matrix behind one function: ask, and say what came back and who signed it."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import httpx2
import requests

from nlgov_jades import (
    ANY_TRUSTED,
    AsyncVerifier,
    RevocationPolicy,
    SendChain,
    Signer,
    SigningCredential,
    TrustStore,
    VerificationPolicy,
    Verifier,
    profiles,
)
from nlgov_jades import httpx as jades_httpx
from nlgov_jades import httpx2 as jades_httpx2
from nlgov_jades import requests as jades_requests
from nlgov_jades.errors import VerificationError
from nlgov_jades.profiles import Profile

TIMEOUT = 20.0
CURL = shutil.which("curl")


@dataclass(frozen=True)
class Question:
    """What is asked. `host` is what the client calls the server: `authority` is where it listens."""

    authority: str
    target: str
    body: bytes = b"{}"
    method: str = "POST"

    @property
    def url(self) -> str:
        return f"http://{self.authority}{self.target}"


@dataclass(frozen=True)
class Reply:
    """What came back. `oin` is empty where nobody vouches for it; `code` says why an answer was refused."""

    status: int
    body: bytes
    oin: str = ""
    code: str = ""


class Party:
    """Who asks: its certificates and what it trusts, in a folder."""

    def __init__(self, pki: Path, profile: Profile = profiles.DDAS, send_chain: SendChain = SendChain.NO_ROOT) -> None:
        self.pki, self.profile, self.send_chain = pki, profile, send_chain
        credential = SigningCredential.from_pem(
            (pki / "signer-key.pem").read_bytes(), (pki / "signer-chain.pem").read_bytes()
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a long field is what some tests are about
            self.signer = Signer(credential, profile=profile, send_chain=send_chain)
        self.trust = TrustStore.from_pem((pki / "root.pem").read_bytes())
        self.policy = VerificationPolicy(profiles=(profile,), signers=ANY_TRUSTED, revocation=RevocationPolicy.OFF)

    def verifier(self) -> Verifier:
        return Verifier(trust=self.trust, policy=self.policy)

    def async_verifier(self) -> AsyncVerifier:
        return AsyncVerifier(trust=self.trust, policy=self.policy)


JSON = {"Content-Type": "application/json"}


def _httpx(party: Party, question: Question) -> Reply:
    transport = jades_httpx.JadesTransport(
        httpx.HTTPTransport(),
        signer=party.signer,
        verifier=party.verifier(),
        hosts={f"http://{question.authority}"},
    )
    with httpx.Client(transport=transport, timeout=TIMEOUT) as client:
        answer = client.request(question.method, question.url, content=question.body, headers=JSON)
        return _reply(answer.status_code, answer.content, answer.extensions)


def _httpx2(party: Party, question: Question) -> Reply:
    transport = jades_httpx2.JadesTransport(
        httpx2.HTTPTransport(),
        signer=party.signer,
        verifier=party.verifier(),
        hosts={f"http://{question.authority}"},
    )
    with httpx2.Client(transport=transport, timeout=TIMEOUT) as client:
        answer = client.request(question.method, question.url, content=question.body, headers=JSON)
        return _reply(answer.status_code, answer.content, answer.extensions)


def _httpx_async(party: Party, question: Question) -> Reply:
    async def ask() -> Reply:
        transport = jades_httpx.AsyncJadesTransport(
            httpx.AsyncHTTPTransport(),
            signer=party.signer,
            verifier=party.async_verifier(),
            hosts={f"http://{question.authority}"},
        )
        async with httpx.AsyncClient(transport=transport, timeout=TIMEOUT) as client:
            answer = await client.request(question.method, question.url, content=question.body, headers=JSON)
            return _reply(answer.status_code, answer.content, answer.extensions)

    return asyncio.run(ask())


def _httpx2_async(party: Party, question: Question) -> Reply:
    async def ask() -> Reply:
        transport = jades_httpx2.AsyncJadesTransport(
            httpx2.AsyncHTTPTransport(),
            signer=party.signer,
            verifier=party.async_verifier(),
            hosts={f"http://{question.authority}"},
        )
        async with httpx2.AsyncClient(transport=transport, timeout=TIMEOUT) as client:
            answer = await client.request(question.method, question.url, content=question.body, headers=JSON)
            return _reply(answer.status_code, answer.content, answer.extensions)

    return asyncio.run(ask())


def _requests(party: Party, question: Question) -> Reply:
    adapter = jades_requests.JadesAdapter(
        signer=party.signer, verifier=party.verifier(), hosts={f"http://{question.authority}"}
    )
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", adapter)
        answer = session.request(question.method, question.url, data=question.body, headers=JSON, timeout=TIMEOUT)
        try:
            oin = str(jades_requests.verified(answer).signer.oin)
        except ValueError:
            oin = ""
        return Reply(answer.status_code, answer.content, oin)


def _reply(status: int, content: bytes, extensions: Mapping[str, object]) -> Reply:
    verified = extensions.get("nlgov_jades.verified")
    return Reply(status, content, str(verified.signer.oin) if verified else "")  # type: ignore[attr-defined] # a VerifiedMessage


def _curl(party: Party, question: Question) -> Reply:
    """As people at a terminal do: sign, send with curl, verify."""
    folder = party.pki / f"curl-{question.authority.replace(':', '-')}"
    folder.mkdir(exist_ok=True)
    head = f"{question.method} {question.target} HTTP/1.1\r\nHost: {question.authority}\r\nContent-Type: application/json\r\n\r\n"
    unsigned, signed, body = folder / "unsigned", folder / "signed", folder / "body"
    unsigned.write_bytes(head.encode() + question.body)
    key, chain = party.pki / "signer-key.pem", party.pki / "signer-chain.pem"
    command_line(
        *("sign", unsigned, "-o", signed, "--key", key, "--chain", chain),
        *("--profile", party.profile.id, "--send-chain", party.send_chain.value),
    )
    lines = signed.read_bytes().partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    (folder / "fields").write_bytes(b"\n".join(lines) + b"\n")
    body.write_bytes(question.body)
    got_head, got_body = folder / "answer-head", folder / "answer-body"
    curl = [str(CURL), "-sS", "--path-as-is", "-X", question.method, "-H", f"@{folder / 'fields'}", "-H", "Expect:"]
    curl += ["--data-binary", f"@{body}", "-D", str(got_head), "-o", str(got_body), question.url]
    subprocess.run(curl, check=True, capture_output=True, timeout=TIMEOUT)
    status = int(got_head.read_bytes().split()[1])
    request = ("--request", signed) if party.profile in (profiles.ADR_MESSAGE, profiles.LOGIUS_MESSAGE) else ()
    told = json.loads(
        command_line(
            *("verify", "--headers", got_head, "--body", got_body, "--trust", party.pki / "root.pem", "--json"),
            *("--profile", party.profile.id, "--revocation", "off", *request),
            status=None,
        )
    )
    if told["valid"]:
        return Reply(status, got_body.read_bytes(), told["signer"]["oin"])
    return Reply(status, b"", code=told["error"]["code"])


def command_line(*arguments: object, status: int | None = 0) -> bytes:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "from nlgov_jades.cli import main; main()", *map(str, arguments)],
        check=False,
        capture_output=True,
        timeout=TIMEOUT,
    )
    assert status is None or done.returncode == status, done.stderr.decode()
    return done.stdout


CLIENTS: Mapping[str, Callable[[Party, Question], Reply]] = {
    "httpx": _httpx,
    "httpx-async": _httpx_async,
    "httpx2": _httpx2,
    "httpx2-async": _httpx2_async,
    "requests": _requests,
    "curl": _curl,
}


def ask(client: str, party: Party, question: Question) -> Reply:
    """What a client makes of the answer."""
    try:
        return CLIENTS[client](party, question)
    except VerificationError as error:
        return Reply(0, b"", code=error.code)
