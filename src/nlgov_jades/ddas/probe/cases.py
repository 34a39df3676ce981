"""What a case of the probe is, and what must come back: values only. The cases themselves are in `catalogue`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from ..question import Question

__all__ = ["Answered", "Case", "Expected", "Group", "Material", "Refused", "Refuser", "cases_of", "refused"]


class Group(StrEnum):
    """What a case is about."""

    GOOD = "good messages"
    SIGNATURE = "signature and digest"
    CERTIFICATE = "certificate"
    TIME = "time and replay"
    FRAMING = "HTTP"
    QUESTION = "question"


class Material(StrEnum):
    """Certificates that a case needs beside the good one; the value begins the names of their files."""

    EXPIRED = "expired"
    REVOKED = "revoked"
    OTHER_OIN = "other-oin"


class Refuser(Enum):
    """Who may refuse."""

    PROVIDER = "provider"
    """The provider: with a problem document, signed."""
    ANYBODY = "anybody"
    """Also what stands before it, a web server or a gateway, with an answer of its own or by hanging up."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Status 200, signed, with a page that answers this question.

    Attributes:
        question: What is asked.
    """

    question: Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An error.

    Attributes:
        statuses: Any of these; the first is the usual one.
        codes: `code` of the problem document, when it is one that this library knows, is one of these.
        names: A field of the question that the problem document must name, or `None`.
        by: Who may refuse.
    """

    statuses: tuple[int, ...]
    codes: frozenset[str]
    names: str | None = None
    by: Refuser = Refuser.PROVIDER


Expected = Answered | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that is tried.

    Attributes:
        id: Stable name.
        group: What it is about.
        title: One sentence: what is sent.
        deviation: What is not as in the good message, or what is special about it.
        why: What asks for the answer: the clause.
        expects: What must come back.
        advice: What to do when something else does.
        material: Which certificate it needs beside the good one, or `None`.
    """

    id: str
    group: Group
    title: str
    deviation: str
    why: str
    expects: Expected
    advice: str
    material: Material | None = None

    @property
    def expected(self) -> str:
        """What must come back, in words."""
        expects = self.expects
        if isinstance(expects, Answered):
            return "200, signed, a page of DDAS"
        statuses = " or ".join(map(str, expects.statuses))
        if expects.by is Refuser.ANYBODY:
            return f"{statuses}, or hung up; unsigned will do"
        named = "" if expects.names is None else f", names {expects.names}"
        return f"{statuses} {' or '.join(sorted(expects.codes))}{named}, signed"


# --- for the catalogue ---------------------------------------------------------------------------------------------


def refused(*statuses: int, codes: str, names: str | None = None, by: Refuser = Refuser.PROVIDER) -> Refused:
    """As `Refused`, with the codes in one text."""
    return Refused(statuses=statuses, codes=frozenset(codes.split()), names=names, by=by)


def cases_of(group: Group, *rows: tuple[str, str, str, str, Expected, str]) -> tuple[Case, ...]:
    """Cases that need no other certificate.

    Args:
        group: What they are about.
        rows: Of each the id, the title, the deviation, why, what is expected, and the advice.
    """
    return tuple(
        Case(id=id_, group=group, title=title, deviation=deviation, why=why, expects=expects, advice=advice)
        for id_, title, deviation, why, expects, advice in rows
    )
