from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable

import pytest

from nlgov_jades import HttpRequest, Oin, Verifier, errors
from nlgov_jades.ddas.probe import CASES, Endpoint, Material
from nlgov_jades.ddas.probe.cases import Answered, Group, Refused, Refuser
from nlgov_jades.ddas.probe.catalogue import BY_ID
from nlgov_jades.ddas.probe.certificates import Credentials
from nlgov_jades.ddas.probe.forging import OVERSIZED
from nlgov_jades.ddas.probe.maker import Connections, Maker, Sending, UnavailableError
from nlgov_jades.ddas.probe.making import MAKERS
from nlgov_jades.ddas.probe.wire import Ending
from nlgov_jades.ddas.question import read_question
from nlgov_jades.testing import Hierarchy, Issued
from nlgov_jades.testing.hierarchy import EXAMPLE_OIN

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
ENDPOINT = Endpoint("https://gegevens.gemeente.example/v1/gegevens", fields=(("Fsc-Grant-Hash", "x"),))
SIGNATURE = "nlgov-adr-payload-sig"


@pytest.fixture(scope="session")
def made(hierarchy: Hierarchy, stranger: Hierarchy, issued: Issued) -> Credentials:
    expired = hierarchy.tsp.issue(not_after=NOW - dt.timedelta(seconds=90))
    other = hierarchy.tsp.issue(oin="00000099000000001000")
    others = {
        Material.EXPIRED: expired.credential,
        Material.OTHER_OIN: other.credential,
        Material.REVOKED: hierarchy.tsp.issue().credential,
    }
    return Credentials(good=issued.credential, foreign=stranger.tsp.issue().credential, others=others)


@pytest.fixture
def maker(made: Credentials) -> Maker:
    return Maker(endpoint=ENDPOINT, credentials=made, clock=lambda: NOW)


@pytest.fixture
def strict(verifying: Callable[..., Verifier]) -> Verifier:
    return verifying(signers={Oin(EXAMPLE_OIN)}, max_age=dt.timedelta(minutes=5))


def sent(maker: Maker, case: str) -> Sending:
    return MAKERS[case](maker, BY_ID[case])


def parsed(octets: bytes) -> HttpRequest:
    """A message whose length is what is there, as no server would read it."""
    head, _, body = octets.partition(b"\r\n\r\n")
    start, *lines = head.decode("ascii").split("\r\n")
    method, target, version = start.split(" ")
    assert version == "HTTP/1.1"
    fields = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    if any(name.lower() == "transfer-encoding" for name, _ in fields):
        whole, rest = b"", body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            piece, rest = rest[: int(size, 16)], rest[int(size, 16) :]
            assert rest[:2] == b"\r\n"
            whole, rest = whole + piece, rest[2:]
        body = whole
    return HttpRequest(method=method, target=target, fields=fields, body=body)


def message(maker: Maker, case: str) -> HttpRequest:
    return parsed(sent(maker, case).messages[-1])


def test_every_case_has_a_message_and_every_id_is_there_once() -> None:
    assert list(MAKERS) == [case.id for case in CASES]
    assert len(BY_ID) == len(CASES) == 49


def test_there_are_at_least_fifteen_bad_ones_and_the_last_is_good() -> None:
    bad = [case for case in CASES if isinstance(case.expects, Refused)]
    assert len(bad) >= 15
    assert CASES[-1].id == "good-again"
    assert all(case.title.endswith(".") and case.advice and case.why for case in CASES)


def test_only_what_a_server_may_refuse_alone_is_about_http() -> None:
    anybody = [case.id for case in CASES if isinstance(case.expects, Refused) and case.expects.by is Refuser.ANYBODY]
    assert all(BY_ID[case].group is Group.FRAMING for case in anybody)


@pytest.mark.parametrize("case", [case.id for case in CASES if case.group is Group.GOOD])
def test_a_good_message_is_good(maker: Maker, strict: Verifier, case: str) -> None:
    good = message(maker, case)
    verified = strict.verify(good)
    expects = BY_ID[case].expects
    assert isinstance(expects, Answered)
    assert read_question(verified.body) == expects.question
    assert good.fields.get_all("Fsc-Grant-Hash") == ("x",)


@pytest.mark.parametrize("case", [case.id for case in CASES if case.group is Group.QUESTION])
def test_a_bad_question_has_a_good_signature(maker: Maker, strict: Verifier, case: str) -> None:
    strict.verify(message(maker, case))


REFUSED_BY_THE_VERIFIER = [
    case.id
    for case in CASES
    if case.group in {Group.SIGNATURE, Group.CERTIFICATE, Group.TIME}
    and case.id not in {"certificate-revoked", "replay"}
]


@pytest.mark.parametrize("case", REFUSED_BY_THE_VERIFIER)
def test_a_bad_message_is_refused_for_the_reason_that_its_case_states(
    maker: Maker, strict: Verifier, case: str
) -> None:
    expects = BY_ID[case].expects
    assert isinstance(expects, Refused)
    with pytest.raises(errors.VerificationError) as caught:
        strict.verify(message(maker, case))
    assert caught.value.code in expects.codes
    assert caught.value.http_status == expects.statuses[0]


DEVIATIONS: dict[str, set[str]] = {
    "unsigned": {SIGNATURE},
    "digest-missing": {"digest"},
    "digest-tampered": {"digest"},
    "digest-algorithm": {"digest"},
    "digest-repeated": {"digest"},
    "signature-repeated": {SIGNATURE},
    "signature-tampered": set(),
    "body-tampered": {"body"},
    "body-reserialised": {"body", "content-length"},
    "body-and-digest": {"body", "digest"},
    "algorithm-none": set(),
    "signature-empty": set(),
    "algorithm-hmac": set(),
    "crit-unknown": set(),
    "digest-not-covered": set(),
    "early-dialect": {"digest"},
    "stolen-certificate": set(),
    "media-type": {"content-type"},
    "content-encoding": {"content-encoding"},
    "root-foreign": set(),
    "certificate-expired": set(),
    "certificate-revoked": set(),
    "oin-other": set(),
    "iat-old": set(),
    "iat-future": set(),
    "replay": set(),
    "field-oversized": set(),
    "length-short": {"content-length"},
    "length-long": {"content-length"},
    "length-twice": {"content-length"},
    "length-twice-last": {"content-length"},
    "length-and-chunked": {"transfer-encoding"},
}
"""What differs from the good message beside the value of the signature, which is another each time."""


@pytest.mark.parametrize("case", DEVIATIONS)
def test_a_bad_message_differs_from_the_good_one_in_one_thing(maker: Maker, case: str) -> None:
    good, bad = message(maker, "good-page"), message(maker, case)
    assert (bad.method, bad.target) == (good.method, good.target)
    names = {name.lower() for name, _ in (*good.fields, *bad.fields)} - {SIGNATURE}
    differing = {name for name in names if good.fields.get_all(name) != bad.fields.get_all(name)}
    if len(bad.fields.get_all(SIGNATURE)) != 1:
        differing.add(SIGNATURE)
    if bad.body != good.body:
        differing.add("body")
    assert differing == DEVIATIONS[case]


def test_every_bad_message_that_has_a_good_question_is_compared() -> None:
    bad = {case.id for case in CASES if isinstance(case.expects, Refused) and case.group is not Group.QUESTION}
    assert set(DEVIATIONS) == bad


def test_no_signature_is_used_twice_but_in_the_replay(maker: Maker) -> None:
    first, second = sent(maker, "replay").messages
    assert first == second
    seen = [message(maker, case.id).fields.combined(SIGNATURE) for case in CASES if case.id != "unsigned"]
    assert len(set(seen)) == len(seen)
    assert message(maker, "good-page").fields.combined(SIGNATURE) not in seen


def test_json_that_was_written_anew_says_the_same(maker: Maker) -> None:
    good, anew = message(maker, "good-page"), message(maker, "body-reserialised")
    assert isinstance(good.body, bytes)
    assert isinstance(anew.body, bytes)
    assert json.loads(good.body) == json.loads(anew.body)


def test_the_oversized_field_is_too_long_for_verifiers_only(maker: Maker, strict: Verifier) -> None:
    oversized = message(maker, "field-oversized")
    (value,) = oversized.fields.get_all(SIGNATURE)
    assert OVERSIZED < len(value) < 50_000
    with pytest.raises(errors.MalformedSignatureError):
        strict.verify(oversized)


def test_the_lengths_are_wrong_as_they_say(maker: Maker) -> None:
    good = message(maker, "good-page")
    length = len(good.body) if isinstance(good.body, bytes) else 0
    stated = {
        case: [int(value) for value in message(maker, case).fields.get_all("content-length")]
        for case in ("length-short", "length-long", "length-twice", "length-twice-last", "length-and-chunked")
    }
    assert stated["length-short"][0] < length < stated["length-long"][0]
    assert stated["length-twice"][0] == length != stated["length-twice"][1]
    assert stated["length-twice-last"] == stated["length-twice"][::-1]
    assert stated["length-and-chunked"] == [length]
    assert sent(maker, "length-long").ending is Ending.HALF_CLOSED


def test_two_questions_go_out_on_one_connection(maker: Maker) -> None:
    twice = sent(maker, "good-twice")
    assert twice.connections is Connections.ONE
    assert [parsed(octets).fields.combined("connection") for octets in twice.messages] == [None, "close"]


# --- what cannot be tried ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [case.id for case in CASES if case.material is not None])
def test_a_case_without_its_certificate_says_what_to_give(made: Credentials, case: str) -> None:
    maker = Maker(endpoint=ENDPOINT, credentials=dataclasses.replace(made, others={}), clock=lambda: NOW)
    with pytest.raises(UnavailableError) as caught:
        sent(maker, case)
    assert "--pki" in str(caught.value)
    material = BY_ID[case].material
    assert material is not None
    assert f"{material.value}-chain.pem" in str(caught.value)


def age(hierarchy: Hierarchy, made: Credentials, **validity: dt.datetime) -> Maker:
    young = hierarchy.tsp.issue(**validity)  # type: ignore[arg-type]  # mypy takes the keywords for any of its arguments
    return Maker(endpoint=ENDPOINT, credentials=dataclasses.replace(made, good=young.credential), clock=lambda: NOW)


def test_iat_is_as_old_as_the_certificate_allows(hierarchy: Hierarchy, made: Credentials, strict: Verifier) -> None:
    half_an_hour = age(hierarchy, made, not_before=NOW - dt.timedelta(minutes=30))
    with pytest.raises(errors.SigningTimeError) as caught:
        strict.verify(message(half_an_hour, "iat-old"))
    assert "2026-06-15T11:30:00" in caught.value.detail
    with pytest.raises(UnavailableError):
        sent(age(hierarchy, made, not_before=NOW - dt.timedelta(minutes=9)), "iat-old")


def test_iat_lies_ahead_only_while_the_certificate_does(hierarchy: Hierarchy, made: Credentials) -> None:
    with pytest.raises(UnavailableError):
        sent(age(hierarchy, made, not_after=NOW + dt.timedelta(minutes=59)), "iat-future")


def test_further_fields_stand_in_no_repr(maker: Maker) -> None:
    shown = repr(ENDPOINT) + repr(sent(maker, "good-page")) + repr(maker.credentials) + repr(maker.paged())
    assert "Grant" not in shown
    assert "page" not in shown.replace("good-page", "")
