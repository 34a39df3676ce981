"""Section 1 of the wire format: which octets are signed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from generator.model import (
    ACCEPT,
    BODY,
    INVALID,
    MALFORMED,
    Accept,
    Change,
    Draft,
    Message,
    Reject,
    answer,
    digest_of,
    post,
    sha,
    swap,
)
from generator.signing import leading_zero, pss

_FULL = ("(request-target)", "host", "content-type", "content-length", "digest")


def _message(
    name: str,
    description: str,
    expected: Accept | Reject,
    *,
    pars: tuple[str, ...] | None = None,
    message: Message | None = None,
    request: Message | None = None,
    payload: Change | None = None,
    received: Callable[[Message], Message] | None = None,
) -> Draft:
    """Return a draft in the message profile."""
    return Draft(
        name,
        description,
        expected,
        profile="adr-message",
        pars=pars,
        message=message or post(),
        request=request,
        payload=payload,
        received=received,
    )


def _with_note(*values: str) -> Message:
    return post().plus(*(("X-Note", value) for value in values))


_NOTE = (*_FULL, "x-note")


def _lines() -> Iterator[Draft]:
    yield Draft("octets-1-payload", "One line for one name, without a newline at the end.", ACCEPT)
    yield _message("octets-1-message", "One line per name, joined with a single LF, in the order of pars.", ACCEPT)
    yield _message(
        "octets-1-order-of-pars",
        "The lines follow the order of pars, not that of the message.",
        ACCEPT,
        pars=("digest", "content-length", "content-type", "host", "(request-target)"),
    )
    yield _message(
        "octets-1-order-of-message",
        "The signer used the order of the message instead of the order of pars.",
        INVALID,
        pars=("digest", *_FULL[:-1]),
        payload=lambda octets: b"\n".join([*octets.split(b"\n")[1:], octets.split(b"\n")[0]]),
    )
    yield Draft(
        "octets-1-trailing-newline",
        "The signer added a newline at the end.",
        INVALID,
        payload=lambda o: o + b"\n",
    )
    yield Draft(
        "octets-1-no-space-after-colon",
        "The signer left out the space after the colon.",
        INVALID,
        payload=swap(b": ", b":"),
    )
    yield _message(
        "octets-1-crlf",
        "The signer joined the lines with CRLF.",
        INVALID,
        payload=lambda octets: octets.replace(b"\n", b"\r\n"),
    )


def _names() -> Iterator[Draft]:
    yield Draft("octets-2-pars-mixed-case", "pars spells Digest; the payload has digest.", ACCEPT, pars=("Digest",))
    yield Draft(
        "octets-2-field-upper-case",
        "The field line spells DIGEST; the payload has digest.",
        ACCEPT,
        message=replace(post(), fields=tuple((n.upper(), v) for n, v in post().fields)),
    )
    yield Draft(
        "octets-2-name-not-lowered",
        "The signer kept the capital of Digest in the payload.",
        INVALID,
        pars=("Digest",),
        payload=swap(b"digest", b"Digest"),
    )


def _values() -> Iterator[Draft]:
    yield Draft(
        "octets-3-outer-whitespace",
        "Spaces and tabs around the value are not signed.",
        ACCEPT,
        message=post(digest=f" \t{digest_of(BODY)}\t "),
    )
    yield _message(
        "octets-3-inner-whitespace",
        "Spaces and a tab inside the value are signed as they are.",
        ACCEPT,
        pars=_NOTE,
        message=_with_note("a  b \t c"),
    )
    yield _message(
        "octets-3-whitespace-collapsed",
        "The signer collapsed the spaces inside the value.",
        INVALID,
        pars=_NOTE,
        message=_with_note("a  b"),
        payload=swap(b"a  b", b"a b"),
    )
    yield Draft(
        "octets-3-whitespace-signed",
        "The signer did not trim the value.",
        INVALID,
        message=post(digest=f"{digest_of(BODY)} "),
        payload=lambda octets: octets + b" ",
    )
    yield Draft(
        "octets-3-recomputed-value",
        "The signer signed SHA-256= and sent sha-256= with the same hash.",
        INVALID,
        message=post(digest=f"sha-256={sha(BODY)}"),
        payload=swap(b"sha-256", b"SHA-256"),
    )


def _repeats() -> Iterator[Draft]:
    yield _message(
        "octets-4-two-instances",
        "Two lines of a covered field are trimmed and joined with a comma and a space.",
        ACCEPT,
        pars=_NOTE,
        message=_with_note(" one ", "two\t"),
    )
    yield _message(
        "octets-4-instances-apart",
        "The two lines stand apart and differ in the case of the name.",
        ACCEPT,
        pars=_NOTE,
        message=replace(post(), fields=(("X-NOTE", "one"), *post().fields, ("x-note", "two"))),
    )
    yield _message(
        "octets-4-one-instance-empty",
        "One of the two lines is empty and still takes part in the joining.",
        ACCEPT,
        pars=_NOTE,
        message=_with_note("", "two"),
    )
    yield _message(
        "octets-4-joined-without-space",
        "The signer joined the two values with a bare comma.",
        INVALID,
        pars=_NOTE,
        message=_with_note("one", "two"),
        payload=swap(b"one, two", b"one,two"),
    )
    yield _message(
        "octets-4-instances-swapped",
        "The two lines changed places after signing.",
        INVALID,
        pars=_NOTE,
        message=_with_note("one", "two"),
        payload=swap(b"one, two", b"two, one"),
    )


def _empty() -> Iterator[Draft]:
    pars = ("(request-target)", "host", "origin", "content-type", "content-length", "digest")
    message = post().plus(("Origin", ""))
    yield _message(
        "octets-5-empty-value",
        "An empty covered value keeps the space after the colon.",
        ACCEPT,
        pars=pars,
        message=message,
    )
    yield _message(
        "octets-5-only-whitespace",
        "A covered value of spaces and tabs counts as empty.",
        ACCEPT,
        pars=pars,
        message=post().plus(("Origin", " \t ")),
    )
    yield _message(
        "octets-5-empty-value-without-space",
        "The signer left out the space of the empty value.",
        INVALID,
        pars=pars,
        message=message,
        payload=swap(b"origin: ", b"origin:"),
    )


def _target() -> Iterator[Draft]:
    strange = "/v1/%7Euser/a%2fb//c?x=1&y=%20&x=2&z"
    yield _message("octets-6-query", "The target is signed with its query.", ACCEPT)
    yield _message(
        "octets-6-escapes",
        "The target is signed exactly as sent, escapes included.",
        ACCEPT,
        message=post(target=strange),
    )
    yield _message(
        "octets-6-lower-case-method",
        "The method is signed in lower case, also an unusual one.",
        ACCEPT,
        message=replace(post(), method="PATCH"),
    )
    yield _message(
        "octets-6-method-not-lowered",
        "The signer kept the method in upper case.",
        INVALID,
        payload=swap(b"post", b"POST"),
    )
    yield _message(
        "octets-6-without-query",
        "The signer left out the query.",
        INVALID,
        payload=swap(b"?jaar=2026", b""),
    )
    yield _message(
        "octets-6-normalised",
        "The signer decoded an escape in the target.",
        INVALID,
        message=post(target=strange),
        payload=swap(b"%7E", b"~"),
    )
    yield _message(
        "octets-6-target-changed",
        "The query changed after signing.",
        INVALID,
        received=lambda message: replace(message, target="/v1/besluiten?jaar=2025"),
    )
    yield _message(
        "octets-6-method-changed",
        "The method changed after signing.",
        INVALID,
        received=lambda message: replace(message, method="PUT"),
    )


def _octets() -> Iterator[Draft]:
    for name, octet in (
        ("nul", "\0"),
        ("lf", "\nx-other: "),
        ("cr", "\r"),
        ("escape", "\x1b"),
        ("del", "\x7f"),
        ("non-ascii", "\xe9"),
    ):
        what = {"lf": "an LF, which would start another line"}.get(name, f"octet 0x{ord(octet[0]):02X}")
        yield _message(
            f"octets-7-{name}",
            f"A covered value holds {what}.",
            MALFORMED,
            pars=_NOTE,
            message=_with_note(f"a{octet}b"),
        )
    yield Draft(
        "octets-7-digest-non-ascii",
        "The covered Digest holds an octet outside ASCII, in a hash that is not used.",
        MALFORMED,
        message=post(digest=f"{digest_of(BODY)}, x=\xe9"),
    )
    yield _message(
        "octets-7-not-covered",
        "A field that is not covered may hold octets outside ASCII.",
        ACCEPT,
        message=post().plus(("X-Note", "caf\xe9")),
    )
    printable = "".join(chr(octet) for octet in range(0x20, 0x7F))
    yield _message(
        "octets-7-all-allowed",
        "A covered value with every allowed octet.",
        ACCEPT,
        pars=_NOTE,
        message=_with_note(f"<{printable}\t>"),
    )


def _responses() -> Iterator[Draft]:
    pars = ("(request-target)", "content-type", "content-length", "digest")
    asked = Message(method="GET", target="/v1/besluiten/1", fields=(("Host", "api.example.nl"),), body=b"")
    yield _message(
        "octets-8-response",
        "A response covers the target of the request that it answers.",
        ACCEPT,
        pars=pars,
        message=answer(),
        request=asked,
    )
    yield _message(
        "octets-8-other-request",
        "The response was signed for another request.",
        INVALID,
        pars=pars,
        message=answer(),
        request=asked,
        payload=swap(b"besluiten/1", b"besluiten/2"),
    )
    yield _message(
        "octets-8-own-host-only",
        "A response need not cover the Host of its request: only its own fields count.",
        ACCEPT,
        pars=pars,
        message=answer(status=201),
        request=replace(post(), target="/v1/besluiten"),
    )


def _algorithms() -> Iterator[Draft]:
    yield Draft(
        "octets-9-ps256-rsa3072",
        "PS256 with a modulus of 3072 bits.",
        ACCEPT,
        chain=("leaf-rsa3072", "tsp-ca", "domain-ca"),
    )
    yield Draft(
        "octets-9-es256",
        "ES256 in the raw form of 64 octets.",
        ACCEPT,
        profile="oots-response",
        chain=("leaf-p256", "tsp-ca", "domain-ca"),
        message=answer(),
    )
    for length in (0, 20, 31, 33, 222):
        yield Draft(
            f"octets-9-salt-{length}",
            f"The salt of the RSASSA-PSS signature has {length} octets instead of 32.",
            INVALID,
            sign=pss(salt_length=length),
        )
    yield Draft(
        "octets-9-leading-zero",
        "The signature number is small: its first octet is zero and is sent.",
        ACCEPT,
        sign=leading_zero,
    )
    yield Draft(
        "octets-9-leading-zero-left-out",
        "The signature number is small and its first octet, zero, is not sent.",
        INVALID,
        sign=leading_zero,
        signature=lambda octets: octets[1:],
    )
    yield Draft(
        "octets-9-mgf1-sha512",
        "The mask generation function uses SHA-512.",
        INVALID,
        sign=pss(mgf_digest="sha512"),
    )


def drafts() -> Iterator[Draft]:
    """Return the drafts of section 1."""
    for group in (_lines, _names, _values, _repeats, _empty, _target, _octets, _responses, _algorithms):
        yield from group()
