"""The two systems that DDAS collects from, and what one answer of each may hold. Values only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any, NoReturn, Self

from ..errors import ConfigurationError

__all__ = ["Kind", "Organisation", "Record"]

MAX_TRAJECTEN, MAX_SIGNALEN = 25_000, 50_000
"""Records of one page at most, as the programme describes it."""


class Kind(Enum):
    """What is delivered."""

    SHV = "SHV"
    """Schuldhulptrajecten of schuldhulpverlening."""
    VS = "VS"
    """Vroegsignalen of vroegsignalering."""

    @property
    def member(self) -> str:
        """The member of a levering that has the records."""
        return "schuldhulptrajecten" if self is Kind.SHV else "vroegsignalen"

    @property
    def max_page_size(self) -> int:
        """Records of one page at most."""
        return MAX_TRAJECTEN if self is Kind.SHV else MAX_SIGNALEN

    @property
    def name_member(self) -> str:
        """The member of aanleverende_organisatie that has its name: the two schemas spell it differently."""
        return "(Statutaire) Naam" if self is Kind.SHV else "naam"


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """Whose data a levering holds.

    Attributes:
        name: What a question asks for as aanleverende_organisatie.
        details: The object aanleverende_organisatie, as JSON text.
        gemeentecode: VS only: the municipality of the levering. One organisation may deliver for several.

    Raises:
        ConfigurationError: The name is empty, or the text is no JSON object.
    """

    name: str
    details: str = field(repr=False)
    gemeentecode: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ConfigurationError("an organisation has a name: questions ask for it")
        _check_object(self.details, "details of an organisation")

    @classmethod
    def of(cls, kind: Kind, details: Mapping[str, Any], *, gemeentecode: str | None = None) -> Self:
        """From the object aanleverende_organisatie, whose name it takes.

        Args:
            kind: For which of the two.
            details: The object.
            gemeentecode: Required for VS, and in SHV part of each traject instead.

        Raises:
            ConfigurationError: There is no name in it, or the gemeentecode is missing or too much.
        """
        name = details.get(kind.name_member)
        if not isinstance(name, str):
            raise ConfigurationError(f"aanleverende_organisatie of {kind.value} has its name as {kind.name_member!r}")
        if (kind is Kind.VS) is not (isinstance(gemeentecode, str) and gemeentecode != ""):
            raise ConfigurationError("a levering of VS has a gemeentecode, one of SHV has none")
        return cls(name=name, details=_text(details), gemeentecode=gemeentecode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One traject or signaal.

    Attributes:
        json: Itself, as JSON text. Personal data.
        start: First day of its period; `None` when it has no beginning.
        end: Last day of its period; `None` while it lasts.

    Raises:
        ConfigurationError: The text is no JSON object, or the end lies before the start.
    """

    json: str = field(repr=False)
    start: date | None = None
    end: date | None = None

    def __post_init__(self) -> None:
        _check_object(self.json, "json of a record")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ConfigurationError("the period of a record ends before it starts")

    @classmethod
    def of(cls, kind: Kind, data: Mapping[str, Any]) -> Self:
        """From a traject or signaal, whose period it takes: of a traject startdatum and einddatum, of a signaal signaaldatum.

        Args:
            kind: Which of the two.
            data: It.

        Raises:
            ConfigurationError: A date is none, or the value is nothing that JSON can say.
        """
        first, last = ("startdatum", "einddatum") if kind is Kind.SHV else ("signaaldatum", "signaaldatum")
        return cls(json=_text(data), start=_day(data.get(first)), end=_day(data.get(last)))


def _day(value: object) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ConfigurationError("the period of a record has dates as YYYY-MM-DD") from None


def _text(data: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(data), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        # The exception may quote the value.
        raise ConfigurationError("this value is nothing that JSON can say") from None


def _check_object(text: object, what: str) -> None:
    """Return when the text is a JSON object that may stand in an answer: one that is none would spoil all the others."""
    try:
        value = json.loads(text, parse_constant=_no_constant) if isinstance(text, str) else None
        if isinstance(value, dict):
            str(text).encode()
            return
    except (ValueError, RecursionError):
        pass
    raise ConfigurationError(f"{what} is the text of a JSON object")


def _no_constant(_: str) -> NoReturn:
    raise ValueError
