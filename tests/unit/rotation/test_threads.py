"""Many threads sign while files are replaced, and a process that was forked goes on rotating."""

from __future__ import annotations

import datetime as dt
import os
import queue
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from nlgov_jades import ANY_TRUSTED, HttpRequest, RevocationPolicy, VerificationPolicy, Verifier, profiles
from nlgov_jades.rotation import CredentialFiles, FixedCredential, Reading, RotatingSigner
from nlgov_jades.rotation.turn import Turn
from nlgov_jades.testing import Hierarchy, Issued

from .conftest import Hand, Issue, Told

THREADS = 8
ROTATIONS = 50
PATIENCE = 60
"""Seconds after which something hangs."""


def test_eight_threads_sign_during_fifty_rotations_each_time_with_a_key_and_its_own_certificate(
    tmp_path: Path, hierarchy: Hierarchy, issue: Issue, hand: Hand
) -> None:
    issued: list[Issued] = [issue() for _ in range(ROTATIONS + 1)]
    for number, item in enumerate(issued):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "key.pem").write_bytes(item.key_pem())
        (folder / "chain.pem").write_bytes(item.chain_pem)
    link = tmp_path / "current"
    link.symlink_to("0")
    source = CredentialFiles(
        link / "key.pem", link / "chain.pem", clock=hand, reading=Reading.INLINE, check_every=dt.timedelta(0)
    )
    signer = RotatingSigner(source, profile=profiles.OOTS_RESPONSE, clock=hand)
    policy = VerificationPolicy(
        profiles=(profiles.OOTS_RESPONSE,), signers=ANY_TRUSTED, revocation=RevocationPolicy.OFF
    )
    verifier = Verifier(trust=hierarchy.trust, policy=policy, clock=hand)
    used: queue.SimpleQueue[Any] = queue.SimpleQueue()
    done = threading.Event()

    def work(worker: int) -> int:
        count = 0
        while not done.is_set():
            body = f'{{"worker":{worker},"count":{count}}}'.encode()
            request = HttpRequest(method="POST", target="/", fields=[("Content-Type", "application/json")], body=body)
            # Raises when the signature is not by the key of the certificate that it names.
            verified = verifier.verify(request.with_fields(signer.sign(request)))
            assert verified.body == body
            used.put(verified.path[0])
            count += 1
        return count

    with ThreadPoolExecutor(THREADS) as pool:
        workers = [pool.submit(work, worker) for worker in range(THREADS)]
        try:
            for number in range(1, ROTATIONS + 1):
                new = tmp_path / "new"
                new.symlink_to(str(number))
                new.replace(link)
                while used.get(timeout=PATIENCE) != issued[number].certificate:
                    pass
        finally:
            done.set()
        assert all(worker.result(PATIENCE) for worker in workers)


def test_threads_that_meet_a_new_credential_together_all_sign_and_one_signer_stays(
    issue: Issue, hand: Hand, request_message: HttpRequest, told: Told, credential: Any
) -> None:
    old, together = issue(), threading.Barrier(THREADS, timeout=PATIENCE)

    class Meeting:
        given = old.credential

        def current(self) -> Any:
            if self.given is not old_credential:
                together.wait()
            return self.given

    source = Meeting()
    old_credential = source.given
    signer = RotatingSigner(source, profile=profiles.OOTS_RESPONSE, clock=hand)
    source.given = credential  # RSA: refused, by all of them
    with ThreadPoolExecutor(THREADS) as pool:
        results = [pool.submit(signer.sign, request_message) for _ in range(THREADS)]
        assert all(len(result.result(PATIENCE)) == 2 for result in results)
    assert signer.credential is old_credential
    assert len(told()) == 1


def test_the_warning_of_one_day_is_told_by_one_thread(
    first: Issued, hand: Hand, request_message: HttpRequest, told: Told
) -> None:
    signer = RotatingSigner(FixedCredential(first.credential), profile=profiles.OOTS_RESPONSE, clock=hand)
    hand.forward(days=20)
    together = threading.Barrier(THREADS, timeout=PATIENCE)

    def work(_: int) -> None:
        together.wait()
        signer.sign(request_message)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    assert len(told()) == 1


def test_a_thread_whose_turn_it_is_not_signs_and_tells_nothing(
    first: Issued, second: Issued, hand: Hand, request_message: HttpRequest, told: Told
) -> None:
    class Shelf:
        given = second.credential

        def current(self) -> Any:
            return self.given

    shelf = Shelf()
    before = shelf.given
    signer = RotatingSigner(shelf, profile=profiles.OOTS_RESPONSE, clock=hand)
    hand.forward(days=20)
    shelf.given = first.credential  # with 20 days left
    with signer._turn.taken(), signer._watch._turn.taken():
        assert len(signer.sign(request_message)) == 2
    assert signer.credential is before
    assert told() == []
    signer.sign(request_message)
    assert signer.credential is shelf.given
    assert len(told()) == 1


# --- turns -------------------------------------------------------------------------------------------------------


def test_a_turn_is_one_at_a_time_and_is_given_back_whatever_happens() -> None:
    turn = Turn()

    def fail() -> None:
        with turn.taken() as mine:
            assert mine
            for _ in range(2):
                with turn.taken() as other:
                    assert not other
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with turn.taken() as mine:
        assert mine


FORK = """
import os, sys
from nlgov_jades.rotation.turn import Turn

turn = Turn()
with turn.taken() as mine:
    child = os.fork()
    if child == 0:
        with turn.taken() as again:
            os._exit(10 if again else 11)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    with turn.taken() as again:
        print(again)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_turn_that_was_taken_when_the_process_forked_is_free_in_the_child() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORK], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert (done.stdout, done.stderr) == ("10\nFalse\n", "")
