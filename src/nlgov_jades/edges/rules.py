"""Which messages need a signature: by route, method and status, never by the presence of a body. Values only.

If the presence of a body decided, whoever strips the signature would strip the body too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from ..errors import ConfigurationError, ProfileViolationError
from ..message import Fields, HttpResponse
from ..policy import VerificationPolicy
from ..steps import is_verifiable
from .fsc import is_gateway_error
from .outcome import Unverified, WhyUnverified

__all__ = [
    "ANY_METHOD",
    "AnswerRules",
    "AnyMethod",
    "LongAnswers",
    "Need",
    "OtherHosts",
    "RequestRules",
    "Route",
    "SigningRules",
    "UnsignedErrors",
    "UnsignedQuestions",
    "Unverifiable",
    "Websockets",
    "carries_signature",
]

SIGNED_METHODS = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests need a signature whatever the route."""

_ERRORS = range(400, 600)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PLAIN_PATH = re.compile(r"/(?!/)(?:[A-Za-z0-9_~!$&'()*+,=:@-]++|\.(?!\.?(?:/|$))|/(?!/))*+")
"""A path that everybody reads alike: nothing encoded, no empty or dotted segment, no parameters. Possessive (`++`, `*+`): a
long path that fails at its end is not gone through again."""

_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Z-]+")


class Need(Enum):
    """What is asked of one message."""

    REQUIRED = "required"
    """It is verified; without a signature it is refused."""
    IF_PRESENT = "if-present"
    """It is verified when it has a signature. Without one an answer passes as unverified, and a request when it has no body."""
    NONE = "none"
    """It passes as unverified, whatever it carries."""


class AnyMethod(Enum):
    """See ANY_METHOD."""

    ANY_METHOD = "any-method"


ANY_METHOD: Final = AnyMethod.ANY_METHOD
"""A route for every method."""


class Websockets(Enum):
    """What becomes of a websocket: its frames carry no signature."""

    REFUSE = "refuse"
    LET_THROUGH = "let-through"


class Unverifiable(Enum):
    """What a client does with an answer that nobody can verify: to HEAD, or with status 1xx, 206 or 304."""

    REFUSE = "refuse"
    LET_THROUGH = "let-through"


class UnsignedErrors(Enum):
    """What a client does with an error (4xx, 5xx) or a redirect that carries no signature. Any other needs one: `requests`
    calls a 300 or a 600 `ok`.
    """

    LET_THROUGH = "let-through"
    """It passes as unverified."""
    GATEWAY_ONLY = "gateway-only"
    """It passes as unverified when an FSC gateway made it and code and status stand in FSC's table; else it is refused."""
    REFUSE = "refuse"
    """It is refused, a gateway's too."""


class UnsignedQuestions(Enum):
    """What a server does with its answer to a request that carries no signature."""

    SIGN_ANSWER = "sign-answer"
    LEAVE_UNSIGNED = "leave-unsigned"


class LongAnswers(Enum):
    """What a server does with an answer that is longer than the limit."""

    REFUSE = "refuse"
    """It becomes a 500."""
    LEAVE_UNSIGNED = "leave-unsigned"
    """It leaves without a signature, as it comes."""


class OtherHosts(Enum):
    """What a client does with a request to a host that was not named to it."""

    REFUSE = "refuse"
    LEAVE_UNSIGNED = "leave-unsigned"
    """It leaves without a signature, and its answer is not verified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Some requests, and what is asked of them or of their answers.

    Attributes:
        path: A path as on the wire, without query; with `/*` at its end also everything below it. A request whose path
            could be read in two ways (encoded characters, `..`, `//`, `;`) fits no route, but on a server every route
            that asks for a signature.
        methods: In capitals, or ANY_METHOD.
        need: What is asked.

    Raises:
        ConfigurationError: A value has another form.
    """

    path: str
    methods: Collection[str] | AnyMethod
    need: Need

    def __post_init__(self) -> None:
        path = self.path.removesuffix("*") if isinstance(self.path, str) and self.path.endswith("/*") else self.path
        if not isinstance(path, str) or not _PLAIN_PATH.fullmatch(path) or "*" in path:
            raise ConfigurationError("path of a route is a plain path, for example '/health' or '/docs/*'")
        if self.methods is not ANY_METHOD:
            if isinstance(self.methods, str) or not self.methods:
                raise ConfigurationError("methods of a route is ANY_METHOD or a non-empty set of methods")
            if not all(isinstance(method, str) and _METHOD.fullmatch(method) for method in self.methods):
                raise ConfigurationError("methods of a route are in capitals, as on the wire")
            object.__setattr__(self, "methods", frozenset(self.methods))
        if not isinstance(self.need, Need):
            raise ConfigurationError("need of a route is one of Need")

    def fits(self, method: str, path: str) -> bool:
        """Whether this request is one of them."""
        if self.methods is not ANY_METHOD and method not in self.methods:
            return False
        if not _PLAIN_PATH.fullmatch(path):
            return False
        return _leads_to(self.path, path)

    def may_mean(self, method: str, path: str) -> bool:
        """Whether an application could take this request for one of them.

        It may look past the case of letters and a slash at the end, and it may decode.
        """
        if self.methods is not ANY_METHOD and method.upper() not in self.methods:
            return False
        stated, path = self.path.lower().removesuffix("/"), path.lower().removesuffix("/")
        return not _PLAIN_PATH.fullmatch(path or "/") or _leads_to(stated, path)


def _leads_to(stated: str, path: str) -> bool:
    if stated.endswith("/*"):
        return path.startswith(stated[:-1]) or path == stated[:-2]
    return path == stated


def _routes(routes: Iterable[Route]) -> tuple[Route, ...]:
    chosen = tuple(routes) if isinstance(routes, Iterable) else ()
    if not isinstance(routes, Iterable) or not all(isinstance(route, Route) for route in chosen):
        raise ConfigurationError("routes is a list of Route values; the first that fits decides")
    return chosen


def _first(routes: tuple[Route, ...], method: str, target: str) -> Need | None:
    path = target.partition("?")[0]
    return next((route.need for route in routes if route.fits(method, path)), None)


def _check(value: object, kind: type[Enum], name: str) -> None:
    if not isinstance(value, kind):
        raise ConfigurationError(f"{name} is one of {kind.__name__}")


def carries_signature(fields: Fields, policy: VerificationPolicy) -> bool:
    """Whether there is a field that carries a signature in any profile known here or to the policy."""
    return bool(fields.among(policy.signature_fields))


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRules:
    """Which requests a server verifies. The first route that fits decides, then the method, then `otherwise`.

    POST, PUT and PATCH need a signature, and so does every other request that has a body.

    Attributes:
        routes: Exceptions, for example `Route(path="/health", methods={"GET"}, need=Need.NONE)`.
        otherwise: For requests of other methods that have no body.
        websockets: What becomes of all websockets: `routes` are about requests.

    Raises:
        ConfigurationError: A value has another form.
    """

    routes: tuple[Route, ...] = ()
    otherwise: Need = Need.IF_PRESENT
    websockets: Websockets = Websockets.REFUSE

    def __post_init__(self) -> None:
        object.__setattr__(self, "routes", _routes(self.routes))
        _check(self.otherwise, Need, "otherwise")
        _check(self.websockets, Websockets, "websockets")

    def need(self, method: str, target: str, *, announces_body: bool) -> Need:
        """What is asked of a request.

        Args:
            method: As on the wire.
            target: As on the wire.
            announces_body: Whether it has a Content-Length above zero or a Transfer-Encoding. HTTP/2 needs neither: a
                server that lets an unsigned request pass must also see that no body follows.
        """
        path = target.partition("?")[0] if self.routes else ""
        for route in self.routes:
            # What asks for a signature is read broadly, what does without is taken by the letter.
            if route.fits(method, path) or (route.need is Need.REQUIRED and route.may_mean(method, path)):
                return route.need
        # Some frameworks read `post` as POST.
        return Need.REQUIRED if method.upper() in SIGNED_METHODS or announces_body else self.otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRules:
    """Which answers a client verifies: all but errors and redirects, and those too when they carry a signature.

    Attributes:
        routes: Exceptions, by the request that was asked; the first that fits decides.
        unsigned_errors: What becomes of errors and redirects that carry none.
        unverifiable: What becomes of answers that nobody can verify.

    Raises:
        ConfigurationError: A value has another form.
    """

    routes: tuple[Route, ...] = ()
    unsigned_errors: UnsignedErrors = UnsignedErrors.LET_THROUGH
    unverifiable: Unverifiable = Unverifiable.REFUSE

    def __post_init__(self) -> None:
        object.__setattr__(self, "routes", _routes(self.routes))
        _check(self.unsigned_errors, UnsignedErrors, "unsigned_errors")
        _check(self.unverifiable, Unverifiable, "unverifiable")

    def exemption(self, answer: HttpResponse, policy: VerificationPolicy) -> Unverified | None:
        """Why an answer passes as unverified; `None` when it is to be verified.

        Args:
            answer: Its fields and status; `request` is what it answers. Its body is not looked at.
            policy: Gives the signature fields.

        Raises:
            ProfileViolationError: It has no signature, cannot have one, or claims to be a gateway's error that is none.
            ConfigurationError: It has no `request`.
        """
        if answer.request is None:
            raise ConfigurationError("an answer is judged with the request that it answers")
        need = _first(self.routes, answer.request.method, answer.request.target)
        if need is Need.NONE:
            return Unverified(WhyUnverified.EXEMPT)
        if not is_verifiable(answer):
            if self.unverifiable is Unverifiable.LET_THROUGH:
                return Unverified(WhyUnverified.UNVERIFIABLE)
            raise ProfileViolationError(
                f"an answer to HEAD or with status {answer.status} has no whole body and cannot be verified: "
                "unverifiable=Unverifiable.LET_THROUGH lets it pass"
            )
        if carries_signature(answer.fields, policy):
            return None
        if need is Need.IF_PRESENT:
            return Unverified(WhyUnverified.UNSIGNED)
        if need is Need.REQUIRED or not (answer.status in _ERRORS or _leads_on(answer)):
            return None
        return self._error(answer)

    def _error(self, answer: HttpResponse) -> Unverified | None:
        if self.unsigned_errors is UnsignedErrors.REFUSE:
            return None
        if "fsc-error-code" in answer.fields:
            if is_gateway_error(answer):
                return Unverified(WhyUnverified.GATEWAY_ERROR)
            raise ProfileViolationError(
                f"the answer has the field Fsc-Error-Code, and FSC knows no such error with status {answer.status}"
            )
        return Unverified(WhyUnverified.ERROR) if self.unsigned_errors is UnsignedErrors.LET_THROUGH else None


def _leads_on(answer: HttpResponse) -> bool:
    return answer.status in _REDIRECTS and "location" in answer.fields


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRules:
    """Which answers a server signs: all but those to HEAD and with status 1xx, 206 or 304.

    Attributes:
        routes: By request; `Need.NONE` leaves its answers unsigned and does not hold them back, as a stream of events
            needs. `Need.REQUIRED` and `Need.IF_PRESENT` are as without a route.
        unsigned_questions: What becomes of answers to requests without a signature.
        long_answers: What becomes of answers above the limit.

    Raises:
        ConfigurationError: A value has another form.
    """

    routes: tuple[Route, ...] = ()
    unsigned_questions: UnsignedQuestions = UnsignedQuestions.SIGN_ANSWER
    long_answers: LongAnswers = LongAnswers.REFUSE

    def __post_init__(self) -> None:
        object.__setattr__(self, "routes", _routes(self.routes))
        _check(self.unsigned_questions, UnsignedQuestions, "unsigned_questions")
        _check(self.long_answers, LongAnswers, "long_answers")

    def signs_answer_to(self, method: str, target: str, *, signed_question: bool) -> bool:
        """Whether the answer to this request is signed, its status permitting.

        Args:
            method: As on the wire.
            target: As on the wire.
            signed_question: Whether the request carries a field with a signature, verified or not.
        """
        if method == "HEAD" or (self.routes and _first(self.routes, method, target) is Need.NONE):
            return False
        return signed_question or self.unsigned_questions is UnsignedQuestions.SIGN_ANSWER
