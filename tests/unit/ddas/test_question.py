from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from nlgov_jades.ddas import ProblemError, Question, read_question

BSN = "123456789"


def refusal(body: bytes) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        read_question(body)
    return caught.value


def test_every_member_is_optional() -> None:
    assert read_question(b"{}") == Question()


def test_all_members_are_read() -> None:
    body = {
        "aanleverperiodeStartdatum": "2025-01-01",
        "aanleverperiodeEinddatum": "2025-01-01",
        "aanleverende_organisatie": "Gemeente Súdwest",
        "page": 2,
        "pageSize": 25000,
    }
    day = dt.date(2025, 1, 1)
    expected = Question(start=day, end=day, organisation="Gemeente Súdwest", page=2, page_size=25000)
    assert read_question(json.dumps(body, ensure_ascii=False).encode()) == expected


@pytest.mark.parametrize(
    "value", ["2025-02-30", "0000-01-01", "20250101", "2025-1-1", "2025-01-01T00:00:00Z", "", 20250101]
)
@pytest.mark.parametrize("name", ["aanleverperiodeStartdatum", "aanleverperiodeEinddatum"])
def test_a_date_that_is_none_is_refused(name: str, value: Any) -> None:
    problem = refusal(json.dumps({name: value}).encode()).problem
    assert (problem.status, problem.veld, problem.code) == (400, name, "INVALID_REQUEST")


@pytest.mark.parametrize(("text", "value"), [("1.0", 1), ("1e3", 1000), ("25000.00", 25000), ("1E+2", 100)])
@pytest.mark.parametrize("name", ["page", "pageSize"])
def test_a_number_without_a_fraction_is_an_integer_as_in_json_schema(name: str, text: str, value: int) -> None:
    question = read_question(f'{{"{name}":{text}}}'.encode())
    number = question.page if name == "page" else question.page_size
    assert number == value
    assert type(number) is int


@pytest.mark.parametrize(
    "value",
    ["true", "false", "1.5", '"1"', "null", "[1]", "{}", "0", "-1", "0.0", "-0.0", "-1.0", "1e-3", "1e400", "-1e400"],
)
@pytest.mark.parametrize("name", ["page", "pageSize"])
def test_a_number_of_another_type_or_below_one_is_refused(name: str, value: str) -> None:
    problem = refusal(f'{{"{name}":{value}}}'.encode()).problem
    assert (problem.status, problem.veld) == (400, name)


@pytest.mark.parametrize("value", ["1", "null", "true", '["a"]', '"\\ud800"'])
def test_an_organisation_that_is_no_text_is_refused(value: str) -> None:
    problem = refusal(f'{{"aanleverende_organisatie":{value}}}'.encode()).problem
    assert (problem.status, problem.veld) == (400, "aanleverende_organisatie")


def test_dates_the_wrong_way_round_are_not_processable() -> None:
    body = b'{"aanleverperiodeStartdatum":"2025-02-01","aanleverperiodeEinddatum":"2025-01-31"}'
    problem = refusal(body).problem
    assert (problem.status, problem.veld, problem.code) == (422, "aanleverperiodeEinddatum", "UNPROCESSABLE")


def test_an_unknown_member_is_refused_and_named() -> None:
    problem = refusal(b'{"pagesize":1}').problem
    assert (problem.status, problem.veld) == (400, "pagesize")
    assert "pagesize" in problem.detail


@pytest.mark.parametrize("name", [BSN, f"bsn{BSN}", "J. Jansen", "<script>", "a" * 41, "é"])
def test_an_unknown_member_whose_name_may_be_personal_is_not_named(name: str) -> None:
    problem = refusal(json.dumps({name: 1}).encode()).problem
    assert (problem.status, problem.veld) == (400, None)
    assert name not in json.dumps(problem.document(), ensure_ascii=False)


def test_a_member_that_is_there_twice_is_refused_and_named() -> None:
    problem = refusal(b'{"page":1,"page":2}').problem
    assert (problem.status, problem.veld) == (400, "page")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "geen JSON."),
        (b"{", "geen JSON."),
        (b'{"page":1}x', "geen JSON."),
        (b'{"page":NaN}', "geen JSON."),
        (b'{"page":' + b"9" * 5000 + b"}", "geen JSON."),
        (b"\xef\xbb\xbf{}", "geen JSON."),
        (b"[" * 16_000, "geen JSON."),
        (b"[]", "geen JSON-object."),
        (b"null", "geen JSON-object."),
        (b'"' + BSN.encode() + b'"', "geen JSON-object."),
        (b'{"aanleverende_organisatie":"S\xfadwest"}', "geen UTF-8."),
        ("{}".encode("utf-16"), "geen UTF-8."),
        (b" " * 20_000, "langer"),
    ],
    ids=range(13),
)
def test_a_body_that_is_no_json_object_is_refused(body: bytes, words: str) -> None:
    problem = refusal(body).problem
    assert (problem.status, problem.veld) == (400, None)
    assert words in problem.detail


def test_no_value_of_the_question_is_in_the_refusal_or_its_causes() -> None:
    for body in (f'{{"page":"{BSN}"}}', f'{{"aanleverperiodeStartdatum":"{BSN}"}}', f'{{"page":{BSN}'):
        error = refusal(body.encode())
        told = repr(error) + str(error.__cause__) + json.dumps(error.problem.document())
        assert BSN not in told
        assert error.__suppress_context__ or error.__context__ is None


def test_a_question_shows_no_name_of_an_organisation() -> None:
    assert "Jansen" not in repr(Question(organisation="Bewindvoering Jansen"))
