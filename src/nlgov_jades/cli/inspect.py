"""`nlgov-jades inspect`: what a message says about itself. Nothing here is verified, and the output says so."""

from __future__ import annotations

from typing import Any

import click
from cryptography import x509

from .. import digest, jades
from ..encoding import json_object
from ..errors import VerificationError
from ..jws import parse_detached
from ..message import HttpMessage, HttpRequest
from ..pki.certificate import fingerprint
from ..pki.fitness import describe_key
from ..pki.identity import common_name, kvk_of, oin_of, organization
from ..pki.policies import policies_of
from ..profiles import ALL
from .inputs import json_option, message_options, read_message
from .output import Printer, plain

__all__ = ["inspect"]

_LONG_PARAMETERS = frozenset({"x5c"})


@click.command()
@message_options
@json_option
def inspect(
    source: str | None,
    headers: str | None,
    body: str | None,
    request: str | None,
    as_json: bool,
) -> None:
    """Show what the signature field and the certificates say. Nothing is verified.

    IN is a captured message: start line, field lines, empty line, body; - is standard input.
    """
    printer = Printer(as_json=as_json)
    message = read_message(source, headers, body, request)
    signatures = [_signature(name, value) for name in _signature_fields() for value in message.fields.get_all(name)]
    stated = _digest(message)
    printer.line("Nothing was verified. This is what the message says about itself.", style="yellow")
    printer.facts({"message": _start(message), "fields": ", ".join(name for name, _ in message.fields), **stated})
    if not signatures:
        printer.line("no signature field")
    for signature in signatures:
        _print_signature(printer, signature)
    printer.result(
        {"ok": True, "verified": False, "message": _start(message), "digest": stated, "signatures": signatures}
    )


def _signature_fields() -> list[str]:
    return list(dict.fromkeys(profile.field_name for profile in ALL))


def _start(message: HttpMessage) -> str:
    if isinstance(message, HttpRequest):
        path, mark, _ = message.target.partition("?")  # a query string may hold personal data
        return plain(f"{message.method} {path}{'?…' if mark else ''}")
    return f"response {message.status}"


def _digest(message: HttpMessage) -> dict[str, str]:
    """What the digest fields state beside the body that was captured."""
    found: dict[str, str] = {}
    for name, parse in (("Digest", digest.parse_digest), ("Content-Digest", digest.parse_content_digest)):
        value = message.fields.combined(name)
        if value is None:
            continue
        try:
            digest.compare(parse(value), message.body, name)
            found[name] = "fits the body"
        except VerificationError as error:
            found[name] = error.detail
    return found


def _signature(field: str, value: str) -> dict[str, Any]:
    about: dict[str, Any] = {"field": field, "length": len(value), "problem": None, "header": {}, "certificates": []}
    try:
        header = json_object(parse_detached(value).protected, "the protected header")
        about["header"] = {name: item for name, item in header.items() if name not in _LONG_PARAMETERS}
        if "x5c" in header:
            about["certificates"] = [_certificate(item) for _, item in jades.read_certificates(jades.read_x5c(header))]
    except VerificationError as error:
        about["problem"] = error.detail
    return about


def _certificate(certificate: x509.Certificate) -> dict[str, Any]:
    oin, kvk = oin_of(certificate), kvk_of(certificate)
    return {
        "common_name": common_name(certificate),
        "organization": organization(certificate),
        "issuer": _issuer(certificate),
        "oin": None if oin is None else str(oin),
        "kvk": None if kvk is None else str(kvk),
        "valid_from": certificate.not_valid_before_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "valid_until": certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "key": describe_key(certificate),
        "policies": sorted(policies_of(certificate) or ()),
        "sha256": fingerprint(certificate),
    }


def _issuer(certificate: x509.Certificate) -> str:
    names = certificate.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.issuer.rfc4514_string()


def _print_signature(printer: Printer, signature: dict[str, Any]) -> None:
    printer.line(f"{signature['field']}: {signature['length']} characters", style="bold")
    if signature["problem"] is not None:
        printer.line(f"  problem: {signature['problem']}", style="red")
    printer.facts({plain(name, 40): item for name, item in signature["header"].items()})
    for position, certificate in enumerate(signature["certificates"]):
        printer.line(f"  x5c {position}: {plain(certificate['common_name'])}", style="bold")
        printer.facts(
            {
                "  organisation": certificate["organization"] or None,
                "  issued by": certificate["issuer"],
                "  OIN": certificate["oin"],
                "  KVK": certificate["kvk"],
                "  valid": f"{certificate['valid_from']} to {certificate['valid_until']}",
                "  key": certificate["key"],
                "  policies": ", ".join(certificate["policies"]) or None,
                "  SHA-256": certificate["sha256"],
            }
        )
