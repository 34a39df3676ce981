"""What a payload signature leaves open, and what closes it: statuses, names, and the parameters of Content-Type."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nlgov_jades import HttpRequest, HttpResponse, Verifier
from nlgov_jades.errors import MalformedSignatureError, ProfileViolationError


@pytest.mark.parametrize("status", [100, 103, 206, 304])
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
