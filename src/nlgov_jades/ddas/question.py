"""The question of DDAS: the body of `POST /gegevens`, read strictly. A value, and what is wrong with one that is none.

All five members are optional, and there is no sixth. What is no JSON, has another member or another type is status 400; what
has its form and contradicts itself is 422.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NoReturn

from .problems import ProblemError, invalid, unprocessable

__all__ = ["Question", "read_question"]

MAX_QUESTION = 16 * 1024
"""Octets: the longest sensible question has 300."""

START, END = "aanleverperiodeStartdatum", "aanleverperiodeEinddatum"
ORGANISATION, PAGE, PAGE_SIZE = "aanleverende_organisatie", "page", "pageSize"

_MEMBERS = frozenset({START, END, ORGANISATION, PAGE, PAGE_SIZE})

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_PLAIN_NAME = re.compile(r"[A-Za-z_]{1,40}[0-9]{0,3}")
"""A name that can be told back: no number of a person fits it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked.

    Attributes:
        start: First day of the period, or `None`.
        end: Last day of the period, or `None`.
        organisation: Whose data, or `None` for everybody's.
        page: Which page, from 1, or `None`.
        page_size: How many records a page may have, or `None`.
    """

    start: date | None = None
    end: date | None = None
    organisation: str | None = field(default=None, repr=False)
    page: int | None = None
    page_size: int | None = None


def read_question(body: bytes) -> Question:
    """The question in a body.

    Args:
        body: The octets that were verified.

    Raises:
        ProblemError: Status 400 or 422; it says which field is wrong.
    """
    members = _members(body)
    for name in members:
        if name not in _MEMBERS:
            raise _unknown(name)
    question = Question(
        start=_day(members, START),
        end=_day(members, END),
        organisation=_text(members, ORGANISATION),
        page=_number(members, PAGE),
        page_size=_number(members, PAGE_SIZE),
    )
    if question.start is not None and question.end is not None and question.end < question.start:
        raise unprocessable(f"{END} ligt voor {START}.", veld=END)
    return question


def _members(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_QUESTION:
        raise invalid(f"De body is langer dan {MAX_QUESTION} bytes.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise invalid("De body is geen UTF-8.") from None
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        # Neither the error nor its cause is passed on: both quote the body.
        raise invalid("De body is geen JSON.") from None
    if not isinstance(value, dict):
        raise invalid("De body is geen JSON-object.")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            told = _told(name)
            raise invalid(f"De body noemt {told or 'een eigenschap'} meer dan een keer.", veld=told)
        members[name] = value
    return members


def _no_constant(_: str) -> NoReturn:
    raise ValueError


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _told(name: str) -> str | None:
    return name if name in _MEMBERS or _PLAIN_NAME.fullmatch(name) else None


def _unknown(name: str) -> ProblemError:
    told = _told(name)
    return invalid(
        f"De eigenschap {told} is onbekend." if told else "De body heeft een onbekende eigenschap.", veld=told
    )


def _day(members: dict[str, Any], name: str) -> date | None:
    if name not in members:
        return None
    value = members[name]
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass  # it has the form and is no day, as 2025-02-30
    raise invalid(f"{name} is geen bestaande datum in de vorm JJJJ-MM-DD.", veld=name)


def _text(members: dict[str, Any], name: str) -> str | None:
    if name not in members:
        return None
    value = members[name]
    if not isinstance(value, str):
        raise invalid(f"{name} is geen tekst.", veld=name)
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise invalid(f"{name} bevat een half teken (surrogaat).", veld=name)
    return value


def _number(members: dict[str, Any], name: str) -> int | None:
    if name not in members:
        return None
    value = members[name]
    # To JSON Schema, which describes the question, 1.0 and 1e3 are integers. `true` is none, although Python counts it as one.
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int:
        raise invalid(f"{name} is geen geheel getal.", veld=name)
    if value < 1:
        raise invalid(f"{name} moet groter zijn dan of gelijk zijn aan 1.", veld=name)
    return value
