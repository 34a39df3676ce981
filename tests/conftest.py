"""What every test may use: one throw-away hierarchy, one fixed time, and a way to sign and verify with them."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades import (
    ANY_TRUSTED,
    HttpRequest,
    HttpResponse,
    RevocationPolicy,
    Signer,
    SigningCredential,
    VerificationPolicy,
    Verifier,
    profiles,
)
from nlgov_jades.profiles import Profile
from nlgov_jades.testing import Hierarchy, Issued

NOW = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
BODY = b'{"aanleverperiodeStartdatum":"2025-01-01","aanleverende_organisatie":"Gemeente S\xc3\xbadwest"}'


@pytest.fixture(scope="session")
def hierarchy() -> Hierarchy:
    return Hierarchy.new(not_before=NOW - dt.timedelta(days=30))


@pytest.fixture(scope="session")
def issued(hierarchy: Hierarchy) -> Issued:
    return hierarchy.tsp.issue(kvk="12345678")


@pytest.fixture
def clock() -> Callable[[], dt.datetime]:
    return lambda: NOW


@pytest.fixture
def policy() -> VerificationPolicy:
    return VerificationPolicy(profiles=(profiles.DDAS,), signers=ANY_TRUSTED, revocation=RevocationPolicy.OFF)


@pytest.fixture
def verifier(hierarchy: Hierarchy, policy: VerificationPolicy, clock: Callable[[], dt.datetime]) -> Verifier:
    return Verifier(trust=hierarchy.trust, policy=policy, clock=clock)


@pytest.fixture
def request_message() -> HttpRequest:
    fields = [
        ("Host", "provider.example.test"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(BODY))),
    ]
    return HttpRequest(method="POST", target="/v1/gegevens?a=1", fields=fields, body=BODY)


@pytest.fixture
def response_message(request_message: HttpRequest) -> HttpResponse:
    fields = [("Content-Type", "application/json"), ("Content-Length", "2")]
    return HttpResponse(status=200, fields=fields, body=b"{}", request=request_message)


@pytest.fixture
def sign(issued: Issued, clock: Callable[[], dt.datetime]) -> Callable[..., HttpRequest]:
    """Sign a request with the hierarchy's signer and return it with the fields added."""

    def signed(message: HttpRequest, profile: Profile = profiles.DDAS) -> HttpRequest:
        return message.with_fields(Signer(issued.credential, profile=profile, clock=clock).sign(message))

    return signed


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder with published examples and real certificates."""
    folder = os.environ.get("NLGOV_JADES_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("NLGOV_JADES_DATA names no folder with the published DDAS examples and PKIoverheid certificates")
    return Path(folder)


@pytest.fixture(scope="session")
def credential(issued: Issued) -> SigningCredential:
    return issued.credential


@pytest.fixture(scope="session")
def stranger() -> Hierarchy:
    """A hierarchy in which nobody was told to trust."""
    return Hierarchy.new(name="TEST stranger", not_before=NOW - dt.timedelta(days=30))


@pytest.fixture(scope="session")
def p256(hierarchy: Hierarchy) -> Issued:
    """A signer with a P-256 key, for ES256."""
    return hierarchy.tsp.issue(common_name="oots.example", key=ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture
def forge(issued: Issued) -> Callable[..., HttpRequest]:
    """Sign a request with a protected header of one's own choice, without any code of the library.

    `edit` changes the header as it should be, `text` its JSON, `damage` the octets of the signature; `payload` replaces
    what `pars` says; `signer` gives key and x5c; `field` names the signature field. A Digest is added when there is none.
    """

    def forged(
        message: HttpRequest,
        *,
        edit: Callable[[dict[str, Any]], object] = lambda _: None,
        text: Callable[[str], str] = str,
        damage: Callable[[bytes], bytes] = bytes,
        payload: bytes | None = None,
        signer: Issued = issued,
        field: str = "nlgov-adr-payload-sig",
    ) -> HttpRequest:
        if "digest" not in message.fields and isinstance(message.body, bytes):
            digest = base64.b64encode(hashlib.sha256(message.body).digest()).decode()
            message = message.with_fields([("Digest", f"SHA-256={digest}")])
        header = header_of(signer)
        edit(header)
        encoded = b64url(text(json.dumps(header, separators=(",", ":"))).encode())
        signed = payload_of(message, header) if payload is None else payload
        signature = b64url(damage(raw_signature(signer, encoded.encode() + b"." + signed)))
        return message.with_fields([(field, f"{encoded}..{signature}")])

    return forged


def header_of(signer: Issued) -> dict[str, Any]:
    leaf = signer.certificate.public_bytes(Encoding.DER)
    return {
        "alg": "ES256" if isinstance(signer.key, ec.EllipticCurvePrivateKey) else "PS256",
        "kid": "key-1",
        "x5t#S256": b64url(hashlib.sha256(leaf).digest()),
        "x5c": [base64.b64encode(item.public_bytes(Encoding.DER)).decode() for item in signer.chain[:-1]],
        "typ": "JOSE",
        "b64": False,
        "iat": int(NOW.timestamp()),
        "sigD": {"mId": "http://uri.etsi.org/19182/HttpHeaders", "pars": ["digest"]},
        "crit": ["b64", "sigD"],
    }


def payload_of(message: HttpRequest, header: dict[str, Any]) -> bytes:
    sigd = header.get("sigD")
    pars = sigd.get("pars") if isinstance(sigd, dict) else None
    # A header that was spoiled on purpose is signed over the Digest all the same.
    names = pars if isinstance(pars, list) and all(isinstance(name, str) for name in pars) else ["digest"]
    lines = []
    for name in names:
        value = ", ".join(message.fields.get_all(name))
        if name == "(request-target)":
            value = f"{message.method.lower()} {message.target}"
        lines.append(f"{name.lower()}: {value}")
    return "\n".join(lines).encode("iso-8859-1")


def raw_signature(signer: Issued, octets: bytes) -> bytes:
    if isinstance(signer.key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(signer.key.sign(octets, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    return signer.key.sign(octets, pss, hashes.SHA256())


def b64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
