"""Profiles are data: these tests are the table of the design, and what a profile of one's own may not say."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from nlgov_jades import profiles
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.profiles import (
    BodyOctets,
    CertificateReference,
    HttpHeaders,
    OtherFields,
    Profile,
    SignatureAlgorithm,
)

DIGEST_ONLY = HttpHeaders(mandatory=frozenset({"digest"}), order=("digest",))
MESSAGE_FIELDS = ("(request-target)", "host", "origin", "content-encoding", "content-type", "content-length", "digest")

TABLE: dict[str, tuple[Profile, str, str, set[str], tuple[str, ...] | None]] = {
    "adr-payload": (profiles.ADR_PAYLOAD, "nlgov-adr-payload-sig", "PS256", {"x5c"}, ("digest",)),
    "adr-message": (profiles.ADR_MESSAGE, "nlgov-adr-message-sig", "PS256", {"x5c"}, MESSAGE_FIELDS),
    "logius-payload": (profiles.LOGIUS_PAYLOAD, "Payload-Signature", "PS256", {"x5c"}, ("digest",)),
    "logius-message": (profiles.LOGIUS_MESSAGE, "Message-Signature", "PS256", {"x5c"}, MESSAGE_FIELDS),
    "ddas": (profiles.DDAS, "nlgov-adr-payload-sig", "PS256", {"kid", "x5c"}, ("digest",)),
    "ddas-body": (profiles.DDAS_BODY, "nlgov-adr-payload-sig", "PS256", {"kid", "x5c"}, None),
    "oots-response": (profiles.OOTS_RESPONSE, "oots-response-sig", "ES256", {"x5c", "x5t#o"}, ("digest",)),
}


@pytest.mark.parametrize(("name", "row"), TABLE.items(), ids=TABLE)
def test_a_profile_is_what_the_table_says(
    name: str, row: tuple[Profile, str, str, set[str], tuple[str, ...] | None]
) -> None:
    profile, field_name, algorithm, required, order = row
    assert (profile.id, profile.field_name, profile.algorithm.value) == (name, field_name, algorithm)
    assert profile.required_parameters == required
    assert (None if isinstance(profile.covers, BodyOctets) else profile.covers.order) == order


def test_every_profile_is_found_by_its_id() -> None:
    assert set(profiles.BY_ID) == {profile.id for profile in profiles.ALL} == set(TABLE)
    assert all(profiles.BY_ID[name] is row[0] for name, row in TABLE.items())
    with pytest.raises(TypeError):
        profiles.BY_ID["mine"] = profiles.DDAS  # type: ignore[index] # that it cannot be set is what is tested


@pytest.mark.parametrize("profile", [profiles.ADR_MESSAGE, profiles.LOGIUS_MESSAGE], ids=lambda profile: profile.id)
def test_a_message_profile_covers_what_the_adr_lists(profile: Profile) -> None:
    covers = profile.covers
    assert isinstance(covers, HttpHeaders)
    assert covers.mandatory == {"(request-target)", "digest"}
    assert covers.if_present == {"host", "origin", "content-encoding", "content-type", "content-length"}
    assert covers.others is OtherFields.ALLOWED


@pytest.mark.parametrize(
    "profile",
    [profiles.ADR_PAYLOAD, profiles.LOGIUS_PAYLOAD, profiles.DDAS, profiles.OOTS_RESPONSE],
    ids=lambda profile: profile.id,
)
def test_a_payload_profile_covers_digest_and_nothing_else(profile: Profile) -> None:
    assert profile.covers == DIGEST_ONLY
    assert DIGEST_ONLY.others is OtherFields.REFUSED


def test_only_oots_refers_to_the_certificate_with_sha_512() -> None:
    assert {profile.id for profile in profiles.ALL if profile.reference is CertificateReference.X5T_O} == {
        "oots-response"
    }


@pytest.mark.parametrize("profile", profiles.ALL, ids=lambda profile: profile.id)
def test_a_profile_is_a_value(profile: Profile) -> None:
    assert dataclasses.replace(profile) == profile
    assert hash(dataclasses.replace(profile)) == hash(profile)
    with pytest.raises(dataclasses.FrozenInstanceError):
        profile.field_name = "other"  # type: ignore[misc] # that it cannot be set is what is tested


HEADERS: dict[str, Any] = {
    "mandatory": frozenset({"digest", "x-one"}),
    "if_present": frozenset({"host"}),
    "order": ("x-one", "host", "digest"),
}


def test_a_list_of_fields_of_ones_own_is_accepted() -> None:
    covers = HttpHeaders(**HEADERS)
    assert covers.others is OtherFields.REFUSED
    assert covers.order == ("x-one", "host", "digest")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"order": ("x-one", "digest")}, "orders each", id="a name without a place"),
        pytest.param({"order": ("x-one", "host", "digest", "date")}, "orders each", id="a place without a name"),
        pytest.param({"order": ("x-one", "host", "digest", "host")}, "orders each", id="two places"),
        pytest.param({"order": ()}, "orders each", id="no order"),
        pytest.param({"mandatory": frozenset(), "order": ("host",)}, "orders each", id="nothing mandatory"),
        pytest.param(
            {"mandatory": frozenset({"x-one"}), "if_present": frozenset({"digest", "host"})},
            "leaves the body unsigned",
            id="digest only if present",
        ),
        pytest.param(
            {"mandatory": frozenset({"x-one"}), "order": ("x-one", "host")}, "leaves the body unsigned", id="no digest"
        ),
        pytest.param(
            {"if_present": frozenset({"Host"}), "order": ("x-one", "Host", "digest")}, "in lower case", id="upper case"
        ),
        pytest.param(
            {"if_present": frozenset({"a b"}), "order": ("x-one", "a b", "digest")}, "in lower case", id="no token"
        ),
        pytest.param(
            {"if_present": frozenset({"(created)"}), "order": ("x-one", "(created)", "digest")},
            "in lower case",
            id="another name in brackets",
        ),
        pytest.param(
            {"if_present": frozenset({"a\n"}), "order": ("x-one", "a\n", "digest")}, "in lower case", id="line feed"
        ),
    ],
)
def test_a_list_of_fields_that_cannot_be_signed_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        HttpHeaders(**{**HEADERS, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"others": "refused"},
        {"others": "allowed"},
        {"others": None},
        {"others": False},
        {"mandatory": "digest", "if_present": frozenset(), "order": ("digest",)},
        {"if_present": frozenset({5}), "order": ("x-one", 5, "digest")},
        {"order": ("x-one", "host", "digest", None)},
        {"if_present": None},
        {"order": None},
    ],
    ids=repr,
)
def test_a_list_of_fields_of_another_type_is_refused_and_not_read_as_something_laxer(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        HttpHeaders(**{**HEADERS, **change})


def test_a_profile_of_lists_and_sets_cannot_be_changed_through_them() -> None:
    names, order, required = {"digest"}, ["digest"], {"x5c"}
    lists: dict[str, Any] = {"mandatory": names, "order": order}
    sets: dict[str, Any] = {"required_parameters": required}
    profile = Profile(id="mine", field_name="My-Signature", covers=HttpHeaders(**lists), **sets)
    names.clear()
    order.clear()
    required.clear()
    assert profile == Profile(id="mine", field_name="My-Signature", covers=DIGEST_ONLY)
    assert hash(profile) == hash(Profile(id="mine", field_name="My-Signature", covers=DIGEST_ONLY))


PROFILE: dict[str, Any] = {"id": "mine", "field_name": "My-Signature", "covers": DIGEST_ONLY}


def test_a_profile_of_ones_own_is_accepted() -> None:
    profile = Profile(**PROFILE)
    assert profile.algorithm is SignatureAlgorithm.PS256
    assert profile.required_parameters == {"x5c"}
    assert profile.reference is CertificateReference.X5T_S256


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": ""}, "has an id"),
        ({"field_name": ""}, "name of a field"),
        ({"field_name": "My Signature"}, "name of a field"),
        ({"field_name": "My-Signature:"}, "name of a field"),
        ({"field_name": "My-Signature\n"}, "name of a field"),
        ({"field_name": "Handtekening-\u00e9"}, "name of a field"),
        ({"required_parameters": frozenset({"kid"})}, "requires x5c"),
        ({"required_parameters": frozenset()}, "requires x5c"),
    ],
    ids=repr,
)
def test_a_profile_of_another_form_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Profile(**{**PROFILE, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "PS256"},
        {"algorithm": "none"},
        {"algorithm": None},
        {"covers": None},
        {"covers": BodyOctets},
        {"covers": ("digest",)},
        {"required_parameters": "x5c"},
        {"required_parameters": None},
        {"required_parameters": ("x5c", "kid")},
        {"required_parameters": frozenset({"x5c"}) | frozenset({5})},
        {"reference": "x5t#S256"},
        {"reference": None},
        {"field_name": None},
        {"id": 5},
    ],
    # A set of two has no fixed order.
    ids=lambda change: repr(change) if "required_parameters" not in change else "required_parameters",
)
def test_a_profile_of_another_type_is_refused_before_a_message_meets_it(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Profile(**{**PROFILE, **change})
