"""What a payload signature leaves open, and what closes it: statuses, names, and the parameters of Content-Type."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from nlgov_jades import Fields, HttpRequest, HttpResponse, VerificationPolicy, Verifier, profiles
from nlgov_jades.errors import MalformedSignatureError, ProfileViolationError, SignatureMissingError, SigningTimeError
from nlgov_jades.jades import SigningTimes
from nlgov_jades.steps import check_times, content_codings
from nlgov_jades.testing import Issued


@pytest.mark.parametrize("status", [100, 103, 199, 206, 304])
def test_an_answer_without_its_whole_body_is_not_verifiable(verifier: Verifier, status: int) -> None:
    with pytest.raises(ProfileViolationError, match=f"status {status}") as caught:
        verifier.verify(HttpResponse(status=status, fields=[("nlgov-adr-payload-sig", "a..b")]))
    assert (caught.value.code, caught.value.sub_indication) == ("PROFILE_VIOLATION", "SIG_CONSTRAINTS_FAILURE")


@pytest.mark.parametrize("name", ["Content-Encoding ", "content-encoding\xa0", "Digest\r\nX", ""])
def test_a_name_that_one_server_reads_and_another_does_not_is_malformed(
    sign: Callable[..., HttpRequest], request_message: HttpRequest, verifier: Verifier, name: str
) -> None:
    message = sign(request_message).with_fields([(name, "gzip")])
    with pytest.raises(MalformedSignatureError, match="a field with the name") as caught:
        verifier.verify(message)
    assert caught.value.sub_indication == "FORMAT_FAILURE"


def with_type(message: HttpRequest, value: str) -> HttpRequest:
    others = [line for line in message.fields if line[0] != "Content-Type"]
    return HttpRequest(
        method=message.method, target=message.target, fields=[*others, ("Content-Type", value)], body=message.body
    )


@pytest.mark.parametrize(
    "value", ["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"']
)
def test_json_in_utf_8_is_accepted_however_it_is_written(
    sign: Callable[..., HttpRequest], request_message: HttpRequest, verifier: Verifier, value: str
) -> None:
    assert verifier.verify(with_type(sign(request_message), value)).body == request_message.body


@pytest.mark.parametrize(
    "value",
    [
        "application/json; charset=IBM037",
        "application/json; charset=utf-16",
        "application/json;,text/html",
        "application/json; charset=utf-8; charset=utf-7",
        "text/html",
        "application/json, text/html",
    ],
)
def test_another_reading_of_the_same_octets_is_refused(
    sign: Callable[..., HttpRequest], request_message: HttpRequest, verifier: Verifier, value: str
) -> None:
    with pytest.raises(ProfileViolationError, match="Content-Type"):
        verifier.verify(with_type(sign(request_message), value))


@pytest.mark.parametrize(
    ("values", "codings"),
    [
        ([], []),
        ([""], []),
        ([" GZip\t"], ["gzip"]),
        (["gzip ,\tX-Gzip"], ["gzip", "x-gzip"]),
        (["Xidentity"], ["xidentity"]),
        (["gzip", "br"], ["gzip", "br"]),
        (["gzip,"], ["gzip", ""]),
    ],
)
def test_the_codings_of_a_body_are_read_whole_and_in_lower_case(values: list[str], codings: list[str]) -> None:
    assert content_codings(Fields([("Content-Encoding", value) for value in values])) == codings


def test_a_message_without_a_signature_is_told_every_field_that_may_carry_one(
    verifying: Callable[..., Verifier], request_message: HttpRequest
) -> None:
    verifier = verifying(profiles=(profiles.DDAS, profiles.OOTS_RESPONSE))
    with pytest.raises(SignatureMissingError, match=r"no field nlgov-adr-payload-sig, oots-response-sig$") as caught:
        verifier.verify(request_message)
    assert caught.value.code == "SIGNATURE_MISSING"


def test_a_signing_time_may_be_the_first_and_the_last_moment_of_the_certificate(
    issued: Issued, policy: VerificationPolicy
) -> None:
    leaf, second = issued.certificate, dt.timedelta(seconds=1)
    validity = first, last = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    for claimed in (first, last):
        check_times(SigningTimes(claimed=claimed, expires=None), validity, policy, claimed)
    for claimed in (first - second, last + second):
        with pytest.raises(SigningTimeError, match="outside the validity") as caught:
            check_times(SigningTimes(claimed=claimed, expires=None), validity, policy, claimed)
        assert caught.value.code == "SIGNING_TIME"
