"""The PKIoverheid bundle on disk: where it is, how it is read, how it is written. An edge: it touches files.

A bundle is a PEM file. Lines that start with `#` say where each certificate came from and which fingerprints the
operator pinned; nothing in it is believed without a pin.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import tempfile
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from .errors import ConfigurationError
from .pki.certificate import fingerprint, load_pem_bundle
from .pki.identity import common_name
from .pki.pkioverheid import PinRole, role_of
from .pki.trust import TrustStore

__all__ = ["BUNDLE_VARIABLE", "Bundle", "Found", "bundle_path", "install", "load", "read"]

BUNDLE_VARIABLE = "NLGOV_JADES_BUNDLE"
"""Environment variable that names the bundle."""

_PIN = re.compile(rb"^# pinned by the operator: ([0-9a-f]{64})\r?$", re.MULTILINE)
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")

INSTALL_HINT = "nlgov-jades trust install"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was read.

    Attributes:
        path: Where from.
        pem: The whole file.
        pins: Fingerprints that the operator pinned.
    """

    path: Path
    pem: bytes
    pins: frozenset[str]

    @property
    def trust(self) -> TrustStore:
        """The pinned certificates in it.

        Raises:
            ConfigurationError: One is not pinned.
        """
        return TrustStore.pkioverheid(self.pem, pins=self.pins)

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """The certificates in it."""
        return load_pem_bundle(self.pem, "the PKIoverheid bundle")


@dataclass(frozen=True, slots=True)
class Found:
    """A certificate that may go into a bundle, and where it was found."""

    certificate: x509.Certificate
    origin: str


def bundle_path() -> Path:
    """Where the bundle is: `NLGOV_JADES_BUNDLE`, else the user's configuration folder."""
    named = os.environ.get(BUNDLE_VARIABLE)
    if named:
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "nlgov-jades" / "pkioverheid.pem"


def read(path: Path | None = None) -> Bundle:
    """The bundle at this place, or at `bundle_path`.

    Raises:
        ConfigurationError: There is none, or it cannot be read; the text names the command that makes one.
    """
    place = path or bundle_path()
    try:
        pem = place.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"no PKIoverheid bundle is installed at {place} ({error.strerror}): make it with `{INSTALL_HINT}`"
        ) from None
    return Bundle(place, pem, frozenset(match.decode("ascii") for match in _PIN.findall(pem)))


def load(path: Path | None = None) -> TrustStore:
    """The TrustStore of the installed bundle.

    Raises:
        ConfigurationError: As `read`, or the bundle holds a certificate that is not pinned.
    """
    return read(path).trust


def install(found: Iterable[Found], *, path: Path | None = None, pins: Collection[str] = (), at: dt.datetime) -> Bundle:
    """Write a bundle of the pinned certificates among those found. All or nothing: the file is replaced in one step.

    Args:
        found: Candidates; each must be pinned.
        path: Where to; `bundle_path` when not given.
        pins: SHA-256 fingerprints that the operator pins, hexadecimal.
        at: Goes into the provenance, UTC.

    Raises:
        ConfigurationError: A candidate is not pinned, none is an anchor, a pin is no fingerprint or fits nothing, or
            the file cannot be written.
    """
    extra = frozenset(_fingerprint(pin) for pin in pins)
    chosen: dict[str, Found] = {}
    for item in found:
        sha256 = fingerprint(item.certificate)
        if role_of(item.certificate, extra) is None:
            raise ConfigurationError(
                f"{common_name(item.certificate)!r} from {item.origin} is not a pinned PKIoverheid certificate: "
                f"SHA-256 {sha256}. Nothing was installed. After Logius confirmed that fingerprint: --pin {sha256}"
            )
        chosen.setdefault(sha256, item)
    if unused := sorted(extra - chosen.keys()):
        raise ConfigurationError(f"no certificate that was found has the pinned fingerprint {unused[0]}")
    if not any(role_of(item.certificate, extra) is PinRole.ANCHOR for item in chosen.values()):
        raise ConfigurationError("no trust anchor is among the certificates that were found")
    pem = _pem(chosen, extra, at)
    place = path or bundle_path()
    _replace(place, pem)
    return Bundle(place, pem, extra)


def _fingerprint(text: str) -> str:
    plain = text.replace(":", "").lower()
    if not _FINGERPRINT.fullmatch(plain):
        raise ConfigurationError("a pin is a SHA-256 fingerprint: 64 hexadecimal digits")
    return plain


def _pem(chosen: dict[str, Found], extra: Collection[str], at: dt.datetime) -> bytes:
    parts = [f"# PKIoverheid, written by nlgov-jades on {at:%Y-%m-%dT%H:%M:%SZ}\n".encode()]
    parts += [f"# pinned by the operator: {pin}\n".encode() for pin in sorted(extra)]
    for sha256, item in chosen.items():
        role = role_of(item.certificate, extra)
        about = f"\n# {_comment(common_name(item.certificate))}\n# {role}, SHA-256 {sha256}\n# from {_comment(item.origin)}\n"
        parts += [about.encode(), item.certificate.public_bytes(Encoding.PEM)]
    return b"".join(parts)


def _comment(text: str) -> str:
    # One line, and nothing in it that reads as the start of a PEM block.
    return "".join(character if character.isprintable() else "?" for character in text).replace("-----", "?")


def _replace(place: Path, content: bytes) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=place.parent, prefix=place.name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(place)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigurationError(f"the bundle cannot be written to {place}: {error.strerror}") from None
