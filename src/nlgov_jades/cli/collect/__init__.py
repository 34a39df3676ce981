"""`nlgov-jades collect`: the command. What it does is in `run`, which needs the extra `ddas` and is imported when it is called."""

from __future__ import annotations

from typing import Any

import click

from ...policy import RevocationMode
from ...sign import SendChain
from ..failure import CommandFailure
from ..inputs import json_option

__all__ = ["collect"]

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("fleet", metavar="FLEET")
@click.option("-o", "--output", required=True, metavar="FOLDER", help="Where the pages go; it must be new or empty.")
@click.option("--key", required=True, metavar="KEY", help="Private key: PEM, or PKCS#12 (then without --chain).")
@click.option("--chain", metavar="CHAIN", help="The signer's certificate and those above it, PEM.")
@click.option("--password-file", metavar="F", help="Its first line is the password of the key.")
@click.option(
    "--send-chain",
    type=click.Choice([choice.value for choice in SendChain]),
    default=SendChain.NO_ROOT.value,
    show_default=True,
    help="Which certificates go along in x5c.",
)
@click.option("--period-start", type=_DAY, metavar="DATE", help="First day of the period that is asked for.")
@click.option("--period-end", type=_DAY, metavar="DATE", help="Last day of the period that is asked for.")
@click.option("--organisation", metavar="NAME", help="Ask for this aanleverende_organisatie only.")
@click.option("--page-size", type=click.IntRange(1), metavar="NUMBER", help="Records of a page at most.")
@click.option("--trust", metavar="ROOTS", help="Trust anchors; the installed PKIoverheid bundle when not given.")
@click.option("--intermediates", metavar="CAS", help="CA certificates that help to build the path: a file or a folder.")
@click.option(
    "--require-policy",
    "policies",
    multiple=True,
    metavar="OID",
    help="Certificate policy of the signers, repeatable; those of PKIoverheid for services and seals when not given.",
)
@click.option(
    "--revocation",
    type=click.Choice([mode.value for mode in RevocationMode]),
    default=RevocationMode.HARD_FAIL.value,
    show_default=True,
    help="What an unanswered question about a signer's certificate means.",
)
@click.option(
    "--online-host",
    "online_hosts",
    multiple=True,
    metavar="HOST[:PORT]",
    help="Fetch OCSP responses and CRLs from this host only, which may then have a private address; repeatable.",
)
@click.option("--max-age", type=click.IntRange(0), metavar="SECONDS", help="How long ago an answer may be signed.")
@click.option(
    "--ca", metavar="FILE", help="CAs that servers are trusted by, PEM; those of this machine when not given."
)
@click.option("--client-cert", metavar="FILE", help="Certificate of the TLS client, PEM.")
@click.option("--client-key", metavar="FILE", help="Its key, PEM; in the same file when not given.")
@click.option("--client-password-file", metavar="F", help="Its first line is the password of that key.")
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
