"""The outway: what it adds to a request, and what it takes away."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from nlgov_jades.ddas import FscError
from nlgov_jades.ddas.fsc import read_token
from nlgov_jades.ddas.gateways import CutAnswerError, GatewayLimits, Grant, TlsFiles
from nlgov_jades.ddas.gateways.tokens import thumbprint
from nlgov_jades.errors import ConfigurationError

from .world import CBS, GRANT, INWAY, NOW, Reply, Upstream, World, call, of_group, scope_of, with_lines

TRANSACTION = "0197a3c1-9d2e-7f00-8a9b-0c1d2e3f4a5b"


def ask(
    world: World,
    upstream: Upstream,
    *lines: tuple[str, str],
    grant: str | None = GRANT.hash,
    scope: dict[str, Any] | None = None,
    **options: Any,
) -> Reply:
    given = list(lines) if grant is None else [*lines, ("fsc-grant-hash", grant)]
    asked = scope_of(headers=with_lines(*given), **(scope or {}))
    return call(world.outway_app(transport=upstream, **options), asked)


# --- passed on -----------------------------------------------------------------------------------------------------


def test_a_request_goes_to_the_inway_of_its_grant_with_a_new_token(world: World) -> None:
    upstream = Upstream()
    reply = ask(world, upstream)
    assert (reply.status, reply.body) == (200, b"{}")
    assert str(upstream.requests[0].url) == INWAY
    token = read_token(upstream.value("Fsc-Authorization"))
    assert (token.subject, token.service, token.audience, token.grant) == (CBS, "ddas-shv", (INWAY,), GRANT.hash)
    assert token.certificate == thumbprint(world.outway.certificate)
    assert token.not_before == NOW


def test_the_grant_decides_where_a_request_goes(world: World) -> None:
    upstream = Upstream()
    other = Grant(hash="$1$4$other", service="ddas-vs", inway="https://inway.elsewhere.example:443")
    ask(world, upstream, grant=other.hash, grants=[GRANT, other])
    assert upstream.requests[0].url.host == "inway.elsewhere.example"
    assert read_token(upstream.value("Fsc-Authorization")).service == "ddas-vs"


def test_a_transaction_id_is_kept(world: World) -> None:
    upstream = Upstream()
    ask(world, upstream, ("fsc-transaction-id", TRANSACTION.upper()))
    assert upstream.values("Fsc-Transaction-Id") == [TRANSACTION.upper()]


def test_a_transaction_id_that_is_named_in_connection_is_kept_too(world: World) -> None:
    upstream = Upstream()
    ask(world, upstream, ("fsc-transaction-id", TRANSACTION), ("connection", "fsc-transaction-id"))
    assert upstream.values("Fsc-Transaction-Id") == [TRANSACTION]


@pytest.mark.parametrize("given", [[], ["no id"], [TRANSACTION, TRANSACTION], [""]], ids=str)
def test_a_request_without_one_transaction_id_gets_one(world: World, given: list[str]) -> None:
    upstream = Upstream()
    ask(world, upstream, *(("fsc-transaction-id", value) for value in given))
    made = uuid.UUID(upstream.value("Fsc-Transaction-Id"))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == int(NOW.timestamp() * 1000)
    assert str(made) != TRANSACTION


def test_two_requests_get_two_transaction_ids(world: World) -> None:
    first, second = Upstream(), Upstream()
    ask(world, first)
    ask(world, second)
    assert first.value("Fsc-Transaction-Id") != second.value("Fsc-Transaction-Id")


def test_what_a_consumer_writes_in_the_outways_fields_goes_no_further(world: World) -> None:
    upstream = Upstream()
    ask(world, upstream, ("fsc-authorization", "Bearer mine"), ("fsc-authorization", "Bearer mine too"))
    (value,) = upstream.values("Fsc-Authorization")
    assert "mine" not in value
    assert upstream.values("Fsc-Grant-Hash") == []


def test_nothing_else_is_added_or_changed(world: World) -> None:
    upstream = Upstream()
    lines = [("digest", "SHA-256=abc"), ("nlgov-adr-payload-sig", "e30..a"), ("nlgov-adr-payload-sig", "e30..b")]
    ask(world, upstream, *lines, scope={"raw_path": b"/v1/a%2Fb", "query_string": b"x=%7e"})
    assert upstream.target == b"/v1/a%2Fb?x=%7e"
    assert [(name.decode(), value.decode()) for name, value in upstream.raw[:-2]] == [
        ("host", "a.example"),
        ("content-length", "2"),
        *lines,
    ]
    assert [name for name, _ in upstream.raw[-2:]] == [b"Fsc-Authorization", b"Fsc-Transaction-Id"]


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "get"]
)
def test_every_other_method_is_passed_on(world: World, method: str) -> None:
    upstream = Upstream()
    assert ask(world, upstream, scope={"method": method}).status == 200
    assert upstream.requests[0].method == method


def test_an_error_of_the_inway_is_passed_back_as_it_came(world: World) -> None:
    answer = FscError.of("ERROR_CODE_SERVICE_NOT_FOUND", "No such service.").answer()
    lines = [*answer.fields, ("Content-Length", str(len(answer.body)))]
    reply = ask(world, Upstream(status=404, lines=lines, pieces=[answer.body]))
    assert (reply.status, reply.body) == (404, answer.body)
    assert reply.values("fsc-error-code") == ["ERROR_CODE_SERVICE_NOT_FOUND"]


# --- refused -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [b"gegevens.gemeente.example:443", b"/v1/gegevens"])
def test_connect_is_the_method_that_fsc_does_not_support(world: World, target: bytes) -> None:
    upstream = Upstream()
    reply = ask(world, upstream, scope={"method": "CONNECT", "raw_path": target})
    (code,) = reply.values("fsc-error-code")
    assert (reply.status, code, upstream.requests) == (405, "ERROR_CODE_METHOD_UNSUPPORTED", [])
    assert json.loads(reply.body)["domain"] == "ERROR_DOMAIN_OUTWAY"
    assert FscError.read(header=code, status=405, body=reply.body).code == code


@pytest.mark.parametrize("grant", [None, "", "$1$4$other", f"{GRANT.hash}, {GRANT.hash}"])
def test_a_request_without_a_grant_that_is_known_is_refused(world: World, grant: str | None) -> None:
    upstream = Upstream()
    reply = ask(world, upstream, grant=grant)
    assert (reply.status, reply.values("fsc-error-code"), upstream.requests) == (400, [], [])


def test_a_request_with_two_grants_is_refused(world: World) -> None:
    upstream = Upstream()
    reply = ask(world, upstream, ("fsc-grant-hash", GRANT.hash))
    assert (reply.status, upstream.requests) == (400, [])


def test_an_inway_that_cannot_be_reached_has_no_code_of_fsc(world: World) -> None:
    reply = ask(world, Upstream(error=httpx.ConnectError("no")))
    assert (reply.status, reply.values("fsc-error-code")) == (502, [])


def test_an_answer_that_breaks_off_is_broken_off(world: World) -> None:
    upstream = Upstream(pieces=[b"{", httpx.ReadError("no")])
    scope = scope_of(headers=with_lines(("fsc-grant-hash", GRANT.hash)))
    reply = call(world.outway_app(transport=upstream), scope, failing=CutAnswerError)
    assert not reply.is_whole


def test_a_refusal_says_nothing_of_the_request(world: World) -> None:
    reply = ask(world, Upstream(), grant="$1$4$secret", scope={"query_string": b"bsn=961425548"})
    assert b"secret" not in reply.body
    assert b"961425548" not in reply.body


# --- settings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"grants": []},
        {"grants": ["a grant"]},
        {"grants": [GRANT, GRANT]},
        {"tls": None},
        {"tokens": "a token"},
        {"clock": None},
        {"limits": None},
    ],
    ids=str,
)
def test_an_outway_of_another_form_is_a_mistake(world: World, change: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        world.outway_app(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"connect": 0},
        {"silence": -1},
        {"whole": float("inf")},
        {"whole": float("nan")},
        {"connections": 0},
        {"connections": True},
    ],
    ids=str,
)
def test_limits_of_another_form_are_a_mistake(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        GatewayLimits(**change)


def test_files_that_hold_something_else_are_a_mistake(world: World, tmp_path: Path) -> None:
    (tmp_path / "text.pem").write_bytes(b"no certificate")
    good = world.files("outway")
    for path in (tmp_path / "text.pem", tmp_path / "missing.pem", good.key):
        with pytest.raises(ConfigurationError, match="chain of TlsFiles"):
            TlsFiles(chain=path, key=good.key, trust=good.trust)
    other = TlsFiles(chain=good.chain, key=world.files("inway").key, trust=good.trust)
    missing = TlsFiles(chain=good.chain, key=good.key, trust=tmp_path / "missing.pem")
    for files in (other, missing):
        with pytest.raises(ConfigurationError, match="files of TlsFiles"):
            files.client_context()
    assert not re.search(r"-key\.pem", repr(good))


def test_a_gateway_without_an_oin_is_a_mistake(world: World, tmp_path: Path) -> None:
    nobody = of_group(world.hierarchy, "nobody.example", None)
    (tmp_path / "chain.pem").write_bytes(nobody.chain_pem)
    good = world.files("outway")
    with pytest.raises(ConfigurationError, match="OIN"):
        TlsFiles(chain=tmp_path / "chain.pem", key=good.key, trust=good.trust)
