"""`trust list|install`: the pinned PKIoverheid certificates, and the bundle that is made of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from nlgov_jades.bundle import BUNDLE_VARIABLE
from nlgov_jades.pki.certificate import fingerprint
from nlgov_jades.pki.pkioverheid import PINS
from nlgov_jades.testing import Hierarchy

from .command import Run


@pytest.fixture(autouse=True)
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the bundle is in these tests: nowhere near the user's own."""
    place = tmp_path / "config" / "pkioverheid.pem"
    monkeypatch.setenv(BUNDLE_VARIABLE, str(place))
    return place


@pytest.fixture
def published(data: Path, tmp_path: Path) -> Path:
    """A folder with the pinned certificates only."""
    folder = tmp_path / "published"
    folder.mkdir()
    for file in (data / "pkioverheid").glob("Staat*.pem"):
        shutil.copy(file, folder)
    return folder


def test_what_is_pinned_is_listed_also_without_a_bundle(run: Run) -> None:
    done = run("trust", "list", "--json")
    assert (done.status, done.json["ok"], done.json["bundle"]) == (0, True, None)
    assert {row["sha256"] for row in done.json["certificates"]} == {pin.sha256 for pin in PINS}
    assert not any(row["installed"] for row in done.json["certificates"])
    assert "nlgov-jades trust install" in run("trust", "list").text


def test_real_certificates_are_installed_and_listed(run: Run, published: Path, bundle: Path) -> None:
    done = run("trust", "install", published, "--json")
    assert (done.status, done.json["bundle"]) == (0, str(bundle))
    assert sorted(done.json["certificates"]) == sorted(pin.sha256 for pin in PINS)
    listed = run("trust", "list", "--json").json["certificates"]
    assert all(row["installed"] and not row["operator"] and row["days_left"] > 0 for row in listed)
    assert str(published) in bundle.read_text(), "the bundle says where each certificate came from"


def test_a_look_alike_root_is_refused_and_nothing_is_installed(run: Run, data: Path, bundle: Path) -> None:
    done = run("trust", "install", data / "pkioverheid", "--json")
    assert (done.status, done.error) == (2, "CONFIGURATION")
    assert "7803aea3" in done.detail
    assert not bundle.exists()


def test_a_certificate_of_the_operator_needs_its_own_pin(run: Run, today: Hierarchy, files: Path, bundle: Path) -> None:
    sha256 = fingerprint(today.root.certificate)
    refused = run("trust", "install", files / "root.pem", "--json")
    assert (refused.status, refused.error) == (2, "CONFIGURATION")
    assert sha256 in refused.detail
    colons = ":".join(sha256[index : index + 2] for index in range(0, 64, 2)).upper()
    assert run("trust", "install", files / "root.pem", "--pin", colons).status == 0
    mine = [row for row in run("trust", "list", "--json").json["certificates"] if row["operator"]]
    assert [row["sha256"] for row in mine] == [sha256]
    assert bundle.stat().st_mode & 0o777 == 0o644


def test_the_installed_bundle_is_what_verify_trusts(run: Run, today: Hierarchy, files: Path) -> None:
    before = run("verify", files / "signed.http", "--revocation", "off", "--json")
    assert (before.status, before.error) == (2, "CONFIGURATION")
    assert "nlgov-jades trust install" in before.detail
    assert run("trust", "install", files / "root.pem", "--pin", fingerprint(today.root.certificate)).status == 0
    after = run("verify", files / "signed.http", "--revocation", "off", "--json")
    assert (after.status, after.json["valid"]) == (0, True)


def test_a_bundle_in_which_a_certificate_was_put_by_hand_is_refused(
    run: Run, today: Hierarchy, files: Path, bundle: Path
) -> None:
    assert run("trust", "install", files / "root.pem", "--pin", fingerprint(today.root.certificate)).status == 0
    bundle.write_bytes(bundle.read_bytes() + (files / "foreign-root.pem").read_bytes())
    for command in (("trust", "list"), ("verify", files / "signed.http", "--revocation", "off")):
        done = run(*command, "--json")
        assert (done.status, done.error) == (2, "CONFIGURATION")
        assert "is not a pinned PKIoverheid certificate" in done.detail


@pytest.mark.parametrize("pin", ["", "0" * 63, "zz" * 32, "sha256"])
def test_a_pin_is_a_fingerprint(run: Run, files: Path, pin: str) -> None:
    assert run("trust", "install", files / "root.pem", "--pin", pin, "--json").error == "CONFIGURATION"


def test_a_pin_that_fits_nothing_is_told(run: Run, published: Path) -> None:
    done = run("trust", "install", published, "--pin", "ab" * 32, "--json")
    assert (done.status, done.error) == (2, "CONFIGURATION")
    assert "ab" * 32 in done.detail


# --- from a URL ----------------------------------------------------------------------------------------------


@pytest.fixture
def site(files: Path) -> Iterator[str]:
    """A web site on this machine: /root.cer is the root, /huge.cer never ends, /moved.cer is elsewhere."""
    certificate = (files / "root.der").read_bytes()

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = {"/root.cer": 200, "/huge.cer": 200, "/moved.cer": 302}.get(self.path, 404)
            self.send_response(status)
            self.send_header("Location", "/root.cer")
            self.end_headers()
            self.wfile.write(certificate if self.path == "/root.cer" else b"x" * 100_000)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_certificate_is_installed_from_a_url_by_its_fingerprint(run: Run, today: Hierarchy, site: str) -> None:
    pin = fingerprint(today.root.certificate)
    assert run("trust", "install", f"{site}/root.cer", "--json").error == "CONFIGURATION"
    assert run("trust", "install", f"{site}/root.cer", "--pin", pin).status == 0


@pytest.mark.parametrize("page", ["huge.cer", "moved.cer", "absent.cer"])
def test_what_a_url_does_not_give_is_no_certificate(run: Run, site: str, page: str, bundle: Path) -> None:
    done = run("trust", "install", f"{site}/{page}", "--json")
    assert (done.status, done.error) == (2, "DOWNLOAD")
    assert not bundle.exists()


def test_a_url_where_nobody_answers_is_told(run: Run) -> None:
    assert run("trust", "install", "http://127.0.0.1:9/root.cer", "--json").error == "DOWNLOAD"


def test_standard_input_has_no_origin_to_write_down(run: Run) -> None:
    assert run("trust", "install", "-", "--json").error == "USAGE"
