"""How the tables of the matrix are written: one function for a case, its name a sentence, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .judging import VALID
from .making import Exhibit, World

EXPIRED: Final = "CERTIFICATE_EXPIRED"
NOT_YET_VALID: Final = "CERTIFICATE_NOT_YET_VALID"
PATH: Final = "CERTIFICATE_PATH"
REVOKED: Final = "CERTIFICATE_REVOKED"
UNKNOWN: Final = "REVOCATION_UNKNOWN"

NOT_PARSED: Final = "CONFIGURATION"
"""The data are of a form that `GivenData.parse` refuses: the caller hears so, and a fetcher would find them useless."""

__all__ = ["EXPIRED", "NOT_PARSED", "NOT_YET_VALID", "PATH", "REVOKED", "UNKNOWN", "VALID", "Case", "Cases"]


@dataclass(frozen=True, slots=True)
class Case:
    """One hierarchy variation, the verdict it must get, and words that must be in the error."""

    name: str
    make: Callable[[World], Exhibit]
    verdict: str
    words: str


class Cases(list[Case]):
    """A table that grows by decoration."""

    def must_be(
        self, verdict: str, words: str = ""
    ) -> Callable[[Callable[[World], Exhibit]], Callable[[World], Exhibit]]:
        def add(make: Callable[[World], Exhibit]) -> Callable[[World], Exhibit]:
            self.append(Case(make.__name__, make, verdict, words))
            return make

        return add
