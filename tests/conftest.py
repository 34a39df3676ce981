"""What every test may use: one throw-away hierarchy, one fixed time, and a way to sign and verify with them."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
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
    errors,
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
    elliptic = isinstance(signer.key, ec.EllipticCurvePrivateKey)
    reference = {"x5t#o": {"digAlg": "S512", "digVal": b64url(hashlib.sha512(leaf).digest())}}
    return {
        "alg": "ES256" if elliptic else "PS256",
        "kid": "key-1",
        **(reference if elliptic else {"x5t#S256": b64url(hashlib.sha256(leaf).digest())}),
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


REASONS: dict[type[errors.VerificationError], tuple[str, str]] = {
    errors.SignatureMissingError: ("SIGNATURE_MISSING", "SIGNED_DATA_NOT_FOUND"),
    errors.MalformedSignatureError: ("MALFORMED_SIGNATURE", "FORMAT_FAILURE"),
    errors.UnsupportedAlgorithmError: ("UNSUPPORTED_ALGORITHM", "CRYPTO_CONSTRAINTS_FAILURE"),
    errors.ProfileViolationError: ("PROFILE_VIOLATION", "SIG_CONSTRAINTS_FAILURE"),
    errors.InvalidSignatureError: ("INVALID_SIGNATURE", "SIG_CRYPTO_FAILURE"),
    errors.DigestMismatchError: ("DIGEST_MISMATCH", "HASH_FAILURE"),
    errors.SigningTimeError: ("SIGNING_TIME", "SIG_CONSTRAINTS_FAILURE"),
    errors.ReplayedMessageError: ("REPLAYED_MESSAGE", "SIG_CONSTRAINTS_FAILURE"),
    errors.MalformedMessageError: ("MALFORMED_MESSAGE", "FORMAT_FAILURE"),
    errors.BodyTooLargeError: ("BODY_TOO_LARGE", "SIG_CONSTRAINTS_FAILURE"),
    errors.CertificatePathError: ("CERTIFICATE_PATH", "CHAIN_CONSTRAINTS_FAILURE"),
    errors.CertificateExpiredError: ("CERTIFICATE_EXPIRED", "EXPIRED"),
    errors.CertificateNotYetValidError: ("CERTIFICATE_NOT_YET_VALID", "NOT_YET_VALID"),
    errors.CertificateRevokedError: ("CERTIFICATE_REVOKED", "REVOKED"),
    errors.RevocationUnknownError: ("REVOCATION_UNKNOWN", "TRY_LATER"),
    errors.ReplayUnknownError: ("REPLAY_UNKNOWN", "TRY_LATER"),
    errors.SignerNotAllowedError: ("SIGNER_NOT_ALLOWED", "SIG_CONSTRAINTS_FAILURE"),
}
FORBIDDEN = (errors.CertificatePathError, errors.SignerNotAllowedError)
UNKNOWN = (errors.RevocationUnknownError, errors.ReplayUnknownError)


@pytest.fixture(scope="session")
def refused() -> Callable[..., AbstractContextManager[pytest.ExceptionInfo[errors.VerificationError]]]:
    """`with refused(SomeError, "words"):` exactly that class, its code and sub-indication, and the words in its detail."""

    @contextmanager
    def refusal(
        kind: type[errors.VerificationError], words: str, *, no_chain: bool = False
    ) -> Iterator[pytest.ExceptionInfo[errors.VerificationError]]:
        with pytest.raises(kind) as caught:
            yield caught
        error = caught.value
        code, indication = REASONS[kind]
        assert type(error) is kind
        assert error.code == code
        assert error.sub_indication == ("NO_CERTIFICATE_CHAIN_FOUND" if no_chain else indication)
        assert error.http_status == (
            503
            if kind in UNKNOWN
            else 413
            if kind is errors.BodyTooLargeError
            else 403
            if issubclass(kind, FORBIDDEN)
            else 400
        )
        assert words in error.detail
        if isinstance(error, errors.CertificatePathError):
            # Whoever has to repair a path must know where.
            assert error.certificate
            assert error.certificate in error.detail

    return refusal


@pytest.fixture(scope="session")
def leaf_key() -> rsa.RSAPrivateKey:
    """For signers whose key does not matter: RSA keys are slow to make."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def ca_key() -> rsa.RSAPrivateKey:
    """The same for CAs."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def p256_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="session")
def look_alike(hierarchy: Hierarchy) -> Hierarchy:
    """Other keys under the very names of `hierarchy`."""
    twin = Hierarchy.new(not_before=NOW - dt.timedelta(days=30))
    assert twin.root.certificate.subject == hierarchy.root.certificate.subject
    return twin


@pytest.fixture(scope="session")
def reissue() -> Callable[..., bytes]:
    """DER of a certificate that the builder of `cryptography` would not make: `edit` changes it, the issuer signs again."""

    def reissued(issued: Issued, issuer: Issued, edit: Callable[[Any], object]) -> bytes:
        certificate = asn1.Certificate.load(issued.certificate.public_bytes(Encoding.DER))
        edit(certificate)
        assert isinstance(issuer.key, rsa.RSAPrivateKey)
        octets = certificate["tbs_certificate"].dump(force=True)
        certificate["signature_value"] = issuer.key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
        der: bytes = certificate.dump(force=True)
        return der

    return reissued


@pytest.fixture
def verifying(verifier: Verifier) -> Callable[..., Verifier]:
    """The verifier of the tests with another policy."""

    def changed(**changes: Any) -> Verifier:
        return Verifier(trust=verifier.trust, policy=verifier.policy.replace(**changes), clock=lambda: NOW)

    return changed


@pytest.fixture
def refuses(
    forge: Callable[..., HttpRequest],
    verifying: Callable[..., Verifier],
    refused: Callable[..., AbstractContextManager[pytest.ExceptionInfo[errors.VerificationError]]],
    request_message: HttpRequest,
) -> Callable[..., errors.VerificationError]:
    """Forges the request with one deviation, verifies it, and asserts how that is refused; returns the error.

    `received` changes the message after it was signed, `policy` the policy; the rest goes to `forge`.
    """

    def check(
        kind: type[errors.VerificationError],
        words: str,
        *,
        received: Callable[[HttpRequest], HttpRequest] = lambda message: message,
        policy: dict[str, Any] | None = None,
        message: HttpRequest = request_message,
        no_chain: bool = False,
        **parts: Any,
    ) -> errors.VerificationError:
        verifier = verifying(**(policy or {}))
        with refused(kind, words, no_chain=no_chain) as caught:
            verifier.verify(received(forge(message, **parts)))
        return caught.value

    return check
