"""CredentialFiles that are read in a thread: what the caller goes on with, how many threads there are, and how they end."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from nlgov_jades import HttpRequest, profiles
from nlgov_jades.errors import ConfigurationError, SigningError
from nlgov_jades.rotation import AsyncRotatingSigner, CredentialFiles, RotatingSigner, files, reading
from nlgov_jades.rotation.turn import Turn
from nlgov_jades.testing import Issued

from .conftest import Hand, Pair, Told

PATIENCE = 60
"""Seconds after which something hangs."""

STAYS = "the credential in use stays"


class Door:
    """A password that is not given until somebody opens. The first one, for the start, is."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()
        self.threads: list[threading.Thread] = []

    def __call__(self) -> Any:
        self.threads.append(threading.current_thread())
        if len(self.threads) > 1:
            self.reached.set()
            assert self.open.wait(PATIENCE)


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def source(pair: Pair, door: Door) -> CredentialFiles:
    pair.put(pair.first)
    return CredentialFiles(pair.key, pair.chain, password=door, clock=pair.hand)


def gives(source: CredentialFiles, issued: Issued) -> bool:
    return source.current().chain == issued.chain


def at_work() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "nlgov-jades-credential"]


def settle() -> None:
    """Wait until no thread reads."""
    for thread in at_work():
        thread.join(PATIENCE)
    assert at_work() == []


# --- what the caller goes on with --------------------------------------------------------------------------------


def test_the_caller_goes_on_with_the_old_one_while_one_thread_reads(
    source: CredentialFiles, pair: Pair, door: Door
) -> None:
    old = source.current()
    pair.put(pair.second)
    pair.hand.forward(seconds=10)
    assert source.current() is old
    assert door.reached.wait(PATIENCE)
    for _ in range(50):
        pair.hand.forward(seconds=10)
        assert source.current() is old
        assert len(at_work()) == 1
    door.open.set()
    settle()
    assert gives(source, pair.second)
    settle()
    assert len(door.threads) == 2
    assert door.threads[0] is threading.current_thread()
    assert door.threads[1].daemon


def test_the_caller_never_touches_the_files(
    source: CredentialFiles, pair: Pair, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_files: list[str] = []
    for name in ("look_at", "read_together"):
        real: Callable[[Sequence[Path]], object] = getattr(files, name)

        def noting(paths: Sequence[Path], real: Callable[[Sequence[Path]], object] = real) -> object:
            at_files.append(threading.current_thread().name)
            return real(paths)

        monkeypatch.setattr(files, name, noting)
    door.open.set()
    for issued in (pair.second, pair.first):
        pair.put(issued)
        pair.hand.forward(seconds=10)
        source.current()
        settle()
        assert gives(source, issued)
    assert at_files == ["nlgov-jades-credential"] * 4


def test_a_file_system_that_hangs_holds_up_nobody(
    source: CredentialFiles, pair: Pair, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, looks, go_on = reading.look_at, [], threading.Event()

    def hanging(paths: Sequence[Path]) -> object:
        looks.append(1)
        assert go_on.wait(PATIENCE)
        return real(paths)

    monkeypatch.setattr(files, "look_at", hanging)
    door.open.set()
    pair.put(pair.second)
    for _ in range(50):
        pair.hand.forward(hours=1)
        assert gives(source, pair.first)
    assert len(at_work()) == 1
    go_on.set()
    settle()
    assert gives(source, pair.second)
    settle()
    assert len(looks) == 2  # the first was begun hours ago, so another look is due


def test_what_has_waited_signs_at_once_although_the_thread_is_at_work(
    source: CredentialFiles, pair: Pair, door: Door, told: Told
) -> None:
    new = pair.issue(0, 100)
    pair.put(new)
    pair.hand.forward(seconds=10)
    door.open.set()
    source.current()
    settle()
    assert gives(source, pair.first)
    waiting = source.successor()
    assert waiting is not None
    door.open.clear()
    door.reached.clear()
    pair.put(pair.second)
    pair.hand.forward(seconds=10)
    source.current()
    assert door.reached.wait(PATIENCE)
    pair.hand.forward(minutes=5)
    assert source.current() is waiting
    door.open.set()
    settle()
    assert gives(source, pair.second)
    settle()
    # Nobody said that `new` was used: its thread was reading what came after it.
    assert [line.partition("pem': ")[2].rpartition("pem': ")[2].partition(",")[0] for line in told(logging.INFO)] == [
        "read a new credential",
        "read a new credential",
        "signing with a new credential from now on",
    ]


def test_after_an_expired_one_a_message_fails_and_the_next_is_signed(
    source: CredentialFiles, pair: Pair, door: Door, request_message: HttpRequest
) -> None:
    signer = RotatingSigner(source, profile=profiles.OOTS_RESPONSE, clock=pair.hand)
    pair.put(pair.second)
    pair.hand.forward(days=41)
    with pytest.raises(SigningError, match="expired on"):
        signer.sign(request_message)
    door.open.set()
    settle()
    assert len(signer.sign(request_message)) == 2
    assert signer.credential.chain == pair.second.chain
    settle()


def test_an_event_loop_signs_on_while_a_password_is_awaited(
    source: CredentialFiles, pair: Pair, door: Door, request_message: HttpRequest
) -> None:
    async def main() -> None:
        signer = AsyncRotatingSigner(source, profile=profiles.OOTS_RESPONSE, clock=pair.hand)
        old = signer.credential
        pair.put(pair.second)
        pair.hand.forward(seconds=10)
        for _ in range(5):
            await signer.sign(request_message)
            assert signer.credential is old
        assert await asyncio.to_thread(door.reached.wait, PATIENCE)
        door.open.set()
        await asyncio.to_thread(settle)
        await signer.sign(request_message)
        assert signer.credential.chain == pair.second.chain

    asyncio.run(main())


def test_files_that_did_not_change_are_looked_at_and_not_read(
    source: CredentialFiles, pair: Pair, door: Door, told: Told
) -> None:
    given = source.current()
    for _ in range(3):
        pair.hand.forward(seconds=10)
        assert source.current() is given
        settle()
    assert len(door.threads) == 1
    assert told(logging.DEBUG) == []


@pytest.mark.parametrize("value", ["inline", None, True], ids=repr)
def test_how_to_read_is_a_member_of_reading(pair: Pair, value: Any) -> None:
    pair.put(pair.first)
    with pytest.raises(ConfigurationError, match=r"^reading is a member of Reading$"):
        CredentialFiles(pair.key, pair.chain, clock=pair.hand, reading=value)


# --- what goes wrong in the thread -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [RuntimeError, SystemExit, KeyboardInterrupt], ids=lambda kind: kind.__name__)
def test_what_a_password_function_raises_is_told_once_and_does_not_end_reloading(
    pair: Pair, kind: type[BaseException], told: Told, capfd: pytest.CaptureFixture[str]
) -> None:
    answers: list[BaseException | None] = [None]

    def password() -> Any:
        if (answer := answers[0]) is not None:
            raise answer

    pair.put(pair.first)
    source = CredentialFiles(pair.key, pair.chain, password=password, clock=pair.hand)
    answers[0] = kind("geheim")
    pair.put(pair.second)
    for _ in range(20):
        pair.hand.forward(seconds=10)
        assert gives(source, pair.first)
        settle()
    (line,) = told(logging.DEBUG)
    assert line.startswith("WARNING ")
    assert line.endswith(f"cannot be loaded ({kind.__name__}); {STAYS}")
    answers[0] = None
    pair.hand.forward(seconds=60)
    source.current()
    settle()
    assert gives(source, pair.second)
    assert capfd.readouterr() == ("", "")


def test_a_look_that_raises_does_not_end_reloading_and_does_not_start_a_thread_for_each_message(
    source: CredentialFiles, pair: Pair, door: Door, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    tries = []

    def failing(paths: Sequence[Path]) -> NoReturn:
        tries.append(paths)
        raise MemoryError

    door.open.set()
    pair.put(pair.second)
    pair.hand.forward(seconds=10)
    with monkeypatch.context() as patch:
        patch.setattr(files, "look_at", failing)
        for _ in range(10):
            assert gives(source, pair.first)
            settle()
    assert len(tries) == 2  # the look, and the one for what is told of it
    pair.hand.forward(seconds=10)
    source.current()
    settle()
    assert gives(source, pair.second)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", [RuntimeError, MemoryError], ids=lambda kind: kind.__name__)
def test_where_no_thread_can_be_started_one_is_asked_for_again_later(
    source: CredentialFiles, pair: Pair, door: Door, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def refusing(thread: threading.Thread) -> NoReturn:
        tries.append(thread)
        raise kind("can't start new thread")

    door.open.set()
    new = pair.issue(0, 100)
    pair.put(new)
    pair.hand.forward(seconds=10)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refusing)
        for _ in range(10):
            assert gives(source, pair.first)
        assert len(tries) == 1
        pair.hand.forward(seconds=10)
        source.current()
        assert len(tries) == 2
    pair.hand.forward(seconds=10)
    source.current()
    settle()
    waiting = source.successor()
    assert waiting is not None
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refusing)
        pair.hand.forward(minutes=5)
        assert source.current() is waiting
        assert source.successor() is None


def test_a_signal_that_interrupts_the_start_of_a_thread_reaches_the_caller_and_the_turn_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, turn, go_on = threading.Thread.start, Turn(), threading.Event()

    def waiting() -> None:
        assert go_on.wait(PATIENCE)

    def interrupted(thread: threading.Thread) -> NoReturn:
        start(thread)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            turn.in_thread(waiting)
    with turn.taken() as mine:
        assert mine
        go_on.set()
        settle()  # gives back its own turn, not this one
        with turn.taken() as other:
            assert not other


# --- processes ---------------------------------------------------------------------------------------------------

BEGIN = """
import datetime as dt, logging, os, sys, threading
from pathlib import Path
from nlgov_jades.rotation import CredentialFiles, files

folder, now = Path(sys.argv[1]), dt.datetime.fromisoformat(sys.argv[2])
reached, go_on, asked = threading.Event(), threading.Event(), []

def password():
    asked.append(1)
    if len(asked) > 1:
        reached.set()
        go_on.wait()

source = CredentialFiles(folder / "key.pem", folder / "chain.pem", password=password, clock=lambda: now)
old = source.current()
for name in ("key.pem", "chain.pem"):
    (folder / ("new-" + name)).replace(folder / name)
now += dt.timedelta(seconds=10)
"""

FORK = (
    BEGIN
    + """
assert source.current() is old and reached.wait(60)
child = os.fork()
if child == 0:
    go_on = threading.Event()
    go_on.set()
    now += dt.timedelta(seconds=10)
    source.current()
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(60)
    os._exit(10 if source.current() is not old else 11)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), source.current() is old)
go_on.set()
for thread in threading.enumerate():
    if thread is not threading.current_thread():
        thread.join(60)
print(source.current() is old)
"""
)

EXIT_WHILE_WAITING = BEGIN + "assert source.current() is old and reached.wait(60)\nprint('end')\n"

EXIT_WHILE_PARSING = BEGIN + "go_on.set()\nsource.current()\nassert reached.wait(60)\nprint('end')\n"

EXIT_AT_ONCE = BEGIN + "assert source.current() is old\nprint('end')\n"

EXIT_WHILE_SIGNING = BEGIN + "import atexit\ngo_on.set()\natexit.register(lambda: (source.current(), print('end')))\n"


def run(program: str, pair: Pair, first: Issued, second: Issued) -> tuple[int, str, str]:
    pair.put(first)
    (pair.folder / "new-key.pem").write_bytes(second.key_pem())
    (pair.folder / "new-chain.pem").write_bytes(second.chain_pem)
    # From Python 3.12 on, to fork where there are threads warns; this is what is tried.
    options = ["-W", "error", "-W", "ignore:This process:DeprecationWarning"]
    done = subprocess.run(
        [sys.executable, *options, "-c", program, str(pair.folder), pair.hand.time.isoformat()],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_was_forked_while_the_thread_was_at_work_reads_by_itself(pair: Pair) -> None:
    assert run(FORK, pair, pair.first, pair.second) == (0, "10 True\nFalse\n", "")


@pytest.mark.parametrize(
    "program",
    [EXIT_WHILE_WAITING, EXIT_WHILE_PARSING, EXIT_AT_ONCE, EXIT_WHILE_SIGNING],
    ids=["waiting", "parsing", "at-once", "atexit"],
)
def test_a_process_ends_at_once_and_silently_whatever_the_thread_is_doing(
    pair: Pair, issued: Issued, hierarchy: Any, hand: Hand, program: str
) -> None:
    other = hierarchy.tsp.issue(not_before=hand() - dt.timedelta(days=1))  # RSA, which takes a while
    assert run(program, pair, issued, other) == (0, "end\n", "")
