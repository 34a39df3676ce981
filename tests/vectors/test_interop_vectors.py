"""What other implementations signed, verified without them, and refused after any change (test-vectors/interop)."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing
import referencing.jsonschema

from nlgov_jades import errors, profiles

from .test_vectors import FOLDER, load, verify

INTEROP = FOLDER / "interop"
PATHS = sorted((INTEROP / "vectors").glob("*.json"))
each_vector = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)

Vector = dict[str, Any]
Change = Callable[[Vector], object]


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def field_of(vector: Vector) -> list[str]:
    """The line of the signature: name and value, to be changed in place."""
    name = profiles.BY_ID[vector["profile"]].field_name
    lines: list[list[str]] = [line for line in vector["message"]["fields"] if line[0] == name]
    (line,) = lines
    return line


def header_of(vector: Vector) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(decoded(field_of(vector)[1].partition("..")[0]))
    return header


def is_through_fields(vector: Vector) -> bool:
    return "sigD" in header_of(vector)


# --- one change each ---


def another_signature(vector: Vector) -> None:
    line = field_of(vector)
    header, _, signature = line[1].partition("..")
    octets = bytearray(decoded(signature))
    octets[len(octets) // 2] ^= 1
    line[1] = f"{header}..{encoded(bytes(octets))}"


def another_kid(vector: Vector) -> None:
    header = header_of(vector)
    header["kid"] += "x"
    line = field_of(vector)
    line[1] = f"{encoded(json.dumps(header).encode())}..{line[1].partition('..')[2]}"


def a_member_more(vector: Vector) -> None:
    line = field_of(vector)
    line[1] = f"{encoded(json.dumps({**header_of(vector), 'exp': 4102444800}).encode())}..{line[1].partition('..')[2]}"


def another_body(vector: Vector) -> None:
    vector["message"]["body"] = base64.b64encode(base64.b64decode(vector["message"]["body"]) + b" ").decode()


def another_body_with_its_digest(vector: Vector) -> None:
    another_body(vector)
    digest = base64.b64encode(hashlib.sha256(base64.b64decode(vector["message"]["body"])).digest()).decode()
    for line in vector["message"]["fields"]:
        if line[0] == "Digest":
            line[1] = f"SHA-256={digest}"


def another_target(vector: Vector) -> None:
    asked: Vector = vector.get("request") or vector["message"]
    asked["target"] += "x"


def another_length(vector: Vector) -> None:
    for line in vector["message"]["fields"]:
        if line[0] == "Content-Length":
            line[1] = f"0{line[1]}"


def a_field_that_must_be_covered(vector: Vector) -> None:
    vector["message"]["fields"].insert(0, ["Origin", "https://elsewhere.example"])


def the_signature_twice(vector: Vector) -> None:
    vector["message"]["fields"].append(list(field_of(vector)))


EVERYWHERE: dict[str, tuple[Change, type[errors.VerificationError]]] = {
    "another signature": (another_signature, errors.InvalidSignatureError),
    "another kid": (another_kid, errors.InvalidSignatureError),
    "a member more": (a_member_more, errors.InvalidSignatureError),
    "another body with its digest": (another_body_with_its_digest, errors.InvalidSignatureError),
    "the signature twice": (the_signature_twice, errors.MalformedSignatureError),
}
THROUGH_FIELDS: dict[str, tuple[Change, type[errors.VerificationError]]] = {
    "another body": (another_body, errors.DigestMismatchError),
}
WHOLE_MESSAGE: dict[str, tuple[Change, type[errors.VerificationError]]] = {
    "another target": (another_target, errors.InvalidSignatureError),
    "another length": (another_length, errors.InvalidSignatureError),
    "a field that must be covered": (a_field_that_must_be_covered, errors.ProfileViolationError),
}


@each_vector
def test_what_another_implementation_signed_is_accepted(path: Path) -> None:
    vector = load(path)
    expected = vector["expected"]
    verified = verify(vector, INTEROP)
    time, signer = verified.signing_time, verified.signer
    assert list(verified.covered) == expected["covered"]
    assert verified.algorithm == expected["algorithm"]
    assert (None if time is None else time.strftime("%Y-%m-%dT%H:%M:%SZ")) == expected["signing_time"]
    assert str(signer.oin) == expected["signer"]["oin"]
    assert (signer.kvk and str(signer.kvk)) == expected["signer"]["kvk"]


@each_vector
def test_what_another_implementation_signed_is_refused_after_any_change(path: Path) -> None:
    changes = dict(EVERYWHERE)
    untouched = load(path)
    if is_through_fields(untouched):
        changes |= THROUGH_FIELDS
    if "(request-target)" in untouched["expected"]["covered"]:
        changes |= WHOLE_MESSAGE
    for name, (change, kind) in changes.items():
        vector = copy.deepcopy(untouched)
        change(vector)
        assert vector != untouched, name
        with pytest.raises(errors.VerificationError) as caught:
            verify(vector, INTEROP)
        assert (type(caught.value), caught.value.code) == (kind, kind.code), (name, caught.value.detail)


@each_vector
def test_what_another_implementation_signed_hangs_on_its_own_root(path: Path) -> None:
    vector = load(path)
    with pytest.raises(errors.CertificatePathError) as caught:
        verify(vector, FOLDER)  # the root of the same name under which the other vectors hang
    assert caught.value.code == "CERTIFICATE_PATH"


@each_vector
def test_the_octets_that_a_vector_states_are_those_of_its_message(path: Path) -> None:
    vector = load(path)
    values = {name.lower(): value for name, value in vector["message"]["fields"]}
    asked = vector.get("request", vector["message"])
    values["(request-target)"] = f"{asked.get('method', '').lower()} {asked.get('target')}"
    names = header_of(vector).get("sigD", {}).get("pars")
    octets = "\n".join(f"{name}: {values[name]}" for name in names or ()).encode()
    if names is None:
        octets = encoded(base64.b64decode(vector["message"]["body"])).encode()
    said = vector["signature"]
    assert base64.b64decode(said["payload_octets"]) == octets
    signing_input = field_of(vector)[1].partition("..")[0].encode() + b"." + octets
    assert hashlib.sha256(signing_input).hexdigest() == said["signing_input_sha256"]


def test_every_vector_of_another_implementation_follows_the_schema() -> None:
    base = json.loads((FOLDER / "schema.json").read_text("utf-8"))
    resource = referencing.jsonschema.DRAFT202012.create_resource(base)
    registry: referencing.jsonschema.SchemaRegistry = referencing.Registry().with_resource("../schema.json", resource)
    schema = json.loads((INTEROP / "schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema, registry=registry)
    for path in PATHS:
        validator.validate(load(path))
        assert load(path)["id"] == path.stem
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({name: value for name, value in load(PATHS[0]).items() if name != "provenance"})


def test_the_vectors_hold_no_private_key() -> None:
    assert [path for path in INTEROP.rglob("*") if path.is_file() and b"PRIVATE" in path.read_bytes()] == []
