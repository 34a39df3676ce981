"""Which certificates of a message may help to find a path: those that hang below a CA that is known here. No path is built.

Whoever sends a message chooses what it holds: CAs that certify each other in circles make a search try every way through
them, and keys can be made for which each signature check takes milliseconds. Only a CA that is known, or one below it, has
its key used.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509

from .certificate import has_signed, is_ca
from .trust import TrustStore

__all__ = ["below_known_cas"]


def below_known_cas(untrusted: Sequence[x509.Certificate], trust: TrustStore) -> list[x509.Certificate]:
    """Those of these certificates that an anchor, a configured intermediate, or another CA of them below those has signed.

    Every CA on every valid path is among them or is configured: seen from the anchor, each is signed by the one before.

    Args:
        untrusted: What the signer sent along, a handful: each is checked once against every CA with the name of its issuer.
        trust: Anchors and intermediates.

    Returns:
        In the order in which they were sent, which decides where there are two paths.
    """
    found = [
        certificate
        for certificate in untrusted
        if any(has_signed(issuer, certificate) for issuer in trust.named(certificate.issuer))
    ]
    new = found
    while new:
        # A signer's own certificate has a key as well, and that signs whatever its owner likes.
        issuers = [certificate for certificate in new if is_ca(certificate)]
        new = [
            certificate
            for certificate in untrusted
            if certificate not in found
            and any(issuer.subject == certificate.issuer and has_signed(issuer, certificate) for issuer in issuers)
        ]
        found = found + new
    return [certificate for certificate in untrusted if certificate in found]
