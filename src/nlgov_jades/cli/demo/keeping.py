"""What `--keep` leaves in its folder: certificates and keys, messages as `verify` and `inspect` read them, records, logs.

pki/            as `dev-pki new` makes it, with a chain and a key for each party, and the CRLs as they were at the end
messages/       each question and answer of the demo, numbered
*.sqlite *.log  of each provider
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from http.client import responses
from pathlib import Path
from typing import IO

from ...testing.folder import CaKeys, register_in, save_hierarchy, save_signer
from ...testing.hierarchy import Hierarchy, Issued
from ...testing.register import Register

__all__ = ["Keeping", "answer_octets", "new_file", "question_octets"]

RawFields = Iterable[tuple[bytes, bytes]]


def new_file(path: Path) -> IO[bytes]:
    """A file for its owner alone: messages and records hold personal data, even where they are made up.

    Raises:
        OSError: It exists or cannot be made.
    """
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def question_octets(method: str, target: bytes, fields: RawFields, body: bytes) -> bytes:
    """A request as a captured message."""
    return b"%b %b HTTP/1.1\r\n%b%b" % (method.encode("ascii"), target, _lines(fields), body)


def answer_octets(status: int, fields: RawFields, body: bytes) -> bytes:
    """A response as a captured message."""
    phrase = responses.get(status, "Other").encode("ascii")
    return b"HTTP/1.1 %d %b\r\n%b%b" % (status, phrase, _lines(fields), body)


def _lines(fields: RawFields) -> bytes:
    return b"".join(b"%b: %b\r\n" % line for line in fields) + b"\r\n"


class Keeping:
    """Keeps things in a folder, or nothing anywhere.

    Args:
        folder: The folder, new or empty; `None`: nothing is kept.

    Raises:
        OSError: What is kept cannot be written.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._messages = 0
        if folder is not None:
            for name in ("pki", "messages"):
                (folder / name).mkdir(mode=0o700)

    def register(self) -> Register:
        """Where the responder has what is revoked."""
        return Register() if self.folder is None else register_in(self.folder / "pki")

    def storage(self, name: str) -> str | None:
        """File for the records of a provider."""
        return None if self.folder is None else str((self.folder / f"{name}.sqlite").absolute())

    def log(self, name: str) -> Path | None:
        """File for the log of a provider."""
        return None if self.folder is None else self.folder / f"{name}.log"

    def certificates(self, hierarchy: Hierarchy, signers: Mapping[str, Issued]) -> None:
        """Keep a hierarchy with its keys, and the chains and keys of signers."""
        if self.folder is not None:
            save_hierarchy(hierarchy, self.folder / "pki", ca_keys=CaKeys.KEPT)
            for name, signer in signers.items():
                save_signer(signer, self.folder / "pki", name=name)

    def crls(self, hierarchy: Hierarchy, crls: Iterable[bytes]) -> None:
        """Keep the CRLs of the authorities of a hierarchy, in their order."""
        if self.folder is not None:
            for authority, crl in zip(hierarchy.authorities, crls, strict=True):
                with new_file(self.folder / "pki" / f"{authority.label}.crl") as file:
                    file.write(crl)

    def exchange(self, name: str, question: bytes, answer: bytes) -> None:
        """Keep a question and its answer."""
        if self.folder is not None:
            self._messages += 1
            for part, octets in (("question", question), ("answer", answer)):
                with new_file(self.folder / "messages" / f"{self._messages:02}-{name}-{part}.http") as file:
                    file.write(octets)
