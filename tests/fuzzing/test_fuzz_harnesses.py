"""What fuzzing holds the library against holds for every seed and for some mutations of them, without any engine."""

from __future__ import annotations

import pytest
from fuzz.choices import mutations
from fuzz.harness import ACCEPTED, Harness
from fuzz.table import HARNESSES

MUTATIONS = 400
PARTS = 4
"""Of each harness, so that the tests spread over processes."""

REACHED = {
    "base64": {ACCEPTED, "MALFORMED_SIGNATURE"},
    "json": {ACCEPTED, "MALFORMED_SIGNATURE"},
    "signature-field": {ACCEPTED, "MALFORMED_SIGNATURE"},
    "fields": {ACCEPTED, "odd"},
    "digest": {ACCEPTED, "MALFORMED_SIGNATURE", "DIGEST_MISMATCH", "UNSUPPORTED_ALGORITHM"},
    "identity": {ACCEPTED, "nobody"},
    "fsc-token": {ACCEPTED, "ProblemError"},
    "protected-header": {ACCEPTED, "MALFORMED_SIGNATURE", "PROFILE_VIOLATION", "UNSUPPORTED_ALGORITHM", "SIGNING_TIME"},
    "capture": {ACCEPTED, "UNREADABLE_INPUT"},
    "certificate": {ACCEPTED, "UnreadableCertificateError", "CERTIFICATE_PATH"},
    "ocsp": {"good", "revoked", "on hold", "UnusableDataError", "ForgedDataError"},
    "crl": {"good", "revoked", "on hold", "UnusableDataError", "ForgedDataError"},
    "verifier": {ACCEPTED, "MALFORMED_SIGNATURE", "SIGNATURE_MISSING", "UNSUPPORTED_ALGORITHM", "PROFILE_VIOLATION", "INVALID_SIGNATURE",
                 "DIGEST_MISMATCH", "SIGNING_TIME", "CERTIFICATE_PATH", "CERTIFICATE_EXPIRED", "CERTIFICATE_NOT_YET_VALID",
                 "SIGNER_NOT_ALLOWED"},
    "sequence": {ACCEPTED, "CERTIFICATE_PATH"},
    "jws-and-jwcrypto": {ACCEPTED, "MALFORMED_SIGNATURE", "INVALID_SIGNATURE", "only jwcrypto: MALFORMED_SIGNATURE"},
    "path-and-pyhanko": {ACCEPTED, "CERTIFICATE_PATH", "CERTIFICATE_EXPIRED", "only pyhanko: CERTIFICATE_PATH",
                         "only ours: PathBuildingError"},
}  # fmt: skip
"""Outcomes that the seeds alone must reach: a harness that gets nowhere finds nothing."""


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("harness", HARNESSES.values(), ids=lambda harness: harness.name)
def test_a_harness_finds_nothing_in_its_seeds_and_some_mutations(harness: Harness, part: int) -> None:
    seeds = harness.seeds()
    assert seeds
    inputs = [*seeds[part::PARTS], *mutations(seeds, harness.words, MUTATIONS // PARTS, start=part)]
    for octets in inputs:
        assert harness.run(octets[: harness.longest])


@pytest.mark.parametrize("harness", HARNESSES.values(), ids=lambda harness: harness.name)
def test_the_seeds_of_a_harness_reach_what_it_is_about(harness: Harness) -> None:
    wanted = set(REACHED[harness.name])
    for octets in harness.seeds():
        wanted.discard(harness.run(octets[: harness.longest]))
        if not wanted:
            return
    pytest.fail(f"the seeds of {harness.name} never reach {sorted(wanted)}")


@pytest.mark.parametrize("harness", HARNESSES.values(), ids=lambda harness: harness.name)
def test_an_input_gives_the_same_outcome_again(harness: Harness) -> None:
    seeds = harness.seeds()
    assert seeds == harness.seeds()
    for octets in seeds[:: max(len(seeds) // 5, 1)]:
        assert harness.run(octets) == harness.run(octets)


@pytest.mark.parametrize("octets", [b"", b"\0", b"\1", b"\xff", b"\xff" * 40, bytes(40)])
@pytest.mark.parametrize("harness", HARNESSES.values(), ids=lambda harness: harness.name)
def test_the_smallest_inputs_are_inputs(harness: Harness, octets: bytes) -> None:
    assert harness.run(octets)


def test_every_harness_has_its_reached_outcomes_and_says_what_it_holds() -> None:
    assert REACHED.keys() == HARNESSES.keys()
    assert all(harness.oracle and harness.longest > 0 for harness in HARNESSES.values())
