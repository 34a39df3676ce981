"""The certificate of a gateway, and what it trusts, as files: a TLS library reads nothing else."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from ...errors import ConfigurationError
from .tokens import peer_id

__all__ = ["TlsFiles"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Who a gateway is in its group. Another certificate than the one that messages are signed with.

    Attributes:
        chain: PEM file with its certificate, and the CAs above it.
        key: PEM file with its key, not encrypted.
        trust: PEM file with the trust anchors of the group, for the other end.

    Raises:
        ConfigurationError: A file cannot be read or holds something else, or the certificate has no OIN.
    """

    chain: Path
    key: Path = field(repr=False)
    trust: Path

    def __post_init__(self) -> None:
        peer_id(self.certificate)

    @property
    def certificate(self) -> x509.Certificate:
        """The gateway's own.

        Raises:
            ConfigurationError: The file holds none.
        """
        try:
            return x509.load_pem_x509_certificates(self.chain.read_bytes())[0]
        except (OSError, ValueError, AttributeError):
            raise ConfigurationError("chain of TlsFiles is a PEM file with a certificate") from None

    def client_context(self) -> ssl.SSLContext:
        """For connections to a gateway: its name is checked, and this certificate is shown.

        Raises:
            ConfigurationError: A file cannot be read.
        """
        try:
            # Not the default context: the group has its own anchors, and the machine's are not among them.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_verify_locations(self.trust)
            context.load_cert_chain(self.chain, self.key)
        except (OSError, TypeError):  # an SSLError is an OSError
            raise ConfigurationError("the files of TlsFiles hold a chain, its key, and trust anchors, as PEM") from None
        return context
