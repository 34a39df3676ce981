"""Providers that look right and are not, under a real server: none of them passes, and the case that finds it out is named."""

from __future__ import annotations

import dataclasses
import socket
from typing import Any

import pytest

from nlgov_jades import ANY_TRUSTED, AsyncVerifier
from nlgov_jades.ddas import Kind, SqliteStorage
from nlgov_jades.ddas.answers import page_of
from nlgov_jades.ddas.limits import Limiter
from nlgov_jades.ddas.probe import CASES, Endpoint, Refused
from nlgov_jades.ddas.probe.wire import Connection
from nlgov_jades.ddas.problems import denied
from nlgov_jades.ddas.question import read_question
from nlgov_jades.fetch.httpx import HttpxFetcher

from .world import World, failures, raw_server, read_request, serving


def found(world: World, storage: SqliteStorage, **options: Any) -> dict[str, list[str]]:
    with serving(world.provider(storage, Kind.SHV, **options)) as url:
        return failures(world.probe(f"{url}/v1/gegevens"))


def test_who_refuses_the_oins_of_tests_and_lets_in_all_others(
    world: World, storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Limiter.take

    def choosy(self: Any, signer: Any) -> None:
        if str(signer.oin).startswith("00000099"):
            raise denied("Een nummer voor tests.", code="SIGNER_NOT_ALLOWED")
        take(self, signer)

    monkeypatch.setattr(Limiter, "take", choosy)
    policy = world.verifier_of_provider().policy.replace(signers=ANY_TRUSTED)
    anybody = AsyncVerifier(trust=world.hierarchy.trust, policy=policy, fetcher=HttpxFetcher(limits=world.limits()))
    assert found(world, storage, verifier=anybody) == {"oin-other": ["ACCEPTED"]}


def test_who_always_gives_the_first_page(world: World, storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    def first(body: bytes) -> Any:
        question = read_question(body)
        return dataclasses.replace(question, page=1 if question.page else None)

    monkeypatch.setattr("nlgov_jades.ddas.provider.read_question", first)
    assert found(world, storage) == {"good-page-second": ["PAGE"]}


def test_who_says_that_the_first_page_is_the_one_that_was_asked_for(
    world: World, storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lying(question: Any, *more: Any, **options: Any) -> Any:
        page = page_of(dataclasses.replace(question, page=1 if question.page else None), *more, **options)
        return dataclasses.replace(page, number=question.page or 1)

    monkeypatch.setattr("nlgov_jades.ddas.provider.page_of", lying)
    assert found(world, storage) == {"good-page-second": ["PAGE"], "good-page-beyond": ["PAGE"]}


def test_whose_paginering_no_consumer_would_accept(
    world: World, storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*given: Any, **options: Any) -> Any:
        page = page_of(*given, **options)
        return dataclasses.replace(page, total=page.total + 1000)

    monkeypatch.setattr("nlgov_jades.ddas.provider.page_of", wrong)
    assert found(world, storage)["good-page"] == ["PAGE"]


def end_with_the_connection(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n{}")
    connection.shutdown(socket.SHUT_WR)


def test_a_connection_whose_end_was_the_end_of_an_answer_is_not_used_again() -> None:
    with raw_server(end_with_the_connection) as url, Connection(Endpoint(url), seconds=5, context=None) as connection:
        answer = connection.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    assert (answer.body, answer.can_go_on) == (b"{}", False)


def accept_and_hang_up(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")


def test_who_begins_a_page_and_hangs_up_refused_nothing(world: World) -> None:
    with raw_server(accept_and_hang_up) as url:
        report = world.probe(f"{url}/v1/gegevens")
    wrong = failures(report)
    assert set(wrong) == {case.id for case in CASES}
    assert {case.id for case in CASES if isinstance(case.expects, Refused) and case.id != "replay"} == {
        case for case, faults in wrong.items() if faults == ["ACCEPTED"] and case != "replay"
    }
