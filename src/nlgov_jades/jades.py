"""The JAdES protected header (TS 119 182-1 §5, RFC 7515 §4): build it, read it, check what no profile changes.

Reading follows the numbered steps of `verify.py`; each function here says which step it is.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import re
from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from .encoding import ascii_lower, base64_decode, base64url_decode, base64url_encode
from .errors import (
    MalformedSignatureError,
    ProfileViolationError,
    SigningTimeError,
    UnsupportedAlgorithmError,
    quoted,
)
from .jws import check_rsa_size
from .pki.certificate import UnreadableCertificateError, load_der
from .profiles import BodyOctets, CertificateReference, Profile
from .sigd import HTTP_HEADERS, MAX_PARS

__all__ = [
    "SigningTimes",
    "build_header",
    "certificate_reference",
    "check_algorithm",
    "check_critical",
    "check_parameters",
    "check_references",
    "has_only_reference",
    "read_certificates",
    "read_pars",
    "read_times",
    "read_x5c",
]

MAX_X5C = 5
"""Certificates in x5c. PKIoverheid has four levels; one more for a cross-certificate."""

MAX_CERTIFICATE = 8192
"""Octets of DER in one x5c entry; real ones take 1 500 to 2 500."""

Header = Mapping[str, Any]

_RFC_7515 = frozenset({"alg", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit"})
_RFC_7516 = frozenset({"enc", "zip"})
_RFC_7518 = frozenset({"epk", "apu", "apv", "iv", "tag", "p2s", "p2c"})
_REGISTERED = _RFC_7515 | _RFC_7516 | _RFC_7518
"""Names that RFC 7515 §4.1.11 forbids in `crit`."""

_PROCESSED = frozenset({"b64", "sigD", "sigT", "x5t#o", "sigX5ts", "iat", "exp"})
"""Names that may be critical because we process them. Signers after TS 119 182-1 V1.1.1 list the middle ones."""

_CRITICAL = frozenset({"b64", "sigD"})

_SIGD = frozenset({"mId", "pars"})

_DIGESTS = {"S256": hashlib.sha256, "S384": hashlib.sha384, "S512": hashlib.sha512}

_SIG_T = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_TEXT = frozenset({str})
_MAX_TIME = 253402300799  # 9999-12-31T23:59:59Z, the last second that datetime and X.509 know


class SigningTimes(NamedTuple):
    """What the protected header says about time, UTC. A tuple, since one is made for every message.

    Attributes:
        claimed: `iat` (TS 119 182-1 V1.2.1 §5.1.11) or `sigT` (§5.2.1), or `None`.
        expires: `exp`, or `None`.
    """

    claimed: dt.datetime | None
    expires: dt.datetime | None


# --- building ------------------------------------------------------------------------------------------------


def build_header(
    *,
    profile: Profile,
    kid: str | None,
    certificates: Sequence[bytes],
    pars: Sequence[str],
    iat: int | None,
    reference: Mapping[str, Any],
) -> bytes:
    """The protected header to sign, compact JSON (wire format section 2).

    Args:
        profile: Gives `alg` and whether there is a sigD.
        kid: Key identifier, or `None` to leave it out.
        certificates: DER, signer first, for `x5c`.
        pars: Lower-case names for sigD; unused when the profile covers the body itself.
        iat: Seconds since 1970, or `None` to leave it out.
        reference: From `certificate_reference`, or empty to leave it out.
    """
    header: dict[str, Any] = {"alg": profile.algorithm.value}
    if kid is not None:
        header["kid"] = kid
    header |= reference
    header["x5c"] = [b2a_base64(der, newline=False).decode("ascii") for der in certificates]
    header["typ"] = "JOSE"
    if isinstance(profile.covers, BodyOctets):
        return _compact(header)
    header["b64"] = False
    if iat is not None:
        header["iat"] = iat
    header["sigD"] = {"mId": HTTP_HEADERS, "pars": list(pars)}
    header["crit"] = ["b64", "sigD"]
    return _compact(header)


def _compact(header: Mapping[str, Any]) -> bytes:
    return json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def certificate_reference(kind: CertificateReference, der: bytes) -> dict[str, Any]:
    """The reference to the signing certificate: `x5t#S256` (RFC 7515 §4.1.8) or `x5t#o` with SHA-512 (§5.2.2.2)."""
    if kind is CertificateReference.X5T_S256:
        return {"x5t#S256": base64url_encode(hashlib.sha256(der).digest()).decode("ascii")}
    return {"x5t#o": {"digAlg": "S512", "digVal": base64url_encode(hashlib.sha512(der).digest()).decode("ascii")}}


# --- reading -------------------------------------------------------------------------------------------------


def check_algorithm(header: Header, profile: Profile) -> None:
    """Step 4: `alg` is the profile's, before any key is touched; `b64` is JSON false.

    Raises:
        MalformedSignatureError: `alg` is absent or no text (RFC 7515 §4.1.1).
        UnsupportedAlgorithmError: Another algorithm.
        ProfileViolationError: `b64` is anything but `false`, or there at all in a plain detached JWS.
    """
    alg = header.get("alg")
    if not isinstance(alg, str):
        raise MalformedSignatureError("the protected header has no alg")
    if alg != profile.algorithm.value:
        raise UnsupportedAlgorithmError(f"alg is {quoted(alg)}; profile {profile.id} takes {profile.algorithm.value}")
    if isinstance(profile.covers, BodyOctets):
        if "b64" in header:
            raise ProfileViolationError(f"profile {profile.id} signs base64url(body) and has no b64")
    elif header.get("b64") is not False:
        raise ProfileViolationError("b64 must be there and be false (RFC 7797)")


def check_critical(header: Header, profile: Profile) -> None:
    """Step 5: `crit` (RFC 7515 §4.1.11, RFC 7797 §6, TS 119 182-1 §5.1.9).

    Raises:
        MalformedSignatureError: Not a non-empty list of different texts, or it names a parameter that is absent
            or that may not be named.
        ProfileViolationError: `b64` or `sigD` is not named, a name is that we do not process, or crit is there at
            all in a plain detached JWS.
    """
    if isinstance(profile.covers, BodyOctets):
        if "crit" in header:
            raise ProfileViolationError(f"profile {profile.id} has no crit")
        return
    if "crit" not in header:
        raise ProfileViolationError("crit is absent; it must name b64 and sigD")
    crit = _texts(header["crit"], "crit")
    named = set(crit)
    if len(named) != len(crit):
        raise MalformedSignatureError("crit names a parameter twice")
    if not header.keys() >= named:
        raise MalformedSignatureError("crit names a parameter that the protected header does not have")
    if not _REGISTERED.isdisjoint(crit):
        raise MalformedSignatureError("crit names a parameter that RFC 7515 does not allow there")
    if missing := _CRITICAL - named:
        raise ProfileViolationError(f"crit does not name {', '.join(sorted(missing))}")
    if unknown := named - _PROCESSED:
        raise ProfileViolationError(f"crit names {quoted(min(unknown))}, which this library does not process")


def read_pars(header: Header) -> tuple[str, ...]:
    """Step 6: `pars` of sigD in lower case, in order (TS 119 182-1 §5.2.8).

    Raises:
        MalformedSignatureError: sigD is no object, `pars` no list of different texts, or too many.
        ProfileViolationError: sigD is absent, has another mechanism or further members.
    """
    if "sigD" not in header:
        raise ProfileViolationError("the protected header has no sigD")
    sigd = header["sigD"]
    if not isinstance(sigd, dict):
        raise MalformedSignatureError("sigD is not a JSON object")
    if sigd.get("mId") != HTTP_HEADERS:
        raise ProfileViolationError(f"mId of sigD is not {HTTP_HEADERS}")
    if not sigd.keys() <= _SIGD:
        raise ProfileViolationError("sigD holds more than mId and pars")
    if "pars" not in sigd:
        raise ProfileViolationError("sigD has no pars")
    stated = sigd["pars"]
    if not isinstance(stated, list) or not _are_texts(stated):
        raise MalformedSignatureError("pars of sigD is not a list of texts")
    pars = tuple(map(ascii_lower, stated))
    if len(pars) > MAX_PARS:
        raise MalformedSignatureError(f"pars of sigD holds more than {MAX_PARS} names")
    if len(set(pars)) != len(pars):
        raise MalformedSignatureError("pars of sigD names a field twice")
    return pars


def check_parameters(header: Header, profile: Profile) -> None:
    """Step 6, the rest: `typ` is JOSE or absent, `kid` is text, and what the profile requires is there.

    Raises:
        MalformedSignatureError: `typ` or `kid` is no text.
        ProfileViolationError: Another `typ`, or a required parameter is absent.
    """
    typ = header.get("typ", "JOSE")
    if not isinstance(typ, str) or not isinstance(header.get("kid", ""), str):
        raise MalformedSignatureError("typ and kid are text")
    if typ.lower() != "jose":
        raise ProfileViolationError(f"typ is {quoted(typ)}, not JOSE")
    if isinstance(profile.covers, BodyOctets) and "sigD" in header:
        raise ProfileViolationError(f"profile {profile.id} has no sigD")
    if missing := [name for name in profile.required_parameters if header.get(name, "") == ""]:
        raise ProfileViolationError(f"profile {profile.id} requires {', '.join(sorted(missing))}")


def read_x5c(header: Header) -> tuple[str, ...]:
    """Step 7: the entries of `x5c`, signer first (RFC 7515 §4.1.6), undecoded. `jku`, `jwk` and `x5u` are never looked at.

    Raises:
        MalformedSignatureError: Not a non-empty list of at most MAX_X5C texts, or an entry that is too long for a
            certificate of MAX_CERTIFICATE octets.
    """
    x5c = _texts(header["x5c"], "x5c")
    if len(x5c) > MAX_X5C:
        raise MalformedSignatureError(f"x5c holds {len(x5c)} certificates; at most {MAX_X5C} are read")
    if max(map(len, x5c)) > 2 * MAX_CERTIFICATE:  # before decoding; base64 adds a third
        raise MalformedSignatureError(f"a certificate in x5c is longer than {MAX_CERTIFICATE} octets")
    return tuple(x5c)


def read_certificates(x5c: Sequence[str]) -> tuple[tuple[bytes, x509.Certificate], ...]:
    """Step 7: the certificates in the entries of `x5c`, as DER and parsed.

    Raises:
        MalformedSignatureError: An entry is no padded base64 of a readable certificate of at most MAX_CERTIFICATE
            octets.
        UnsupportedAlgorithmError: An RSA key in it is weak, or dear to use.
    """
    return tuple(_certificate(entry, position) for position, entry in enumerate(x5c))


def _certificate(entry: str, position: int) -> tuple[bytes, x509.Certificate]:
    what = f"certificate {position} of x5c"
    der = base64_decode(entry, what)
    if len(der) > MAX_CERTIFICATE:
        raise MalformedSignatureError(f"{what} is longer than {MAX_CERTIFICATE} octets")
    try:
        certificate = load_der(der)
    except UnreadableCertificateError:
        raise MalformedSignatureError(f"{what} cannot be read") from None
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        # Before the path search, which tries this key on other certificates of the same stranger, dozens of times.
        check_rsa_size(key, what)
    return der, certificate


def check_references(header: Header, certificates: Sequence[bytes]) -> None:
    """Step 7: every reference that is there names its certificate (TS 119 182-1 §5.1.7, §5.2.2): `x5t#S256`, `x5t#o`
    and the first of `sigX5ts` the signer's, the others of `sigX5ts` one of `x5c`. Without it a certificate could be
    exchanged for another with the same key.

    Args:
        header: The protected header.
        certificates: DER of `x5c`, signer first.

    Raises:
        MalformedSignatureError: A reference has another form.
        UnsupportedAlgorithmError: `digAlg` is none of S256, S384, S512.
        ProfileViolationError: A reference names another certificate.
    """
    if "x5t#S256" in header:
        _compare_reference("x5t#S256", "S256", header["x5t#S256"], certificates[:1])
    if "x5t#o" in header:
        _compare_reference("x5t#o", *_digest_object("x5t#o", header["x5t#o"]), certificates[:1])
    if "sigX5ts" in header:
        references = header["sigX5ts"]
        if not isinstance(references, list) or not references:
            raise MalformedSignatureError("sigX5ts is not a list of references")
        pairs = [_digest_object("sigX5ts", reference) for reference in references]
        for position, pair in enumerate(pairs):
            _compare_reference("sigX5ts", *pair, certificates[:1] if position == 0 else certificates)


def has_only_reference(header: Header, x5t: str) -> bool:
    """Whether the one reference there is states this `x5t#S256`: the usual one, and then `check_references` finds nothing.

    Args:
        header: The protected header.
        x5t: From `certificate_reference`, of the signer's certificate.
    """
    return header.get("x5t#S256") == x5t and "x5t#o" not in header and "sigX5ts" not in header


def _digest_object(name: str, value: object) -> tuple[str, object]:
    if not isinstance(value, dict) or value.keys() != {"digAlg", "digVal"} or not isinstance(value["digAlg"], str):
        raise MalformedSignatureError(f"{name} is not an object of digAlg and digVal")
    return value["digAlg"], value["digVal"]


def _compare_reference(name: str, dig_alg: str, dig_val: object, among: Sequence[bytes]) -> None:
    if dig_alg not in _DIGESTS:
        raise UnsupportedAlgorithmError(f"digAlg of {name} is {quoted(dig_alg)}; S256, S384 and S512 are accepted")
    if not isinstance(dig_val, str) or not dig_val.isascii():
        raise MalformedSignatureError(f"{name} is not base64url")
    stated = base64url_decode(dig_val.encode("ascii"), name)
    digest = _DIGESTS[dig_alg]
    if len(stated) != digest().digest_size:
        raise MalformedSignatureError(f"{name} is {len(stated)} octets long, which is not {dig_alg}")
    if not any(hmac.compare_digest(stated, digest(der).digest()) for der in among):
        raise ProfileViolationError(f"{name} does not name the certificate of x5c that it must")


def read_times(header: Header) -> SigningTimes:
    """Step 10: `iat` or `sigT`, and `exp`.

    Raises:
        MalformedSignatureError: A value has another form than the standards give it.
        SigningTimeError: Both `iat` and `sigT` are there.
    """
    iat = _seconds(header, "iat") if "iat" in header else None
    sig_t = _sig_t(header) if "sigT" in header else None
    if iat is not None and sig_t is not None:
        raise SigningTimeError("the protected header has both iat and sigT")
    return SigningTimes(
        claimed=iat if iat is not None else sig_t, expires=_seconds(header, "exp") if "exp" in header else None
    )


def _seconds(header: Header, name: str) -> dt.datetime:
    value = header[name]
    if type(value) is not int or value < 0:  # `type`: True is an int
        raise MalformedSignatureError(f"{name} is not a whole number of seconds")
    if value > _MAX_TIME:
        raise SigningTimeError(f"{name} is beyond the year 9999: it is in seconds, not milliseconds")
    return dt.datetime.fromtimestamp(value, dt.UTC)


def _sig_t(header: Header) -> dt.datetime:
    value = header["sigT"]
    if not isinstance(value, str) or not _SIG_T.fullmatch(value):
        raise MalformedSignatureError("sigT is not a UTC time of the form 2026-01-31T12:00:00Z")
    try:
        return dt.datetime.fromisoformat(value)
    except ValueError:
        raise MalformedSignatureError("sigT is not a time that exists") from None


def _are_texts(items: list[Any]) -> bool:
    return set(map(type, items)) <= _TEXT


def _texts(value: object, what: str) -> list[str]:
    if not isinstance(value, list) or not value or not _are_texts(value):
        raise MalformedSignatureError(f"{what} is not a non-empty list of texts")
    return value
