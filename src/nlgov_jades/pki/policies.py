"""Certificate policies along a path: RFC 5280 §6.1 with policy mapping inhibited.

Without mappings a policy keeps its name from the first CA to the signer, so the policy tree of RFC 5280 is at each
level a set of names: `valid` below. An empty set is the RFC's NULL tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from ..errors import CertificatePathError
from .certificate import display_name

__all__ = ["ANY_POLICY", "policies_of", "valid_policies"]

ANY_POLICY = "2.5.29.32.0"
"""anyPolicy (RFC 5280 §4.2.1.4); as initial policy set it says that no policy is asked for."""

_MAX_TOLD = 8
"""Policies of a certificate that an error names: real ones state one to three, and a certificate of 8 KB may state hundreds."""

_POLICY_MAPPINGS = ExtensionOID.POLICY_MAPPINGS


@dataclass(slots=True)
class _State:
    """The state variables of RFC 5280 §6.1.2: `valid` (a), `explicit_policy` (d), `inhibit_any` (e)."""

    valid: frozenset[str]
    explicit_policy: int
    inhibit_any: int


def valid_policies(path: Sequence[x509.Certificate], initial: frozenset[str]) -> frozenset[str]:
    """The policies under which a path is valid (RFC 5280 §6.1.6: the user-constrained policy set).

    Args:
        path: Signer first, trust anchor last; the anchor's own extensions do not count.
        initial: The user-initial-policy-set; `{ANY_POLICY}` asks for none, any other set demands one of them.

    Raises:
        CertificatePathError: The path is valid for none of them, a certificate demands an explicit policy that is
            not there, or a certificate maps policies.
    """
    below = list(reversed(path[:-1]))
    length = len(below)
    # §6.1.2: initial-explicit-policy is set when the caller names policies.
    state = _State(
        valid=frozenset({ANY_POLICY}),
        explicit_policy=length + 1 if ANY_POLICY in initial else 0,
        inhibit_any=length + 1,
    )
    for index, certificate in enumerate(below, start=1):
        _refuse_mappings(certificate)
        _process(state, certificate, is_last=index == length)  # §6.1.3 (d), (e)
        if not state.valid and state.explicit_policy == 0:  # §6.1.3 (f)
            raise _failed(certificate, initial)
        if index < length:
            _prepare(state, certificate)  # §6.1.4 (h), (i), (j)
    return _wrap_up(state, below[-1], initial)


def policies_of(certificate: x509.Certificate) -> frozenset[str] | None:
    """The OIDs in certificatePolicies; `None` when the extension is absent."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.CertificatePolicies)
    except x509.ExtensionNotFound:
        return None
    return frozenset(policy.policy_identifier.dotted_string for policy in extension.value)


def _process(state: _State, certificate: x509.Certificate, *, is_last: bool) -> None:
    stated = policies_of(certificate)
    if stated is None:
        state.valid = frozenset()
        return
    any_is_valid = ANY_POLICY in state.valid
    valid = {policy for policy in stated if policy != ANY_POLICY and (any_is_valid or policy in state.valid)}
    if ANY_POLICY in stated and (state.inhibit_any > 0 or (not is_last and _self_issued(certificate))):
        valid |= state.valid
    state.valid = frozenset(valid)


def _prepare(state: _State, certificate: x509.Certificate) -> None:
    if not _self_issued(certificate):
        state.explicit_policy = max(state.explicit_policy - 1, 0)
        state.inhibit_any = max(state.inhibit_any - 1, 0)
    required = _require_explicit_policy(certificate)
    if required is not None:
        state.explicit_policy = min(state.explicit_policy, required)
    try:
        inhibit = certificate.extensions.get_extension_for_class(x509.InhibitAnyPolicy).value.skip_certs
    except x509.ExtensionNotFound:
        return
    state.inhibit_any = min(state.inhibit_any, inhibit)


def _wrap_up(state: _State, leaf: x509.Certificate, initial: frozenset[str]) -> frozenset[str]:
    explicit_policy = max(state.explicit_policy - 1, 0)  # §6.1.5 (a)
    if _require_explicit_policy(leaf) == 0:  # §6.1.5 (b)
        explicit_policy = 0
    if ANY_POLICY in initial:  # §6.1.5 (g)
        constrained = state.valid
    elif ANY_POLICY in state.valid:
        constrained = initial
    else:
        constrained = state.valid & initial
    if not constrained and explicit_policy == 0:
        raise _failed(leaf, initial)
    return constrained


def _require_explicit_policy(certificate: x509.Certificate) -> int | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.PolicyConstraints).value.require_explicit_policy
    except x509.ExtensionNotFound:
        return None


def _refuse_mappings(certificate: x509.Certificate) -> None:
    if any(extension.oid == _POLICY_MAPPINGS for extension in certificate.extensions):
        name = display_name(certificate)
        raise CertificatePathError(f"certificate {name} maps policies, which is not accepted", certificate=name)


def _self_issued(certificate: x509.Certificate) -> bool:
    return certificate.subject == certificate.issuer


def _failed(certificate: x509.Certificate, initial: frozenset[str]) -> CertificatePathError:
    name = display_name(certificate)
    if ANY_POLICY in initial:
        return CertificatePathError(
            f"a CA demands an explicit certificate policy, and the path has none at {name}", certificate=name
        )
    stated = policies_of(certificate)
    has = ", ".join(sorted(stated)[:_MAX_TOLD]) if stated else "none"
    if stated and len(stated) > _MAX_TOLD:
        has += f" and {len(stated) - _MAX_TOLD} more"
    wanted = ", ".join(sorted(initial))
    return CertificatePathError(
        f"the path of {name} is valid for none of the certificate policies {wanted}; it states {has}", certificate=name
    )
