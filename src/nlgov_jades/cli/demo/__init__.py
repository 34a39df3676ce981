"""`nlgov-jades demo`: the command. What it shows is in `run`, which needs the extra `ddas` and is imported when it is called."""

from __future__ import annotations

import click

from ..failure import CommandFailure
from ..inputs import json_option, new_folder
from ..output import Printer

__all__ = ["demo"]


@click.command()
@click.option(
    "--keep",
    metavar="FOLDER",
    help="Leave certificates, messages and records in FOLDER, which must be new or empty, to go on with.",
)
@json_option
def demo(keep: str | None, as_json: bool) -> None:
    """Collect DDAS data from two providers on this machine, refuse what is wrong, and revoke a certificate meanwhile.

    Everything is real and thrown away: certificates, a responder for OCSP and CRLs, two servers with records in SQLite.
    It takes seconds, opens connections to 127.0.0.1 only, and leaves nothing behind but what --keep asks for.
    Exit status 1 when something does not come out as it must.
    """
    try:
        from .run import run  # noqa: PLC0415 - an extra
    except ImportError as error:
        if error.name not in {"anyio", "httpx", "starlette", "uvicorn"}:
            raise
        raise CommandFailure("the demo needs two extras: pip install 'nlgov-jades[cli,ddas]'", "USAGE") from None
    run(Printer(as_json=as_json), None if keep is None else new_folder(keep))
