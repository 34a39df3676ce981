"""What ends a command early, and with which exit status. No output is made here."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["CommandFailure", "ExitStatus", "NotValid"]


class ExitStatus(IntEnum):
    """The three exit statuses of the contract."""

    VALID = 0
    NOT_VALID = 1
    UNUSABLE = 2


class CommandFailure(Exception):  # noqa: N818 - an outcome, not an error of the program
    """Usage that cannot be followed or input that cannot be read: exit status 2.

    Args:
        detail: One sentence that says what to do; other people's text in it is quoted.
        code: Stable name.
    """

    def __init__(self, detail: str, code: str = "UNREADABLE_INPUT") -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code


class NotValid(Exception):  # noqa: N818 - an outcome, not an error of the program
    """The answer is no, and has been printed: exit status 1."""
