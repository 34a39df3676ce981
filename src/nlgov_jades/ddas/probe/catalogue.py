"""All cases of the probe, in the order in which they are tried; here those about certificates, time and HTTP. Data only.

How each message is made is in `making`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .cases import Case, Group, Material, Refused, Refuser, cases_of, refused
from .catalogue_questions import GOOD, LAST, QUESTION
from .catalogue_signature import SIGNATURE

__all__ = ["BY_ID", "CASES"]

_SERVER_LIMITS = "Nothing to do with the signature: look at the web server, or at the gateway before it."

_CERTIFICATE = (
    Case(
        id="root-foreign",
        group=Group.CERTIFICATE,
        title="A question signed under another root, in the good signer's name.",
        deviation="a certificate with the same name and OIN from CAs made for this test",
        why="RFC 5280 §6: the path ends at a trust anchor of the receiver's own",
        expects=refused(403, codes="CERTIFICATE_PATH"),
        advice="Trust pinned roots only, and never one that came along in x5c.",
    ),
    Case(
        id="certificate-expired",
        group=Group.CERTIFICATE,
        title="A question signed with an expired certificate.",
        deviation="its validity has ended; iat lies within it",
        why="RFC 5280 §6.1.3: validity is judged now, and not at iat",
        expects=Refused(statuses=(403, 400), codes=frozenset({"CERTIFICATE_EXPIRED", "SIGNING_TIME"})),
        advice="Judge validity at the time of verification; 400 SIGNING_TIME is right too where iat is older than max_age.",
        material=Material.EXPIRED,
    ),
    Case(
        id="certificate-revoked",
        group=Group.CERTIFICATE,
        title="A question signed with a revoked certificate.",
        deviation="the certificate is revoked",
        why="Digikoppeling PKI003, PKI004: revocation is checked",
        expects=refused(403, codes="CERTIFICATE_REVOKED"),
        advice="Check revocation, and refuse when it cannot be known. A CRL that the provider fetched before the certificate was "
        "revoked does not have it yet: then try again with one that was revoked earlier, with --certificates.",
        material=Material.REVOKED,
    ),
    Case(
        id="oin-other",
        group=Group.CERTIFICATE,
        title="A question signed by an organisation that may not ask.",
        deviation="a good certificate with another OIN",
        why="DDAS: CBS asks; the OIN of the signer is compared",
        expects=refused(403, codes="SIGNER_NOT_ALLOWED"),
        advice="Name the OINs that may ask: that a certificate is good says who it is, not what it may.",
        material=Material.OTHER_OIN,
    ),
)

_TIME = cases_of(
    Group.TIME,
    (
        "iat-old",
        "A question that was signed a day ago.",
        "iat; at the earliest when the certificate began",
        "a payload signature binds no recipient and no moment but iat",
        refused(400, codes="SIGNING_TIME"),
        "Set max_age of the policy, to some minutes. DDAS has no such rule: who decides to go without it skips this case.",
    ),
    (
        "iat-future",
        "A question that will be signed in an hour.",
        "iat",
        "wire format, reading step 10: not in the future beyond the skew",
        refused(400, codes="SIGNING_TIME"),
        "Refuse what is dated ahead by more than a minute; do the clocks keep time with NTP?",
    ),
    (
        "replay",
        "A good question, sent once more.",
        "every octet is the same, on a new connection",
        "a payload signature does not say how often it holds",
        refused(400, codes="REPLAYED_MESSAGE"),
        "Give the provider a replay guard, with max_age. DDAS has no such rule: who decides to go without it skips this case.",
    ),
)

_FRAMING = cases_of(
    Group.FRAMING,
    (
        "field-oversized",
        "A question with a signature field of 40 000 characters.",
        "a long member in the protected header",
        "RFC 9110 §5.4; RFC 6585 §5",
        refused(400, 413, 431, codes="MALFORMED_SIGNATURE", by=Refuser.ANYBODY),
        _SERVER_LIMITS,
    ),
    (
        "length-short",
        "A question whose Content-Length is too small.",
        "Content-Length ends in the middle of the body",
        "RFC 9112 §6.2: the body has as many octets as Content-Length says",
        refused(400, codes="DIGEST_MISMATCH", by=Refuser.PROVIDER),
        "Digest the body that Content-Length announces, and nothing behind it.",
    ),
    (
        "length-long",
        "A question whose Content-Length is too large.",
        "Content-Length announces more than comes",
        "RFC 9112 §8: a message that is cut short is incomplete",
        refused(400, 408, codes="MALFORMED_MESSAGE", by=Refuser.ANYBODY),
        "Never work with a body that is shorter than announced.",
    ),
    (
        "length-twice",
        "A question with two Content-Lengths that differ.",
        "a second Content-Length",
        "RFC 9112 §6.3: that is an error",
        refused(400, codes="MALFORMED_MESSAGE", by=Refuser.ANYBODY),
        _SERVER_LIMITS + " Two readers would find two ends of the body: request smuggling.",
    ),
    (
        "length-twice-last",
        "A question with two Content-Lengths that differ, the right one behind the other.",
        "another Content-Length before the one that fits",
        "RFC 9112 §6.3: that is an error",
        refused(400, codes="MALFORMED_MESSAGE", by=Refuser.ANYBODY),
        _SERVER_LIMITS + " Two readers would find two ends of the body: request smuggling.",
    ),
    (
        "length-and-chunked",
        "A question in chunks that has a Content-Length too.",
        "Content-Length beside Transfer-Encoding",
        "RFC 9112 §6.1: ought to be handled as an error",
        refused(400, codes="MALFORMED_MESSAGE", by=Refuser.ANYBODY),
        _SERVER_LIMITS + " Two readers would find two ends of the body: request smuggling.",
    ),
)

CASES: Final = (*GOOD, *SIGNATURE, *_CERTIFICATE, *_TIME, *_FRAMING, *QUESTION, *LAST)
"""All of them."""

BY_ID: Final[Mapping[str, Case]] = MappingProxyType({case.id: case for case in CASES})
"""The same by `id`."""
