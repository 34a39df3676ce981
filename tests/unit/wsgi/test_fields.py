"""The fields in an environ: which keys they stand under, and that what is remembered of keys changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades import HttpRequest
from nlgov_jades.edges.site import MAX_FIELD_LINES, MAX_FIELD_OCTETS, PublicAddress
from nlgov_jades.edges.wsgi_request import TargetSource, _known_names, question_of

from .serving import Recorded, environ_of, post, refused, serve

Made = Callable[..., Any]
Sign = Callable[..., HttpRequest]

ENVIRON = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "RAW_URI": "/"}


def fields_in(**environ: Any) -> list[tuple[str, str]]:
    question = question_of(ENVIRON | environ, address=PublicAddress(), source=TargetSource.RAW, covered=False)
    return list(question.fields)


def test_fields_stand_under_http_and_two_names_of_cgi() -> None:
    environ = {
        "HTTP_X_ONE": "1",
        "CONTENT_TYPE": "application/json",
        "HTTPS": "on",
        "X_HTTP_TWO": "2",
        "HTTP_": "",
        "CONTENT_LENGTH": "3",
        "HTTP_CONTENT_ENCODING": "",
        "CONTENT_MD5": "5",
        "HTTP_HTTP_HOST": "6",
    }
    assert fields_in(**environ) == [
        ("x-one", "1"),
        ("content-type", "application/json"),
        ("", ""),
        ("content-length", "3"),
        ("content-encoding", ""),
        ("http-host", "6"),
    ]


def test_the_same_keys_with_other_values_are_other_fields() -> None:
    assert fields_in(CONTENT_TYPE="a/b", HTTP_HOST="one") == [("content-type", "a/b"), ("host", "one")]
    assert fields_in(CONTENT_TYPE="", HTTP_HOST="two") == [("host", "two")]
    assert fields_in(HTTP_HOST="two", CONTENT_TYPE="a/b") == [("host", "two"), ("content-type", "a/b")]


def test_a_content_type_that_wsgiref_makes_up_is_left_out_where_nothing_can_have_one() -> None:
    invented = {"CONTENT_TYPE": "text/plain", "SERVER_SOFTWARE": "WSGIServer/0.2"}
    assert fields_in(**invented, CONTENT_LENGTH="0") == [("content-length", "0")]
    assert fields_in(**invented, CONTENT_LENGTH="5") == [("content-type", "text/plain"), ("content-length", "5")]


@pytest.mark.parametrize(
    "names", [[f"X_{number}" for number in range(200)], ["X" * 5000]], ids=["many keys", "a long one"]
)
def test_keys_that_would_take_much_memory_are_not_remembered(names: list[str]) -> None:
    before = _known_names.cache_info().currsize
    found = fields_in(**{f"HTTP_{name}": "v" for name in names})
    assert found == [(name.replace("_", "-").lower(), "v") for name in names]
    assert _known_names.cache_info().currsize == before


# --- more of them than anybody needs -----------------------------------------------------------------------------


MANY = pytest.mark.parametrize(
    ("count", "octets"), [(MAX_FIELD_LINES + 1, 0), (50_000, 0), (1, MAX_FIELD_OCTETS + 1)], ids=["one", "all", "long"]
)


def with_more(environ: dict[str, Any], count: int, octets: int) -> dict[str, Any]:
    """The same with further fields, until there are so many and so many octets in them."""
    held = list(fields_in(**environ))
    more = {f"HTTP_{number}": "" for number in range(count - len(held) - 1)}
    length = sum(len(name) + len(value) for name, value in [*held, *((key[5:], "") for key in more), ("x-long", "")])
    return environ | more | {"HTTP_X_LONG": "v" * (octets - length)}


def test_names_count_as_well(verifying_app: Made, sign: Sign, app: Recorded) -> None:
    environ = environ_of(sign(post())) | {"HTTP_" + "X" * MAX_FIELD_OCTETS: ""}
    refused(serve(verifying_app(), environ), app, "MALFORMED_MESSAGE")


def test_as_many_fields_as_are_read_are_read(verifying_app: Made, signing_app: Made, sign: Sign, app: Recorded) -> None:
    for count, octets in ((MAX_FIELD_LINES, 0), (0, MAX_FIELD_OCTETS)):
        environ = with_more(environ_of(sign(post())), count, octets)
        served = serve(signing_app(verifying_app()), environ)
        assert (served.code, served.is_signed) == (200, True)
    assert len(app.bodies) == 2


@MANY
def test_more_are_refused_by_a_verifier(
    verifying_app: Made, sign: Sign, app: Recorded, count: int, octets: int
) -> None:
    environ = with_more(environ_of(sign(post())), count, octets)
    refused(serve(verifying_app(), environ), app, "MALFORMED_MESSAGE")


@MANY
def test_more_are_refused_by_a_signer_without_a_signature(
    verifying_app: Made, signing_app: Made, sign: Sign, app: Recorded, count: int, octets: int
) -> None:
    served = serve(signing_app(verifying_app()), with_more(environ_of(sign(post())), count, octets))
    refused(served, app, "MALFORMED_MESSAGE")
    assert not served.is_signed
