"""From `pars` and a message to the octets that are signed, and what `pars` must hold for this very message."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import pytest

from nlgov_jades import Fields, HttpRequest, HttpResponse, profiles
from nlgov_jades.errors import (
    ConfigurationError,
    MalformedSignatureError,
    ProfileViolationError,
    VerificationError,
    quoted,
)
from nlgov_jades.message import HttpMessage
from nlgov_jades.profiles import HttpHeaders, OtherFields
from nlgov_jades.sigd import check_pars, pars_to_emit, payload_octets

Refused = Callable[..., AbstractContextManager[pytest.ExceptionInfo[VerificationError]]]

TARGET = "(request-target)"
DIGEST = ("Digest", "SHA-256=x")


def headers(covers: object) -> HttpHeaders:
    assert isinstance(covers, HttpHeaders)
    return covers


PAYLOAD, MESSAGE = headers(profiles.DDAS.covers), headers(profiles.ADR_MESSAGE.covers)


def post(*lines: tuple[str | bytes, str | bytes], method: str = "POST", target: str = "/a?b=1") -> HttpRequest:
    return HttpRequest(method=method, target=target, fields=lines)


# --- octets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pars", "lines", "octets"),
    [
        pytest.param(["digest"], [DIGEST], b"digest: SHA-256=x", id="one line and no line feed"),
        pytest.param(["Digest"], [DIGEST], b"digest: SHA-256=x", id="name in lower case"),
        pytest.param(["digest"], [("DIGEST", "x")], b"digest: x", id="name of the field in any case"),
        pytest.param(["b", "a"], [("A", "1"), ("B", "2")], b"b: 2\na: 1", id="in the order of pars"),
        pytest.param(["a"], [("A", " \t 1 \t")], b"a: 1", id="trimmed"),
        pytest.param(["a"], [("A", "1  \t 2")], b"a: 1  \t 2", id="white space within"),
        pytest.param(["a"], [("A", " 1 "), ("B", "x"), ("a", "2\t")], b"a: 1, 2", id="several instances"),
        pytest.param(["a"], [("A", "1, 2")], b"a: 1, 2", id="a list in one instance"),
        pytest.param(["a"], [("A", ""), ("A", "")], b"a: , ", id="several empty instances"),
        pytest.param(["a", "b"], [("A", " "), ("B", "2")], b"a: \nb: 2", id="empty value"),
        pytest.param(["a"], [("A", "~!\t ")], b"a: ~!", id="edges of what is printable"),
        pytest.param([TARGET], [], b"(request-target): post /a?b=1", id="request-target"),
        pytest.param([TARGET, "digest"], [DIGEST], b"(request-target): post /a?b=1\ndigest: SHA-256=x", id="both"),
        pytest.param(["(Request-Target)"], [], b"(request-target): post /a?b=1", id="request-target in another case"),
        pytest.param(["x!#$%&'*+.^_`|~-0"], [("X!#$%&'*+.^_`|~-0", "1")], b"x!#$%&'*+.^_`|~-0: 1", id="any token"),
    ],
)
def test_the_octets_are_those_of_the_draft(pars: Sequence[str], lines: list[tuple[str, str]], octets: bytes) -> None:
    assert payload_octets(pars, post(*lines)) == octets


@pytest.mark.parametrize(
    ("method", "target", "octets"),
    [
        ("GET", "/", b"get /"),
        ("gEt", "/", b"get /"),
        ("POST", "/a/%7Ab?q=%20&r=[1]", b"post /a/%7Ab?q=%20&r=[1]"),
        ("M-SEARCH", "//a//b/../c", b"m-search //a//b/../c"),
        ("PUT", "/?", b"put /?"),
    ],
)
def test_the_request_target_is_taken_exactly_as_it_stands(method: str, target: str, octets: bytes) -> None:
    assert payload_octets([TARGET], post(method=method, target=target)) == b"(request-target): " + octets


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"a\x00b", id="nul"),
        pytest.param(b"a\nb", id="line feed"),
        pytest.param(b"a\nhost: other", id="a line more"),
        pytest.param(b"a\r", id="carriage return"),
        pytest.param(b"\x0ba", id="vertical tab"),
        pytest.param(b"a\x7f", id="delete"),
        pytest.param(b"a\x80", id="first beyond ascii"),
        pytest.param(b"S\xfadwest", id="iso-8859-1"),
        pytest.param(b"a\xa0", id="no-break space"),
        pytest.param("Sú".encode(), id="utf-8"),
    ],
)
def test_a_covered_value_holds_tabs_and_printable_ascii_only(refused: Refused, value: bytes) -> None:
    with refused(MalformedSignatureError, "the covered field x-a holds an octet"):
        payload_octets(["digest", "x-a"], post(DIGEST, ("X-A", value)))
    # It may stand in a field that is not covered.
    assert payload_octets(["digest"], post(DIGEST, ("X-A", value))) == b"digest: SHA-256=x"


def test_one_bad_instance_of_several_is_enough(refused: Refused) -> None:
    with refused(MalformedSignatureError, "the covered field x-a holds an octet"):
        payload_octets(["x-a"], post(("X-A", "1"), ("X-A", b"\xe9")))


def test_a_covered_field_that_is_not_there_is_refused(refused: Refused) -> None:
    with refused(ProfileViolationError, "the signature covers x-a, which the message does not have"):
        payload_octets(["digest", "x-a"], post(DIGEST))


@pytest.mark.parametrize(
    "name",
    ["", " ", "a b", "a:", "digest\n", "\tdigest", "(created)", "(request-target) ", "é", "a" * 65, "a/b", "\u212ax"],
)
def test_what_is_no_name_of_a_field_is_refused(refused: Refused, name: str) -> None:
    with refused(ProfileViolationError, "not the name of a field"):
        payload_octets([name], post((name.encode("iso-8859-1", "ignore"), "x"), ("kx", "y")))


def test_the_longest_name_of_a_field_has_64_characters() -> None:
    assert payload_octets(["a" * 64], post(("a" * 64, "x"))) == b"a" * 64 + b": x"


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", ""),
        ("POST", "a"),
        ("POST", "*"),
        ("POST", "https://a.example/"),
        ("CONNECT", "a.example:443"),
        ("POST", "/a b"),
        ("POST", "/a\n"),
        ("POST", "/a\ndigest: SHA-256=y"),
        ("POST", "/\x7f"),
        ("POST", "/é"),
        ("POST", "/\u20ac"),
        ("", "/"),
        ("PO ST", "/"),
        ("POST\n", "/"),
        ("É", "/"),
        ("M" * 33, "/"),
        ("\u212aILL", "/"),
    ],
)
def test_a_request_line_that_is_not_in_origin_form_is_refused(refused: Refused, method: str, target: str) -> None:
    with refused(MalformedSignatureError, "origin-form is needed"):
        payload_octets([TARGET], post(method=method, target=target))


def test_a_response_takes_the_request_target_of_what_it_answers() -> None:
    response = HttpResponse(status=200, fields=[DIGEST], request=post(method="PUT", target="/c"))
    assert payload_octets([TARGET, "digest"], response) == b"(request-target): put /c\ndigest: SHA-256=x"


def test_a_response_does_not_take_its_fields_from_the_request(refused: Refused) -> None:
    response = HttpResponse(status=200, fields=[DIGEST], request=post(("X-A", "1")))
    with refused(ProfileViolationError, "covers x-a"):
        payload_octets(["x-a"], response)


def test_a_response_without_its_request_is_our_own_mistake() -> None:
    response = HttpResponse(status=200, fields=[DIGEST])
    with pytest.raises(ConfigurationError, match=r"covers \(request-target\): give the request"):
        payload_octets([TARGET], response)
    assert payload_octets(["digest"], response) == b"digest: SHA-256=x"


def test_a_field_that_is_called_like_the_request_target_does_not_replace_it() -> None:
    assert payload_octets([TARGET], post((TARGET, "get /other"))) == b"(request-target): post /a?b=1"


# --- what is emitted -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "pars"),
    [
        ([DIGEST], (TARGET, "digest")),
        ([DIGEST, ("Host", "a"), ("X-A", "1")], (TARGET, "host", "digest")),
        ([("Content-Length", "0"), ("Content-Type", ""), DIGEST], (TARGET, "content-type", "content-length", "digest")),
        (
            [(name, "x") for name in ("content-length", "content-type", "content-encoding", "origin", "host")],
            (TARGET, "host", "origin", "content-encoding", "content-type", "content-length", "digest"),
        ),
    ],
)
def test_a_signer_covers_what_is_mandatory_and_what_the_message_has(
    lines: list[tuple[str, str]], pars: tuple[str, ...]
) -> None:
    assert pars_to_emit(MESSAGE, post(*lines)) == pars
    assert pars_to_emit(PAYLOAD, post(*lines)) == ("digest",)


# --- what is asked -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lines", [[DIGEST], [DIGEST, ("Host", "a"), ("Content-Type", "b"), ("X-A", "1")]])
def test_what_a_signer_emits_is_what_is_asked(lines: list[tuple[str, str]]) -> None:
    for covers in (PAYLOAD, MESSAGE):
        check_pars(pars_to_emit(covers, post(*lines)), covers, post(*lines))


@pytest.mark.parametrize(
    ("message", "pars", "missing"),
    [
        (post(DIGEST), ["digest"], "(request-target)"),
        (post(DIGEST), [TARGET], "digest"),
        (post(), [TARGET], "digest"),
        (post(DIGEST), [], "(request-target), digest"),
        (post(DIGEST, ("Content-Type", "text/html")), [TARGET, "digest"], "content-type"),
        (post(DIGEST, ("Content-Type", "")), [TARGET, "digest"], "content-type"),
        (post(DIGEST, ("HOST", "a"), ("Origin", "b")), [TARGET, "digest", "host"], "origin"),
        (post(DIGEST, ("Content-Encoding", "gzip"), ("Content-Length", "1")), [TARGET, "digest"], "content-encoding"),
        (HttpResponse(status=200, fields=[DIGEST, ("Content-Type", "a")]), [TARGET, "digest"], "content-type"),
    ],
)
def test_a_field_that_the_message_has_and_pars_leaves_out_is_refused(
    refused: Refused, message: HttpMessage, pars: list[str], missing: str
) -> None:
    with refused(ProfileViolationError, f"the signature does not cover {missing}"):
        check_pars(pars, MESSAGE, message)


@pytest.mark.parametrize("pars", [["digest", "host"], ["digest", TARGET], ["digest", "x-a"]])
def test_a_payload_profile_covers_nothing_more(refused: Refused, pars: list[str]) -> None:
    with refused(ProfileViolationError, "pars must be exactly ['digest'] in this profile"):
        check_pars(pars, PAYLOAD, post(DIGEST, ("Host", "a"), ("X-A", "1")))


@pytest.mark.parametrize("name", ["x-a", "", "a b", "[red]"])
def test_a_name_that_the_message_does_not_have_is_refused_first(refused: Refused, name: str) -> None:
    for covers in (PAYLOAD, MESSAGE):
        with refused(ProfileViolationError, f"the signature covers {quoted(name)}, which the message does not have"):
            check_pars([name], covers, post(DIGEST))


def test_a_payload_profile_covers_nothing_less(refused: Refused) -> None:
    with refused(ProfileViolationError, "the signature does not cover digest"):
        check_pars([], PAYLOAD, post(DIGEST))


def test_a_message_profile_may_cover_more() -> None:
    check_pars(["x-a", "digest", TARGET], MESSAGE, post(DIGEST, ("X-A", "1")))


def test_a_closed_list_takes_what_the_message_has_and_refuses_what_it_has_not(refused: Refused) -> None:
    closed = dataclasses.replace(MESSAGE, others=OtherFields.REFUSED)
    check_pars([TARGET, "digest", "host"], closed, post(DIGEST, ("Host", "a")))
    with refused(ProfileViolationError, "the signature covers 'host', which the message does not have"):
        check_pars([TARGET, "digest", "host"], closed, post(DIGEST))
    with refused(ProfileViolationError, "pars must be exactly"):
        check_pars([TARGET, "digest", "x-a"], closed, post(DIGEST, ("X-A", "1")))


def test_an_absent_field_is_not_asked_for() -> None:
    check_pars([TARGET, "digest"], MESSAGE, HttpRequest(method="GET", target="/", fields=Fields([DIGEST])))


OPEN = dataclasses.replace(PAYLOAD, others=OtherFields.ALLOWED)


@pytest.mark.parametrize("covers", [PAYLOAD, OPEN], ids=["closed list", "open list"])
def test_a_signer_that_covers_an_unknown_request_is_refused_and_the_configuration_is_not_blamed(
    refused: Refused, covers: HttpHeaders
) -> None:
    with refused(ProfileViolationError, "the signature covers (request-target), and the request is not known"):
        check_pars(["digest", TARGET], covers, HttpResponse(status=200, fields=[DIGEST]))


def test_an_answer_to_an_unknown_request_may_cover_everything_else() -> None:
    check_pars(["digest", "x-a"], OPEN, HttpResponse(status=200, fields=[DIGEST, ("X-A", "1")]))


def test_a_signer_may_cover_a_known_request_where_the_profile_leaves_it_open() -> None:
    request = post(DIGEST)
    check_pars(["digest", TARGET], OPEN, HttpResponse(status=200, fields=[DIGEST], request=request))
    check_pars(["digest", TARGET], OPEN, request)


@pytest.mark.parametrize("method", ["P", "P" * 32])
def test_the_longest_method_has_32_characters_and_the_shortest_has_one(refused: Refused, method: str) -> None:
    assert payload_octets([TARGET], post(method=method)) == f"(request-target): {method.lower()} /a?b=1".encode()
    with refused(MalformedSignatureError, "cannot be signed"):
        payload_octets([TARGET], post(method="P" * 33))
