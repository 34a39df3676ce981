"""Our own checks over a path that is already cryptographically right: usages, keys, algorithms, name constraints.

`path.py` runs them over the chain that the path builder returned.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtensionOID

from ..errors import CertificatePathError, UnsupportedAlgorithmError
from ..jws import check_rsa_size
from ..policy import ExtendedKeyUsages
from ..profiles import SignatureAlgorithm
from .certificate import display_name, extended_key_usages, is_authority, key_usage
from .signatures import ACCEPTED_CURVES

__all__ = ["check_authorities", "check_keys", "check_signer", "check_usage_nesting"]

SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0"

_HASHES = frozenset({"sha256", "sha384", "sha512"})

_PROCESSED = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    }
)
"""Extensions that may be critical in a signer's certificate, because they are processed (RFC 5280 §4.2)."""


def check_signer(leaf: x509.Certificate, accepted: ExtendedKeyUsages) -> None:
    """Return when the signer's certificate is one that may sign messages.

    Raises:
        CertificatePathError: A CA certificate, no keyUsage with digitalSignature or nonRepudiation, an
            extendedKeyUsage that is not accepted, or a critical extension that nobody here processes.
    """
    for extension in leaf.extensions:
        if extension.critical and extension.oid not in _PROCESSED:
            raise _failed(leaf, f"has a critical extension that is not processed: {extension.oid.dotted_string}")
    if is_authority(leaf):
        raise _failed(leaf, "is that of a CA, which does not sign messages")
    usage = key_usage(leaf)
    if usage is None or not (usage.digital_signature or usage.content_commitment):
        raise _failed(leaf, "has no keyUsage with digitalSignature or nonRepudiation")
    usages = extended_key_usages(leaf)
    if usages is None:
        return
    if SERVER_AUTH in usages:
        raise _failed(leaf, "is for TLS servers (serverAuth); sign with another certificate than the transport's")
    if usages.isdisjoint(accepted.value):
        raise _failed(leaf, "has an extendedKeyUsage that allows no signing of messages")


def check_usage_nesting(path: Sequence[x509.Certificate], accepted: ExtendedKeyUsages) -> None:
    """Return when every CA that states an extendedKeyUsage allows what the signer's certificate is used for.

    Raises:
        CertificatePathError: A CA does not.
    """
    stated = extended_key_usages(path[0])
    used = frozenset(accepted.value)
    if stated is not None and ANY_EXTENDED_KEY_USAGE not in stated:
        used &= stated
    for authority in path[1:]:
        allowed = extended_key_usages(authority)
        if allowed is None or ANY_EXTENDED_KEY_USAGE in allowed:
            continue
        used &= allowed
        if not used:
            raise _failed(authority, "has an extendedKeyUsage that does not allow what it issued the signer for")


def check_keys(path: Sequence[x509.Certificate], algorithm: SignatureAlgorithm) -> None:
    """Return when every key is of an accepted type and size and every signature uses SHA-256 or better.

    Raises:
        CertificatePathError: One is not.
    """
    for certificate in path:
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            try:
                check_rsa_size(key, "this certificate")
            except UnsupportedAlgorithmError as error:
                name = display_name(certificate)
                raise CertificatePathError(f"certificate {name}: {error.detail}", certificate=name) from None
        elif algorithm is not SignatureAlgorithm.ES256 or not _is_accepted_curve(key):
            raise _failed(certificate, "has a key of a type that is not accepted")
        if _hash_name(certificate) not in _HASHES:
            raise _failed(certificate, "is signed with an algorithm that is not accepted")


def check_authorities(path: Sequence[x509.Certificate]) -> None:
    """Return when every directoryName constraint of a CA holds for the certificates below it (RFC 5280 §4.2.1.10).

    The path builder refuses such constraints when they are critical and passes over them when they are not.

    Raises:
        CertificatePathError: A subject lies outside a permitted or inside an excluded subtree.
    """
    for position, authority in enumerate(path[1:], start=1):
        try:
            constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
        except x509.ExtensionNotFound:
            continue
        permitted = _directory_names(constraints.permitted_subtrees)
        excluded = _directory_names(constraints.excluded_subtrees)
        for index, certificate in enumerate(path[:position]):
            if index > 0 and certificate.subject == certificate.issuer:
                continue  # §6.1.3 (b), (c): self-issued certificates are exempt, unless it is the last
            for name in _names(certificate):
                if (permitted and not any(_within(name, tree) for tree in permitted)) or any(
                    _within(name, tree) for tree in excluded
                ):
                    raise _failed(certificate, f"has a name that {display_name(authority)} may not certify")


def _names(certificate: x509.Certificate) -> list[x509.Name]:
    names = [certificate.subject] if list(certificate.subject) else []
    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return names
    return names + alternative.get_values_for_type(x509.DirectoryName)


def _directory_names(subtrees: Sequence[x509.GeneralName] | None) -> list[x509.Name]:
    return [tree.value for tree in subtrees or () if isinstance(tree, x509.DirectoryName)]


def _within(name: x509.Name, subtree: x509.Name) -> bool:
    wanted = [_normalized(rdn) for rdn in subtree.rdns]
    return [_normalized(rdn) for rdn in name.rdns[: len(wanted)]] == wanted


def _normalized(rdn: x509.RelativeDistinguishedName) -> frozenset[tuple[str, str]]:
    return frozenset((item.oid.dotted_string, _prepared(str(item.value))) for item in rdn)


def _prepared(text: str) -> str:
    # RFC 5280 §7.1, RFC 4518 §2: compatible forms, case, invisible characters and runs of white space do not
    # distinguish names; otherwise an excluded name would pass in disguise.
    visible = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", visible).casefold().split())


def _is_accepted_curve(key: object) -> bool:
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ACCEPTED_CURVES)


def _hash_name(certificate: x509.Certificate) -> str | None:
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None
    return None if algorithm is None else algorithm.name


def _failed(certificate: x509.Certificate, what: str) -> CertificatePathError:
    name = display_name(certificate)
    return CertificatePathError(f"certificate {name} {what}", certificate=name)
