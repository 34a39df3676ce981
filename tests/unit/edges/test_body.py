"""A body on its way: its octets, its digest, and a file that nobody else can open and that is gone afterwards."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nlgov_jades import BodyDigest
from nlgov_jades.digest import DigestAlgorithm
from nlgov_jades.edges import BodySettings
from nlgov_jades.edges import body as body_module
from nlgov_jades.edges.body import LONG_FILE, MANY_PIECES, MAX_BODY, PIECE, Spool
from nlgov_jades.errors import BodyTooLargeError, ConfigurationError

BOTH = (DigestAlgorithm.SHA_256, DigestAlgorithm.SHA_512)


def digest() -> BodyDigest:
    return BodyDigest(BOTH)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Callable[..., Spool]]:
    made: list[Spool] = []

    def make(**options: Any) -> Spool:
        made.append(Spool(BodySettings(**{"folder": tmp_path, **options}), digest))
        return made[-1]

    yield make
    for each in made:
        each.close()
    assert list(tmp_path.iterdir()) == []


def everything(spool: Spool, size: int = PIECE) -> bytes:
    pieces = list(iter(lambda: spool.read(size), b""))
    assert all(len(piece) <= size for piece in pieces)
    return b"".join(pieces)


def filled(spool: Spool, pieces: list[bytes]) -> Spool:
    for piece in pieces:
        spool.add(piece)
        if spool.due:
            spool.flush()
    return spool


# --- settings --------------------------------------------------------------------------------------------------


def test_there_is_a_limit_by_default() -> None:
    settings = BodySettings()
    assert (settings.limit, settings.memory, settings.folder) == (MAX_BODY, 4 * PIECE, None)


@pytest.mark.parametrize("name", ["limit", "memory"])
@pytest.mark.parametrize("value", [0, -1, True, False, 1.5, "9", None, float("inf")])
def test_a_number_of_another_form_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match="numbers of octets above zero"):
        BodySettings(**{name: value})


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "absent", tmp_path / "file", str(tmp_path / "absent")):
        with pytest.raises(ConfigurationError, match="a folder that exists"):
            BodySettings(folder=folder)
    assert BodySettings(folder=str(tmp_path)).folder == str(tmp_path)


# --- what comes out --------------------------------------------------------------------------------------------

PIECES = [
    [],
    [b""],
    [b"", b"", b""],
    [b"x"],
    [b"abc", b"", b"def"],
    [bytes([number % 256]) for number in range(100)],
    [bytes(range(256)) * 10],
    [b"0" * 64, b"1"],
    [b"0" * 65],
    [b"a" * 63, b"b", b"c" * 1000, b"d"],
]


@pytest.mark.parametrize("pieces", PIECES, ids=lambda pieces: f"{len(pieces)} of {sum(map(len, pieces))}")
@pytest.mark.parametrize("size", [1, 7, 64, PIECE])
def test_what_went_in_comes_out_and_is_hashed(spool: Callable[..., Spool], pieces: list[bytes], size: int) -> None:
    whole = b"".join(pieces)
    body = filled(spool(memory=64), pieces)
    assert body.length == len(whole)
    assert body.on_disk is (len(whole) > 64)
    done = body.finish()
    if isinstance(done, BodyDigest):
        assert body.on_disk
        assert done.length == len(whole)
        assert done.value(DigestAlgorithm.SHA_256) == hashlib.sha256(whole).digest()
        assert done.value(DigestAlgorithm.SHA_512) == hashlib.sha512(whole).digest()
    else:
        assert done == whole
    assert everything(body, size) == whole
    assert body.read() == b""


def shortened(descriptor: int, pieces: list[bytes]) -> int:
    """A disk that takes five octets at a time, and now and then none."""
    return os.write(descriptor, b"".join(pieces)[:5]) if len(pieces) % 2 else 0


@pytest.mark.parametrize("system", ["takes all", "takes some", "has no writev"])
@pytest.mark.parametrize("length", [1, 1000, PIECE // 3, PIECE + 1])
def test_all_of_it_is_in_the_file_whatever_the_system_takes_at_once(
    spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch, system: str, length: int
) -> None:
    if system == "takes some":
        monkeypatch.setattr(os, "writev", shortened)
    elif system == "has no writev":
        monkeypatch.setattr(body_module, "_HAS_WRITEV", False)
    pieces = [bytes([number % 251]) * length for number in range(max(7, 3 * PIECE // length) if length > 1 else 2000)]
    body = filled(spool(memory=PIECE if length > 1 else 700), pieces)
    done = body.finish()
    assert isinstance(done, BodyDigest)
    assert done.value(DigestAlgorithm.SHA_512) == hashlib.sha512(b"".join(pieces)).digest()
    assert everything(body) == b"".join(pieces)


def test_a_body_that_was_never_flushed_stays_in_memory(spool: Callable[..., Spool]) -> None:
    body = spool(memory=4)
    body.add(b"0123456789")
    assert body.due
    assert body.finish() == b"0123456789"
    assert not body.on_disk


def test_to_finish_twice_changes_nothing(spool: Callable[..., Spool]) -> None:
    short = filled(spool(), [b"abc", b"def"])
    assert short.finish() == short.finish() == b"abcdef"
    assert everything(short) == b"abcdef"
    long = filled(spool(memory=1), [b"abc", b"def"])
    assert long.finish() is long.finish()
    assert everything(long) == b"abcdef"


def test_a_flush_before_anything_came_makes_an_empty_body(spool: Callable[..., Spool]) -> None:
    body = spool()
    body.flush()
    done = body.finish()
    assert isinstance(done, BodyDigest)
    assert done.value(DigestAlgorithm.SHA_256) == hashlib.sha256().digest()
    assert body.read() == b""


def test_nothing_is_shown_of_the_body(spool: Callable[..., Spool]) -> None:
    body = filled(spool(), [b"BSN 123456782"])
    assert repr(body) == "<Spool: 13 octets>"


# --- limits ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("memory", [1, 1000])
def test_the_limit_itself_is_accepted_and_one_octet_more_is_not(spool: Callable[..., Spool], memory: int) -> None:
    body = filled(spool(limit=10, memory=memory), [b"01234", b"56789"])
    with pytest.raises(BodyTooLargeError, match="more than the 10 octets") as caught:
        body.add(b"x")
    assert (caught.value.code, caught.value.http_status) == ("BODY_TOO_LARGE", 413)
    body.add(b"")
    assert body.length == 10
    body.finish()
    assert everything(body) == b"0123456789"


def test_a_piece_that_passes_the_limit_is_not_kept(spool: Callable[..., Spool]) -> None:
    body = spool(limit=10)
    with pytest.raises(BodyTooLargeError):
        body.add(b"x" * 11)
    assert body.length == 0
    body.add(b"x" * 10)
    assert body.finish() == b"x" * 10


def test_it_is_due_when_more_is_held_than_should_be(spool: Callable[..., Spool]) -> None:
    body = spool(memory=10)
    body.add(b"x" * 10)
    assert not body.due
    body.add(b"x")
    assert body.due
    body.flush()
    assert not body.due


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_millions_of_small_pieces_take_no_more_than_a_few_times_their_octets(
    spool: Callable[..., Spool], size: int
) -> None:
    body, count = spool(), 100_000 // size
    tracemalloc.start()
    try:
        for number in range(count):
            body.add(number.to_bytes(size) if size > 2 else bytes([number % 256]) * size)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 2 * body.length + MANY_PIECES * 100
    assert peak < 4 * body.length + MANY_PIECES * 100
    assert len(body._pieces) <= MANY_PIECES + count // MANY_PIECES + 1
    assert len(body.finish()) == body.length  # type: ignore[arg-type] # it is in memory


def test_memory_stays_flat_while_a_long_body_passes(spool: Callable[..., Spool]) -> None:
    body, piece = spool(memory=PIECE, limit=100 * PIECE), b"x" * 65536
    tracemalloc.start()
    try:
        for _ in range(400):
            body.add(piece)
            if body.due:
                body.flush()
        body.finish()
        while body.read(65536):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert body.length == 25 * PIECE
    # What comes in, what is being written, and what is read ahead.
    assert peak < 6 * PIECE


# --- the file --------------------------------------------------------------------------------------------------


def files_of_this_process() -> dict[str, str]:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("this system does not show open files in /proc")
    found = {}
    for entry in folder.iterdir():
        try:
            found[entry.name] = str(entry.readlink())
        except OSError:  # the one of this very look
            continue
    return found


def test_the_file_has_no_name_and_is_for_this_process_only(spool: Callable[..., Spool], tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        body = filled(spool(memory=1), [b"secret"])
        body.finish()
    finally:
        os.umask(before)
    assert list(tmp_path.iterdir()) == []
    ((number, shown),) = [(name, to) for name, to in files_of_this_process().items() if to.startswith(str(tmp_path))]
    assert shown.endswith(" (deleted)")
    status = os.fstat(int(number))
    assert stat.S_ISREG(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert status.st_nlink == 0
    assert not os.get_inheritable(int(number))
    body.close()
    assert not [to for to in files_of_this_process().values() if to.startswith(str(tmp_path))]


def test_a_short_body_makes_no_file(spool: Callable[..., Spool], tmp_path: Path) -> None:
    filled(spool(), [b"short"]).finish()
    assert not [to for to in files_of_this_process().values() if to.startswith(str(tmp_path))]


@pytest.mark.parametrize("pieces", [[], [b"one"], [b"one", b"two"]], ids=["empty", "one piece", "two"])
def test_a_body_that_is_not_finished_or_was_closed_is_not_an_empty_one(
    spool: Callable[..., Spool], pieces: list[bytes]
) -> None:
    body = filled(spool(), pieces)
    with pytest.raises(ConfigurationError, match="not finished"):
        body.read()
    assert body.finish() == body.finish() == b"".join(pieces)
    assert body.read() == b"".join(pieces)
    assert body.read() == b""
    body.close()
    for use in (body.finish, body.read):
        with pytest.raises(ConfigurationError, match="was closed"):
            use()


@pytest.mark.parametrize("memory", [1, 1000])
def test_to_close_lets_go_and_may_be_done_again(spool: Callable[..., Spool], memory: int) -> None:
    body = filled(spool(memory=memory), [b"secret"])
    for _ in range(3):
        body.close()
    for use in (body.flush, body.finish, body.read):
        with pytest.raises(ConfigurationError, match="was closed"):
            use()
    assert body._pieces == []
    assert body._whole is None


def test_what_is_closed_while_a_thread_works_is_let_go_when_the_thread_is_done(tmp_path: Path) -> None:
    """As when a task is cancelled that waits for the thread: the file of the thread must not close under it."""
    arrived, go_on, gone = threading.Event(), threading.Event(), threading.Event()

    class Slow(BodyDigest):
        def update(self, octets: bytes | bytearray | memoryview) -> None:
            arrived.set()
            assert go_on.wait(30)
            super().update(octets)

    class Watched(Spool):
        def _let_go(self) -> None:
            super()._let_go()
            if not self.on_disk:
                gone.set()

    body = Watched(BodySettings(memory=1, folder=tmp_path), lambda: Slow(BOTH))
    body.add(b"secret")
    thread = threading.Thread(target=body.flush)
    thread.start()
    assert arrived.wait(30)
    body.close()
    assert body.on_disk
    assert not gone.is_set()
    go_on.set()
    thread.join()
    assert gone.wait(30)
    assert body._pieces == []


FULL = """
import resource, signal, sys
from nlgov_jades import BodyDigest
from nlgov_jades.edges import BodySettings
from nlgov_jades.edges import body as body_module
from nlgov_jades.edges.body import LONG_FILE, Spool
from nlgov_jades.errors import ConfigurationError

resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
spool = Spool(BodySettings(memory=1000, folder=sys.argv[1]), BodyDigest)
written = 0
try:
    while True:
        spool.add(b"x" * 30_000)
        spool.flush()
        written += 30_000
except OSError as error:
    print(written, type(error).__name__)
try:
    spool.finish()
except (OSError, ConfigurationError) as error:
    print("finish", type(error).__name__)
else:
    print("finished")
spool.close()
spool.close()
print("closed", spool.on_disk)
"""


def test_a_full_disk_is_an_error_of_the_system_and_the_body_can_still_be_closed(tmp_path: Path) -> None:
    started = [sys.executable, "-W", "error", "-c", FULL, str(tmp_path)]
    done = subprocess.run(started, capture_output=True, text=True, check=True, timeout=60)
    written, finish, closed = done.stdout.splitlines()
    # What was written and failed may be heard of one piece later.
    assert written in ("90000 OSError", "120000 OSError")
    # What is in the file is not what was hashed, so it stays out of use.
    assert finish == "finish ConfigurationError"
    assert closed == "closed False"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_went_away_is_an_error_of_the_system(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    body = Spool(BodySettings(folder=folder), digest)
    folder.rmdir()
    body.add(b"secret")
    with pytest.raises(FileNotFoundError) as caught:
        body.flush()
    assert "secret" not in str(caught.value)
    body.close()


def test_a_long_file_is_closed_by_a_thread_so_that_nobody_waits_for_its_end(tmp_path: Path) -> None:
    closed_by: list[int] = []
    closed = threading.Event()
    body = Spool(BodySettings(memory=1000, folder=tmp_path), digest)
    body.add(b"x" * (LONG_FILE + 1))
    body.flush()
    body.finish()
    assert body._file is not None
    close = body._file.close

    class Watched:
        def close(self) -> None:
            close()
            closed_by.append(threading.get_ident())
            closed.set()

    body._file = Watched()  # type: ignore[assignment] # only its end is watched
    body.close()
    assert closed.wait(30)
    assert closed_by != [threading.get_ident()]
