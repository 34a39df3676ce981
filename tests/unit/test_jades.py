"""The protected header: what is written, and what every parameter must be when it is read.

Step 6 is in `test_jades_sigd.py`, certificates and the references to them in `test_jades_certificates.py`.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest

from nlgov_jades import profiles
from nlgov_jades.errors import (
    MalformedSignatureError,
    ProfileViolationError,
    SigningTimeError,
    UnsupportedAlgorithmError,
    VerificationError,
)
from nlgov_jades.jades import (
    SigningTimes,
    build_header,
    check_algorithm,
    check_critical,
    read_times,
)
from nlgov_jades.profiles import Profile

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


# --- building ------------------------------------------------------------------------------------------------


def build(profile: Profile, **changes: Any) -> bytes:
    arguments: dict[str, Any] = {
        "kid": "k/1",
        "certificates": [b"\x00\x01", b"\xff"],
        "pars": ("digest",),
        "iat": 1_795_319_525,
        "reference": {"x5t#S256": "abc"},
    }
    return build_header(profile=profile, **{**arguments, **changes})


def test_the_header_is_the_compact_json_of_the_wire_format() -> None:
    assert build(profiles.DDAS) == (
        b'{"alg":"PS256","kid":"k/1","x5t#S256":"abc","x5c":["AAE=","/w=="],"typ":"JOSE","b64":false,"iat":1795319525,'
        b'"sigD":{"mId":"http://uri.etsi.org/19182/HttpHeaders","pars":["digest"]},"crit":["b64","sigD"]}'
    )


def test_what_is_optional_is_left_out() -> None:
    assert build(profiles.ADR_MESSAGE, kid=None, iat=None, reference={}, pars=("(request-target)", "digest")) == (
        b'{"alg":"PS256","x5c":["AAE=","/w=="],"typ":"JOSE","b64":false,"sigD":{"mId":'
        b'"http://uri.etsi.org/19182/HttpHeaders","pars":["(request-target)","digest"]},"crit":["b64","sigD"]}'
    )


def test_the_early_dialect_has_no_sigd_no_b64_no_crit_and_no_time() -> None:
    assert json.loads(build(profiles.DDAS_BODY, reference={})) == {
        "alg": "PS256",
        "kid": "k/1",
        "x5c": ["AAE=", "/w=="],
        "typ": "JOSE",
    }


def test_the_algorithm_is_that_of_the_profile() -> None:
    assert json.loads(build(profiles.OOTS_RESPONSE))["alg"] == "ES256"


def test_a_kid_beyond_ascii_is_written_as_utf_8() -> None:
    assert '"kid":"sleutel-é"'.encode() in build(profiles.DDAS, kid="sleutel-é")


# --- step 4 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "profile"),
    [
        ({}, profiles.DDAS),
        ({}, profiles.ADR_MESSAGE),
        ({"alg": "ES256"}, profiles.OOTS_RESPONSE),
        ({"b64": NONE}, profiles.DDAS_BODY),
    ],
)
def test_the_algorithm_and_b64_of_the_profile_are_accepted(changes: dict[str, Any], profile: Profile) -> None:
    check_algorithm(header(**changes), profile)


@pytest.mark.parametrize("alg", [NONE, None, 256, ["PS256"], {"PS256": 1}, True])
def test_an_alg_that_is_no_text_is_malformed(refused: Refused, alg: object) -> None:
    with refused(MalformedSignatureError, "the protected header has no alg"):
        check_algorithm(header(alg=alg), profiles.DDAS)


@pytest.mark.parametrize(
    "alg",
    ["none", "None", "", "HS256", "RS256", "RS1", "PS384", "PS512", "ES256", "EdDSA", "ps256", "PS256 ", "PS256\x00"],
)
def test_another_algorithm_is_refused(refused: Refused, alg: str) -> None:
    with refused(UnsupportedAlgorithmError, "profile ddas takes PS256"):
        check_algorithm(header(alg=alg), profiles.DDAS)


def test_the_algorithm_of_another_profile_is_refused(refused: Refused) -> None:
    with refused(UnsupportedAlgorithmError, "alg is 'PS256'; profile oots-response takes ES256"):
        check_algorithm(header(), profiles.OOTS_RESPONSE)


def test_an_algorithm_is_shown_escaped_and_cut(refused: Refused) -> None:
    with refused(UnsupportedAlgorithmError, r"alg is '\x1b\x5bm") as caught:
        check_algorithm(header(alg="\x1b[m" + "x" * 10_000), profiles.DDAS)
    assert len(caught.value.detail) < 250


@pytest.mark.parametrize("b64", [NONE, True, None, 0, 0.0, "false", "", [], {}, [False]])
def test_b64_is_false_and_nothing_that_looks_like_it(refused: Refused, b64: object) -> None:
    with refused(ProfileViolationError, "b64 must be there and be false"):
        check_algorithm(header(b64=b64), profiles.DDAS)


@pytest.mark.parametrize("b64", [False, True, None])
def test_the_early_dialect_takes_no_b64(refused: Refused, b64: object) -> None:
    with refused(ProfileViolationError, "has no b64"):
        check_algorithm(header(b64=b64), profiles.DDAS_BODY)


# --- step 5 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("crit", "more"),
    [
        (["b64", "sigD"], {}),
        (["sigD", "b64"], {}),
        (["sigD", "b64", "iat"], {}),
        (["sigT", "x5t#o", "sigX5ts", "sigD", "b64", "exp"], {"sigT": "x", "x5t#o": {}, "sigX5ts": [], "exp": 1}),
    ],
)
def test_critical_parameters_that_are_processed_are_accepted(crit: list[str], more: dict[str, Any]) -> None:
    check_critical(header(crit=crit, **more), profiles.DDAS)


@pytest.mark.parametrize("crit", [None, [], "b64", {"b64": 1, "sigD": 2}, ["b64", "sigD", 5], [["b64"]], True])
def test_a_crit_that_is_no_list_of_texts_is_malformed(refused: Refused, crit: object) -> None:
    with refused(MalformedSignatureError, "crit is not a non-empty list of texts"):
        check_critical(header(crit=crit), profiles.DDAS)


@pytest.mark.parametrize(
    ("crit", "words"),
    [
        (["b64", "sigD", "b64"], "names a parameter twice"),
        (["b64", "sigD", "sigT"], "that the protected header does not have"),
        (["b64", "sigD", ""], "that the protected header does not have"),
        (["b64", "sigD", "B64"], "that the protected header does not have"),
        (["b64", "sigD", "alg"], "that RFC 7515 does not allow there"),
        (["b64", "sigD", "crit"], "that RFC 7515 does not allow there"),
        (["b64", "sigD", "x5c"], "that RFC 7515 does not allow there"),
        (["alg"], "that RFC 7515 does not allow there"),
    ],
)
def test_a_crit_that_rfc_7515_forbids_is_malformed(refused: Refused, crit: list[str], words: str) -> None:
    with refused(MalformedSignatureError, words):
        check_critical(header(crit=crit), profiles.DDAS)


@pytest.mark.parametrize(
    "name",
    [
        "alg",
        "jku",
        "jwk",
        "kid",
        "x5u",
        "x5c",
        "x5t",
        "x5t#S256",
        "typ",
        "cty",
        "crit",
        "enc",
        "zip",
        "epk",
        "apu",
        "apv",
        "iv",
        "tag",
        "p2s",
        "p2c",
    ],
)
def test_no_registered_name_may_be_critical(refused: Refused, name: str) -> None:
    more = {name: HEADER.get(name, "x"), "crit": ["b64", "sigD", name]}
    with refused(MalformedSignatureError, "that RFC 7515 does not allow there"):
        check_critical(header(**more), profiles.DDAS)


@pytest.mark.parametrize(
    ("crit", "words"),
    [
        (NONE, "crit is absent"),
        (["b64"], "crit does not name sigD"),
        (["sigD"], "crit does not name b64"),
        (["iat"], "crit does not name b64, sigD"),
        (["b64", "sigD", "sigPId"], "crit names 'sigPId', which this library does not process"),
        (["b64", "sigD", "nonce"], "crit names 'nonce'"),
        (["b64", "sigD", "[red]"], r"crit names '\x5bred]'"),
    ],
)
def test_a_crit_that_asks_for_too_little_or_too_much_is_refused(refused: Refused, crit: object, words: str) -> None:
    with refused(ProfileViolationError, words):
        check_critical(header(crit=crit, sigPId={}, nonce="x", **{"[red]": 1}), profiles.DDAS)


def test_the_early_dialect_takes_no_crit(refused: Refused) -> None:
    check_critical(header(crit=NONE), profiles.DDAS_BODY)
    for crit in (["b64"], [], None):
        with refused(ProfileViolationError, "profile ddas-body has no crit"):
            check_critical(header(crit=crit), profiles.DDAS_BODY)


# --- step 10 -------------------------------------------------------------------------------------------------

SIGNED_AT = dt.datetime(2026, 6, 15, 12, 0, 0, tzinfo=dt.UTC)
LAST = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("times", "claimed", "expires"),
    [
        ({}, None, None),
        ({"iat": 1_781_524_800}, SIGNED_AT, None),
        ({"sigT": "2026-06-15T12:00:00Z"}, SIGNED_AT, None),
        ({"exp": 1_781_524_800}, None, SIGNED_AT),
        ({"iat": 0, "exp": 253402300799}, dt.datetime.fromtimestamp(0, dt.UTC), LAST),
        ({"sigT": "9999-12-31T23:59:59Z"}, LAST, None),
    ],
)
def test_times_are_read_as_utc(times: Mapping[str, Any], claimed: dt.datetime, expires: dt.datetime) -> None:
    read = read_times(times)
    assert read == SigningTimes(claimed=claimed, expires=expires)
    assert all(time is None or time.utcoffset() == dt.timedelta(0) for time in (read.claimed, read.expires))


@pytest.mark.parametrize("value", [None, "1781524800", 1781524800.0, True, False, -1, [1], {}, 1.5])
@pytest.mark.parametrize("name", ["iat", "exp"])
def test_a_time_in_seconds_is_a_whole_number(refused: Refused, name: str, value: object) -> None:
    with refused(MalformedSignatureError, f"{name} is not a whole number of seconds"):
        read_times({name: value})


@pytest.mark.parametrize("value", [253402300800, 1_781_524_800_000, 10**18])
@pytest.mark.parametrize("name", ["iat", "exp"])
def test_a_time_beyond_the_year_9999_is_refused(refused: Refused, name: str, value: int) -> None:
    with refused(SigningTimeError, f"{name} is beyond the year 9999"):
        read_times({name: value})


@pytest.mark.parametrize(
    "value",
    [
        None,
        1781524800,
        "",
        "2026-06-15",
        "2026-06-15T12:00:00",
        "2026-06-15 12:00:00Z",
        "2026-06-15t12:00:00z",
        "2026-06-15T12:00:00+00:00",
        "2026-06-15T14:00:00+02:00",
        "2026-06-15T12:00:00.0Z",
        "2026-06-15T12:00Z",
        "20260615T120000Z",
        "2026-06-15T12:00:00Z\n",
        "２026-06-15T12:00:00Z",  # noqa: RUF001 - a fullwidth digit
        "12026-06-15T12:00:00Z",
    ],
)
def test_a_sigt_of_another_form_is_malformed(refused: Refused, value: object) -> None:
    with refused(MalformedSignatureError, "sigT is not a UTC time of the form"):
        read_times({"sigT": value})


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-29T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "2026-00-01T12:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-06-15T24:00:00Z",
        "2026-06-15T25:00:00Z",
        "2026-06-15T12:00:60Z",
    ],
)
def test_a_sigt_that_does_not_exist_is_malformed(refused: Refused, value: str) -> None:
    with refused(MalformedSignatureError, "sigT is not a time that exists"):
        read_times({"sigT": value})


@pytest.mark.parametrize("iat", [1_781_524_800, 0])
def test_iat_and_sigt_together_are_refused(refused: Refused, iat: int) -> None:
    with refused(SigningTimeError, "has both iat and sigT"):
        read_times({"iat": iat, "sigT": "2026-06-15T12:00:00Z"})
