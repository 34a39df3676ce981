"""What is revoked, in memory and in a file that two processes share."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from cryptography import x509

from nlgov_jades.errors import ConfigurationError
from nlgov_jades.testing import Hierarchy, Revocation
from nlgov_jades.testing.register import Register, RegisterFile

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
ENTRY = Revocation(serial_number=0x7F3A, at=NOW, reason=x509.ReasonFlags.key_compromise)
OTHER = Revocation(serial_number=2, at=NOW)


@pytest.fixture(params=["memory", "file"])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Register:
    return Register() if request.param == "memory" else RegisterFile(tmp_path / "revoked.json")


def test_a_new_register_is_empty(register: Register) -> None:
    assert register.state() == (0, ())


def test_what_is_revoked_stays_so_until_it_is_reinstated(register: Register) -> None:
    register.revoke(ENTRY)
    register.revoke(OTHER)
    assert register.state()[1] == (ENTRY, OTHER)
    register.reinstate(ENTRY.serial_number)
    assert register.state()[1] == (OTHER,)
    register.clear()
    assert register.state()[1] == ()


def test_a_second_revocation_replaces_the_first(register: Register) -> None:
    register.revoke(ENTRY)
    again = Revocation(serial_number=ENTRY.serial_number, at=NOW + dt.timedelta(hours=1))
    register.revoke(again)
    assert register.state()[1] == (again,)


def test_every_change_counts(register: Register) -> None:
    before = register.state()[0]
    register.revoke(ENTRY)
    after = register.state()[0]
    register.reinstate(ENTRY.serial_number)
    assert before < after < register.state()[0]


def test_reinstating_what_is_not_revoked_is_no_error(register: Register) -> None:
    register.reinstate(5)
    assert register.state()[1] == ()


def test_another_process_sees_what_was_written(tmp_path: Path) -> None:
    writer, reader = (RegisterFile(tmp_path / "revoked.json") for _ in range(2))
    assert reader.state()[1] == ()
    writer.revoke(ENTRY)
    assert reader.state()[1] == (ENTRY,)
    reader.revoke(OTHER)
    assert writer.state()[1] == (ENTRY, OTHER)


def test_a_file_that_is_gone_revokes_nothing(tmp_path: Path) -> None:
    register = RegisterFile(tmp_path / "revoked.json")
    register.revoke(ENTRY)
    register.path.unlink()
    assert register.state()[1] == ()


def test_nothing_is_left_beside_the_file(tmp_path: Path) -> None:
    RegisterFile(tmp_path / "revoked.json").revoke(ENTRY)
    assert [path.name for path in tmp_path.iterdir()] == ["revoked.json"]


def test_the_file_can_be_read_by_people(tmp_path: Path) -> None:
    RegisterFile(tmp_path / "revoked.json").revoke(ENTRY)
    assert json.loads((tmp_path / "revoked.json").read_bytes()) == {
        "revoked": [{"serial": "7F3A", "at": "2026-06-15T12:00:00Z", "reason": "keyCompromise"}]
    }


def test_the_name_of_the_issuer_survives_the_file(tmp_path: Path, hierarchy: Hierarchy) -> None:
    entry = Revocation.of(hierarchy.tsp.certificate, NOW)
    RegisterFile(tmp_path / "revoked.json").revoke(entry)
    assert RegisterFile(tmp_path / "revoked.json").state()[1] == (entry,)
    assert entry.issuer == hierarchy.domain.certificate.subject


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"revoked": 1}',
        '{"revoked": [1]}',
        '{"revoked": [{"serial": "x", "at": "2026-06-15T12:00:00Z"}]}',
        '{"revoked": [{"serial": "0", "at": "2026-06-15T12:00:00Z"}]}',
        '{"revoked": [{"serial": "1", "at": "2026-06-15T12:00:00"}]}',
        '{"revoked": [{"serial": "1", "at": "1900-01-01T12:00:00Z"}]}',
        '{"revoked": [{"serial": "1", "at": "2026-06-15T12:00:00Z", "reason": "boredom"}]}',
        '{"revoked": [{"serial": "1", "at": "2026-06-15T12:00:00Z", "issuer": "nobody"}]}',
        "\xff",
        "[" * 100_000,
    ],
    ids=range(12),
)
def test_a_file_of_another_form_is_told(text: str, tmp_path: Path) -> None:
    path = tmp_path / "revoked.json"
    path.write_bytes(text.encode("iso-8859-1"))
    with pytest.raises(ConfigurationError, match="not of the form"):
        RegisterFile(path).state()


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        RegisterFile(tmp_path).state()


def test_a_folder_that_is_gone_is_an_error_of_the_system_when_writing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        RegisterFile(tmp_path / "absent" / "revoked.json").revoke(ENTRY)


def test_a_file_that_cannot_be_replaced_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "revoked.json").mkdir()
    with pytest.raises(IsADirectoryError):
        RegisterFile(tmp_path / "revoked.json").clear()
    assert [path.name for path in tmp_path.iterdir()] == ["revoked.json"]
