"""Section 3, rule 6: sigD, and what the profile and the policy demand of header and message."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from generator.build import default_pars
from generator.encoding import b64url
from generator.model import (
    ACCEPT,
    BODY,
    HTTP_HEADERS,
    MALFORMED,
    VIOLATION,
    Draft,
    Message,
    Policy,
    Reject,
    post,
    sha,
)

GZIP_BODY = base64.b64decode("H4sIAAAAAAACA6tWSkotzinNLFGyUlAqyU9NT81OzUtR0lEAiqcUJaYDhQ2NTGu5AMrZZTIoAAAA")
"""A gzip member, kept as octets because compressors differ."""


def _sigd() -> Iterator[Draft]:
    def with_sigd(name: str, text: str, expected: Reject, value: object) -> Draft:
        return Draft(f"read-6-{name}", text, expected, members={"sigD": value})

    yield with_sigd("sigd-array", "sigD is an array.", MALFORMED, ["digest"])
    yield with_sigd("sigd-null", "sigD is null.", MALFORMED, None)
    yield with_sigd("pars-string", "pars is a string.", MALFORMED, {"mId": HTTP_HEADERS, "pars": "digest"})
    yield with_sigd(
        "pars-number-inside", "pars holds a number.", MALFORMED, {"mId": HTTP_HEADERS, "pars": ["digest", 1]}
    )
    yield with_sigd(
        "pars-repeated", "pars names digest twice.", MALFORMED, {"mId": HTTP_HEADERS, "pars": ["digest"] * 2}
    )
    yield with_sigd(
        "pars-repeated-other-case",
        "pars names digest and Digest.",
        MALFORMED,
        {"mId": HTTP_HEADERS, "pars": ["digest", "Digest"]},
    )
    for name, uri in (
        ("https", HTTP_HEADERS.replace("http:", "https:")),
        ("lower-case", HTTP_HEADERS.lower()),
        ("trailing-slash", f"{HTTP_HEADERS}/"),
        ("object-id-by-uri", "http://uri.etsi.org/19182/ObjectIdByURI"),
    ):
        yield with_sigd(f"mid-{name}", f"mId is {uri}.", VIOLATION, {"mId": uri, "pars": ["digest"]})
    yield with_sigd("mid-absent", "mId is absent.", VIOLATION, {"pars": ["digest"]})
    for member, value in (
        ("hashM", "S256"),
        ("hashV", [b64url(b"x" * 32)]),
        ("ctys", ["application/json"]),
        ("x", 1),
    ):
        yield with_sigd(
            f"sigd-{member.lower()}",
            f"sigD has the member {member}.",
            VIOLATION,
            {"mId": HTTP_HEADERS, "pars": ["digest"], member: value},
        )


def _payload_pars() -> Iterator[Draft]:
    for name, pars in (
        ("empty", ()),
        ("other-field", ("content-type",)),
        ("extra-field", ("digest", "content-type")),
        ("request-target", ("(request-target)", "digest")),
    ):
        text = f"pars is {list(pars)} in a payload profile.".replace("'", '"')
        yield Draft(f"read-6-pars-{name}", text, VIOLATION, pars=pars)
    yield Draft(
        "read-6-no-digest-field",
        "pars names digest and the message has no Digest.",
        VIOLATION,
        message=post(digest=""),
    )
    yield Draft(
        "read-6-content-digest-only",
        "The message has Content-Digest instead of Digest.",
        VIOLATION,
        message=post(digest="").plus(("Content-Digest", f"sha-256=:{sha(BODY)}:")),
    )


def _message(name: str, text: str, message: Message, without: str) -> Draft:
    pars = default_pars(Draft("", "", ACCEPT, profile="adr-message", message=message))
    return Draft(
        f"read-6-{name}",
        text,
        VIOLATION,
        profile="adr-message",
        message=message,
        pars=tuple(p for p in pars if p != without),
    )


def _message_pars() -> Iterator[Draft]:
    rich = post(GZIP_BODY).plus(("Origin", "https://example.nl"), ("Content-Encoding", "gzip"))
    for name in (
        "(request-target)",
        "digest",
        "host",
        "origin",
        "content-encoding",
        "content-type",
        "content-length",
    ):
        label = name.strip("()")
        yield _message(f"not-covered-{label}", f"The message has {label} and pars does not name it.", rich, name)
    yield Draft(
        "read-6-message-all-fields",
        "pars names every field that the message profile knows; the body is signed in its gzip form.",
        ACCEPT,
        profile="adr-message",
        message=rich,
    )
    yield Draft(
        "read-6-message-minimum",
        "The message has no other field than Digest, and pars names no other.",
        ACCEPT,
        profile="adr-message",
        message=Message(method="POST", target="/", fields=post(b"").fields[-1:], body=b""),
    )
    yield Draft(
        "read-6-message-extra-field",
        "pars names one more field than the profile asks for.",
        ACCEPT,
        profile="adr-message",
        pars=("(request-target)", "host", "content-type", "content-length", "digest", "x-request-id"),
        message=post().plus(("X-Request-Id", "7f3c")),
    )
    yield Draft(
        "read-6-field-added",
        "Somebody added an Origin after signing.",
        VIOLATION,
        profile="adr-message",
        received=lambda message: message.plus(("Origin", "https://evil.example")),
    )
    yield Draft(
        "read-6-field-removed",
        "Somebody removed the Content-Type after signing.",
        VIOLATION,
        profile="adr-message",
        received=lambda message: message.minus("content-type"),
    )
    yield Draft(
        "read-6-pars-absent-field",
        "pars names a field that the message does not have; the signer signed it as empty.",
        VIOLATION,
        profile="adr-message",
        pars=("(request-target)", "host", "content-type", "content-length", "digest", "x-request-id"),
    )


def _profile_demands() -> Iterator[Draft]:
    yield Draft("read-6-typ-absent", "typ is absent.", ACCEPT, drop=("typ",))
    yield Draft("read-6-typ-lower-case", "typ is written in lower case.", ACCEPT, members={"typ": "jose"})
    yield Draft("read-6-typ-jwt", "typ is JWT.", VIOLATION, members={"typ": "JWT"})
    yield Draft("read-6-typ-jose-json", "typ is JOSE+JSON.", VIOLATION, members={"typ": "JOSE+JSON"})
    yield Draft(
        "read-6-ddas-kid-absent",
        "kid is absent, which DDAS requires.",
        VIOLATION,
        profile="ddas",
        drop=("kid",),
    )
    yield Draft("read-6-adr-kid-absent", "kid is absent, which the ADR does not require.", ACCEPT, drop=("kid",))
    yield Draft("read-6-kid-number", "kid is a number.", MALFORMED, members={"kid": 1})
    yield Draft("read-6-kid-null", "kid is null.", MALFORMED, profile="ddas", members={"kid": None})


def _content() -> Iterator[Draft]:
    gzip = post(GZIP_BODY).plus(("Content-Encoding", "gzip"))
    yield Draft("read-6-gzip", "The body of a payload signature is gzip-encoded.", VIOLATION, message=gzip)
    yield Draft(
        "read-6-gzip-allowed",
        "The policy allows gzip; the digest is that of the encoded body.",
        ACCEPT,
        message=gzip,
        policy=Policy(content_encodings=("gzip",)),
    )
    yield Draft(
        "read-6-br-not-allowed",
        "The policy allows gzip and the message says br.",
        VIOLATION,
        message=post().plus(("Content-Encoding", "br")),
        policy=Policy(content_encodings=("gzip",)),
    )
    yield Draft(
        "read-6-identity",
        "The content encoding is identity.",
        ACCEPT,
        message=post().plus(("Content-Encoding", "identity")),
    )
    yield Draft(
        "read-6-encoding-added",
        "Somebody added Content-Encoding to a payload signature.",
        VIOLATION,
        received=lambda message: message.plus(("Content-Encoding", "gzip")),
    )
    json_only = Policy(media_types=("application/json",))
    yield Draft(
        "read-6-media-type-listed",
        "The policy names the media type of the message.",
        ACCEPT,
        policy=json_only,
    )
    yield Draft(
        "read-6-media-type-parameter",
        "The media type has another case and a parameter.",
        ACCEPT,
        policy=json_only,
        message=post().with_value("content-type", "Application/JSON; charset=utf-8"),
    )
    yield Draft(
        "read-6-media-type-changed",
        "Somebody changed Content-Type to one that the policy does not name.",
        VIOLATION,
        policy=json_only,
        received=lambda message: message.with_value("content-type", "text/html"),
    )


def drafts() -> Iterator[Draft]:
    """Return the drafts of rule 6."""
    for group in (_sigd, _payload_pars, _message_pars, _profile_demands, _content):
        yield from group()
