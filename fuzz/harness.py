"""What a harness is, what a finding is, and what every refusal must be like. No harness lives here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from nlgov_jades.cli.failure import CommandFailure
from nlgov_jades.errors import FetchError, NlgovJadesError
from nlgov_jades.pki.certificate import UnreadableCertificateError
from nlgov_jades.pki.signatures import UnusableDataError

__all__ = ["ACCEPTED", "MAX_TEXT", "Finding", "Harness", "check", "label", "refused"]

ACCEPTED = "accepted"

MAX_TEXT = 4096
"""Characters of the text of an error, for one line of a log. The longest ones quote a few names of 80 to 200 characters,
or list what was tried."""

_OURS = (NlgovJadesError, CommandFailure, UnreadableCertificateError, UnusableDataError)


class Finding(AssertionError):  # noqa: N818 - what it is called everywhere
    """The oracle of a harness says that the library is wrong."""


@dataclass(frozen=True, slots=True)
class Harness:
    """One thing that is fuzzed.

    Attributes:
        name: On the command line.
        oracle: What must hold for every input, in a sentence.
        run: Takes an input, returns the outcome as a word for the statistics. Raises `Finding`, or lets through what the
            library should not have raised.
        seeds: Makes the inputs to begin with, from the test vectors.
        words: Octets that a mutation may insert: the dictionary.
        longest: Octets of an input.
    """

    name: str
    oracle: str
    run: Callable[[bytes], str]
    seeds: Callable[[], list[bytes]]
    words: tuple[bytes, ...] = ()
    longest: int = 4096


def check(holds: object, what: str) -> None:
    """Return when it holds.

    Raises:
        Finding: It does not.
    """
    if not holds:
        raise Finding(what)


def label(error: Exception, secrets: Iterable[str] = ()) -> str:
    """The outcome's word, of a refusal that is as every refusal must be: ours, one short printable line, nothing secret.

    Args:
        error: What was raised.
        secrets: Texts that must not be in it.

    Raises:
        Finding: It is not.
    """
    check(isinstance(error, _OURS), f"a foreign exception: {type(error).__name__}")
    text = getattr(error, "detail", None) or str(error)
    # A certificate that cannot be read has no text: the caller says which one it is.
    check(text or isinstance(error, UnreadableCertificateError), f"{type(error).__name__} says nothing")
    check(len(text) <= MAX_TEXT, f"the text of {type(error).__name__} has {len(text)} characters")
    check(text.isprintable(), f"the text of {type(error).__name__} holds what a terminal or a log obeys")
    for secret in secrets:
        check(secret not in text and secret not in repr(error), f"{type(error).__name__} tells a secret")
    context = error.__cause__ if error.__cause__ is not None or error.__suppress_context__ else error.__context__
    check(
        context is None or isinstance(context, (*_OURS, FetchError)),
        f"{type(error).__name__} drags {type(context).__name__} along",
    )
    return str(getattr(error, "code", type(error).__name__))


def refused(call: Callable[[], object], *kinds: type[Exception], secrets: Iterable[str] = ()) -> str | None:
    """The word for how it was refused, or `None` when it returned. Anything but these kinds goes through, as a finding."""
    try:
        call()
    except kinds as error:
        return label(error, secrets)
    return None
