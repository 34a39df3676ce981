"""The language-neutral vectors, run against this library: each must give the outcome, and each refusal the code."""

from __future__ import annotations

import base64
import datetime as dt
import importlib.util
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

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
    VerifiedMessage,
    Verifier,
    errors,
    profiles,
)

FOLDER = Path(__file__).resolve().parents[2] / "test-vectors"
VECTORS = sorted((FOLDER / "vectors").glob("*.json"))
SECTIONS = {"octets": 9, "emit": 6, "read": 12}


def load(path: Path) -> dict[str, Any]:
    vector: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return vector


def message(value: dict[str, Any], request: HttpRequest | None) -> HttpRequest | HttpResponse:
    fields = [(name, content) for name, content in value["fields"]]
    body = base64.b64decode(value["body"], validate=True)
    if value["kind"] == "request":
        return HttpRequest(method=value["method"], target=value["target"], fields=fields, body=body)
    return HttpResponse(status=value["status"], fields=fields, body=body, request=request)


def verify(vector: dict[str, Any], folder: Path = FOLDER) -> VerifiedMessage:
    stated = vector["policy"]
    signers = stated["signers"]
    codings = stated["content_encodings"]
    policy = VerificationPolicy(
        profiles=(profiles.BY_ID[vector["profile"]],),
        signers=ANY_TRUSTED
        if signers == "any"
        else {Kvk(name[4:]) if name.startswith("kvk:") else Oin(name) for name in signers},
        certificate=CertificateRequirements(policies=frozenset(stated["require_policies"]))
        if stated["require_policies"]
        else CertificateRequirements.GENERIC,
        revocation=RevocationPolicy.OFF,
        max_age=None if stated["max_age"] is None else dt.timedelta(seconds=stated["max_age"]),
        media_types=ANY_MEDIA_TYPE if stated["media_types"] == "any" else stated["media_types"],
        content_encodings=frozenset({"identity", *codings}),
    )
    pem = {
        role: b"".join((folder / "certificates" / name).read_bytes() for name in names)
        for role, names in vector["trust"].items()
    }
    trust = TrustStore.from_pem(pem["anchors"], intermediates=pem["intermediates"] or None)
    request = message(vector["request"], None) if "request" in vector else None
    assert request is None or isinstance(request, HttpRequest)
    at = dt.datetime.fromisoformat(stated["at"])
    return Verifier(trust=trust, policy=policy).verify(message(vector["message"], request), at=at)


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_a_vector_gives_its_outcome(path: Path) -> None:
    vector = load(path)
    expected = vector["expected"]
    if expected["outcome"] == "accept":
        verified = verify(vector)
        time = verified.signing_time
        assert list(verified.covered) == expected["covered"]
        assert verified.algorithm == expected["algorithm"]
        assert (None if time is None else time.strftime("%Y-%m-%dT%H:%M:%SZ")) == expected["signing_time"]
        assert {"oin": verified.signer.oin and str(verified.signer.oin), "kvk": expected["signer"]["kvk"]} == expected[
            "signer"
        ]
        assert (verified.signer.kvk and str(verified.signer.kvk)) == expected["signer"]["kvk"]
        return
    with pytest.raises(errors.VerificationError) as caught:
        verify(vector)
    assert caught.value.code == expected["code"], caught.value.detail
    if expected["sub_indication"] is not None:
        assert caught.value.sub_indication == expected["sub_indication"], caught.value.detail


def test_every_vector_follows_the_schema() -> None:
    validator = jsonschema.Draft202012Validator(json.loads((FOLDER / "schema.json").read_text("utf-8")))
    for path in VECTORS:
        validator.validate(load(path))
        assert load(path)["id"] == path.stem


def test_every_rule_has_a_vector() -> None:
    rules = {load(path)["rule"] for path in VECTORS}
    wanted = {f"{section}-{number}" for section, count in SECTIONS.items() for number in range(1, count + 1)}
    assert wanted <= {"-".join(rule.split("-")[:2]) for rule in rules}


def test_the_readme_counts_the_vectors() -> None:
    text = (FOLDER / "README.md").read_text("utf-8")
    outcomes = Counter(load(path)["expected"]["outcome"] for path in VECTORS)
    assert (
        f"There are {len(VECTORS)} vectors: {outcomes['accept']} to accept and {outcomes['reject']} to reject." in text
    )
    for suite, count in Counter(load(path).get("modelled_on") for path in VECTORS).items():
        assert f"| {'absent' if suite is None else f'`{suite}`'} | {count} |" in text


def test_the_generator_makes_exactly_the_vectors_that_are_here() -> None:
    done = subprocess.run(
        [sys.executable, str(FOLDER / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_generator_does_not_use_this_library() -> None:
    assert importlib.util.find_spec("nlgov_jades") is not None
    sources = [FOLDER / "generate.py", *(FOLDER / "generator").glob("*.py")]
    assert len(sources) > 1
    assert not [path for path in sources if "nlgov_jades" in path.read_text("utf-8")]
