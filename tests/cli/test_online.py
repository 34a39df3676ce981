"""`verify --online`: revocation data over a real connection to a responder on this machine, and only when asked."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from nlgov_jades.testing import Behaviour, Hierarchy, Issued, Responder

from .command import Argument, Run
from .conftest import REQUEST, signed


@pytest.fixture(scope="module")
def responder() -> Iterator[Responder]:
    with Responder() as serving:
        yield serving


@pytest.fixture(scope="module")
def online(responder: Responder) -> Hierarchy:
    hierarchy = Hierarchy.new(revocation_url=responder.url)
    responder.add(hierarchy)
    return hierarchy


@pytest.fixture
def message(online: Hierarchy, responder: Responder, tmp_path: Path) -> Iterator[tuple[Issued, tuple[Argument, ...]]]:
    signer = online.tsp.issue()
    (tmp_path / "signed.http").write_bytes(signed(REQUEST, signer))
    (tmp_path / "root.pem").write_bytes(online.root_pem)
    yield signer, ("verify", tmp_path / "signed.http", "--trust", tmp_path / "root.pem")
    responder.reset()


Message = tuple[Issued, tuple[Argument, ...]]


def host(responder: Responder) -> str:
    return responder.url.removeprefix("http://")


def test_the_answers_come_from_where_the_certificates_say(run: Run, message: Message, responder: Responder) -> None:
    done = run(*message[1], "--online-host", host(responder), "--json")
    assert (done.status, done.json["valid"]) == (0, True)
    assert [entry["source"] for entry in done.json["revocation"]] == ["ocsp", "crl", "crl"]
    assert all(entry["status"] == "good" and entry["this_update"] for entry in done.json["revocation"])


def test_a_revocation_is_seen_by_the_next_command(run: Run, message: Message, responder: Responder) -> None:
    signer, words = message
    responder.revoke(signer.certificate)
    done = run(*words, "--online-host", host(responder), "--json")
    assert (done.status, done.error) == (1, "CERTIFICATE_REVOKED")


def test_online_does_not_reach_into_the_private_network(run: Run, message: Message, responder: Responder) -> None:
    before = len(responder.requests)
    done = run(*message[1], "--online", "--json")
    assert (done.status, done.error) == (1, "REVOCATION_UNKNOWN")
    assert len(responder.requests) == before


def test_another_host_than_the_named_one_is_not_asked(run: Run, message: Message, responder: Responder) -> None:
    before = len(responder.requests)
    done = run(*message[1], "--online-host", "ocsp.example", "--json")
    assert (done.status, done.error) == (1, "REVOCATION_UNKNOWN")
    assert len(responder.requests) == before


def test_nothing_is_opened_without_being_asked(run: Run, message: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert run(*message[1], "--json").error == "REVOCATION_UNKNOWN"


@pytest.mark.parametrize("behaviour", [Behaviour.GARBAGE, Behaviour.WRONG, Behaviour.STALE, Behaviour.ERROR_STATUS])
def test_an_answer_that_is_none_is_unknown(
    run: Run, message: Message, responder: Responder, behaviour: Behaviour
) -> None:
    responder.behave(behaviour)
    done = run(*message[1], "--online-host", host(responder), "--json")
    assert (done.status, done.error) == (1, "REVOCATION_UNKNOWN")
    soft = run(*message[1], "--online-host", host(responder), "--revocation", "soft", "--json")
    assert soft.status == 0
    assert soft.json["revocation"][0]["status"] == "unchecked"


def test_a_forged_answer_is_not_passed_over_by_soft_fail(run: Run, message: Message, responder: Responder) -> None:
    responder.behave(Behaviour.WRONG_SIGNATURE)
    done = run(*message[1], "--online-host", host(responder), "--revocation", "soft", "--json")
    assert (done.status, done.error) == (1, "REVOCATION_UNKNOWN")


@pytest.mark.parametrize("name", ["", "http://a.example", "a.example:", "a.example:port", "a b"])
def test_a_host_of_another_form_is_status_two(run: Run, message: Message, name: str) -> None:
    done = run(*message[1], "--online-host", name, "--json")
    assert done.status == 2
    assert done.error in {"USAGE", "CONFIGURATION"}


def test_nothing_is_fetched_for_a_chain_that_did_not_reach_an_anchor(
    run: Run, message: Message, responder: Responder, files: Path
) -> None:
    # Its URLs may be the attacker's: the responder listens and must hear nothing.
    before = len(responder.requests)
    words = [files / "foreign-root.pem" if str(word).endswith("root.pem") else word for word in message[1]]
    done = run(*words, "--online-host", host(responder), "--json")
    assert (done.status, done.error) == (1, "CERTIFICATE_PATH")
    assert len(responder.requests) == before
