from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from jsonschema import Draft202012Validator
from starlette.applications import Starlette

from nlgov_jades import AsyncVerifier, HttpRequest, Oin, RevocationPolicy, Signer, VerificationPolicy, profiles
from nlgov_jades.ddas import (
    IN_MEMORY,
    AnswerSettings,
    AnswerShape,
    Delegation,
    FscSettings,
    FscToken,
    Kind,
    MissingPage,
    Organisation,
    Part,
    RateLimit,
    Record,
    Selection,
    Snapshot,
    SqliteStorage,
)
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.httpx import AsyncJadesTransport, verified
from nlgov_jades.replay import MemoryReplayGuard
from nlgov_jades.testing import Hierarchy, Issued

from .conftest import HOST, NOW, TRANSACTION, Ask, token_for

Provider = Callable[..., Starlette]

ANY_PART = Part(organisation=Organisation(name="Eerste", details="{}"), count=1)


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    """The problem document of an answer that the provider signed."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert "fsc-error-code" not in answer.headers
    assert str(verified(answer).signer.oin) == "00000003123456780000"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"].startswith("urn:nlgov-jades:ddas:")
    assert problem["title"]
    assert problem["correlation_id"]
    return problem


def told(answer: httpx.Response) -> tuple[int, str, str | None]:
    problem = problem_of(answer)
    return answer.status_code, problem["code"], problem.get("veld")


# --- answers -------------------------------------------------------------------------------------------------------


def test_a_question_is_answered_and_both_are_signed(ask: Ask, provider: Provider, schema: Draft202012Validator) -> None:
    answer = ask(provider(), {"aanleverperiodeStartdatum": "2024-01-01", "aanleverperiodeEinddatum": "2024-12-31"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert str(verified(answer).signer.oin) == "00000003123456780000"
    schema.validate(answer.json()["gegevens"])
    assert sum(len(item["schuldhulptrajecten"]) for item in answer.json()["gegevens"]["leveringen"]) == 40


def test_one_organisation_is_asked_for_by_its_name(ask: Ask, provider: Provider, schema: Draft202012Validator) -> None:
    answer = ask(provider(), {"aanleverende_organisatie": "Gemeente Oud-Hoorndijk 2", "pageSize": 15, "page": 2})
    schema.validate(answer.json()["gegevens"])
    (levering,) = answer.json()["gegevens"]["leveringen"]
    assert levering["aanleverende_organisatie"]["(Statutaire) Naam"] == "Gemeente Oud-Hoorndijk 2"
    assert answer.json()["paginering"] == {"pageSize": 15, "currentPage": 2, "totalPages": 2, "totalRecords": 20}


def test_an_empty_answer_satisfies_the_schema(ask: Ask, provider: Provider, schema: Draft202012Validator) -> None:
    answer = ask(provider(), {"aanleverperiodeEinddatum": "1990-01-01"})
    assert answer.status_code == 200
    schema.validate(answer.json()["gegevens"])


def test_the_earlier_description_is_a_setting(ask: Ask, provider: Provider, schema: Draft202012Validator) -> None:
    settings = AnswerSettings(supplier="x", shape=AnswerShape.BARE, missing_page=MissingPage.EMPTY_PAGE)
    answer = ask(provider(answers=settings), {"page": 3, "pageSize": 30})
    schema.validate(answer.json())


def test_signalen_are_delivered(ask: Ask, provider: Provider) -> None:
    answer = ask(provider(kind=Kind.VS, prefix=""), path="/gegevens")
    assert [len(item["vroegsignalen"]) for item in answer.json()["gegevens"]["leveringen"]] == [20, 20]


# --- bad questions -------------------------------------------------------------------------------------------------

START, END = "aanleverperiodeStartdatum", "aanleverperiodeEinddatum"


@pytest.mark.parametrize(
    ("content", "status", "field"),
    [
        (b'{"aanleverperiodeStartdatum":"2025-02-01","aanleverperiodeEinddatum":"2025-01-01"}', 422, END),
        (b'{"aanleverende_organisatie":"Gemeente Elders"}', 422, "aanleverende_organisatie"),
        (b'{"aanleverperiodeStartdatum":"2025-02-30"}', 400, START),
        (b'{"page":"1"}', 400, "page"),
        (b'{"pageSize":0}', 400, "pageSize"),
        (b'{"sinds":"2025-01-01"}', 400, "sinds"),
        (b'{"page":1,"page":1}', 400, "page"),
        (b'{"aanleverende_organisatie":"S\xfadwest"}', 400, None),
        (b"[]", 400, None),
        (b"page=1", 400, None),
        (b"", 400, None),
    ],
    ids=range(11),
)
def test_a_bad_question_is_answered_with_what_is_wrong(
    ask: Ask, provider: Provider, content: bytes, status: int, field: str | None
) -> None:
    code = "UNPROCESSABLE" if status == 422 else "INVALID_REQUEST"
    assert told(ask(provider(), content=content)) == (status, code, field)


def test_a_page_that_does_not_exist_is_the_first_one(ask: Ask, provider: Provider) -> None:
    paging = ask(provider(), {"page": 99, "pageSize": 10}).json()["paginering"]
    assert paging == {"pageSize": 10, "currentPage": 1, "totalPages": 4, "totalRecords": 40}


def test_a_long_body_is_refused_before_it_is_read(ask: Ask, provider: Provider) -> None:
    assert told(ask(provider(), content=b" " * 20_000)) == (413, "BODY_TOO_LARGE", None)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
def test_another_method_is_told_which_one_is_there(provider: Provider, method: str) -> None:
    status, lines, body = bare(provider(), method)
    assert (status, lines[b"allow"]) == (405, b"POST")
    assert lines[b"content-type"] == b"application/problem+json"
    assert b"fsc-error-code" not in lines
    assert (b"nlgov-adr-payload-sig" in lines) is (method != "HEAD")
    assert method == "HEAD" or json.loads(body)["code"] == "METHOD_NOT_ALLOWED"


def bare(app: Any, method: str) -> tuple[int, dict[bytes, bytes], bytes]:
    """A request without a body, as servers hand it on: httpx announces that one follows."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    target = "/v1/gegevens"
    scope = {"type": "http", "method": method, "path": target, "raw_path": target.encode(), "query_string": b""}
    anyio.run(
        app, {**scope, "root_path": "", "headers": [(b"host", HOST.removeprefix("https://").encode())]}, receive, send
    )
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(message["body"] for message in sent[1:])


@pytest.mark.parametrize("path", ["/", "/gegevens", "/v1/gegevens/", "/v1/Gegevens"])
def test_another_path_is_not_found_and_leads_nowhere(ask: Ask, provider: Provider, path: str) -> None:
    assert told(ask(provider(), path=path)) == (404, "NOT_FOUND", None)


def test_who_asks_too_often_is_told_how_long_to_wait(ask: Ask, provider: Provider) -> None:
    app = provider(rate_limit=RateLimit(rate=0.001, burst=2))
    assert [ask(app).status_code for _ in range(2)] == [200, 200]
    answer = ask(app)
    assert told(answer) == (429, "RATE_LIMIT", None)
    assert answer.headers["retry-after"] == "1000"


def test_a_storage_that_is_broken_is_a_500_that_says_nothing(ask: Ask, provider: Provider) -> None:
    class Broken:
        def look(self, _: Selection) -> Any:
            raise ConfigurationError("the storage failed: OperationalError")

    assert told(ask(provider(storage=Broken()))) == (500, "APPLICATION_FAILED", None)


# --- signatures ----------------------------------------------------------------------------------------------------


def test_an_unsigned_question_is_refused_in_the_form_of_ddas(ask: Ask, provider: Provider) -> None:
    answer = ask(provider(), signer=None)
    assert told(answer) == (400, "SIGNATURE_MISSING", None)
    assert "ondertekening" in answer.json()["detail"]


def test_a_signer_who_may_not_ask_is_refused(ask: Ask, provider: Provider, hierarchy: Hierarchy) -> None:
    stranger = hierarchy.tsp.issue(oin="00000001009876543000")
    assert told(ask(provider(), signer=stranger)) == (403, "SIGNER_NOT_ALLOWED", None)


def test_a_question_that_was_changed_is_refused(provider: Provider, cbs: Issued) -> None:
    body = b'{"page":1}'
    lines = [("Host", HOST.removeprefix("https://")), ("Content-Type", "application/json")]
    request = HttpRequest(method="POST", target="/v1/gegevens", fields=lines, body=body)
    signed = request.with_fields(Signer(cbs.credential, profile=profiles.DDAS, clock=lambda: NOW).sign(request))

    async def run() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=provider()), base_url=HOST) as client:
            return await client.post("/v1/gegevens", content=b'{"page":2}', headers=list(signed.fields))

    answer = anyio.run(run)
    assert (answer.status_code, answer.json()["code"]) == (400, "DIGEST_MISMATCH")


def test_a_replay_guard_needs_a_policy_that_lets_signatures_age(provider: Provider) -> None:
    with pytest.raises(ConfigurationError, match="max_age"):
        provider(replay_guard=MemoryReplayGuard())


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "SHV"},
        {"answers": "x"},
        {"fsc": None},
        {"rate_limit": None},
        {"storage": None},
        {"prefix": "v1"},
        {"prefix": "/v1/"},
        {"signer": None},
        {"verifier": None},
    ],
    ids=lambda options: next(iter(options)),
)
def test_an_argument_of_another_form_is_told_at_once(provider: Provider, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        provider(**options)


# --- FSC -----------------------------------------------------------------------------------------------------------


def test_a_question_that_did_not_come_through_the_inway_is_refused(ask: Ask, provider: Provider) -> None:
    answer = ask(provider(), headers={"Fsc-Authorization": ""})
    assert told(answer) == (400, "FSC_TOKEN_MISSING", "Fsc-Authorization")
    settings = FscSettings(token=FscToken.IF_PRESENT)
    assert ask(provider(fsc=settings), headers={"Fsc-Authorization": ""}).status_code == 200


def test_a_signer_with_the_token_of_another_is_refused(ask: Ask, provider: Provider, municipality: Issued) -> None:
    token = token_for(municipality)
    answer = ask(provider(), headers={"Fsc-Authorization": token})
    assert told(answer) == (403, "FSC_TOKEN_OTHER_HOLDER", None)
    assert token.split(".")[1] not in answer.text
    delegated = token_for(municipality, act={"sub": "00000001001234567000"})
    app = provider(fsc=FscSettings(delegation=Delegation.ALLOW))
    assert ask(app, headers={"Fsc-Authorization": delegated}).status_code == 200
    assert ask(app, headers={"Fsc-Authorization": token}).status_code == 403


def test_the_certificate_of_the_transport_may_not_sign(ask: Ask, provider: Provider, cbs: Issued) -> None:
    thumbprint = base64.urlsafe_b64encode(cbs.certificate.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
    token = token_for(cbs, cnf={"x5t#S256": thumbprint})
    assert told(ask(provider(), headers={"Fsc-Authorization": token})) == (403, "FSC_TRANSPORT_CERTIFICATE", None)


@pytest.mark.parametrize("token", ["x", "Bearer a.b.c", "Bearer " + "A" * 20_000, "A" * 20 + "." * 20])
def test_a_hostile_token_is_refused_and_goes_into_no_log(
    ask: Ask, provider: Provider, log: pytest.LogCaptureFixture, token: str
) -> None:
    answer = ask(provider(), headers={"Fsc-Authorization": token})
    assert told(answer) == (400, "FSC_TOKEN", "Fsc-Authorization")
    assert "AAAA" not in log.text


# --- log lines -----------------------------------------------------------------------------------------------------


def lines_of(log: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in log.records if record.name.startswith("nlgov_jades")]


@pytest.mark.parametrize("content", [b"{}", b"[]", b'{"page":2,"pageSize":7}'], ids=["good", "bad", "paged"])
def test_every_line_about_a_request_has_its_transaction_id(
    ask: Ask, provider: Provider, log: pytest.LogCaptureFixture, content: bytes
) -> None:
    ask(provider(), content=content)
    lines = lines_of(log)
    assert len(lines) == 2
    assert all(TRANSACTION in line for line in lines)


def test_every_line_about_a_refused_request_has_its_transaction_id(
    ask: Ask, provider: Provider, log: pytest.LogCaptureFixture
) -> None:
    answer = ask(provider(), signer=None)
    assert [TRANSACTION in line for line in lines_of(log)] == [True]
    ask(provider(), path="/elsewhere")
    assert all(TRANSACTION in line for line in lines_of(log))
    assert answer.json()["correlation_id"].startswith(TRANSACTION)


def test_two_requests_with_one_transaction_id_have_two_correlation_ids(ask: Ask, provider: Provider) -> None:
    app = provider()
    first, second = (ask(app, content=b"[]").json()["correlation_id"] for _ in range(2))
    assert first != second


@pytest.mark.parametrize("value", ["x" * 36, "123456789", f"{TRANSACTION} oin=00000001001234567000"])
def test_a_transaction_id_that_is_no_uuid_is_refused_and_goes_into_no_log(
    ask: Ask, provider: Provider, log: pytest.LogCaptureFixture, value: str
) -> None:
    answer = ask(provider(), headers={"Fsc-Transaction-Id": value})
    assert told(answer) == (400, "FSC_TRANSACTION_ID", "Fsc-Transaction-Id")
    assert value not in "".join(lines_of(log)) + answer.text


def test_no_citizen_service_number_body_or_token_is_in_any_log_line(
    ask: Ask, provider: Provider, log: pytest.LogCaptureFixture
) -> None:
    app = provider()
    answer = ask(app)
    numbers = re.findall(r'"Burgerservicenummer":"(\d{9})"', answer.text)
    assert len(numbers) >= 40
    for bad in (
        *numbers[:3],
        f'{{"{numbers[3]}":1}}',
        f'{{"page":"{numbers[4]}"}}',
        f'{{"aanleverende_organisatie":"{numbers[5]}"}}',
    ):
        refused = ask(app, content=bad.encode(), path=f"/v1/gegevens?bsn={numbers[6]}")
        assert refused.status_code in {400, 422}
        assert not set(re.findall(r"\d{9}", refused.json()["detail"])) & set(numbers)
    logged = " ".join(
        f"{record.getMessage()} {record.__dict__}" for record in log.records if "httpx" not in record.name
    )
    assert not set(numbers) & set(re.findall(r"\d{9}", logged))
    assert "Gemeente" not in logged
    assert "eyJ" not in "".join(lines_of(log))


def test_a_snapshot_is_closed_after_each_answer(ask: Ask, provider: Provider, storage: SqliteStorage) -> None:
    opened: list[Snapshot] = []

    class Watching:
        def look(self, selection: Selection) -> Snapshot:
            opened.append(storage.look(selection))
            return opened[-1]

    app = provider(storage=Watching())
    assert ask(app).status_code == 200
    assert ask(app, {"aanleverende_organisatie": "Elders"}).status_code == 422
    assert len(opened) == 2
    with pytest.raises(ConfigurationError, match="ProgrammingError"):
        list(opened[0].records(opened[0].parts[0], offset=0, limit=1))


def test_many_questions_at_once_are_answered(hierarchy: Hierarchy, provider: Provider, cbs: Issued) -> None:
    # More than there are worker threads: none may wait for another that waits for it.
    storage = SqliteStorage(IN_MEMORY)
    storage.add(Kind.SHV, ANY_PART.organisation, (Record(json="{}") for _ in range(2000)))
    app = provider(storage=storage)
    policy = VerificationPolicy(
        profiles=(profiles.DDAS,), signers={Oin("00000003123456780000")}, revocation=RevocationPolicy.OFF
    )
    transport = AsyncJadesTransport(
        httpx.ASGITransport(app=app),
        signer=Signer(cbs.credential, profile=profiles.DDAS, clock=lambda: NOW),
        verifier=AsyncVerifier(trust=hierarchy.trust, policy=policy, clock=lambda: NOW),
        hosts={HOST.removeprefix("https://")},
    )
    lengths: list[int] = []

    async def one(client: httpx.AsyncClient) -> None:
        answer = await client.post("/v1/gegevens", json={}, headers={"Fsc-Authorization": token_for(cbs)})
        lengths.append(len(answer.json()["gegevens"]["leveringen"][0]["schuldhulptrajecten"]))

    async def run() -> None:
        with anyio.fail_after(60):
            async with (
                httpx.AsyncClient(transport=transport, base_url=HOST) as client,
                anyio.create_task_group() as tasks,
            ):
                for _ in range(60):
                    tasks.start_soon(one, client)

    anyio.run(run, backend="trio")
    storage.close()
    assert lengths == [2000] * 60
