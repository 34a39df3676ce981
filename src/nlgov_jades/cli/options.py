"""Options that more than one command has, so that they have the same names, forms and words everywhere. Nothing is read here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..policy import RevocationMode
from ..sign import SendChain

__all__ = [
    "chain_option",
    "client_tls_options",
    "intermediates_option",
    "password_file_option",
    "revocation_data_options",
    "revocation_option",
    "send_chain_option",
]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _all(*options: Callable[[Any], Any]) -> Callable[[_Command], _Command]:
    """One decorator for several, shown by `--help` in this order."""

    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


chain_option = click.option("--chain", metavar="CHAIN", help="The signer's certificate and those above it, PEM.")
password_file_option = click.option("--password-file", metavar="F", help="Its first line is the password of the key.")
send_chain_option = click.option(
    "--send-chain",
    type=click.Choice([choice.value for choice in SendChain]),
    default=SendChain.NO_ROOT.value,
    show_default=True,
    help="Which certificates go along in x5c.",
)
intermediates_option = click.option(
    "--intermediates", metavar="CAS", help="CA certificates that help to build the path: a file or a folder."
)
revocation_option = click.option(
    "--revocation",
    type=click.Choice([mode.value for mode in RevocationMode]),
    default=RevocationMode.HARD_FAIL.value,
    show_default=True,
    help="What an unanswered question about revocation means.",
)
revocation_data_options = _all(
    click.option("--crl", "crl_files", multiple=True, metavar="FILE", help="CRL to use, DER or PEM, repeatable."),
    click.option("--ocsp", "ocsp_files", multiple=True, metavar="FILE", help="OCSP response to use, DER, repeatable."),
    click.option("--online", is_flag=True, help="Fetch OCSP responses and CRLs from where the certificates say."),
    click.option(
        "--online-host",
        "online_hosts",
        multiple=True,
        metavar="HOST[:PORT]",
        help="As --online, only from this host, which may then have a private address; repeatable.",
    ),
)
client_tls_options = _all(
    click.option(
        "--ca", metavar="FILE", help="CAs that servers are trusted by, PEM; those of this machine when not given."
    ),
    click.option("--client-cert", metavar="FILE", help="Certificate of the TLS client, PEM."),
    click.option("--client-key", metavar="FILE", help="Its key, PEM; in the same file when not given."),
    click.option("--client-password-file", metavar="F", help="Its first line is the password of that key."),
)
