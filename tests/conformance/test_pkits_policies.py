"""PKITS 4.8 to 4.12, put to our policy processing with every set of policies that a caller can ask for.

The document asks 86 questions, some of which our API cannot put (`deviations.toml` says which). So a full implementation of
RFC 5280 §6.1 (`policy_tree.py`) first has to give all 86 outcomes of the document; then ours must say of every chain, for
every question that it can be asked, what that one says.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cache
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from nlgov_jades import CertificateRequirements
from nlgov_jades.errors import CertificatePathError
from nlgov_jades.pki.policies import valid_policies

from .pkits import TEST_POLICIES, PkitsTest, chain, pkits_tests
from .policy_tree import ANY, Inputs, Result, mappings, process

TESTS: Final = [test for test in pkits_tests() if test.id.split(".")[1] in {"8", "9", "10", "11", "12"}]
CHAINS: Final = list({test.leaf: test for test in TESTS}.values())

P1, P2, *_ = NAMED = tuple(TEST_POLICIES.values())
QUESTIONS: Final = [
    frozenset({ANY}),
    *(frozenset({policy}) for policy in NAMED),
    frozenset({P1, P2}),
    frozenset(NAMED),
    frozenset({"2.16.528.1.1003.1.2.8.4"}),  # one that the suite does not know
]

bounded = settings(deadline=None, derandomize=True, database=None, max_examples=250)


def name(test: PkitsTest) -> str:
    return f"{test.id}-{test.leaf}"


def asked(initial: frozenset[str]) -> Inputs:
    """What RFC 5280 is asked when our API is: naming policies sets initial-explicit-policy."""
    return Inputs(user_initial=initial, explicit=ANY not in initial, inhibit_mapping=True)


def ours(path: Sequence[x509.Certificate], initial: frozenset[str]) -> Result:
    try:
        return Result(valid=True, policies=valid_policies(path, initial))
    except CertificatePathError:
        return Result(valid=False, policies=frozenset())


def compare(path: Sequence[x509.Certificate], initial: frozenset[str]) -> None:
    wanted = process(path, asked(initial))
    if any(mappings(certificate) for certificate in path):
        wanted = Result(valid=False, policies=frozenset())  # whatever RFC 5280 says: mappings are refused
    found = ours(path, initial)
    assert found.valid == wanted.valid
    if wanted.valid:
        assert found.policies == wanted.policies


def test_there_are_as_many_questions_as_in_the_document() -> None:
    assert (len(TESTS), len(CHAINS)) == (86, 63)


@pytest.mark.parametrize("test", TESTS, ids=name)
def test_the_reference_says_what_the_document_says(test: PkitsTest) -> None:
    inputs = Inputs(
        user_initial=frozenset(TEST_POLICIES[said] for said in test.settings if said in TEST_POLICIES)
        or frozenset({ANY}),
        explicit="explicit" in test.settings,
        inhibit_mapping="inhibit-mapping" in test.settings,
        inhibit_any="inhibit-any" in test.settings,
    )
    assert process(chain(test), inputs).valid == (test.must_be == "valid")


@pytest.mark.parametrize("test", CHAINS, ids=name)
def test_every_chain_is_judged_as_the_reference_does_for_every_set_of_policies(test: PkitsTest) -> None:
    for initial in QUESTIONS:
        assert CertificateRequirements(policies=initial).policies == initial  # it can be asked
        compare(chain(test), initial)


def test_the_one_question_that_cannot_be_put_is_answered_for_every_policy_by_name() -> None:
    """4.12.3.2: initial-inhibit-any-policy refuses a path whose second CA says anyPolicy."""
    (test,) = (test for test in TESTS if test.id == "4.12.3.2")
    path = chain(test)
    assert not process(path, Inputs(inhibit_any=True, explicit=True)).valid
    assert ours(path, frozenset({P1})) == Result(valid=True, policies=frozenset({P1}))
    for other in NAMED[1:]:
        assert not ours(path, frozenset({other})).valid


# --- paths that nobody thought of ---


@cache
def key() -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(1, ec.SECP256R1())


@st.composite
def levels(draw: st.DrawFn) -> tuple[tuple[x509.ExtensionType, ...], bool]:
    """What one certificate says about policies, and whether it is self-issued."""
    few = st.integers(0, 3)
    said: list[x509.ExtensionType] = []
    stated = draw(st.lists(st.sampled_from([ANY, *NAMED[:3]]), unique=True, min_size=0, max_size=3))
    if stated:
        said.append(
            x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(oid), None) for oid in stated])
        )
    if draw(st.integers(0, 3)) == 0:
        said.append(x509.PolicyConstraints(draw(few), draw(st.none() | few)))
    if draw(st.integers(0, 3)) == 0:
        said.append(x509.InhibitAnyPolicy(draw(few)))
    return tuple(said), draw(st.integers(0, 3)) == 0


def made(stated: Sequence[tuple[tuple[x509.ExtensionType, ...], bool]]) -> list[x509.Certificate]:
    """A path from the end entity to the anchor; nothing but names, policies and their constraints is looked at."""
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    path: list[x509.Certificate] = []
    issuer = named(0)
    for depth, (extensions, self_issued) in enumerate([((), True), *stated]):
        subject = issuer if self_issued else named(depth)
        builder = x509.CertificateBuilder(
            issuer_name=issuer,
            subject_name=subject,
            public_key=key().public_key(),
            serial_number=depth + 1,
            not_valid_before=start,
            not_valid_after=start + dt.timedelta(days=1),
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        path.insert(0, builder.sign(key(), hashes.SHA256()))
        issuer = subject
    return path


def named(depth: int) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"level {depth}")])


def test_any_path_is_judged_as_the_reference_does() -> None:
    accepted: list[bool] = []

    @bounded
    @given(stated=st.lists(levels(), min_size=1, max_size=5), initial=st.sampled_from(QUESTIONS[:5]))
    def judge(stated: list[tuple[tuple[x509.ExtensionType, ...], bool]], initial: frozenset[str]) -> None:
        path = made(stated)
        compare(path, initial)
        accepted.append(bool(ours(path, initial).policies))

    judge()
    # Of both kinds: else the two could agree on refusals alone.
    assert min(accepted.count(True), accepted.count(False)) > 20
