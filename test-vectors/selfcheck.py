"""Reads the vectors as a stranger would: from the JSON files and the PEM files alone.

Every file must fit `schema.json` (when `jsonschema` is installed) and every rule must have a vector.
The octets of every accepted vector are built again from its message; signature and digest are verified.
So are those of every vector that is refused for its signature, which must not fit.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

HERE = Path(__file__).parent
FIELD_NAMES = {
    "adr-payload": "nlgov-adr-payload-sig",
    "adr-message": "nlgov-adr-message-sig",
    "logius-payload": "payload-signature",
    "logius-message": "message-signature",
    "ddas": "nlgov-adr-payload-sig",
    "ddas-body": "nlgov-adr-payload-sig",
    "oots-response": "oots-response-sig",
}
RULES = (
    *(f"octets-{number}" for number in range(1, 10)),
    *(f"emit-{number}" for number in range(1, 7)),
    *(f"read-{number}" for number in range(1, 13)),
)
ES256_LENGTH = 64
"""Octets of R and S together (RFC 7518 section 3.4)."""
Vector = dict[str, Any]


class VectorError(Exception):
    """A vector does not say what it should."""


def _require(condition: object, text: str) -> None:
    if not condition:
        raise VectorError(text)


def _base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _values(message: Vector, name: str) -> list[str]:
    return [value.strip(" \t") for other, value in message["fields"] if other.lower() == name]


def _payload(vector: Vector, header: Vector) -> bytes:
    """Build the payload octets from the message, by section 1 of the wire format."""
    message = vector["message"]
    if "sigD" not in header:
        body = base64.b64decode(message["body"])
        return base64.urlsafe_b64encode(body).rstrip(b"=")
    asked: Vector = vector.get("request") or message
    lines = []
    for name in map(str.lower, header["sigD"]["pars"]):
        if name == "(request-target)":
            lines.append(f"{name}: {asked['method'].lower()} {asked['target']}")
        else:
            lines.append(f"{name}: {', '.join(_values(message, name))}")
    return "\n".join(lines).encode("iso-8859-1")


def verify_signature(header: Vector, signing_input: bytes, signature: bytes) -> None:
    """Verify with the key of the first certificate of `x5c`."""
    key = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0])).public_key()
    if isinstance(key, rsa.RSAPublicKey):
        # OpenSSL takes a signature without its leading zero octets; RFC 8017 section 8.1.2 does not.
        is_whole = len(signature) == (key.key_size + 7) // 8
        _require(header["alg"] == "PS256" and is_whole, "alg or signature does not fit the key")
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
        key.verify(signature, signing_input, pss, hashes.SHA256())
    elif isinstance(key, ec.EllipticCurvePublicKey):
        _require(header["alg"] == "ES256" and len(signature) == ES256_LENGTH, "alg or signature does not fit the key")
        r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        key.verify(encode_dss_signature(r, s), signing_input, ec.ECDSA(hashes.SHA256()))
    else:
        raise VectorError("unexpected kind of key")


def _check_digest(vector: Vector) -> None:
    body = base64.b64decode(vector["message"]["body"])
    for part in ", ".join(_values(vector["message"], "digest")).split(","):
        name, _, value = part.strip(" \t").partition("=")
        if name.lower() in ("sha-256", "sha-512"):
            hashed = hashlib.new(name.lower().replace("-", ""), body).digest()
            _require(base64.b64decode(value, validate=True) == hashed, "the digest is not that of the body")


def _check_accepted(vector: Vector) -> None:
    (value,) = _values(vector["message"], FIELD_NAMES[vector["profile"]])
    segment, signature = value.split("..")
    octets = _base64url(segment)
    said = vector["signature"]
    _require(octets.decode() == said["protected_header"], "protected_header is not what was signed")
    header = json.loads(octets)
    payload = _payload(vector, header)
    _require(payload == base64.b64decode(said["payload_octets"]), "payload_octets do not fit the message")
    signing_input = segment.encode() + b"." + payload
    hashed = hashlib.sha256(signing_input).hexdigest()
    _require(hashed == said["signing_input_sha256"], "signing_input_sha256 does not fit the signing input")
    verify_signature(header, signing_input, _base64url(signature))
    if "sigD" in header:
        _check_digest(vector)


def _check_invalid(vector: Vector) -> None:
    """A signature that is refused for itself must not fit; whether it is even asked is another matter for other codes."""
    (value,) = _values(vector["message"], FIELD_NAMES[vector["profile"]])
    segment, signature = value.split("..")
    header = json.loads(_base64url(segment))
    octets = _base64url(signature)
    signing_input = segment.encode() + b"." + _payload(vector, header)
    try:
        verify_signature(header, signing_input, octets)
    except (InvalidSignature, VectorError):
        return
    raise VectorError("the signature verifies, and should not")


def check(vector: Vector, file: Path) -> None:
    """Check one vector.

    Raises:
        VectorError: the vector contradicts itself.
        InvalidSignature: an accepted vector has a signature that does not verify.
    """
    _require(vector["id"] == file.stem, "id is not the name of the file")
    for name in vector["trust"]["anchors"] + vector["trust"]["intermediates"]:
        x509.load_pem_x509_certificate((HERE / "certificates" / name).read_bytes())
    if "signature" in vector:
        _require((HERE / "keys" / vector["signature"]["key"]).is_file(), "the key is not there")
    if vector["expected"]["outcome"] == "accept":
        _check_accepted(vector)
    elif vector["expected"]["code"] == "INVALID_SIGNATURE":
        _check_invalid(vector)


def _validate_schema(vectors: dict[Path, Vector]) -> None:
    if importlib.util.find_spec("jsonschema") is None:
        print("jsonschema is not installed: schema.json not tried", file=sys.stderr)
        return
    validator_class = importlib.import_module("jsonschema").Draft202012Validator
    schema = json.loads((HERE / "schema.json").read_text(encoding="utf-8"))
    validator_class.check_schema(schema)
    validator = validator_class(schema)
    for file, vector in vectors.items():
        for error in validator.iter_errors(vector):
            raise VectorError(f"{file.name}: {error.json_path}: {error.message[:200]}")


def main() -> int:
    """Check every vector and return the exit status."""
    files = sorted((HERE / "vectors").glob("*.json"))
    vectors = {file: json.loads(file.read_text(encoding="ascii")) for file in files}
    try:
        _validate_schema(vectors)
        missing = set(RULES) - {vector["rule"] for vector in vectors.values()}
        _require(not missing, f"no vector for {sorted(missing)}")
        for file, vector in vectors.items():
            try:
                check(vector, file)
            except (VectorError, InvalidSignature) as error:
                raise VectorError(f"{file.name}: {str(error) or 'the signature does not verify'}") from error
    except VectorError as error:
        print(error, file=sys.stderr)
        return 1
    accepted = sum(vector["expected"]["outcome"] == "accept" for vector in vectors.values())
    print(f"{len(vectors)} vectors, {accepted} accepted and verified, {len(vectors) - accepted} rejected")
    return 0


if __name__ == "__main__":
    sys.exit(main())
