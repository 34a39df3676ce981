"""Steps 1 to 3 of a verification, each with one deviation from a message that is accepted (wire format section 3)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades import HttpRequest, Verifier, profiles
from nlgov_jades.errors import MalformedSignatureError, SignatureMissingError, VerificationError
from nlgov_jades.profiles import Profile

Forge = Callable[..., HttpRequest]
Refused = Callable[..., Any]
Refuses = Callable[..., VerificationError]
Edit = Callable[[dict[str, Any]], object]

FIELD = "nlgov-adr-payload-sig"


def b64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def with_field(message: HttpRequest, change: Callable[[str], str]) -> HttpRequest:
    """The message with another value in its signature field."""
    fields = [(name, change(value) if name.lower() == FIELD else value) for name, value in message.fields]
    return HttpRequest(method=message.method, target=message.target, fields=fields, body=message.body)


# --- what is accepted ----------------------------------------------------------------------------------------


def test_the_message_from_which_all_others_deviate_is_accepted(
    forge: Forge, verifier: Verifier, request_message: HttpRequest
) -> None:
    verified = verifier.verify(forge(request_message))
    assert verified.body == request_message.body
    assert verified.covered == ("digest",)


@pytest.mark.parametrize(
    "edit",
    [
        lambda header: header.update(typ="jose"),
        lambda header: header.pop("typ"),
        lambda header: header.pop("iat"),
        lambda header: header.pop("x5t#S256"),
        lambda header: header.update({"https://example.test/other": [1, {"a": None}]}),
        lambda header: header.update(jku="https://attacker.test/jwks", jwk={"kty": "oct"}, x5u="https://attacker.test"),
        lambda header: header.update(crit=["sigD", "b64"]),
        lambda header: header.update(crit=["b64", "sigD", "iat"]),
        lambda header: header["sigD"].update(pars=["Digest"]),
        lambda header: (header.pop("iat"), header.update(sigT="2026-06-15T11:59:59Z", crit=["b64", "sigD", "sigT"])),
    ],
    ids=["typ in lower case", "no typ", "no iat", "no reference", "unknown parameter", "jku, jwk and x5u",
         "crit in another order", "crit with iat", "Digest in pars", "sigT, critical"],
)  # fmt: skip
def test_what_the_standards_leave_open_is_accepted(
    forge: Forge, verifier: Verifier, request_message: HttpRequest, edit: Edit
) -> None:
    assert verifier.verify(forge(request_message, edit=edit)).body == request_message.body


# --- 1. the field --------------------------------------------------------------------------------------------


def test_step_1_a_message_without_signature_is_refused(
    refused: Refused, verifier: Verifier, request_message: HttpRequest
) -> None:
    with refused(SignatureMissingError, "the message has no field nlgov-adr-payload-sig"):
        verifier.verify(request_message)


def test_step_1_a_signature_of_a_profile_that_is_not_accepted_is_none(
    forge: Forge, refused: Refused, verifier: Verifier, request_message: HttpRequest
) -> None:
    with refused(SignatureMissingError, "the message has the field payload-signature, which the policy does not"):
        verifier.verify(forge(request_message, field="Payload-Signature"))


@pytest.mark.parametrize("name", [FIELD, FIELD.upper()])
def test_step_1_a_repeated_field_is_refused_even_when_both_are_the_same(refuses: Refuses, name: str) -> None:
    refuses(
        MalformedSignatureError,
        "the field nlgov-adr-payload-sig is there 2 times",
        received=lambda message: message.with_fields([(name, message.fields.get_all(FIELD)[0])]),
    )


@pytest.mark.parametrize("other", sorted({profile.field_name for profile in profiles.ALL} - {FIELD}))
@pytest.mark.parametrize("value", ["", "a..b"])
def test_step_1_two_signature_fields_are_refused_whatever_the_other_is(
    refuses: Refuses, other: str, value: str
) -> None:
    refuses(
        MalformedSignatureError,
        f"two signature fields: {FIELD} and {other.lower()}",
        received=lambda message: message.with_fields([(other, value)]),
    )


def test_the_fields_of_profiles_that_a_policy_adds_are_known_as_well() -> None:
    own = Profile(id="own", field_name="X-Own-Signature", covers=profiles.DDAS.covers)
    assert profiles.signature_fields((own, profiles.DDAS)) == (
        "nlgov-adr-payload-sig",
        "nlgov-adr-message-sig",
        "payload-signature",
        "message-signature",
        "oots-response-sig",
        "x-own-signature",
    )


# --- 1 to 3. form, size, base64url, JSON ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda value: f"{value}, {value}", "more than one value, joined with a comma"),
        (lambda value: f"{value},", "more than one value, joined with a comma"),
        (lambda value: f"{value}==", "padded with '='"),
        (lambda value: value.replace("..", ".ZGlnZXN0."), "holds the payload; it must be detached"),
        (lambda value: value.replace("..", "."), "not of the form header..signature"),
        (lambda value: value.replace("..", "..."), "not of the form header..signature"),
        (lambda value: value.partition("..")[0] + "..", "not of the form header..signature"),
        (lambda value: ".." + value.partition("..")[2], "not of the form header..signature"),
        (lambda _: "", "not of the form header..signature"),
        (lambda value: f'"{value}"', "not of the form header..signature"),
        (lambda value: value.replace("..", ".. "), "not of the form header..signature"),
        (lambda value: f"{value}\r\n", "not of the form header..signature"),
        (lambda value: f"{value}\n", "not of the form header..signature"),
        (lambda value: f"\xa0{value}", "not of the form header..signature"),
        (lambda value: value.replace("..", "AAAAA.."), "the protected header is not base64url without padding"),
        (lambda value: f"{value[:-1]}", "the signature is not base64url without padding"),
        (lambda value: value[:-1] + chr(ord(value[-1]) + 1), "the signature is not canonical base64url"),
        (lambda value: "A" * 32_768 + value, "the signature field is longer than 32768 characters"),
        (lambda value: f"{b64url(bytes([255, 254]))}..{value.partition('..')[2]}", "is not UTF-8"),
    ],
    ids=["two values", "a comma behind", "padded", "attached", "one dot", "three dots", "no signature", "no header",
         "empty", "quoted", "a space inside", "CR LF behind", "LF behind", "no-break space", "header of 4n+1",
         "signature of 4n+1", "unused bits set", "too long", "not UTF-8"],
)  # fmt: skip
def test_steps_1_to_3_another_form_of_the_value_is_refused(
    refuses: Refuses, change: Callable[[str], str], words: str
) -> None:
    refuses(MalformedSignatureError, words, received=lambda message: with_field(message, change))


def test_spaces_and_tabs_around_the_value_are_not_part_of_it(
    forge: Forge, verifier: Verifier, request_message: HttpRequest
) -> None:
    assert verifier.verify(with_field(forge(request_message), lambda value: f" \t{value}\t ")).body


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (lambda text: "\ufeff" + text, "is not JSON"),
        (lambda text: text + " x", "is not JSON"),
        (lambda text: f"[{text}]", "is not a JSON object"),
        (lambda text: text.replace('"iat":', '"iat":1,"iat":'), "names a member twice"),
        (lambda text: text.replace('"iat":', '"\\u0069at":1,"iat":'), "names a member twice"),
        (lambda text: text.replace('"pars":', '"pars":["digest"],"pars":'), "names a member twice"),
        (lambda text: text.replace('"typ"', '"x":NaN,"typ"'), "holds NaN or Infinity"),
        (lambda text: text.replace('"typ"', '"x":-Infinity,"typ"'), "holds NaN or Infinity"),
        (lambda text: text.replace('"typ"', '"x":1e999,"typ"'), "a number that is too large"),
        (lambda text: text.replace('"typ"', f'"x":{"9" * 5000},"typ"'), "a number that is too large"),
        (lambda text: text.replace('"typ"', '"x":"\\ud800","typ"'), "half a surrogate pair"),
        (lambda text: text.replace('"typ"', f'"x":{"[" * 9}{"]" * 9},"typ"'), "nests deeper than 8 levels"),
        (lambda text: "[" * 20_000 + text, "nests deeper than 8 levels"),
        (lambda text: text.replace('"', "'"), "is not JSON"),
        (lambda text: text[:-1] + ",}", "is not JSON"),
    ],
    ids=["byte order mark", "text behind", "list", "iat twice", "iat twice, escaped", "pars twice", "NaN", "Infinity",
         "overflow", "5000 digits", "lone surrogate", "nine levels", "20000 levels", "single quotes", "trailing comma"],
)  # fmt: skip
def test_step_3_a_header_that_is_not_one_strict_json_object_is_refused(
    refuses: Refuses, text: Callable[[str], str], words: str
) -> None:
    refuses(MalformedSignatureError, words, text=text)
