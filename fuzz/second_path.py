"""Differential harness of certification paths against pyhanko-certvalidator: small hierarchies with chosen faults.

Revocation is no part of it: it has harnesses of its own, and the conformance tests have a matrix. Where the two differ, the list
says why; a difference that no entry explains is a finding.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import warnings
from dataclasses import dataclass

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.policy_decl import PKIXValidationParams

from nlgov_jades.errors import ConfigurationError, VerificationError
from nlgov_jades.pki.path import build_path
from nlgov_jades.pki.trust import TrustStore
from nlgov_jades.policy import CertificateRequirements
from nlgov_jades.profiles import SignatureAlgorithm

from .choices import Choices
from .harness import ACCEPTED, Harness, check, label
from .hierarchies import FAULTS, Hierarchy, build
from .vectors import AT

__all__ = ["HARNESSES"]


def ours(case: Hierarchy) -> tuple[str, str]:
    """Our verdict, and our words."""
    requirements = CertificateRequirements.GENERIC
    if case.policies is not None:
        requirements = requirements.replace(policies=case.policies)
    try:
        build_path(
            case.leaf,
            case.sent,
            trust=TrustStore([case.root]),
            requirements=requirements,
            algorithm=SignatureAlgorithm.ES256,
            at=AT,
        )
    except VerificationError as error:
        return label(error), error.detail
    except ConfigurationError as error:
        return label(error), str(error)  # an anchor that is no CA
    return ACCEPTED, ""


def theirs(case: Hierarchy) -> tuple[str, str]:
    """The verdict of pyhanko-certvalidator, and its words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            asyncio.run(_validate(case))
        except Exception as error:  # noqa: BLE001 - whatever it raises, it did not accept
            return type(error).__name__, str(error)
    return ACCEPTED, ""


async def _validate(case: Hierarchy) -> None:
    context = ValidationContext(
        trust_roots=[_converted(case.root)],
        moment=AT,
        time_tolerance=dt.timedelta(0),
        allow_fetching=False,
        revocation_mode="soft-fail",
    )
    asked = None
    if case.policies is not None:
        asked = PKIXValidationParams(
            user_initial_policy_set=case.policies, initial_explicit_policy=True, initial_policy_mapping_inhibit=True
        )
    validator = CertificateValidator(_converted(case.leaf), [_converted(item) for item in case.sent], context, asked)
    await validator.async_validate_path()


def _converted(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


# --- where the two differ ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """A reviewed reason why the two differ.

    Attributes:
        pyhanko: Its verdict: VALID or REFUSED.
        reason: Why ours is right. Those of the conformance tests are spelled as there.
        labels: What was done to a hierarchy of this kind: one of these, at least.
        listed: Whether `tests/conformance/pyhanko_disagreements.toml` gives the same reason.
        together_with: When there are any: and one of these.
    """

    pyhanko: str
    reason: str
    labels: frozenset[str]
    listed: bool
    together_with: frozenset[str] = frozenset()

    def applies(self, pyhanko: str, labels: frozenset[str]) -> bool:
        """Whether it explains a verdict about a hierarchy with these labels."""
        is_whole = not self.together_with or bool(self.together_with & labels)
        return self.pyhanko == pyhanko and bool(self.labels & labels) and is_whole


def _labels(role: str, *faults: str) -> frozenset[str]:
    return frozenset(f"{role}: {fault}" for fault in faults)


_USAGES = tuple(fault for fault in FAULTS if fault.startswith("usage "))
_NAMES = tuple(fault for fault in FAULTS if fault.endswith((" permitted", " permitted critically", " excluded")))

DIFFERENCES = (
    Difference(
        "VALID",
        "The length of a path is limited here to four CAs between signer and anchor; RFC 5280 knows no limit but pathLenConstraint.",
        frozenset({"sent: more than four CAs"}),
        listed=True,
    ),
    Difference(
        "VALID",
        "Who may sign messages is our own question: path validation does not ask whether the end entity is a CA, an anchor, or what its "
        "keyUsage and extendedKeyUsage allow, nor does RFC 5280 nest extendedKeyUsage.",
        _labels("leaf", "a CA", "basicConstraints not critical", "path length 0", "path length 1", "path length 2", "no keyUsage",
                "keyUsage for CRLs", *_USAGES) | _labels("ca", *_USAGES) | _labels("root", *_USAGES),
        listed=True,
    ),
    Difference(
        "VALID",
        "A trust anchor is a name and a key to RFC 5280; here its certificate must be valid at the time too.",
        _labels("root", "expired", "not yet valid"),
        listed=True,
    ),
    Difference(
        "VALID",
        "A trust anchor is a name and a key to RFC 5280; here what its certificate says of itself holds too: that it is a CA, what its key "
        "is for, how long a path may be, which names are below it, and no critical extension that nobody processes.",
        _labels("root", "no basicConstraints", "no CA", "leaf constraints not critical", "basicConstraints not critical", "path length 0",
                "path length 1", "path length 2", "no keyUsage", "keyUsage for CRLs", "keyUsage for signatures",
                "keyUsage for non-repudiation", "unknown critical", *_NAMES),
        listed=False,
    ),
    Difference(
        "VALID",
        "Types, sizes and curves of keys are the profile's question, and RSASSA-PSS has one accepted form (MGF1 with the same hash, salt as "
        "long as it); pyhanko's default policy restricts hashes only.",
        _labels("leaf", "weak key") | _labels("ca", "weak key") | _labels("root", "weak key"),
        listed=True,
    ),
    Difference(
        "VALID",
        "What RFC 5280 allows and the path library refuses: critical name constraints on directory names, and critical policyConstraints in "
        "an end-entity certificate.",
        _labels("leaf", *_NAMES, "explicit policy now", "explicit policy one later", "mapping inhibited", "any policy inhibited now",
                "any policy inhibited one later")
        | _labels("ca", "names permitted critically", "other names permitted critically"),
        listed=True,
    ),
    Difference(
        "VALID",
        "A CA whose basicConstraints is not critical, or that has no keyUsage, is none that RFC 5280 §4.2.1.9 and §4.2.1.3 let be issued; its "
        "validation (§6) asks for neither, the path library for both.",
        _labels("ca", "basicConstraints not critical", "no keyUsage"),
        listed=False,
    ),
    Difference(
        "VALID",
        "A directory name among the alternative names of a CA or signer, and constraints on directory names: the path library cannot compare "
        "the two and refuses, also where they are in one certificate, whose constraints are for those below it (RFC 5280 §4.2.1.10). "
        "Found by fuzzing.",
        _labels("ca", "alternative other directory name") | _labels("leaf", "alternative other directory name"),
        listed=False,
        together_with=_labels("ca", *_NAMES) | _labels("root", *_NAMES) | _labels("leaf", *_NAMES),
    ),
    Difference(
        "REFUSED",
        "A CA gives each serial number once (RFC 5280 §4.1.2.2), and a certificate is told here by all of it; pyhanko tells certificates by "
        "issuer and serial number, so that of two with the same it knows one. Found by fuzzing.",
        frozenset({"sent: one serial number twice"}),
        listed=False,
    ),
    Difference(
        "REFUSED",
        "authorityKeyIdentifier helps to find an issuer and decides nothing (RFC 5280 §4.2.1.1, §6): the issuer's key has signed, so it is "
        "the issuer. pyhanko follows no issuer that it does not name.",
        _labels("ca", "other authorityKeyIdentifier") | _labels("leaf", "other authorityKeyIdentifier"),
        listed=False,
    ),
)  # fmt: skip


def run(data: bytes) -> str:
    case = build(Choices(data))
    (own, _), (other, words) = ours(case), theirs(case)
    if (own == ACCEPTED) == (other == ACCEPTED):
        return own
    pyhanko = "VALID" if other == ACCEPTED else "REFUSED"
    known = any(item.applies(pyhanko, case.labels) for item in DIFFERENCES)
    what = f"{own} where pyhanko says {other} ({words[:200]}) of {sorted(case.labels)}"
    check(known, what)
    return f"only pyhanko: {own}" if pyhanko == "VALID" else f"only ours: {other}"


def seeds() -> list[bytes]:
    """Each fault at each place of a path with one and with two CAs, with and without a policy asked for."""
    made = [bytes([shape, 0, how, policy]) for shape in range(8) for how in range(4) for policy in (0, 2)]
    made += [
        bytes([shape, 1, position, fault, 0, policy])
        for shape, length in ((0, 3), (1, 4))
        for position in range(length)
        for fault in range(len(FAULTS))
        for policy in (0, 2)
    ]
    number, names = tuple(FAULTS).index("long serial number"), tuple(FAULTS).index("alternative other directory name")
    made += [
        bytes([1, 2, 2, tuple(FAULTS).index(fault), position, names, 0, 0]) for fault in _NAMES for position in (2, 3)
    ]
    made.append(bytes([0, 2, 0, number, 1, number, 2, 0]))
    # What a CA that is for any policy lets through.
    any_policy = tuple(FAULTS).index("any policy")
    made += [bytes([0, 2, 1, any_policy, 2, fault, 0, 2]) for fault in range(len(FAULTS))]
    return made


HARNESSES = (
    Harness(
        "path-and-pyhanko",
        "a path is accepted exactly when pyhanko-certvalidator accepts it, or for a reason on the reviewed list",
        run,
        seeds,
        tuple(bytes([index]) for index in (0, 1, 2, 3, 20, 30, 40, 50)),
        40,
    ),
)
