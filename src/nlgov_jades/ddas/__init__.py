"""DDAS: what a supplier needs to deliver debt-relief data to CBS. Needs the extra `ddas`.

    app = provider_app(storage=storage, kind=Kind.SHV, signer=signer, verifier=verifier, answers=AnswerSettings(supplier="…"))

Only names are here; each file beside this one has one subject. Test data are in `nlgov_jades.ddas.testdata`.
"""

from __future__ import annotations

try:
    from .answers import AnswerSettings, AnswerShape, MissingPage
    from .fsc import Delegation, FscSettings, FscToken
    from .fsc_errors import FscDomain, FscError
    from .kinds import Kind, Organisation, Record
    from .limits import RateLimit
    from .problems import Problem, ProblemDetails, ProblemError, ddas_responder
    from .provider import TRANSACTION_KEY, provider_app
    from .question import Question, read_question
    from .storage import IN_MEMORY, Part, Selection, Snapshot, SqliteStorage, Storage
except ImportError as error:
    if error.name not in {"anyio", "starlette"}:
        raise
    raise ImportError("nlgov_jades.ddas needs an extra: pip install 'nlgov-jades[ddas]'", name=error.name) from None

__all__ = [
    "IN_MEMORY",
    "TRANSACTION_KEY",
    "AnswerSettings",
    "AnswerShape",
    "Delegation",
    "FscDomain",
    "FscError",
    "FscSettings",
    "FscToken",
    "Kind",
    "MissingPage",
    "Organisation",
    "Part",
    "Problem",
    "ProblemDetails",
    "ProblemError",
    "Question",
    "RateLimit",
    "Record",
    "Selection",
    "Snapshot",
    "SqliteStorage",
    "Storage",
    "ddas_responder",
    "provider_app",
    "read_question",
]
