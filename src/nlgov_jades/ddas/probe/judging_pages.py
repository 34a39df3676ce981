"""A page that came back, held against the question and against what it says of itself: pure.

At least as strict as the consumer: what a consumer refuses must not pass here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..answers import AnswerShape
from ..kinds import Kind
from ..question import Question
from ..reading import Survey

__all__ = ["check_page", "is_first_again"]

_NUMBERS = ("pageSize", "currentPage", "totalPages", "totalRecords")

Add = Callable[[str], None]


def check_page(add: Add, remarks: list[str], found: Survey, question: Question, *, kind: Kind) -> None:
    """Say what is wrong with a page.

    Args:
        add: Takes each thing that is wrong.
        remarks: Where what is worth telling goes.
        found: What the page says of itself, and how much is in it.
        question: What was asked.
        kind: Whose records they are.
    """
    head = found.head
    for asked, name in ((question.start, "startdatumLevering"), (question.end, "einddatumLevering")):
        if asked is not None and head[name] != asked.isoformat():
            add(f"{name} is not the date that was asked for")
    most = min(kind.max_page_size, question.page_size or kind.max_page_size)
    if found.count > most:
        add(f"it has more records than the {most} {_that(question)}")
    elif found.paging is not None:
        wrong = _wrong_paging(found.paging, found.count, question, most)
        if wrong is not None:
            add(wrong)
    elif question.page_size is not None:
        if found.shape is AnswerShape.ENVELOPE:
            add("the question has a pageSize, and the answer has no paginering")
        else:
            remarks.append("A bare Uitwisselmodel, as in the earlier description: it says nothing about pages.")


def _that(question: Question) -> str:
    return "a page may have" if question.page_size is None else "that were asked for"


def _wrong_paging(paging: Mapping[str, object], count: int, question: Question, most: int) -> str | None:
    """The first thing that is wrong with paginering, beside so many records."""
    numbers = [number for number in map(paging.get, _NUMBERS) if type(number) is int and number >= 0]
    if len(numbers) != len(_NUMBERS):
        return "paginering has not the four numbers that DDAS describes"
    size, current, pages, total = numbers
    if size > most:
        return f"paginering states a pageSize above the {most} {_that(question)}"
    # Of nothing there is one empty page, or none.
    if size < 1 or pages not in ((-(-total // size),) if total else (0, 1)):
        return "paginering contradicts itself: totalPages is not totalRecords divided by pageSize"
    expected = max(0, min(size, total - (current - 1) * size))
    return _wrong_page(question.page or 1, current, pages, count=count, expected=expected)


def _wrong_page(asked: int, current: int, pages: int, *, count: int, expected: int) -> str | None:
    exists = asked <= max(1, pages)
    if exists and current != asked:
        return f"page {asked} was asked for, and paginering states another one"
    if not exists and not count:
        return None  # the empty page of the earlier description
    if not exists and current != 1:
        return f"page {asked} does not exist: the first page answers it, or an empty one"
    if count != expected:
        return "the page does not have as many records as paginering says"
    return None


def is_first_again(first: Survey | None, found: Survey, question: Question) -> bool:
    """Whether a second page has the records of the first one, although there must be others.

    Args:
        first: The first page, when it is known.
        found: The answer to the question for the second one.
        question: That question.
    """
    if first is None or not found.count or first.count != question.page_size or first.digest != found.digest:
        return False
    # Where there is one page only, that is the answer, and paginering says so.
    return found.paging is None or found.paging.get("currentPage") != 1
