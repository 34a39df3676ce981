"""Steps 4 to 6 of a verification: what the protected header says, with one deviation in each test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades import HttpRequest, HttpResponse, Verifier, profiles
from nlgov_jades.errors import (
    ConfigurationError,
    MalformedSignatureError,
    ProfileViolationError,
    UnsupportedAlgorithmError,
    VerificationError,
)

Refuses = Callable[..., VerificationError]
Edit = Callable[[dict[str, Any]], object]

MESSAGE_PARS = ["(request-target)", "host", "content-type", "content-length", "digest"]


def says(**parameters: object) -> Edit:
    """An edit that gives these header parameters these values."""
    return lambda header: header.update(parameters)


def lacks(name: str) -> Edit:
    """An edit that takes this header parameter away."""
    return lambda header: header.pop(name)


def sigd(**members: object) -> Edit:
    """An edit that gives these members of sigD these values."""
    return lambda header: header["sigD"].update(members)


def critical(*names: str) -> Edit:
    """An edit that adds these names to crit."""
    return lambda header: header["crit"].extend(names)


@pytest.mark.parametrize(
    ("kind", "words", "edit"),
    [
        (MalformedSignatureError, "has no alg", lacks("alg")),
        (MalformedSignatureError, "has no alg", says(alg=["PS256"])),
        (MalformedSignatureError, "has no alg", says(alg=None)),
        *(
            (UnsupportedAlgorithmError, f"alg is '{alg}'; profile ddas takes PS256", says(alg=alg))
            for alg in ("none", "None", "HS256", "RS256", "PS384", "ES256", "EdDSA", "ps256", "PS256 ", "")
        ),
        *(
            (ProfileViolationError, "b64 must be there and be false", says(b64=b64))
            for b64 in (True, 0, 0.0, None, "false", [""])
        ),
        (ProfileViolationError, "b64 must be there and be false", lacks("b64")),
        (ProfileViolationError, "crit is absent", lacks("crit")),
        *(
            (MalformedSignatureError, "crit is not a non-empty list of texts", says(crit=crit))
            for crit in ([], "b64", None, ["b64", 1], {"b64": 1})
        ),
        (MalformedSignatureError, "crit names a parameter twice", critical("b64")),
        (MalformedSignatureError, "that the protected header does not have", critical("exp")),
        (MalformedSignatureError, "RFC 7515 does not allow there", critical("alg")),
        (MalformedSignatureError, "RFC 7515 does not allow there", critical("crit")),
        (ProfileViolationError, "crit does not name b64", says(crit=["sigD"])),
        (ProfileViolationError, "crit does not name sigD", says(crit=["b64"])),
        (ProfileViolationError, "crit names 'sigPl'", lambda header: (header.update(sigPl={}), header["crit"].append("sigPl"))),
        (MalformedSignatureError, "sigD is not a JSON object", says(sigD=["digest"])),
        (ProfileViolationError, "mId of sigD is not", lambda header: header["sigD"].pop("mId")),
        (ProfileViolationError, "mId of sigD is not", sigd(mId="http://uri.etsi.org/19182/ObjectIdByURI")),
        (ProfileViolationError, "mId of sigD is not", sigd(mId="HTTP://URI.ETSI.ORG/19182/HttpHeaders")),
        (ProfileViolationError, "sigD holds more than", sigd(hashM="S256")),
        (ProfileViolationError, "sigD has no pars", lambda header: header["sigD"].pop("pars")),
        *(
            (MalformedSignatureError, "pars of sigD is not a list of texts", sigd(pars=pars))
            for pars in ("digest", ["digest", None], None)
        ),
        (MalformedSignatureError, "names a field twice", sigd(pars=["digest", "Digest"])),
        (MalformedSignatureError, "holds more than 32 names", sigd(pars=[f"x-{n}" for n in range(33)])),
        (ProfileViolationError, "does not cover digest", sigd(pars=[])),
        (ProfileViolationError, "does not cover digest", sigd(pars=["content-type"])),
        (ProfileViolationError, "pars must be exactly", sigd(pars=["digest", "content-type"])),
        (ProfileViolationError, "pars must be exactly", sigd(pars=["digest", "(request-target)"])),
        (ProfileViolationError, "typ is 'JWT', not JOSE", says(typ="JWT")),
        (MalformedSignatureError, "typ and kid are text", says(typ=None)),
        (MalformedSignatureError, "typ and kid are text", says(kid=1)),
        (ProfileViolationError, "profile ddas requires kid", lacks("kid")),
        (ProfileViolationError, "profile ddas requires x5c", lacks("x5c")),
    ],
)  # fmt: skip
def test_steps_4_to_6_one_deviation_in_the_header_is_refused(
    refuses: Refuses, kind: type[VerificationError], words: str, edit: Edit
) -> None:
    refuses(kind, words, edit=edit)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (says(b64=False), "profile ddas-body signs base64url(body) and has no b64"),
        (lambda header: (header.pop("b64"), header.pop("sigD")), "profile ddas-body has no crit"),
        (lambda header: (header.pop("b64"), header.pop("crit")), "profile ddas-body has no sigD"),
    ],
    ids=["b64", "crit", "sigD"],
)
def test_the_early_ddas_dialect_has_nothing_that_would_change_its_meaning(
    refuses: Refuses, edit: Edit, words: str
) -> None:
    refuses(ProfileViolationError, words, edit=edit, policy={"profiles": (profiles.DDAS_BODY,)})


# --- 6. message profiles: what must be covered is judged on the message ------------------------------------------


@pytest.mark.parametrize("left_out", MESSAGE_PARS)
def test_step_6_a_field_that_the_message_has_must_be_covered(refuses: Refuses, left_out: str) -> None:
    refuses(
        ProfileViolationError,
        f"the signature does not cover {left_out}",
        edit=sigd(pars=[name for name in MESSAGE_PARS if name != left_out]),
        policy={"profiles": (profiles.ADR_MESSAGE,)},
        field="nlgov-adr-message-sig",
    )


@pytest.mark.parametrize("name", ["Origin", "Content-Encoding", "CONTENT-ENCODING"])
def test_step_6_a_field_that_was_added_behind_the_signers_back_is_refused(refuses: Refuses, name: str) -> None:
    refuses(
        ProfileViolationError,
        f"the signature does not cover {name.lower()}",
        edit=sigd(pars=MESSAGE_PARS),
        policy={"profiles": (profiles.ADR_MESSAGE,)},
        field="nlgov-adr-message-sig",
        received=lambda message: message.with_fields([(name, "identity")]),
    )


def test_step_6_a_field_that_was_taken_away_is_refused(refuses: Refuses) -> None:
    def without_host(message: HttpRequest) -> HttpRequest:
        fields = [line for line in message.fields if line[0] != "Host"]
        return HttpRequest(method=message.method, target=message.target, fields=fields, body=message.body)

    refuses(
        ProfileViolationError,
        "which the message does not have",
        edit=sigd(pars=MESSAGE_PARS),
        policy={"profiles": (profiles.ADR_MESSAGE,)},
        field="nlgov-adr-message-sig",
        received=without_host,
    )


ODD_NAMES = ["", "a b", "x:y", "h\u00f6st", "(request-target", "(status)"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_step_1_a_message_with_a_name_that_is_no_token_is_malformed(
    refuses: Refuses, request_message: HttpRequest, name: str
) -> None:
    # What one server reads as another name and the next one passes over would escape "if present".
    refuses(
        MalformedSignatureError,
        "the message has a field with the name",
        message=request_message.with_fields([(name, "value")]),
    )


@pytest.mark.parametrize("name", ODD_NAMES)
def test_step_6_a_covered_name_that_can_be_none_of_a_field_is_refused(refuses: Refuses, name: str) -> None:
    refuses(
        ProfileViolationError,
        "which the message does not have",
        edit=sigd(pars=[*MESSAGE_PARS, name]),
        policy={"profiles": (profiles.ADR_MESSAGE,)},
        field="nlgov-adr-message-sig",
    )


def test_step_6_a_covered_name_that_is_too_long_is_refused(refuses: Refuses, request_message: HttpRequest) -> None:
    name = "x" * 65
    refuses(
        ProfileViolationError,
        "pars holds something that is not the name of a field",
        message=request_message.with_fields([(name, "value")]),
        edit=sigd(pars=[*MESSAGE_PARS, name]),
        policy={"profiles": (profiles.ADR_MESSAGE,)},
        field="nlgov-adr-message-sig",
    )


def test_step_6_a_covered_name_that_the_message_does_not_have_is_refused(refuses: Refuses) -> None:
    refuses(
        ProfileViolationError,
        "which the message does not have",
        edit=sigd(pars=[*MESSAGE_PARS, "x-request-id"]),
        policy={"profiles": (profiles.ADR_MESSAGE,)},
        field="nlgov-adr-message-sig",
    )


def test_a_message_signature_may_cover_more_and_says_so(
    forge: Callable[..., HttpRequest], verifying: Callable[..., Verifier], request_message: HttpRequest
) -> None:
    pars = [*MESSAGE_PARS, "X-Request-Id"]
    message = request_message.with_fields([("x-request-id", "7")])
    signed = forge(message, field="nlgov-adr-message-sig", edit=sigd(pars=pars))
    assert verifying(profiles=(profiles.ADR_MESSAGE,)).verify(signed).covered == (*MESSAGE_PARS, "x-request-id")


def test_a_covered_request_target_of_a_response_needs_the_request(
    forge: Callable[..., HttpRequest], verifying: Callable[..., Verifier], request_message: HttpRequest
) -> None:
    signed = forge(request_message, field="nlgov-adr-message-sig", edit=sigd(pars=MESSAGE_PARS))
    verifier = verifying(profiles=(profiles.ADR_MESSAGE,))
    answer = HttpResponse(status=200, fields=signed.fields, body=signed.body, request=request_message)
    assert verifier.verify(answer).covered[0] == "(request-target)"
    with pytest.raises(ConfigurationError, match=r"give the request that the response answers \(request=\)"):
        verifier.verify(HttpResponse(status=200, fields=signed.fields, body=signed.body))


def test_step_6_an_empty_kid_is_none(refuses: Refuses) -> None:
    refuses(ProfileViolationError, "profile ddas requires kid", edit=lambda header: header.update(kid=""))
