"""What a verifier accepts: nothing that is empty, missing or misspelt means "no check"."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest

from nlgov_jades import (
    ANY_MEDIA_TYPE,
    ANY_TRUSTED,
    CertificateRequirements,
    Kvk,
    Oin,
    RevocationPolicy,
    VerificationPolicy,
    profiles,
)
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.pki.policies import ANY_POLICY
from nlgov_jades.policy import JSON, ExtendedKeyUsages, RevocationMode
from nlgov_jades.profiles import HttpHeaders, Profile

OIN = Oin("00000001002220647000")
POLICY: dict[str, Any] = {"profiles": (profiles.DDAS,), "signers": {OIN}}
SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
HOUR = dt.timedelta(hours=1)


def test_what_is_not_said_is_the_strict_choice() -> None:
    policy = VerificationPolicy(**POLICY)
    assert policy.revocation is RevocationPolicy.HARD_FAIL
    assert policy.certificate is CertificateRequirements.GENERIC
    assert policy.max_age is None
    assert policy.clock_skew == dt.timedelta(seconds=60)
    assert policy.media_types == JSON == {"application/json", "application/problem+json"}
    assert policy.content_encodings == {"identity"}


@pytest.mark.parametrize("missing", ["profiles", "signers"])
def test_profiles_and_signers_have_no_default(missing: str) -> None:
    with pytest.raises(TypeError, match=missing):
        VerificationPolicy(**{name: value for name, value in POLICY.items() if name != missing})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"profiles": ()}, "at least one Profile", id="no profile"),
        pytest.param({"profiles": ("ddas",)}, "at least one Profile", id="id of a profile"),
        pytest.param({"profiles": "ddas"}, "at least one Profile", id="text"),
        pytest.param({"profiles": (profiles.DDAS, None)}, "at least one Profile", id="profile and nothing"),
        pytest.param({"profiles": profiles.DDAS}, "at least one Profile", id="one profile without a list"),
        pytest.param({"profiles": None}, "at least one Profile", id="None for profiles"),
        pytest.param({"profiles": (profiles.DDAS, profiles.DDAS)}, "two profiles for one field", id="twice the same"),
        pytest.param({"profiles": (profiles.DDAS, profiles.DDAS_BODY)}, "two profiles for one field", id="one field"),
        pytest.param({"signers": None}, "ANY_TRUSTED or a non-empty set", id="None for signers"),
        pytest.param({"signers": set()}, "ANY_TRUSTED or a non-empty set", id="no signer"),
        pytest.param({"signers": OIN.value}, "ANY_TRUSTED or a non-empty set", id="text of an OIN"),
        pytest.param({"signers": OIN}, "ANY_TRUSTED or a non-empty set", id="one OIN without a set"),
        pytest.param({"signers": iter([OIN])}, "ANY_TRUSTED or a non-empty set", id="iterator"),
        pytest.param({"signers": "any-trusted"}, "ANY_TRUSTED or a non-empty set", id="name of ANY_TRUSTED"),
        pytest.param({"signers": True}, "ANY_TRUSTED or a non-empty set", id="boolean"),
        pytest.param({"signers": {OIN.value}}, "not text", id="set of text"),
        pytest.param({"signers": {OIN, None}}, "not text", id="OIN and nothing"),
        pytest.param({"signers": [ANY_TRUSTED]}, "not text", id="ANY_TRUSTED in a list"),
        pytest.param({"certificate": None}, "certificate is", id="None for certificate"),
        pytest.param({"certificate": "GENERIC"}, "certificate is", id="name of requirements"),
        pytest.param({"revocation": None}, "revocation is", id="None for revocation"),
        pytest.param({"revocation": "hard"}, "revocation is", id="name of a mode"),
        pytest.param({"revocation": RevocationMode.OFF}, "revocation is", id="mode without a policy"),
        pytest.param({"max_age": 300}, "max_age is", id="seconds"),
        pytest.param({"max_age": -HOUR}, "max_age is", id="negative age"),
        pytest.param({"clock_skew": None}, "clock_skew is", id="None for skew"),
        pytest.param({"clock_skew": -HOUR}, "clock_skew is", id="negative skew"),
        pytest.param({"clock_skew": 60.0}, "clock_skew is", id="skew in seconds"),
        pytest.param({"media_types": None}, "media_types holds", id="None for media types"),
        pytest.param({"media_types": ()}, "media_types holds", id="no media type"),
        pytest.param({"media_types": "application/json"}, "media_types holds", id="one media type without a set"),
        pytest.param({"media_types": {"Application/JSON"}}, "media_types holds", id="upper case"),
        pytest.param({"media_types": {"application/json; charset=utf-8"}}, "media_types holds", id="parameter"),
        pytest.param({"media_types": {"application/*"}}, "media_types holds", id="wildcard"),
        pytest.param({"media_types": {"json"}}, "media_types holds", id="no type"),
        pytest.param({"media_types": {"application/json\n"}}, "media_types holds", id="line feed"),
        pytest.param({"media_types": {5}}, "media_types holds", id="number"),
        pytest.param({"media_types": 5}, "media_types holds", id="number without a set"),
        pytest.param({"media_types": iter(["text/xml"])}, "media_types holds", id="iterator of media types"),
        pytest.param({"content_encodings": ()}, "content_encodings holds", id="no coding"),
        pytest.param({"content_encodings": "gzip"}, "content_encodings holds", id="one coding without a set"),
        pytest.param({"content_encodings": {"GZIP"}}, "content_encodings holds", id="coding in upper case"),
        pytest.param({"content_encodings": {"gzip, br"}}, "content_encodings holds", id="two codings in one"),
    ],
)
def test_a_policy_of_another_form_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        VerificationPolicy(**{**POLICY, **change})


def test_two_names_of_one_field_that_differ_in_case_are_one_field() -> None:
    shouting = Profile(
        id="shouting",
        field_name="NLGOV-ADR-PAYLOAD-SIG",
        covers=HttpHeaders(mandatory=frozenset({"digest"}), order=("digest",)),
    )
    with pytest.raises(ConfigurationError, match="two profiles for one field"):
        VerificationPolicy(profiles=(profiles.DDAS, shouting), signers=ANY_TRUSTED)


def test_the_sets_of_a_policy_cannot_be_changed_through_what_was_given() -> None:
    signers: set[Oin | Kvk] = {OIN, Kvk("12345678")}
    chosen, types, codings = [profiles.DDAS, profiles.ADR_MESSAGE], ["text/xml"], ["identity", "gzip"]
    more: dict[str, Any] = {"profiles": chosen}
    policy = VerificationPolicy(signers=signers, media_types=types, content_encodings=codings, **more)
    for given in (signers, chosen, types, codings):
        given.clear()
    assert policy.profiles == (profiles.DDAS, profiles.ADR_MESSAGE)
    assert policy.signers == {OIN, Kvk("12345678")}
    assert policy.media_types == {"text/xml"}
    assert policy.content_encodings == {"identity", "gzip"}
    assert hash(policy) == hash(dataclasses.replace(policy))


@pytest.mark.parametrize("max_age", [None, dt.timedelta(0), HOUR])
def test_a_maximum_age_is_a_duration_or_none(max_age: dt.timedelta | None) -> None:
    assert VerificationPolicy(**POLICY, max_age=max_age).max_age == max_age


def test_any_signer_and_any_media_type_are_named_by_their_constants() -> None:
    policy = VerificationPolicy(profiles=(profiles.DDAS,), signers=ANY_TRUSTED, media_types=ANY_MEDIA_TYPE)
    assert policy.signers is ANY_TRUSTED
    assert policy.media_types is ANY_MEDIA_TYPE


def test_a_policy_is_replaced_and_checked_again() -> None:
    policy = VerificationPolicy(**POLICY)
    assert policy.replace(max_age=HOUR).max_age == HOUR
    assert policy.max_age is None
    with pytest.raises(ConfigurationError, match="non-empty set"):
        policy.replace(signers=())
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy.max_age = HOUR  # type: ignore[misc] # that it cannot be set is what is tested


# --- certificates --------------------------------------------------------------------------------------------


def test_the_preset_for_pkioverheid_names_authenticity_and_seals_and_no_trial() -> None:
    arc = "2.16.528.1.1003.1.2."
    preset = CertificateRequirements.PKIOVERHEID_SIGNING
    assert preset.policies == {arc + last for last in ("8.4", "5.4", "44.16.25.4", "44.14.25.5")}
    assert preset.extended_key_usages is ExtendedKeyUsages.COMMON


def test_the_generic_preset_asks_for_no_policy() -> None:
    assert CertificateRequirements.GENERIC.policies == {ANY_POLICY}


@pytest.mark.parametrize("usages", ExtendedKeyUsages)
def test_no_set_of_usages_accepts_a_tls_server(usages: ExtendedKeyUsages) -> None:
    assert SERVER_AUTH not in usages.value


def test_the_strict_usages_are_for_documents_only() -> None:
    assert set(ExtendedKeyUsages.STRICT.value) == {"1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.311.10.3.12"}
    assert set(ExtendedKeyUsages.STRICT.value) < set(ExtendedKeyUsages.COMMON.value)


@pytest.mark.parametrize(
    "policies",
    [
        (),
        None,
        "2.16.528.1.1003.1.2.8.4",
        {"2.16.528.1.1003.1.2.8.04"},
        {"3.1"},
        {"1"},
        {"1."},
        {"1..2"},
        {"2.5.29.32.0\n"},
        {"QCP-l"},
        {"1.2", 5},
        {"1." * 40 + "1"},
    ],
    ids=["none", "None", "text", "leading zero", "no such arc", "one arc", "dot", "dots", "feed", "name", "5", "long"],
)
def test_certificate_policies_that_are_no_oids_are_refused(policies: Any) -> None:
    with pytest.raises(ConfigurationError, match="policies holds certificate policy OIDs"):
        CertificateRequirements(policies=policies)


@pytest.mark.parametrize("usages", [None, "COMMON", ("1.3.6.1.5.5.7.3.36",), False])
def test_extended_key_usages_of_another_type_are_refused(usages: Any) -> None:
    with pytest.raises(ConfigurationError, match="extended_key_usages"):
        CertificateRequirements(extended_key_usages=usages)


def test_requirements_are_replaced_and_checked_again() -> None:
    strict = CertificateRequirements.GENERIC.replace(extended_key_usages=ExtendedKeyUsages.STRICT)
    assert strict.extended_key_usages is ExtendedKeyUsages.STRICT
    assert CertificateRequirements.GENERIC.extended_key_usages is ExtendedKeyUsages.COMMON
    given = ["1.2.3"]
    changed = strict.replace(policies=given)
    given.clear()
    assert changed.policies == {"1.2.3"}
    with pytest.raises(ConfigurationError, match="at least one"):
        strict.replace(policies=frozenset())


# --- revocation ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "mode"),
    [
        (RevocationPolicy.HARD_FAIL, RevocationMode.HARD_FAIL),
        (RevocationPolicy.SOFT_FAIL, RevocationMode.SOFT_FAIL),
        (RevocationPolicy.OFF, RevocationMode.OFF),
    ],
)
def test_a_revocation_policy_of_each_mode_is_ready_to_use(policy: RevocationPolicy, mode: RevocationMode) -> None:
    assert policy == RevocationPolicy(mode=mode, max_age=4 * HOUR, skew=dt.timedelta(seconds=60))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mode": "hard"}, "mode of a RevocationPolicy"),
        ({"mode": None}, "mode of a RevocationPolicy"),
        ({"max_age": None}, "max_age of a RevocationPolicy"),
        ({"max_age": -HOUR}, "max_age of a RevocationPolicy"),
        ({"skew": 60}, "skew of a RevocationPolicy"),
        ({"skew": -HOUR}, "skew of a RevocationPolicy"),
    ],
    ids=repr,
)
def test_a_revocation_policy_of_another_form_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        RevocationPolicy.HARD_FAIL.replace(**change)


def test_a_revocation_policy_is_replaced() -> None:
    assert RevocationPolicy.HARD_FAIL.replace(skew=HOUR) == RevocationPolicy(mode=RevocationMode.HARD_FAIL, skew=HOUR)
