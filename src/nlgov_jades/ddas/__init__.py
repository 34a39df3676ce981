"""DDAS: what a supplier needs to deliver debt-relief data, and what CBS needs to collect them. Needs the extra `ddas`.

    app = provider_app(storage=storage, kind=Kind.SHV, signer=signer, verifier=verifier, answers=AnswerSettings(supplier="…"))

    report = await collect_fleet(providers, question, consumer=Consumer(signer=signer, trust=trust), keep=keep)

Only names are here; each file beside this one has one subject. Test data are in `nlgov_jades.ddas.testdata`.
"""

from __future__ import annotations

try:
    from .answers import AnswerSettings, AnswerShape, MissingPage
    from .collect import CollectedPage, CollectedRecord, Pages, collect
    from .consumer import (
        AnswerError,
        AnswerFault,
        Consumer,
        GatewayError,
        NoAnswerError,
        ProblemAnswerError,
        Provider,
        Retries,
        Waiting,
    )
    from .fleet import FleetProgress, Keep, collect_fleet, terminal_progress
    from .fsc import Delegation, FscSettings, FscToken
    from .fsc_errors import FscDomain, FscError
    from .kinds import Kind, Organisation, Record
    from .limits import RateLimit
    from .problems import Problem, ProblemDetails, ProblemError, ddas_responder
    from .provider import TRANSACTION_KEY, provider_app
    from .question import Question, read_question
    from .report import CollectionStatus, FleetReport, ProviderReport, SignatureFacts
    from .storage import IN_MEMORY, Part, Selection, Snapshot, SqliteStorage, Storage
except ImportError as error:
    # Every module of this package is imported through this file, so it says so for all of them.
    if error.name not in {"anyio", "httpx", "starlette"}:
        raise
    raise ImportError("nlgov_jades.ddas needs an extra: pip install 'nlgov-jades[ddas]'", name=error.name) from None

__all__ = [
    "IN_MEMORY",
    "TRANSACTION_KEY",
    "AnswerError",
    "AnswerFault",
    "AnswerSettings",
    "AnswerShape",
    "CollectedPage",
    "CollectedRecord",
    "CollectionStatus",
    "Consumer",
    "Delegation",
    "FleetProgress",
    "FleetReport",
    "FscDomain",
    "FscError",
    "FscSettings",
    "FscToken",
    "GatewayError",
    "Keep",
    "Kind",
    "MissingPage",
    "NoAnswerError",
    "Organisation",
    "Pages",
    "Part",
    "Problem",
    "ProblemAnswerError",
    "ProblemDetails",
    "ProblemError",
    "Provider",
    "ProviderReport",
    "Question",
    "RateLimit",
    "Record",
    "Retries",
    "Selection",
    "SignatureFacts",
    "Snapshot",
    "SqliteStorage",
    "Storage",
    "Waiting",
    "collect",
    "collect_fleet",
    "ddas_responder",
    "provider_app",
    "read_question",
    "terminal_progress",
]
