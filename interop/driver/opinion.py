"""What a JAdES peer says of the test vectors of this library: which of their signatures fit the octets that they cover.

A peer has its own rules for everything else, so it is asked about the octets alone: of vectors that must be accepted, that
must be refused for their signature, and that must be refused for their body only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades import profiles
from nlgov_jades.profiles import HttpHeaders

from .jobs import Answer, Job, b64
from .limits import OPINIONS

FOLDER = Path(__file__).resolve().parents[2] / "test-vectors"

INTACT = {"accept": True, "DIGEST_MISMATCH": True, "INVALID_SIGNATURE": False}
"""Whether the signature fits, by what the vector expects. Other codes are rules that the peer need not have."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What came of it.

    Attributes:
        asked: How many vectors.
        differing: Ids of those of which the peer thinks otherwise.
    """

    asked: int
    differing: tuple[str, ...]

    @property
    def unexplained(self) -> list[str]:
        """What is not as `limits.OPINIONS` says: a difference without a reason, or a reason without a difference."""
        return sorted(set(self.differing) ^ set(OPINIONS))


def questions() -> list[tuple[str, bool, Job]]:
    """Id, whether the signature fits, and the job, of every vector that can be asked about."""
    found = []
    for path in sorted((FOLDER / "vectors").glob("*.json")):
        vector = json.loads(path.read_text("utf-8"))
        intact = INTACT.get(vector["expected"].get("code", "accept"))
        profile = profiles.BY_ID[vector["profile"]]
        values = [value for name, value in vector["message"]["fields"] if name.lower() == profile.field_name.lower()]
        if intact is not None and len(values) == 1 and isinstance(profile.covers, HttpHeaders):
            found.append((path.stem, intact, _job(vector, values[0].strip(" \t"), profile.field_name.lower())))
    return found


def judge(asked: Sequence[tuple[str, bool, Job]], answers: Sequence[Answer]) -> Opinion:
    """Compare; an answer that is an error counts as a difference."""
    pairs = zip(asked, answers, strict=True)
    return Opinion(len(asked), tuple(name for (name, intact, _), answer in pairs if answer.get("intact") is not intact))


def _job(vector: dict[str, Any], value: str, field_name: str) -> Job:
    message = vector["message"]
    asked = vector.get("request") or message
    fields = [[name.lower(), content.strip(" \t")] for name, content in message["fields"] if name.lower() != field_name]
    target = f"{asked['method'].lower()} {asked['target']}" if "method" in asked else None
    return {
        "op": "verify",
        "value": value,
        "pars": [*(["(request-target)"] if target else []), *dict.fromkeys(name for name, _ in fields)],
        "request_target": target,
        "fields": fields,
        "body": message["body"],
        "digest_as_received": True,
        "anchors": [_der(name) for name in vector["trust"]["anchors"]],
        "crls": [],
    }


def _der(name: str) -> str:
    certificate = x509.load_pem_x509_certificate((FOLDER / "certificates" / name).read_bytes())
    return b64(certificate.public_bytes(Encoding.DER))
