"""`nlgov-jades dev-pki`: a throw-away hierarchy on disk, for development and tests."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ..errors import quoted
from ..pki.identity import Kvk, Oin
from ..testing.hierarchy import EXAMPLE_OIN, Hierarchy
from .failure import CommandFailure
from .inputs import json_option, read_password
from .output import Printer

__all__ = ["dev_pki"]

MAX_DAYS = 3650
_MAX_NAME = 64  # ub-common-name and ub-organization-name, RFC 5280 appendix A


@click.group(name="dev-pki")
def dev_pki() -> None:
    """Throw-away certificates in the shape of PKIoverheid's. Trust none of it."""


@dev_pki.command()
@click.argument("folder", metavar="FOLDER")
@click.option("--oin", default=EXAMPLE_OIN, show_default=True, metavar="OIN", help="OIN of the signer.")
@click.option("--kvk", metavar="NUMBER", help="KVK number of the signer.")
@click.option("--common-name", default="gegevens.gemeente.example", show_default=True, help="Name of the signer.")
@click.option("--organization", default="Gemeente Voorbeeldstad", show_default=True, help="Organisation of the signer.")
@click.option("--days", type=click.IntRange(1, MAX_DAYS), default=365, show_default=True, help="How long all is valid.")
@click.option("--password-file", metavar="F", help="Its first line encrypts the signer's key.")
@json_option
def new(
    folder: str,
    oin: str,
    kvk: str | None,
    common_name: str,
    organization: str,
    days: int,
    password_file: str | None,
    as_json: bool,
) -> None:
    """Write a new four-level hierarchy and one signer into FOLDER, which must be new or empty.

    The CA keys are not kept: what is made is a root, two CAs below it, and one signer's certificate with its key.
    """
    printer = Printer(as_json=as_json)
    password = read_password(password_file)
    number, trade = Oin(oin), None if kvk is None else Kvk(kvk)
    if not all(0 < len(name) <= _MAX_NAME for name in (common_name, organization)):
        raise CommandFailure(f"a name in a certificate has 1 to {_MAX_NAME} characters", code="USAGE")
    target = _new_folder(folder)
    hierarchy = Hierarchy.new(days=days)
    signer = hierarchy.tsp.issue(
        common_name=common_name, organization=organization, oin=str(number), kvk=None if trade is None else str(trade)
    )
    files = {
        "root.pem": hierarchy.root_pem,
        "intermediates.pem": hierarchy.intermediates_pem,
        "signer-chain.pem": signer.chain_pem,
        "signer-key.pem": signer.key_pem(password),
    }
    for name, octets in files.items():
        _write(target / name, octets, private=name == "signer-key.pem")
    printer.line(f"written to {folder}: {', '.join(files)}", style="green")
    printer.line("sign with it, and verify:")
    printer.line(f"  nlgov-jades sign IN -o OUT --key {folder}/signer-key.pem --chain {folder}/signer-chain.pem")
    printer.line(f"  nlgov-jades verify OUT --trust {folder}/root.pem --revocation off")
    printer.result({"ok": True, "folder": folder, "files": list(files), "oin": str(number), "kvk": kvk})


def _new_folder(folder: str) -> Path:
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise CommandFailure(f"the folder {quoted(folder, 200)} is not empty; nothing was written", code="OUTPUT")
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "no such name"
        raise CommandFailure(f"the folder {quoted(folder, 200)} cannot be used: {reason}", code="OUTPUT") from None
    return path


def _write(path: Path, octets: bytes, *, private: bool) -> None:
    # Created with its mode, so that a key is never readable by others, not even for a moment.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
