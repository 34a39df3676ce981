"""RFC 5280 §6.1 as it is written: the whole valid policy tree, with mappings and every input. A second opinion for tests.

The library keeps a set per level and refuses mappings; this is the long way round, and knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from asn1crypto.x509 import PolicyMappings as DerMappings
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

ANY: Final = "2.5.29.32.0"


@dataclass(slots=True, eq=False)
class Node:
    """A node of the tree (§6.1.2 (a)); qualifiers are left out."""

    depth: int
    policy: str
    expected: frozenset[str]
    parent: Node | None
    children: list[Node] = field(default_factory=list)

    def add(self, policy: str, expected: frozenset[str]) -> None:
        self.children.append(Node(self.depth + 1, policy, expected, self))

    def cut(self) -> None:
        assert self.parent is not None
        self.parent.children.remove(self)

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """§6.1.1 (c), (e), (f), (g)."""

    user_initial: frozenset[str] = frozenset({ANY})
    inhibit_mapping: bool = False
    explicit: bool = False
    inhibit_any: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """Whether the path is valid as far as policies go, and the user-constrained policy set."""

    valid: bool
    policies: frozenset[str]


NO: Final = Result(valid=False, policies=frozenset())


class Processing:
    """The state of §6.1.2 for one path."""

    def __init__(self, path: Sequence[x509.Certificate], inputs: Inputs) -> None:
        self.certificates = list(reversed(path[:-1]))
        self.inputs = inputs
        self.n = len(self.certificates)
        self.root: Node | None = Node(0, ANY, frozenset({ANY}), None)
        self.explicit = 0 if inputs.explicit else self.n + 1
        self.mapping = 0 if inputs.inhibit_mapping else self.n + 1
        self.any = 0 if inputs.inhibit_any else self.n + 1

    def run(self) -> Result:
        for i, certificate in enumerate(self.certificates, start=1):
            self._policies(certificate, i)
            if self.explicit == 0 and self.root is None:  # (f)
                return NO
            if i < self.n and not self._prepare(certificate, i):
                return NO
        return self._wrap_up()

    def _level(self, depth: int) -> list[Node]:
        return [] if self.root is None else [node for node in self.root.walk() if node.depth == depth]

    def _policies(self, certificate: x509.Certificate, i: int) -> None:
        """§6.1.3 (d) and (e)."""
        stated = policies(certificate)
        if stated is None:
            self.root = None
            return
        above = self._level(i - 1)
        for policy in stated - {ANY}:
            matching = [node for node in above if policy in node.expected]
            for node in matching or [node for node in above if node.policy == ANY]:
                node.add(policy, frozenset({policy}))
        if ANY in stated and (self.any > 0 or (i < self.n and self_issued(certificate))):
            for node in above:
                for policy in node.expected - {child.policy for child in node.children}:
                    node.add(policy, frozenset({policy}))
        self._prune(i)

    def _prune(self, depth: int) -> None:
        for level in range(depth - 1, -1, -1):
            for node in self._level(level):
                if node.children:
                    continue
                if node.parent is None:
                    self.root = None
                else:
                    node.cut()

    def _prepare(self, certificate: x509.Certificate, i: int) -> bool:
        """§6.1.4; whether the path may still be valid."""
        pairs = mappings(certificate)
        if any(ANY in pair for pair in pairs):  # (a)
            return False
        self._map(pairs, i)
        if not self_issued(certificate):  # (h)
            self.explicit, self.mapping, self.any = (max(v - 1, 0) for v in (self.explicit, self.mapping, self.any))
        required, inhibited = constraints(certificate)  # (i)
        self.explicit = min(self.explicit, self.explicit if required is None else required)
        self.mapping = min(self.mapping, self.mapping if inhibited is None else inhibited)
        skip = inhibit_any(certificate)  # (j)
        self.any = min(self.any, self.any if skip is None else skip)
        return True

    def _map(self, pairs: list[tuple[str, str]], i: int) -> None:
        """§6.1.4 (b)."""
        for issuer in dict.fromkeys(first for first, _ in pairs):
            subjects = frozenset(second for first, second in pairs if first == issuer)
            nodes = [node for node in self._level(i) if node.policy == issuer]
            if self.mapping == 0:
                for node in nodes:
                    node.cut()
                self._prune(i)
            elif nodes:
                for node in nodes:
                    node.expected = subjects
            else:
                for node in [node for node in self._level(i) if node.policy == ANY]:
                    assert node.parent is not None
                    node.parent.children.append(Node(i, issuer, subjects, node.parent))

    def _wrap_up(self) -> Result:
        """§6.1.5 (a), (b) and (g)."""
        leaf = self.certificates[-1]
        self.explicit = max(self.explicit - 1, 0)
        if constraints(leaf)[0] == 0:
            self.explicit = 0
        user = self.inputs.user_initial
        if self.root is not None and ANY not in user:
            domain = [node for node in self.root.walk() if node.parent is not None and node.parent.policy == ANY]
            for node in domain:
                if node.policy not in user | {ANY}:
                    node.cut()
            for node in [node for node in self._level(self.n) if node.policy == ANY]:
                assert node.parent is not None
                for policy in user - {other.policy for other in domain}:
                    node.parent.children.append(Node(self.n, policy, frozenset({policy}), node.parent))
                node.cut()
            self._prune(self.n)
        found = self._authorities()
        return Result(valid=self.explicit > 0 or self.root is not None, policies=found)

    def _authorities(self) -> frozenset[str]:
        """The policies in the names of the trust anchor's domain: what stands right below anyPolicy (§6.1.5 (g))."""
        if self.root is None:
            return frozenset()
        nodes = [node for node in self.root.walk() if node.parent is not None and node.parent.policy == ANY]
        return frozenset(node.policy for node in nodes if node.policy != ANY or node.depth == self.n)


def process(path: Sequence[x509.Certificate], inputs: Inputs) -> Result:
    """What RFC 5280 says of a path, given from the end entity to the anchor."""
    return Processing(path, inputs).run()


def policies(certificate: x509.Certificate) -> frozenset[str] | None:
    try:
        found = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    except x509.ExtensionNotFound:
        return None
    return frozenset(item.policy_identifier.dotted_string for item in found)


def mappings(certificate: x509.Certificate) -> list[tuple[str, str]]:
    for extension in certificate.extensions:
        if extension.oid == ExtensionOID.POLICY_MAPPINGS:
            value = extension.value
            assert isinstance(value, x509.UnrecognizedExtension)
            pairs = DerMappings.load(value.value)
            return [(pair["issuer_domain_policy"].dotted, pair["subject_domain_policy"].dotted) for pair in pairs]
    return []


def constraints(certificate: x509.Certificate) -> tuple[int | None, int | None]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.PolicyConstraints).value
    except x509.ExtensionNotFound:
        return None, None
    return found.require_explicit_policy, found.inhibit_policy_mapping


def inhibit_any(certificate: x509.Certificate) -> int | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.InhibitAnyPolicy).value.skip_certs
    except x509.ExtensionNotFound:
        return None


def self_issued(certificate: x509.Certificate) -> bool:
    return certificate.subject == certificate.issuer
