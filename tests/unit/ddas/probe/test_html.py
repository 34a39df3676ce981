from __future__ import annotations

import base64
import dataclasses
import hashlib
import html
import re
from html.parser import HTMLParser

import pytest

from nlgov_jades.ddas.probe import CASES, Verdict, as_html
from nlgov_jades.ddas.probe.report import CaseResult

from .reports import HOSTILE, hostile_report

VOID = {"meta"}
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "section", "strong", "dl", "dt", "dd", "a"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "span", "code"),
}


class Reader(HTMLParser):
    """What a page consists of."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.style = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.text.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def page() -> str:
    return as_html(hostile_report())


def test_its_policy_allows_one_style_sheet_by_its_hash_and_nothing_else(page: str) -> None:
    reader = read(page)
    (policy,) = [attrs["content"] for tag, attrs in reader.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(reader.style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    # Before anything that it is about.
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_it_refers_to_nothing_outside_of_itself(page: str) -> None:
    reader = read(page)
    for tag, attrs in reader.tags:
        assert tag in ALLOWED
        assert not {"src", "srcset", "style", "action", "data", "ping"} & set(attrs)
        assert not any(name.startswith("on") for name in attrs)
        assert (attrs.get("href") or "#").startswith("#")
    assert "url(" not in reader.style
    assert "@import" not in reader.style


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_other_peoples_text_is_there_as_text(page: str, hostile: str) -> None:
    plain = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in hostile)
    assert plain in "".join(read(page).text)
    assert html.escape(plain) in page
    # Where it has markup, that never stands there as such.
    assert "<" not in plain or plain not in page


def test_it_has_no_control_and_no_bidirectional_character(page: str) -> None:
    assert [one for one in page.replace("\n", "") if not one.isprintable()] == []
    page.encode("utf-8")


def test_it_has_one_row_for_each_case_with_verdict_expectation_and_advice(page: str) -> None:
    reader = read(page)
    rows = [attrs["id"] for tag, attrs in reader.tags if tag == "tr" and "id" in attrs]
    assert sorted(filter(None, rows)) == sorted(case.id for case in CASES)
    text = html.unescape(page)
    for case in CASES:
        assert case.title in text
        assert case.expected in text
        assert case.deviation in text
        assert case.why in text


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ((Verdict.PASSED,), "Passed:"),
        ((Verdict.PASSED, Verdict.SKIPPED), "Passed:"),
        ((Verdict.PASSED, Verdict.FAILED, Verdict.NOT_TRIED), "Failed:"),
        ((Verdict.PASSED, Verdict.NOT_TRIED), "Incomplete:"),
        ((Verdict.SKIPPED,), "Incomplete:"),
    ],
    ids=["passed", "skipped", "failed", "not tried", "nothing"],
)
def test_its_head_says_how_it_ended(verdicts: tuple[Verdict, ...], words: str) -> None:
    results = tuple(CaseResult(case=case, verdict=verdict) for case, verdict in zip(CASES, verdicts, strict=False))
    text = as_html(dataclasses.replace(hostile_report(), results=results))
    (head,) = re.findall(r"<strong>(.*?)</strong>", text)
    assert head.startswith(words)


def test_without_a_signature_that_holds_it_says_that_nothing_is_known(page: str) -> None:
    del page
    text = as_html(dataclasses.replace(hostile_report(), provider=None))
    assert "No answer had a good signature" in text


def test_the_same_report_is_the_same_page(page: str) -> None:
    assert as_html(hostile_report()) == page
