"""The PKIoverheid bundle on disk: what is installed, what is refused, what is read back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades.bundle import BUNDLE_VARIABLE, Bundle, Found, bundle_path, install, load, read
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.pki.certificate import fingerprint
from nlgov_jades.testing import Authority, Hierarchy

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "new" / "folder" / "pkioverheid.pem"


@pytest.fixture
def pins(hierarchy: Hierarchy) -> list[str]:
    return [fingerprint(authority.certificate) for authority in (hierarchy.root, hierarchy.domain)]


@pytest.fixture
def found(hierarchy: Hierarchy) -> list[Found]:
    return [found_at(hierarchy.root, "root.cer"), found_at(hierarchy.domain, "http://cert.example/domain.cer")]


def found_at(authority: Authority, origin: str) -> Found:
    return Found(authority.certificate, origin)


# --- where it is ---------------------------------------------------------------------------------------------


def test_the_variable_names_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(BUNDLE_VARIABLE, str(tmp_path / "a.pem"))
    assert bundle_path() == tmp_path / "a.pem"


def test_without_it_the_file_is_in_the_configuration_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(BUNDLE_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert bundle_path() == tmp_path / "nlgov-jades" / "pkioverheid.pem"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert bundle_path() == tmp_path / ".config" / "nlgov-jades" / "pkioverheid.pem"


def test_the_file_that_the_variable_names_is_written_and_read(
    monkeypatch: pytest.MonkeyPatch, file: Path, found: list[Found], pins: list[str]
) -> None:
    monkeypatch.setenv(BUNDLE_VARIABLE, str(file))
    written = install(found, pins=pins, at=NOW)
    assert written.path == file
    assert read() == written
    assert load().id == written.trust.id


# --- what is installed ---------------------------------------------------------------------------------------


def test_what_is_installed_is_read_back_as_anchors_and_intermediates(
    hierarchy: Hierarchy, file: Path, found: list[Found], pins: list[str]
) -> None:
    install(found, path=file, pins=pins, at=NOW)
    trust = load(file)
    assert trust.anchors == (hierarchy.root.certificate,)
    assert trust.intermediates == (hierarchy.domain.certificate,)
    again = read(file)
    assert again.pins == frozenset(pins)
    assert again.certificates == (hierarchy.root.certificate, hierarchy.domain.certificate)


def test_a_bundle_says_where_everything_came_from(file: Path, found: list[Found], pins: list[str]) -> None:
    text = install(found, path=file, pins=pins, at=NOW).pem.decode()
    assert text.startswith("# PKIoverheid, written by nlgov-jades on 2026-06-15T12:00:00Z\n")
    assert f"# anchor, SHA-256 {pins[0]}\n# from root.cer\n" in text
    assert f"# intermediate, SHA-256 {pins[1]}\n# from http://cert.example/domain.cer\n" in text


def test_pins_are_taken_with_colons_and_capitals(file: Path, found: list[Found], pins: list[str]) -> None:
    spelled = [":".join(pin[index : index + 2] for index in range(0, 64, 2)).upper() for pin in pins]
    assert install(found, path=file, pins=spelled, at=NOW).pins == frozenset(pins)


def test_a_certificate_that_was_found_twice_is_installed_once(file: Path, found: list[Found], pins: list[str]) -> None:
    assert len(install([*found, *found], path=file, pins=pins, at=NOW).certificates) == 2


def test_an_origin_with_line_breaks_and_dashes_stays_a_comment(
    hierarchy: Hierarchy, file: Path, pins: list[str]
) -> None:
    pem = hierarchy.tsp.certificate.public_bytes(Encoding.PEM).decode()
    origin = f"a file\n# pinned by the operator: {'00' * 32}\n{pem}"
    written = install([found_at(hierarchy.root, origin)], path=file, pins=pins[:1], at=NOW)
    assert written.certificates == (hierarchy.root.certificate,)
    assert read(file).pins == frozenset(pins[:1])


def test_an_installed_bundle_is_replaced_in_one_step(
    hierarchy: Hierarchy, file: Path, found: list[Found], pins: list[str]
) -> None:
    install(found, path=file, pins=pins, at=NOW)
    install([found_at(hierarchy.root, "root.cer")], path=file, pins=pins[:1], at=NOW)
    assert load(file).intermediates == ()
    assert list(file.parent.iterdir()) == [file]
    assert file.stat().st_mode & 0o777 == 0o644


# --- what is refused -----------------------------------------------------------------------------------------


def refused(do: Callable[[], object], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        do()
    assert words in str(caught.value)


def test_a_certificate_that_is_not_pinned_stops_everything(
    hierarchy: Hierarchy, file: Path, found: list[Found], pins: list[str]
) -> None:
    stranger = found_at(hierarchy.tsp, "tsp.cer")
    sha256 = fingerprint(hierarchy.tsp.certificate)
    refused(lambda: install([*found, stranger], path=file, pins=pins, at=NOW), f"--pin {sha256}")
    assert not file.exists()


def test_a_look_alike_of_a_pinned_certificate_is_not_pinned(look_alike: Hierarchy, file: Path, pins: list[str]) -> None:
    twin = found_at(look_alike.root, "root.cer")
    refused(lambda: install([twin], path=file, pins=pins[:1], at=NOW), "is not a pinned PKIoverheid certificate")


def test_a_pin_that_fits_nothing_is_refused(file: Path, found: list[Found], pins: list[str]) -> None:
    refused(
        lambda: install(found, path=file, pins=[*pins, "00" * 32], at=NOW),
        f"no certificate that was found has the pinned fingerprint {'00' * 32}",
    )


@pytest.mark.parametrize("pin", ["", "00", "zz" * 32, "00" * 33])
def test_a_pin_that_is_no_fingerprint_is_refused(file: Path, found: list[Found], pin: str) -> None:
    refused(lambda: install(found, path=file, pins=[pin], at=NOW), "a pin is a SHA-256 fingerprint")


def test_a_bundle_without_an_anchor_is_refused(hierarchy: Hierarchy, file: Path, pins: list[str]) -> None:
    only = [found_at(hierarchy.domain, "domain.cer")]
    refused(lambda: install(only, path=file, pins=pins[1:], at=NOW), "no trust anchor is among the certificates")
    refused(lambda: install([], path=file, at=NOW), "no trust anchor is among the certificates")


def test_a_missing_bundle_names_the_command_that_makes_one(file: Path) -> None:
    refused(lambda: read(file), "make it with `nlgov-jades trust install`")


def test_a_bundle_with_a_certificate_that_was_added_by_hand_is_refused(
    hierarchy: Hierarchy, file: Path, found: list[Found], pins: list[str]
) -> None:
    install(found, path=file, pins=pins, at=NOW)
    file.write_bytes(file.read_bytes() + hierarchy.tsp.certificate.public_bytes(Encoding.PEM))
    refused(lambda: load(file), "is not a pinned PKIoverheid certificate")


@pytest.mark.parametrize(
    "content", [b"", b"# nothing\n", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_bundle_without_a_readable_certificate_is_refused(tmp_path: Path, content: bytes) -> None:
    refused(lambda: Bundle(tmp_path, content, frozenset()).certificates, "the PKIoverheid bundle")


# --- the disk ------------------------------------------------------------------------------------------------


def test_a_place_that_cannot_be_written_is_refused_in_words(
    tmp_path: Path, found: list[Found], pins: list[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    place = tmp_path / "file" / "pkioverheid.pem"
    refused(lambda: install(found, path=place, pins=pins, at=NOW), "the bundle cannot be written to")


def test_a_disk_that_fails_leaves_the_old_bundle_and_no_rest(
    monkeypatch: pytest.MonkeyPatch, file: Path, found: list[Found], pins: list[str]
) -> None:
    old = install(found, path=file, pins=pins, at=NOW).pem

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "chmod", fails)
    refused(lambda: install(found, path=file, pins=pins, at=NOW), "No space left on device")
    assert file.read_bytes() == old
    assert list(file.parent.iterdir()) == [file]
