"""Which modules are mutated, and which tests are tried on the mutants of each. Data only.

All of these tests run in one process, without servers: they are asked thousands of times.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["LEFT_OUT", "ROOT", "SELECTION", "source_of", "tests_of"]

ROOT: Final = Path(__file__).parent.parent

_MESSAGES: Final = (
    "tests/unit/test_beginnings.py",
    "tests/unit/test_credentials*.py",
    "tests/unit/test_digest*.py",
    "tests/unit/test_jades*.py",
    "tests/unit/test_jws*.py",
    "tests/unit/test_known_headers.py",
    "tests/unit/test_policy.py",
    "tests/unit/test_result.py",
    "tests/unit/test_secrecy.py",
    "tests/unit/test_sigd*.py",
    "tests/unit/test_sign*.py",
    "tests/unit/test_steps*.py",
    "tests/unit/test_verdicts.py",
    "tests/unit/test_verification.py",
    "tests/unit/test_verify*.py",
    "tests/vectors/test_vectors.py",
)
_CERTIFICATES: Final = (
    "tests/conformance/test_hostile_chains.py",
    "tests/conformance/test_matrix.py",
    "tests/conformance/test_pkits.py",
    "tests/unit/pki/test_*.py",
    "tests/unit/test_bundle.py",
    "tests/unit/test_jades_certificates.py",
    "tests/unit/test_policy.py",
    "tests/unit/test_result.py",
    "tests/unit/test_verdicts.py",
    "tests/unit/test_verification.py",
)

SELECTION: Final[dict[str, tuple[str, ...]]] = {
    "jws": _MESSAGES,
    "sigd": _MESSAGES,
    "digest": _MESSAGES,
    "jades": _MESSAGES,
    "steps": _MESSAGES,
    "verification": _MESSAGES,
    "verify": _MESSAGES,
    "pki.answer": _CERTIFICATES,
    "pki.candidates": _CERTIFICATES,
    "pki.certificate": _CERTIFICATES,
    "pki.crl": _CERTIFICATES,
    "pki.failure": _CERTIFICATES,
    "pki.fitness": _CERTIFICATES,
    "pki.identity": _CERTIFICATES,
    "pki.ocsp": _CERTIFICATES,
    "pki.path": _CERTIFICATES,
    "pki.pkioverheid": _CERTIFICATES,
    "pki.policies": _CERTIFICATES,
    "pki.requirements": _CERTIFICATES,
    "pki.revocation": _CERTIFICATES,
    "pki.signatures": _CERTIFICATES,
    "pki.trust": _CERTIFICATES,
}
"""Patterns of test files, by module. Modules with the same ones share a process; of these, each mutant is tried on those
tests that run its line."""


LEFT_OUT: Final = ("tests/vectors/test_vectors.py::test_the_generator_makes_exactly_the_vectors_that_are_here",)
"""Tests that take long and run nothing of the library."""


def source_of(module: str) -> Path:
    """The file of a module."""
    return ROOT / "src" / "nlgov_jades" / (module.replace(".", "/") + ".py")


def tests_of(module: str) -> list[str]:
    """The test files of a module, its own first, relative to the root."""
    found = [path.relative_to(ROOT).as_posix() for pattern in SELECTION[module] for path in sorted(ROOT.glob(pattern))]
    own = f"test_{module.rpartition('.')[2]}"
    return sorted(dict.fromkeys(found), key=lambda name: not name.rpartition("/")[2].startswith(own))
