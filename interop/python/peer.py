"""jwcrypto, joserfc and PyJWT: reads a job from each line of standard input and writes an answer to each line of standard
output, both JSON. The protocol is in interop/driver/jobs.py. Nothing of nlgov-jades is imported here.
"""

from __future__ import annotations

import base64
import importlib.metadata
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import joserfc.errors
import joserfc.jwk
import joserfc.jws
import joserfc.registry
import jwcrypto.common  # type: ignore[import-untyped]  # jwcrypto ships no types
import jwcrypto.jwk  # type: ignore[import-untyped]  # the same
import jwcrypto.jws  # type: ignore[import-untyped]  # the same
import jwt
import jwt.api_jws
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

Job = dict[str, Any]

ALGORITHMS = ["PS256", "ES256"]
JADES_PARAMETERS = ("sigD", "iat", "x5t#o", "x5t#S256")


@dataclass(frozen=True)
class Peer:
    """One library: how it signs, how it verifies, and which exceptions are its refusals."""

    name: str
    distribution: str
    sign: Callable[[Job], str]
    verify: Callable[[Job], object]
    refusals: tuple[type[Exception], ...]


def octets(job: Job, name: str) -> bytes:
    """Octets of a job."""
    return base64.b64decode(job[name], validate=True)


def private_pem(job: Job) -> bytes:
    """The signer's key, as all three read it."""
    return load_der_private_key(octets(job, "key"), None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def public_pem(job: Job) -> bytes:
    """The key of the signer's certificate."""
    leaf = x509.load_der_x509_certificate(base64.b64decode(job["chain"][0]))
    return leaf.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def detached(value: str) -> str:
    """Without the payload in the middle."""
    header, _, signature = value.split(".")
    return f"{header}..{signature}"


def attached(job: Job) -> str:
    """With the payload in the middle, for a library that knows it detached with b64 false only."""
    encoded = base64.urlsafe_b64encode(octets(job, "payload")).rstrip(b"=").decode()
    value: str = job["value"]
    return value.replace("..", f".{encoded}.")


def has_b64(value: str) -> bool:
    """Whether the protected header names b64."""
    encoded = value.partition(".")[0]
    return "b64" in json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))


# --- jwcrypto: a header registry says which parameters are understood ---


def jwcrypto_jws(payload: bytes | None = None) -> Any:
    """A JWS in which the parameters of JAdES are known."""
    known = {
        name: jwcrypto.common.JWSEHeaderParameter(name, mustprotect=True, supported=True, check_fn=None)
        for name in JADES_PARAMETERS
    }
    jws = jwcrypto.jws.JWS(payload, header_registry=known)
    jws.allowed_algs = ALGORITHMS
    return jws


def jwcrypto_sign(job: Job) -> str:
    """With jwcrypto."""
    jws = jwcrypto_jws(octets(job, "payload"))
    jws.add_signature(jwcrypto.jwk.JWK.from_pem(private_pem(job)), job["alg"], protected=json.dumps(job["header"]))
    jws.detach_payload()
    value: str = jws.serialize(compact=True)
    return value


def jwcrypto_verify(job: Job) -> None:
    """With jwcrypto."""
    jws = jwcrypto_jws()
    jws.deserialize(job["value"])
    jws.verify(jwcrypto.jwk.JWK.from_pem(public_pem(job)), alg=job["alg"], detached_payload=octets(job, "payload"))


# --- joserfc: a registry as well, and headers of 512 octets at most unless told ---


class LongHeaders(joserfc.jws.JWSRegistry):
    """A certificate chain does not fit in the 512 octets that are the default."""

    max_header_length = 32_768


def joserfc_registry(alg: str) -> joserfc.jws.JWSRegistry:
    """A registry in which the parameters of JAdES are known."""
    known: Any = {name: joserfc.registry.HeaderParameter(name, lambda _: None) for name in JADES_PARAMETERS}
    return LongHeaders(header_registry=known, algorithms=[alg])


def joserfc_key(pem: bytes, alg: str) -> Any:
    """A key as joserfc has it."""
    return joserfc.jwk.import_key(pem, "RSA" if alg == "PS256" else "EC")


def joserfc_sign(job: Job) -> str:
    """With joserfc."""
    key = joserfc_key(private_pem(job), job["alg"])
    value = joserfc.jws.serialize_compact(
        job["header"], octets(job, "payload"), key, registry=joserfc_registry(job["alg"])
    )
    # With b64 true it leaves the payload in.
    return value if ".." in value else joserfc.jws.detach_content(value)


def joserfc_verify(job: Job) -> None:
    """With joserfc."""
    key = joserfc_key(public_pem(job), job["alg"])
    registry = joserfc_registry(job["alg"])
    joserfc.jws.deserialize_compact(job["value"], key, registry=registry, payload=octets(job, "payload"))


# --- PyJWT: a subclass lists the critical parameters ---


class JadesJws(jwt.api_jws.PyJWS):
    """PyJWT knows `b64` only."""

    _supported_crit = {"b64", "sigD"}  # noqa: RUF012 - as its base class has it


def pyjwt_sign(job: Job) -> str:
    """With PyJWT."""
    header = job["header"]
    value = JadesJws().encode(octets(job, "payload"), private_pem(job), job["alg"], headers=header, sort_headers=False)
    return detached(value)


def pyjwt_verify(job: Job) -> None:
    """With PyJWT."""
    if has_b64(job["value"]):
        JadesJws().decode(job["value"], public_pem(job), [job["alg"]], detached_payload=octets(job, "payload"))
    else:
        JadesJws().decode(attached(job), public_pem(job), [job["alg"]])


PEERS = {
    "jwcrypto": Peer("jwcrypto", "jwcrypto", jwcrypto_sign, jwcrypto_verify, (jwcrypto.common.JWException,)),
    "joserfc": Peer("joserfc", "joserfc", joserfc_sign, joserfc_verify, (joserfc.errors.JoseError,)),
    "pyjwt": Peer("PyJWT", "PyJWT", pyjwt_sign, pyjwt_verify, (jwt.PyJWTError,)),
}


def verify(peer: Peer, job: Job) -> dict[str, Any]:
    """The answer to a job `verify`."""
    try:
        peer.verify(job)
    except peer.refusals as refusal:
        return {"valid": False, "reason": f"{type(refusal).__name__}: {refusal}"}
    return {"valid": True}


def answer(peer: Peer, job: Job) -> dict[str, Any]:
    """The answer to any job."""
    match job["op"]:
        case "version":
            runtime = f"Python {sys.version_info.major}.{sys.version_info.minor}"
            return {"name": peer.name, "version": importlib.metadata.version(peer.distribution), "runtime": runtime}
        case "sign":
            return {"value": peer.sign(job)}
        case "verify":
            return verify(peer, job)
        case other:
            raise ValueError(f"no such op: {other}")


def main() -> None:
    """Answer every line."""
    peer = PEERS[sys.argv[1]]
    for line in sys.stdin:
        try:
            found = answer(peer, json.loads(line))
        except Exception as failure:  # noqa: BLE001 - whatever it is, the driver has to hear of it
            found = {"error": f"{type(failure).__name__}: {failure}"}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
