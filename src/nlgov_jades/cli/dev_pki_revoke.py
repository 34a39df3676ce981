"""`nlgov-jades dev-pki revoke` and `reinstate`: what `dev-pki serve` says about one certificate from its next answer on."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import click
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from ..clock import utc_now
from ..errors import quoted
from ..testing.folder import load_hierarchy, register_in
from ..testing.hierarchy import Hierarchy
from ..testing.revocation import Revocation
from .failure import CommandFailure
from .inputs import Rfc3339Time, json_option, read_certificates
from .output import Printer, plain

__all__ = ["reinstate", "revoke"]

_SERIAL = re.compile(r"(?:0[xX])?[0-9A-Fa-f]{1,40}|[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){0,19}")
_MAX_BITS = 159  # RFC 5280 §4.1.2.2: 20 octets, and positive

_REASONS = [
    reason.value
    for reason in x509.ReasonFlags
    # RFC 5280 §5.3.1: the first should be left out, the second is for delta CRLs.
    if reason not in {x509.ReasonFlags.unspecified, x509.ReasonFlags.remove_from_crl}
]


@click.command()
@click.argument("folder", metavar="FOLDER")
@click.argument("certificate", metavar="SERIAL|CERT")
@click.option("--reason", type=click.Choice(_REASONS), help="Why, as RFC 5280 spells it; none when not given.")
@click.option("--at", type=Rfc3339Time(), help="When; now when not given. A time to come revokes it then.")
@json_option
def revoke(folder: str, certificate: str, reason: str | None, at: dt.datetime | None, as_json: bool) -> None:
    """Revoke a certificate of FOLDER: `dev-pki serve` says so from its next answer on.

    CERT is a file, whose first certificate counts; SERIAL a serial number in hexadecimal, as openssl prints it. What is
    revoked stands in FOLDER/revoked.json.
    """
    printer = Printer(as_json=as_json)
    found = _find(Path(folder), certificate)
    why = None if reason is None else x509.ReasonFlags(reason)
    entry = Revocation.of(found, (at or utc_now()).replace(microsecond=0), why)
    register_in(Path(folder)).revoke(entry)
    serial, when = f"{entry.serial_number:X}", f"{entry.at:%Y-%m-%dT%H:%M:%SZ}"
    printer.line(f"revoked: {serial}, from {when}" + ("" if reason is None else f", {reason}"), style="green")
    _describe(printer, found)
    printer.result({"ok": True, "serial": serial, "at": when, "reason": reason})


@click.command()
@click.argument("folder", metavar="FOLDER")
@click.argument("certificate", metavar="SERIAL|CERT")
@json_option
def reinstate(folder: str, certificate: str, as_json: bool) -> None:
    """Take back what `dev-pki revoke` said, as a CA does with a certificateHold."""
    printer = Printer(as_json=as_json)
    found = _find(Path(folder), certificate)
    serial_number = found if isinstance(found, int) else found.serial_number
    register_in(Path(folder)).reinstate(serial_number)
    serial = f"{serial_number:X}"
    printer.line(f"not revoked: {serial}", style="green")
    _describe(printer, found)
    printer.result({"ok": True, "serial": serial})


def _find(folder: Path, given: str) -> x509.Certificate | int:
    """The certificate that is meant; its serial number when the folder does not hold it.

    Raises:
        CommandFailure: No file and no serial number, or a certificate of another CA.
        ConfigurationError: The folder holds no CA keys.
    """
    hierarchy = load_hierarchy(folder)
    if Path(given).is_file():
        certificate = read_certificates(given, "the certificate")[0]
        if not _is_of(hierarchy, certificate):
            raise CommandFailure(f"the certificate in {quoted(given, 200)} was not issued by a CA in this folder")
        return certificate
    serial = int(given.replace(":", ""), 16) if _SERIAL.fullmatch(given) else 0
    if not 0 < serial.bit_length() <= _MAX_BITS:
        raise CommandFailure(f"{quoted(given, 200)} is no file, and no serial number in hexadecimal", code="USAGE")
    return next((known for known in _certificates_in(folder) if known.serial_number == serial), serial)


def _is_of(hierarchy: Hierarchy, certificate: x509.Certificate) -> bool:
    for authority in hierarchy.authorities:
        try:
            certificate.verify_directly_issued_by(authority.certificate)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return True
    return False


def _certificates_in(folder: Path) -> list[x509.Certificate]:
    found = []
    for path in sorted(folder.glob("*.pem")):
        try:
            found += x509.load_pem_x509_certificates(path.read_bytes())
        except (OSError, ValueError):  # a key, or somebody else's file
            continue
    return found


def _describe(printer: Printer, found: x509.Certificate | int) -> None:
    if isinstance(found, int):
        printer.line("  note: no certificate in the folder has this serial number", style="yellow")
    else:
        printer.line(f"  {plain(found.subject.rfc4514_string())}")
