"""Certificate revocation lists (RFC 5280 §5, §6.3). Complete CRLs of the issuer itself; no indirect, delta or partial ones."""

from __future__ import annotations

import datetime as dt
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from enum import Enum
from heapq import merge

from asn1crypto.algos import SignedDigestAlgorithm
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from ..policy import RevocationPolicy
from ..result import RevocationSource
from .answer import Answer, Standing, check_window
from .certificate import is_authority, key_usage
from .identity import common_name
from .signatures import UnusableDataError, check_signature

__all__ = ["MAX_CRL", "Crl", "Entries", "check_crl", "parse_crl"]

MAX_CRL = 32 * 1024 * 1024
"""Octets. 100 000 entries take 5 MB; PKIoverheid's are far smaller."""

_LOW_BITS = (1 << 64) - 1
"""What the index keeps of a serial number: 8 octets, where RFC 5280 §4.1.2.2 allows 20. CAs fill them at random."""

_SORTED_AT_ONCE = 8192
"""Entries. No other thread runs while a list is sorted, and 100 000 take 24 milliseconds: an event loop would stand still."""

_INTEGER = 0x02  # the tag

_PROCESSED = frozenset(
    {ExtensionOID.CRL_NUMBER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER, ExtensionOID.ISSUING_DISTRIBUTION_POINT}
)
_PROCESSED_IN_ENTRY = frozenset({CRLEntryExtensionOID.CRL_REASON, CRLEntryExtensionOID.INVALIDITY_DATE})


class Crl:
    """A CRL whose form was checked, with its serial numbers in a compact sorted index of 8 octets each.

    Made by `parse_crl`. Its signature is checked once for each issuer's key, over the original octets.

    Attributes:
        der: The CRL itself.
        issuer: Who issued it, by name.
        this_update: When it was made, UTC.
        next_update: When the next one is due, UTC.
        number: Its CRLNumber, or `None`.
    """

    __slots__ = ("_checked_keys", "_crl", "_index", "der", "issuer", "next_update", "number", "this_update")

    def __init__(self, der: bytes, crl: x509.CertificateRevocationList, next_update: dt.datetime) -> None:
        self.der = der
        self.this_update = crl.last_update_utc
        self.next_update = next_update
        self.number = _number(crl)
        self.issuer = crl.issuer
        self._crl = crl
        self._index: array[int] | None = None
        self._checked_keys: set[bytes] = set()

    @property
    def extensions(self) -> x509.Extensions:
        """Its extensions, every critical one of which is processed."""
        return self._crl.extensions

    def __len__(self) -> int:
        return len(self._serials())

    def _serials(self) -> array[int]:
        # Not before the signature was checked: whoever sits on the way would have us read 32 MiB of entries.
        if self._index is None:
            try:
                self._index = _index(self._crl)
            except UnusableDataError:
                raise
            except Exception:  # noqa: BLE001 - entries are parsed when they are asked for
                raise UnusableDataError("this is not a CRL, or a damaged one") from None
        return self._index

    def entry(self, serial_number: int) -> x509.RevokedCertificate | None:
        """The entry of a serial number, or `None` when it is not listed: a binary search.

        Only for a number that is listed, or one in 2**64 that is not, the entry itself is searched for, one by one.
        """
        if serial_number < 0:
            raise UnusableDataError("the certificate has a negative serial number, which no CRL can list")
        wanted = serial_number & _LOW_BITS
        index = self._serials()
        position = bisect_left(index, wanted)
        if position == len(index) or index[position] != wanted:
            return None
        return self._crl.get_revoked_certificate_by_serial_number(serial_number)

    def check_signature(self, issuer: x509.Certificate) -> None:
        """Return when the issuer's key signed it (RFC 5280 §6.3.3 (g)).

        Raises:
            UnusableDataError: It did not, or with an algorithm that is not accepted.
        """
        key = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if key in self._checked_keys:
            return
        tbs, algorithm = _signed_parts(self.der)
        check_signature(issuer, algorithm, tbs, self._crl.signature, "CRL")
        self._checked_keys.add(key)

    def __repr__(self) -> str:
        return f"<Crl: {len(self)} entries, {self.this_update:%Y-%m-%dT%H:%M:%SZ}>"


class Entries(Enum):
    """When the entries of a CRL are read."""

    NOW = "now"
    """At once: the caller who gave it hears at once what is wrong."""
    AFTER_SIGNATURE = "after signature"
    """When its signature was checked: it came over a network."""


def parse_crl(der: bytes, entries: Entries = Entries.NOW) -> Crl:
    """A CRL, when its form is one that is processed. Its signature is not checked here.

    Args:
        der: The CRL.
        entries: When its entries are read.

    Raises:
        UnusableDataError: No CRL, too large, without nextUpdate, indirect, delta, partial, or with a critical
            extension that is not processed.
    """
    if not isinstance(der, bytes) or len(der) > MAX_CRL:
        raise UnusableDataError(f"a CRL is bytes, at most {MAX_CRL} of them")
    try:
        crl = x509.load_der_x509_crl(der)
        _check_extensions(crl.extensions)
        parsed = Crl(der, crl, _next_update(crl))
        if entries is Entries.NOW:
            len(parsed)
        return parsed
    except UnusableDataError:
        raise
    except Exception:  # noqa: BLE001 - the parser raises more classes than it documents
        raise UnusableDataError("this is not a CRL, or a damaged one") from None


def check_crl(
    crl: Crl, certificate: x509.Certificate, issuer: x509.Certificate, *, policy: RevocationPolicy, at: dt.datetime
) -> Answer:
    """What the CRL says about a certificate (RFC 5280 §6.3.3).

    Args:
        crl: From `parse_crl`.
        certificate: The one in question.
        issuer: The CA certificate above it on a path that holds.
        policy: Gives `skew`.
        at: The time to judge for, UTC.

    Raises:
        UnusableDataError: It says nothing: another issuer, another scope, another time, or a bad signature.
    """
    # On a path that holds, the certificate's issuer is this issuer's subject.
    if crl.issuer != issuer.subject:
        raise UnusableDataError("the CRL is of another issuer")
    _check_scope(crl, certificate)
    _check_issuer_may_sign(issuer)
    crl.check_signature(issuer)  # before an entry is read
    entry = crl.entry(certificate.serial_number)
    revoked_at = None if entry is None else entry.revocation_date_utc
    until = check_window(crl.this_update, crl.next_update, policy=policy, at=at, what="CRL", revoked_at=revoked_at)
    about = {
        "source": RevocationSource.CRL,
        "signer": common_name(issuer),
        "this_update": crl.this_update,
        "next_update": crl.next_update,
        "valid_until": until,
        "der": crl.der,
    }
    if entry is None:
        if _names_deltas(crl.extensions) or _names_deltas(certificate.extensions):
            raise UnusableDataError("the CRL has delta CRLs beside it, which are not read: it is not the latest word")
        return Answer(standing=Standing.GOOD, **about)  # type: ignore[arg-type]  # the dict holds several types
    reason = _reason(entry)
    standing = Standing.ON_HOLD if reason is x509.ReasonFlags.certificate_hold else Standing.REVOKED
    return Answer(
        standing=standing,
        revoked_at=entry.revocation_date_utc,
        reason=None if reason is None else reason.value,
        **about,  # type: ignore[arg-type]  # the dict holds several types
    )


def _signed_parts(der: bytes) -> tuple[memoryview, SignedDigestAlgorithm]:
    """The octets that were signed, and the algorithm: CertificateList is a sequence of tbsCertList, algorithm, signature.

    Views of the original: to parse, encode or copy all entries again would cost more than the signature. The parser has
    accepted the DER before, so its lengths hold.
    """
    outer = memoryview(der)
    start, _ = _extent(outer, 0)
    tbs_start, tbs_end = _extent(outer, start)
    _, outside_end = _extent(outer, tbs_end)
    # The version is there in every CRL with extensions, and cannot be told from a missing one but by its tag.
    inside = _extent(outer, tbs_start)[1] if outer[tbs_start] == _INTEGER else tbs_start
    algorithm = outer[tbs_end:outside_end]
    if outer[inside : _extent(outer, inside)[1]] != algorithm:
        raise UnusableDataError("the CRL names one algorithm inside and another outside")
    return outer[start:tbs_end], SignedDigestAlgorithm.load(bytes(algorithm))


def _extent(der: memoryview, position: int) -> tuple[int, int]:
    """Where the content of the DER value at this position starts, and where it ends."""
    first = der[position + 1]
    start = position + 2 + (first & 0x7F if first & 0x80 else 0)
    length = int.from_bytes(der[position + 2 : start]) if first & 0x80 else first
    return start, start + length


def _index(crl: x509.CertificateRevocationList) -> array[int]:
    numbers = []
    for entry in crl:
        for extension in entry.extensions:
            # An entry that speaks of another issuer's certificate makes the CRL indirect (§5.3.3).
            if extension.critical and extension.oid not in _PROCESSED_IN_ENTRY:
                raise UnusableDataError("an entry of the CRL has a critical extension that is not processed")
        numbers.append(entry.serial_number & _LOW_BITS)
    if len(numbers) <= _SORTED_AT_ONCE:
        return array("Q", sorted(numbers))
    runs = [sorted(numbers[start : start + _SORTED_AT_ONCE]) for start in range(0, len(numbers), _SORTED_AT_ONCE)]
    return array("Q", merge(*runs))


def _next_update(crl: x509.CertificateRevocationList) -> dt.datetime:
    if crl.next_update_utc is None:
        raise UnusableDataError("the CRL has no nextUpdate")
    return crl.next_update_utc


def _number(crl: x509.CertificateRevocationList) -> int | None:
    try:
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return None


def _check_extensions(extensions: Iterable[x509.Extension[x509.ExtensionType]]) -> None:
    for extension in extensions:
        if extension.oid == ExtensionOID.DELTA_CRL_INDICATOR:
            raise UnusableDataError("the CRL is a delta CRL, which is not accepted")
        if extension.critical and extension.oid not in _PROCESSED:
            raise UnusableDataError("the CRL has a critical extension that is not processed")
        point = extension.value
        if not isinstance(point, x509.IssuingDistributionPoint):
            continue
        if point.indirect_crl or point.only_some_reasons or point.only_contains_attribute_certs:
            raise UnusableDataError("the CRL is indirect, partial or about attribute certificates: not accepted")


def _check_scope(crl: Crl, certificate: x509.Certificate) -> None:
    """RFC 5280 §6.3.3 (b) (2): the CRL speaks of certificates of this kind and from this distribution point."""
    try:
        point = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    except x509.ExtensionNotFound:
        return
    authority = is_authority(certificate)
    if (point.only_contains_user_certs and authority) or (point.only_contains_ca_certs and not authority):
        raise UnusableDataError("the CRL is about certificates of another kind")
    if point.relative_name is not None:
        raise UnusableDataError("the CRL names its distribution point relative to its issuer, which is not accepted")
    if point.full_name is not None and not _distribution_names(certificate).intersection(point.full_name):
        raise UnusableDataError("the CRL is of another distribution point")


def _distribution_names(certificate: x509.Certificate) -> set[x509.GeneralName]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return set()
    return {name for point in points for name in point.full_name or ()}


def _check_issuer_may_sign(issuer: x509.Certificate) -> None:
    usage = key_usage(issuer)
    if usage is None:
        raise UnusableDataError("the CRL's issuer has no keyUsage")
    if not usage.crl_sign:
        raise UnusableDataError("the CRL's issuer may not sign CRLs (cRLSign)")


def _names_deltas(extensions: x509.Extensions) -> bool:
    return any(extension.oid == ExtensionOID.FRESHEST_CRL for extension in extensions)


def _reason(entry: x509.RevokedCertificate) -> x509.ReasonFlags | None:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return None
