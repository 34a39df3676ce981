"""The protocol between the driver and the programs of the peers: JSON, one job on a line, one answer on a line.

| member of a job | what |
|---|---|
| `op` | `version`, `sign` or `verify` |
| `alg` | `PS256` or `ES256` |
| `key` | PKCS#8, base64 as all octets here; `sign` only |
| `chain` | certificates, the signer's first, without the root |
| `header` | the protected header to sign, for a peer that knows no JAdES |
| `payload` | the octets of the JWS payload, for a peer that knows no JAdES |
| `pars` | names of covered fields, or no such member where the body itself is signed |
| `request_target`, `fields`, `body` | the message; what a JAdES library makes the payload of by itself |
| `reference`, `signing_time`, `time` | for a JAdES library: `SHA256` or `SHA512`, `IAT` or `SIG_T`, seconds since 1970 |
| `anchors`, `crls` | for a peer that validates certificates |
| `digest_as_received` | the Digest is handed over as it stands in the message, and the body is not looked at |
| `value` | the signature field; `verify` only |

Answers: `{"name", "version", "runtime"}`, `{"value"}`, `{"valid", "reason"}`, or `{"error"}` when the program itself went wrong: that is
never a refusal. A peer takes the members it needs; where something it needs is absent, it answers with an error.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Collection
from enum import Enum
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades import HttpRequest, HttpResponse
from nlgov_jades.message import HttpMessage
from nlgov_jades.profiles import HttpHeaders, Profile

from . import cases
from .cases import Certificates

Job = dict[str, Any]
Answer = dict[str, Any]


class Tampering(Enum):
    """What is changed after signing; the value is for people."""

    SIGNATURE = "one bit of the signature"
    HEADER = "kid in the protected header"
    BODY = "the body, its Digest made anew"
    DIGEST = "the body alone"
    TARGET = "the target of the request"
    ANCHOR = "another trust anchor"
    REVOKED = "a CRL that lists the signer"


def tamperings(profile: Profile, *, sees_body: bool, validates_certificates: bool) -> list[Tampering]:
    """What a verifier of this profile must notice.

    Args:
        profile: What is signed.
        sees_body: The verifier compares Digest and body itself.
        validates_certificates: It judges path and revocation.
    """
    found = [Tampering.SIGNATURE, Tampering.HEADER, Tampering.BODY]
    if isinstance(profile.covers, HttpHeaders):
        found += [Tampering.DIGEST] if sees_body else []
        found += [Tampering.TARGET] if "(request-target)" in profile.covers.mandatory else []
    return [*found, Tampering.ANCHOR, Tampering.REVOKED] if validates_certificates else found


def b64(octets: bytes) -> str:
    """Standard base64, as everywhere in a job."""
    return base64.b64encode(octets).decode()


def field_value(message: HttpMessage, profile: Profile) -> str:
    """The signature in a message that has one."""
    (value,) = message.fields.get_all(profile.field_name)
    return value


def tampered(message: HttpMessage, profile: Profile, how: Tampering) -> HttpMessage:
    """The message with one thing changed after signing; unchanged where the change is not in the message."""
    value = field_value(message, profile)
    digest = None if "digest" not in message.fields else message.fields.get_all("digest")[0]
    if how is Tampering.SIGNATURE:
        return _signed(cases.message(profile), digest, profile, _flipped(value))
    if how is Tampering.HEADER:
        return _signed(cases.message(profile), digest, profile, _other_kid(value))
    if how is Tampering.BODY:
        other = cases.with_digest(cases.message(profile, cases.OTHER_BODY), profile)
        return _signed(other, None, profile, value)
    if how is Tampering.DIGEST:
        return _signed(cases.message(profile, cases.OTHER_BODY), digest, profile, value)
    if how is Tampering.TARGET:
        return _signed(cases.message(profile, target=cases.OTHER_TARGET), digest, profile, value)
    return message


def _signed(unsigned: HttpMessage, digest: str | None, profile: Profile, value: str) -> HttpMessage:
    lines = [] if digest is None else [("Digest", digest)]
    return unsigned.with_fields([*lines, (profile.field_name, value)])


def _flipped(value: str) -> str:
    encoded, _, signature = value.partition("..")
    octets = bytearray(base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4)))
    octets[len(octets) // 2] ^= 1
    return f"{encoded}..{base64.urlsafe_b64encode(octets).rstrip(b'=').decode()}"


def _other_kid(value: str) -> str:
    encoded, _, signature = value.partition("..")
    header = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    header["kid"] = "another"
    text = json.dumps(header, separators=(",", ":")).encode()
    return f"{base64.urlsafe_b64encode(text).rstrip(b'=').decode()}..{signature}"


def _der(certificates: Collection[x509.Certificate]) -> list[str]:
    return [b64(certificate.public_bytes(Encoding.DER)) for certificate in certificates]


def _common(message: HttpMessage, profile: Profile, made: Certificates) -> Job:
    if not isinstance(message, HttpRequest | HttpResponse) or not isinstance(message.body, bytes):
        raise TypeError("a message of a case has its body")
    return {
        "alg": profile.algorithm.value,
        "chain": _der(made.signer(profile).chain[:-1]),
        "payload": b64(cases.payload(profile, message)),
        "request_target": cases.request_target(message),
        "fields": [list(line) for line in message.fields if line[0] != profile.field_name],
        "body": b64(message.body),
    }


def sign_job(message: HttpMessage, profile: Profile, made: Certificates, at: dt.datetime) -> Job:
    """Have a peer sign a message that has its Digest already."""
    signer = made.signer(profile)
    names = cases.pars(profile, message)
    return {
        "op": "sign",
        **_common(message, profile, made),
        "key": b64(cases.key_der(signer)),
        "header": cases.protected_header(profile, signer, message, at),
        **({} if names is None else {"pars": names}),
        "reference": "SHA512" if profile.reference.value == "x5t#o" else "SHA256",
        "signing_time": "IAT",
        "time": str(int(at.timestamp())),
    }


def verify_job(message: HttpMessage, profile: Profile, made: Certificates, how: Tampering | None = None) -> Job:
    """Have a peer verify a signed message, as it is or with this changed."""
    shown = message if how is None else tampered(message, profile, how)
    root = made.stranger.root if how is Tampering.ANCHOR else made.hierarchy.root
    job: Job = {
        "op": "verify",
        **_common(shown, profile, made),
        "value": field_value(shown, profile),
        "anchors": _der([root.certificate]),
        "crls": [b64(crl) for crl in (made.revoking_crls if how is Tampering.REVOKED else made.crls)],
    }
    if isinstance(profile.covers, HttpHeaders):
        # A receiver hands over all there is; which of it is covered, the library reads from sigD.
        job["pars"] = ["(request-target)", *[name.lower() for name, _ in job["fields"]]]
    return job
