"""The fields in an environ: which keys they stand under, and that what is remembered of keys changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from nlgov_jades.edges.site import PublicAddress
from nlgov_jades.edges.wsgi_request import TargetSource, _known_names, question_of

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
