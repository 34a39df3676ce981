"""Step 6: `sigD`, and the parameters that a profile requires."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from nlgov_jades import HttpRequest, profiles
from nlgov_jades.errors import MalformedSignatureError, ProfileViolationError, VerificationError
from nlgov_jades.jades import check_parameters, read_pars
from nlgov_jades.profiles import HttpHeaders, Profile
from nlgov_jades.sigd import payload_octets

Refused = Callable[..., AbstractContextManager[pytest.ExceptionInfo[VerificationError]]]

HTTP_HEADERS = "http://uri.etsi.org/19182/HttpHeaders"
SIGD: dict[str, Any] = {"mId": HTTP_HEADERS, "pars": ["digest"]}
HEADER: dict[str, Any] = {
    "alg": "PS256",
    "kid": "key-1",
    "x5c": ["AA=="],
    "typ": "JOSE",
    "b64": False,
    "iat": 1_795_319_525,
    "sigD": SIGD,
    "crit": ["b64", "sigD"],
}
NONE = object()
"""As a change: the member is left out."""


def header(**changes: object) -> dict[str, Any]:
    return {name: value for name, value in {**HEADER, **changes}.items() if value is not NONE}


@pytest.mark.parametrize(
    ("pars", "read"),
    [
        (["digest"], ("digest",)),
        (["Digest"], ("digest",)),
        (["(Request-Target)", "HOST", "digest"], ("(request-target)", "host", "digest")),
        ([f"x-{index}" for index in range(32)], tuple(f"x-{index}" for index in range(32))),
        # That nothing is covered is for the profile to refuse.
        ([], ()),
    ],
)
def test_pars_are_read_in_lower_case_and_in_order(pars: list[str], read: tuple[str, ...]) -> None:
    assert read_pars(header(sigD={"mId": HTTP_HEADERS, "pars": pars})) == read


@pytest.mark.parametrize("sigd", [None, [], "x", 1, [SIGD], True])
def test_a_sigd_that_is_no_object_is_malformed(refused: Refused, sigd: object) -> None:
    with refused(MalformedSignatureError, "sigD is not a JSON object"):
        read_pars(header(sigD=sigd))


@pytest.mark.parametrize(
    ("sigd", "words"),
    [
        (NONE, "has no sigD"),
        ({}, "mId of sigD is not"),
        ({"pars": ["digest"]}, "mId of sigD is not"),
        ({**SIGD, "mId": "http://uri.etsi.org/19182/ObjectIdByURI"}, "mId of sigD is not"),
        ({**SIGD, "mId": "http://uri.etsi.org/19182/ObjectIdByURIHash"}, "mId of sigD is not"),
        ({**SIGD, "mId": "https://uri.etsi.org/19182/HttpHeaders"}, "mId of sigD is not"),
        ({**SIGD, "mId": HTTP_HEADERS + "/"}, "mId of sigD is not"),
        ({**SIGD, "mId": HTTP_HEADERS.lower()}, "mId of sigD is not"),
        ({**SIGD, "mId": [HTTP_HEADERS]}, "mId of sigD is not"),
        ({**SIGD, "hashM": "S256"}, "holds more than mId and pars"),
        ({**SIGD, "hashV": []}, "holds more than mId and pars"),
        ({**SIGD, "ctys": []}, "holds more than mId and pars"),
        ({**SIGD, "x": None}, "holds more than mId and pars"),
        ({"mId": HTTP_HEADERS}, "sigD has no pars"),
    ],
)
def test_another_mechanism_is_refused(refused: Refused, sigd: object, words: str) -> None:
    with refused(ProfileViolationError, words):
        read_pars(header(sigD=sigd))


@pytest.mark.parametrize(
    ("pars", "words"),
    [
        (None, "is not a list of texts"),
        ("digest", "is not a list of texts"),
        ({"digest": 1}, "is not a list of texts"),
        (["digest", 1], "is not a list of texts"),
        (["digest", None], "is not a list of texts"),
        ([["digest"]], "is not a list of texts"),
        (["digest", "digest"], "names a field twice"),
        (["digest", "DIGEST"], "names a field twice"),
        ([f"x-{index}" for index in range(33)], "holds more than 32 names"),
    ],
)
def test_pars_of_another_form_are_malformed(refused: Refused, pars: object, words: str) -> None:
    with refused(MalformedSignatureError, f"pars of sigD {words}"):
        read_pars(header(sigD={"mId": HTTP_HEADERS, "pars": pars}))


@pytest.mark.parametrize("name", ["coo\u212aie", "\u212ak"])
def test_a_letter_that_only_looks_like_ascii_is_not_read_as_ascii(refused: Refused, name: str) -> None:
    # U+212A, KELVIN SIGN: `str.lower` makes it a k, and another implementation does not.
    message = HttpRequest(method="GET", target="/", fields=[("Cookie", "1"), ("KK", "2")])
    with refused(ProfileViolationError, "not the name of a field"):
        payload_octets(read_pars(header(sigD={"mId": HTTP_HEADERS, "pars": [name]})), message)


@pytest.mark.parametrize(
    ("changes", "profile"),
    [
        ({}, profiles.DDAS),
        ({"typ": NONE}, profiles.DDAS),
        ({"typ": "jose"}, profiles.DDAS),
        ({"typ": "Jose"}, profiles.DDAS),
        ({"kid": NONE}, profiles.ADR_PAYLOAD),
        ({"jku": "https://evil.example/", "jwk": {}, "x5u": 5, "nonce": [], "cty": None}, profiles.DDAS),
        ({"sigD": NONE, "crit": NONE, "b64": NONE}, profiles.DDAS_BODY),
        ({"x5t#o": {}}, profiles.OOTS_RESPONSE),
    ],
)
def test_the_parameters_of_the_profile_are_accepted(changes: dict[str, Any], profile: Profile) -> None:
    check_parameters(header(**changes), profile)


@pytest.mark.parametrize("value", [None, 5, ["JOSE"], {}, True])
@pytest.mark.parametrize("name", ["typ", "kid"])
def test_typ_and_kid_are_texts(refused: Refused, name: str, value: object) -> None:
    with refused(MalformedSignatureError, "typ and kid are text"):
        check_parameters(header(**{name: value}), profiles.ADR_PAYLOAD)


@pytest.mark.parametrize("typ", ["", "JWT", "JOSE+JSON", "application/jose", "jose ", "jo\u017fe"])
def test_another_typ_is_refused(refused: Refused, typ: str) -> None:
    with refused(ProfileViolationError, "not JOSE"):
        check_parameters(header(typ=typ), profiles.DDAS)


OWN = Profile(
    id="mine",
    field_name="My-Signature",
    covers=HttpHeaders(mandatory=frozenset({"digest"}), order=("digest",)),
    required_parameters=frozenset({"x5c", "iat", "x5t#S256"}),
)


@pytest.mark.parametrize(
    ("changes", "profile", "words"),
    [
        ({"kid": NONE}, profiles.DDAS, "profile ddas requires kid"),
        ({"x5c": NONE}, profiles.ADR_PAYLOAD, "profile adr-payload requires x5c"),
        ({"kid": NONE, "x5c": NONE}, profiles.DDAS, "profile ddas requires kid, x5c"),
        ({}, profiles.OOTS_RESPONSE, "profile oots-response requires x5t#o"),
        ({"iat": NONE}, OWN, "profile mine requires iat, x5t#S256"),
        ({"X5C": [], "x5c": NONE}, profiles.ADR_PAYLOAD, "profile adr-payload requires x5c"),
        ({}, profiles.DDAS_BODY, "profile ddas-body has no sigD"),
    ],
)
def test_a_missing_parameter_of_the_profile_is_refused(
    refused: Refused, changes: dict[str, Any], profile: Profile, words: str
) -> None:
    with refused(ProfileViolationError, words):
        check_parameters(header(**changes), profile)
