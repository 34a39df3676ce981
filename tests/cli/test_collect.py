"""`nlgov-jades collect`, from the providers of the demo: real processes on this machine."""

from __future__ import annotations

import json
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nlgov_jades.cli.collect import run as collecting
from nlgov_jades.cli.collect.pages import Pages
from nlgov_jades.cli.demo.keeping import Keeping
from nlgov_jades.cli.demo.world import CBS, PROVIDERS, World, opened
from nlgov_jades.ddas import Kind, Provider
from nlgov_jades.pki.identity import Oin
from nlgov_jades.testing.hierarchy import pem

from .command import PATIENCE, Argument, Done, Run, process, script

MUNICIPALITY, SUPPLIER = PROVIDERS
SECRET = "grant-hash-of-nobody"


class Site:
    """Providers that run, and what a consumer of theirs has on disk."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.urls = {party.label: party.at(world.start(party).port).url for party in PROVIDERS}
        signer = world.signers[CBS.label]
        (folder / "key.pem").write_bytes(signer.key_pem())
        (folder / "chain.pem").write_bytes(pem(signer.chain))
        (folder / "root.pem").write_bytes(world.hierarchy.root_pem)

    def fleet(self, path: Path, **changes: str) -> Path:
        """The file that names both; changes are for the municipality."""
        lines = []
        for party in PROVIDERS:
            entry = {
                "name": party.organization,
                "url": self.urls[party.label],
                "oin": party.oin,
                "kind": party.kind.value,
            }
            entry |= changes if party is MUNICIPALITY else {}
            lines += ["[[provider]]", *(f"{name} = {json.dumps(value)}" for name, value in entry.items())]
            lines += [f'fields = {{ Fsc-Grant-Hash = "{SECRET}" }}']
        path.write_text("\n".join(lines), "utf-8")
        return path

    def options(self, output: Path) -> list[Argument]:
        files = [word for name in ("key", "chain") for word in (f"--{name}", self.folder / f"{name}.pem")]
        online = ("--online-host", f"127.0.0.1:{self.world.port}")
        return ["-o", output, *files, "--trust", self.folder / "root.pem", *online, "--json"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opened(Keeping(None)) as world:
        yield Site(world, tmp_path_factory.mktemp("site"))


def statuses(done: Done) -> list[tuple[str, str | None, int]]:
    return [(one["status"], one["code"], one["records"]) for one in done.json["providers"]]


PERIOD = ("--period-start", "2024-01-01", "--period-end", "2024-12-31", "--page-size", "50")


@pytest.fixture(scope="module")
def collected(site: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    folder = tmp_path_factory.mktemp("collected")
    done = process("collect", site.fleet(folder / "fleet.toml"), *site.options(folder / "out"), *PERIOD)
    return folder / "out", done


def test_everything_of_everybody_is_written(collected: tuple[Path, Done]) -> None:
    folder, done = collected
    assert (done.status, done.json["ok"]) == (0, True)
    assert statuses(done) == [("ok", None, 120), ("ok", None, 200)]
    assert [one["folder"] for one in done.json["providers"]] == [
        "001-gemeente-sudermeer-demo",
        "002-leverancier-vroegop-demo",
    ]
    pages = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.json"))
    assert pages == [
        *(f"001-gemeente-sudermeer-demo/page-000{number}.json" for number in (1, 2, 3)),
        *(f"002-leverancier-vroegop-demo/page-000{number}.json" for number in (1, 2, 3, 4)),
    ]
    records = [
        record
        for path in folder.glob("001-*/*.json")
        for levering in json.loads(path.read_bytes())["gegevens"]["leveringen"]
        for record in levering["schuldhulptrajecten"]
    ]
    assert len(records) == 120


def test_people_get_a_table_and_nothing_of_a_body_or_a_field(collected: tuple[Path, Done]) -> None:
    folder, done = collected
    assert "2 of 2 complete, 320 records" in done.text
    assert json.loads((folder / "report.json").read_text())["complete"] is True
    shown = done.text + (folder / "report.json").read_text()
    assert SECRET not in shown
    assert "Burgerservicenummer" not in shown


def test_pages_are_for_their_owner_alone(collected: tuple[Path, Done]) -> None:
    folder, _ = collected
    files = [path for path in folder.glob("*/*") if path.is_file()]
    assert len(files) == 14
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {stat.S_IMODE(path.parent.stat().st_mode) for path in files} == {0o700}


def test_what_is_written_can_be_verified_again(collected: tuple[Path, Done], site: Site, run: Run) -> None:
    folder, _ = collected
    for path in folder.glob("*/*.json"):
        party = MUNICIPALITY if path.parent.name.startswith("001") else SUPPLIER
        files = ("--headers", path.with_suffix(".headers"), "--body", path, "--trust", site.folder / "root.pem")
        done = run("verify", *files, "--profile", "ddas", "--oin", party.oin, "--revocation", "off", "--json")
        assert done.json["valid"] is True


def test_a_provider_that_is_refused_ends_no_other_and_leaves_nothing(site: Site, tmp_path: Path) -> None:
    fleet = site.fleet(tmp_path / "fleet.toml", oin="00000099000000009000")
    done = process("collect", fleet, *site.options(tmp_path / "out"), *PERIOD)
    assert (done.status, done.json["ok"]) == (1, False)
    assert statuses(done) == [("refused", "SIGNER_NOT_ALLOWED", 0), ("ok", None, 200)]
    assert [one["folder"] for one in done.json["providers"]] == [None, "002-leverancier-vroegop-demo"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["002-leverancier-vroegop-demo", "report.json"]


def test_revocation_is_asked_for_and_fails_closed(site: Site, tmp_path: Path) -> None:
    words = [word for word in site.options(tmp_path / "out") if not str(word).startswith(("--online", "127."))]
    # Without the option only public addresses are asked, and the responder of this test has none.
    done = process("collect", site.fleet(tmp_path / "fleet.toml"), *words, *PERIOD)
    assert done.status == 1
    assert statuses(done) == [("refused", "REVOCATION_UNKNOWN", 0)] * 2
    off = process("collect", tmp_path / "fleet.toml", *[*words, "-o", tmp_path / "off"], *PERIOD, "--revocation", "off")
    assert off.status == 0


def test_a_revoked_provider_is_refused(site: Site, tmp_path: Path) -> None:
    certificate = site.world.signers[MUNICIPALITY.label].certificate
    site.world.responder.revoke(certificate)
    try:
        done = process("collect", site.fleet(tmp_path / "fleet.toml"), *site.options(tmp_path / "out"), *PERIOD)
    finally:
        site.world.responder.reinstate(certificate)
    assert done.status == 1
    assert statuses(done) == [("refused", "CERTIFICATE_REVOKED", 0), ("ok", None, 200)]


def test_a_policy_that_nobody_has_is_asked_for(site: Site, tmp_path: Path, run: Run) -> None:
    words = (*site.options(tmp_path / "out"), "--require-policy", "2.16.528.1.1003.1.2.5.6")
    done = run("collect", site.fleet(tmp_path / "fleet.toml"), *words)
    assert statuses(done) == [("refused", "CERTIFICATE_PATH", 0)] * 2


def test_an_organisation_that_nobody_delivers_for_is_a_problem(site: Site, tmp_path: Path, run: Run) -> None:
    words = (*site.options(tmp_path / "out"), "--organisation", "Gemeente Nergens")
    done = run("collect", site.fleet(tmp_path / "fleet.toml"), *words)
    assert done.status == 1
    assert [one["http_status"] for one in done.json["providers"]] == [422, 422]


def test_a_disk_that_fails_is_told_of_that_provider_only(
    site: Site, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Pages._write

    def write(self: Pages, page: Any) -> None:
        original(self, page)
        if page.provider.kind is Kind.SHV and page.number > 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Pages, "_write", write)
    done = run("collect", site.fleet(tmp_path / "fleet.toml"), *site.options(tmp_path / "out"), *PERIOD)
    assert done.status == 1
    assert [one["status"] for one in done.json["providers"]] == ["failed", "ok"]
    assert not list((tmp_path / "out").glob("001-*"))


def test_an_interrupted_collection_leaves_nothing_half(
    site: Site, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupted(*_: Any, **__: Any) -> None:
        (tmp_path / "out" / "001-gemeente-sudermeer-demo.part").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(collecting, "collect_fleet", interrupted)
    done = run("collect", site.fleet(tmp_path / "fleet.toml"), *site.options(tmp_path / "out"))
    assert done.status == 130
    assert not list((tmp_path / "out").iterdir())


# --- what is refused before anything is sent -----------------------------------------------------------------

GOOD = 'name = "A"\nurl = "https://a.example/v1/gegevens"\noin = "00000099000000002000"\nkind = "SHV"\n'
FLEETS = {
    "no TOML": "[[provider",
    "nobody": "",
    "an empty list": "provider = []",
    "another table": "[[provider]]\n" + GOOD + "[other]\n",
    "another member": "[[provider]]\n" + GOOD + f'password = "{SECRET}"\n',
    "no name": "[[provider]]\n" + GOOD.replace("name", "fields.name"),
    "no text": "[[provider]]\n" + GOOD.replace('"A"', "1"),
    "another kind": "[[provider]]\n" + GOOD.replace("SHV", "shv"),
    "no OIN": "[[provider]]\n" + GOOD.replace("00000099000000002000", "1"),
    "no URL": "[[provider]]\n" + GOOD.replace("https:", "ftp:"),
    "a number as a field": "[[provider]]\n" + GOOD + "fields = { X = 1 }\n",
    "a line end in a field": "[[provider]]\n" + GOOD + f'fields = {{ X = "{SECRET}\\r\\nY: 1" }}\n',
    "fields that are none": "[[provider]]\n" + GOOD + f'fields = "{SECRET}"\n',
    "no field name": "[[provider]]\n" + GOOD + f'fields = {{ "X Y" = "{SECRET}" }}\n',
    "the same twice": 2 * ("[[provider]]\n" + GOOD),
    "a name that clears the screen": "[[provider]]\n" + GOOD.replace('"A"', '"\\u001b[2J"'),
}


@pytest.mark.parametrize("name", FLEETS)
def test_a_fleet_of_another_form_is_status_two_and_nothing_is_written(name: str, tmp_path: Path, run: Run) -> None:
    (tmp_path / "fleet.toml").write_text(FLEETS[name])
    done = run("collect", tmp_path / "fleet.toml", "--key", "absent", "-o", tmp_path / "out", "--json")
    assert (done.status, done.error) == (2, "UNREADABLE_INPUT")
    assert SECRET not in done.text
    assert "\x1b" not in done.text
    assert not (tmp_path / "out").exists()


def test_octets_that_are_no_text_are_no_fleet(tmp_path: Path, run: Run) -> None:
    (tmp_path / "fleet.toml").write_bytes(b"\xff\xfe")
    assert run("collect", tmp_path / "fleet.toml", "--key", "k", "-o", tmp_path / "out", "--json").status == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--period-start", "2024-12-31", "--period-end", "2024-01-01"), "USAGE"),
        (("--period-start", "2024-02-30"), "USAGE"),
        (("--client-key", "absent"), "USAGE"),
        (("--ca", "absent"), "CONFIGURATION"),
        (("--client-cert", "absent"), "CONFIGURATION"),
        (("--online-host", "http://127.0.0.1"), "USAGE"),
        (("--trust", "absent"), "UNREADABLE_INPUT"),
        (("--page-size", "0"), "USAGE"),
        (("--require-policy", "words"), "CONFIGURATION"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_options_that_cannot_be_followed_are_status_two_and_nothing_is_written(
    words: tuple[str, ...], code: str, site: Site, tmp_path: Path, run: Run
) -> None:
    given = [*site.options(tmp_path / "out"), *words]
    done = run("collect", site.fleet(tmp_path / "fleet.toml"), *given)
    assert (done.status, done.error) == (2, code)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_empty_is_left_as_it_is(site: Site, tmp_path: Path, run: Run) -> None:
    fleet = site.fleet(tmp_path / "fleet.toml")
    done = run("collect", fleet, *site.options(tmp_path))
    assert (done.status, done.error) == (2, "OUTPUT")
    assert [path.name for path in tmp_path.iterdir()] == ["fleet.toml"]


# --- rounds --------------------------------------------------------------------------------------------------


def provider(name: str) -> Provider:
    return Provider(name=name, url="https://a.example/", oin=Oin(MUNICIPALITY.oin), kind=Kind.SHV)


def page(number: int, *, round: int, of: Provider) -> Any:  # noqa: A002 - as a page calls it
    message = SimpleNamespace(fields=[("Digest", "SHA-256=x")])
    octets = f'{{"round": {round}}}'.encode()
    proof = SimpleNamespace(message=message)
    return SimpleNamespace(provider=of, round=round, number=number, verified=proof, octets=lambda: iter([octets]))


def test_a_new_round_throws_away_what_the_one_before_brought(tmp_path: Path) -> None:
    asked = provider("Gemeente A")
    pages = Pages(tmp_path, [asked])
    for number, which in ((1, 1), (2, 1), (1, 2)):
        pages._write(page(number, round=which, of=asked))
    folder = tmp_path / pages.finish("Gemeente A")
    assert [path.name for path in sorted(folder.iterdir())] == ["page-0001.headers", "page-0001.json"]
    assert (folder / "page-0001.json").read_bytes() == b'{"round": 2}'


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("../../etc", "001-etc"),
        ("'s-Gravenweert", "001-s-gravenweert"),
        ("\u6771\u4eac", "001-provider"),
        ("a" * 300, "001-" + "a" * 40),
    ],
    ids=ascii,
)
def test_the_name_of_a_folder_is_one_everywhere(name: str, folder: str, tmp_path: Path) -> None:
    asked = provider(name)
    pages = Pages(tmp_path, [asked])
    pages._write(page(1, round=1, of=asked))
    assert pages.finish(name) == folder
    assert [path.name for path in tmp_path.iterdir()] == [folder]


# --- the how-to ----------------------------------------------------------------------------------------------


def test_the_command_of_the_documentation_collects_from_its_provider(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/how-to/collect-ddas-data.md").read_text("utf-8")
    fleet, command, again = re.findall(r"```(?:toml fleet\.toml|sh)\n(.*?)```", page, re.DOTALL)
    program = (Path(__file__).resolve().parents[2] / "docs/examples/ddas/provider.py").read_text("utf-8")
    assert process("dev-pki", "new", tmp_path / "pki").status == 0
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        # Its own port may be taken on this machine; one that is handed over cannot be.
        program = program.replace(
            'uvicorn.run(app, host="127.0.0.1", port=8080)', f"uvicorn.run(app, fd={listener.fileno()})"
        )
        assert "fd=" in program
        with ended(program, tmp_path, listener.fileno()):
            (tmp_path / "fleet.toml").write_text(fleet.replace("8080", str(port)))
            words = [script(), *command.split()[1:]]
            done = subprocess.run(words, cwd=tmp_path, capture_output=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"1 of 1 complete, 200 records" in done.stdout
    words = [script(), *again.split()[1:]]
    verified = subprocess.run(words, cwd=tmp_path, capture_output=True, timeout=PATIENCE, check=False)
    assert (verified.returncode, json.loads(verified.stdout)["valid"]) == (0, True)


@contextmanager
def ended(program: str, folder: Path, listener: int) -> Iterator[None]:
    """A program in this folder, until the end of the block."""
    running = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[listener],
    )
    try:
        yield
    finally:
        running.terminate()
        running.wait(PATIENCE)
