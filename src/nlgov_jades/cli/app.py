"""The command tree, and the one place where an outcome becomes an exit status. Commands live in their own files."""

from __future__ import annotations

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
    except OSError as error:
        # Writing: a full disk, a closed pipe, no permission.
        return _unusable(error.strerror or "the operating system refused", "OUTPUT", as_json=as_json)
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
