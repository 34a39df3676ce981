"""Differential harness of the signature layer: field, header, `alg`, `b64`, `crit`, key and signature, against jwcrypto.

What sigD means is no part of it; jwcrypto is told that sigD and the JAdES parameters are understood. Where the two differ, the
list says why; a difference that no entry explains is a finding.
"""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwcrypto.common import JWSEHeaderParameter  # type: ignore[import-untyped]  # jwcrypto ships no types
from jwcrypto.jwk import JWK  # type: ignore[import-untyped]  # the same
from jwcrypto.jws import JWS  # type: ignore[import-untyped]  # the same

from nlgov_jades import jades, profiles
from nlgov_jades.encoding import json_object
from nlgov_jades.errors import VerificationError
from nlgov_jades.jws import check_key, parse_detached, signing_input_digest, verify_signature
from nlgov_jades.profiles import Profile

from . import reference
from .choices import Choices, changed
from .forging import HEADER_CHANGES, MEMBERS, VALUES
from .harness import ACCEPTED, Harness, check, label
from .plain_json import json_object as plain_json_object
from .vectors import certificate_ders, key, public_key_id, vectors

__all__ = ["DIFFERENCES", "HARNESSES", "Case", "Difference"]

_UNDERSTOOD = ("sigD", "sigT", "x5t#o", "sigX5ts", "iat", "exp")
_KEYS = ("leaf-rsa2048", "leaf-p256", "leaf-rsa3072")
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SALTS = (32, 32, 32, 0, 20, 64)


@dataclass(frozen=True, slots=True)
class Case:
    """What both are given."""

    value: str
    payload: bytes
    key: str
    profile: Profile

    @property
    def header(self) -> dict[str, Any] | None:
        """The protected header, when field and JSON are as strict as we read them."""
        parsed = reference.jws(self.value)
        return None if parsed is None else plain_json_object(parsed[1])


@dataclass(frozen=True, slots=True)
class Difference:
    """A reviewed class of cases that jwcrypto takes and we refuse. There is none the other way round.

    Attributes:
        reason: Why that is right.
        applies: Whether a case is of this class; told by the reference, never by the error that we raised.
    """

    reason: str
    applies: Callable[[Case], bool]


def _crit_differs(case: Case) -> bool:
    header = case.header
    return header is not None and not reference.crit_is_well(header)


def _has_other_length(case: Case) -> bool:
    parsed = reference.jws(case.value)
    public = key(case.key).public_key()
    length = (public.key_size + 7) // 8 if isinstance(public, rsa.RSAPublicKey) else 64
    return parsed is not None and len(parsed[2]) != length


def _b64_differs(case: Case) -> bool:
    header = case.header
    return header is not None and header.get("b64") is not False


DIFFERENCES = (
    Difference(
        "One spelling of a field: jwcrypto takes padding, characters outside the alphabet, bits at the end that are set, an empty header "
        "part, an attached payload and the JSON serialization; each is a second text for one signature (wire format read-1, read-3).",
        lambda case: reference.jws(case.value) is None,
    ),
    Difference(
        "Strict JSON: jwcrypto takes a member twice, NaN, Infinity, numbers of any length, any depth, half a surrogate pair and a byte "
        "order mark; two readers would see two headers (read-3).",
        lambda case: (parsed := reference.jws(case.value)) is not None and plain_json_object(parsed[1]) is None,
    ),
    Difference(
        "b64 is false in every profile that covers fields: jwcrypto also takes true or none, and signs the payload encoded (read-4).",
        _b64_differs,
    ),
    Difference(
        "crit names b64 and sigD, each once, and nothing that RFC 7515 registers; jwcrypto asks only that it supports and finds what "
        "crit names, and takes none at all (read-5).",
        _crit_differs,
    ),
    Difference(
        "A signature has one length: 64 octets for ES256 (RFC 7518 §3.4), those of the modulus for PS256 (RFC 8017 §8.1.2). jwcrypto takes "
        "halves of ES256 with zeros in front, and PS256 without the zeros in front; each is a second text for one signature (octets-9).",
        _has_other_length,
    ),
)


# --- both verdicts -------------------------------------------------------------------------------------------


def ours(case: Case) -> str:
    """Our verdict on the signature layer."""
    try:
        parsed = parse_detached(case.value)
        header = json_object(parsed.protected, "the protected header")
        jades.check_algorithm(header, case.profile)
        jades.check_critical(header, case.profile)
        public = check_key(key(case.key).public_key(), case.profile.algorithm)
        verify_signature(public, parsed.signature, signing_input_digest(parsed.encoded_header, [case.payload]))
    except VerificationError as error:
        return label(error)
    return ACCEPTED


@cache
def _jwk(name: str) -> Any:
    return JWK.from_pem(key(name).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def theirs(case: Case) -> str:
    """The verdict of jwcrypto: accepted, or the class of its error."""
    registry = {
        name: JWSEHeaderParameter(name, mustprotect=True, supported=True, check_fn=None) for name in _UNDERSTOOD
    }
    jws = JWS(header_registry=registry)
    jws.allowed_algs = [case.profile.algorithm.value]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            jws.deserialize(case.value)
            jws.verify(_jwk(case.key), detached_payload=case.payload)
        except Exception as error:  # noqa: BLE001 - whatever it raises, it did not accept
            return type(error).__name__
    return ACCEPTED


def run(data: bytes) -> str:
    case = made(Choices(data))
    own, other = ours(case), theirs(case)
    if own == ACCEPTED:
        check(other == ACCEPTED, f"accepted, and refused by jwcrypto ({other})")
    elif other == ACCEPTED:
        check(
            any(item.applies(case) for item in DIFFERENCES),
            f"refused ({own}), and jwcrypto accepts for no reviewed reason",
        )
        return f"only jwcrypto: {own}"
    return own


# --- cases ---------------------------------------------------------------------------------------------------


def made(choices: Choices) -> Case:
    """A case: a header with changes, signed in one of several ways, and the field with changes."""
    kind = choices.below(len(_KEYS) + 1)
    if kind == len(_KEYS):
        return _of_a_vector(choices)
    name = _KEYS[kind]
    profile = profiles.OOTS_RESPONSE if name == "leaf-p256" else profiles.DDAS
    header: dict[str, Any] = {
        "alg": profile.algorithm.value,
        "kid": "k",
        "x5c": [base64.b64encode(certificate_ders()["leaf"][:30]).decode()],
        "b64": False,
        "iat": 1781524800,
        "sigD": {"mId": "http://uri.etsi.org/19182/HttpHeaders", "pars": ["digest"]},
        "crit": ["b64", "sigD"],
    }
    for _ in range(choices.below(4)):
        choices.pick(HEADER_CHANGES)(header, choices)
    octets = json.dumps(header, separators=(",", ":")).encode()
    for _ in range(choices.below(3)):
        octets = changed(
            octets, choices, (b'"alg":"PS256",', b'"b64":false,', b"NaN", b" ", b"\\ud800", b"\xef\xbb\xbf", b"1e999")
        )
    encoded = base64.urlsafe_b64encode(octets).rstrip(b"=")
    payload = b"digest: SHA-256=" + choices.octets(40)
    # What jwcrypto signs when b64 is true or absent, now and then.
    signed = base64.urlsafe_b64encode(payload).rstrip(b"=") if choices.below(4) == 1 else payload
    signature = _signature(name, encoded + b"." + signed, choices)
    value = (encoded + b".." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()
    return _changed_case(Case(value, payload, name, profile), choices)


def _changed_case(case: Case, choices: Choices) -> Case:
    value = case.value
    for _ in range(choices.below(3)):
        value = _changed_field(value, case.payload, choices)
    return Case(value, case.payload, choices.pick((case.key, case.key, case.key, *_KEYS)), case.profile)


@cache
def vector_cases() -> tuple[Case, ...]:
    """The fields of the vectors that were signed with one of the keys here: no chance is in their signatures."""
    names = {public_key_id(name): name for name in _KEYS}
    found = []
    for vector in vectors():
        (profile,) = vector.policy.profiles
        values = reference.values(vector.message, profile.field_name.lower())
        parsed = reference.jws(values[0]) if len(values) == 1 else None
        header = plain_json_object(parsed[1]) if parsed is not None else None
        sigd = (header or {}).get("sigD")
        pars = sigd.get("pars") if isinstance(sigd, dict) else None
        known = isinstance(pars, list) and all(isinstance(item, str) for item in pars)
        payload = reference.payload(pars if known and pars is not None else [], vector.message)
        if vector.signed is not None and vector.signed[0] in names and values and payload is not None:
            found.append(Case(values[0], payload, names[vector.signed[0]], profile))
    return tuple(found)


def _of_a_vector(choices: Choices) -> Case:
    return _changed_case(vector_cases()[choices.below(len(vector_cases()))], choices)


def _signature(name: str, octets: bytes, choices: Choices) -> bytes:
    private = key(name)
    digest = SHA256()
    if isinstance(private, rsa.RSAPrivateKey):
        if choices.below(16) == 15:
            return private.sign(octets, padding.PKCS1v15(), digest)
        made_signature = private.sign(octets, padding.PSS(padding.MGF1(digest), choices.pick(_SALTS)), digest)
        return choices.pick(
            (made_signature, made_signature, made_signature, b"\0" + made_signature, made_signature[:-1])
        )
    der = private.sign(octets, ec.ECDSA(digest, deterministic_signing=True))
    r, s = decode_dss_signature(der)
    raw = r.to_bytes(32) + s.to_bytes(32)
    other_s = r.to_bytes(32) + (_P256_ORDER - s).to_bytes(32)
    return choices.pick(
        (raw, raw, raw, other_s, der, b"\0" + raw, bytes(64), r.to_bytes(33) + s.to_bytes(33), raw[:32] + bytes(32))
    )


def _changed_field(value: str, payload: bytes, choices: Choices) -> str:
    how = choices.below(6)
    if how == 0:
        return value + "="
    if how == 1:
        # The last character with other bits that do not count.
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        last = alphabet.find(value[-1:])
        return value[:-1] + alphabet[last ^ 1] if last >= 0 else value
    if how == 2:
        return value.replace("..", "." + base64.urlsafe_b64encode(payload).decode().rstrip("=") + ".")
    if how == 3:
        header, _, signature = value.partition("..")
        return json.dumps({"protected": header, "signature": signature})
    at = choices.below(len(value) + 1)
    if how == 4:
        return value[:at] + choices.pick((" ", "\n", "!", "=", ".", "+", "/", "\u00e9")) + value[at:]
    return changed(value.encode(), choices, (b"..", b".", b"=", b"A")).decode("latin-1")


def seeds() -> list[bytes]:
    """Each key, each kind of header change, each kind of signature and of field change."""
    plain = [bytes([name, 0, 0, 0, 0]) for name in range(3)]
    wide = len(vector_cases()) > 256
    plain += [bytes([3]) + index.to_bytes(2 if wide else 1) for index in range(len(vector_cases()))]
    plain += [
        bytes([name, 1, 0, MEMBERS.index("b64"), VALUES.index(True), 0, 0, encoded])
        for name in range(3)
        for encoded in (0, 1)
    ]
    plain += [
        bytes([name, 1, kind, member, value, 0, 4, 1, 2, 3, 4, 0])
        for name in range(2)
        for kind in range(5)
        for member in range(20)
        for value in range(0, 36, 5)
    ]
    plain += [bytes([1, 0, 0, 4, 1, 2, 3, 4, 0, kind, 0]) for kind in range(9)]
    plain += [bytes([0, 0, 0, 4, 1, 2, 3, 4, 0, 0, salt, kind, 0]) for salt in range(6) for kind in range(5)]
    plain += [bytes([1, 0, 0, 0, 0, 0, 1, kind, at, 3]) for kind in range(6) for at in range(0, 250, 25)]
    return plain


HARNESSES = (
    Harness(
        "jws-and-jwcrypto",
        "accepted only what jwcrypto accepts; refused what it accepts only for a reason on the reviewed list",
        run,
        seeds,
        (b"\0\0", b"\xff"),
        200,
    ),
)
