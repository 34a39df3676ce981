"""The warning before a certificate expires: who, when, how many days are left. Decides by the time that it is given."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from typing import Final

from cryptography import x509

from ..credentials import SigningCredential
from ..pki.certificate import display_name
from ..result import SignerIdentity
from .turn import Turn

__all__ = ["ExpiryWatch", "day", "owner"]

WARN_BEFORE: Final = dt.timedelta(days=30)
"""A PKIoverheid certificate takes one to two weeks to get; this leaves as long again for holidays."""

TELL_EVERY: Final = dt.timedelta(days=1)
"""Often enough to be seen, seldom enough not to bury what else is in the log."""

_log = logging.getLogger("nlgov_jades.rotation")


class ExpiryWatch:
    """Tells once a day that a certificate expires soon, or has expired.

    Args:
        successor: Gives the credential that comes next, or `None`.
    """

    __slots__ = ("_successor", "_told", "_turn")

    def __init__(self, successor: Callable[[], SigningCredential | None]) -> None:
        self._successor = successor
        self._told: tuple[x509.Certificate, int, dt.datetime] | None = None
        self._turn = Turn()

    def look(self, certificate: x509.Certificate, at: dt.datetime) -> None:
        """Tell when there is something to tell.

        Args:
            certificate: What is signed with.
            at: The time, UTC.
        """
        left = certificate.not_valid_after_utc - at
        if left > WARN_BEFORE:
            return
        level = logging.WARNING if left >= dt.timedelta(0) else logging.ERROR
        if self._was_told(certificate, level, at) or (level == logging.WARNING and self._is_succeeded(certificate)):
            return
        with self._turn.taken() as mine:
            if not mine or self._was_told(certificate, level, at):
                return
            # Before it is logged: a handler may sign, and come by here.
            self._told = (certificate, level, at)
        who, when = owner(certificate), day(certificate.not_valid_after_utc)
        if level == logging.WARNING:
            text = "the certificate of %s expires on %s, days left: %d; install its successor"
            _log.warning(text, who, when, left.days)
        else:
            _log.error(
                "the certificate of %s expired on %s; nothing is signed until its successor is installed", who, when
            )

    def _was_told(self, certificate: x509.Certificate, level: int, at: dt.datetime) -> bool:
        if self._told is None:
            return False
        about, as_level, when = self._told
        # abs: threads arrive out of order, and clocks are set back.
        return about is certificate and as_level == level and abs(at - when) < TELL_EVERY

    def _is_succeeded(self, certificate: x509.Certificate) -> bool:
        """Whether one that ends later is waiting, and begins before this one ends."""
        try:
            credential = self._successor()
        except Exception:  # noqa: BLE001 - a source is other people's, and what is only told must not end signing
            return False
        if credential is None:
            return False
        ends, following = certificate.not_valid_after_utc, credential.chain[0]
        return following.not_valid_before_utc <= ends < following.not_valid_after_utc


def owner(certificate: x509.Certificate) -> str:
    """Whom a certificate speaks for, in a few words: its OIN, else its KVK number, else its name, quoted."""
    identity = SignerIdentity.from_certificate(certificate)
    if identity.oin is not None:
        return f"OIN {identity.oin}"
    return f"KVK {identity.kvk}" if identity.kvk is not None else display_name(certificate)


def day(time: dt.datetime) -> str:
    """A time as text: a date would leave open which zone it is in."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
