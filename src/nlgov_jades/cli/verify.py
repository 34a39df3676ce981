"""`nlgov-jades verify`."""

from __future__ import annotations

import datetime as dt
from typing import Any

import click

from .. import profiles
from ..errors import RevocationUnknownError, VerificationError
from ..message import HttpMessage
from ..pki.identity import Kvk, Oin, common_name
from ..policy import (
    ANY_MEDIA_TYPE,
    ANY_TRUSTED,
    CertificateRequirements,
    RevocationMode,
    RevocationPolicy,
    VerificationPolicy,
)
from ..profiles import Profile
from ..result import VerifiedMessage
from ..verify import Verifier
from .failure import NotValid
from .inputs import (
    Rfc3339Time,
    check_standard_input,
    json_option,
    message_options,
    read_crl,
    read_file,
    read_message,
    read_trust,
)
from .online import online_fetcher
from .options import intermediates_option, revocation_data_options, revocation_option
from .output import Printer, plain

__all__ = ["verify"]

_BY_FIELD = (profiles.ADR_PAYLOAD, profiles.ADR_MESSAGE, profiles.LOGIUS_PAYLOAD, profiles.LOGIUS_MESSAGE)
"""Without --profile the field that the message carries decides; never the early dialect, never OOTS."""


@click.command()
@message_options
@click.option(
    "--trust",
    metavar="ROOTS",
    help="Trust anchors: a file or a folder; the installed PKIoverheid bundle when not given.",
)
@intermediates_option
@click.option(
    "--profile",
    "profile_ids",
    multiple=True,
    type=click.Choice(sorted(profiles.BY_ID)),
    help="Accepted profile, repeatable; by the field that the message carries when not given.",
)
@revocation_option
@revocation_data_options
@click.option("--at", type=Rfc3339Time(), help="The time to judge for; now when not given.")
@click.option("--max-age", type=click.IntRange(0, 10**9), metavar="SECONDS", help="How old the signing time may be.")
@click.option("--oin", "oins", multiple=True, metavar="OIN", help="Allowed signer, repeatable.")
@click.option("--kvk", "kvks", multiple=True, metavar="NUMBER", help="Allowed signer by KVK number, repeatable.")
@click.option(
    "--require-policy",
    "policies",
    multiple=True,
    metavar="OID",
    help="Certificate policy, one of which must hold; repeatable.",
)
@json_option
def verify(
    source: str | None,
    headers: str | None,
    body: str | None,
    request: str | None,
    trust: str | None,
    intermediates: str | None,
    profile_ids: tuple[str, ...],
    revocation: str,
    crl_files: tuple[str, ...],
    ocsp_files: tuple[str, ...],
    online: bool,
    online_hosts: tuple[str, ...],
    at: dt.datetime | None,
    max_age: int | None,
    oins: tuple[str, ...],
    kvks: tuple[str, ...],
    policies: tuple[str, ...],
    as_json: bool,
) -> None:
    """Verify the signature on a captured HTTP message.

    IN is a captured message: start line, field lines, empty line, body; - is standard input. Exit status 0: valid.
    1: not valid, or revocation is not known. 2: the input cannot be read.
    """
    printer = Printer(as_json=as_json)
    check_standard_input(source, headers, body, request, trust, intermediates, *crl_files, *ocsp_files)
    message = read_message(source, headers, body, request)
    accepted = tuple(profiles.BY_ID[name] for name in profile_ids) or _BY_FIELD
    policy = VerificationPolicy(
        profiles=accepted,
        signers=frozenset([*map(Oin, oins), *map(Kvk, kvks)]) if oins or kvks else ANY_TRUSTED,
        certificate=CertificateRequirements(policies=frozenset(policies))
        if policies
        else CertificateRequirements.GENERIC,
        revocation=RevocationPolicy(mode=RevocationMode(revocation)),
        max_age=None if max_age is None else dt.timedelta(seconds=max_age),
        media_types=ANY_MEDIA_TYPE,
    )
    store = read_trust(trust, intermediates)
    crls = [read_crl(path) for path in crl_files]
    ocsp = [read_file(path, "the OCSP response") for path in ocsp_files]
    try:
        verified = Verifier(
            trust=store, policy=policy, fetcher=online_fetcher(online_hosts) if online or online_hosts else None
        ).verify(message, at=at, ocsp=ocsp, crls=crls)
    except VerificationError as error:
        _print_refusal(printer, error, online=online or bool(online_hosts))
        raise NotValid from None
    _print_acceptance(printer, verified, message, chosen=not profile_ids)


def _print_refusal(printer: Printer, error: VerificationError, *, online: bool) -> None:
    detail = error.detail
    if isinstance(error, RevocationUnknownError):
        detail += ". Give the answer with --crl or --ocsp"
        detail += "; to go" if online else ", or --online; to go"
        detail += " on without knowing: --revocation off"
    printer.line("not valid", style="bold red")
    printer.facts({"code": error.code, "why": detail, "sub-indication": error.sub_indication})
    printer.result(
        {
            "valid": False,
            "error": {"code": error.code, "sub_indication": error.sub_indication, "detail": detail},
        }
    )


def _print_acceptance(printer: Printer, verified: VerifiedMessage, message: HttpMessage, *, chosen: bool) -> None:
    signer = verified.signer
    printer.line("valid", style="bold green")
    printer.facts(
        {
            "profile": _profile_line(verified.profile, chosen=chosen),
            "covers": ", ".join(verified.covered),
            "signed by": plain(", ".join(filter(None, (signer.common_name, signer.organization)))),
            "OIN": signer.oin,
            "KVK": signer.kvk,
            "signed at": _utc(verified.signing_time) or "not stated",
            "path": " > ".join(plain(common_name(certificate), 60) for certificate in verified.path),
            "body": f"{len(message.body) if isinstance(message.body, bytes) else 0} octets",
        }
    )
    printer.notices(verified.notices)
    printer.result(acceptance(verified))


def _profile_line(profile: Profile, *, chosen: bool) -> str:
    return f"{profile.id} (chosen by the field {profile.field_name})" if chosen else profile.id


def acceptance(verified: VerifiedMessage) -> dict[str, Any]:
    """A verified message as the JSON object of the contract."""
    signer = verified.signer
    return {
        "valid": True,
        "profile": verified.profile.id,
        "algorithm": verified.algorithm.value,
        "signing_time": _utc(verified.signing_time),
        "covered": list(verified.covered),
        "signer": {
            "oin": None if signer.oin is None else str(signer.oin),
            "kvk": None if signer.kvk is None else str(signer.kvk),
            "common_name": signer.common_name,
            "organization": signer.organization,
            "sha256": signer.sha256,
        },
        "revocation": [
            {
                "certificate": entry.certificate,
                "source": None if entry.source is None else entry.source.value,
                "status": entry.status.value,
                "this_update": _utc(entry.this_update),
                "next_update": _utc(entry.next_update),
            }
            for entry in verified.revocation
        ],
        "verified_at": _utc(verified.verified_at),
        "notices": [{"code": notice.code.value, "detail": notice.text} for notice in verified.notices],
    }


def _utc(time: dt.datetime | None) -> str | None:
    return None if time is None else time.strftime("%Y-%m-%dT%H:%M:%SZ")
