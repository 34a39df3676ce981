"""Harness of the protected header: every check of the library in its order, held against the reference.

Neither message nor signature matter here: `messages.py` has them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from nlgov_jades import jades, profiles
from nlgov_jades.encoding import json_object
from nlgov_jades.errors import MalformedSignatureError, VerificationError
from nlgov_jades.profiles import BodyOctets, CertificateReference, Profile

from . import reference
from .harness import ACCEPTED, Harness, check, label
from .parsers import JSON_WORDS, headers, short_headers
from .plain_json import json_object as plain_json_object
from .vectors import certificate_ders

__all__ = ["HARNESSES", "HEADER_WORDS"]

_NAMES = (
    "alg", "b64", "crit", "sigD", "mId", "pars", "x5c", "x5t#S256", "x5t#o", "sigX5ts", "digAlg", "digVal", "kid", "typ", "iat", "sigT", "exp",
)  # fmt: skip

HEADER_WORDS = (
    *JSON_WORDS,
    *(
        b'"%s":' % name.encode()
        for name in _NAMES
    ),
    b'"b64"', b'"sigD"', b'"digest"', b'"Digest"', b'"PS256"', b'"ES256"', b"false", b"true", b"0", b"1781524800", b"253402300800",
    b'"2026-06-15T12:00:00Z"', b'"2026-02-30T12:00:00Z"', b'"S256"', b'"S384"', b'"http://uri.etsi.org/19182/HttpHeaders"',
)  # fmt: skip


def read(header: dict[str, Any], profile: Profile) -> tuple[tuple[str, ...], jades.SigningTimes, list[bytes]]:
    """What the verifier does with a header, in its order."""
    jades.check_algorithm(header, profile)
    jades.check_critical(header, profile)
    pars = () if isinstance(profile.covers, BodyOctets) else jades.read_pars(header)
    jades.check_parameters(header, profile)
    certificates = [der for der, _ in jades.read_certificates(jades.read_x5c(header))]
    jades.check_references(header, certificates)
    return pars, jades.read_times(header), certificates


def run(data: bytes) -> str:
    # The first octet names the profile.
    profile = profiles.ALL[data[0] % len(profiles.ALL)] if data else profiles.DDAS
    header = plain_json_object(data[1:])
    try:
        read_header = json_object(data[1:], "the protected header")
    except MalformedSignatureError as error:
        check(header is None, "a header is refused that the reference reads")
        return label(error)
    check(header is not None, "a header is read that the reference refuses")
    assert header is not None
    wanted = reference.header_is_well(header, profile)
    stated = _certificates(header) if wanted else []
    if wanted:
        wanted = reference.references_are_well(header, stated)
    known = all(der in certificate_ders().values() for der in stated)
    try:
        pars, times, certificates = read(read_header, profile)
    except VerificationError as error:
        word = label(error)
        # A certificate that no vector has may be unreadable, and a key may be too small.
        check(not wanted or not known or _has_weak_key(stated), f"a header is refused that the reference takes: {word}")
        return word
    check(wanted, "a header is taken that the reference refuses")
    check(certificates == stated, "other certificates are read")
    check(
        list(pars) == [reference.lower(name) for name in header.get("sigD", {}).get("pars", [])], "other pars are read"
    )
    stamps = tuple(None if time is None else time.timestamp() for time in times)
    check(stamps == reference.times(header), "other times are read")
    _build_again(header, profile, certificates)
    return ACCEPTED


def _certificates(header: dict[str, Any]) -> list[bytes]:
    return [reference.base64_octets(text) or b"" for text in header["x5c"]]


def _has_weak_key(ders: list[bytes]) -> bool:
    """Whether an RSA key in these certificates has a size or an exponent that is not accepted."""
    for der in ders:
        key = x509.load_der_x509_certificate(der).public_key() if der in certificate_ders().values() else None
        if isinstance(key, rsa.RSAPublicKey):
            exponent = key.public_numbers().e
            if not 2048 <= key.key_size <= 8192 or exponent % 2 == 0 or not 2**16 < exponent < 2**32:
                return True
    return False


def _build_again(header: dict[str, Any], profile: Profile, certificates: list[bytes]) -> None:
    """What the library would have written of this is read again, to the same values."""
    iat = header.get("iat")
    built = jades.build_header(
        profile=profile,
        kid=header.get("kid"),
        certificates=certificates,
        pars=["digest"],
        iat=iat,
        reference=jades.certificate_reference(CertificateReference.X5T_O, certificates[0]),
    )
    again = json_object(built, "what was built")
    check(again == json.loads(built), "a header that was built is read otherwise")
    _, times, same = read(again, profile)
    check(same == certificates and again.get("kid") == header.get("kid"), "a header does not come back")
    if not isinstance(profile.covers, BodyOctets):
        check((times.claimed and times.claimed.timestamp()) == iat, "the time of signing does not come back")


# --- inputs that name a certificate ------------------------------------------------------------------------------


@cache
def marks() -> dict[bytes, bytes]:
    """Marks that stand for a certificate or one of its digests, so that a short input reaches deep."""
    made = {}
    for name, der in certificate_ders().items():
        made[b"<%s>" % name.encode()] = base64.b64encode(der)
        for kind in ("sha256", "sha384", "sha512"):
            digest = base64.urlsafe_b64encode(hashlib.new(kind, der).digest()).rstrip(b"=")
            made[b"<%s %s>" % (kind.encode(), name.encode())] = digest
    return made


_MARK = re.compile(b"<[a-z0-9 -]+>")


def any_profile(data: bytes) -> str:
    """`run`, with what the marks in the input stand for in their place."""
    return run(_MARK.sub(lambda match: marks().get(match[0], match[0]), data))


def marked_seeds() -> list[bytes]:
    """The headers of the vectors with marks in place of certificates and their digests."""
    made = []
    for header in headers():
        text = header
        for mark, stands_for in marks().items():
            text = text.replace(stands_for, mark)
        made.append(text)
    unique = list(dict.fromkeys(made))
    return [bytes([index % len(profiles.ALL)]) + text for text in unique for index in (0, 1, 4, 5, 6)]


def plain_seeds() -> list[bytes]:
    """Headers that no certificate can be read from, and some as they are."""
    return [b"\0" + header for header in (*short_headers()[:60], *headers()[:3])]


_MARKS = tuple(
    b"<" + name + b">" for name in (b"leaf", b"tsp-ca", b"domain-ca", b"root", b"leaf-p256", b"sha256 leaf", b"sha512 leaf-p256")
)  # fmt: skip

HARNESSES = (
    Harness(
        "protected-header",
        "taken exactly when the reference takes it, with the same pars, times and certificates; what is built is read again",
        any_profile,
        lambda: [*marked_seeds(), *plain_seeds()],
        (*HEADER_WORDS, *_MARKS),
        6000,
    ),
)
