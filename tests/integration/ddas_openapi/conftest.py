"""The real provider on a real server, CBS asking it with `requests`, and the published descriptions."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests
import uvicorn

from nlgov_jades import AsyncVerifier, RevocationPolicy, Signer, VerificationPolicy, Verifier, profiles
from nlgov_jades.ddas import (
    AnswerSettings,
    AnswerShape,
    Kind,
    MissingPage,
    Organisation,
    RateLimit,
    Record,
    SqliteStorage,
    provider_app,
)
from nlgov_jades.ddas.testdata import organisations, signalen, trajecten
from nlgov_jades.errors import MessageNotSignableError
from nlgov_jades.pki.identity import oin_of
from nlgov_jades.requests import JadesAdapter, verified
from nlgov_jades.testing import Hierarchy, Issued

from .described import published

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
PATIENCE = 30.0
"""Seconds after which a server hangs."""

RECORDS = 12
"""Of each organisation: enough for pages, and few enough for a hundred answers."""

EXAMPLE = "Gemeente Voorbeeldstad"
"""The organisation of which the description has an example."""

ANSWERS = {
    AnswerShape.ENVELOPE: AnswerSettings(supplier="GL123456"),
    AnswerShape.BARE: AnswerSettings(supplier="GL123456", shape=AnswerShape.BARE, missing_page=MissingPage.EMPTY_PAGE),
}

Serve = Callable[..., AbstractContextManager[str]]
Sessions = Callable[..., requests.Session]


class Session(requests.Session):
    """Hands out nothing that was not verified; a request that cannot be signed fails as one that cannot be sent."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        try:
            response = super().send(request, **options)
        except MessageNotSignableError as error:
            raise requests.exceptions.InvalidHeader(str(error)) from error
        assert str(verified(response).signer.oin) == "00000003123456780000"
        return response


@pytest.fixture(scope="session")
def cbs(hierarchy: Hierarchy) -> Issued:
    return hierarchy.tsp.issue(common_name="ddas.cbs.example", oin="00000001001234567000")


@pytest.fixture(scope="session")
def municipality(hierarchy: Hierarchy) -> Issued:
    return hierarchy.tsp.issue(common_name="gegevens.gemeente.example", oin="00000003123456780000")


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> SqliteStorage:
    """Three organisations with data of both kinds: one is the example of the description, one has nothing."""
    stored = SqliteStorage(tmp_path_factory.mktemp("ddas") / "records.sqlite")
    random = Random(7)  # noqa: S311 - test data
    for kind, make in ((Kind.SHV, trajecten), (Kind.VS, signalen)):
        first, second, third = organisations(kind, 3, random)
        details = {**json.loads(first.details), kind.name_member: EXAMPLE}
        first = Organisation.of(kind, details, gemeentecode=first.gemeentecode)
        for organisation, count in ((first, RECORDS), (second, RECORDS), (third, 0)):
            stored.add(kind, organisation, (Record.of(kind, record) for record in make(count, random)))
    return stored


def _policy(signer: Issued) -> VerificationPolicy:
    oin = oin_of(signer.certificate)
    assert oin is not None
    return VerificationPolicy(profiles=(profiles.DDAS,), signers={oin}, revocation=RevocationPolicy.OFF)


@pytest.fixture
def serve(hierarchy: Hierarchy, cbs: Issued, municipality: Issued, storage: SqliteStorage) -> Serve:
    """Runs a provider on loopback that CBS may ask, and gives its address; options as for `provider_app`."""

    @contextlib.contextmanager
    def serving(kind: Kind, **options: Any) -> Iterator[str]:
        defaults: dict[str, Any] = {
            "storage": storage,
            "signer": Signer(municipality.credential, profile=profiles.DDAS, clock=lambda: NOW),
            "verifier": AsyncVerifier(trust=hierarchy.trust, policy=_policy(cbs), clock=lambda: NOW),
            "answers": ANSWERS[AnswerShape.ENVELOPE],
            "prefix": "/v1",
            "rate_limit": RateLimit(rate=1000, burst=10_000),
            "clock": lambda: NOW,
        }
        app = provider_app(kind=kind, **{**defaults, **options})
        with _running(app) as address:
            yield address

    return serving


@contextlib.contextmanager
def _running(app: Any) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    # asyncio does so only for sockets that it made: without it each answer waits for a delayed ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Connections that come before the server takes them wait in the queue of the listener.
    server = uvicorn.Server(uvicorn.Config(app, http="h11", ws="none", lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.fixture
def session(hierarchy: Hierarchy, cbs: Issued, municipality: Issued) -> Iterator[Sessions]:
    """Opens a session that signs as CBS; `signer` signs instead, `None` leaves requests unsigned."""
    with contextlib.ExitStack() as stack:

        def opened(address: str, signer: Issued | None = cbs) -> requests.Session:
            made = stack.enter_context(Session())
            made.trust_env = False
            adapter = JadesAdapter(
                signer=None if signer is None else Signer(signer.credential, profile=profiles.DDAS, clock=lambda: NOW),
                verifier=Verifier(trust=hierarchy.trust, policy=_policy(municipality), clock=lambda: NOW),
                hosts={address},
            )
            made.mount("http://", adapter)
            return made

        yield opened


def _b64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.fixture(scope="session")
def token() -> Callable[[str], dict[str, str]]:
    """The field with the access token that the inway passes on with what a peer asks."""

    def made(oin: str = "00000001001234567000") -> dict[str, str]:
        claims = {
            "gth": "$1$4$hash",
            "gid": "fsc.example",
            "sub": oin,
            "iss": "00000003123456780000",
            "svc": "ddas",
            "aud": "https://inway.example",
            "nbf": int(NOW.timestamp()),
            "exp": int(NOW.timestamp()) + 300,
            "cnf": {"x5t#S256": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"},
        }
        return {"Fsc-Authorization": f"Bearer {_b64({'alg': 'ES256'})}.{_b64(claims)}.AAAA"}

    return made


@pytest.fixture
def description(data: Path, tmp_path: Path) -> Callable[[Kind, AnswerShape], dict[str, Any]]:
    """The published description of one kind, with its schema where a test can read it, in one of its two forms."""
    return lambda kind, shape: published(data, kind, shape, tmp_path)
