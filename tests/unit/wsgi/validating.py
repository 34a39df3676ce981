"""`wsgiref.validate` but for single rules, and what tells that a middleware stands between two validators.

Some tests are about what the validator itself refuses: a server that sends a wrong CONTENT_LENGTH, an application that answers
with text. They run under a copy of it that lets exactly the rules pass that the test names, by what the validator says
of them, and that notices when such a rule was not broken at all.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any
from wsgiref.types import WSGIApplication

Validator = Callable[[Any], WSGIApplication]

_LINT_APP = "validator.<locals>.lint_app"


class Lenient:
    """A `wsgiref.validate.validator` that lets some rules pass.

    Args:
        rules: What the validator says of each when it is broken, or a part of that.
    """

    def __init__(self, *rules: str) -> None:
        self._rules = rules
        self._met: set[str] = set()
        self._module = _copy()
        self._assert = self._module.__dict__["assert_"]
        self._end = self._module.__dict__["IteratorWrapper"]
        replaced = {"assert_": self._assert_but, "int": self._int, "IteratorWrapper": self._iterator}
        self._module.__dict__.update(replaced, warnings=SimpleNamespace(warn=self._warn))
        for name in ("check_status", "check_content_type"):
            self._module.__dict__[name] = self._whole(self._module.__dict__[name])

    def __call__(self, app: Any) -> WSGIApplication:
        made: WSGIApplication = self._module.__dict__["validator"](app)
        return made

    @property
    def unbroken(self) -> set[str]:
        """Rules that were named for nothing."""
        return set(self._rules) - self._met

    def _lets_pass(self, said: object) -> bool:
        found = {rule for rule in self._rules if rule in str(said)}
        self._met |= found
        return bool(found)

    def _assert_but(self, condition: object, *said: object) -> None:
        if not condition and not self._lets_pass(said[0] if said else ""):
            self._assert(condition, *said)

    def _int(self, text: str) -> int:
        """A number, or what is one for all rules behind this."""
        try:
            return int(text)
        except ValueError as error:
            if self._lets_pass(error):
                return 200
            raise

    def _warn(self, said: str, kind: type[Warning]) -> None:
        if not self._lets_pass(said):
            warnings.warn(said, kind, stacklevel=2)

    def _whole(self, check: Callable[..., None]) -> Callable[..., None]:
        """A check that can fail otherwise than by the rules it knows: of an empty status nothing is left to check."""

        def checked(*arguments: object) -> None:
            try:
                check(*arguments)
            except IndexError as error:
                if not self._lets_pass(error):
                    raise

        return checked

    def _iterator(self, iterator: Any, started: Any) -> Any:
        # Its own rule let no iterator at all pass.
        return iterator if iterator is None else self._end(iterator, started)


def _copy() -> ModuleType:
    spec = importlib.util.find_spec("wsgiref.validate")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def is_validator(app: object) -> bool:
    """Whether an application is one that a validator made."""
    return getattr(app, "__qualname__", "") == _LINT_APP


def is_validated(environ: dict[str, Any], start_response: object) -> bool:
    """Whether a call came through a validator."""
    made = getattr(start_response, "__qualname__", "") == f"{_LINT_APP}.<locals>.start_response_wrapper"
    return made and type(environ["wsgi.input"]).__name__ == "InputWrapper"
