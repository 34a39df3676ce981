"""Cases of the probe: good messages, and bad questions with a good signature. Data only."""

from __future__ import annotations

import datetime as dt
from typing import Final

from ..question import END, PAGE, START, Question
from .cases import Answered, Group, Refused, cases_of, refused

__all__ = ["GOOD", "LAST", "PAGED", "QUESTION", "SECOND", "UNKNOWN_PROPERTY"]

PAGED: Final = Question(page=1, page_size=5)
"""What is asked wherever the question does not matter: as few records as will do."""

SECOND: Final = Question(page=2, page_size=5)
"""The page behind it."""

UNKNOWN_PROPERTY: Final = "onbekend"

_PERIOD = Question(start=dt.date(2025, 1, 1), end=dt.date(2025, 3, 31), page=1, page_size=5)
_BEYOND = Question(page=999_999, page_size=5)

_INPUT = "DDAS OpenAPI, request body of POST /gegevens"


def _invalid(*statuses: int, names: str | None = None) -> Refused:
    return refused(*statuses, codes="INVALID_REQUEST UNPROCESSABLE", names=names)


GOOD = cases_of(
    Group.GOOD,
    (
        "good-page",
        "A good question for a page of five records.",
        "none: every bad message differs from this one in one thing",
        "DDAS koppelvlakspecificatie; RFC 7797; TS 119 182-1 §5.2.8.2",
        Answered(PAGED),
        "Is the signer of the questions trusted and allowed, and can its revocation be checked? Nothing below proves much before.",
    ),
    (
        "good-whole",
        "A good question without page and pageSize.",
        "every member is optional, so the body is {}",
        "DDAS OpenAPI: all members are optional",
        Answered(Question()),
        "Answer {} with everything, or with the first page and paginering; bare answers of more than a page skip this case.",
    ),
    (
        "good-period",
        "A good question for a period.",
        "with aanleverperiodeStartdatum and aanleverperiodeEinddatum",
        "DDAS: the answer is about the period that was asked for",
        Answered(_PERIOD),
        "Give startdatumLevering and einddatumLevering as they were asked: the consumer compares them.",
    ),
    (
        "good-page-second",
        "A good question for the page behind it.",
        "page 2",
        "DDAS OpenAPI: page says which page is asked for",
        Answered(SECOND),
        "Look at page: who always gives the first one delivers five records and no other. It needs more than five records.",
    ),
    (
        "good-page-beyond",
        "A good question for a page that does not exist.",
        "page 999999",
        "DDAS OpenAPI: the first page, or, in an earlier text, an empty one",
        Answered(_BEYOND),
        "Answer with the first page, or with an empty one; it is no error.",
    ),
    (
        "good-lower-case",
        "A good question whose field names are in lower case.",
        "digest, content-type and the others as HTTP/2 writes them",
        "RFC 9110 §5.1: names are compared without regard to case",
        Answered(PAGED),
        "Look fields up without regard to case.",
    ),
    (
        "good-chunked",
        "A good question in chunks.",
        "Transfer-Encoding: chunked instead of Content-Length",
        "RFC 9112 §7.1: every server reads chunked; the digest is of the body without it",
        Answered(PAGED),
        "Compute the digest of the body after the transfer coding is taken off.",
    ),
    (
        "good-gzip-offered",
        "A good question that offers gzip.",
        "Accept-Encoding: gzip instead of identity",
        "RFC 9110 §12.5.3: an offer binds nobody; the signature does not say how the body is to be read",
        Answered(PAGED),
        "Answer without Content-Encoding, whatever is offered: switch compression off, in the application and before it.",
    ),
    (
        "good-twice",
        "Two good questions on one connection.",
        "the second one is judged",
        "RFC 9112 §9.3: connections persist",
        Answered(PAGED),
        "Read the body to its end before answering, and count octets in Content-Length.",
    ),
)

QUESTION = cases_of(
    Group.QUESTION,
    (
        "dates-reversed",
        "A signed question whose period ends before it begins.",
        "aanleverperiodeEinddatum lies before aanleverperiodeStartdatum",
        f"{_INPUT}; 422: right in form, not in content",
        _invalid(422, 400, names=END),
        f"Answer 422 with a problem document that names {END}.",
    ),
    (
        "date-impossible",
        "A signed question with the date 2025-02-30.",
        START,
        f"{_INPUT}: format date",
        _invalid(400, 422, names=START),
        f"Answer 400 with a problem document that names {START}.",
    ),
    (
        "property-unknown",
        "A signed question with a member that is not described.",
        UNKNOWN_PROPERTY,
        f"{_INPUT}: nothing else is allowed",
        _invalid(400, 422, names=UNKNOWN_PROPERTY),
        "Refuse members that are not described: whoever misspells one would get everything.",
    ),
    (
        "type-wrong",
        "A signed question whose page is a text.",
        '"page": "1"',
        f"{_INPUT}: page is an integer",
        _invalid(400, 422, names=PAGE),
        "Refuse it, and name page: a text is no number.",
    ),
    (
        "page-zero",
        "A signed question for page 0.",
        '"page": 0',
        f"{_INPUT}: pages count from 1",
        _invalid(400, 422, names=PAGE),
        "Refuse it, and name page.",
    ),
    (
        "not-utf-8",
        "A signed question in ISO-8859-1.",
        "one octet that is no UTF-8",
        "DDAS: UTF-8 JSON; RFC 8259 §8.1",
        _invalid(400),
        "Answer 400 with a problem document, and no 500.",
    ),
    (
        "not-json",
        "A signed question that is no JSON.",
        "the body is cut off in the middle",
        "RFC 8259",
        _invalid(400),
        "Answer 400 with a problem document, and no 500.",
    ),
)

LAST = cases_of(
    Group.GOOD,
    (
        "good-again",
        "A good question after all of these.",
        "none: the endpoint must still be there",
        "what is bad for one request is no matter of the next",
        Answered(PAGED),
        "Something among the bad messages broke the endpoint: look in its log from there on.",
    ),
)
