"""Keys and certificates that change without a restart. An edge: nothing in the core imports it.

A `CredentialSource` is asked for each message which credential to sign with. `CredentialFiles` reads it from files and
follows them when they change; `RotatingSigner` and `AsyncRotatingSigner` sign with what a source gives, and tell through
the logger `nlgov_jades.rotation` from 30 days before the certificate expires. Nothing runs by itself: files are looked at,
in a thread that ends when it has, and warnings are given when messages are signed.
"""

from __future__ import annotations

from .files import CredentialFiles, Reading
from .signers import AsyncRotatingSigner, RotatingSigner
from .sources import CredentialSource, FixedCredential, SuccessionSource

__all__ = [
    "AsyncRotatingSigner",
    "CredentialFiles",
    "CredentialSource",
    "FixedCredential",
    "Reading",
    "RotatingSigner",
    "SuccessionSource",
]
