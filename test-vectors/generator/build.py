"""Turns a draft into the JSON of a vector: header, payload octets, signature, message, expected outcome."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from generator import pki
from generator.encoding import b64, b64url, compact_json
from generator.model import HTTP_HEADERS, IAT, PROFILES, Draft, Message, Policy, Reject
from generator.signing import SignFunction, es256, pss

# The fields that a message signature must cover when the message has them.
MANDATORY_WHEN_PRESENT = ("host", "origin", "content-encoding", "content-type", "content-length")
_SIGNERS: dict[str, SignFunction] = {"PS256": pss(), "ES256": es256}


def default_pars(draft: Draft) -> tuple[str, ...]:
    """Return the names that the profile makes a signer cover."""
    if PROFILES[draft.profile].dialect != "message":
        return ("digest",)
    present = [name for name in MANDATORY_WHEN_PRESENT if draft.message.get(name)]
    return ("(request-target)", *present, "digest")


def covered_octets(pars: tuple[str, ...], message: Message, request: Message | None) -> bytes:
    """Return the payload octets of section 1 of the wire format; an absent field counts as empty."""
    lines = []
    for name in pars:
        if name == "(request-target)":
            source = request or message
            value = f"{source.method.lower()} {source.target}"
        else:
            value = ", ".join(line.strip(" \t") for line in message.get(name))
        lines.append(f"{name.lower()}: {value}")
    return "\n".join(lines).encode("iso-8859-1")


def thumbprint(name: str, algorithm: str = "sha256") -> str:
    """Return base64url of the hash of a certificate."""
    return b64url(hashlib.new(algorithm, pki.certificate_der(name)).digest())


def reference_o(name: str, algorithm: str = "S512") -> dict[str, str]:
    """Return an `x5t#o` value (TS 119 182-1 section 5.2.2.2)."""
    return {"digAlg": algorithm, "digVal": thumbprint(name, algorithm.replace("S", "sha"))}


def x5c(*names: str) -> list[str]:
    """Return the `x5c` value of a list of certificates."""
    return [b64(pki.certificate_der(name)) for name in names]


def _signer(draft: Draft) -> str:
    return draft.signer or draft.chain[0]


def _members(draft: Draft, pars: tuple[str, ...]) -> dict[str, object]:
    profile, signer = PROFILES[draft.profile], _signer(draft)
    members: dict[str, object] = {"alg": profile.algorithm, "kid": pki.issuer_serial(signer)}
    if profile.reference == "x5t#S256":
        members["x5t#S256"] = thumbprint(signer)
    elif profile.reference == "x5t#o":
        members["x5t#o"] = reference_o(signer)
    members |= {"x5c": x5c(*draft.chain), "typ": "JOSE"}
    if profile.dialect != "body":
        members |= {
            "b64": False,
            "iat": IAT,
            "sigD": {"mId": HTTP_HEADERS, "pars": list(pars)},
            "crit": ["b64", "sigD"],
        }
    members |= draft.members
    return {name: value for name, value in members.items() if name not in draft.drop}


def _payload(draft: Draft, pars: tuple[str, ...]) -> bytes:
    if PROFILES[draft.profile].dialect == "body":
        octets = b64url(draft.message.body).encode("ascii")
    else:
        octets = covered_octets(pars, draft.message, draft.request)
    return draft.payload(octets) if draft.payload else octets


def _key(draft: Draft) -> str:
    return draft.key or pki.CERTIFICATES[_signer(draft)].key


def _field_value(draft: Draft, segment: str, signing_input: bytes) -> str:
    key = pki.private_key(_key(draft))
    sign = draft.sign or _SIGNERS[PROFILES[draft.profile].algorithm]
    signature = sign(key, signing_input, draft.id)
    if draft.signature:
        signature = draft.signature(signature)
    value = f"{segment}..{b64url(signature)}"
    return draft.value(value) if draft.value else value


def _message_json(message: Message) -> dict[str, object]:
    start: dict[str, object]
    if message.status:
        start = {"kind": "response", "status": message.status}
    else:
        start = {"kind": "request", "method": message.method, "target": message.target}
    return {**start, "fields": [list(line) for line in message.fields], "body": b64(message.body)}


def _policy_json(policy: Policy) -> dict[str, object]:
    return {
        "at": policy.at,
        "signers": "any" if policy.signers is None else list(policy.signers),
        "max_age": policy.max_age,
        "revocation": "off",
        "media_types": "any" if policy.media_types is None else list(policy.media_types),
        "content_encodings": list(policy.content_encodings),
        "require_policies": list(policy.require_policies),
    }


def _signing_time(members: dict[str, object]) -> str | None:
    moment = members.get("iat")
    if isinstance(moment, int):
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    claimed = members.get("sigT")
    return claimed if isinstance(claimed, str) else None


def _expected_json(draft: Draft, members: dict[str, object], pars: tuple[str, ...]) -> dict[str, object]:
    if isinstance(draft.expected, Reject):
        return {
            "outcome": "reject",
            "code": draft.expected.code,
            "sub_indication": draft.expected.sub_indication,
        }
    leaf = pki.CERTIFICATES[_signer(draft)]
    covered = ["body"] if PROFILES[draft.profile].dialect == "body" else [name.lower() for name in pars]
    return {
        "outcome": "accept",
        "covered": covered,
        "algorithm": PROFILES[draft.profile].algorithm,
        "signing_time": _signing_time(members),
        "signer": {"oin": leaf.oin, "kvk": leaf.kvk},
    }


def _header_json(octets: bytes) -> dict[str, str]:
    try:
        return {"protected_header": octets.decode("utf-8")}
    except UnicodeDecodeError:
        return {"protected_header_base64": b64(octets)}


def build(draft: Draft) -> dict[str, object]:
    """Sign a draft and return the vector as a JSON object."""
    pars = draft.pars if draft.pars is not None else default_pars(draft)
    members = _members(draft, pars)
    header = compact_json(members).encode("utf-8")
    header = draft.header(header) if draft.header else header
    segment = draft.segment(b64url(header)) if draft.segment else b64url(header)
    payload = _payload(draft, pars)
    signing_input = segment.encode("ascii") + b"." + payload
    message = draft.message
    if not draft.unsigned:
        message = message.plus((PROFILES[draft.profile].field, _field_value(draft, segment, signing_input)))
    message = draft.received(message) if draft.received else message
    vector: dict[str, object] = {
        "id": draft.id,
        "description": draft.description,
        "rule": draft.rule,
        **({"modelled_on": draft.modelled_on} if draft.modelled_on else {}),
        "profile": draft.profile,
        "policy": _policy_json(draft.policy),
        "trust": {
            "anchors": [f"{name}.pem" for name in draft.anchors],
            "intermediates": [f"{name}.pem" for name in draft.intermediates],
        },
        "message": _message_json(message),
    }
    if draft.request:
        vector["request"] = _message_json(draft.request)
    if not draft.unsigned:
        vector["signature"] = {
            "key": f"{_key(draft)}.pem",
            **_header_json(header),
            "payload_octets": b64(payload),
            "signing_input_sha256": hashlib.sha256(signing_input).hexdigest(),
        }
    vector["expected"] = _expected_json(draft, members, pars)
    return vector
