"""Errors of FSC gateways: code and status stand in FSC's table, or it is none."""

from __future__ import annotations

import pytest

from nlgov_jades import HttpResponse
from nlgov_jades.edges.fsc import GATEWAY_ERRORS, is_gateway_error


@pytest.mark.parametrize(("code", "status"), sorted(GATEWAY_ERRORS.items()))
def test_a_code_of_the_table_counts_with_its_own_status(code: str, status: int) -> None:
    for name in ("Fsc-Error-Code", "FSC-ERROR-CODE", "fsc-error-code"):
        assert is_gateway_error(HttpResponse(status=status, fields=[(name, f" {code} ")]))
    for other in {200, 204, 400, 401, 403, 404, 405, 500, 502, 503, 540} - {status}:
        assert not is_gateway_error(HttpResponse(status=other, fields=[("Fsc-Error-Code", code)]))


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [("Fsc-Error-Code", "")],
        [("Fsc-Error-Code", "error_code_service_not_found")],
        [("Fsc-Error-Code", "ERROR_CODE_SERVICE_NOT_FOUND, ERROR_CODE_SERVICE_NOT_FOUND")],
        [("Fsc-Error-Code", "ERROR_CODE_SERVICE_NOT_FOUND"), ("Fsc-Error-Code", "ERROR_CODE_SERVICE_NOT_FOUND")],
        [("Fsc-Error-Code", "ERROR_CODE_SERVICE_NOT_FOUND"), ("fsc-error-code", "")],
        [("Fsc-Error-Code ", "ERROR_CODE_SERVICE_NOT_FOUND")],
        [("Fsc-Error", "ERROR_CODE_SERVICE_NOT_FOUND")],
    ],
    ids=range(8),
)
def test_anything_else_is_none(lines: list[tuple[str, str]]) -> None:
    assert not is_gateway_error(HttpResponse(status=404, fields=lines))


def test_no_code_stands_for_success_and_nobody_adds_one() -> None:
    assert all(status >= 400 for status in GATEWAY_ERRORS.values())
    with pytest.raises(TypeError):
        GATEWAY_ERRORS["OK"] = 200  # type: ignore[index] # that it cannot be set is what is tested
