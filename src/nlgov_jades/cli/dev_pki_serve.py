"""`nlgov-jades dev-pki serve`: OCSP and CRLs of a folder that `dev-pki new` made, on this machine, until interrupted."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from ..errors import quoted
from ..testing.behaviour import Behaviour
from ..testing.folder import load_hierarchy, register_in
from ..testing.hierarchy import Hierarchy
from ..testing.responder import ReceivedRequest, Responder
from .failure import CommandFailure
from .inputs import json_option
from .output import Printer, plain

__all__ = ["DEFAULT_PORT", "check_revocation_url", "serve", "shown_path"]

DEFAULT_PORT: Final = 8888

_MAX_URL = 200
_TICK = 0.5
"""Seconds: on Windows a wait without end cannot be interrupted."""


@click.command()
@click.argument("folder", metavar="FOLDER")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"Port on 127.0.0.1, a free one when 0; that of the folder's revocation URL, or {DEFAULT_PORT}, when not given.",
)
@click.option(
    "--behave",
    type=click.Choice([behaviour.value for behaviour in Behaviour]),
    default=Behaviour.NORMAL.value,
    show_default=True,
    help="How to answer: for tests of what a client does with a bad responder.",
)
@json_option
def serve(folder: str, port: int | None, behave: str, as_json: bool) -> None:
    """Answer for the certificates in FOLDER: OCSP on /ocsp and CRLs on /crl, on this machine only, until Ctrl-C.

    FOLDER is one that `dev-pki new --with-ca-keys` or `--revocation-url` made. What `dev-pki revoke` says holds from the
    next answer on. Exit status 0 when interrupted; 2 when the folder or the port cannot be used. With --json the one
    object is printed as soon as it answers.
    """
    printer = Printer(as_json=as_json)
    with _interruptible():
        hierarchy = load_hierarchy(Path(folder))
        responder = Responder(
            hierarchy,
            behaviour=Behaviour(behave),
            port=_port(hierarchy) if port is None else port,
            register=register_in(Path(folder)),
            on_request=lambda request: _tell(request, as_json=as_json),
        )
        _start(responder)
        with responder:
            _announce(printer, folder, responder, hierarchy, behave)
            never = threading.Event()
            while not never.wait(_TICK):
                pass
    printer.line("stopped")


def check_revocation_url(url: str) -> str:
    """The URL, when a responder may be there; without a slash at the end.

    Raises:
        CommandFailure: It is no http URL, or says more than a host and a port.
    """
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0  # reading the port may raise
        # No https: to check that certificate one would ask for revocation data again (RFC 5280 §8).
        usable = usable and parts.scheme == "http" and parts.path in {"", "/"}
    except ValueError:
        usable = False
    plain_form = usable and url.isascii() and url.isprintable()
    if not plain_form or len(url) > _MAX_URL or any(mark in url for mark in "?#@ "):
        raise CommandFailure(f"--revocation-url is of the form http://HOST:PORT, not {quoted(url, 80)}", code="USAGE")
    return url.rstrip("/")


def shown_path(path: str) -> str:
    """The path as text that can be printed: its octets may be no UTF-8."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends the block and is no error; so does what `kill` and service managers send."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    here = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, interrupt) if here else None
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        if here:
            signal.signal(signal.SIGTERM, before)


def _start(responder: Responder) -> None:
    try:
        responder.start()
    except OSError as error:
        reason = error.strerror or "the operating system refused"
        raise CommandFailure(f"the port on 127.0.0.1 cannot be used: {reason}", code="CONFIGURATION") from None


def _port(hierarchy: Hierarchy) -> int:
    url = hierarchy.root.revocation_url
    with contextlib.suppress(ValueError):
        return (urlsplit(url).port if url else None) or DEFAULT_PORT
    return DEFAULT_PORT


def _announce(printer: Printer, folder: str, responder: Responder, hierarchy: Hierarchy, behave: str) -> None:
    url, named = responder.url, hierarchy.root.revocation_url
    crls = [f"{url}{authority.crl_path}" for authority in hierarchy.authorities]
    lines = [
        f"serving {plain(shown_path(folder))} at {url} until Ctrl-C",
        f"  OCSP  {url}/ocsp",
        *(f"  CRL   {crl}" for crl in crls),
    ]
    if behave != Behaviour.NORMAL:
        lines.append(f"  told to behave: {behave}")
    if named not in {None, url}:
        lines.append(f"  note: the certificates name {plain(named)}; let that lead here")
    # In one piece: whoever has read the URL may interrupt, and finds the rest printed too.
    printer.line("\n".join(lines))
    facts = {"folder": shown_path(folder), "url": url, "ocsp": f"{url}/ocsp", "crls": crls, "behaviour": behave}
    printer.result({"ok": True, **facts, "revocation_url": named})
    sys.stdout.flush()


def _tell(request: ReceivedRequest, *, as_json: bool) -> None:
    # Called by the thread that answers: nobody may be left to read this, and the answer must go out all the same.
    shown = plain(f"{request.method} {request.path}".encode("ascii", "backslashreplace").decode("ascii"), 120)
    with contextlib.suppress(OSError, ValueError):
        click.echo(f"  {shown}", err=as_json)
