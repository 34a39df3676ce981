"""`nlgov-jades collect`: the command. What it does is in `run`, which needs the extra `ddas` and is imported when it is called."""

from __future__ import annotations

from typing import Any

import click

from ..failure import CommandFailure
from ..inputs import json_option
from ..options import (
    chain_option,
    client_tls_options,
    intermediates_option,
    password_file_option,
    revocation_option,
    send_chain_option,
)

__all__ = ["collect"]

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("fleet", metavar="FLEET")
@click.option("-o", "--output", required=True, metavar="FOLDER", help="Where the pages go; it must be new or empty.")
@click.option("--key", required=True, metavar="KEY", help="Private key: PEM, or PKCS#12 (then without --chain).")
@chain_option
@password_file_option
@send_chain_option
@click.option("--period-start", type=_DAY, metavar="DATE", help="First day of the period that is asked for.")
@click.option("--period-end", type=_DAY, metavar="DATE", help="Last day of the period that is asked for.")
@click.option("--organisation", metavar="NAME", help="Ask for this aanleverende_organisatie only.")
@click.option("--page-size", type=click.IntRange(1), metavar="NUMBER", help="Records of a page at most.")
@click.option("--trust", metavar="ROOTS", help="Trust anchors; the installed PKIoverheid bundle when not given.")
@intermediates_option
@click.option(
    "--require-policy",
    "policies",
    multiple=True,
    metavar="OID",
    help="Certificate policy of the signers, repeatable; those of PKIoverheid for services and seals when not given.",
)
@revocation_option
@click.option(
    "--online-host",
    "online_hosts",
    multiple=True,
    metavar="HOST[:PORT]",
    help="Fetch OCSP responses and CRLs from this host only, which may then have a private address; repeatable.",
)
@click.option("--max-age", type=click.IntRange(0), metavar="SECONDS", help="How long ago an answer may be signed.")
@client_tls_options
@json_option
def collect(fleet: str, *, as_json: bool, **options: Any) -> None:
    """Collect DDAS data from all providers in FLEET, a TOML file, and write every page that was verified.

    Revocation data are fetched from where the certificates say. Exit status 0: everything of everybody is there. 1: not of
    everybody; the table says why. 2: usage, or a file that cannot be used.
    """
    try:
        from .run import run  # noqa: PLC0415 - an extra
    except ImportError as error:
        if error.name not in {"anyio", "httpx", "starlette"}:
            raise
        raise CommandFailure("collect needs two extras: pip install 'nlgov-jades[cli,ddas]'", "USAGE") from None
    run(fleet, options, as_json=as_json)
