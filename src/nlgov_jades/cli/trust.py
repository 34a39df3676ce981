"""`nlgov-jades trust`: the pinned PKIoverheid certificates and the bundle that is made of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import click
from cryptography import x509

from ..bundle import Bundle, Found, bundle_path, install, read
from ..clock import utc_now
from ..errors import ConfigurationError
from ..pki.certificate import fingerprint
from ..pki.identity import common_name
from ..pki.pkioverheid import PINS, role_of
from .failure import CommandFailure
from .inputs import certificate_files, json_option, parse_certificates, read_certificates
from .online import download_certificate, is_url
from .output import Printer, plain

__all__ = ["trust"]

PUBLISHED = tuple(pin.url for pin in PINS if pin.url is not None)

SOON = 180
"""Days before an expiry is worth a colour: replacing a trust anchor everywhere takes months."""


@click.group(no_args_is_help=False)
def trust() -> None:
    """The pinned PKIoverheid trust anchors."""


@trust.command(name="list")
@click.option("--bundle", "bundle_file", metavar="FILE", help="Another bundle than the installed one.")
@json_option
def list_(bundle_file: str | None, as_json: bool) -> None:
    """Show what is pinned, what is installed, and when it expires."""
    printer = Printer(as_json=as_json)
    place = Path(bundle_file) if bundle_file else bundle_path()
    bundle = _installed(place)
    today = utc_now().date()
    rows = _pinned_rows(bundle, today) + _operator_rows(bundle, today)
    printer.line(f"bundle: {place}" if bundle else f"no bundle at {place}: make it with `nlgov-jades trust install`")
    for row in sorted(rows, key=lambda row: str(row["not_after"])):
        style = "red" if row["days_left"] < 0 else "yellow" if row["days_left"] < SOON else ""
        state = "installed" if row["installed"] else "not installed"
        printer.line(
            f"{row['not_after']}  {row['days_left']:>5} days  {row['role']:<12}  {plain(row['subject'])}", style
        )
        printer.line(
            f"            {row['sha256']}  {state}{', pinned by the operator' if row['operator'] else ''}", "dim"
        )
    printer.result({"ok": True, "bundle": str(place) if bundle else None, "certificates": rows})


@trust.command(name="install")
@click.argument("sources", metavar="[SOURCE]...", nargs=-1)
@click.option("--pin", "pins", multiple=True, metavar="SHA256", help="A further fingerprint to accept, repeatable.")
@click.option("-o", "--output", metavar="FILE", help="Where the bundle goes; the place of `trust list` when not given.")
@json_option
def install_(sources: tuple[str, ...], pins: tuple[str, ...], output: str | None, as_json: bool) -> None:
    """Make the bundle of PKIoverheid certificates from files, folders or URLs.

    Without SOURCE: from where Logius publishes them (extra `requests`). Every certificate found must have a pinned SHA-256, one of this library or one given with --pin; otherwise nothing
    is written.
    """
    printer = Printer(as_json=as_json)
    found = [item for source in sources or PUBLISHED for item in _found(source)]
    bundle = install(found, path=Path(output) if output else None, pins=pins, at=utc_now())
    certificates = bundle.certificates
    for certificate in certificates:
        printer.line(f"installed: {role_of(certificate, bundle.pins)}: {plain(common_name(certificate))}", "green")
    printer.line(f"written to {bundle.path}")
    printer.result(
        {"ok": True, "bundle": str(bundle.path), "certificates": [fingerprint(item) for item in certificates]}
    )


def _found(source: str) -> list[Found]:
    if source == "-":
        raise CommandFailure("name a file or a folder: where a certificate came from goes into the bundle", "USAGE")
    if is_url(source):
        octets = download_certificate(source)
        return [Found(certificate, source) for certificate in parse_certificates(octets, source, "the certificate at")]
    return [
        Found(certificate, str(file))
        for file in certificate_files(source, "the certificates")
        for certificate in read_certificates(str(file), "the certificates")
    ]


def _installed(place: Path) -> Bundle | None:
    if not place.exists():
        return None
    bundle = read(place)
    try:
        _ = bundle.trust
    except ConfigurationError as error:
        raise CommandFailure(f"the bundle at {place} cannot be used: {error}", "CONFIGURATION") from None
    return bundle


def _pinned_rows(bundle: Bundle | None, today: dt.date) -> list[dict[str, Any]]:
    present = {fingerprint(certificate) for certificate in bundle.certificates} if bundle else set()
    return [
        {
            "subject": pin.common_name,
            "sha256": pin.sha256,
            "role": pin.role.value,
            "not_after": pin.not_after.isoformat(),
            "days_left": (pin.not_after - today).days,
            "installed": pin.sha256 in present,
            "operator": False,
        }
        for pin in PINS
    ]


def _operator_rows(bundle: Bundle | None, today: dt.date) -> list[dict[str, Any]]:
    own = {pin.sha256 for pin in PINS}
    certificates: list[x509.Certificate] = [] if bundle is None else list(bundle.certificates)
    return [
        {
            "subject": common_name(certificate),
            "sha256": fingerprint(certificate),
            "role": str(role_of(certificate, bundle.pins if bundle else ())),
            "not_after": certificate.not_valid_after_utc.date().isoformat(),
            "days_left": (certificate.not_valid_after_utc.date() - today).days,
            "installed": True,
            "operator": True,
        }
        for certificate in certificates
        if fingerprint(certificate) not in own
    ]
