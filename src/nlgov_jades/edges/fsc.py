"""Errors that FSC gateways make (FSC core 1.0.0): unsigned, since a gateway has no signing certificate. Data only."""

from __future__ import annotations

from types import MappingProxyType

from ..message import HttpResponse

__all__ = ["GATEWAY_ERRORS", "is_gateway_error"]

GATEWAY_ERRORS = MappingProxyType(
    {
        "ERROR_CODE_ACCESS_TOKEN_MISSING": 401,
        "ERROR_CODE_ACCESS_TOKEN_INVALID": 401,
        "ERROR_CODE_ACCESS_TOKEN_EXPIRED": 401,
        "ERROR_CODE_WRONG_GROUP_ID_IN_TOKEN": 403,
        "ERROR_CODE_SERVICE_NOT_FOUND": 404,
        "ERROR_CODE_METHOD_UNSUPPORTED": 405,
        "ERROR_CODE_SERVICE_UNREACHABLE": 502,
    }
)
"""Each code with the one status that it has."""


def is_gateway_error(answer: HttpResponse) -> bool:
    """Whether its `Fsc-Error-Code` is there once and stands in FSC's table with this status."""
    codes = answer.fields.get_all("fsc-error-code")
    return len(codes) == 1 and GATEWAY_ERRORS.get(codes[0]) == answer.status
