"""A credential in files that somebody else replaces: a Kubernetes secret, certbot, an administrator.

What is in use changes only when what is in the files is complete, fits together and is valid; anything else is told in
the log, and signing goes on.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Final

from ..clock import Clock, check_time, utc_now
from ..credentials import SigningCredential
from ..errors import CertificatePathError, ConfigurationError, quoted
from ..pki.certificate import check_validity, fingerprint
from .expiry import day, owner
from .reading import PATH_LENGTH, Look, UnreadableError, look_at, read_together
from .turn import Turn

__all__ = ["CredentialFiles", "Password", "Reading"]

CHECK_EVERY: Final = dt.timedelta(seconds=10)
"""To look costs two system calls; a new certificate may wait for this long, since the old one is valid for days yet."""

OVERLAP: Final = dt.timedelta(minutes=5)
"""How far the clocks of receivers may be behind; verifiers commonly allow that much."""

RETRY_AFTER: Final = dt.timedelta(minutes=1)
"""Until files that could not be used are read again although they look the same: a password may have come late, or a
file system may tell of a change late. Reading a key takes milliseconds, so not for each message."""

Password = bytes | Callable[[], bytes]
"""Octets, or what gives them, asked each time the files are read: a password may be replaced together with its key."""

_log = logging.getLogger("nlgov_jades.rotation")


class Reading(Enum):
    """Who looks at the files and reads them when they have changed."""

    IN_THREAD = "in-thread"
    """A short-lived thread, one at a time; the caller goes on with the credential there is. The default.

    Disks and password functions hold up nobody. The search for primes with which `cryptography` checks an RSA key in a
    PKCS#12 file does: it holds the interpreter's lock for 30 ms (2048 bits) to 230 ms (4096), once for each change. A key
    as PEM is checked without."""
    INLINE = "inline"
    """The caller, who has the new one at once: for a program that signs now and then, without an event loop."""


@dataclass(frozen=True, slots=True, repr=False)
class _State:
    """What is known of the files. Replaced as a whole, so that every thread sees one that is consistent.

    Attributes:
        credential: What is in use.
        successor: What waits until it may be used.
        looks: What the files looked like when they were read last.
        looked_at: When they were looked at last.
        read_at: When they were read last.
        failed: Whether that gave nothing that can be used.
    """

    credential: SigningCredential
    successor: SigningCredential | None
    looks: tuple[Look | None, ...]
    looked_at: dt.datetime
    read_at: dt.datetime
    failed: bool = False


class CredentialFiles:
    """A source that reads a credential from files, and reads them again when they change. Safe to share between threads.

    The files are looked at when `current` is asked, at most once in `check_every`. `Reading` says by whom: `current`
    itself touches no disk and calls no password function, unless that is chosen. A new certificate is used from
    `overlap` after its notBefore, so that it is valid for receivers whose clocks are behind; when the old one ends
    before that, as soon as it is valid. Files that cannot be read, that do not fit together or whose certificate has
    expired change nothing: that is logged once for each change, and they are tried again.

    Args:
        key: File with the private key as PEM; without `chain`, a PKCS#12 file with everything.
        chain: File with the signer's certificate and the CAs above it as PEM, in any order.
        password: Of the key or of the PKCS#12 file: octets, or a function that returns them and is called each time
            the files are read.
        clock: Gives the current time, UTC; read once each time `current` is asked.
        check_every: How long the files are not looked at again; zero looks at each message.
        overlap: How long a new certificate waits from its notBefore on, while the old one is valid.
        reading: Who looks and reads. The first time, it is the caller, who waits.

    Raises:
        ConfigurationError: The files hold nothing to sign with now, or an argument has another form. Only when it is
            made: a source that could be made goes on with what it has.
    """

    __slots__ = ("_check_every", "_clock", "_overlap", "_password", "_paths", "_reading", "_state", "_turn")

    def __init__(
        self,
        key: str | os.PathLike[str],
        chain: str | os.PathLike[str] | None = None,
        *,
        password: Password | None = None,
        clock: Clock = utc_now,
        check_every: dt.timedelta = CHECK_EVERY,
        overlap: dt.timedelta = OVERLAP,
        reading: Reading = Reading.IN_THREAD,
    ) -> None:
        if not isinstance(reading, Reading):
            raise ConfigurationError("reading is a member of Reading")
        if not (password is None or isinstance(password, bytes) or callable(password)):
            raise ConfigurationError("a password is bytes, or a function that returns them")
        self._paths = tuple(_path(path) for path in ([key] if chain is None else [key, chain]))
        self._password = password
        self._clock = clock
        self._check_every = _duration(check_every, "check_every")
        self._overlap = _duration(overlap, "overlap")
        self._reading = reading
        self._turn = Turn()
        at = check_time(clock())
        try:
            credential, looks = self._load(at)
            check_validity(credential.chain[0], at)
        except (ConfigurationError, CertificatePathError) as error:
            raise ConfigurationError(f"{self._name}: {error}") from None
        self._state = _State(credential, None, looks, looked_at=at, read_at=at)

    def current(self) -> SigningCredential:
        """The credential to sign with now. Once there is one, files that cannot be used raise nothing.

        An expired one is returned too when there is no other, or when the other is still being read: a signer refuses to
        sign with it.

        Raises:
            ConfigurationError: The clock gives no aware time.
        """
        at = check_time(self._clock())
        state = self._state
        if self._is_due(state, at) or self._chosen(state, at) is not state.credential:
            self._have_caught_up(at)
            state = self._state
        return self._chosen(state, at)

    def successor(self) -> SigningCredential | None:
        """The credential in the files that waits until it may be used, or `None`."""
        return self._state.successor

    def _have_caught_up(self, at: dt.datetime) -> None:
        """Look and read, or let a thread do it, unless somebody is at it."""
        if self._reading is Reading.IN_THREAD and self._turn.in_thread(partial(self._catch_up_alone, at)):
            return
        with self._turn.taken() as mine:
            if not mine:
                return
            if self._reading is Reading.INLINE:
                self._catch_up(at)
            else:
                # There is no thread to be had. Not at each message is one asked for.
                self._state = self._promoted(replace(self._state, looked_at=at), at)

    def _catch_up(self, at: dt.datetime) -> None:
        state = self._state
        if self._is_due(state, at):
            state = self._looked(state, at)
        self._state = self._promoted(state, at)

    def _catch_up_alone(self, at: dt.datetime) -> None:
        """The same where no caller is there to hear what is no `Exception`: a parser's panic, a password's `sys.exit`."""
        try:
            self._catch_up(at)
        except BaseException as error:  # noqa: BLE001 - above; the thread ends in any case
            # First of all: otherwise the next message would come straight here again.
            self._state = state = replace(self._state, looked_at=at)
            self._state = self._refused(state, look_at(self._paths), at, f"cannot be loaded ({type(error).__name__})")

    def _is_due(self, state: _State, at: dt.datetime) -> bool:
        # abs: a clock that was set back must not keep the files from being looked at until it has caught up.
        return abs(at - state.looked_at) >= self._check_every

    def _looked(self, state: _State, at: dt.datetime) -> _State:
        """The state after a look at the files, which are read when they differ from what was read last."""
        state = replace(state, looked_at=at)
        looks = look_at(self._paths)
        again = state.failed and abs(at - state.read_at) >= RETRY_AFTER
        if looks == state.looks and not again:
            return state
        try:
            credential, looks = self._load(at)
        except ConfigurationError as error:
            return self._refused(state, error.looks if isinstance(error, UnreadableError) else looks, at, str(error))
        read = replace(state, successor=None, looks=looks, read_at=at, failed=False)
        if credential.chain_der == state.credential.chain_der:
            return read
        waiting = state.successor
        if waiting is not None and credential.chain_der == waiting.chain_der:
            return replace(read, successor=waiting)
        _log.info("%s: read a new credential, %s", self._name, _described(credential))
        return replace(read, successor=credential)

    def _refused(self, state: _State, looks: tuple[Look | None, ...], at: dt.datetime, why: str) -> _State:
        """The state after files that gave nothing; told, unless it was."""
        if not state.failed or looks != state.looks:
            _log.warning("%s: %s; the credential in use stays", self._name, why)
        return replace(state, looks=looks, read_at=at, failed=True)

    def _load(self, at: dt.datetime) -> tuple[SigningCredential, tuple[Look | None, ...]]:
        """What the files hold, and what they looked like.

        Raises:
            ConfigurationError: It is nothing to sign with, now or later.
        """
        contents = read_together(self._paths)
        try:
            credential = self._parsed(contents.octets)
            if at > credential.chain[0].not_valid_after_utc:
                check_validity(credential.chain[0], at)
        except (ConfigurationError, CertificatePathError) as error:
            raise UnreadableError(str(error), contents.looks) from None
        except Exception as error:  # noqa: BLE001 - the password's function is other people's; a service goes on
            # Its text may hold anything.
            raise UnreadableError(f"cannot be loaded ({type(error).__name__})", contents.looks) from None
        return credential, contents.looks

    def _parsed(self, octets: tuple[bytes, ...]) -> SigningCredential:
        password = self._password() if callable(self._password) else self._password
        key, *chain = octets
        if chain:
            return SigningCredential.from_pem(key, chain[0], password=password)
        if key.lstrip().startswith(b"-----BEGIN"):
            raise ConfigurationError("a key as PEM goes with a file for its chain; without one, give a PKCS#12 file")
        return SigningCredential.from_pkcs12(key, password)

    def _promoted(self, state: _State, at: dt.datetime) -> _State:
        chosen = self._chosen(state, at)
        if chosen is state.credential:
            return state
        _log.info("%s: signing with a new credential from now on, %s", self._name, _described(chosen))
        return replace(state, credential=chosen, successor=None)

    def _chosen(self, state: _State, at: dt.datetime) -> SigningCredential:
        """The successor when its time has come, else what is in use. Decides by the time alone: it may be asked often."""
        if state.successor is None:
            return state.credential
        old, new = state.credential.chain[0], state.successor.chain[0]
        begins, old_ends = new.not_valid_before_utc, old.not_valid_after_utc
        if not begins <= at <= new.not_valid_after_utc:
            return state.credential
        # Differences, because a sum may lie beyond the year 9999.
        waited = at - begins >= self._overlap
        cannot_wait = old_ends - begins < self._overlap
        # Who finds the new one too young finds the old one too young as well: another chain, or the certificate before.
        gains_nothing = old.not_valid_before_utc >= begins
        return state.successor if waited or cannot_wait or gains_nothing else state.credential

    @property
    def _name(self) -> str:
        return " with ".join(quoted(path, PATH_LENGTH) for path in self._paths)

    def __repr__(self) -> str:
        return f"<CredentialFiles: {self._name}, {self._state.credential!r}>"


def _described(credential: SigningCredential) -> str:
    leaf = credential.chain[0]
    return (
        f"of {owner(leaf)}, valid from {day(leaf.not_valid_before_utc)} until {day(leaf.not_valid_after_utc)}, "
        f"SHA-256 {fingerprint(leaf)}"
    )


def _path(path: str | os.PathLike[str]) -> Path:
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str) or not text or "\0" in text:
        raise ConfigurationError("a file is named by text or by a path")
    # absolute, not resolve: the working folder may change, and symbolic links are what is swapped.
    return Path(text).absolute()


def _duration(value: object, name: str) -> dt.timedelta:
    if not isinstance(value, dt.timedelta) or value < dt.timedelta(0):
        raise ConfigurationError(f"{name} is a timedelta, zero or longer")
    return value
