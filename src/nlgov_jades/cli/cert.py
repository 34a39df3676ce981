"""`nlgov-jades cert check`: what a certificate is, whether its path holds, and what it is fit for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import click
from cryptography import x509

from ..clock import utc_now
from ..errors import FetchError, RevocationUnknownError, VerificationError
from ..pki import fitness
from ..pki.certificate import extended_key_usages, fingerprint, key_usage
from ..pki.identity import common_name, kvk_of, oin_of, organization
from ..pki.path import CertificationPath, find_path
from ..pki.revocation import FetchRequest, GivenData, RevocationData, RevocationFindings, check_revocation
from ..pki.trust import TrustStore
from ..policy import RevocationPolicy
from .failure import NotValid
from .inputs import Rfc3339Time, check_standard_input, json_option, read_certificates, read_crl, read_file, read_trust
from .output import Printer, plain

__all__ = ["cert"]

_USAGES = {
    "digital_signature": "digitalSignature",
    "content_commitment": "nonRepudiation",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign",
    "crl_sign": "cRLSign",
}

_EXTENDED = {
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.36": "documentSigning",
    "1.3.6.1.4.1.311.10.3.12": "Microsoft document signing",
    "2.5.29.37.0": "anyExtendedKeyUsage",
}


@click.group(no_args_is_help=False)
def cert() -> None:
    """Certificates: what they are and what they are fit for."""


@cert.command()
@click.argument("file", metavar="FILE")
@click.option(
    "--trust",
    metavar="ROOTS",
    help="Trust anchors: a file or a folder; the installed PKIoverheid bundle when not given.",
)
@click.option("--intermediates", metavar="CAS", help="CA certificates that help to build the path: a file or a folder.")
@click.option("--crl", "crl_files", multiple=True, metavar="FILE", help="CRL to use, DER or PEM, repeatable.")
@click.option("--ocsp", "ocsp_files", multiple=True, metavar="FILE", help="OCSP response to use, DER, repeatable.")
@click.option("--at", type=Rfc3339Time(), help="The time to judge for; now when not given.")
@json_option
def check(
    file: str,
    trust: str | None,
    intermediates: str | None,
    crl_files: tuple[str, ...],
    ocsp_files: tuple[str, ...],
    at: dt.datetime | None,
    as_json: bool,
) -> None:
    """Say what the first certificate in FILE is, whether its path and revocation hold, and what it is fit for.

    Further certificates in FILE help to build the path. Exit status 0: the path holds and nothing on it is revoked.
    1: that is not so, or not known. What it is fit for is told apart and does not change the exit status.
    """
    printer = Printer(as_json=as_json)
    check_standard_input(file, trust, intermediates, *crl_files, *ocsp_files)
    leaf, *others = read_certificates(file, "the certificate")
    store = read_trust(trust, intermediates)
    given = GivenData.parse(
        tuple(read_file(path, "the OCSP response") for path in ocsp_files), tuple(map(read_crl, crl_files))
    )
    report = _judge(leaf, others, store, given, at or utc_now())
    _print(printer, leaf, report)
    printer.result(
        {
            "ok": report.error is None,
            "error": _error(report.error),
            "certificate": _about(leaf),
            "path": [common_name(certificate) for certificate in report.path],
            "revocation": report.revocation,
            "fit": {
                name: {"fit": not judged.obstacles, "obstacles": list(judged.obstacles)}
                for name, judged in report.fit.items()
            },
            "trial": fitness.is_trial(leaf),
            "test_number": fitness.is_test(leaf),
        }
    )
    if report.error is not None:
        raise NotValid


@dataclass(slots=True)
class _Report:
    """What was found out."""

    path: tuple[x509.Certificate, ...] = ()
    revocation: str = "not checked: the path does not hold"
    error: VerificationError | None = None
    fit: dict[str, fitness.Fitness] = field(default_factory=dict)


def _judge(
    leaf: x509.Certificate, others: list[x509.Certificate], store: TrustStore, given: GivenData, at: dt.datetime
) -> _Report:
    report = _Report(
        fit={"ddas_signing": fitness.fit_for_signing(leaf), "digikoppeling_tls": fitness.fit_for_tls(leaf)}
    )
    try:
        report.path = find_path(leaf, others, trust=store, at=at)
        path = CertificationPath(report.path, frozenset())
        _offline(check_revocation(path, RevocationPolicy.HARD_FAIL, at=at, given=given))
        report.revocation = "not revoked, nor is any CA above it"
    except RevocationUnknownError as error:
        report.revocation = "not known: give the answer with --crl or --ocsp"
        report.error = error
    except VerificationError as error:
        if report.path:
            report.revocation = "revoked"
        report.error = error
    return report


def _offline(
    steps: Generator[FetchRequest, RevocationData | FetchError, RevocationFindings],
) -> RevocationFindings:
    try:
        next(steps)
        while True:
            steps.send(FetchError("not fetched: this command opens no connection"))
    except StopIteration as done:
        findings: RevocationFindings = done.value
        return findings


def _about(leaf: x509.Certificate) -> dict[str, Any]:
    oin, kvk = oin_of(leaf), kvk_of(leaf)
    usage = key_usage(leaf)
    issuer = leaf.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return {
        "common_name": common_name(leaf),
        "organization": organization(leaf),
        "issuer": str(issuer[0].value) if issuer else leaf.issuer.rfc4514_string(),
        "oin": None if oin is None else str(oin),
        "kvk": None if kvk is None else str(kvk),
        "policies": fitness.policy_names(leaf),
        "key_usage": [name for bit, name in _USAGES.items() if usage is not None and getattr(usage, bit)],
        "extended_key_usage": sorted(_EXTENDED.get(oid, oid) for oid in extended_key_usages(leaf) or ()),
        "key": fitness.describe_key(leaf),
        "valid_from": f"{leaf.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}",
        "valid_until": f"{leaf.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
        "sha256": fingerprint(leaf),
    }


def _error(error: VerificationError | None) -> dict[str, str] | None:
    if error is None:
        return None
    return {"code": error.code, "sub_indication": error.sub_indication, "detail": error.detail}


def _print(printer: Printer, leaf: x509.Certificate, report: _Report) -> None:
    about = _about(leaf)
    printer.line(plain(about["common_name"]) or "a certificate without a common name", style="bold")
    printer.facts(
        {
            "organisation": about["organization"] or None,
            "issued by": about["issuer"],
            "OIN": about["oin"] or "none",
            "KVK": about["kvk"] or "none",
            "policies": ", ".join(about["policies"]) or "none",
            "keyUsage": ", ".join(about["key_usage"]) or "none",
            "extendedKeyUsage": ", ".join(about["extended_key_usage"]) or "none",
            "key": about["key"],
            "valid": f"{about['valid_from']} to {about['valid_until']}",
            "SHA-256": about["sha256"],
            "path": " > ".join(plain(common_name(item), 60) for item in report.path) or "does not hold",
            "revocation": report.revocation,
        }
    )
    if report.error is None:
        printer.line("  the path holds and nothing on it is revoked", style="green")
    else:
        printer.line(f"  {report.error.code}: {report.error.detail}", style="red")
    jobs = {"ddas_signing": "signing DDAS messages", "digikoppeling_tls": "TLS on Digikoppeling"}
    for name, judged in report.fit.items():
        printer.line(
            f"  {'not fit' if judged.obstacles else 'fit'} for {jobs[name]}", style="" if judged.obstacles else "green"
        )
        for obstacle in judged.obstacles:
            printer.line(f"    {obstacle}")
