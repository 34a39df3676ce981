from __future__ import annotations

import datetime as dt
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nlgov_jades.ddas import Kind, Organisation, Record, Selection, SqliteStorage
from nlgov_jades.ddas.storage import Snapshot
from nlgov_jades.errors import ConfigurationError

FIRST = Organisation.of(Kind.SHV, {"(Statutaire) Naam": "Eerste"})
SECOND = Organisation.of(Kind.SHV, {"(Statutaire) Naam": "Tweede"})
ALL = Selection(kind=Kind.SHV)


def day(text: str | None) -> dt.date | None:
    return None if text is None else dt.date.fromisoformat(text)


def named(name: str, start: str | None = None, end: str | None = None) -> Record:
    return Record(json=f'{{"n":"{name}"}}', start=day(start), end=day(end))


def names(snapshot: Snapshot, offset: int = 0, limit: int = 1000) -> list[str]:
    found = [
        octets.decode()[6:-2]
        for part in snapshot.parts
        for octets in snapshot.records(part, offset=offset, limit=limit)
    ]
    snapshot.close()
    return found


def test_records_come_back_in_the_order_in_which_they_were_added(storage: SqliteStorage) -> None:
    assert storage.add(Kind.SHV, FIRST, (named(str(number)) for number in range(450))) == 450
    storage.add(Kind.SHV, SECOND, [named("b")])
    storage.add(Kind.SHV, FIRST, [named("é")])
    assert names(storage.look(ALL)) == [*map(str, range(450)), "é", "b"]


def test_a_part_of_the_records_is_read(storage: SqliteStorage) -> None:
    storage.add(Kind.SHV, FIRST, (named(str(number)) for number in range(10)))
    assert names(storage.look(ALL), offset=3, limit=2) == ["3", "4"]
    assert names(storage.look(ALL), offset=9, limit=5) == ["9"]
    assert names(storage.look(ALL), offset=10, limit=5) == []


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        (None, None, ["a", "b", "c", "d", "e"]),
        ("2025-01-31", "2025-01-31", ["a", "d", "e"]),
        ("2025-02-01", "2025-02-01", ["b", "d", "e"]),
        ("2025-03-01", None, ["c", "d", "e"]),
        (None, "2024-12-31", ["e"]),
        ("0001-01-01", "9999-12-31", ["a", "b", "c", "d", "e"]),
    ],
)
def test_a_record_is_selected_when_it_shares_a_day_with_the_period(
    storage: SqliteStorage, start: str | None, end: str | None, found: list[str]
) -> None:
    storage.add(
        Kind.SHV,
        FIRST,
        [
            named("a", "2025-01-01", "2025-01-31"),
            named("b", "2025-02-01", "2025-02-28"),
            named("c", "2025-03-01", "2025-03-01"),
            named("d", "2025-01-15", None),
            named("e", None, None),
        ],
    )
    assert names(storage.look(Selection(kind=Kind.SHV, start=day(start), end=day(end)))) == found


def test_an_organisation_is_selected_by_its_name(storage: SqliteStorage) -> None:
    storage.add(Kind.SHV, FIRST, [named("a")])
    storage.add(Kind.SHV, SECOND, [named("b")])
    assert names(storage.look(Selection(kind=Kind.SHV, organisation="Tweede"))) == ["b"]
    snapshot = storage.look(Selection(kind=Kind.SHV, organisation="' OR 1=1 --"))
    assert (snapshot.parts, snapshot.known) == ((), 2)
    snapshot.close()


def test_both_kinds_live_side_by_side(storage: SqliteStorage) -> None:
    storage.add(Kind.SHV, FIRST, [named("a")])
    storage.add(Kind.VS, Organisation.of(Kind.VS, {"naam": "Eerste"}, gemeentecode="0344"), [named("b")])
    storage.add(Kind.VS, Organisation.of(Kind.VS, {"naam": "Eerste"}, gemeentecode="0345"), [named("c")])
    assert names(storage.look(ALL)) == ["a"]
    snapshot = storage.look(Selection(kind=Kind.VS))
    assert [part.organisation.gemeentecode for part in snapshot.parts] == ["0344", "0345"]
    assert names(snapshot) == ["b", "c"]


def test_the_period_is_that_of_the_selected_records(storage: SqliteStorage) -> None:
    storage.add(Kind.SHV, FIRST, [named("a", "2025-01-01", "2025-01-31"), named("b", None, "2025-03-01")])
    storage.add(Kind.SHV, SECOND, [named("c", "2024-06-01", None)])
    snapshot = storage.look(ALL)
    assert snapshot.period == (dt.date(2024, 6, 1), dt.date(2025, 3, 1))
    snapshot.close()
    snapshot = storage.look(Selection(kind=Kind.SHV, end=dt.date(2024, 6, 2), organisation="Tweede"))
    assert snapshot.period == (dt.date(2024, 6, 1), None)
    snapshot.close()


def test_records_are_replaced_for_one_organisation(storage: SqliteStorage) -> None:
    storage.add(Kind.SHV, FIRST, [named("a")])
    storage.add(Kind.SHV, SECOND, [named("b")])
    newer = Organisation.of(Kind.SHV, {"(Statutaire) Naam": "Eerste", "postcode": "1234AB"})
    assert storage.replace(Kind.SHV, newer, [named("c")]) == 1
    snapshot = storage.look(ALL)
    assert [part.organisation for part in snapshot.parts] == [newer, SECOND]
    assert names(snapshot) == ["c", "b"]


def test_what_fails_half_way_changes_nothing(storage: SqliteStorage) -> None:
    storage.add(Kind.SHV, FIRST, [named("a")])

    def failing() -> Iterator[Record]:
        yield named("b")
        raise LookupError

    with pytest.raises(LookupError):
        storage.replace(Kind.SHV, FIRST, failing())
    assert names(storage.look(ALL)) == ["a"]


def test_who_reads_sees_one_moment_while_another_writes(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "records.sqlite")
    storage.add(Kind.SHV, FIRST, (named(str(number)) for number in range(500)))
    snapshot = storage.look(ALL)
    pieces = snapshot.records(snapshot.parts[0], offset=0, limit=500)
    first = next(pieces)
    SqliteStorage(tmp_path / "records.sqlite").replace(Kind.SHV, FIRST, [named("new")])
    assert [first, *pieces][-1] == b'{"n":"499"}'
    snapshot.close()
    assert names(storage.look(ALL)) == ["new"]


def test_threads_share_a_storage(storage: SqliteStorage) -> None:
    storage.add(Kind.SHV, FIRST, (named(str(number)) for number in range(300)))
    found: list[int] = []

    def read() -> None:
        found.append(len(names(storage.look(ALL))))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [300] * 8


def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    storage = SqliteStorage(path)
    snapshot = storage.look(ALL)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    snapshot.close()
    assert modes == {0o600}


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database, and long enough to be read as one " * 50)
    with pytest.raises(ConfigurationError, match="DatabaseError"):
        SqliteStorage(tmp_path / "text")
    other = sqlite3.connect(tmp_path / "other")
    other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(ConfigurationError, match="other tables"):
        SqliteStorage(tmp_path / "other")
    with pytest.raises(ConfigurationError, match="FileNotFoundError"):
        SqliteStorage(tmp_path / "absent" / "file")


@pytest.mark.parametrize("text", ["", "[]", "{", '"a"', '{"a":NaN}', '{"a":"\ud800"}', "[" * 100_000])
def test_a_record_is_the_text_of_a_json_object(text: str) -> None:
    with pytest.raises(ConfigurationError, match="JSON object") as caught:
        Record(json=text)
    assert caught.value.__cause__ is None


def test_a_record_takes_its_period_from_its_data() -> None:
    traject = Record.of(Kind.SHV, {"startdatum": "2025-01-01", "einddatum": "2025-02-01"})
    assert (traject.start, traject.end) == (dt.date(2025, 1, 1), dt.date(2025, 2, 1))
    assert Record.of(Kind.SHV, {}).end is None
    signaal = Record.of(Kind.VS, {"signaaldatum": "2025-01-01"})
    assert signaal.start == signaal.end == dt.date(2025, 1, 1)


@pytest.mark.parametrize(
    "data",
    [{"startdatum": "x"}, {"startdatum": 5}, {"startdatum": "2025-02-01", "einddatum": "2025-01-01"}, {"a": {1}}],
    ids=["no date", "a number", "the wrong way round", "no JSON"],
)
def test_a_record_of_wrong_data_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        Record.of(Kind.SHV, data)


def test_an_organisation_has_its_name_where_the_schema_has_it() -> None:
    with pytest.raises(ConfigurationError, match="Statutaire"):
        Organisation.of(Kind.SHV, {"naam": "x"})
    with pytest.raises(ConfigurationError, match="gemeentecode"):
        Organisation.of(Kind.VS, {"naam": "x"})
    with pytest.raises(ConfigurationError, match="gemeentecode"):
        Organisation.of(Kind.SHV, {"(Statutaire) Naam": "x"}, gemeentecode="0001")


def test_neither_shows_what_it_holds() -> None:
    assert "123456789" not in repr(Record(json='{"Burgerservicenummer":"123456789"}'))
    assert "secret" not in repr(Organisation(name="x", details='{"a":"secret"}'))
