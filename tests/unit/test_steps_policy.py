"""What the policy decides (steps 6, 10, 12): unsigned fields, times, who may sign, and what is told about the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from nlgov_jades import (
    ANY_MEDIA_TYPE,
    ANY_TRUSTED,
    HttpRequest,
    Kvk,
    Oin,
    RevocationPolicy,
    Verifier,
    profiles,
)
from nlgov_jades.errors import (
    MalformedSignatureError,
    ProfileViolationError,
    SignerNotAllowedError,
    SigningTimeError,
    VerificationError,
)
from nlgov_jades.notice import NoticeCode
from nlgov_jades.testing import Hierarchy, Issued

Forge = Callable[..., HttpRequest]
Refuses = Callable[..., VerificationError]
Verifying = Callable[..., Verifier]

IAT = 1781524800  # NOW of the tests
NOW = dt.datetime.fromtimestamp(IAT, dt.UTC)
OTHER_OIN = Oin("00000003123456780000")
MESSAGE_PARS = ["(request-target)", "host", "content-type", "content-length", "digest"]


def seconds(number: float) -> dt.timedelta:
    return dt.timedelta(seconds=number)


def with_lines(message: HttpRequest, name: str, values: Sequence[str]) -> HttpRequest:
    """The message with these lines in the place of all others of this name."""
    fields = [line for line in message.fields if line[0].lower() != name.lower()]
    fields += [(name, value) for value in values]
    return HttpRequest(method=message.method, target=message.target, fields=fields, body=message.body)


# --- 6. Content-Type, not covered --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    ["application/json", "application/problem+json", "APPLICATION/JSON", "application/json; charset=utf-8",
     "application/json ;charset=utf-8"],
)  # fmt: skip
def test_an_unsigned_content_type_of_an_api_is_accepted(
    forge: Forge, verifier: Verifier, request_message: HttpRequest, value: str
) -> None:
    assert verifier.verify(forge(with_lines(request_message, "Content-Type", [value]))).body == request_message.body


@pytest.mark.parametrize(
    "value",
    ["text/html", "application/jsonx", "application/json, text/html", "text/html, application/json", "json", "", "*/*",
     "application/json\x00", "application /json", "\xa0application/json"],
)  # fmt: skip
def test_step_6_an_unsigned_content_type_of_something_else_is_refused(refuses: Refuses, value: str) -> None:
    refuses(
        ProfileViolationError,
        "is not covered by the signature and not among the media types of the policy",
        received=lambda message: with_lines(message, "Content-Type", [value]),
    )


def test_step_6_an_unsigned_content_type_that_is_repeated_is_refused(refuses: Refuses) -> None:
    refuses(
        ProfileViolationError,
        "Content-Type is there more than once and is not covered by the signature",
        received=lambda message: with_lines(message, "Content-Type", ["application/json"] * 2),
    )


def test_a_policy_may_pin_other_media_types(
    forge: Forge, verifying: Verifying, refuses: Refuses, request_message: HttpRequest
) -> None:
    xml = {"media_types": {"application/xml"}}
    signed = forge(with_lines(request_message, "Content-Type", ["application/xml"]))
    assert verifying(**xml).verify(signed).body == request_message.body
    refuses(ProfileViolationError, "Content-Type 'application/json' is not covered by the signature", policy=xml)


@pytest.mark.parametrize("values", [[], ["text/html"], ["text/html", "text/plain"]], ids=["none", "html", "two"])
def test_any_media_type_is_accepted_only_when_the_policy_says_so_and_then_it_is_told(
    forge: Forge, verifying: Verifying, request_message: HttpRequest, values: list[str]
) -> None:
    verified = verifying(media_types=ANY_MEDIA_TYPE).verify(forge(with_lines(request_message, "Content-Type", values)))
    assert NoticeCode.CONTENT_TYPE_UNSIGNED in {notice.code for notice in verified.notices}


def test_step_9_a_body_without_content_type_is_refused(refuses: Refuses) -> None:
    refuses(
        ProfileViolationError,
        "the message has a body and no Content-Type, and the policy pins media types",
        received=lambda message: with_lines(message, "Content-Type", []),
    )


def test_no_body_needs_no_content_type(forge: Forge, verifier: Verifier, request_message: HttpRequest) -> None:
    assert verifier.verify(forge(with_lines(request_message, "Content-Type", []).with_body(b""))).body == b""


def test_a_content_type_that_is_covered_is_the_signers_business(
    forge: Forge, verifying: Verifying, request_message: HttpRequest
) -> None:
    signed = forge(
        with_lines(request_message, "Content-Type", ["text/html"]),
        field="nlgov-adr-message-sig",
        edit=lambda header: header["sigD"].update(pars=MESSAGE_PARS),
    )
    verified = verifying(profiles=(profiles.ADR_MESSAGE,), media_types=ANY_MEDIA_TYPE).verify(signed)
    assert NoticeCode.CONTENT_TYPE_UNSIGNED not in {notice.code for notice in verified.notices}
    assert verifying(profiles=(profiles.ADR_MESSAGE,)).verify(signed).body == request_message.body


# --- 6. Content-Encoding, not covered ----------------------------------------------------------------------------


@pytest.mark.parametrize("values", [["identity"], ["IDENTITY"], [""], ["identity", "identity"]])
def test_a_body_that_is_not_encoded_may_say_so(
    forge: Forge, verifier: Verifier, request_message: HttpRequest, values: list[str]
) -> None:
    signed = with_lines(forge(request_message), "Content-Encoding", values)
    assert verifier.verify(signed).body == request_message.body


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["gzip"], "Content-Encoding 'gzip' is not covered"),
        (["identity, gzip"], "Content-Encoding 'gzip' is not covered"),
        (["identity", "br"], "Content-Encoding 'br' is not covered"),
        (["identity,"], "Content-Encoding '' is not covered"),
        (["identity;q=1"], "Content-Encoding 'identity;q=1' is not covered"),
        (["\x1b[31mgzip"], r"Content-Encoding '\x1b\x5b31mgzip' is not covered"),
    ],
    ids=["gzip", "in a list", "in a second line", "an empty one", "with a weight", "escape sequence"],
)
def test_step_6_an_unsigned_content_encoding_is_refused(refuses: Refuses, values: list[str], words: str) -> None:
    refuses(ProfileViolationError, words, received=lambda message: with_lines(message, "Content-Encoding", values))


def test_a_policy_may_accept_a_content_encoding_and_then_only_that(
    forge: Forge, verifying: Verifying, refuses: Refuses, request_message: HttpRequest
) -> None:
    gzip = {"content_encodings": {"gzip"}}
    signed = with_lines(forge(request_message), "Content-Encoding", ["gzip"])
    assert verifying(**gzip).verify(signed).body == request_message.body
    refuses(
        ProfileViolationError,
        "Content-Encoding 'identity' is not covered",
        policy=gzip,
        received=lambda message: with_lines(message, "Content-Encoding", ["identity"]),
    )


# --- 10. times ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "changes"),
    [
        ({"iat": IAT + 60}, {}),
        ({"iat": IAT}, {"clock_skew": seconds(0)}),
        ({"iat": IAT + 3600}, {"clock_skew": seconds(3600)}),
        ({"iat": IAT - 300}, {"max_age": seconds(300)}),
        ({"iat": IAT}, {"max_age": seconds(0)}),
        ({"iat": IAT - 30 * 86_400}, {}),
        ({"exp": IAT + 1}, {}),
        ({"exp": IAT + 1, "iat": IAT - 10}, {"max_age": seconds(10)}),
    ],
)
def test_times_up_to_the_limit_are_accepted(
    forge: Forge, verifying: Verifying, request_message: HttpRequest, header: dict[str, int], changes: dict[str, Any]
) -> None:
    verified = verifying(**changes).verify(forge(request_message, edit=lambda made: made.update(header)))
    assert verified.signing_time == dt.datetime.fromtimestamp(header.get("iat", IAT), dt.UTC)


@pytest.mark.parametrize(
    ("header", "changes", "words"),
    [
        ({"iat": IAT + 61}, {}, "the signing time 2026-06-15T12:01:01+00:00 is in the future; it is 2026-06-15T12:00:00"),
        ({"iat": IAT + 1}, {"clock_skew": seconds(0)}, "is in the future"),
        ({"iat": IAT - 301}, {"max_age": seconds(300)}, "the signing time 2026-06-15T11:54:59+00:00 is more than 300 s ago"),
        ({"iat": IAT - 30 * 86_400 - 1}, {}, "outside the validity of the signer's certificate"),
        ({"iat": 0}, {}, "outside the validity of the signer's certificate"),
        ({"iat": 253402300799}, {}, "outside the validity of the signer's certificate"),
        ({"iat": IAT * 1000}, {}, "iat is beyond the year 9999: it is in seconds, not milliseconds"),
        ({"exp": IAT}, {}, "the signature expired at 2026-06-15T12:00:00+00:00 (exp)"),
        ({"exp": 0}, {}, "the signature expired at 1970-01-01T00:00:00+00:00 (exp)"),
        ({"sigT": "2026-06-15T12:00:00Z"}, {}, "has both iat and sigT"),
    ],
)  # fmt: skip
def test_step_10_times_beyond_the_limit_are_refused(
    refuses: Refuses, header: dict[str, object], changes: dict[str, Any], words: str
) -> None:
    refuses(SigningTimeError, words, edit=lambda made: made.update(header), policy=changes)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        *(({"iat": value}, "iat is not a whole number of seconds") for value in ("1781524800", 1.5, 1e9, True, -1, None, [1])),
        *(({"exp": value}, "exp is not a whole number of seconds") for value in ("1781524800", 1.5, False, -1)),
    ],
)  # fmt: skip
def test_step_10_a_time_of_another_form_is_refused(refuses: Refuses, header: dict[str, object], words: str) -> None:
    refuses(MalformedSignatureError, words, edit=lambda made: made.update(header))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("2026-06-15T12:00:00", "sigT is not a UTC time of the form"),
        ("2026-06-15T14:00:00+02:00", "sigT is not a UTC time of the form"),
        ("2026-06-15T12:00:00.0Z", "sigT is not a UTC time of the form"),
        ("2026-06-15", "sigT is not a UTC time of the form"),
        ("\u0662026-06-15T12:00:00Z", "sigT is not a UTC time of the form"),
        (IAT, "sigT is not a UTC time of the form"),
        ("2026-02-30T12:00:00Z", "sigT is not a time that exists"),
        ("2026-06-15T12:00:60Z", "sigT is not a time that exists"),
    ],
)
def test_step_10_a_sigt_of_another_form_is_refused(refuses: Refuses, value: object, words: str) -> None:
    refuses(MalformedSignatureError, words, edit=lambda made: (made.pop("iat"), made.update(sigT=value)))


def test_step_10_a_signature_without_time_is_refused_where_its_age_is_limited(refuses: Refuses) -> None:
    refuses(
        SigningTimeError,
        "the signature states no signing time (iat), and the policy limits its age",
        edit=lambda header: header.pop("iat"),
        policy={"max_age": seconds(10**8)},
    )


def test_a_signing_time_in_sigt_counts_like_iat(
    forge: Forge, verifying: Verifying, refuses: Refuses, request_message: HttpRequest
) -> None:
    def edit(header: dict[str, Any]) -> None:
        del header["iat"]
        header["sigT"] = "2026-06-15T11:55:00Z"

    verified = verifying(max_age=seconds(300)).verify(forge(request_message, edit=edit))
    assert verified.signing_time == NOW - seconds(300)
    refuses(SigningTimeError, "is more than 299 s ago", edit=edit, policy={"max_age": seconds(299)})


def test_step_10_a_signing_time_after_the_certificates_end_is_refused(
    refuses: Refuses, hierarchy: Hierarchy, issued: Issued
) -> None:
    ending = hierarchy.tsp.issue(key=issued.key, not_after=NOW + seconds(10))
    refuses(
        SigningTimeError,
        "outside the validity of the signer's certificate",
        signer=ending,
        edit=lambda header: header.update(iat=IAT + 11),
    )


# --- 12. who signed ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "signers",
    [
        {Oin("00000001002220647000")},
        {Kvk("12345678")},
        {OTHER_OIN, Kvk("12345678")},
        [Oin("00000001002220647000"), OTHER_OIN],
        ANY_TRUSTED,
    ],
    ids=["by OIN", "by KVK number", "one of two kinds", "one of a list", "any"],
)
def test_a_signer_that_the_policy_names_is_accepted(
    forge: Forge, verifying: Verifying, request_message: HttpRequest, signers: Any
) -> None:
    verified = verifying(signers=signers).verify(forge(request_message))
    assert verified.signer.oin == Oin("00000001002220647000")
    assert verified.signer.kvk == Kvk("12345678")


@pytest.mark.parametrize("signers", [{OTHER_OIN}, {Kvk("87654321")}, {OTHER_OIN, Kvk("87654321")}])
def test_step_12_a_signer_that_the_policy_does_not_name_is_refused(refuses: Refuses, signers: set[Oin | Kvk]) -> None:
    error = refuses(
        SignerNotAllowedError,
        "the signer, OIN 00000001002220647000 and KVK 12345678, is not among those the policy allows",
        policy={"signers": signers},
    )
    assert isinstance(error, SignerNotAllowedError)
    assert error.identity.oin == Oin("00000001002220647000")


def test_step_12_a_certificate_without_identity_passes_under_any_trusted_only(
    forge: Forge, verifying: Verifying, refuses: Refuses, hierarchy: Hierarchy, issued: Issued
) -> None:
    nobody = hierarchy.tsp.issue(key=issued.key, oin=None)
    message = HttpRequest(method="POST", target="/", body=b"")
    assert verifying().verify(forge(message, signer=nobody)).signer.oin is None
    error = refuses(
        SignerNotAllowedError,
        "the signer's certificate holds neither an OIN nor a KVK number",
        signer=nobody,
        policy={"signers": {Oin("00000001002220647000"), Kvk("12345678")}},
    )
    assert isinstance(error, SignerNotAllowedError)
    assert (error.identity.oin, error.identity.kvk) == (None, None)


def test_an_oin_with_the_kvk_prefix_speaks_for_its_kvk_number(
    forge: Forge, verifying: Verifying, request_message: HttpRequest, hierarchy: Hierarchy, issued: Issued
) -> None:
    company = hierarchy.tsp.issue(key=issued.key, oin="00000003123456780000")
    verified = verifying(signers={Kvk("12345678")}).verify(forge(request_message, signer=company))
    assert verified.signer.kvk == Kvk("12345678")


# --- notices -----------------------------------------------------------------------------------------------------

ALWAYS = {NoticeCode.SMALL_KEY, NoticeCode.AGE_UNLIMITED, NoticeCode.REVOCATION_UNCHECKED, NoticeCode.ANY_SIGNER}


@pytest.fixture(scope="session")
def strong(hierarchy: Hierarchy) -> Issued:
    """A signer with a key of the size that ETSI recommends."""
    return hierarchy.tsp.issue(key=rsa.generate_private_key(public_exponent=65537, key_size=3072))


def codes(verifier: Verifier, message: HttpRequest) -> set[NoticeCode]:
    notices = verifier.verify(message).notices
    assert len({notice.code for notice in notices}) == len(notices)
    return {notice.code for notice in notices}


def test_the_loosest_policy_is_told_in_full(forge: Forge, verifier: Verifier, request_message: HttpRequest) -> None:
    assert codes(verifier, forge(request_message)) == ALWAYS


def test_a_strict_policy_and_a_strong_key_leave_only_what_the_policy_switched_off(
    forge: Forge, verifying: Verifying, request_message: HttpRequest, strong: Issued
) -> None:
    strict = verifying(signers={Oin("00000001002220647000")}, max_age=seconds(300))
    assert strict.policy.revocation == RevocationPolicy.OFF
    assert codes(strict, forge(request_message, signer=strong)) == {NoticeCode.REVOCATION_UNCHECKED}


def test_a_signature_without_time_is_told(forge: Forge, verifier: Verifier, request_message: HttpRequest) -> None:
    signed = forge(request_message, edit=lambda header: header.pop("iat"))
    assert codes(verifier, signed) == ALWAYS | {NoticeCode.NO_SIGNING_TIME}


@pytest.mark.parametrize(
    ("issue", "code"),
    [
        ({"oin": "00000001123456789000"}, NoticeCode.RSIN_CHECK),
        ({"policies": ["2.16.528.1.1003.1.2.41.16.25.4"]}, NoticeCode.TRIAL_CERTIFICATE),
    ],
    ids=["RSIN that fails the eleven-test", "TRIAL hierarchy"],
)
def test_an_odd_certificate_is_accepted_and_told(
    forge: Forge, verifier: Verifier, hierarchy: Hierarchy, issue: dict[str, Any], code: NoticeCode
) -> None:  # fmt: skip
    message = HttpRequest(method="POST", target="/", body=b"")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert codes(verifier, forge(message, signer=hierarchy.tsp.issue(key=key, **issue))) == ALWAYS | {code}
