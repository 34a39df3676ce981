"""The test vectors as what harnesses need: messages, policies, keys, certificates, and what was signed with which key."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from nlgov_jades import (
    ANY_MEDIA_TYPE,
    ANY_TRUSTED,
    CertificateRequirements,
    HttpRequest,
    HttpResponse,
    Kvk,
    Oin,
    RevocationPolicy,
    TrustStore,
    VerificationPolicy,
    profiles,
)
from nlgov_jades.message import HttpMessage

__all__ = ["AT", "Vector", "certificate_ders", "field_values", "key", "public_key_id", "signing_keys", "vectors"]

FOLDER = Path(__file__).resolve().parents[1] / "test-vectors"

AT = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
"""When the vectors are verified, all but two."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One vector.

    Attributes:
        id: Its name.
        message: The message as received.
        policy: What the verifier is told.
        trust: The anchors.
        at: The time of verification.
        code: Why it is refused; `None` when it is accepted.
        signer: OIN and KVK number of an accepted one.
        signed: Who signed which octets: the id of a public key and SHA-256 of the signing input.
    """

    id: str
    message: HttpMessage
    policy: VerificationPolicy
    trust: TrustStore
    at: dt.datetime
    code: str | None
    signer: tuple[str | None, str | None]
    signed: tuple[bytes, bytes] | None


@cache
def vectors() -> tuple[Vector, ...]:
    """All of them, in the order of their ids."""
    return tuple(_vector(path) for path in sorted((FOLDER / "vectors").glob("*.json")))


@cache
def field_values() -> tuple[str, ...]:
    """Every value of a signature field in a vector, each once."""
    names = {profile.field_name.lower() for profile in profiles.ALL}
    found = (value for vector in vectors() for name, value in vector.message.fields if name.lower() in names)
    return tuple(dict.fromkeys(found))


@cache
def certificate_ders() -> dict[str, bytes]:
    """Every certificate, by the name of its file."""
    return {
        path.stem: x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)
        for path in sorted((FOLDER / "certificates").glob("*.pem"))
    }


@cache
def key(name: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    """A private key, by the name of its file."""
    octets = (FOLDER / "keys" / f"{name}.pem").read_bytes()
    # They are ours, and to check the primes of all takes twenty seconds.
    loaded = load_pem_private_key(octets, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(loaded, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return loaded


@cache
def signing_keys() -> tuple[str, ...]:
    """Names of the keys that sign messages."""
    return ("leaf-rsa2048", "leaf-p256", "leaf-rsa3072", "foreign-leaf", "leaf-p384", "tsp-ca")


@cache
def public_key_id(name: str) -> bytes:
    """SHA-256 of the public half of a key."""
    return spki_id(key(name).public_key())


def spki_id(public: Any) -> bytes:
    """SHA-256 of a public key."""
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def _vector(path: Path) -> Vector:
    stated: dict[str, Any] = json.loads(path.read_text("utf-8"))
    request = _message(stated["request"], None) if "request" in stated else None
    assert request is None or isinstance(request, HttpRequest)
    expected, signature = stated["expected"], stated.get("signature")
    signer = expected.get("signer", {})
    return Vector(
        id=path.stem,
        message=_message(stated["message"], request),
        policy=_policy(stated["profile"], stated["policy"]),
        trust=_trust(tuple(stated["trust"]["anchors"]), tuple(stated["trust"]["intermediates"])),
        at=dt.datetime.fromisoformat(stated["policy"]["at"]),
        code=expected.get("code"),
        signer=(signer.get("oin"), signer.get("kvk")),
        signed=signature
        and (
            public_key_id(signature["key"].removesuffix(".pem")),
            bytes.fromhex(signature["signing_input_sha256"]),
        ),
    )


def _message(value: dict[str, Any], request: HttpRequest | None) -> HttpRequest | HttpResponse:
    fields = [(name, content) for name, content in value["fields"]]
    body = base64.b64decode(value["body"], validate=True)
    if value["kind"] == "request":
        return HttpRequest(method=value["method"], target=value["target"], fields=fields, body=body)
    return HttpResponse(status=value["status"], fields=fields, body=body, request=request)


def _policy(profile: str, stated: dict[str, Any]) -> VerificationPolicy:
    signers, required = stated["signers"], stated["require_policies"]
    named = {Kvk(name[4:]) if name.startswith("kvk:") else Oin(name) for name in signers if signers != "any"}
    return VerificationPolicy(
        profiles=(profiles.BY_ID[profile],),
        signers=ANY_TRUSTED if signers == "any" else named,
        certificate=CertificateRequirements(policies=frozenset(required))
        if required
        else CertificateRequirements.GENERIC,
        revocation=RevocationPolicy.OFF,
        max_age=None if stated["max_age"] is None else dt.timedelta(seconds=stated["max_age"]),
        media_types=ANY_MEDIA_TYPE if stated["media_types"] == "any" else stated["media_types"],
        content_encodings=frozenset({"identity", *stated["content_encodings"]}),
    )


@cache
def _trust(anchors: tuple[str, ...], intermediates: tuple[str, ...]) -> TrustStore:
    roots, cas = (
        b"".join((FOLDER / "certificates" / name).read_bytes() for name in names) for names in (anchors, intermediates)
    )
    return TrustStore.from_pem(roots, intermediates=cas or None)
