"""The report in a real browser: it can be read on a desk, on a telephone and at night, and nothing in it runs or is fetched."""

from __future__ import annotations

import base64
import http.server
import runpy
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nlgov_jades.ddas import Kind, SqliteStorage
from nlgov_jades.ddas.probe import CASES, Verdict, as_html

from .browser import browser, missing, requested, shaped, shot
from .world import World, raw_server, read_request, serving

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "never")

_REPORTS = runpy.run_path(str(Path(__file__).parents[2] / "unit" / "ddas" / "probe" / "reports.py"))
HOSTILE, hostile_report = _REPORTS["HOSTILE"], _REPORTS["hostile_report"]

WIDTHS = [(1280, 1000), (390, 844)]
READABLE = 4.5
"""Contrast of text, WCAG 2.1 §1.4.3."""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browser(tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report with hostile texts in it, as a file."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(as_html(hostile_report()), "utf-8")
    return path


def fresh(driver: Any) -> None:
    driver.get("about:blank")
    driver.get_log("browser")
    requested(driver)


def opened(driver: Any, url: str, width: int = 1280, height: int = 1000, *, dark: bool = False) -> list[str]:
    """Load a page; gives what it asked for."""
    fresh(driver)
    shaped(driver, width, height, dark=dark)
    driver.get(url)
    return requested(driver)


# --- nothing runs, nothing is fetched ------------------------------------------------------------------------------


@pytest.fixture
def served(page: Path) -> Iterator[tuple[str, list[str]]]:
    """The same page from a server, and what that was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            octets = page.read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(octets)))
            self.end_headers()
            self.wfile.write(octets)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the standard library
            """Not on the terminal."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/report.html", asked
        finally:
            server.shutdown()
            thread.join()


def assert_quiet(driver: Any, url: str, loaded: list[str]) -> None:
    """Nothing ran, nothing was fetched, and the browser has nothing to say."""
    assert loaded == [url]
    assert driver.execute_script("return window.ran === undefined")
    assert driver.execute_script("return document.scripts.length + document.images.length") == 0
    assert driver.current_url == url
    assert driver.get_log("browser") == []
    rows = driver.execute_script(
        "return [...document.querySelectorAll('tbody tr')].filter(r => r.checkVisibility()).map(r => r.id)"
    )
    assert sorted(rows) == sorted(case.id for case in CASES)


def test_from_a_file_nothing_in_it_runs_and_nothing_is_fetched(driver: Any, page: Path) -> None:
    url = page.as_uri()
    assert_quiet(driver, url, opened(driver, url))


def test_from_a_server_nothing_in_it_runs_and_nothing_is_fetched(driver: Any, served: tuple[str, list[str]]) -> None:
    url, asked = served
    assert_quiet(driver, url, opened(driver, url))
    assert [path for path in asked if path != "/favicon.ico"] == ["/report.html"]


def test_hostile_texts_are_there_to_be_read_and_turned_by_nobody(driver: Any, page: Path) -> None:
    opened(driver, page.as_uri())
    text = driver.execute_script("return document.body.innerText")
    for hostile in HOSTILE:
        plain = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in hostile)
        assert plain in text, plain
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in text


def test_were_markup_ever_to_get_through_its_policy_would_stop_it(driver: Any, page: Path, tmp_path: Path) -> None:
    # As if nothing were escaped.
    raw = "</svg>".join(one for one in HOSTILE if "http-equiv" not in one and "\ud800" not in one)
    raw += "<style>h1{color:red}</style><p style='color:red' id=styled>x</p><button onclick='window.ran=5'>x</button>"
    fetched: list[bytes] = []
    with raw_server(lambda connection: fetched.append(read_request(connection))) as elsewhere:
        raw += f"<img src={elsewhere}/x><iframe src={elsewhere}/y></iframe><link rel=stylesheet href={elsewhere}/z>"
        broken = tmp_path / "broken.html"
        broken.write_text(page.read_text("utf-8").replace("</body>", f"{raw}</body>"), "utf-8")
        opened(driver, broken.as_uri())
        driver.execute_script(
            "document.querySelector('button').click(); document.querySelector('a[href^=javascript]').click()"
        )
        assert driver.execute_script("return window.ran === undefined")
        red = "rgb(255, 0, 0)"
        assert driver.execute_script("return getComputedStyle(document.getElementById('styled')).color") != red
        assert driver.execute_script("return getComputedStyle(document.querySelector('h1')).color") != red
        said = " ".join(entry["message"] for entry in driver.get_log("browser"))
        assert "Content Security Policy" in said
        fresh(driver)
    # Chromium makes a connection ahead of time, and then asks for nothing on it.
    assert [octets for octets in fetched if octets] == []


# --- it can be read ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), WIDTHS, ids=["desk", "telephone"])
def test_it_is_as_wide_as_what_it_is_looked_at_with(driver: Any, page: Path, width: int, height: int) -> None:
    opened(driver, page.as_uri(), width, height)
    seen, whole = driver.execute_script("return [window.innerWidth, document.documentElement.scrollWidth]")
    assert (seen, whole) == (width, width)
    # No part of it sticks out or is squeezed into a column of single letters.
    out = driver.execute_script(
        "return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).length"
    )
    assert out == 0
    narrow = driver.execute_script(
        "return [...document.querySelectorAll('caption, p, dd, h1, h2')]"
        ".filter(e => e.checkVisibility() && e.innerText.length > 10 && e.getBoundingClientRect().width < 60).length"
    )
    assert narrow == 0


CONTRAST = """
const number = c => c.match(/[\\d.]+/g).map(Number);
const light = c => number(c).slice(0, 3).map(v => v / 255)
  .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const behind = e => { for (; e; e = e.parentElement) {
  const c = getComputedStyle(e).backgroundColor; if (number(c)[3] !== 0) return c; } return 'rgb(255, 255, 255)'; };
const own = e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
return [...document.querySelectorAll('body *')].filter(e => own(e) && e.checkVisibility()).map(e => {
  const [a, b] = [light(getComputedStyle(e).color), light(behind(e))];
  return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.className || e.tagName]; });
"""


@pytest.mark.parametrize("dark", [False, True], ids=["by day", "at night"])
@pytest.mark.parametrize(("width", "height"), WIDTHS, ids=["desk", "telephone"])
def test_its_texts_stand_out(driver: Any, page: Path, width: int, height: int, dark: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    opened(driver, page.as_uri(), width, height, dark=dark)
    ratios = driver.execute_script(CONTRAST)
    assert len(ratios) > 200
    assert {kind for _, kind in ratios} >= {"mark passed", "mark failed", "mark open", "soft", "todo", "CODE"}
    assert [pair for pair in ratios if pair[0] < READABLE] == []
    paper = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(22, 24, 27)" if dark else "rgb(255, 255, 255)")


def test_its_head_says_how_it_ended_and_leads_to_what_failed(driver: Any, page: Path) -> None:
    opened(driver, page.as_uri())
    report = hostile_report()
    summary = driver.execute_script("return document.querySelector('.outcome').innerText")
    assert "Failed" in summary
    assert f"{len(CASES)} cases" in summary
    failed = [result.case.id for result in report.results if result.verdict is Verdict.FAILED]
    links = driver.execute_script(
        "return [...document.querySelectorAll('.outcome a')].map(a => a.getAttribute('href'))"
    )
    assert links[: len(failed)] == [f"#{case}" for case in failed]
    driver.execute_script("document.querySelector('.outcome a').click()")
    top = driver.execute_script(f"return document.getElementById('{failed[0]}').getBoundingClientRect().top")
    assert -1 <= top < 1000
    assert driver.get_log("browser") == []


def test_a_report_of_a_real_endpoint_is_shown_and_printed_on_a4(
    driver: Any, world: World, storage: SqliteStorage, tmp_path: Path
) -> None:
    with serving(world.provider(storage, Kind.SHV, replay_guard=None)) as url:
        report = world.probe(f"{url}/v1/gegevens")
    path = tmp_path / "report.html"
    path.write_text(as_html(report), "utf-8")
    url = path.as_uri()
    for (width, height), dark in ((WIDTHS[0], False), (WIDTHS[1], True)):
        assert_quiet(driver, url, opened(driver, url, width, height, dark=dark))
        assert driver.execute_script("return document.documentElement.scrollWidth") == width
        picture = tmp_path / f"report-{width}.png"
        shot(driver, picture)
        assert picture.stat().st_size > 50_000
    row = driver.execute_script("return document.getElementById('replay').innerText")
    assert "failed" in row
    assert "REPLAYED_MESSAGE" in row
    assert "replay guard" in row
    assert "00000003123456780000" in driver.execute_script("return document.body.innerText")
    # A4 at 96 dots to the inch, less its margins: a table on paper too, black on white also at night.
    shaped(driver, 688, 971, dark=True, medium="print")
    assert driver.execute_script("return document.documentElement.scrollWidth") == 688
    assert driver.execute_script("return getComputedStyle(document.getElementById('replay')).display") == "table-row"
    assert driver.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert [pair for pair in driver.execute_script(CONTRAST) if pair[0] < READABLE] == []
    shot(driver, tmp_path / "paper.png")
    shaped(driver, *WIDTHS[0])
    pdf = base64.b64decode(driver.print_page())
    assert pdf.startswith(b"%PDF")
