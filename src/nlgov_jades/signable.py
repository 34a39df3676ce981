"""Whether a message can be signed as it is, and what its Digest becomes. No key is known here."""

from __future__ import annotations

import re
from collections.abc import Collection

from .digest import DigestAlgorithm, compare, digest_field_value, parse_content_digest, parse_digest
from .errors import MessageNotSignableError, quoted
from .message import HttpMessage, HttpResponse
from .steps import is_verifiable

__all__ = ["check_signable", "check_unsigned", "digest_lines"]

_BREAKS = re.compile(r"[\r\n\0]")


def check_signable(message: HttpMessage) -> None:
    """Return when the message is one of which a receiver gets all that is signed, under names that everybody reads alike.

    Raises:
        MessageNotSignableError: It is an answer without a whole body, a name is no token, or a value has a CR, LF or NUL,
            covered or not: it would be two fields on the wire, or none (RFC 9110 §5.5).
    """
    if isinstance(message, HttpResponse) and not is_verifiable(message):
        raise MessageNotSignableError(f"an answer to HEAD or with status {message.status} has no whole body to sign")
    if message.fields.odd_names:
        raise MessageNotSignableError(f"the message has a field with the name {quoted(message.fields.odd_names[0])}")
    values = " ".join([value for _, value in message.fields])
    if "\n" not in values and "\r" not in values and "\0" not in values:
        return
    name = next(name for name, value in message.fields if _BREAKS.search(value))
    raise MessageNotSignableError(f"the field {quoted(name)} holds a CR, an LF or a NUL")


def check_unsigned(message: HttpMessage, signature_fields: Collection[str]) -> None:
    """Return when the message carries no signature yet.

    Args:
        message: As it will be sent.
        signature_fields: Names of the fields that carry one, in lower case.

    Raises:
        MessageNotSignableError: It does.
    """
    for name in message.fields.among(signature_fields):
        raise MessageNotSignableError(f"the message already has the signature field {name}")


def digest_lines(message: HttpMessage) -> list[tuple[str, str]]:
    """The Digest line to add; none when an equal one is there (RFC 3230 §4.3.2).

    Raises:
        MessageNotSignableError: There is more than one, or one without SHA-256.
        VerificationError: A digest that is there is malformed, or another body's.
    """
    content = message.fields.combined("content-digest")
    if content is not None:
        compare(parse_content_digest(content), message.body, "Content-Digest")
    present = message.fields.get_all("digest")
    if len(present) > 1:
        raise MessageNotSignableError("the message has more than one field Digest")
    if present:
        stated = parse_digest(present[0])
        if DigestAlgorithm.SHA_256 not in stated:
            raise MessageNotSignableError("the message has a Digest without SHA-256, which receivers ask for")
        compare(stated, message.body)
        return []
    return [("Digest", digest_field_value(message.body))]
