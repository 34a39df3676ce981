"""What peers signed, as test vectors: the form of test-vectors/schema.json, with provenance in place of a rule and a key."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades import HttpRequest, HttpResponse, profiles
from nlgov_jades.message import HttpMessage
from nlgov_jades.testing.hierarchy import AUTHENTICITY, EXAMPLE_OIN

from . import cases
from .cases import Certificates
from .jobs import b64, field_value
from .trials import Foreign

_BY_JADES = (
    "The peer made the protected header, the digest of the body and the signing input; the JDK held the key. "
    "interop/java has the program."
)
_BY_JOSE = (
    "The peer was given the members of the protected header and the payload octets; it made the signing input and the "
    "signature. interop/{folder} has the program."
)
_FOLDERS = {"jose4j": "java", "nimbus": "java", "jose": "node", "go-jose": "go"}


def name_of(foreign: Foreign) -> str:
    """The id of the vector, which is the name of its file without `.json`."""
    return f"{foreign.peer.id}-{re.sub('[^a-z0-9]+', '-', foreign.case.id.lower()).strip('-')}"


def vector(foreign: Foreign, now: dt.datetime) -> dict[str, Any]:
    """One vector. What is expected is read off the case and the header, not off what our verifier found."""
    peer, case, signed = foreign.peer, foreign.case, foreign.message
    value = field_value(signed, case.profile)
    encoded = value.partition("..")[0]
    header = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    octets = cases.payload(case.profile, signed)
    names = cases.pars(case.profile, signed)
    if names is None:  # the early dialect signs base64url(body), RFC 7515 appendix F
        octets = base64.urlsafe_b64encode(octets).rstrip(b"=")
    made = _BY_JADES if peer.is_jades else _BY_JOSE.format(folder=_FOLDERS.get(peer.id, "python"))
    return {
        "id": name_of(foreign),
        "description": f"{peer.name} signed this message in profile {case.id}.",
        "provenance": {
            "peer": peer.name,
            "version": foreign.version,
            "date": now.strftime("%Y-%m-%d"),
            "made": made,
        },
        "profile": case.profile.id,
        "policy": {
            "at": _utc(now),
            "signers": [EXAMPLE_OIN],
            "max_age": None,
            "revocation": "off",
            "media_types": ["application/json"],
            "content_encodings": [],
            "require_policies": [AUTHENTICITY],
        },
        "trust": {"anchors": ["root.pem"], "intermediates": []},
        "message": _message(signed),
        **_request_of(signed),
        "signature": {
            "payload_octets": b64(octets),
            "signing_input_sha256": hashlib.sha256(encoded.encode() + b"." + octets).hexdigest(),
        },
        "expected": {
            "outcome": "accept",
            "covered": ["body"] if names is None else names,
            "algorithm": case.profile.algorithm.value,
            "signing_time": header.get("sigT") or _stated(header.get("iat")),
            "signer": {"oin": EXAMPLE_OIN, "kvk": None if case.profile is profiles.OOTS_RESPONSE else "12345678"},
        },
    }


def write(folder: Path, foreign: Sequence[Foreign], certificates: Certificates, now: dt.datetime) -> None:
    """All vectors and the root that they hang on; what was there before goes."""
    for kind, suffix in (("vectors", "json"), ("certificates", "pem")):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for old in (folder / kind).glob(f"*.{suffix}"):
            old.unlink()
    root = certificates.hierarchy.root.certificate
    (folder / "certificates" / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
    for one in foreign:
        text = json.dumps(vector(one, now), indent=2, ensure_ascii=True, allow_nan=False) + "\n"
        (folder / "vectors" / f"{name_of(one)}.json").write_text(text, "ascii")


def _message(message: HttpMessage) -> dict[str, Any]:
    if not isinstance(message.body, bytes):
        raise TypeError("a message of a case has its body")
    common = {"fields": [list(line) for line in message.fields], "body": b64(message.body)}
    if isinstance(message, HttpRequest):
        return {"kind": "request", "method": message.method, "target": message.target, **common}
    if isinstance(message, HttpResponse):
        return {"kind": "response", "status": message.status, **common}
    raise TypeError("a message is a request or a response")


def _request_of(message: HttpMessage) -> dict[str, Any]:
    if isinstance(message, HttpResponse) and message.request is not None:
        return {"request": _message(message.request)}
    return {}


def _stated(iat: int | None) -> str | None:
    return None if iat is None else _utc(dt.datetime.fromtimestamp(iat, dt.UTC))


def _utc(time: dt.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
