"""What the edges of HTTP share: rules, bodies, refusals. No HTTP library and no socket; only files, threads and logs.

Each client and server has a thin module of its own beside this folder: `httpx`, `httpx2`, `requests`, `asgi`, `wsgi`.
"""

from .body import BodySettings
from .client_hosts import ANY_HOST
from .outcome import UNVERIFIED_KEY, VERIFIED_KEY, Unverified, WhyUnverified, verified_message
from .refusal import Answer, Refusal, Responder, problem_details
from .rules import (
    ANY_METHOD,
    AnswerRules,
    LongAnswers,
    Need,
    OtherHosts,
    RequestRules,
    Route,
    SigningRules,
    UnsignedErrors,
    UnsignedQuestions,
    Unverifiable,
    Websockets,
)
from .site import PublicAddress

__all__ = [
    "ANY_HOST",
    "ANY_METHOD",
    "UNVERIFIED_KEY",
    "VERIFIED_KEY",
    "Answer",
    "AnswerRules",
    "BodySettings",
    "LongAnswers",
    "Need",
    "OtherHosts",
    "PublicAddress",
    "Refusal",
    "RequestRules",
    "Responder",
    "Route",
    "SigningRules",
    "UnsignedErrors",
    "UnsignedQuestions",
    "Unverifiable",
    "Unverified",
    "Websockets",
    "WhyUnverified",
    "problem_details",
    "verified_message",
]
