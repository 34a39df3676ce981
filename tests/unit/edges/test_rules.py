"""Which messages need a signature: by route, method and status, and never less because a path was written oddly."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades.edges import (
    ANY_METHOD,
    AnswerRules,
    Need,
    RequestRules,
    Route,
    SigningRules,
    Websockets,
)
from nlgov_jades.edges.rules import SIGNED_METHODS, AnyMethod
from nlgov_jades.errors import ConfigurationError

HEALTH = Route(path="/health", methods={"GET"}, need=Need.NONE)
DOCS = Route(path="/docs/*", methods=ANY_METHOD, need=Need.NONE)
STRICT = Route(path="/v1/gegevens/*", methods={"GET"}, need=Need.REQUIRED)
EVERYTHING = Route(path="/*", methods=ANY_METHOD, need=Need.NONE)

# --- a route ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "",
        "health",
        "*",
        "/docs*",
        "/*/x",
        "/a*b/*",
        "/a/*/*",
        "//",
        "//docs",
        "/docs//x",
        "/./x",
        "/../x",
        "/x/..",
        "/x/.",
        "/x...",
        "/%61",
        "/a b",
        "/a?b",
        "/a#b",
        "/a;b",
        "/a\\b",
        "/é",
        "/a\n",
        "/a\x00",
        "http://a/b",
        None,
        b"/health",
        7,
    ],
)
def test_a_path_of_another_form_is_refused(path: Any) -> None:
    with pytest.raises(ConfigurationError, match="path of a route"):
        Route(path=path, methods=ANY_METHOD, need=Need.NONE)


@pytest.mark.parametrize(
    "methods", ["GET", "", (), set(), ["get"], ["GET", "Post"], ["GET "], [""], [None], [b"GET"], None, ["GÉT"]]
)
def test_methods_of_another_form_are_refused(methods: Any) -> None:
    with pytest.raises(ConfigurationError, match="methods of a route"):
        Route(path="/", methods=methods, need=Need.NONE)


@pytest.mark.parametrize("need", ["none", None, True, 0])
def test_a_need_of_another_form_is_refused(need: Any) -> None:
    with pytest.raises(ConfigurationError, match="need of a route"):
        Route(path="/", methods=ANY_METHOD, need=need)


def test_a_route_is_frozen_and_keeps_its_own_methods() -> None:
    methods = {"GET"}
    route = Route(path="/", methods=methods, need=Need.NONE)
    methods.add("POST")
    assert not route.fits("POST", "/")
    with pytest.raises(dataclasses.FrozenInstanceError):
        route.need = Need.REQUIRED  # type: ignore[misc] # that it cannot be set is what is tested
    assert isinstance(ANY_METHOD, AnyMethod)


@pytest.mark.parametrize(
    ("route", "method", "path", "fits"),
    [
        (HEALTH, "GET", "/health", True),
        (HEALTH, "GET", "/health/", False),
        (HEALTH, "GET", "/healthy", False),
        (HEALTH, "GET", "/Health", False),
        (HEALTH, "GET", "/health/x", False),
        (HEALTH, "POST", "/health", False),
        (HEALTH, "get", "/health", False),
        (HEALTH, "HEAD", "/health", False),
        (DOCS, "DELETE", "/docs", True),
        (DOCS, "brew", "/docs/", True),
        (DOCS, "GET", "/docs/a/b.c/~d_-", True),
        (DOCS, "GET", "/docs/.well-known", True),
        (DOCS, "GET", "/docs/v1.0", True),
        (DOCS, "GET", "/docsx", False),
        (DOCS, "GET", "/x/docs/a", False),
        (EVERYTHING, "GET", "/", True),
        (EVERYTHING, "GET", "/a/b", True),
        (EVERYTHING, "GET", "", False),
    ],
)
def test_a_route_fits_its_own_requests_only(route: Route, method: str, path: str, fits: bool) -> None:  # noqa: FBT001 - what a table states
    assert route.fits(method, path) is fits


AMBIGUOUS = [
    "//docs/x",
    "/docs//x",
    "/docs/../v1/gegevens/1",
    "/docs/..",
    "/docs/./x",
    "/docs/.",
    "/docs/..;/v1/gegevens/1",
    "/docs/;a=b/../x",
    "/docs;x/y",
    "/docs/%2e%2e/v1/gegevens/1",
    "/docs/%2E./x",
    "/docs/..%2fv1",
    "/docs/%252e%252e/x",
    "/docs/%c0%ae/x",
    "/docs/%00",
    "/docs/%",
    "/docs/a%20b",
    "/docs/a\\..\\b",
    "/docs/\\",
    "/docs/a b",
    "/docs/a\tb",
    "/docs/a\n",
    "/docs/\x00",
    "/docs/\x7f",
    "/docs/é",
    "/docs/\uff0e\uff0e/x",  # full-width dots, which a normalising framework turns into two
    "/docs/\u217d",
    "/docs/#/../x",
    "/docs/x#y",
    "http://provider.example.test/docs/x",
    "docs/x",
    "*",
]


@pytest.mark.parametrize("path", AMBIGUOUS, ids=ascii)
def test_a_path_that_could_be_read_in_two_ways_is_exempt_from_nothing(path: str) -> None:
    for route in (DOCS, EVERYTHING, HEALTH):
        assert not route.fits("GET", path)
    rules = RequestRules(routes=(DOCS, EVERYTHING, HEALTH), otherwise=Need.REQUIRED)
    assert rules.need("GET", path, announces_body=False) is Need.REQUIRED


@pytest.mark.parametrize("path", AMBIGUOUS, ids=ascii)
def test_a_path_that_could_be_read_in_two_ways_evades_no_route_that_asks_for_a_signature(path: str) -> None:
    rules = RequestRules(routes=(DOCS, STRICT))
    assert rules.need("GET", path, announces_body=False) is Need.REQUIRED
    # Of another method nothing was asked.
    assert rules.need("DELETE", path, announces_body=False) is Need.IF_PRESENT


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/V1/Gegevens/1"),
        ("GET", "/v1/gegevens/"),
        ("GET", "/v1/gegevens"),
        ("GET", "/v1/GEGEVENS"),
        ("get", "/v1/gegevens/1"),
        ("Get", "/v1/gegevens/1?x=%2f"),
    ],
)
def test_what_asks_for_a_signature_is_read_broadly(method: str, path: str) -> None:
    assert RequestRules(routes=(STRICT,)).need(method, path, announces_body=False) is Need.REQUIRED


@pytest.mark.parametrize(
    ("stated", "path", "need"),
    [
        ("/admin", "/admin/", Need.REQUIRED),
        ("/admin", "/ADMIN", Need.REQUIRED),
        ("/admin/", "/admin", Need.REQUIRED),
        ("/", "/", Need.REQUIRED),
        ("/", "/x", Need.IF_PRESENT),
        ("/admin", "/administrator", Need.IF_PRESENT),
        ("/admin", "/x/admin", Need.IF_PRESENT),
    ],
)
def test_a_slash_at_the_end_evades_nothing(stated: str, path: str, need: Need) -> None:
    rules = RequestRules(routes=(Route(path=stated, methods=ANY_METHOD, need=Need.REQUIRED),))
    assert rules.need("GET", path, announces_body=False) is need


@pytest.mark.parametrize(
    "piece",
    ["/", ".", "/.", "./", "..", "/../", "a", "a/", "a.", "%2f", "%", "//", ".a", "*", "/*", "é", "\n"],
    ids=ascii,
)
def test_a_long_hostile_path_costs_bounded_time(piece: str) -> None:
    # A regular expression that goes back would not end at this length.
    path = "/docs/" + piece * (1_000_000 // len(piece)) + "\x00"
    assert not DOCS.fits("GET", path)
    assert RequestRules(routes=(DOCS, STRICT)).need("GET", path, announces_body=False) is Need.REQUIRED


def test_every_short_path_that_is_exempt_is_under_its_route_however_it_is_read() -> None:
    """All paths of up to six of these pieces: whoever splits, resolves dots or drops empty segments stays below `/a`."""
    route = Route(path="/a/*", methods=ANY_METHOD, need=Need.NONE)
    fitted = 0
    for length in range(1, 7):
        for pieces in itertools.product(("/", ".", "a", "b", "%"), repeat=length):
            path = "".join(pieces)
            if not route.fits("GET", path):
                continue
            fitted += 1
            segments = path.split("/")
            assert segments[:2] == ["", "a"]
            assert "." not in segments
            assert ".." not in segments
            assert "" not in segments[1:-1]
            assert "%" not in path
    assert fitted == 40


# --- requests --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "post", "Put", "pAtch", "po\u017ft"])
@pytest.mark.parametrize("otherwise", list(Need))
def test_post_put_and_patch_need_a_signature_without_a_body_too(method: str, otherwise: Need) -> None:
    assert {"POST", "PUT", "PATCH"} == SIGNED_METHODS
    assert RequestRules(otherwise=otherwise).need(method, "/", announces_body=False) is Need.REQUIRED


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "", "POSTX"])
@pytest.mark.parametrize("otherwise", list(Need))
def test_another_method_needs_one_when_there_is_a_body_and_else_as_was_said(method: str, otherwise: Need) -> None:
    rules = RequestRules(otherwise=otherwise)
    assert rules.need(method, "/", announces_body=True) is Need.REQUIRED
    assert rules.need(method, "/", announces_body=False) is otherwise


def test_without_any_word_a_question_without_a_body_is_verified_when_it_is_signed() -> None:
    rules = RequestRules()
    assert rules.need("GET", "/", announces_body=False) is Need.IF_PRESENT
    assert rules.websockets is Websockets.REFUSE


def test_the_first_route_that_fits_decides_whatever_the_method() -> None:
    rules = RequestRules(
        routes=[  # type: ignore[arg-type] # a list is taken as well
            Route(path="/v1/open", methods={"POST"}, need=Need.IF_PRESENT),
            Route(path="/v1/*", methods=ANY_METHOD, need=Need.REQUIRED),
            EVERYTHING,
        ]
    )
    assert isinstance(rules.routes, tuple)
    assert rules.need("POST", "/v1/open", announces_body=True) is Need.IF_PRESENT
    assert rules.need("GET", "/v1/open", announces_body=False) is Need.REQUIRED
    assert rules.need("GET", "/v1", announces_body=False) is Need.REQUIRED
    assert rules.need("POST", "/other", announces_body=True) is Need.NONE


@pytest.mark.parametrize("query", ["?", "?x", "?/docs/a", "?../..", "?%00", "?a?b", "?#", "?//;"])
def test_a_query_changes_nothing(query: str) -> None:
    rules = RequestRules(routes=(HEALTH, STRICT))
    assert rules.need("GET", "/health" + query, announces_body=False) is Need.NONE
    assert rules.need("GET", "/other" + query, announces_body=False) is Need.IF_PRESENT


@pytest.mark.parametrize("options", [{"routes": ("/x",)}, {"routes": None}, {"routes": 7}, {"routes": (HEALTH, None)}])
@pytest.mark.parametrize("rules", [RequestRules, AnswerRules, SigningRules])
def test_routes_of_another_form_are_refused(rules: Callable[..., object], options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="routes is a list of Route"):
        rules(**options)


@pytest.mark.parametrize(
    ("rules", "name", "kind"),
    [
        (RequestRules, "otherwise", "Need"),
        (RequestRules, "websockets", "Websockets"),
        (AnswerRules, "unsigned_errors", "UnsignedErrors"),
        (AnswerRules, "unverifiable", "Unverifiable"),
        (SigningRules, "unsigned_questions", "UnsignedQuestions"),
        (SigningRules, "long_answers", "LongAnswers"),
    ],
)
@pytest.mark.parametrize("value", [None, True, "refuse", "none", 0])
def test_a_mode_of_another_form_is_refused(rules: Callable[..., object], name: str, kind: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is one of {kind}"):
        rules(**{name: value})
