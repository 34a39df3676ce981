"""Small hierarchies with chosen faults, as certificates. Which fault matters is for others to say; labels name what was done.

All keys are P-256 and derived from numbers, and all signatures deterministic, so that one input is one hierarchy.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, partial

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.x509.oid import NameOID, ObjectIdentifier

from .choices import Choices
from .vectors import AT, key
from .world import BEFORE, DAY, UNKNOWN_EXTENSION, Key, usage

__all__ = ["FAULTS", "Hierarchy", "build"]

POLICY_A, POLICY_B, ANY_POLICY = "2.16.528.1.1003.1.2.8.4", "2.16.528.1.1003.1.2.5.4", "2.5.29.32.0"
DOCUMENT_SIGNING, SERVER_AUTH, TIME_STAMPS, CLIENT_AUTH, ANY_USAGE = (
    "1.3.6.1.5.5.7.3.36",
    "1.3.6.1.5.5.7.3.1",
    "1.3.6.1.5.5.7.3.8",
    "1.3.6.1.5.5.7.3.2",
    "2.5.29.37.0",
)
_SECOND = dt.timedelta(seconds=1)

Extension = tuple[x509.ExtensionType, bool]


@cache
def own_key(number: int) -> ec.EllipticCurvePrivateKey:
    """A key of P-256, of a number."""
    return ec.derive_private_key(1000 + number, ec.SECP256R1())


@dataclass(slots=True)
class Spec:
    """A certificate that is to be made."""

    subject: x509.Name
    issuer: x509.Name
    key: Key
    signer: Key
    extensions: dict[str, Extension]
    not_before: dt.datetime = BEFORE
    not_after: dt.datetime = AT + 300 * DAY
    serial_number: int = 77
    digest: SHA256 | SHA512 = field(default_factory=SHA256)


def _name(common_name: str, organization: str = "nlgov-jades fuzzing") -> x509.Name:
    parts = [
        (NameOID.COUNTRY_NAME, "NL"),
        (NameOID.ORGANIZATION_NAME, organization),
        (NameOID.COMMON_NAME, common_name),
    ]
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


def _directory(organization: str) -> x509.DirectoryName:
    parts = [(NameOID.COUNTRY_NAME, "NL"), (NameOID.ORGANIZATION_NAME, organization)]
    return x509.DirectoryName(x509.Name([x509.NameAttribute(oid, text) for oid, text in parts]))


def _plain(position: int, length: int) -> Spec:
    is_leaf = position == length - 1
    names = [_name(f"Fuzz {index}") for index in range(length)]
    mine, above = own_key(position), own_key(max(position - 1, 0))
    extensions: dict[str, Extension] = {
        "ski": (x509.SubjectKeyIdentifier.from_public_key(mine.public_key()), False),
        "aki": (x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()), False),
        "constraints": (x509.BasicConstraints(ca=not is_leaf, path_length=None), True),
        "usage": usage("digital_signature") if is_leaf else usage("key_cert_sign", "crl_sign"),
    }
    return Spec(names[position], names[max(position - 1, 0)], mine, above, extensions, serial_number=77 + position)


# --- faults --------------------------------------------------------------------------------------------------

Fault = Callable[[Spec], None]


def _times(spec: Spec, not_before: dt.datetime, not_after: dt.datetime) -> None:
    spec.not_before, spec.not_after = not_before, not_after


def _set(spec: Spec, name: str, extension: Extension | None) -> None:
    if extension is None:
        spec.extensions.pop(name, None)
    else:
        spec.extensions[name] = extension


def _constraints(*, ca: bool, path_length: int | None, critical: bool = True) -> Fault:
    return partial(
        _set, name="constraints", extension=(x509.BasicConstraints(ca=ca, path_length=path_length), critical)
    )


def _usages(*oids: str) -> Fault:
    return partial(_set, name="usages", extension=(x509.ExtendedKeyUsage(list(map(ObjectIdentifier, oids))), False))


def _policies(*oids: str) -> Fault:
    stated = [x509.PolicyInformation(ObjectIdentifier(oid), None) for oid in oids]
    return partial(_set, name="policies", extension=(x509.CertificatePolicies(stated), False))


def _demands(explicit: int | None, mapping: int | None, *, critical: bool = True) -> Fault:
    return partial(_set, name="demands", extension=(x509.PolicyConstraints(explicit, mapping), critical))


def _names(
    permitted: list[x509.GeneralName] | None, excluded: list[x509.GeneralName] | None, *, critical: bool
) -> Fault:
    return partial(_set, name="names", extension=(x509.NameConstraints(permitted, excluded), critical))


def _assign(spec: Spec, name: str, value: object) -> None:
    setattr(spec, name, value)


_OWN, _OTHER = _directory("nlgov-jades fuzzing"), _directory("Somebody else")
_DNS = x509.DNSName("example.nl")

FAULTS: dict[str, Fault] = {
    "nothing": lambda _: None,
    "expired": partial(_times, not_before=BEFORE, not_after=AT - _SECOND),
    "ends now": partial(_times, not_before=BEFORE, not_after=AT),
    "begins now": partial(_times, not_before=AT, not_after=AT + DAY),
    "not yet valid": partial(_times, not_before=AT + _SECOND, not_after=AT + DAY),
    "other issuer name": partial(_assign, name="issuer", value=_name("Somebody else")),
    "signed by another": partial(_assign, name="signer", value=own_key(500)),
    "no basicConstraints": partial(_set, name="constraints", extension=None),
    "no CA": _constraints(ca=False, path_length=None),
    "a CA": _constraints(ca=True, path_length=None),
    "basicConstraints not critical": _constraints(ca=True, path_length=None, critical=False),
    "leaf constraints not critical": _constraints(ca=False, path_length=None, critical=False),
    "path length 0": _constraints(ca=True, path_length=0),
    "path length 1": _constraints(ca=True, path_length=1),
    "path length 2": _constraints(ca=True, path_length=2),
    "no keyUsage": partial(_set, name="usage", extension=None),
    "keyUsage for CRLs": partial(_set, name="usage", extension=usage("crl_sign")),
    "keyUsage for signatures": partial(_set, name="usage", extension=usage("digital_signature")),
    "keyUsage for non-repudiation": partial(_set, name="usage", extension=usage("content_commitment")),
    "keyUsage for certificates and signatures": partial(
        _set, name="usage", extension=usage("key_cert_sign", "digital_signature")
    ),
    "usage signing": _usages(DOCUMENT_SIGNING),
    "usage servers": _usages(SERVER_AUTH),
    "usage servers too": _usages(DOCUMENT_SIGNING, SERVER_AUTH),
    "usage time stamps": _usages(TIME_STAMPS),
    "usage clients": _usages(CLIENT_AUTH),
    "usage any": _usages(ANY_USAGE),
    "names permitted": _names([_OWN], None, critical=False),
    "names permitted critically": _names([_OWN], None, critical=True),
    "other names permitted": _names([_OTHER], None, critical=False),
    "other names permitted critically": _names([_OTHER], None, critical=True),
    "names excluded": _names(None, [_OWN], critical=False),
    "other names excluded": _names(None, [_OTHER], critical=False),
    "host names permitted": _names([_DNS], None, critical=True),
    "policy A": _policies(POLICY_A),
    "policy B": _policies(POLICY_B),
    "policies A and B": _policies(POLICY_A, POLICY_B),
    "any policy": _policies(ANY_POLICY),
    "policy A and any": _policies(POLICY_A, ANY_POLICY),
    "very many policies": _policies(*(f"1.3.6.1.4.1.99999.{number}.123456" for number in range(900))),
    "explicit policy now": _demands(0, None),
    "explicit policy one later": _demands(1, None),
    "explicit policy not critical": _demands(0, None, critical=False),
    "mapping inhibited": _demands(None, 0),
    "any policy inhibited now": partial(_set, name="inhibit", extension=(x509.InhibitAnyPolicy(0), True)),
    "any policy inhibited one later": partial(_set, name="inhibit", extension=(x509.InhibitAnyPolicy(1), True)),
    "no subjectKeyIdentifier": partial(_set, name="ski", extension=None),
    "no authorityKeyIdentifier": partial(_set, name="aki", extension=None),
    "other authorityKeyIdentifier": partial(
        _set, name="aki", extension=(x509.AuthorityKeyIdentifier(b"other", None, None), False)
    ),
    "unknown critical": partial(
        _set, name="unknown", extension=(x509.UnrecognizedExtension(UNKNOWN_EXTENSION, b"\5\0"), True)
    ),
    "unknown": partial(_set, name="unknown", extension=(x509.UnrecognizedExtension(UNKNOWN_EXTENSION, b"\5\0"), False)),
    "named as its issuer": lambda spec: _assign(spec, "subject", spec.issuer),
    "long serial number": partial(_assign, name="serial_number", value=2**159 - 1),
    "sha512": partial(_assign, name="digest", value=SHA512()),
    "alternative host name": partial(
        _set, name="san", extension=(x509.SubjectAlternativeName([x509.DNSName("a.example.nl")]), False)
    ),
    "alternative other host name": partial(
        _set, name="san", extension=(x509.SubjectAlternativeName([x509.DNSName("a.example.com")]), False)
    ),
    "alternative other directory name": partial(
        _set, name="san", extension=(x509.SubjectAlternativeName([_OTHER]), False)
    ),
    "weak key": lambda spec: _assign(spec, "key", key("leaf-rsa1024")),
}
"""What may be done to one certificate, by name."""

_LONGEST = 8


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Certificates, and what was done to them.

    Attributes:
        root: The trust anchor.
        leaf: The signer's certificate.
        sent: What came along, in some order.
        labels: What was done, as `role: fault`, where the role is root, ca or leaf; and how they were sent.
        policies: What is asked for; `None` asks for nothing.
    """

    root: x509.Certificate
    leaf: x509.Certificate
    sent: tuple[x509.Certificate, ...]
    labels: frozenset[str]
    policies: frozenset[str] | None


def build(choices: Choices) -> Hierarchy:
    """The hierarchy that the choices make."""
    length = 2 + choices.pick((1, 2, 0, 3, 1, 2, 5, 4))
    specs = [_plain(position, length) for position in range(length)]
    labels: set[str] = set()
    for _ in range(choices.below(5)):
        position = choices.below(length)
        fault = choices.pick(tuple(FAULTS))
        role = "root" if position == 0 else "leaf" if position == length - 1 else "ca"
        FAULTS[fault](specs[position])
        labels.add(f"{role}: {fault}")
        if fault == "named as its issuer" and 0 < position < length - 1:
            # Whoever it issued for says so.
            specs[position + 1].issuer = specs[position].subject
    for lower, upper in zip(specs[1:], specs[:-1], strict=True):
        if not isinstance(upper.key, ec.EllipticCurvePrivateKey) and lower.signer is not own_key(500):
            lower.signer = upper.key
    made = [_certificate(spec) for spec in specs]
    sent = _sent(specs, made, labels, choices)
    policies = choices.pick((None, None, frozenset({POLICY_A}), frozenset({POLICY_A, POLICY_B})))
    if policies is not None:
        labels.add("asked: policies")
    return Hierarchy(
        made[0],
        made[-1],
        tuple(sent),
        frozenset(labels - {f"{role}: nothing" for role in ("root", "ca", "leaf")}),
        policies,
    )


def _sent(
    specs: list[Spec], made: list[x509.Certificate], labels: set[str], choices: Choices
) -> list[x509.Certificate]:
    """What comes along with the signer's certificate, in some order; adds to the labels."""
    sent = list(reversed(made[1:-1]))
    how = choices.below(8)
    if how == 1 and sent:
        del sent[choices.below(len(sent))]
        labels.add("sent: one is missing")
    elif how == 2:
        sent = [made[0], *reversed(sent), *sent[:1]]
    elif how == 3:
        twin = replace(specs[0], key=own_key(501), signer=own_key(501), serial_number=5)
        sent = [_certificate(twin), *sent]
    if len(specs) > 6:
        labels.add("sent: more than four CAs")
    numbers = {(item.issuer, item.serial_number) for item in {*made, *sent}}
    if len(numbers) < len({*made, *sent}):
        labels.add("sent: one serial number twice")
    return sent


def _certificate(spec: Spec) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(spec.subject)
        .issuer_name(spec.issuer)
        .public_key(spec.key.public_key())
        .serial_number(spec.serial_number)
        .not_valid_before(spec.not_before)
        .not_valid_after(spec.not_after)
    )
    for extension, critical in spec.extensions.values():
        builder = builder.add_extension(extension, critical=critical)
    elliptic = isinstance(spec.signer, ec.EllipticCurvePrivateKey)
    return builder.sign(spec.signer, spec.digest, ecdsa_deterministic=True if elliptic else None)


_ = _LONGEST
