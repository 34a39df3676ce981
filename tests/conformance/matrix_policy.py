"""The matrix: certificate policies and usages. Every function is a case; its revocation data are good."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from .cases import PATH, VALID, Cases
from .making import Exhibit, World, crl

CASES: Final = Cases()

ONE: Final = "1.3.6.1.4.1.99999.2.1"
TWO: Final = "1.3.6.1.4.1.99999.2.2"
ANY: Final = "2.5.29.32.0"
ASKED: Final = frozenset({ONE})

Policies = Collection[str] | None


def _stated(
    w: World,
    ca: Policies,
    signer: Policies,
    *,
    asked: frozenset[str] | None = ASKED,
    ca_extensions: Collection[tuple[x509.ExtensionType, bool]] = (),
    signer_extensions: Collection[tuple[x509.ExtensionType, bool]] = (),
) -> Exhibit:
    authority = w.authority("TEST CA", key=w.ca.key, policies=ca, more_extensions=ca_extensions)
    return w.exhibit(w.issue(authority, policies=signer, more_extensions=signer_extensions), policies=asked)


def _explicit(skip: int, *, critical: bool = True) -> tuple[x509.ExtensionType, bool]:
    return x509.PolicyConstraints(require_explicit_policy=skip, inhibit_policy_mapping=None), critical


# --- certificate policies ------------------------------------------------------------------------------------


@CASES.must_be(VALID, "good good")
def the_policy_asked_for_is_stated_throughout(w: World) -> Exhibit:
    return _stated(w, (ONE, TWO), (ONE,))


@CASES.must_be(PATH, "is valid for none of the certificate policies")
def the_signer_states_another_policy(w: World) -> Exhibit:
    return _stated(w, (ONE, TWO), (TWO,))


@CASES.must_be(PATH, "is valid for none of the certificate policies")
def the_signer_states_no_policy(w: World) -> Exhibit:
    return _stated(w, (ONE,), None)


@CASES.must_be(PATH, "is valid for none of the certificate policies")
def the_ca_states_no_policy(w: World) -> Exhibit:
    return _stated(w, None, (ONE,))


@CASES.must_be(PATH, "is valid for none of the certificate policies")
def the_ca_states_another_policy(w: World) -> Exhibit:
    return _stated(w, (TWO,), (ONE,))


@CASES.must_be(VALID, "good good")
def the_ca_states_any_policy(w: World) -> Exhibit:
    return _stated(w, (ANY,), (ONE,))


@CASES.must_be(VALID, "good good")
def ca_and_signer_state_any_policy(w: World) -> Exhibit:
    return _stated(w, (ANY,), (ANY,))


@CASES.must_be(PATH, "is valid for none of the certificate policies")
def the_signer_states_any_policy_which_its_ca_inhibits(w: World) -> Exhibit:
    return _stated(w, (ONE,), (ANY,), ca_extensions=[(x509.InhibitAnyPolicy(0), True)])


@CASES.must_be(VALID, "good good")
def no_policy_is_asked_for_and_none_is_shared(w: World) -> Exhibit:
    return _stated(w, (ONE,), (TWO,), asked=None)


@CASES.must_be(PATH, "demands an explicit certificate policy")
def no_policy_is_asked_for_but_the_ca_demands_one(w: World) -> Exhibit:
    return _stated(w, (ONE,), (TWO,), asked=None, ca_extensions=[_explicit(0)])


@CASES.must_be(VALID, "good good")
def the_ca_demands_a_policy_and_the_signer_has_it(w: World) -> Exhibit:
    return _stated(w, (ONE,), (ONE,), asked=None, ca_extensions=[_explicit(0)])


@CASES.must_be(PATH, "demands an explicit certificate policy")
def the_signer_itself_demands_a_policy_and_has_none(w: World) -> Exhibit:
    return _stated(w, (ONE,), (TWO,), asked=None, signer_extensions=[_explicit(0, critical=False)])


@CASES.must_be(PATH, "critical extensions")
def the_signer_itself_demands_a_policy_critically(w: World) -> Exhibit:
    return _stated(w, (ONE,), (ONE,), asked=None, signer_extensions=[_explicit(0)])


@CASES.must_be(VALID, "good good")
def the_ca_demands_a_policy_further_down_than_the_path_goes(w: World) -> Exhibit:
    return _stated(w, (ONE,), (TWO,), asked=None, ca_extensions=[_explicit(5)])


@CASES.must_be(PATH, "maps policies")
def the_ca_maps_policies(w: World) -> Exhibit:
    pair = b"\x06\x0a" + _oid(ONE) + b"\x06\x0a" + _oid(TWO)
    mapping = b"\x30\x1a\x30\x18" + pair
    extension = x509.UnrecognizedExtension(ObjectIdentifier("2.5.29.33"), mapping)
    return _stated(w, (ONE,), (TWO,), ca_extensions=[(extension, False)])


def _oid(dotted: str) -> bytes:
    # 1.3.6.1.4.1.99999.2.n: 99999 is 0x86 0x8D 0x1F in base 128.
    return bytes([0x2B, 6, 1, 4, 1, 0x86, 0x8D, 0x1F, 2, int(dotted[-1])])


# --- usages --------------------------------------------------------------------------------------------------


@CASES.must_be(VALID, "good good")
def a_signer_with_non_repudiation_only(w: World) -> Exhibit:
    return w.exhibit(w.issue(usages=("content_commitment",)))


@CASES.must_be(PATH, "has no keyUsage with digitalSignature or nonRepudiation")
def a_signer_with_key_encipherment_only(w: World) -> Exhibit:
    return w.exhibit(w.issue(usages=("key_encipherment",)))


@CASES.must_be(PATH, "has no keyUsage with digitalSignature or nonRepudiation")
def a_signer_without_key_usage(w: World) -> Exhibit:
    return w.exhibit(w.issue(usages=()))


@CASES.must_be(VALID, "good good")
def a_signer_without_extended_key_usage(w: World) -> Exhibit:
    return w.exhibit(w.issue(extended_key_usages=None))


@CASES.must_be(PATH, "is for TLS servers")
def a_signer_that_is_a_tls_server_too(w: World) -> Exhibit:
    return w.exhibit(w.issue(extended_key_usages=("1.3.6.1.5.5.7.3.36", "1.3.6.1.5.5.7.3.1")))


@CASES.must_be(PATH, "has an extendedKeyUsage that allows no signing of messages")
def a_signer_for_time_stamps(w: World) -> Exhibit:
    return w.exhibit(w.issue(extended_key_usages=("1.3.6.1.5.5.7.3.8",)))


@CASES.must_be(VALID, "good good")
def a_ca_whose_extended_key_usage_allows_the_signer(w: World) -> Exhibit:
    return _limited(w, "1.3.6.1.5.5.7.3.36")


@CASES.must_be(PATH, "has an extendedKeyUsage that does not allow what it issued the signer for")
def a_ca_whose_extended_key_usage_does_not_allow_the_signer(w: World) -> Exhibit:
    return _limited(w, "1.3.6.1.5.5.7.3.8")


def _limited(w: World, usage: str) -> Exhibit:
    ca = w.authority("TEST CA", key=w.ca.key, extended_key_usages=(usage,))
    return w.exhibit(w.issue(ca), crls=(crl(w.root), crl(w.ca)))
