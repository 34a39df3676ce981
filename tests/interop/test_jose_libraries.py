"""Second opinions: jwcrypto, joserfc and PyJWT take what we sign, and we take what they sign.

Each library makes the signing input from the field by itself; the payload is written out here, from the wire format.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
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
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from nlgov_jades import HttpRequest, Signer, VerificationPolicy, Verifier, profiles
from nlgov_jades.clock import Clock
from nlgov_jades.errors import DigestMismatchError, InvalidSignatureError
from nlgov_jades.profiles import Profile
from nlgov_jades.testing import Hierarchy, Issued

BODY = b'{"a":1}'
DIGEST = f"SHA-256={base64.b64encode(hashlib.sha256(BODY).digest()).decode()}"
MESSAGE_PARS = ["(request-target)", "host", "content-type", "digest"]

# What each profile signs for the request below, by hand.
PAYLOADS = {
    "ddas": f"digest: {DIGEST}",
    "oots-response": f"digest: {DIGEST}",
    "adr-message": (
        "(request-target): post /v1/gegevens?a=1\nhost: provider.example.test\n"
        f"content-type: application/json\ndigest: {DIGEST}"
    ),
}
PROFILES = [profiles.DDAS, profiles.ADR_MESSAGE, profiles.OOTS_RESPONSE]

JADES_PARAMETERS = ("sigD", "iat", "x5t#o", "x5t#S256")


@dataclasses.dataclass(frozen=True)
class Peer:
    """Another library: it signs a header and a payload, detached, or it raises one of `refusals`."""

    sign: Callable[[dict[str, Any], bytes, Issued], str]
    verify: Callable[[str, bytes], object]
    refusals: tuple[type[Exception], ...]


def certificate_in(value: str) -> x509.Certificate:
    encoded = value.partition(".")[0]
    header = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    return x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))


def public_pem_in(value: str) -> bytes:
    return certificate_in(value).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


# --- jwcrypto ----------------------------------------------------------------------------------------------------


def jwcrypto_jws(payload: bytes | None = None) -> Any:
    known = {
        name: jwcrypto.common.JWSEHeaderParameter(name, mustprotect=True, supported=True, check_fn=None)
        for name in JADES_PARAMETERS
    }
    jws = jwcrypto.jws.JWS(payload, header_registry=known)
    jws.allowed_algs = ["PS256", "ES256"]
    return jws


def jwcrypto_sign(header: dict[str, Any], payload: bytes, signer: Issued) -> str:
    jws = jwcrypto_jws(payload)
    jws.add_signature(jwcrypto.jwk.JWK.from_pem(signer.key_pem()), header["alg"], protected=json.dumps(header))
    jws.detach_payload()
    value: str = jws.serialize(compact=True)
    return value


def jwcrypto_verify(value: str, payload: bytes) -> None:
    jws = jwcrypto_jws()
    jws.deserialize(value)
    jws.verify(jwcrypto.jwk.JWK.from_pem(public_pem_in(value)), detached_payload=payload)


# --- joserfc -----------------------------------------------------------------------------------------------------


class LongHeaders(joserfc.jws.JWSRegistry):
    """A certificate chain does not fit in the 512 octets that are the default."""

    max_header_length = 32_768


def joserfc_registry() -> joserfc.jws.JWSRegistry:
    known: Mapping[str, Any] = {
        name: joserfc.registry.HeaderParameter(name, lambda _: None) for name in JADES_PARAMETERS
    }
    return LongHeaders(header_registry=dict(known), algorithms=["PS256", "ES256"])


def joserfc_key(pem: bytes, alg: str) -> Any:
    return joserfc.jwk.import_key(pem, "RSA" if alg == "PS256" else "EC")


def joserfc_sign(header: dict[str, Any], payload: bytes, signer: Issued) -> str:
    key = joserfc_key(signer.key_pem(), header["alg"])
    value = joserfc.jws.serialize_compact(header, payload, key, registry=joserfc_registry())
    # With b64 true it leaves the payload in.
    return value if ".." in value else joserfc.jws.detach_content(value)


def joserfc_verify(value: str, payload: bytes) -> None:
    alg = "PS256" if "RSA" in type(certificate_in(value).public_key()).__name__ else "ES256"
    key = joserfc_key(public_pem_in(value), alg)
    joserfc.jws.deserialize_compact(value, key, registry=joserfc_registry(), payload=payload)


# --- PyJWT -------------------------------------------------------------------------------------------------------


class JadesJws(jwt.api_jws.PyJWS):
    """PyJWT knows `b64` only."""

    _supported_crit = {"b64", "sigD"}  # noqa: RUF012 - as its base class has it


def pyjwt_sign(header: dict[str, Any], payload: bytes, signer: Issued) -> str:
    value = JadesJws().encode(payload, signer.key_pem(), header["alg"], headers=header, sort_headers=False)
    return value if "b64" in header else value.replace(value.split(".")[1], "")


def pyjwt_verify(value: str, payload: bytes) -> None:
    algorithms = ["PS256", "ES256"]
    if b'"b64"' in base64.urlsafe_b64decode(value.partition(".")[0] + "==="):
        JadesJws().decode(value, public_pem_in(value), algorithms, detached_payload=payload)
        return
    # It knows no detached payload in base64url: put it back.
    attached = value.replace("..", f".{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.")
    assert JadesJws().decode(attached, public_pem_in(value), algorithms) == payload


PEERS = {
    "jwcrypto": Peer(jwcrypto_sign, jwcrypto_verify, (jwcrypto.common.JWException,)),
    "joserfc": Peer(joserfc_sign, joserfc_verify, (joserfc.errors.JoseError,)),
    "PyJWT": Peer(pyjwt_sign, pyjwt_verify, (jwt.PyJWTError,)),
}

each_peer = pytest.mark.parametrize("peer", PEERS.values(), ids=PEERS)
each_profile = pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.id)


@pytest.fixture
def request_message() -> HttpRequest:
    fields = [("Host", "provider.example.test"), ("Content-Type", "application/json"), ("Digest", DIGEST)]
    return HttpRequest(method="POST", target="/v1/gegevens?a=1", fields=fields, body=BODY)


@pytest.fixture
def signer_of(issued: Issued, p256: Issued) -> Callable[[Profile], Issued]:
    return lambda profile: p256 if profile is profiles.OOTS_RESPONSE else issued


@pytest.fixture
def verifier_of(hierarchy: Hierarchy, policy: VerificationPolicy, clock: Clock) -> Callable[[Profile], Verifier]:
    def made(profile: Profile) -> Verifier:
        return Verifier(trust=hierarchy.trust, policy=policy.replace(profiles=(profile,)), clock=clock)

    return made


@pytest.fixture
def our_value(
    signer_of: Callable[[Profile], Issued], request_message: HttpRequest, clock: Clock
) -> Callable[[Profile], str]:
    def signed(profile: Profile) -> str:
        signer = Signer(signer_of(profile).credential, profile=profile, clock=clock)
        return signer.sign(request_message).signature

    return signed


def header_for(profile: Profile, signer: Issued, iat: int) -> dict[str, Any]:
    """A protected header as TS 119 182-1 has it, in an order of its own and with white space left to the library."""
    leaf = signer.certificate.public_bytes(Encoding.DER)
    sha512 = base64.urlsafe_b64encode(hashlib.sha512(leaf).digest()).rstrip(b"=").decode()
    return {
        "typ": "JOSE",
        "alg": profile.algorithm.value,
        "b64": False,
        "crit": ["sigD", "b64"],
        "iat": iat,
        "kid": "key-1",
        "sigD": {"pars": MESSAGE_PARS if profile is profiles.ADR_MESSAGE else ["digest"],
                 "mId": "http://uri.etsi.org/19182/HttpHeaders"},
        "x5c": [base64.b64encode(item.public_bytes(Encoding.DER)).decode() for item in signer.chain[:-1]],
        "x5t#o": {"digAlg": "S512", "digVal": sha512},
    }  # fmt: skip


def flipped(value: str, part: int) -> str:
    """The value with one bit changed in the middle of one of its parts."""
    parts = value.split(".")
    octets = bytearray(base64.urlsafe_b64decode(parts[part] + "=" * (-len(parts[part]) % 4)))
    # The header is changed inside x5c, where a letter stays a letter.
    octets[len(octets) // 2] ^= 1
    parts[part] = base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
    return ".".join(parts)


# --- ours, read by others ----------------------------------------------------------------------------------------


@each_peer
@each_profile
def test_what_we_sign_is_accepted_by_others(our_value: Callable[[Profile], str], peer: Peer, profile: Profile) -> None:
    peer.verify(our_value(profile), PAYLOADS[profile.id].encode())


@each_peer
@each_profile
@pytest.mark.parametrize(
    "change",
    [lambda payload: payload + b"\n", lambda payload: payload.replace(b"digest: ", b"Digest: "), lambda payload: payload[:-1] + b"!"],
    ids=["line end", "upper case", "another digest"],
)  # fmt: skip
def test_what_we_sign_is_refused_by_others_over_other_octets(
    our_value: Callable[[Profile], str], peer: Peer, profile: Profile, change: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(peer.refusals):
        peer.verify(our_value(profile), change(PAYLOADS[profile.id].encode()))


@each_peer
@each_profile
def test_what_we_sign_is_refused_by_others_with_another_signature(
    our_value: Callable[[Profile], str], peer: Peer, profile: Profile
) -> None:
    with pytest.raises(peer.refusals):
        peer.verify(flipped(our_value(profile), -1), PAYLOADS[profile.id].encode())


# --- others', read by us -----------------------------------------------------------------------------------------


@pytest.fixture
def their_message(
    signer_of: Callable[[Profile], Issued], request_message: HttpRequest, clock: Clock
) -> Callable[[Peer, Profile], HttpRequest]:
    def signed(peer: Peer, profile: Profile) -> HttpRequest:
        signer = signer_of(profile)
        header = header_for(profile, signer, int(clock().timestamp()))
        value = peer.sign(header, PAYLOADS[profile.id].encode(), signer)
        return request_message.with_fields([(profile.field_name, value)])

    return signed


Theirs = Callable[[Peer, Profile], HttpRequest]


@each_peer
@each_profile
def test_what_others_sign_is_accepted_by_us(
    their_message: Theirs, verifier_of: Callable[[Profile], Verifier], peer: Peer, profile: Profile
) -> None:
    verified = verifier_of(profile).verify(their_message(peer, profile))
    assert verified.body == BODY
    assert list(verified.covered) == (MESSAGE_PARS if profile is profiles.ADR_MESSAGE else ["digest"])


@each_peer
@each_profile
def test_what_others_sign_is_refused_by_us_when_the_signature_was_changed(
    their_message: Theirs, verifier_of: Callable[[Profile], Verifier], peer: Peer, profile: Profile
) -> None:
    message = their_message(peer, profile)
    lines = [(name, flipped(value, -1) if name == profile.field_name else value) for name, value in message.fields]
    tampered = HttpRequest(method=message.method, target=message.target, fields=lines, body=BODY)
    with pytest.raises(InvalidSignatureError) as caught:
        verifier_of(profile).verify(tampered)
    assert (caught.value.code, caught.value.sub_indication) == ("INVALID_SIGNATURE", "SIG_CRYPTO_FAILURE")


@each_peer
@each_profile
def test_what_others_sign_is_refused_by_us_when_the_body_was_changed(
    their_message: Theirs, verifier_of: Callable[[Profile], Verifier], peer: Peer, profile: Profile
) -> None:
    with pytest.raises(DigestMismatchError) as caught:
        verifier_of(profile).verify(their_message(peer, profile).with_body(b'{"a":2}'))
    assert (caught.value.code, caught.value.sub_indication) == ("DIGEST_MISMATCH", "HASH_FAILURE")


@each_peer
def test_what_others_sign_is_refused_by_them_and_us_when_the_header_was_changed(
    their_message: Theirs, verifier_of: Callable[[Profile], Verifier], peer: Peer
) -> None:
    message = their_message(peer, profiles.DDAS)
    value = message.fields.get_all(profiles.DDAS.field_name)[0]
    encoded, _, signature = value.partition("..")
    header = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    header["kid"] = "key-2"
    other = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    with pytest.raises(peer.refusals):
        peer.verify(f"{other}..{signature}", PAYLOADS["ddas"].encode())
    lines = [line for line in message.fields if line[1] != value]
    tampered = HttpRequest(
        method="POST", target="/", fields=[*lines, (profiles.DDAS.field_name, f"{other}..{signature}")], body=BODY
    )
    with pytest.raises(InvalidSignatureError) as caught:
        verifier_of(profiles.DDAS).verify(tampered)
    assert (caught.value.code, caught.value.sub_indication) == ("INVALID_SIGNATURE", "SIG_CRYPTO_FAILURE")


# --- the early DDAS dialect: a plain detached JWS over the body --------------------------------------------------


@each_peer
def test_our_plain_detached_jws_is_accepted_by_others_and_only_over_this_body(
    our_value: Callable[[Profile], str], peer: Peer
) -> None:
    value = our_value(profiles.DDAS_BODY)
    peer.verify(value, BODY)
    with pytest.raises(peer.refusals):
        peer.verify(value, BODY + b" ")


@each_peer
def test_a_plain_detached_jws_of_others_is_accepted_by_us_and_only_over_this_body(
    verifier_of: Callable[[Profile], Verifier], request_message: HttpRequest, issued: Issued, peer: Peer
) -> None:
    header = {name: value for name, value in header_for(profiles.DDAS_BODY, issued, 0).items()
              if name in {"alg", "kid", "typ", "x5c"}}  # fmt: skip
    value = peer.sign(header, BODY, issued)
    message = request_message.with_fields([(profiles.DDAS_BODY.field_name, value)])
    assert verifier_of(profiles.DDAS_BODY).verify(message).covered == ("body",)
    with pytest.raises(InvalidSignatureError) as caught:
        verifier_of(profiles.DDAS_BODY).verify(message.with_body(BODY + b" "))
    assert (caught.value.code, caught.value.sub_indication) == ("INVALID_SIGNATURE", "SIG_CRYPTO_FAILURE")
