"""What travels with a message to the application: the proof, or an error that says why there is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades import HttpRequest, Verifier
from nlgov_jades.edges import UNVERIFIED_KEY, VERIFIED_KEY, Unverified, WhyUnverified, verified_message
from nlgov_jades.errors import ConfigurationError


def test_the_proof_is_the_one_that_was_put_there(
    sign: Callable[..., HttpRequest], request_message: HttpRequest, verifier: Verifier
) -> None:
    proof = verifier.verify(sign(request_message))
    assert verified_message({VERIFIED_KEY: proof}) is proof
    assert (VERIFIED_KEY, UNVERIFIED_KEY) == ("nlgov_jades.verified", "nlgov_jades.unverified")


@pytest.mark.parametrize("why", list(WhyUnverified), ids=lambda why: why.value)
def test_a_message_that_was_let_through_is_no_proof_and_the_error_says_why(why: WhyUnverified) -> None:
    with pytest.raises(ConfigurationError, match=rf"the rules let it pass \({why.value}\)"):
        verified_message({UNVERIFIED_KEY: Unverified(why)})


@pytest.mark.parametrize(
    "carrier",
    [
        {},
        {VERIFIED_KEY: None},
        {VERIFIED_KEY: True},
        {VERIFIED_KEY: "yes"},
        {VERIFIED_KEY: {"signer": "00000001002220647000"}},
        {VERIFIED_KEY: Unverified(WhyUnverified.EXEMPT)},
        {UNVERIFIED_KEY: None},
        {UNVERIFIED_KEY: "exempt"},
        {"nlgov_jades_verified": True, "HTTP_NLGOV_JADES_VERIFIED": "1"},
    ],
    ids=range(9),
)
def test_anything_else_is_no_proof(carrier: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="no verifier saw it"):
        verified_message(carrier)


def test_an_outcome_is_a_value() -> None:
    outcome = Unverified(WhyUnverified.ERROR)
    assert outcome == Unverified(WhyUnverified.ERROR)
    with pytest.raises(dataclasses.FrozenInstanceError):
        outcome.why = WhyUnverified.EXEMPT  # type: ignore[misc] # that it cannot be set is what is tested
