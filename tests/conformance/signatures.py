"""Published signatures as data: NIST's from `cryptography_vectors`, Wycheproof's from a folder, and what our verifier says of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import cryptography_vectors
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from nlgov_jades.errors import VerificationError
from nlgov_jades.jws import check_key, verify_signature
from nlgov_jades.profiles import SignatureAlgorithm

from .judging import VALID

NIST: Final = Path(cryptography_vectors.__file__).parent / "asymmetric"
UNREADABLE: Final = "UNREADABLE"
"""The key is none; a certificate with it cannot be read."""

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
Case = dict[str, str]


@dataclass(frozen=True, slots=True)
class Published:
    """One published signature.

    Attributes:
        id: File and number.
        is_ours: Whether it is about PS256 or ES256 in the form of a JWS; what is not must be refused, whatever it is.
        must_be: "valid", "acceptable" or "invalid", as the suite says.
        verdict: Ours: `VALID`, `UNREADABLE` or the code of the error.
    """

    id: str
    is_ours: bool
    must_be: str
    verdict: str

    @property
    def deviates(self) -> bool:
        """Whether we end otherwise than the suite and the algorithm say."""
        return (self.verdict == VALID) != (self.is_ours and self.must_be == "valid")


def verdict(key: object, algorithm: SignatureAlgorithm, message: bytes, signature: bytes) -> str:
    """What our verifier says."""
    try:
        verify_signature(check_key(key, algorithm), signature, hashlib.sha256(message).digest())
    except VerificationError as error:
        return error.code
    return VALID


# --- NIST CAVP: blocks of `name = value` below a heading in brackets ---


def blocks(path: Path) -> Iterator[tuple[str, Case]]:
    """Heading and values of each block."""
    heading = ""
    for block in path.read_text("utf-8").replace("\r\n", "\n").split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        headings = [line for line in lines if line.startswith("[")]
        heading = headings[-1].strip("[] ") if headings else heading
        values = dict(line.split(" = ", 1) for line in lines if " = " in line and not line.startswith("["))
        if values:
            yield heading, {name.strip(): value.strip() for name, value in values.items()}


def nist_ecdsa() -> Iterator[Published]:
    """FIPS 186-3 SigVer, the curves of the NIST over prime fields."""
    curves: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
    number = 0
    for heading, case in blocks(NIST / "ECDSA" / "FIPS_186-3" / "SigVer.rsp"):
        name, _, digest = heading.partition(",")
        if name in curves:
            number += 1
            yield Published(
                f"SigVer.rsp:{heading}:{number}",
                (name, digest) == ("P-256", "SHA-256"),
                "valid" if case["Result"].startswith("P") else "invalid",
                _nist_ecdsa(curves[name], case),
            )


def _nist_ecdsa(curve: ec.EllipticCurve, case: Case) -> str:
    size = (curve.key_size + 7) // 8
    try:
        key = ec.EllipticCurvePublicNumbers(int(case["Qx"], 16), int(case["Qy"], 16), curve).public_key()
    except ValueError:
        return UNREADABLE
    signature = b"".join(int(case[half], 16).to_bytes(size) for half in "RS")
    return verdict(key, SignatureAlgorithm.ES256, bytes.fromhex(case["Msg"]), signature)


def nist_pss() -> Iterator[Published]:
    """FIPS 186-3 SigVerPSS. The salts have 10 octets, so none of them is PS256."""
    modulus = number = 0
    for heading, case in blocks(NIST / "RSA" / "FIPS_186-2" / "SigVerPSS_186-3.rsp"):
        modulus = int(case["n"], 16) if "n" in case else modulus
        if "Result" not in case:
            continue
        number += 1
        key = rsa.RSAPublicNumbers(int(case["e"], 16), modulus).public_key()
        yield Published(
            f"SigVerPSS_186-3.rsp:{heading}:{number}",
            is_ours=False,
            must_be="valid" if case["Result"].startswith("P") else "invalid",
            verdict=verdict(key, SignatureAlgorithm.PS256, bytes.fromhex(case["Msg"]), bytes.fromhex(case["S"])),
        )


# --- Wycheproof ---


def wycheproof(file: Path) -> Iterator[Published]:
    """The signatures of one file."""
    is_rsa = file.name.startswith("rsa_")
    algorithm = SignatureAlgorithm.PS256 if is_rsa else SignatureAlgorithm.ES256
    content: dict[str, Any] = json.loads(file.read_text("utf-8"))
    for group in content["testGroups"]:
        parameters = tuple(group.get(name) for name in ("sha", "mgf", "mgfSha", "sLen"))
        ps256 = parameters == ("SHA-256", "MGF1", "SHA-256", 32)
        is_raw = (group["type"], group["sha"]) == ("EcdsaP1363Verify", "SHA-256")
        es256 = is_raw and group["publicKey"]["curve"] == "secp256r1"
        key = _key(group.get("publicKeyDer") or group["publicKeyAsn"])
        for test in group["tests"]:
            message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
            said = UNREADABLE if key is None else verdict(key, algorithm, message, signature)
            yield Published(f"{file.name}:{test['tcId']}", ps256 or es256, test["result"], said)


@cache
def _key(der: str) -> object:
    try:
        return load_der_public_key(bytes.fromhex(der))
    except (ValueError, UnsupportedAlgorithm):
        return None
