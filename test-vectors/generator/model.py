"""What a vector is made of: profile facts, HTTP messages, and the draft that states one deviation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace

from generator.encoding import b64
from generator.signing import SignFunction

AT = "2026-06-15T12:00:00Z"
AT_SECONDS = 1_781_524_800
"""The same moment as `AT`, in seconds since 1970."""
IAT = AT_SECONDS - 5
HTTP_HEADERS = "http://uri.etsi.org/19182/HttpHeaders"

Fields = tuple[tuple[str, str], ...]
Change = Callable[[bytes], bytes]
CHAIN = ("leaf", "tsp-ca", "domain-ca")


@dataclass(frozen=True)
class Profile:
    """The facts about one profile that the generator needs."""

    field: str
    algorithm: str
    dialect: str  # "payload", "message" or "body"
    reference: str | None


PROFILES: Mapping[str, Profile] = {
    "adr-payload": Profile("nlgov-adr-payload-sig", "PS256", "payload", "x5t#S256"),
    "adr-message": Profile("nlgov-adr-message-sig", "PS256", "message", "x5t#S256"),
    "logius-payload": Profile("Payload-Signature", "PS256", "payload", "x5t#S256"),
    "logius-message": Profile("Message-Signature", "PS256", "message", "x5t#S256"),
    "ddas": Profile("nlgov-adr-payload-sig", "PS256", "payload", "x5t#S256"),
    "ddas-body": Profile("nlgov-adr-payload-sig", "PS256", "body", None),
    "oots-response": Profile("oots-response-sig", "ES256", "payload", "x5t#o"),
}


@dataclass(frozen=True, kw_only=True)
class Message:
    """A request (`method` and `target`) or a response (`status`); strings are ISO-8859-1 views of octets."""

    method: str = ""
    target: str = ""
    status: int = 0
    fields: Fields
    body: bytes

    def get(self, name: str) -> list[str]:
        """Return the values of every field line with this name, in order."""
        return [value for other, value in self.fields if other.lower() == name.lower()]

    def plus(self, *lines: tuple[str, str]) -> Message:
        """Return the message with field lines added at the end."""
        return replace(self, fields=self.fields + lines)

    def minus(self, name: str) -> Message:
        """Return the message without the field lines of that name."""
        return replace(self, fields=tuple(line for line in self.fields if line[0].lower() != name.lower()))

    def with_value(self, name: str, value: str) -> Message:
        """Return the message with the value of one field replaced, in place."""
        lines = tuple((other, value if other.lower() == name.lower() else old) for other, old in self.fields)
        return replace(self, fields=lines)


def swap(old: bytes, new: bytes) -> Change:
    """Return a function that replaces the first occurrence of `old`, which must be there."""

    def swapped(octets: bytes) -> bytes:
        if old not in octets:
            raise ValueError(f"nothing to replace: {old!r}")
        return octets.replace(old, new, 1)

    return swapped


BODY = b'{"besluit": "toegekend", "bedrag": 125}\n'


def sha(body: bytes, algorithm: str = "sha256") -> str:
    """Return the padded base64 of a hash, as it stands in a Digest field."""
    return b64(hashlib.new(algorithm, body).digest())


def digest_of(body: bytes) -> str:
    """Return the Digest value that a signer emits."""
    return f"SHA-256={sha(body)}"


def _content(body: bytes, digest: str | None) -> Fields:
    lines: Fields = (("Content-Type", "application/json"), ("Content-Length", str(len(body))))
    value = digest_of(body) if digest is None else digest
    return (*lines, ("Digest", value)) if value else lines


def post(body: bytes = BODY, *, digest: str | None = None, target: str = "/v1/besluiten?jaar=2026") -> Message:
    """Return a plain POST request; an empty `digest` leaves the field out."""
    lines: Fields = (("Host", "api.example.nl"), *_content(body, digest))
    return Message(method="POST", target=target, fields=lines, body=body)


def answer(body: bytes = BODY, *, status: int = 200, digest: str | None = None) -> Message:
    """Return a plain response."""
    return Message(
        status=status, fields=(("Date", "Mon, 15 Jun 2026 11:59:55 GMT"), *_content(body, digest)), body=body
    )


@dataclass(frozen=True)
class Reject:
    """The error that must come out; `sub_indication` None leaves it open."""

    code: str
    sub_indication: str | None


@dataclass(frozen=True)
class Accept:
    """The signature is valid; what the result must say is worked out from the draft."""


ACCEPT = Accept()
MISSING = Reject("SIGNATURE_MISSING", "SIGNED_DATA_NOT_FOUND")
MALFORMED = Reject("MALFORMED_SIGNATURE", "FORMAT_FAILURE")
UNSUPPORTED = Reject("UNSUPPORTED_ALGORITHM", "CRYPTO_CONSTRAINTS_FAILURE")
VIOLATION = Reject("PROFILE_VIOLATION", "SIG_CONSTRAINTS_FAILURE")
INVALID = Reject("INVALID_SIGNATURE", "SIG_CRYPTO_FAILURE")
MISMATCH = Reject("DIGEST_MISMATCH", "HASH_FAILURE")
TIME = Reject("SIGNING_TIME", "SIG_CONSTRAINTS_FAILURE")
NO_PATH = Reject("CERTIFICATE_PATH", "NO_CERTIFICATE_CHAIN_FOUND")
CONSTRAINTS = Reject("CERTIFICATE_PATH", "CHAIN_CONSTRAINTS_FAILURE")
BAD_PATH = Reject("CERTIFICATE_PATH", None)
EXPIRED = Reject("CERTIFICATE_EXPIRED", "EXPIRED")
NOT_YET = Reject("CERTIFICATE_NOT_YET_VALID", "NOT_YET_VALID")
NOT_ALLOWED = Reject("SIGNER_NOT_ALLOWED", "SIG_CONSTRAINTS_FAILURE")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What the verifier is told; the defaults accept any trusted signer."""

    at: str = AT
    signers: tuple[str, ...] | None = None
    max_age: int | None = None
    media_types: tuple[str, ...] | None = None
    content_encodings: tuple[str, ...] = ()
    require_policies: tuple[str, ...] = ()


POLICY = Policy()


@dataclass(frozen=True)
class Draft:
    """One vector before it is signed; whatever a case does not state is valid."""

    id: str
    description: str
    expected: Accept | Reject
    _: KW_ONLY
    profile: str = "adr-payload"
    policy: Policy = POLICY
    anchors: tuple[str, ...] = ("root",)
    intermediates: tuple[str, ...] = ()
    chain: tuple[str, ...] = CHAIN
    key: str | None = None
    """Name of the key that signs; None: the key of the signer's certificate."""
    signer: str | None = None
    """Name of the certificate that signs and that the references name; None: the first of `chain`."""
    message: Message = field(default_factory=post)
    request: Message | None = None
    pars: tuple[str, ...] | None = None
    members: Mapping[str, object] = field(default_factory=dict)
    """Header members set on top of the usual ones: an existing one keeps its place."""
    drop: tuple[str, ...] = ()
    header: Change | None = None
    """Changes the octets of the protected header before signing."""
    segment: Callable[[str], str] | None = None
    """Changes the base64url text of the header before signing."""
    payload: Change | None = None
    """Changes the payload octets before signing: the signer signs something else than the rule says."""
    sign: SignFunction | None = None
    signature: Change | None = None
    """Changes the signature octets after signing."""
    value: Callable[[str], str] | None = None
    """Changes the field value after signing."""
    received: Callable[[Message], Message] | None = None
    """Changes the message, signature field included, after signing."""
    unsigned: bool = False
    """No signature field at all."""
    modelled_on: str | None = None
    """The published suite that has cases of this kind."""

    @property
    def rule(self) -> str:
        """The rule that the vector tests: the start of its id; the earlier one of an `order-` vector."""
        section, number, *_ = self.id.split("-")
        return f"{'read' if section == 'order' else section}-{number}"
