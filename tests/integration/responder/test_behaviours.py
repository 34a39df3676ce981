"""Each fault that a responder can be told to have, and nothing but that fault."""

from __future__ import annotations

import http.client
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from cryptography.x509 import ocsp

from nlgov_jades.pki.answer import Standing
from nlgov_jades.pki.crl import MAX_CRL
from nlgov_jades.pki.signatures import UnusableDataError
from nlgov_jades.testing import (
    Behaviour,
    Hierarchy,
    Issued,
    OCSPResponseStatus,
    Responder,
)
from nlgov_jades.testing.register import RegisterFile

from .asking import IMPATIENT, KEY, LONG, PATIENCE, TSP_CRL, Received, ask, by_crl, by_ocsp, post, raw


def test_stale_answers_are_past_their_time(responder: Responder, leaf: Issued) -> None:
    responder.behave(Behaviour.STALE)
    with pytest.raises(UnusableDataError, match="was valid until"):
        by_ocsp(post(responder, leaf), leaf)
    with pytest.raises(UnusableDataError, match="was valid until"):
        by_crl(ask(responder), leaf)


def test_wrong_answers_are_about_another(responder: Responder, leaf: Issued) -> None:
    responder.behave(Behaviour.WRONG)
    with pytest.raises(UnusableDataError, match="about another"):
        by_ocsp(post(responder, leaf), leaf)
    with pytest.raises(UnusableDataError, match="another issuer"):
        by_crl(ask(responder), leaf)


def test_wrong_signatures_do_not_fit(responder: Responder, leaf: Issued) -> None:
    responder.behave(Behaviour.WRONG_SIGNATURE)
    with pytest.raises(UnusableDataError, match="does not fit"):
        by_ocsp(post(responder, leaf), leaf)
    with pytest.raises(UnusableDataError, match="does not fit"):
        by_crl(ask(responder), leaf)


def test_an_unknown_certificate_has_no_answer(responder: Responder, leaf: Issued) -> None:
    responder.behave(Behaviour.UNKNOWN)
    responder.revoke(leaf)
    with pytest.raises(UnusableDataError, match="does not know"):
        by_ocsp(post(responder, leaf), leaf)
    assert ask(responder).status == 404


def test_an_error_status_is_told(responder: Responder, leaf: Issued) -> None:
    responder.behave(Behaviour.ERROR_STATUS)
    assert (post(responder, leaf).status, ask(responder).status) == (500, 500)


def test_try_later_is_told_in_each_protocols_words(responder: Responder, leaf: Issued) -> None:
    responder.behave(Behaviour.TRY_LATER)
    received = post(responder, leaf)
    assert received.status == 200
    assert ocsp.load_der_ocsp_response(received.body).response_status is OCSPResponseStatus.TRY_LATER
    crl = ask(responder)
    assert (crl.status, crl.fields["Retry-After"]) == (503, "60")


def test_garbage_is_no_data(responder: Responder, leaf: Issued) -> None:
    responder.behave(Behaviour.GARBAGE)
    with pytest.raises(UnusableDataError, match="is not an OCSP response"):
        by_ocsp(post(responder, leaf), leaf)
    with pytest.raises(UnusableDataError, match="is not a CRL"):
        by_crl(ask(responder), leaf)


def test_a_redirect_is_no_answer_and_leads_to_one(responder: Responder, leaf: Issued) -> None:
    responder.behave(Behaviour.REDIRECTING)
    received = ask(responder)
    assert (received.status, received.fields["Location"], received.body) == (307, f"/elsewhere{TSP_CRL}", b"")
    assert responder.count("/elsewhere") == 0
    follower = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with follower.open(f"{responder.url}{TSP_CRL}", timeout=PATIENCE) as response:
        assert by_crl(Received(response.status, response.headers, response.read()), leaf) is Standing.GOOD
    assert responder.count("/elsewhere") == 1


def test_a_slow_answer_is_a_valid_one(responder: Responder, leaf: Issued) -> None:
    responder.behave(Behaviour.SLOW)
    assert by_ocsp(post(responder, leaf), leaf).answer.standing is Standing.GOOD


def test_a_slow_answer_is_too_late_for_the_impatient(hierarchy: Hierarchy, leaf: Issued) -> None:
    with Responder(hierarchy, behaviour=Behaviour.SLOW, delay=LONG) as responder:
        with pytest.raises(TimeoutError):
            post(responder, leaf, timeout=IMPATIENT)
        responder.wait_for(1, "/ocsp")


def test_a_huge_answer_is_larger_than_any_limit_and_does_not_say_so(responder: Responder) -> None:
    responder.behave(Behaviour.HUGE)
    received = ask(responder)
    assert "Content-Length" not in received.fields
    assert len(received.body) > MAX_CRL
    # Whoever stops at a limit holds a whole CRL, and must not use it.
    assert received.body.startswith(responder.crls()[2])


def test_a_client_may_hang_up_on_a_huge_answer(responder: Responder, leaf: Issued) -> None:
    responder.behave(Behaviour.HUGE)
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(responder.url).netloc, timeout=PATIENCE)
    connection.request("GET", TSP_CRL)
    assert len(connection.getresponse().read(1000)) == 1000
    connection.close()
    responder.behave(Behaviour.NORMAL)
    assert by_crl(ask(responder), leaf) is Standing.GOOD


def test_a_dripping_answer_comes_whole_in_the_end(responder: Responder, leaf: Issued) -> None:
    responder.behave(Behaviour.DRIPPING)
    assert by_crl(ask(responder), leaf) is Standing.GOOD


def test_a_dripping_answer_drips_from_its_first_octet(hierarchy: Hierarchy) -> None:
    with Responder(hierarchy, behaviour=Behaviour.DRIPPING, drip_interval=LONG) as responder, raw(responder) as client:
        client.sendall(b"GET /crl/tsp.crl HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(4096) == b"H"
        client.settimeout(IMPATIENT)
        with pytest.raises(TimeoutError):
            client.recv(4096)


def test_a_silent_responder_says_nothing(responder: Responder, leaf: Issued) -> None:
    responder.behave(Behaviour.SILENT)
    with pytest.raises(TimeoutError):
        post(responder, leaf, timeout=IMPATIENT)
    responder.wait_for(1, "/ocsp")


def test_a_behaviour_holds_for_one_path(responder: Responder, leaf: Issued) -> None:
    responder.behave(Behaviour.ERROR_STATUS)
    responder.behave(Behaviour.NORMAL, "/ocsp")
    assert by_ocsp(post(responder, leaf), leaf).answer.standing is Standing.GOOD
    assert ask(responder).status == 500
    responder.behave(Behaviour.NORMAL)
    assert by_crl(ask(responder), leaf) is Standing.GOOD


@pytest.mark.parametrize("behaviour", [Behaviour.WRONG, Behaviour.WRONG_SIGNATURE])
def test_an_elliptic_authority_is_wrong_in_the_same_ways(
    responder: Responder, hierarchy: Hierarchy, behaviour: Behaviour
) -> None:
    authority = hierarchy.domain.issue_authority("TEST elliptic", key=KEY, label="elliptic")
    responder.add([authority])
    responder.behave(behaviour)
    with pytest.raises(UnusableDataError, match=r"another issuer|does not fit"):
        by_crl(ask(responder, path="/crl/elliptic.crl"), authority.issue(key=KEY))


def test_a_register_that_cannot_be_read_is_told(hierarchy: Hierarchy, leaf: Issued, tmp_path: Path) -> None:
    (tmp_path / "revoked.json").write_text("nothing")
    with Responder(hierarchy, register=RegisterFile(tmp_path / "revoked.json")) as responder:
        received = ask(responder)
        assert (received.status, b"not of the form" in received.body) == (500, True)
        assert post(responder, leaf).status == 500


def test_a_client_that_speaks_out_of_turn_gets_its_slow_answer(responder: Responder) -> None:
    responder.behave(Behaviour.SLOW)
    with raw(responder) as client:
        client.sendall(b"GET /crl/tsp.crl HTTP/1.1\r\nHost: x\r\n\r\n")
        responder.wait_for(1)
        client.sendall(b"more")
        assert client.recv(8) == b"HTTP/1.1"
