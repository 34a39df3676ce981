"""A matrix of hierarchies, each valid or with one fault, judged by our code and, for a second opinion, by pyhanko.

Ours must be exactly what the table says. Where pyhanko-certvalidator differs, `pyhanko_disagreements.toml` says why.
"""

from __future__ import annotations

from typing import Final

import pytest

from nlgov_jades.errors import ConfigurationError, FetchError
from nlgov_jades.pki.revocation import FetchRequest, GivenData, RevocationData
from nlgov_jades.policy import RevocationPolicy
from nlgov_jades.result import RevocationSource

from . import matrix_crl, matrix_delegates, matrix_modes, matrix_ocsp, matrix_path, matrix_policy
from .cases import NOT_PARSED, UNKNOWN, Case
from .judging import Fetch, judge, offline
from .making import OCSP_URL, Exhibit, World, ocsp, rework_ocsp
from .second_opinion import disagreements, in_its_words, second_opinion

CASES: Final = [
    *matrix_path.CASES,
    *matrix_policy.CASES,
    *matrix_ocsp.CASES,
    *matrix_delegates.CASES,
    *matrix_crl.CASES,
    *matrix_modes.CASES,
]
ASKED: Final = [case for case in matrix_ocsp.CASES if case not in matrix_ocsp.SEVERAL] + matrix_delegates.CASES
LISTED: Final = {case: group for group in disagreements() for case in group.cases}

# Where warnings are errors, as in these tests, a negative serial number is one; in production it is not, and judged.
pytestmark = pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")


def name(case: Case) -> str:
    return case.name


@pytest.fixture(scope="session")
def world() -> World:
    return World.new()


def ours(exhibit: Exhibit, given: GivenData, fetch: Fetch = offline) -> tuple[str, str]:
    return judge(
        exhibit.leaf,
        exhibit.untrusted,
        trust=exhibit.trust,
        at=exhibit.at,
        given=given,
        policies=exhibit.policies,
        algorithm=exhibit.algorithm,
        revocation=exhibit.revocation,
        fetch=fetch,
    )


def test_the_matrix_is_large_and_its_cases_have_names_of_their_own() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) >= 60
    assert {item for group in disagreements() for item in group.cases} <= set(names)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_our_verdict_is_that_of_the_table(case: Case, world: World) -> None:
    exhibit = case.make(world)
    if case.verdict == NOT_PARSED:
        with pytest.raises(ConfigurationError, match=case.words):
            GivenData.parse(exhibit.ocsp, exhibit.crls)
        return
    verdict, words = ours(exhibit, GivenData.parse(exhibit.ocsp, exhibit.crls))
    assert verdict == case.verdict, words
    assert case.words in words


@pytest.mark.parametrize("case", ASKED, ids=name)
def test_a_response_that_is_fetched_is_judged_as_one_that_is_given(case: Case, world: World) -> None:
    exhibit = case.make(world)
    (response,) = exhibit.ocsp

    def fetch(request: FetchRequest) -> RevocationData | FetchError:
        if request.source is not RevocationSource.OCSP:
            return FetchError("not found")
        assert request.url == OCSP_URL
        assert request.body() is not None
        assert len(response) <= request.limit
        try:
            return request.parse(response)
        except FetchError as error:
            return error

    verdict, words = ours(exhibit, GivenData.parse((), exhibit.crls), fetch)
    assert verdict == (UNKNOWN if case.verdict == NOT_PARSED else case.verdict), words
    assert case.words in words


def test_soft_fail_does_not_pass_over_a_bad_signature_on_what_was_fetched(world: World) -> None:
    exhibit = world.exhibit(crls=(), revocation=RevocationPolicy.SOFT_FAIL)
    forged = rework_ocsp(ocsp(world.leaf, world.ca), world.other_ca)

    def fetch(request: FetchRequest) -> RevocationData | FetchError:
        if request.source is not RevocationSource.OCSP:
            return FetchError("not found")
        try:
            return request.parse(forged)
        except FetchError as error:
            return error

    verdict, words = ours(exhibit, GivenData(), fetch)
    assert verdict == UNKNOWN, words
    assert "does not fit its signer" in words


@pytest.mark.parametrize("case", [case for case in CASES if case not in matrix_modes.OFF_CASES], ids=name)
def test_the_second_opinion_differs_only_where_the_list_says_so(case: Case, world: World) -> None:
    exhibit = case.make(world)
    theirs, words = second_opinion(exhibit)
    if (group := LISTED.get(case.name)) is not None:
        assert theirs == group.pyhanko, words
        assert theirs != in_its_words(case.verdict), "they agree now: take it off the list"
        return
    assert theirs == in_its_words(case.verdict), words
