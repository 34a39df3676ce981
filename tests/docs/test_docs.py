"""The documentation holds: its examples run, its links lead somewhere, its reference names everything there is.

The blocks of one page run in order in one empty folder; `CONTRIBUTING.md` says which blocks do what. Nothing else is
prepared: a page that needs certificates makes them itself, with `nlgov-jades dev-pki new`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import inspect
import io
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import click
import pytest

import nlgov_jades
import nlgov_jades.fetch
import nlgov_jades.testing
from nlgov_jades import asgi, ddas, edges, errors, profiles, wsgi
from nlgov_jades import httpx as httpx_edge
from nlgov_jades import httpx2 as httpx2_edge
from nlgov_jades import requests as requests_edge
from nlgov_jades.cli.app import cli
from nlgov_jades.ddas import fsc, gateways, probe, testdata
from nlgov_jades.fetch import FetchLimits
from nlgov_jades.notice import NoticeCode
from nlgov_jades.testing import Behaviour, OcspSigner, plugin

ROOT = Path(__file__).resolve().parents[2]
TOP = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "test-vectors/README.md")
PAGES = sorted([*(ROOT / name for name in TOP), *(ROOT / "docs").rglob("*.md")])
EXAMPLES = [page for page in PAGES if page.parent.name != "test-vectors"]

_FENCE = re.compile(r"^```(.*)$")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
_HEADING = re.compile(r"^(#{1,6}) +(.*)$", re.MULTILINE)
EXAMPLE_PORT = 8888
_EXIT_STATUS = re.compile(r"# exit status ([0-9])")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


# --- reading Markdown ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """A fenced block: the words behind the fence, the text, and the line on which the text starts."""

    info: tuple[str, ...]
    text: str
    line: int


def blocks_of(page: Path) -> Iterator[Block]:
    info: tuple[str, ...] | None = None
    start, lines = 0, list[str]()
    for number, line in enumerate(page.read_text("utf-8").splitlines(), start=1):
        fence = _FENCE.match(line)
        if fence is None:
            lines.append(line)
        elif info is None:
            info, start, lines = tuple(fence[1].split()), number + 1, []
        else:
            yield Block(info, "\n".join(lines) + "\n", start)
            info, lines = None, []
    assert info is None, f"{name_of(page)} has a fence that is not closed"


def prose_of(page: Path) -> str:
    """The page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def slug(heading: str) -> str:
    """The anchor that GitHub and its kin give a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", _ANCHOR.sub("", heading)).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors_of(page: Path) -> set[str]:
    text = prose_of(page)
    return {slug(match[2]) for match in _HEADING.finditer(text)} | set(_ANCHOR.findall(text))


def section(page: Path, start: re.Pattern[str], end: re.Pattern[str]) -> str:
    """The text from a match of `start` to the next match of `end`, or to the end of the page."""
    text = page.read_text("utf-8")
    opening = start.search(text)
    assert opening is not None, f"{name_of(page)} lacks {start.pattern}"
    closing = end.search(text, opening.end())
    return text[opening.start() : closing.start() if closing else len(text)]


# --- examples ------------------------------------------------------------------------------------------------


def run_python(block: Block, namespace: dict[str, object], page: Path) -> None:
    # The empty lines in front make a traceback name the line of the page.
    code = compile("\n" * (block.line - 1) + block.text, str(page), "exec")
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, namespace)  # noqa: S102 - the examples are ours, and running them is the test


class Console:
    """Runs `console` blocks in one folder. A command that ends in `&` runs until the page ends.

    The port of the examples may be taken on this machine, so another one stands in for it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[subprocess.Popen[str]] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def run(self, block: Block) -> None:
        text = block.text.replace("\\\n", " ").replace(f"127.0.0.1:{EXAMPLE_PORT}", f"127.0.0.1:{self.port}")
        for piece in filter(str.strip, re.split(r"^(?=\$ )", text, flags=re.MULTILINE)):
            command, *shown = piece.strip().splitlines()
            program, *arguments = shlex.split(command)[1:]
            if program == "nlgov-jades":
                started = [sys.executable, "-c", "from nlgov_jades.cli import main; main()", *arguments]
            elif program == "pytest":
                started = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments]
            else:
                continue
            if arguments[-1:] == ["&"]:
                self._start(started[:-1], shown)
            else:
                self._run(started, command, shown)

    def _run(self, started: list[str], command: str, shown: list[str]) -> None:
        status = 0
        if shown and (stated := _EXIT_STATUS.fullmatch(shown[0].strip())):
            status = int(stated[1])
            shown = shown[1:]
        done = subprocess.run(
            started,
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )
        said = done.stdout + done.stderr
        assert done.returncode == status, f"{command}\n{said}"
        self._check(command, shown, said)

    def _start(self, started: list[str], shown: list[str]) -> None:
        """Start it, and go on when it has printed as many lines as are shown."""
        process = subprocess.Popen(
            started, cwd=self.folder, env=self._environment(), stdout=subprocess.PIPE, encoding="utf-8"
        )
        self.running.append(process)
        assert process.stdout is not None
        said = "".join(process.stdout.readline() for _ in shown)
        self._check(shlex.join(started), shown, said)

    def _check(self, command: str, shown: list[str], said: str) -> None:
        for line in shown:
            assert shows(said, line), f"{command}\nshould print: {line}\nprinted: {said}"

    def _environment(self) -> dict[str, str]:
        # No PKIoverheid bundle of the person who runs the tests.
        return {**os.environ, "PYTHONUTF8": "1", "NLGOV_JADES_BUNDLE": str(self.folder / "no-bundle.pem")}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.running:
            process.terminate()
            process.communicate(timeout=30)
            assert process.returncode == 0


def shows(said: str, line: str) -> bool:
    """Whether the output holds this line, `…` standing for anything and white space for any white space."""
    pieces = [re.escape(" ".join(piece.split())) for piece in line.split("…")]
    return re.search(".*".join(pieces), " ".join(said.split())) is not None


@pytest.mark.parametrize("page", EXAMPLES, ids=name_of)
def test_the_examples_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # As for a reader who starts Python: the arguments of this run are none of a page's.
    monkeypatch.setattr(sys, "argv", [""])
    namespace: dict[str, object] = {"__name__": "__main__"}
    with Console(tmp_path) as console:
        for block in blocks_of(page):
            language, *more = block.info or ("",)
            if more:
                (tmp_path / more[0]).write_bytes(block.text.encode())
            elif language == "python":
                run_python(block, namespace, page)
            elif language == "console":
                console.run(block)
            elif language == "json":
                json.loads(block.text)


def test_the_readme_has_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert "python3 -m venv .venv && .venv/bin/pip install -q '.[cli,ddas]' && .venv/bin/nlgov-jades demo" in lines
    assert "python3 -m venv .venv && .venv/bin/pip install -q nox && .venv/bin/nox" in lines


# --- links ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in _LINK.findall(prose_of(page)):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.is_relative_to(ROOT), target
        assert file.exists(), target
        if anchor:
            assert anchor in anchors_of(file), target


def test_the_index_leads_to_every_page() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / target.partition("#")[0]).resolve() for target in _LINK.findall(prose_of(index))}
    assert set((ROOT / "docs").rglob("*.md")) - {index} <= linked


# --- reference -----------------------------------------------------------------------------------------------


def commands(group: click.Group, above: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{above} {name}")
        else:
            yield f"{above} {name}", command


COMMANDS = dict(commands(cli, "nlgov-jades"))
COMMAND_LINE = ROOT / "docs" / "reference" / "command-line.md"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_names_every_option_of_a_command_and_no_other(name: str) -> None:
    text = section(COMMAND_LINE, re.compile(rf"^## `{name}`$", re.MULTILINE), re.compile(r"^## ", re.MULTILINE))
    options = [parameter for parameter in COMMANDS[name].params if isinstance(parameter, click.Option)]
    names = {spelling for option in options for spelling in option.opts}
    rows = re.findall(r"^\| (.*?) \|", text, re.MULTILINE)
    assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", " ".join(rows))) == names
    for option in options:
        if isinstance(option.type, click.Choice):
            missing = [choice for choice in option.type.choices if f"`{choice}`" not in text]
            assert not missing, (name, option.name)


def test_the_reference_names_no_command_that_does_not_exist() -> None:
    stated = re.findall(r"^## `(nlgov-jades .*)`$", COMMAND_LINE.read_text("utf-8"), re.MULTILINE)
    assert sorted(stated) == sorted(COMMANDS)


def verification_errors(
    kind: type[errors.VerificationError] = errors.VerificationError,
) -> Iterator[type[errors.VerificationError]]:
    for below in kind.__subclasses__():
        yield below
        yield from verification_errors(below)


def test_the_page_of_errors_names_every_code_with_its_class_sub_indication_and_status() -> None:
    lines = (ROOT / "docs/reference/errors.md").read_text("utf-8").splitlines()
    found = list(verification_errors())
    assert len(found) == 17
    for kind in found:
        row = next((line for line in lines if line.startswith(f"| `{kind.code}` |")), "")
        assert f"| `{kind.__name__}` |" in row, kind
        assert f"`{kind.sub_indication}`" in row, kind
        assert f"| {kind.http_status} |" in row, kind


def test_the_page_of_errors_names_every_notice() -> None:
    text = (ROOT / "docs/reference/errors.md").read_text("utf-8")
    assert [code for code in NoticeCode if f"| `{code.value}` |" not in text] == []


def test_the_page_of_errors_names_every_code_of_the_command_line() -> None:
    text = (ROOT / "docs/reference/errors.md").read_text("utf-8")
    sources = [path.read_text("utf-8") for path in (ROOT / "src/nlgov_jades/cli").rglob("*.py")]
    codes = {code for source in sources for code in re.findall(r'(?:code=|, |return )"([A-Z]{5}[A-Z_]*)"', source)}
    assert {"USAGE", "OUTPUT", "MESSAGE_NOT_SIGNABLE"} <= codes
    assert [code for code in codes if f"`{code}`" not in text] == []


def test_how_to_read_a_refusal_has_a_section_for_every_code() -> None:
    text = (ROOT / "docs/how-to/read-a-refusal.md").read_text("utf-8")
    assert [kind.code for kind in verification_errors() if f"\n## `{kind.code}`\n" not in text] == []


def test_the_page_of_profiles_says_what_the_profiles_are() -> None:
    lines = (ROOT / "docs/reference/profiles.md").read_text("utf-8").splitlines()
    constants = {id(value): name for name, value in vars(profiles).items() if isinstance(value, profiles.Profile)}
    for profile in profiles.ALL:
        row = next((line for line in lines if line.startswith(f"| `{constants[id(profile)]}` |")), "")
        start = f"| `{profile.id}` | `{profile.field_name}` | `{profile.algorithm.value}` |"
        required = ", ".join(f"`{name}`" for name in sorted(profile.required_parameters))
        assert start in row, profile.id
        assert row.endswith(f"| {required} |"), profile.id


def test_the_page_of_the_python_api_names_every_public_name() -> None:
    text = (ROOT / "docs/reference/python-api.md").read_text("utf-8")
    assert [name for name in nlgov_jades.__all__ if f"| `{name}` |" not in text] == []


def test_the_page_of_fetching_names_every_public_name_and_limit() -> None:
    text = (ROOT / "docs/reference/fetch.md").read_text("utf-8")
    limits = [field.name for field in dataclasses.fields(FetchLimits)]
    names = [*nlgov_jades.fetch.__all__, "RequestsFetcher", "HttpxFetcher", *limits]
    assert [name for name in names if f"| `{name}` |" not in text] == []


def test_the_page_of_testing_names_every_public_name_fixture_and_behaviour() -> None:
    text = (ROOT / "docs/how-to/test-your-application.md").read_text("utf-8")
    told = [value.value for value in (*Behaviour, *OcspSigner)]
    names = [*nlgov_jades.testing.__all__, *plugin.__all__, *told]
    assert [name for name in names if f"`{name}`" not in text] == []


EDGE_NAMES = {
    *(*edges.__all__, *asgi.__all__, *wsgi.__all__, *httpx_edge.__all__, *httpx2_edge.__all__, *requests_edge.__all__)
}


def test_the_page_of_ddas_names_every_public_name_argument_setting_and_code() -> None:
    text = (ROOT / "docs/reference/ddas.md").read_text("utf-8")
    names = {*ddas.__all__, *gateways.__all__, *probe.__all__, *testdata.__all__}
    arguments = set(inspect.signature(ddas.provider_app).parameters)
    settings = {field.name for field in dataclasses.fields(ddas.Consumer)}
    source = Path(fsc.__file__).read_text("utf-8")
    codes = {*ddas.Problem.__members__, *re.findall(r'code="(\w+)"', source)}
    assert len(codes) > len(ddas.Problem.__members__) + 5
    wanted = names | arguments | settings | codes
    assert sorted(name for name in wanted if not re.search(rf"^\|[^\n]*`{name}`|`{name}\(", text, re.MULTILINE)) == []


def test_the_page_of_edges_names_every_public_name() -> None:
    text = (ROOT / "docs/reference/edges.md").read_text("utf-8")
    assert [name for name in sorted(EDGE_NAMES) if not re.search(rf"`[^`\n]*\b{name}\b", text)] == []


def test_the_page_of_edges_names_every_value_and_setting() -> None:
    text = (ROOT / "docs/reference/edges.md").read_text("utf-8")
    kinds = (value for name in EDGE_NAMES if isinstance(value := getattr(asgi, name, getattr(edges, name, None)), type))
    for kind in (*kinds, wsgi.TargetSource):
        if issubclass(kind, enum.StrEnum):
            assert [member.value for member in kind if f"| `{member.value}` |" not in text] == [], kind
        elif issubclass(kind, enum.Enum):
            assert [str(member) for member in kind if f"`{member}`" not in text] == [], kind
        elif dataclasses.is_dataclass(kind):
            assert [field.name for field in dataclasses.fields(kind) if f"`{field.name}`" not in text] == [], kind


@pytest.mark.parametrize(
    "edge",
    [
        *(asgi.JadesVerifierMiddleware, asgi.JadesSignerMiddleware, wsgi.JadesVerifierMiddleware),
        *(wsgi.JadesSignerMiddleware, httpx_edge.JadesTransport, httpx_edge.JadesAuth, requests_edge.JadesAdapter),
    ],
    ids=lambda edge: f"{edge.__module__}.{edge.__name__}",
)
def test_the_page_of_edges_names_every_argument(edge: type) -> None:
    text = (ROOT / "docs/reference/edges.md").read_text("utf-8")
    names = inspect.signature(edge).parameters
    assert [name for name in names if not re.search(rf"`[^`\n]*\b{name}\b", text)] == []


# --- wire format ---------------------------------------------------------------------------------------------

WIRE_FORMAT = ROOT / "docs" / "reference" / "wire-format.md"


def rules_and_codes() -> dict[str, set[str]]:
    """Each rule that a test vector uses, and the codes that its vectors expect."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "test-vectors" / "vectors").glob("*.json"):
        vector = json.loads(path.read_text("utf-8"))
        found.setdefault(vector["rule"], set()).update({vector["expected"].get("code")} - {None})
    return found


@pytest.mark.parametrize(("rule", "codes"), sorted(rules_and_codes().items()))
def test_the_wire_format_has_every_rule_of_the_vectors_with_its_codes(rule: str, codes: set[str]) -> None:
    text = section(WIRE_FORMAT, re.compile(rf'<a id="{rule}"></a>'), re.compile(r'<a id="|^## ', re.MULTILINE))
    assert [code for code in sorted(codes) if f"`{code}`" not in text] == []


def test_the_wire_format_has_every_rule_once() -> None:
    counts = {"octets": 9, "emit": 6, "read": 12}
    wanted = [f"{part}-{number}" for part, count in counts.items() for number in range(1, count + 1)]
    assert _ANCHOR.findall(WIRE_FORMAT.read_text("utf-8")) == wanted


# --- what must not be there ----------------------------------------------------------------------------------

# Put together here, so that this file does not hold what it looks for.
_ROOTS_OF_THIS_MACHINE = re.compile(rb"(?<![\w.~$*)}\]/-])/" + rb"(?:work|root)(?![\w-]|\.\w)")
_ANY_ABSOLUTE = re.compile(rb"(?<![\w.~/-])/" + rb"(?:work|root|tmp)(?![\w-])")


def tracked_files() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout, so nothing says which files belong to the repository")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [file for name in listed.decode().split("\0") if name and (file := ROOT / name).is_file()]


def test_no_file_of_the_repository_names_a_path_of_one_machine() -> None:
    assert [str(file) for file in tracked_files() if _ROOTS_OF_THIS_MACHINE.search(file.read_bytes())] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_names_no_absolute_path(page: Path) -> None:
    assert not _ANY_ABSOLUTE.search(page.read_bytes())
