"""A provider, CBS as its consumer, and a way to ask without a network."""

from __future__ import annotations

import base64
import datetime as dt
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import anyio
import httpx
import pytest
from jsonschema import Draft202012Validator
from starlette.applications import Starlette

from nlgov_jades import AsyncVerifier, RevocationPolicy, Signer, VerificationPolicy, profiles
from nlgov_jades.ddas import AnswerSettings, Kind, Record, SqliteStorage, provider_app
from nlgov_jades.ddas.testdata import organisations, signalen, trajecten
from nlgov_jades.httpx import AsyncJadesTransport
from nlgov_jades.pki.identity import oin_of
from nlgov_jades.testing import Hierarchy, Issued

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
HOST = "https://gegevens.gemeente.example"
TRANSACTION = "0197a3c1-9d2e-7f00-8a9b-0c1d2e3f4a5b"
TRANSPORT = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"

Ask = Callable[..., httpx.Response]


def b64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.fixture(scope="session")
def cbs(hierarchy: Hierarchy) -> Issued:
    return hierarchy.tsp.issue(common_name="ddas.cbs.example", oin="00000001001234567000")


@pytest.fixture(scope="session")
def municipality(hierarchy: Hierarchy) -> Issued:
    return hierarchy.tsp.issue(common_name="gegevens.gemeente.example", oin="00000003123456780000")


@pytest.fixture(scope="session")
def schema(data: Path) -> Draft202012Validator:
    text = (data / "ddas" / "json_schema_Uitwisselmodel.json").read_text("utf-8")
    return Draft202012Validator(json.loads(text), format_checker=Draft202012Validator.FORMAT_CHECKER)


@pytest.fixture
def storage(tmp_path: Path) -> SqliteStorage:
    """Two organisations with SHV and VS data."""
    stored = SqliteStorage(tmp_path / "records.sqlite")
    random = Random(7)  # noqa: S311 - test data
    for kind, make in ((Kind.SHV, trajecten), (Kind.VS, signalen)):
        for organisation in organisations(kind, 2, random):
            stored.add(kind, organisation, (Record.of(kind, data) for data in make(20, random)))
    return stored


@pytest.fixture
def provider(
    hierarchy: Hierarchy, cbs: Issued, municipality: Issued, storage: SqliteStorage
) -> Callable[..., Starlette]:
    """A provider that CBS may ask; options as for `provider_app`."""

    def made(**options: Any) -> Starlette:
        policy = VerificationPolicy(
            profiles=(profiles.DDAS,), signers={_oin(cbs), _oin(municipality)}, revocation=RevocationPolicy.OFF
        )
        defaults: dict[str, Any] = {
            "storage": storage,
            "kind": Kind.SHV,
            "signer": Signer(municipality.credential, profile=profiles.DDAS, clock=lambda: NOW),
            "verifier": AsyncVerifier(trust=hierarchy.trust, policy=policy, clock=lambda: NOW),
            "answers": AnswerSettings(supplier="GL123456"),
            "prefix": "/v1",
            "clock": lambda: NOW,
        }
        return provider_app(**{**defaults, **options})

    return made


def _oin(issued: Issued) -> Any:
    return oin_of(issued.certificate)


def token_for(peer: Issued, **changes: Any) -> str:
    """The access token that the inway passes on with what a peer asks."""
    claims = {
        "gth": "$1$4$hash",
        "gid": "fsc.example",
        "sub": str(_oin(peer)),
        "iss": "00000003123456780000",
        "svc": "ddas-shv",
        "aud": "https://inway.example",
        "nbf": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 300,
        "cnf": {"x5t#S256": TRANSPORT},
    }
    return f"Bearer {b64({'alg': 'ES256'})}.{b64({**claims, **changes})}.AAAA"


@pytest.fixture
def ask(hierarchy: Hierarchy, cbs: Issued, municipality: Issued) -> Ask:
    """Ask a provider as CBS does: signed, the answer verified. `signer` signs instead, `None` leaves the request unsigned."""

    def asked(
        app: Any,
        body: object = None,
        *,
        method: str = "POST",
        path: str = "/v1/gegevens",
        headers: dict[str, str] | None = None,
        signer: Issued | None = cbs,
        content: bytes | None = None,
    ) -> httpx.Response:
        policy = VerificationPolicy(
            profiles=(profiles.DDAS,), signers={_oin(municipality)}, revocation=RevocationPolicy.OFF
        )
        transport = AsyncJadesTransport(
            httpx.ASGITransport(app=app, raise_app_exceptions=False),
            signer=None if signer is None else Signer(signer.credential, profile=profiles.DDAS, clock=lambda: NOW),
            verifier=AsyncVerifier(trust=hierarchy.trust, policy=policy, clock=lambda: NOW),
            hosts={HOST.removeprefix("https://")},
        )
        octets = json.dumps({} if body is None else body).encode() if content is None else content
        lines = {"Content-Type": "application/json", "Fsc-Transaction-Id": TRANSACTION}
        if signer is not None:
            lines["Fsc-Authorization"] = token_for(signer)
        lines |= headers or {}
        lines = {name: value for name, value in lines.items() if value}

        async def run() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url=HOST) as client:
                request = client.request(method, path, content=octets if method == "POST" else None, headers=lines)
                return await _within(request)

        return anyio.run(run)

    return asked


async def _within(request: Awaitable[httpx.Response]) -> httpx.Response:
    with anyio.fail_after(30):
        return await request


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog
