"""A hierarchy in a folder: what users need at the top, and in `ca/` the keys of the CAs, which only their owner may read.

root.pem  intermediates.pem              what a verifier needs
signer-chain.pem  signer-key.pem         what a signer needs; the key has mode 0600
ca/root.pem  ca/root-key.pem  …          what a responder needs, for root, domain and tsp; mode 0600, when kept
ca/settings.json                         where the certificates say that the responder is
revoked.json                             what is revoked, when something is
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ..errors import ConfigurationError
from .hierarchy import Authority, Hierarchy, Issued, PrivateKeyTypes, pem
from .register import RegisterFile

__all__ = ["AUTHORITY_FOLDER", "CaKeys", "load_hierarchy", "register_in", "save_hierarchy", "save_signer"]

AUTHORITY_FOLDER: Final = "ca"

_SETTINGS: Final = "settings.json"
_REVOKED: Final = "revoked.json"


class CaKeys(Enum):
    """Whether the keys of the CAs go into the folder. Whoever has them makes certificates that its root vouches for."""

    KEPT = "kept"
    LEFT_OUT = "left out"


def save_hierarchy(hierarchy: Hierarchy, folder: Path, *, ca_keys: CaKeys = CaKeys.LEFT_OUT) -> tuple[str, ...]:
    """Write the certificates, and the CA keys when they are to be kept. Nothing is overwritten.

    Args:
        hierarchy: What to write.
        folder: An existing folder.
        ca_keys: With them, `load_hierarchy` gives the hierarchy back.

    Returns:
        Names of the files, below the folder.

    Raises:
        OSError: A file exists or cannot be written.
    """
    files = {"root.pem": hierarchy.root_pem, "intermediates.pem": hierarchy.intermediates_pem}
    _write(folder, files)
    if ca_keys is CaKeys.LEFT_OUT:
        return tuple(files)
    private: dict[str, bytes] = {}
    for name, authority in _named(hierarchy).items():
        private[f"{AUTHORITY_FOLDER}/{name}.pem"] = pem([authority.certificate])
        private[f"{AUTHORITY_FOLDER}/{name}-key.pem"] = authority.key_pem()
    settings = {"revocation_url": hierarchy.root.revocation_url}
    private[f"{AUTHORITY_FOLDER}/{_SETTINGS}"] = (json.dumps(settings) + "\n").encode()
    (folder / AUTHORITY_FOLDER).mkdir(mode=0o700)
    _write(folder, private, mode=0o600)
    return (*files, *private)


def save_signer(
    signer: Issued, folder: Path, *, password: bytes | None = None, name: str = "signer"
) -> tuple[str, ...]:
    """Write a signer's chain and key. Nothing is overwritten.

    Args:
        signer: What to write.
        folder: An existing folder.
        password: Encrypts the key; it is not encrypted when not given.
        name: First part of the names of the files.

    Returns:
        Names of the files, below the folder.

    Raises:
        OSError: A file exists or cannot be written.
    """
    chain, key = f"{name}-chain.pem", f"{name}-key.pem"
    _write(folder, {chain: signer.chain_pem})
    _write(folder, {key: signer.key_pem(password)}, mode=0o600)
    return chain, key


def load_hierarchy(folder: Path) -> Hierarchy:
    """The hierarchy that `save_hierarchy` wrote with its CA keys.

    Args:
        folder: The same folder.

    Raises:
        ConfigurationError: It holds no CA keys, or files that cannot be read or do not belong together.
    """
    private = folder / AUTHORITY_FOLDER
    if not private.is_dir():
        raise ConfigurationError(f"the folder holds no CA keys (a subfolder {AUTHORITY_FOLDER}): they were not kept")
    try:
        settings = json.loads((private / _SETTINGS).read_bytes())
        base = settings["revocation_url"]
        chain: tuple[x509.Certificate, ...] = ()
        found: dict[str, Authority] = {}
        for name in ("root", "domain", "tsp"):
            certificate = x509.load_pem_x509_certificate((private / f"{name}.pem").read_bytes())
            key = load_pem_private_key((private / f"{name}-key.pem").read_bytes(), None)
            chain = (certificate, *chain)
            found[name] = Authority(_checked(key, chain), chain, name, None if base is None else str(base))
    except OSError as error:
        reason = error.strerror or "no reason given"
        raise ConfigurationError(f"a file in {AUTHORITY_FOLDER} cannot be read: {reason}") from None
    except ConfigurationError:
        raise
    except Exception:  # noqa: BLE001 - the parsers raise more classes than they document
        raise ConfigurationError(f"a file in {AUTHORITY_FOLDER} is damaged, or another than dev-pki wrote") from None
    return Hierarchy(found["root"], found["domain"], found["tsp"])


def register_in(folder: Path) -> RegisterFile:
    """What is revoked in this folder; shared by every process that uses it."""
    return RegisterFile(folder / _REVOKED)


def _named(hierarchy: Hierarchy) -> dict[str, Authority]:
    return {"root": hierarchy.root, "domain": hierarchy.domain, "tsp": hierarchy.tsp}


def _checked(key: object, chain: tuple[x509.Certificate, ...]) -> PrivateKeyTypes:
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ConfigurationError(f"a key in {AUTHORITY_FOLDER} is neither RSA nor elliptic")
    if key.public_key() != chain[0].public_key():
        raise ConfigurationError(f"a key in {AUTHORITY_FOLDER} does not belong to its certificate")
    if len(chain) > 1:
        chain[0].verify_directly_issued_by(chain[1])
    return key


def _write(folder: Path, files: Mapping[str, bytes], *, mode: int = 0o644) -> None:
    for name, octets in files.items():
        # Created with its mode, so that a key is never readable by others, not even for a moment.
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
