"""Options and files that several commands share: reading them, and saying what is wrong with them."""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ..bundle import load
from ..credentials import SigningCredential
from ..errors import ConfigurationError, quoted
from ..message import HttpMessage, HttpRequest
from ..pki.certificate import load_der, load_pem_bundle
from ..pki.trust import TrustStore
from .capture import parse_capture, parse_headers_and_body
from .failure import CommandFailure

__all__ = [
    "Rfc3339Time",
    "certificate_files",
    "check_standard_input",
    "json_option",
    "message_options",
    "new_folder",
    "parse_certificates",
    "read_certificates",
    "read_credential",
    "read_crl",
    "read_file",
    "read_message",
    "read_password",
    "read_request",
    "read_trust",
    "to_pem",
]

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_CERTIFICATE_SUFFIXES = frozenset({".pem", ".crt", ".cer", ".der"})
_STANDARD_INPUT = "nlgov_jades.standard_input"

_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:[Zz]|[+-][0-9]{2}:[0-5][0-9])"
)

json_option: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on standard output."
)


def message_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """IN, or --headers with --body, and --request."""
    options: list[Decorator] = [
        click.argument("source", metavar="[IN]", required=False),
        click.option("--headers", metavar="FILE", help="Start line and fields, as `curl -D FILE` writes them."),
        click.option("--body", metavar="FILE", help="The body, as `curl -o FILE` writes it."),
        click.option("--request", metavar="FILE", help="The request that a response answers."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


class Rfc3339Time(click.ParamType):  # type: ignore[type-arg]  # click 8.1 has no subscript for it
    """A time with its zone, as RFC 3339 writes it."""

    name = "RFC3339"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.datetime:
        """The time as UTC."""
        try:
            if not _TIME.fullmatch(value):
                self.fail(f"{quoted(value)} is not a time such as 2026-01-31T12:00:00Z", param, ctx)
            return dt.datetime.fromisoformat(value.upper()).astimezone(dt.UTC)
        except (ValueError, OverflowError):
            self.fail(f"{quoted(value)} is not a time that exists", param, ctx)


def read_file(path: str, what: str) -> bytes:
    """The octets of a file; `-` is standard input.

    Raises:
        CommandFailure: It cannot be read.
    """
    if path == "-":
        return _standard_input()
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = (error.strerror if isinstance(error, OSError) else None) or "cannot be read"
        raise CommandFailure(f"{what} {quoted(path, 200)}: {reason}") from None


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise CommandFailure("standard input is closed")
    return sys.stdin.buffer.read()


def check_standard_input(*paths: str | None) -> None:
    """Return when `-` is at most one of these files.

    Raises:
        CommandFailure: It is more.
    """
    if paths.count("-") > 1:
        raise CommandFailure("standard input can be only one of the files", code="USAGE")


def read_message(source: str | None, headers: str | None, body: str | None, request: str | None) -> HttpMessage:
    """The captured message that these options name.

    Raises:
        CommandFailure: They name none or too many, or it cannot be read.
    """
    check_standard_input(source, headers, body, request)
    answered = read_request(request)
    if source is not None:
        if headers is not None or body is not None:
            raise CommandFailure("give IN, or --headers with --body, not both", code="USAGE")
        return parse_capture(read_file(source, "the message"), answered).message
    if headers is None or body is None:
        raise CommandFailure("give IN, or --headers together with --body", code="USAGE")
    return parse_headers_and_body(read_file(headers, "the headers"), read_file(body, "the body"), answered)


def read_request(path: str | None) -> HttpRequest | None:
    """The request in a capture, or `None` when no file was named.

    Raises:
        CommandFailure: It cannot be read or is a response.
    """
    if path is None:
        return None
    message = parse_capture(read_file(path, "the request")).message
    if not isinstance(message, HttpRequest):
        raise CommandFailure("--request names a response; it must be the request")
    return message


def read_password(path: str | None) -> bytes | None:
    """The first line of a password file, or `None` when no file was named.

    Raises:
        CommandFailure: It cannot be read or is empty.
    """
    if path is None:
        return None
    password = read_file(path, "the password file").partition(b"\n")[0].removesuffix(b"\r")
    if not password:
        raise CommandFailure("the password file is empty")
    return password


def read_certificates(path: str, what: str) -> list[x509.Certificate]:
    """The certificates in a file or in every certificate file of a folder, PEM or DER.

    Raises:
        CommandFailure: There is none, or one cannot be read.
    """
    files = certificate_files(path, what)
    return [item for file in files for item in parse_certificates(read_file(file, what), file, what)]


def read_credential(key: str, chain: str | None, password_file: str | None) -> SigningCredential:
    """The key and the certificates that --key, --chain and --password-file name.

    Raises:
        CommandFailure: A file cannot be read, or the options do not go together.
        ConfigurationError: Key and certificates do not.
    """
    octets, password = read_file(key, "the key"), read_password(password_file)
    if b"-----BEGIN" in octets:
        if chain is None:
            raise CommandFailure("a PEM key needs --chain, the certificates that go with it", code="USAGE")
        certificates = to_pem(read_certificates(chain, "the certificate chain"))
        return SigningCredential.from_pem(octets, certificates, password=password)
    if chain is not None:
        raise CommandFailure("the key is no PEM; a PKCS#12 file brings its own chain, leave --chain out", code="USAGE")
    return SigningCredential.from_pkcs12(octets, password)


def read_trust(trust: str | None, intermediates: str | None) -> TrustStore:
    """The TrustStore that --trust and --intermediates name; the installed PKIoverheid bundle without --trust.

    Raises:
        CommandFailure: A file cannot be read.
        ConfigurationError: A certificate is no CA, or no bundle is installed.
    """
    more = [] if intermediates is None else read_certificates(intermediates, "the intermediates")
    if trust is not None:
        return TrustStore(read_certificates(trust, "the trust anchors"), more)
    try:
        installed = load()
    except ConfigurationError as error:
        raise CommandFailure(f"no --trust was given, and {error}", "CONFIGURATION") from None
    return TrustStore(installed.anchors, [*installed.intermediates, *more])


def certificate_files(path: str, what: str) -> list[str]:
    """The file itself, or the certificate files in a folder.

    Raises:
        CommandFailure: The folder holds none.
    """
    try:
        if path in {"", "-"} or not Path(path).is_dir():  # Path("") is the current folder
            return [path]
    except OSError as error:
        raise CommandFailure(f"{what} {quoted(path, 200)}: {error.strerror}") from None
    named = sorted(str(file) for file in Path(path).iterdir() if file.suffix.lower() in _CERTIFICATE_SUFFIXES)
    files = [file for file in named if not _is_other_pem(read_file(file, what))]
    if not files:
        raise CommandFailure(f"{what}: the folder {quoted(path, 200)} holds no certificate in .pem, .crt, .cer or .der")
    return files


def _is_other_pem(octets: bytes) -> bool:
    # A folder may also hold keys and CRLs; a file that was named itself is never passed over.
    return b"-----BEGIN" in octets and b"-----BEGIN CERTIFICATE-----" not in octets


def parse_certificates(octets: bytes, path: str, what: str) -> list[x509.Certificate]:
    """The certificates in these octets, PEM or DER.

    Raises:
        CommandFailure: There is none, or one cannot be read.
    """
    try:
        return list(load_pem_bundle(octets, what)) if b"-----BEGIN" in octets else [load_der(octets)]
    except ValueError:
        raise CommandFailure(f"{what} {quoted(path, 200)} holds no certificate, or one that cannot be read") from None


def read_crl(path: str) -> bytes:
    """DER of a CRL in a file, DER or PEM.

    Raises:
        CommandFailure: It cannot be read.
    """
    octets = read_file(path, "the CRL")
    if b"-----BEGIN" not in octets:
        return octets
    try:
        return x509.load_pem_x509_crl(octets).public_bytes(Encoding.DER)
    except Exception:  # noqa: BLE001 - the parser raises more classes than it documents
        raise CommandFailure(f"the CRL {quoted(path, 200)} cannot be read") from None


def to_pem(certificates: list[x509.Certificate]) -> bytes:
    """Certificates as one PEM text."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def new_folder(folder: str) -> Path:
    """The folder that a command may fill, made when it does not exist.

    Raises:
        CommandFailure: It is not empty, or cannot be made.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise CommandFailure(f"the folder {quoted(folder, 200)} is not empty; nothing was written", code="OUTPUT")
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "no such name"
        raise CommandFailure(f"the folder {quoted(folder, 200)} cannot be used: {reason}", code="OUTPUT") from None
    return path
