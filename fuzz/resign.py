"""A chosen change of a certificate, CRL or OCSP response, and a signature that fits again: to reach what lies behind it."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from .choices import Choices
from .der import Node, change, encoded, parse
from .world import Key

__all__ = ["edited", "sign_ocsp", "sign_plain"]

_BIT_STRING = 0x03
_SIGNED_PARTS = 3
_MOST_CHANGES = 5


def edited(octets: bytes, choices: Choices) -> Node:
    """The octets as a tree, with up to five changes."""
    root = parse(octets)
    for _ in range(choices.below(_MOST_CHANGES + 1)):
        change(root, choices)
    return root


def _sign(key: Key, octets: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, padding.PKCS1v15(), SHA256())
    return key.sign(octets, ec.ECDSA(SHA256(), deterministic_signing=True))


def sign_plain(root: Node, key: Key) -> None:
    """Sign a certificate or CRL anew: what is to be signed, algorithm, signature. Another form is left as it is."""
    if len(root.parts) >= _SIGNED_PARTS:
        root.parts[2] = Node(_BIT_STRING, b"\0" + _sign(key, encoded(root.parts[0])))


def sign_ocsp(root: Node, key: Key) -> None:
    """Sign an OCSP response anew, which holds what is signed four levels down."""
    node = root
    for index in (1, 0, 1, 0):
        if len(node.parts) <= index:
            return
        node = node.parts[index]
    sign_plain(node, key)
