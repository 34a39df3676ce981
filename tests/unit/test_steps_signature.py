"""Steps 7 and 8 of a verification: the signer's certificate, the references to it, its key, and the signature."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades import HttpRequest, VerificationPolicy, Verifier, profiles
from nlgov_jades.beginnings import Beginnings
from nlgov_jades.errors import (
    InvalidSignatureError,
    MalformedSignatureError,
    ProfileViolationError,
    UnsupportedAlgorithmError,
    VerificationError,
)
from nlgov_jades.steps import BodyArrival, check_fields
from nlgov_jades.testing import Hierarchy, Issued

Forge = Callable[..., HttpRequest]
Refuses = Callable[..., VerificationError]
Edit = Callable[[dict[str, Any]], object]

OOTS = {"profiles": (profiles.OOTS_RESPONSE,)}
OOTS_FIELD = "oots-response-sig"


def b64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def says(**parameters: object) -> Edit:
    """An edit that gives these header parameters these values; `_o` stands for `#o` and `_S256` for `#S256`."""
    named = {name.replace("_o", "#o").replace("_S256", "#S256"): value for name, value in parameters.items()}
    return lambda header: header.update(named)


def of_another(alg: str) -> dict[str, str]:
    """A digest object that names another certificate."""
    digest = hashlib.new({"S256": "sha256", "S384": "sha384", "S512": "sha512"}[alg], b"another certificate")
    return {"digAlg": alg, "digVal": b64url(digest.digest())}


def of_certificate(issued: Issued, alg: str) -> dict[str, str]:
    digest = hashlib.new({"S256": "sha256", "S384": "sha384", "S512": "sha512"}[alg])
    digest.update(issued.certificate.public_bytes(Encoding.DER))
    return {"digAlg": alg, "digVal": b64url(digest.digest())}


# --- 7. x5c --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "edit"),
    [
        ("x5c is not a non-empty list of texts", says(x5c=[])),
        ("x5c is not a non-empty list of texts", lambda header: header.update(x5c=header["x5c"][0])),
        ("x5c is not a non-empty list of texts", lambda header: header["x5c"].append(None)),
        ("x5c holds 6 certificates; at most 5 are read", lambda header: header.update(x5c=header["x5c"][:1] * 6)),
        ("certificate 1 of x5c is longer than 8192 octets", lambda header: header["x5c"].insert(1, "AAAA" * 2731)),
        ("a certificate in x5c is longer than 8192 octets", lambda header: header["x5c"].insert(1, "A" * 16_388)),
        ("certificate 1 of x5c cannot be read", lambda header: header["x5c"].insert(1, "AAAA")),
        ("certificate 0 of x5c cannot be read", lambda header: header["x5c"].insert(0, "")),
        ("certificate 0 of x5c is not padded base64", lambda header: header["x5c"].insert(0, "A-_A")),
        ("certificate 0 of x5c is not padded base64", lambda header: header["x5c"].insert(0, "AAA")),
        ("certificate 0 of x5c is not padded base64", lambda header: header["x5c"].insert(0, "\u00e9")),
    ],
    ids=["empty", "text", "null", "six", "8193 octets", "16388 characters", "no certificate", "empty text", "base64url",
         "not padded", "not ASCII"],
)  # fmt: skip
def test_step_7_an_x5c_of_another_form_is_refused(refuses: Refuses, words: str, edit: Edit) -> None:
    refuses(MalformedSignatureError, words, edit=edit)


def test_step_7_a_certificate_with_octets_behind_it_is_refused(refuses: Refuses, issued: Issued) -> None:
    longer = base64.b64encode(issued.certificate.public_bytes(Encoding.DER) + b"\0").decode()
    refuses(
        MalformedSignatureError,
        "certificate 0 of x5c cannot be read",
        edit=lambda header: header["x5c"].__setitem__(0, longer),
    )


# --- 7. references -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "words", "edit"),
    [
        (ProfileViolationError, "x5t#S256 does not name", says(x5t_S256=of_another("S256")["digVal"])),
        (ProfileViolationError, "x5t#S256 does not name", lambda header: header["x5c"].reverse()),
        (MalformedSignatureError, "x5t#S256 is 3 octets long", says(x5t_S256="AAAA")),
        (MalformedSignatureError, "x5t#S256 is not base64url", says(x5t_S256=7)),
        (MalformedSignatureError, "x5t#S256 is not base64url", says(x5t_S256="")),
        (MalformedSignatureError, "x5t#S256 is not base64url", says(x5t_S256="\u00e9")),
        *((ProfileViolationError, "x5t#o does not name", says(x5t_o=of_another(alg))) for alg in ("S256", "S384", "S512")),
        (UnsupportedAlgorithmError, "digAlg of x5t#o is 'S1'", says(x5t_o={"digAlg": "S1", "digVal": "AA"})),
        (MalformedSignatureError, "x5t#o is not an object", says(x5t_o="AA")),
        (MalformedSignatureError, "x5t#o is not an object", says(x5t_o={**of_another("S256"), "more": 1})),
        (MalformedSignatureError, "x5t#o is not an object", says(x5t_o={"digAlg": ["S256"], "digVal": "AA"})),
        (MalformedSignatureError, "sigX5ts is not a list", says(sigX5ts=[])),
        (MalformedSignatureError, "sigX5ts is not a list", says(sigX5ts=of_another("S256"))),
        (MalformedSignatureError, "sigX5ts is not an object", says(sigX5ts=[None])),
        (ProfileViolationError, "sigX5ts does not name", says(sigX5ts=[of_another("S256")])),
    ],
)  # fmt: skip
def test_step_7_one_deviation_in_a_reference_is_refused(
    refuses: Refuses, kind: type[VerificationError], words: str, edit: Edit
) -> None:
    refuses(kind, words, edit=edit)


@pytest.mark.parametrize("alg", ["S256", "S384", "S512"])
def test_step_7_references_that_name_the_signer_are_accepted(
    forge: Forge, verifier: Verifier, request_message: HttpRequest, issued: Issued, alg: str
) -> None:
    reference = of_certificate(issued, alg)
    signed = forge(request_message, edit=says(x5t_o=reference, sigX5ts=[reference]))
    assert verifier.verify(signed).protected_header["x5t#o"] == reference


def test_step_7_a_right_reference_does_not_make_up_for_a_wrong_one(refuses: Refuses, issued: Issued) -> None:
    right, wrong = of_certificate(issued, "S512"), of_another("S256")["digVal"]
    refuses(ProfileViolationError, "x5t#S256 does not name", edit=says(x5t_o=right, x5t_S256=wrong))


def test_step_7_a_certificate_for_the_same_key_cannot_take_the_place_of_the_signers(
    refuses: Refuses, hierarchy: Hierarchy, issued: Issued
) -> None:
    renewed = hierarchy.tsp.issue(key=issued.key, common_name="another name")
    der = base64.b64encode(renewed.certificate.public_bytes(Encoding.DER)).decode()
    refuses(
        ProfileViolationError,
        "x5t#S256 does not name",
        edit=lambda header: header["x5c"].__setitem__(0, der),
    )


# --- 7. the key ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [1024, 2047])
def test_step_7_a_small_rsa_key_is_refused(refuses: Refuses, hierarchy: Hierarchy, bits: int) -> None:
    weak = hierarchy.tsp.issue(key=rsa.generate_private_key(public_exponent=65537, key_size=bits))
    refuses(UnsupportedAlgorithmError, f"has {bits} bits; 2048 to 8192 are accepted", signer=weak)


def test_step_7_an_rsa_key_with_exponent_3_is_refused(refuses: Refuses, hierarchy: Hierarchy) -> None:
    weak = hierarchy.tsp.issue(key=rsa.generate_private_key(public_exponent=3, key_size=2048))
    refuses(UnsupportedAlgorithmError, "has a public exponent that is not accepted", signer=weak)


def test_step_7_a_key_of_another_type_than_the_algorithm_is_refused(
    refuses: Refuses, p256: Issued, issued: Issued
) -> None:
    refuses(UnsupportedAlgorithmError, "PS256 needs an RSA key", signer=p256, edit=says(alg="PS256"))
    refuses(
        UnsupportedAlgorithmError,
        "ES256 needs a P-256 key",
        policy=OOTS,
        field=OOTS_FIELD,
        edit=says(alg="ES256", x5t_o=of_certificate(issued, "S512")),
    )


def test_step_7_another_curve_than_p256_is_refused(refuses: Refuses, hierarchy: Hierarchy) -> None:
    koblitz = hierarchy.tsp.issue(key=ec.generate_private_key(ec.SECP256K1()))
    refuses(UnsupportedAlgorithmError, "ES256 needs a P-256 key", policy=OOTS, field=OOTS_FIELD, signer=koblitz)


# --- 8. the signature ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda octets: bytes([octets[0] ^ 1]) + octets[1:], "does not fit the covered octets"),
        (lambda octets: bytes(len(octets)), "does not fit the covered octets"),
        (lambda octets: b"\xff" * len(octets), "does not fit the covered octets"),
        (lambda octets: octets[:-1], "is 255 octets long; this key makes 256"),
        (lambda octets: b"\0" + octets, "is 257 octets long; this key makes 256"),
        (lambda octets: octets[:1], "is 1 octets long; this key makes 256"),
    ],
    ids=["one bit", "zeros", "ones", "short", "a zero in front", "one octet"],
)
def test_step_8_another_signature_is_refused(refuses: Refuses, damage: Callable[[bytes], bytes], words: str) -> None:
    refuses(InvalidSignatureError, words, damage=damage)


def test_step_8_a_p256_signature_of_64_octets_is_accepted(
    forge: Forge, verifying: Callable[..., Verifier], request_message: HttpRequest, p256: Issued
) -> None:
    signed = forge(request_message, signer=p256, field=OOTS_FIELD)
    assert verifying(**OOTS).verify(signed).profile is profiles.OOTS_RESPONSE


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: bytes(64),
        lambda octets: bytes(32) + octets[32:],
        lambda octets: octets[:32] + bytes(32),
        lambda _: b"\xff" * 64,
        lambda octets: octets[:63],
        lambda octets: octets + b"\0",
        lambda octets: octets[32:] + octets[:32],
    ],
    ids=["r and s zero", "r zero", "s zero", "above the order", "short", "long", "s before r"],
)
def test_step_8_another_ecdsa_signature_is_refused(
    refuses: Refuses, p256: Issued, damage: Callable[[bytes], bytes]
) -> None:
    refuses(InvalidSignatureError, "the signature", policy=OOTS, field=OOTS_FIELD, signer=p256, damage=damage)


def test_step_8_a_signature_by_another_key_than_that_of_the_first_certificate_is_refused(
    refuses: Refuses, hierarchy: Hierarchy, issued: Issued
) -> None:
    impostor = Issued(hierarchy.tsp.key, issued.chain)
    refuses(InvalidSignatureError, "does not fit the covered octets", signer=impostor)


@pytest.mark.parametrize(
    "change",
    [
        lambda payload: payload + b"\n",
        lambda payload: payload + b"\r\n",
        lambda payload: payload.replace(b": ", b":"),
        lambda payload: payload.replace(b"digest", b"Digest"),
        lambda payload: payload.partition(b": ")[2],
        lambda payload: base64.urlsafe_b64encode(payload).rstrip(b"="),
        lambda _: b"",
    ],
    ids=["LF behind", "CR LF behind", "no space", "upper case", "value only", "base64url", "nothing"],
)
def test_step_8_other_octets_than_the_canonical_ones_do_not_count_as_signed(
    forge: Forge, refuses: Refuses, request_message: HttpRequest, change: Callable[[bytes], bytes]
) -> None:
    payload = f"digest: {forge(request_message).fields.get_all('digest')[0]}".encode()
    refuses(InvalidSignatureError, "does not fit the covered octets", payload=change(payload))


def test_step_8_an_attacker_cannot_sign_with_the_keys_of_jku_jwk_or_x5u(
    refuses: Refuses, hierarchy: Hierarchy, issued: Issued
) -> None:
    numbers = hierarchy.tsp.key.public_key().public_numbers()
    assert isinstance(numbers, rsa.RSAPublicNumbers)
    jwk = {"kty": "RSA", "n": b64url(numbers.n.to_bytes(256, "big")), "e": "AQAB"}
    refuses(
        InvalidSignatureError,
        "does not fit the covered octets",
        signer=Issued(hierarchy.tsp.key, issued.chain),
        edit=says(jwk=jwk, jku="https://attacker.test/jwks.json", x5u="https://attacker.test/cert.pem"),
    )


def test_what_was_established_shows_profile_and_fields_and_nothing_that_was_sent(
    forge: Forge, request_message: HttpRequest, policy: VerificationPolicy
) -> None:
    message = forge(request_message)
    signed = check_fields(message, policy, BodyArrival.HERE, find=None, beginnings=Beginnings())
    assert repr(signed) == "<SignedMessage: ddas, covers digest>"


def test_the_signer_is_known_by_the_first_certificate_and_the_others_only_help_to_find_a_path(
    forge: Forge, request_message: HttpRequest, policy: VerificationPolicy, issued: Issued
) -> None:
    message = forge(request_message)
    found = check_fields(message, policy, BodyArrival.HERE, find=None, beginnings=Beginnings()).certificates
    sent = issued.chain[:-1]
    assert found.leaf == issued.certificate
    assert found.untrusted == sent[1:]
    assert found.der == tuple(certificate.public_bytes(Encoding.DER) for certificate in sent)
    assert found.x5t == b64url(hashlib.sha256(found.der[0]).digest())
    assert found.key == issued.certificate.public_key()
