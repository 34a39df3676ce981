"""What every client does alike: signed both ways, and nothing unverified reaches the application."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades import errors, profiles
from nlgov_jades.edges import (
    AnswerRules,
    BodySettings,
    Need,
    OtherHosts,
    Route,
    UnsignedErrors,
    Unverifiable,
    WhyUnverified,
)
from nlgov_jades.edges.fsc import GATEWAY_ERRORS
from nlgov_jades.replay import MemoryReplayGuard
from nlgov_jades.testing import Issued

from .conftest import NOW, Parties
from .consumers import Consumer
from .provider import Provider, Received, Reply, head, plain, reply

Serve = Callable[..., Provider]
Consume = Callable[..., Consumer]

BODY = b'{"a":1}'
JSON = {"Content-Type": "application/json"}


def refusal(error: type[errors.VerificationError], consumer: Consumer, url: str, **options: Any) -> str:
    """That an exchange is refused with exactly this class, which is none of the library's, and leaks no connection."""
    with pytest.raises(error) as caught:
        consumer.ask("POST", url, **{"content": BODY, "headers": JSON, **options})
    assert type(caught.value) is error
    assert not isinstance(caught.value, consumer.errors["own"])
    assert consumer.busy == 0
    return caught.value.detail


# --- signed both ways ----------------------------------------------------------------------------------------------


def test_what_leaves_is_signed_and_what_arrives_is_verified(parties: Parties, serve: Serve, consume: Consume) -> None:
    provider = serve(parties.answering()(b'{"ok":true}'))
    got = consume(provider).ask("POST", f"{provider.origin}/v1/gegevens?x=1", content=BODY, headers=JSON)
    received = parties.verify(provider.received[0].message)
    assert (received.body, received.signer.oin) == (BODY, parties.verify(provider.received[0].message).signer.oin)
    assert provider.received[0].message.target == "/v1/gegevens?x=1"
    assert (got.status, got.content) == (200, b'{"ok":true}')
    assert got.verified().body == b'{"ok":true}'
    assert str(got.verified().signer.oin) == "00000003123456780000"


def test_the_message_profile_covers_the_target_of_the_question_both_ways(
    parties: Parties, serve: Serve, consume: Consume
) -> None:
    parties.profile = profiles.ADR_MESSAGE
    provider = serve(parties.answering()())
    consumer = consume(provider, signer=parties.signer, verifier=parties.verifier())
    got = consumer.ask("POST", f"{provider.origin}/a%7eb%2Fc/./d?q=%20&e=", content=BODY, headers=JSON)
    covered = parties.verify(provider.received[0].message).covered
    assert {"(request-target)", "host", "content-type", "content-length", "digest"} <= set(covered)
    assert "(request-target)" in got.verified().covered
    request = got.verified().message.request  # type: ignore[union-attr]  # it is a response
    assert request is not None
    assert request.target == provider.received[0].message.target
    assert request.body == BODY


def test_an_answer_to_another_target_is_refused(parties: Parties, serve: Serve, consume: Consume) -> None:
    parties.profile = profiles.ADR_MESSAGE
    answering = parties.answering()

    def elsewhere(received: Received) -> Reply:
        other = type(received.message)(method="POST", target="/other", fields=received.message.fields)
        return answering()(Received(other, b""))

    provider = serve(elsewhere)
    consumer = consume(provider, signer=parties.signer, verifier=parties.verifier())
    refusal(errors.InvalidSignatureError, consumer, provider.origin + "/v1")


def test_a_request_without_body_is_signed_over_the_empty_one(parties: Parties, serve: Serve, consume: Consume) -> None:
    provider = serve(parties.answering()())
    assert consume(provider).ask("GET", provider.origin).status == 200
    assert parties.verify(provider.received[0].message).body == b""


def test_without_a_signer_requests_leave_unsigned_and_answers_are_verified(
    parties: Parties, serve: Serve, consume: Consume
) -> None:
    provider = serve(parties.answering()())
    got = consume(provider, signer=None).ask("POST", provider.origin, content=BODY)
    assert got.verified().body == b'{"ok":true}'
    assert "digest" not in provider.received[0].message.fields
    assert provider.received[0].message.body == BODY


def test_every_exchange_asks_for_identity_whatever_the_client_asked_for(
    parties: Parties, serve: Serve, consume: Consume
) -> None:
    provider = serve(parties.answering()())
    consume(provider).ask("GET", provider.origin, headers={"Accept-Encoding": "gzip, br"})
    assert provider.received[0].message.fields.get_all("accept-encoding") == ("identity",)
    consume(provider, signer=None).ask("GET", provider.origin)
    assert provider.received[1].message.fields.get_all("accept-encoding") == ("identity",)


def test_each_request_is_signed_anew(parties: Parties, serve: Serve, consume: Consume) -> None:
    provider = serve(plain(status=503), parties.answering()())
    consumer = consume(provider)
    assert [consumer.ask("POST", provider.origin, content=BODY).status for _ in range(2)] == [503, 200]
    first, second = (parties.verify(received.message) for received in provider.received)
    assert first.signing_time == NOW
    assert second.signing_time == NOW + dt.timedelta(seconds=1)


def test_a_request_that_carries_a_signature_is_not_sent(serve: Serve, consume: Consume) -> None:
    provider = serve(plain())
    with pytest.raises(errors.MessageNotSignableError, match="already has the signature field payload-signature"):
        consume(provider).ask("POST", provider.origin, content=BODY, headers={"Payload-Signature": "a..b"})
    assert provider.received == []


def test_a_content_length_that_is_not_the_body_s_is_not_sent(serve: Serve, consume: Consume) -> None:
    provider = serve(plain())
    with pytest.raises(errors.MessageNotSignableError, match="Content-Length is not the length"):
        consume(provider).ask("POST", provider.origin, content=iter([b"abc"]), headers={"Content-Length": "2"})
    assert provider.received == []


def test_a_connection_is_used_again_after_an_answer_that_is_in_order(
    parties: Parties, serve: Serve, consume: Consume
) -> None:
    answering = parties.answering()
    provider = serve(answering(), answering(b"", status=204, fields=()), answering(chunked=True), answering(b""))
    consumer = consume(provider)
    assert [consumer.ask("GET", provider.origin).status for _ in range(4)] == [200, 204, 200, 200]
    assert provider.connections == 1
    assert consumer.busy == 0


# --- refused -------------------------------------------------------------------------------------------------------


def test_a_body_that_was_changed_is_refused(parties: Parties, serve: Serve, consume: Consume) -> None:
    provider = serve(parties.answering()(b"1234", sent=b"1235"), parties.answering()())
    consumer = consume(provider)
    refusal(errors.DigestMismatchError, consumer, provider.origin)
    assert consumer.ask("GET", provider.origin).verified().body == b'{"ok":true}'


def test_a_digest_that_was_changed_is_refused_before_the_body_is_read(
    parties: Parties, serve: Serve, consume: Consume
) -> None:
    answering = parties.answering()

    def script(received: Received) -> Reply:
        first, _ = answering(b"1234")(received).pieces
        # A body of which nothing comes: to wait for it would hang.
        return Reply([first.replace(b"SHA-256=", b"SHA-256=A", 1)])

    provider = serve(script)
    refusal(errors.InvalidSignatureError, consume(provider), provider.origin)


def test_a_2xx_without_signature_is_refused_before_its_body_is_read(serve: Serve, consume: Consume) -> None:
    provider = serve(reply(head(200, [("Content-Length", "1000000")])))
    refusal(errors.SignatureMissingError, consume(provider), provider.origin)


def test_a_signature_that_is_there_twice_is_refused(parties: Parties, serve: Serve, consume: Consume) -> None:
    more = [("nlgov-adr-payload-sig", "a..b")]
    provider = serve(parties.answering()(more=more))
    assert "2 times" in refusal(errors.MalformedSignatureError, consume(provider), provider.origin)


def test_a_second_content_type_is_refused(parties: Parties, serve: Serve, consume: Consume) -> None:
    provider = serve(parties.answering()(more=[("Content-Type", "text/html")]))
    refusal(errors.ProfileViolationError, consume(provider), provider.origin)


def test_an_answer_of_somebody_else_is_refused(parties: Parties, serve: Serve, consume: Consume) -> None:
    # The question itself, reflected: signed, by a signer who is not the provider.
    mine = parties.answering()
    mine.signer = parties.signer
    provider = serve(mine())
    refusal(errors.SignerNotAllowedError, consume(provider), provider.origin)


def test_two_content_lengths_are_refused(parties: Parties, serve: Serve, consume: Consume) -> None:
    provider = serve(parties.answering()(more=[("Content-Length", "12")]))
    consumer = consume(provider)
    # h11 refuses them itself.
    with pytest.raises((errors.MalformedMessageError, consumer.errors["own"])):
        consumer.ask("GET", provider.origin)
    assert consumer.busy == 0


def test_content_length_beside_chunked_is_refused(parties: Parties, serve: Serve, consume: Consume) -> None:
    provider = serve(parties.answering()(chunked=True, more=[("Content-Length", "11")]))
    assert "both there" in refusal(errors.MalformedMessageError, consume(provider), provider.origin)


@pytest.mark.parametrize("chunked", [False, True], ids=["by length", "chunked"])
def test_a_body_over_the_limit_is_refused(parties: Parties, serve: Serve, consume: Consume, *, chunked: bool) -> None:
    provider = serve(parties.answering()(b"1" * 20_000, chunked=chunked), parties.answering()(b"1" * 10_000))
    consumer = consume(provider, body=BodySettings(limit=10_000, memory=100))
    assert "10000" in refusal(errors.BodyTooLargeError, consumer, provider.origin)
    assert consumer.ask("GET", provider.origin).content == b"1" * 10_000


def test_a_body_over_the_limit_is_refused_before_it_comes(parties: Parties, serve: Serve, consume: Consume) -> None:
    answering = parties.answering()
    provider = serve(lambda received: Reply([next(iter(answering(b"1" * 20_000)(received).pieces))]))
    refusal(errors.BodyTooLargeError, consume(provider, body=BodySettings(limit=10_000)), provider.origin)


@pytest.mark.parametrize("chunked", [False, True], ids=["by length", "chunked"])
def test_an_answer_that_is_cut_short_is_the_library_s_own_error(
    parties: Parties, serve: Serve, consume: Consume, *, chunked: bool
) -> None:
    answering = parties.answering()

    def script(received: Received) -> Reply:
        first, body = answering(b"1" * 1000, chunked=chunked)(received).pieces
        return Reply([first, body[:-10]], ends=True)

    provider = serve(script)
    consumer = consume(provider)
    with pytest.raises(consumer.errors["cut"]):
        consumer.ask("GET", provider.origin)
    assert consumer.busy == 0


def test_an_answer_without_length_that_is_cut_short_is_refused(
    parties: Parties, serve: Serve, consume: Consume
) -> None:
    answering = parties.answering()
    less = frozenset({"content-length"})
    provider = serve(
        answering(b"1" * 1000, less=less, sent=b"1" * 990, ends=True), answering(b"1" * 1000, less=less, ends=True)
    )
    consumer = consume(provider)
    refusal(errors.DigestMismatchError, consumer, provider.origin)
    assert consumer.ask("GET", provider.origin).content == b"1" * 1000


def test_a_head_that_does_not_come_is_a_time_out_of_the_library(serve: Serve, consume: Consume) -> None:
    provider = serve(reply())
    consumer = consume(provider)
    with pytest.raises(consumer.errors["late"]):
        consumer.ask("POST", provider.origin, content=BODY, timeout=0.2)
    assert consumer.busy == 0


def test_a_body_that_does_not_come_is_a_time_out_of_the_library(
    parties: Parties, serve: Serve, consume: Consume
) -> None:
    answering = parties.answering()
    provider = serve(lambda received: Reply([next(iter(answering(b"1" * 1000)(received).pieces)), b"1"]))
    consumer = consume(provider)
    with pytest.raises(consumer.errors["late body"]):
        consumer.ask("GET", provider.origin, timeout=0.2)
    assert consumer.busy == 0


def test_an_answer_passes_a_replay_guard_once(parties: Parties, serve: Serve, consume: Consume) -> None:
    recorded: list[Reply] = []
    answering = parties.answering()

    def script(received: Received) -> Reply:
        recorded.append(recorded[0] if recorded else answering()(received))
        return recorded[-1]

    provider = serve(script)
    verifier = parties.verifier(max_age=dt.timedelta(minutes=5))
    consumer = consume(provider, verifier=verifier, replay_guard=MemoryReplayGuard())
    assert consumer.ask("GET", provider.origin).status == 200
    refusal(errors.ReplayedMessageError, consumer, provider.origin)


# --- compressed ----------------------------------------------------------------------------------------------------

GZIP = (("Content-Type", "application/json"), ("Content-Encoding", "gzip"))


def compressing(parties: Parties) -> Any:
    return parties.answering(content_encodings={"identity", "gzip"})


def test_a_compressed_answer_is_refused(parties: Parties, serve: Serve, consume: Consume) -> None:
    provider = serve(compressing(parties)(gzip.compress(BODY), fields=GZIP))
    assert "Accept-Encoding: identity" in refusal(errors.ProfileViolationError, consume(provider), provider.origin)


@pytest.mark.parametrize("memory", [1_000_000, 10], ids=["in memory", "in a file"])
@pytest.mark.parametrize("chunked", [False, True], ids=["by length", "chunked"])
def test_a_compressed_answer_that_the_policy_allows_is_decoded_for_the_application(
    parties: Parties, serve: Serve, consume: Consume, memory: int, *, chunked: bool
) -> None:
    wire = gzip.compress(BODY * 100)
    provider = serve(compressing(parties)(wire, fields=GZIP, chunked=chunked))
    verifier = parties.verifier(content_encodings={"identity", "gzip"})
    got = consume(provider, verifier=verifier, body=BodySettings(memory=memory)).ask("GET", provider.origin)
    assert got.content == BODY * 100
    if memory > len(wire):
        assert got.verified().body == wire


# --- what passes as unverified -------------------------------------------------------------------------------------


def test_an_error_without_signature_passes_as_unverified(serve: Serve, consume: Consume) -> None:
    provider = serve(plain(b"oops", status=500))
    got = consume(provider).ask("POST", provider.origin, content=BODY)
    assert (got.status, got.content, got.unverified.why) == (500, b"oops", WhyUnverified.ERROR)
    with pytest.raises(errors.ConfigurationError, match=r"the rules let it pass \(error\)"):
        got.verified()


def test_an_error_with_a_signature_is_verified(parties: Parties, serve: Serve, consume: Consume) -> None:
    provider = serve(parties.answering()(b"{}", status=422), parties.answering()(b"{}", status=422, sent=b"[]"))
    consumer = consume(provider)
    assert consumer.ask("POST", provider.origin, content=BODY).verified().body == b"{}"
    refusal(errors.DigestMismatchError, consumer, provider.origin)


@pytest.mark.parametrize(("code", "status"), sorted(GATEWAY_ERRORS.items()))
def test_a_gateway_s_error_passes_with_its_own_status_only(
    serve: Serve, consume: Consume, code: str, status: int
) -> None:
    wrong = 400
    fields = [("Fsc-Error-Code", code)]
    provider = serve(
        plain(status=status, fields=fields), plain(status=wrong, fields=fields), plain(status=200, fields=fields)
    )
    consumer = consume(provider, rules=AnswerRules(unsigned_errors=UnsignedErrors.GATEWAY_ONLY))
    assert consumer.ask("POST", provider.origin, content=BODY).unverified.why is WhyUnverified.GATEWAY_ERROR
    refusal(errors.ProfileViolationError, consumer, provider.origin)
    refusal(errors.SignatureMissingError, consumer, provider.origin)


def test_answers_that_nobody_can_verify_are_refused_unless_the_rules_say_otherwise(
    serve: Serve, consume: Consume
) -> None:
    scripts = (reply(head(200, [("Content-Length", "5")])), plain(b"12", status=206), reply(head(304, [])))
    strict = serve(*scripts)
    consumer = consume(strict)
    for method in ("HEAD", "GET", "GET"):
        with pytest.raises(errors.ProfileViolationError, match="cannot be verified"):
            consumer.ask(method, strict.origin)
        assert consumer.busy == 0
    lenient = serve(*scripts)
    consumer = consume(lenient, rules=AnswerRules(unverifiable=Unverifiable.LET_THROUGH))
    got = [consumer.ask(method, lenient.origin) for method in ("HEAD", "GET", "GET")]
    assert [(answer.status, answer.content) for answer in got] == [(200, b""), (206, b"12"), (304, b"")]
    assert {answer.unverified.why for answer in got} == {WhyUnverified.UNVERIFIABLE}


def test_a_route_may_need_no_signature(serve: Serve, consume: Consume) -> None:
    provider = serve(plain(b"up"))
    rules = AnswerRules(routes=(Route(path="/health", methods={"GET"}, need=Need.NONE),))
    consumer = consume(provider, rules=rules)
    assert consumer.ask("GET", provider.origin + "/health?now").unverified.why is WhyUnverified.EXEMPT
    refusal(errors.SignatureMissingError, consumer, provider.origin + "/health/")


# --- hosts ---------------------------------------------------------------------------------------------------------


def redirect(to: str, status: int = 307) -> Any:
    return plain(b"", status=status, fields=[("Location", to)])


def test_a_request_to_a_host_that_was_not_named_does_not_leave(serve: Serve, consume: Consume) -> None:
    provider, other = serve(plain()), serve(plain())
    with pytest.raises(errors.MessageNotSignableError, match="not among `hosts`"):
        consume(provider).ask("POST", other.origin, content=BODY)
    assert other.connections == 0


def test_a_redirect_to_another_host_is_not_followed(serve: Serve, consume: Consume) -> None:
    other = serve(plain())
    provider = serve(redirect(other.origin))
    with pytest.raises(errors.MessageNotSignableError, match="not among `hosts`"):
        consume(provider).ask("POST", provider.origin, content=BODY, follow=True)
    assert other.connections == 0


def test_a_redirect_to_another_host_may_be_followed_without_a_signature(
    parties: Parties, serve: Serve, consume: Consume
) -> None:
    other = serve(plain(b"elsewhere"))
    provider = serve(redirect(other.origin))
    consumer = consume(provider, other_hosts=OtherHosts.LEAVE_UNSIGNED)
    got = consumer.ask("POST", provider.origin, content=BODY, follow=True)
    assert (got.content, got.unverified.why) == (b"elsewhere", WhyUnverified.OTHER_HOST)
    assert parties.verify(provider.received[0].message).body == BODY
    left = other.received[0].message
    assert left.body == BODY
    assert not {"digest", "nlgov-adr-payload-sig"} & {name.lower() for name, _ in left.fields}


def test_each_hop_to_a_named_host_is_signed_by_itself(parties: Parties, serve: Serve, consume: Consume) -> None:
    other = serve(parties.answering()())
    provider = serve(redirect(other.origin + "/there"))
    got = consume(provider, other).ask("POST", provider.origin, content=BODY, follow=True)
    assert got.verified().body == b'{"ok":true}'
    hops = [parties.verify(received.message) for received in (*provider.received, *other.received)]
    assert [hop.signing_time for hop in hops] == [NOW, NOW + dt.timedelta(seconds=1)]


# --- parties -------------------------------------------------------------------------------------------------------


def test_a_profile_that_signs_the_body_itself_is_refused(parties: Parties, serve: Serve, consume: Consume) -> None:
    parties.profile = profiles.DDAS_BODY
    provider = serve(plain())
    with pytest.raises(errors.ConfigurationError, match="ddas-body"):
        consume(provider, verifier=parties.verifier())
    with pytest.raises(errors.ConfigurationError, match="ddas-body"):
        consume(provider, signer=parties.signer)


def test_a_guard_needs_a_policy_with_max_age(serve: Serve, consume: Consume) -> None:
    with pytest.raises(errors.ConfigurationError, match="max_age"):
        consume(serve(plain()), replay_guard=MemoryReplayGuard())


def test_an_expired_signer_sends_nothing(parties: Parties, serve: Serve, consume: Consume) -> None:
    expired: Issued = parties.hierarchy.tsp.issue(
        not_before=NOW - dt.timedelta(days=20), not_after=NOW - dt.timedelta(days=1)
    )
    parties.consumer = expired
    provider = serve(plain())
    with pytest.raises(errors.SigningError, match="nobody would accept"):
        consume(provider, signer=parties.signer).ask("POST", provider.origin, content=BODY)
    assert provider.connections == 0
