"""`nlgov-jades sign`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .. import profiles
from ..jws import MAX_FIELD_LENGTH
from ..sign import LONGEST_FIELD, HeaderForm, Signer
from .capture import parse_capture
from .failure import CommandFailure
from .inputs import check_standard_input, json_option, read_credential, read_file, read_request
from .options import chain_option, password_file_option, send_chain_option
from .output import Printer

__all__ = ["sign"]


@click.command()
@click.argument("source", metavar="IN")
@click.option(
    "-o", "--output", required=True, metavar="OUT", help="Where the signed message goes; - is standard output."
)
@click.option("--key", required=True, metavar="KEY", help="Private key: PEM, or PKCS#12 (then without --chain).")
@chain_option
@password_file_option
@click.option(
    "--profile",
    "profile_id",
    type=click.Choice(sorted(profiles.BY_ID)),
    default=profiles.ADR_PAYLOAD.id,
    show_default=True,
    help="What is signed.",
)
@click.option("--kid", metavar="K", help="Key identifier; the certificate's IssuerSerial when not given.")
@send_chain_option
@click.option(
    "--header-form",
    type=click.Choice([form.value for form in HeaderForm]),
    default=HeaderForm.BASELINE_B.value,
    show_default=True,
    help="JAdES B-B (with iat and a certificate reference), or exactly the profile's minimum.",
)
@click.option(
    "--max-field-length",
    type=click.IntRange(1, MAX_FIELD_LENGTH),
    default=LONGEST_FIELD,
    show_default=True,
    help="Characters of the signature field that are made at most.",
)
@click.option("--request", metavar="FILE", help="The request that a response answers.")
@json_option
def sign(
    source: str,
    output: str,
    key: str,
    chain: str | None,
    password_file: str | None,
    profile_id: str,
    kid: str | None,
    send_chain: str,
    header_form: str,
    max_field_length: int,
    request: str | None,
    as_json: bool,
) -> None:
    """Sign a captured HTTP message.

    IN is a captured message: start line, field lines, empty line, body. OUT is the same, octet for octet, with the
    fields Digest and signature added.
    """
    printer = Printer(as_json=as_json)
    check_standard_input(source, key, chain, password_file, request)
    if output == "-" and as_json:
        raise CommandFailure("--json and -o - both want standard output", code="USAGE")
    credential = read_credential(key, chain, password_file)
    capture = parse_capture(read_file(source, "the message"), read_request(request))
    signer = Signer(
        credential,
        profile=profiles.BY_ID[profile_id],
        kid=kid,
        send_chain=send_chain,
        header_form=header_form,
        max_field_length=max_field_length,
    )
    signed = signer.sign(capture.message)
    _write(output, capture.with_fields(signed))
    people = Printer(as_json=True) if output == "-" else printer
    added = " and ".join(name for name, _ in signed)
    people.line(f"signed: {added} added (profile {profile_id}, {len(signed.signature)} characters)", style="green")
    people.notices(signed.notices)
    printer.result(
        {
            "ok": True,
            "profile": profile_id,
            "field": profiles.BY_ID[profile_id].field_name,
            "field_length": len(signed.signature),
            "added": [name for name, _ in signed],
            "output": output,
            "notices": [{"code": notice.code.value, "detail": notice.text} for notice in signed.notices],
        }
    )


def _write(output: str, octets: bytes) -> None:
    if output == "-":
        if sys.stdout is None:
            raise CommandFailure("standard output is closed", code="OUTPUT")
        sys.stdout.buffer.write(octets)
        sys.stdout.buffer.flush()
        return
    try:
        Path(output).write_bytes(octets)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "no such name"
        raise CommandFailure(f"the output cannot be written: {reason}", code="OUTPUT") from None
