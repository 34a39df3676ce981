"""A program whose process is forked, or ends, while a refresh is under way in the background: run by `test_processes`.

It is given the URL of a CRL, and certificate and issuer as DER in hexadecimal digits.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence

from cryptography import x509

from nlgov_jades import RevocationPolicy
from nlgov_jades.fetch import AddressRule, FetchLimits
from nlgov_jades.fetch.requests import RequestsFetcher
from nlgov_jades.pki.crl import Crl
from nlgov_jades.pki.revocation import FetchRequest
from nlgov_jades.result import RevocationSource

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
DUE = NOW + dt.timedelta(hours=4)
PATIENCE = 20


class Program:
    """A fetcher whose look-up of names can be held up."""

    def __init__(self, url: str, certificate: str, issuer: str) -> None:
        self.url = url
        self.certificates = [x509.load_der_x509_certificate(bytes.fromhex(der)) for der in (certificate, issuer)]
        self.now = NOW
        self.entered = threading.Event()
        self.opened = threading.Event()
        self.opened.set()
        # A refresh that is waited for would be noticed.
        limits = FetchLimits(ports=range(1, 65536), addresses=AddressRule.ANY_ADDRESS, seconds=60)
        self.fetcher = RequestsFetcher(limits=limits, clock=lambda: self.now, lookup=self.look_up)

    def look_up(self, _: str, __: int) -> Sequence[str]:
        self.entered.set()
        self.opened.wait()
        return ["127.0.0.1"]

    def number(self) -> int | None:
        """The number of the CRL that a caller gets."""
        certificate, issuer = self.certificates
        policy, source = RevocationPolicy.HARD_FAIL, RevocationSource.CRL
        data = self.fetcher.fetch(FetchRequest(source, self.url, certificate, issuer, policy, self.now), timeout=60)
        return data.number if isinstance(data, Crl) else None

    def fall_due(self) -> None:
        """The data are due, a caller got the held ones, and newer ones are on their way."""
        self.now = DUE
        self.entered.clear()
        expect(self.number(), 1)
        expect(self.entered.wait(PATIENCE), True)  # noqa: FBT003 - what is expected

    def settle(self) -> None:
        """Wait until nothing is under way."""
        workers = self.fetcher._workers
        with workers._changed:
            expect(workers._changed.wait_for(lambda: not workers._keys, PATIENCE), True)  # noqa: FBT003 - the same


def expect(found: object, expected: object) -> None:
    """Not an assertion: those are for tests, and this is none."""
    if found != expected:
        raise SystemExit(f"{found} instead of {expected}")


def end(program: Program) -> None:
    """The process ends while its refresh looks a name up, or waits for a server that is silent: somebody says when."""
    expect(program.number(), 1)
    if "looking-up" in sys.argv:
        program.opened.clear()
    program.fall_due()
    sys.stdin.read()


def fork(program: Program) -> None:
    """The process is forked while its refresh is under way, and both go on."""

    def held_up(host: str, port: int) -> Sequence[str]:
        return program.look_up(host, port) if os.getpid() == parent else ["127.0.0.1"]

    expect(program.number(), 1)
    parent = os.getpid()
    program.fetcher._lookup = held_up
    program.opened.clear()
    program.fall_due()
    process = os.fork()
    if process == 0:
        signal.alarm(PATIENCE)
        status = 1
        try:
            go_on(program)
            status = 0
        finally:
            os._exit(status)
    expect(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), 0)
    program.opened.set()
    program.settle()
    expect(program.number(), 3)


def go_on(program: Program) -> None:
    """In the child: what is held serves, and its own thread fetches newer data."""
    expect(program.number(), 1)
    program.settle()
    expect(program.number(), 2)


PARTS: dict[str, Callable[[Program], None]] = {"end": end, "fork": fork}

if __name__ == "__main__":
    PARTS[sys.argv[1]](Program(*sys.argv[2:5]))
