"""A judge, and answers that a provider could give."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades import HttpResponse, Signer, Verifier, profiles
from nlgov_jades.ddas import Kind
from nlgov_jades.ddas.probe.catalogue import BY_ID
from nlgov_jades.ddas.probe.judging import Judge, Judgement
from nlgov_jades.ddas.probe.wire import RawAnswer
from nlgov_jades.testing import Issued

Answer = Callable[..., RawAnswer]


def page(**changes: Any) -> dict[str, Any]:
    """A page that answers the good question; changes go to the Uitwisselmodel, `None` leaves a member out."""
    model: dict[str, Any] = {
        "startdatumLevering": "2025-01-01",
        "einddatumLevering": "2025-03-31",
        "aanleverdatumEnTijd": "2026-01-01T00:00:00Z",
        "codeGegevensleverancier": "GL1",
        "leveringen": [
            {"teller": 1, "aanleverende_organisatie": {"(Statutaire) Naam": "X"}, "schuldhulptrajecten": [{"a": 1}] * 5}
        ],
    }
    paging = {"pageSize": 5, "currentPage": 1, "totalPages": 2, "totalRecords": 7}
    return {"gegevens": model | changes, "paginering": paging}


def problem(**changes: Any) -> dict[str, Any]:
    """A problem document of a message whose body was changed; `None` leaves a member out."""
    members = {"type": "about:blank", "title": "Ongeldig request", "status": 400, "code": "DIGEST_MISMATCH"} | changes
    return {name: value for name, value in members.items() if value is not None}


@pytest.fixture
def answer(issued: Issued, clock: Any) -> Answer:
    """A signed answer; a dict as body is JSON, `sign=False` leaves it unsigned, `more` are lines beside."""

    def made(
        status: int,
        body: dict[str, Any] | bytes,
        *,
        media_type: str | None = None,
        sign: bool = True,
        more: tuple[tuple[str, str], ...] = (),
        tls: bool = False,
    ) -> RawAnswer:
        octets = body if isinstance(body, bytes) else json.dumps(body).encode()
        usual = "application/json" if status == 200 else "application/problem+json"
        lines = [("Content-Type", media_type or usual), ("Content-Length", str(len(octets))), *more]
        response = HttpResponse(status=status, fields=lines, body=octets)
        if sign:
            lines += Signer(issued.credential, profile=profiles.DDAS, clock=clock).sign(response)
        der = issued.certificate.public_bytes(Encoding.DER)
        return RawAnswer(
            status=status,
            fields=tuple((name.encode(), value.encode()) for name, value in lines),
            body=octets,
            server_certificate=hashlib.sha256(der).hexdigest() if tls else None,
            can_go_on=False,
        )

    return made


@pytest.fixture
def judge(verifier: Verifier) -> Callable[[str, RawAnswer], Judgement]:
    """What the judge makes of an answer to a case."""
    judging = Judge(verifier=verifier, kind=Kind.SHV)
    return lambda case, given: judging.judge(BY_ID[case], given)
