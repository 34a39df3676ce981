"""An answer without a signature passes as an error or a redirect, never as something a client takes for a success."""

from __future__ import annotations

import pytest

from nlgov_jades import ANY_TRUSTED, HttpRequest, HttpResponse, RevocationPolicy, VerificationPolicy, profiles
from nlgov_jades.edges import AnswerRules, Unverified, WhyUnverified

POLICY = VerificationPolicy(profiles=(profiles.DDAS,), signers=ANY_TRUSTED, revocation=RevocationPolicy.OFF)


def answer(status: int, *fields: tuple[str, str]) -> HttpResponse:
    return HttpResponse(status=status, fields=fields, request=HttpRequest(method="GET", target="/"))


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308, 399, 600, 999])
def test_what_is_neither_an_error_nor_leads_on_is_verified(status: int) -> None:
    # `requests` calls all of them `ok`, and raise_for_status raises for none.
    assert AnswerRules().exemption(answer(status), POLICY) is None


@pytest.mark.parametrize("status", [300, 305, 399, 600])
def test_a_location_does_not_make_a_redirect_of_it(status: int) -> None:
    assert AnswerRules().exemption(answer(status, ("Location", "/there")), POLICY) is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_passes_as_unverified(status: int) -> None:
    passed = AnswerRules().exemption(answer(status, ("Location", "/there")), POLICY)
    assert passed == Unverified(WhyUnverified.ERROR)
