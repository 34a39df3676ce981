"""Stand-ins for the gateways of FSC, for tests and for developers who have none at hand. Never for production.

    outway = Outway(grants=[grant], tls=files, tokens=maker.token)
    inway = Inway(services={"ddas-shv": "http://127.0.0.1:8080"}, group="…", audience="https://…", issuers=[certificate])

They do between a consumer and a provider what FSC core describes, so that a chain is tried as it is deployed: tokens, mutual TLS,
the errors of gateways. What is missing for production is everything around it: a manager with contracts, a directory, revocation
of TLS certificates, logs that FSC asks for, operation. What they check, they check as strictly as if it were.
Needs the extra `ddas`. `nlgov_jades.ddas.gateways.serving` runs them under uvicorn.
"""

from __future__ import annotations

from .inway import Inway
from .outway import Grant, Outway, TokenSource
from .passing import CutAnswerError, GatewayLimits
from .tls import TlsFiles
from .tokens import TokenMaker

__all__ = [
    "CutAnswerError",
    "GatewayLimits",
    "Grant",
    "Inway",
    "Outway",
    "TlsFiles",
    "TokenMaker",
    "TokenSource",
]
