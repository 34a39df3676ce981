"""The command tree, and the one place where an outcome becomes an exit status. Commands live in their own files."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Sequence

import click

from .. import __version__
from ..errors import ConfigurationError, MessageNotSignableError, NlgovJadesError, SigningError
from ..notice import NlgovJadesWarning
from .cert import cert
from .collect import collect
from .demo import demo
from .dev_pki import dev_pki
from .failure import CommandFailure, ExitStatus, NotValid
from .inspect import inspect
from .output import Printer, plain
from .probe import probe
from .sign import sign
from .trust import trust
from .verify import verify

__all__ = ["cli", "run"]


INTERRUPTED = 130
"""What a shell gives a program that SIGINT ended; no verdict."""


@click.group(no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="nlgov-jades")
def cli() -> None:
    """Sign and verify HTTP messages the way Dutch government APIs ask for it.

    Exit status: 0 valid, 1 not valid, 2 usage or unreadable input.
    """


for _command in (sign, verify, inspect, cert, trust, dev_pki, probe, collect, demo):
    cli.add_command(_command)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status. Nothing but KeyboardInterrupt leaves as an exception."""
    as_json = "--json" in arguments
    # A notice about our own configuration is printed by the command that meets it.
    warnings.simplefilter("ignore", NlgovJadesWarning)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        cli.main(args=list(arguments), prog_name="nlgov-jades", standalone_mode=False)
    except NotValid:
        return _flushed(ExitStatus.NOT_VALID, as_json=as_json)
    except click.exceptions.Abort:
        return INTERRUPTED
    except SystemExit:  # click and rich leave so when standard output is a closed pipe
        return _unusable("standard output is closed", "OUTPUT", as_json=False)
    except Exception as error:  # noqa: BLE001 - a traceback would leave with status 1, "not valid"
        return _unusable(*_told(error), as_json=as_json)
    return _flushed(ExitStatus.VALID, as_json=as_json)


def _told(error: Exception) -> tuple[str, str]:
    """What to say of an exception, and its code."""
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        help_line = "" if context is None else f" (see {context.command_path} --help)"
        return plain(error.format_message() + help_line, 1000), "USAGE"
    if isinstance(error, CommandFailure):
        return error.detail, error.code
    if isinstance(error, NlgovJadesError):
        return str(error), _code(error)
    if isinstance(error, OSError):  # writing: a full disk, a closed pipe, no permission
        return error.strerror or "the operating system refused", "OUTPUT"
    # Its text may quote the input.
    return f"something went wrong that should not: {type(error).__name__}. Please report it", "UNEXPECTED"


def _flushed(status: ExitStatus, *, as_json: bool) -> int:
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        return _unusable(error.strerror or "the operating system refused", "OUTPUT", as_json=as_json)
    return status


def _code(error: NlgovJadesError) -> str:
    if isinstance(error, MessageNotSignableError):
        return "MESSAGE_NOT_SIGNABLE"
    if isinstance(error, SigningError):
        return "SIGNING"
    return "CONFIGURATION" if isinstance(error, ConfigurationError) else "UNEXPECTED"


def _unusable(detail: str, code: str, *, as_json: bool) -> int:
    printer = Printer(as_json=as_json)
    try:
        printer.result({"error": {"code": code, "detail": detail}})
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        # Nobody reads it; nor shall the interpreter try once more when it ends.
        if sys.stdout is not None:
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    click.echo(f"nlgov-jades: {detail}", err=True)
    return ExitStatus.UNUSABLE
