"""All harnesses. Importing this imports the library: the engine does it under instrumentation."""

from __future__ import annotations

from . import captures, certificates, header, messages, parsers, revocation, second_jws, second_path, sequences
from .harness import Harness
from .self_test import SELF_TEST

__all__ = ["BY_NAME", "HARNESSES"]

HARNESSES: dict[str, Harness] = {
    harness.name: harness
    for module in (parsers, header, captures, certificates, revocation, messages, sequences, second_jws, second_path)
    for harness in module.HARNESSES
}

BY_NAME = HARNESSES | {SELF_TEST.name: SELF_TEST}
"""Those, and the one that must fail."""
