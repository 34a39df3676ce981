"""Harness of the verifier as a whole: accepted is only what somebody signed, as he signed it, and who it was is told right.

The judgement is made anew by the reference, from the message as it was given; of the certificates it knows only those of the
vectors, so that any other one that is accepted is a finding.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from nlgov_jades import ANY_MEDIA_TYPE, HttpRequest, HttpResponse, Kvk, Oin, Verifier, profiles
from nlgov_jades.errors import ConfigurationError, VerificationError
from nlgov_jades.message import HttpMessage
from nlgov_jades.pki.policies import ANY_POLICY
from nlgov_jades.policy import AnyTrusted
from nlgov_jades.profiles import BodyOctets, Profile
from nlgov_jades.result import VerifiedMessage

from . import reference
from .choices import Choices
from .forging import ITEMS, MEMBERS, VALUES, Forged, forge
from .harness import ACCEPTED, Harness, check, label
from .plain_json import json_object
from .vectors import Vector, certificate_ders, spki_id, vectors

__all__ = ["HARNESSES", "judge"]

BEHIND_THE_HEADER = {
    "INVALID_SIGNATURE",
    "DIGEST_MISMATCH",
    "SIGNING_TIME",
    "CERTIFICATE_PATH",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_NOT_YET_VALID",
    "SIGNER_NOT_ALLOWED",
    "UNSUPPORTED_ALGORITHM",
}
"""Codes of a message whose header the reference takes: of the key and of what comes after it."""

SECRETS = ("Bearer geheim-token", "sessie=geheim-koekje")


def run(data: bytes) -> str:
    forged = forge(Choices(data))
    vector = forged.vector
    message = forged.message.with_fields([("Authorization", SECRETS[0]), ("Cookie", SECRETS[1])])
    secrets = [*SECRETS, *secrets_of(message)]
    try:
        verified = Verifier(trust=vector.trust, policy=vector.policy).verify(message, at=vector.at)
    except VerificationError as error:
        word = label(error, secrets)
        check(forged.is_changed or word == vector.code, f"{vector.id} is refused with {word}")
        check(not is_due(forged, message), f"what the reference takes is refused: {word}")
        _refused_in_two_steps(vector, message, secrets)
        return word
    except ConfigurationError as error:
        # A response that covers (request-target), and the request was not given.
        check(isinstance(message, HttpResponse) and message.request is None, "a message is called a wrong setting")
        return label(error, secrets)
    check(forged.is_changed or vector.code is None, f"{vector.id} is accepted")
    judge(forged, message, verified)
    return ACCEPTED


def secrets_of(message: HttpMessage) -> list[str]:
    """Body and query string, where they are long enough to be recognised."""
    request = message if isinstance(message, HttpRequest) else message.request
    body = message.body if isinstance(message.body, bytes) else b""
    texts = [body.decode("latin-1"), "" if request is None else request.target.partition("?")[2]]
    return [text for text in texts if len(text) > 12]


def _refused_in_two_steps(vector: Vector, message: HttpMessage, secrets: list[str]) -> None:
    """The fields first and the body later gives another order of the steps, and never another answer."""
    verifier = Verifier(trust=vector.trust, policy=vector.policy)
    try:
        verifier.verify_fields(message, at=vector.at).complete(message.body)
    except (VerificationError, ConfigurationError) as error:
        label(error, secrets)
        return
    check(holds=False, what="refused as a whole and accepted in two steps")


# --- the judgement -------------------------------------------------------------------------------------------


def judge(forged: Forged, message: HttpMessage, verified: VerifiedMessage) -> None:
    """Return when this message may be accepted, and what is told about it is so.

    Raises:
        Finding: It may not, or it is not.
    """
    vector = forged.vector
    profile, value = signature_of(message, vector)
    check(value is not None, "accepted without exactly one signature field")
    parsed = reference.jws(value or "")
    header = None if parsed is None else json_object(parsed[1])
    check(header is not None, "accepted with a field or a header that the reference refuses")
    assert parsed is not None
    assert header is not None
    check(reference.header_is_well(header, profile), "accepted with a header that the reference refuses")
    ders = [reference.base64_octets(text) or b"" for text in header["x5c"]]
    check(reference.references_are_well(header, ders), "accepted with a reference to another certificate")
    payload = payload_of(header, message, profile)
    check(payload is not None, "accepted with a payload that the reference cannot make")
    _check_signed(forged, ders[0], f"{parsed[0]}.".encode() + (payload or b""))
    body = message.body
    assert isinstance(body, bytes)
    check(body_fits(message, profile, body), "accepted with another body")
    check(
        media_fits(message, header, vector), "accepted with a Content-Type or -Encoding that nobody signed or expects"
    )
    check(times_fit(header, vector, ders[0]), "accepted at another time")
    check(policy_fits(vector, ders[0]), "accepted against the policy")
    check(is_complete(message), "accepted though it cannot be verified")
    _check_told(verified, message, vector, (parsed, header, ders, profile))


def signature_of(message: HttpMessage, vector: Vector) -> tuple[Profile, str | None]:
    """The profile, and the value of the one signature field."""
    (profile,) = vector.policy.profiles
    known = {known_profile.field_name.lower() for known_profile in profiles.ALL}
    lines = [
        (reference.lower(name), value.strip(" \t")) for name, value in message.fields if reference.lower(name) in known
    ]
    one = len(lines) == 1 and lines[0][0] == profile.field_name.lower()
    return profile, lines[0][1] if one else None


def payload_of(header: dict[str, Any], message: HttpMessage, profile: Profile) -> bytes | None:
    """What follows the dot of the signing input, when the profile may cover that."""
    if isinstance(profile.covers, BodyOctets):
        assert isinstance(message.body, bytes)
        return base64.urlsafe_b64encode(message.body).rstrip(b"=")
    pars = header["sigD"]["pars"]
    return reference.payload(pars, message) if reference.covers(pars, message, profile) else None


def _check_signed(forged: Forged, leaf: bytes, signing_input: bytes) -> None:
    check(leaf in good_leaves(), "a certificate is accepted that no vector accepts")
    certificate = x509.load_der_x509_certificate(leaf)
    pair = (spki_id(certificate.public_key()), hashlib.sha256(signing_input).digest())
    check(pair in forged.signed or pair in signed_in_vectors(), "accepted is what this signer never signed")


@cache
def signed_in_vectors() -> frozenset[tuple[bytes, bytes]]:
    """Who signed what in the vectors."""
    return frozenset(vector.signed for vector in vectors() if vector.signed is not None)


_GOOD_UNDER_ANOTHER_POLICY: dict[str, tuple[str | None, str | None]] = {
    "leaf-confidentiality": ("00000001002220647000", None),
    "leaf-person": (None, None),
    "leaf-two-serial-numbers": (None, None),
}
"""Certificates that only a policy with required certificate policies or with named signers refuses, and every vector that has them
is under such a policy; `policy_fits` judges that."""


@cache
def good_leaves() -> dict[bytes, tuple[str | None, str | None]]:
    """The signers' certificates of accepted vectors, with the OIN and the KVK number that they state."""
    found = {certificate_ders()[name]: identity for name, identity in _GOOD_UNDER_ANOTHER_POLICY.items()}
    for vector in vectors():
        value = signature_of(vector.message, vector)[1]
        parsed = reference.jws(value) if vector.code is None and value is not None else None
        header = json_object(parsed[1]) if parsed is not None else None
        if header is not None:
            found[reference.base64_octets(header["x5c"][0]) or b""] = vector.signer
    return found


def policy_fits(vector: Vector, leaf: bytes) -> bool:
    """Whether a signer's certificate has a policy that is asked for, and names a signer that is allowed."""
    required, signers = set(vector.policy.certificate.policies), vector.policy.signers
    if ANY_POLICY not in required:
        stated = asn1_x509.Certificate.load(leaf).certificate_policies_value or ()
        if required.isdisjoint(item["policy_identifier"].dotted for item in stated):
            return False
    if isinstance(signers, AnyTrusted):
        return True
    oin, kvk = good_leaves()[leaf]
    return bool({*([Oin(oin)] if oin else []), *([Kvk(kvk)] if kvk else [])} & set(signers))


def body_fits(message: HttpMessage, profile: Profile, body: bytes) -> bool:
    """Whether every digest that is stated is the body's."""
    content = reference.values(message, "content-digest")
    if content:
        stated = reference.digests(", ".join(content), content=True)
        if stated is None or not reference.digests_fit(stated, body):
            # The early dialect has no Digest and looks at no other.
            return isinstance(profile.covers, BodyOctets)
    if isinstance(profile.covers, BodyOctets):
        return True
    lines = reference.values(message, "digest")
    stated = reference.digests(lines[0], content=False) if len(lines) == 1 else None
    return stated is not None and reference.digests_fit(stated, body)


def media_fits(message: HttpMessage, header: dict[str, Any], vector: Vector) -> bool:
    """Whether fields that say how to read the body are signed, or say what the policy expects."""
    sigd = header.get("sigD")
    pars = {reference.lower(name) for name in sigd["pars"]} if isinstance(sigd, dict) else set()
    codings = ", ".join(reference.values(message, "content-encoding"))
    if "content-encoding" not in pars and codings:
        accepted = set(vector.policy.content_encodings)
        if not {coding.strip(" \t").lower() for coding in codings.split(",")} <= accepted:
            return False
    media_types = vector.policy.media_types
    if media_types is ANY_MEDIA_TYPE:
        return True
    types = reference.values(message, "content-type")
    if "content-type" in pars:
        return True
    if not types:
        return not message.body
    kind, _, parameter = types[0].lower().partition(";")
    plain = parameter.strip(" \t") in {"", "charset=utf-8", 'charset="utf-8"'}
    return len(types) == 1 and kind.strip(" \t") in set(media_types) and plain


def times_fit(header: dict[str, Any], vector: Vector, leaf: bytes) -> bool:
    """Whether the claimed times are possible."""
    found = reference.times(header)
    if found is None:
        return False
    claimed, expires = found
    at, policy = vector.at.timestamp(), vector.policy
    if expires is not None and at >= expires:
        return False
    if claimed is None:
        return policy.max_age is None
    certificate = x509.load_der_x509_certificate(leaf)
    start, end = certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
    young = policy.max_age is None or at - claimed <= policy.max_age.total_seconds()
    return start <= claimed <= end and claimed - at <= policy.clock_skew.total_seconds() and young


def is_complete(message: HttpMessage) -> bool:
    """Whether the message carries its whole body, under names that everybody reads alike."""
    tokens = set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    if not all(name and set(name) <= tokens for name, _ in message.fields):
        return False
    if isinstance(message, HttpRequest):
        return True
    to_head = message.request is not None and message.request.method == "HEAD"
    return message.status >= 200 and message.status not in {206, 304} and not to_head


def _check_told(
    verified: VerifiedMessage,
    message: HttpMessage,
    vector: Vector,
    found: tuple[tuple[str, bytes, bytes], dict[str, Any], list[bytes], Profile],
) -> None:
    (_, protected, signature), header, ders, profile = found
    check(verified.message is message and verified.body == message.body, "another body is returned")
    check((verified.protected, verified.signature) == (protected, signature), "another signature is returned")
    pars = (
        ["body"]
        if isinstance(profile.covers, BodyOctets)
        else [reference.lower(name) for name in header["sigD"]["pars"]]
    )
    check(list(verified.covered) == pars, "something else is said to be covered")
    check(verified.profile is profile and verified.algorithm == header["alg"], "another profile is told")
    signer = verified.signer
    told = (signer.oin and str(signer.oin), signer.kvk and str(signer.kvk))
    check(told == good_leaves()[ders[0]], "another signer is told")
    check(signer.sha256 == hashlib.sha256(ders[0]).hexdigest(), "another certificate is told")
    check(verified.path[0].public_bytes(Encoding.DER) == ders[0], "another path is told")
    check(verified.path[-1] in vector.trust.anchors, "the path ends elsewhere")
    claimed = (reference.times(header) or (None, None))[0]
    check((verified.signing_time and verified.signing_time.timestamp()) == claimed, "another time is told")
    check(vector.policy.signers is not None and bool(repr(verified)), "no repr")


# --- what must be accepted -----------------------------------------------------------------------------------


def is_due(forged: Forged, message: HttpMessage) -> bool:
    """Whether a message meets every rule and was signed just so, with the very certificates of an accepted vector of its policy.

    The counterpart of `judge`: a verifier that refuses everything would pass that one.
    """
    vector = forged.vector
    profile, value = signature_of(message, vector)
    parsed = reference.jws(value) if value is not None else None
    header = json_object(parsed[1]) if parsed is not None else None
    if parsed is None or header is None or not is_complete(message) or not reference.header_is_well(header, profile):
        return False
    original = signature_of(vector.message, vector)[1]
    first = reference.jws(original) if original is not None else None
    if vector.code is not None or first is None or header["x5c"] != (json_object(first[1]) or {}).get("x5c"):
        return False
    ders = [reference.base64_octets(text) or b"" for text in header["x5c"]]
    payload = payload_of(header, message, profile)
    assert isinstance(message.body, bytes)
    if payload is None or not reference.references_are_well(header, ders):
        return False
    digest = hashlib.sha256(f"{parsed[0]}.".encode() + payload).digest()
    is_own = (digest, parsed[2]) in forged.signatures or (not forged.is_changed and vector.code is None)
    key_id = spki_id(x509.load_der_x509_certificate(ders[0]).public_key())
    return (
        is_own
        and ((key_id, digest) in forged.signed or not forged.is_changed)
        and body_fits(message, profile, message.body)
        and media_fits(message, header, vector)
        and times_fit(header, vector, ders[0])
    )


def _covers_target(vector: Vector) -> bool:
    is_request = isinstance(vector.message, HttpRequest)
    return vector.code is None and is_request and vector.policy.profiles[0] is profiles.ADR_MESSAGE


def seeds() -> list[bytes]:
    """One vector with each value in each member, and every vector as it is, signed again, and with a change of each kind."""
    made = [index.to_bytes(2) for index in range(len(vectors()))]
    answer = next(
        index
        for index, vector in enumerate(vectors())
        if vector.code is None and isinstance(vector.message, HttpResponse)
    ).to_bytes(2)
    made += [answer + bytes([8, 0, 3, status, 1]) for status in range(9)]
    plain = next(index for index, vector in enumerate(vectors()) if vector.code is None).to_bytes(2)
    made += [plain + bytes([6, 0, 0, member, value]) for member in range(len(MEMBERS)) for value in range(len(VALUES))]
    whole = next(index for index, vector in enumerate(vectors()) if _covers_target(vector)).to_bytes(2)
    made += [
        base + bytes([6, 0, 3, which, at, 3, item])
        for base in (plain, whole)
        for which in range(4)
        for at in range(3)
        for item in range(len(ITEMS))
    ]
    # Every certificate as the signer's, with the references to it, signed by every key.
    made += [
        plain + bytes([6, 0, 4, number, 0, 3, 1, 0, 0, 0, 12 + who])
        for number in range(len(certificate_ders()))
        for who in range(6)
    ]
    for index in range(len(vectors())):
        start = index.to_bytes(2)
        made.append(start + bytes([2]))
        kind = index % 5
        made.append(start + bytes([1, 0, kind, index % 7, index % 6, 1]))
        made.append(start + bytes([6, 0, kind, index % 20, index % 30, 1, 0, 0]))
        made.append(start + bytes([8, 0, kind, index % 200, index % 8, 1]))
        made.append(start + bytes([16, 0, 0, index % 2, index % 2, index % 250, index % 8, 1]))
    return made


HARNESSES = (
    Harness(
        "verifier",
        "accepted only when the body, the covered fields and the payload are those that this very key signed, by a signer that a vector "
        "accepts and that is told right; what meets every rule is not refused; no refusal tells a body, query or credential",
        run,
        seeds,
        (b"\x02", b"\x06", b"\x0e", b"\x10", b"\x00\x00"),
        200,
    ),
)
