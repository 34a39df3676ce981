"""The command tree, and the one place where an outcome becomes an exit status. Commands live in their own files."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Sequence

import click

from .. import __version__
from ..errors import ConfigurationError, MessageNotSignableError, NlgovJadesError, SigningError
from ..notice import NlgovJadesWarning
from .cert import cert
from .demo import demo
from .dev_pki import dev_pki
from .failure import CommandFailure, ExitStatus, NotValid
from .inspect import inspect
from .output import Printer
from .sign import sign
from .trust import trust
from .verify import verify

__all__ = ["cli", "run"]

INTERRUPTED = 130
"""What shells report for a command that was ended by SIGINT."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="nlgov-jades")
def cli() -> None:
    """Sign and verify HTTP messages the way Dutch government APIs ask for it.

    Exit status: 0 valid, 1 not valid, 2 usage or unreadable input.
    """


for _command in (sign, verify, inspect, cert, trust, dev_pki, demo):
    cli.add_command(_command)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status. Nothing but KeyboardInterrupt leaves as an exception."""
    as_json = "--json" in arguments
    try:
        status = _outcome(arguments, as_json=as_json)
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except OSError:
        # What was printed did not arrive, so it is neither yes nor no. Nothing more can be said there.
        _silence()
        return ExitStatus.UNUSABLE
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    return status


def _silence() -> None:
    """Give the streams a place to write to, so that the interpreter does not complain when it flushes them."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, AttributeError, ValueError):
            os.dup2(nowhere, stream.fileno())


def _outcome(arguments: Sequence[str], *, as_json: bool) -> int:
    # A notice about our own configuration is printed by the command that meets it.
    warnings.simplefilter("ignore", NlgovJadesWarning)
    try:
        cli.main(args=list(arguments), prog_name="nlgov-jades", standalone_mode=False)
    except NotValid:
        return ExitStatus.NOT_VALID
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return ExitStatus.UNUSABLE
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        help_line = "" if context is None else f" (see {context.command_path} --help)"
        return _unusable(error.format_message() + help_line, "USAGE", as_json=as_json)
    except CommandFailure as failure:
        return _unusable(failure.detail, failure.code, as_json=as_json)
    except NlgovJadesError as error:
        return _unusable(str(error), _code(error), as_json=as_json)
    else:
        return ExitStatus.VALID


def _code(error: NlgovJadesError) -> str:
    if isinstance(error, MessageNotSignableError):
        return "MESSAGE_NOT_SIGNABLE"
    if isinstance(error, SigningError):
        return "SIGNING"
    return "CONFIGURATION" if isinstance(error, ConfigurationError) else "UNEXPECTED"


def _unusable(detail: str, code: str, *, as_json: bool) -> int:
    printer = Printer(as_json=as_json)
    printer.result({"error": {"code": code, "detail": detail}})
    click.echo(f"nlgov-jades: {detail}", err=True)
    return ExitStatus.UNUSABLE
