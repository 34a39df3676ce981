"""Why was there no path? The path builder answers with a bare sentence; people need to know which certificate.

This runs only after a path was refused. It explains and never accepts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from cryptography import x509

from ..errors import CertificatePathError, quoted
from ..jws import is_dear
from .certificate import check_validity, display_name, has_signed
from .trust import MAX_INTERMEDIATES_ON_PATH, TrustStore

__all__ = ["explain"]

_MAX_SIGNATURE_CHECKS = 12
"""Enough for every sane set of certificates. A hostile one costs 2 to 4 milliseconds and gets a shorter explanation: an event
loop waits for it."""

_MAX_DEPTH = 12
"""Certificates; deeper than a path may be, so that one that is too long is told from one that leads nowhere."""


def explain(
    leaf: x509.Certificate,
    untrusted: Sequence[x509.Certificate],
    *,
    trust: TrustStore,
    at: dt.datetime,
    reason: str,
) -> CertificatePathError:
    """The error for a path that the builder refused.

    Args:
        leaf: The signer's certificate.
        untrusted: What the signer sent along.
        trust: Anchors and intermediates.
        at: The time that was judged for, UTC.
        reason: The builder's own sentence.
    """
    walk = _Walk(untrusted, trust)
    path = walk.to_anchor([leaf])
    if path is None:
        stuck = walk.longest[-1]
        name, issuer = display_name(stuck), quoted(_common_name(stuck.issuer))
        known = any(anchor.subject == stuck.issuer for anchor in trust.anchors)
        why = (
            "has the name of a trust anchor, but another key signed it"
            if known
            else "is neither a trust anchor nor among the intermediates that were sent or configured"
        )
        return CertificatePathError(
            f"the issuer of certificate {name}, {issuer}, {why}",
            certificate=name,
            no_chain=True,
        )
    if len(path) > MAX_INTERMEDIATES_ON_PATH + 2:  # the signer and the anchor
        name = display_name(leaf)
        return CertificatePathError(
            f"the path of certificate {name} has {len(path) - 2} CAs below the trust anchor; at most {MAX_INTERMEDIATES_ON_PATH} are accepted",
            certificate=name,
        )
    try:
        for certificate in path:
            check_validity(certificate, at)
    except CertificatePathError as error:
        return error
    name = display_name(leaf)
    return CertificatePathError(f"the path of certificate {name} is refused: {quoted(reason, 200)}", certificate=name)


class _Walk:
    """A depth-first walk over issuers with a budget for signature checks."""

    def __init__(self, untrusted: Sequence[x509.Certificate], trust: TrustStore) -> None:
        self._untrusted = untrusted
        self._trust = trust
        self._budget = _MAX_SIGNATURE_CHECKS
        self.longest: list[x509.Certificate] = []

    def to_anchor(self, path: list[x509.Certificate]) -> list[x509.Certificate] | None:
        if len(path) > len(self.longest):
            self.longest = path
        if len(path) >= _MAX_DEPTH:
            return None
        known = self._trust.named(path[-1].issuer)
        for issuer in (*known, *self._untrusted):
            if issuer in path or not self._has_signed(issuer, path[-1], is_known=issuer in known):
                continue
            found = [*path, issuer] if issuer in self._trust.anchors else self.to_anchor([*path, issuer])
            if found is not None:
                return found
        return None

    def _has_signed(self, issuer: x509.Certificate, certificate: x509.Certificate, *, is_known: bool) -> bool:
        # The budget first: names are other people's too, and long ones take their time.
        if self._budget == 0 or issuer.subject != certificate.issuer:
            return False
        if not is_known and _is_dear(issuer):
            return False
        self._budget -= 1
        return has_signed(issuer, certificate)


def _is_dear(issuer: x509.Certificate) -> bool:
    try:
        return is_dear(issuer.public_key())
    except Exception:  # noqa: BLE001 - a key that cannot be read raises more classes than are documented
        return True


def _common_name(name: x509.Name) -> str | bytes:
    names = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return names[0].value if names else name.rfc4514_string()
