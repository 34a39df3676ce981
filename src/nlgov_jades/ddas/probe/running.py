"""Every case against one endpoint, one after the other. What is sent is made in `making`, what it is worth said in `judging`."""

from __future__ import annotations

import datetime as dt
import email.utils
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC

from ... import __version__
from ...clock import Clock, check_time, utc_now
from ...errors import ConfigurationError
from ...message import Fields
from ...pki.identity import Oin
from ...policy import AnyTrusted, RevocationMode
from ...result import VerifiedMessage
from ...sign import SendChain
from ...verify import Verifier
from ..kinds import Kind
from .advice import AS_FIRST
from .cases import Case, Refused, Refuser
from .catalogue import BY_ID, CASES
from .certificates import Credentials
from .judging import UNSIGNED, Fault, Finding, Given, Judge, Judgement
from .maker import Connections, Maker, Sending, UnavailableError
from .making import MAKERS
from .report import CaseResult, ProbeReport, ProviderFacts, Verdict
from .wire import Connection, Ending, Endpoint, RawAnswer, WireError, WireFault

__all__ = ["ProbeSettings", "probe"]

ANSWER_SECONDS = 60.0
"""For one answer as a whole: one case asks for everything, which may be a page of 17 MB."""

CUT_SECONDS = 3.0
"""How long is waited for an answer to a message that is cut short: who waits for the rest of it has refused it."""

MAX_SILENT = 3
"""Cases in a row without an answer in time, after which nothing more is tried."""

MAX_BUSY = 3
"""How often one case is tried while the endpoint says that it is busy."""

MAX_THROTTLED = 3
"""How often an unsigned refusal is asked for once more: a provider signs so many a second for strangers."""

MAX_WAITED = 300.0
"""Seconds that are waited in all: who is busy for longer is not there."""

THROTTLED_SECONDS = 1.0
BUSY_SECONDS = 1.0
"""What is waited where an answer says no time."""

CLOCKS = dt.timedelta(seconds=60)
"""How much the clocks of both sides may differ."""

EARLIER = "The answer was signed before it was asked for: it was kept from an earlier question."

_NOTHING = Given()
_BUSY = 429
_OK = 200
_SECONDS = re.compile(r"[0-9]{1,9}")
_SILENT = frozenset({WireFault.TIMEOUT, WireFault.UNREACHABLE, WireFault.TLS, WireFault.TOO_LONG})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSettings:
    """How it is done.

    Attributes:
        skip: Ids of cases that are left out.
        seconds: For one answer as a whole.
        longest_wait: Seconds that are waited at most where an answer says 429; with a longer Retry-After it counts as it is.
        send_chain: Which certificates go along with a question.

    Raises:
        ConfigurationError: A value has another form, or there is no such case.
    """

    skip: frozenset[str] = frozenset()
    seconds: float = ANSWER_SECONDS
    longest_wait: float = 60.0
    send_chain: SendChain = SendChain.NO_ROOT

    def __post_init__(self) -> None:
        if not self.seconds > 0 or not self.longest_wait >= 0:
            raise ConfigurationError("seconds is above zero, and longest_wait not below")
        unknown = sorted(set(self.skip) - set(BY_ID))
        if unknown:
            raise ConfigurationError(f"there is no case {', '.join(unknown)}")


def _nothing(_: int, __: Case) -> None:
    return None


def probe(
    endpoint: Endpoint,
    *,
    kind: Kind,
    credentials: Credentials,
    verifier: Verifier,
    settings: ProbeSettings | None = None,
    given: Given = _NOTHING,
    clock: Clock = utc_now,
    sleep: Callable[[float], None] = time.sleep,
    on_case: Callable[[int, Case], None] = _nothing,
) -> ProbeReport:
    """Try every case, and say what came of it.

    Args:
        endpoint: Where `/gegevens` is.
        kind: SHV or VS.
        credentials: Whom messages are signed by.
        verifier: What is accepted of the provider.
        settings: How it is done.
        given: Revocation data about the provider that are at hand.
        clock: Gives the time, UTC.
        sleep: Waits so many seconds.
        on_case: Called with the number of a case, from 1, and the case, before it is tried.

    Raises:
        WireError: There is no connection, so that nothing was sent.
        SigningError: The good signer cannot sign.
        ConfigurationError: A setting has another form.
    """
    settings = settings or ProbeSettings()
    maker = Maker(endpoint=endpoint, credentials=credentials, clock=clock, send_chain=settings.send_chain)
    judge = Judge(verifier=verifier, kind=kind, given=given, secrets=endpoint.secrets)
    run = _Run(endpoint, judge, maker, settings=settings, sleep=sleep)
    started, begun = check_time(clock()), time.monotonic()
    results = []
    for number, case in enumerate(CASES, start=1):
        on_case(number, case)
        results.append(run.result(case))
    signers = verifier.policy.signers
    return ProbeReport(
        address=endpoint.shown,
        kind=kind,
        started=started,
        seconds=time.monotonic() - begun,
        version=__version__,
        results=tuple(results),
        provider=None if run.proof is None else ProviderFacts.of(run.proof),
        wanted=None
        if isinstance(signers, AnyTrusted)
        else next((one for one in signers if isinstance(one, Oin)), None),
        waits=tuple(run.waits),
        notes=_notes(results, verifier, settings),
    )


def _notes(results: list[CaseResult], verifier: Verifier, settings: ProbeSettings) -> tuple[str, ...]:
    notes = []
    if results[0].verdict is Verdict.FAILED:
        notes.append("The good message failed: that others are refused proves nothing before it passes.")
    if isinstance(verifier.policy.signers, AnyTrusted):
        notes.append("No OIN of the provider was given: any signer under the given roots was accepted.")
    if verifier.policy.revocation.mode is RevocationMode.OFF:
        notes.append("Whether the provider's certificate is revoked was not checked.")
    earlier = [result.case.id for result in results if EARLIER in result.remarks]
    if earlier:
        notes.append(
            f"Kept from an earlier question, by the time they were signed: the answers to {', '.join(earlier)}."
        )
    if settings.skip:
        notes.append(f"Left out on purpose: {', '.join(case.id for case in CASES if case.id in settings.skip)}.")
    return tuple(notes)


def with_remark(judgement: Judgement, asked: dt.datetime) -> Judgement:
    """The same, with a remark where the answer was signed before it was asked for.

    Args:
        judgement: Of an answer.
        asked: When it was asked for, UTC.
    """
    signed = None if judgement.verified is None else judgement.verified.signing_time
    if signed is None or signed >= asked - CLOCKS:
        return judgement
    return replace(judgement, remarks=(*judgement.remarks, EARLIER))


@dataclass(frozen=True, slots=True)
class _Busy:
    """The endpoint asked to come back later.

    Attributes:
        seconds: When.
    """

    seconds: float


class _Run:
    """One run: what was learned so far about the endpoint."""

    def __init__(
        self,
        endpoint: Endpoint,
        judge: Judge,
        maker: Maker,
        *,
        settings: ProbeSettings,
        sleep: Callable[[float], None],
    ) -> None:
        self._endpoint, self._judge, self._maker = endpoint, judge, maker
        self._settings, self._sleep = settings, sleep
        self._context: ssl.SSLContext | None = endpoint.tls.context() if endpoint.scheme == "https" else None
        self._silent, self._throttled = 0, 0
        self._was_reached, self._signs_refusals = False, False
        self._first: Judgement | None = None
        self.proof: VerifiedMessage | None = None
        self.waits: list[float] = []

    def result(self, case: Case) -> CaseResult:
        """What comes of a case."""
        if case.id in self._settings.skip:
            return CaseResult(case=case, verdict=Verdict.SKIPPED, seen="left out on purpose")
        if self._silent >= MAX_SILENT:
            seen = f"not sent: there was no answer {MAX_SILENT} times in a row"
            return CaseResult(case=case, verdict=Verdict.NOT_TRIED, seen=seen, advice="See the cases before it.")
        begun = time.monotonic()
        try:
            judgement, attempts = self._patiently(case)
        except UnavailableError as error:
            return CaseResult(case=case, verdict=Verdict.NOT_TRIED, seen="not sent", advice=str(error))
        if judgement.verified is not None:
            # Of a page rather than of a refusal, and of the newest.
            if judgement.status == _OK or self.proof is None:
                self.proof = judgement.verified
            self._signs_refusals = self._signs_refusals or isinstance(case.expects, Refused)
        return CaseResult(
            case=case,
            verdict=Verdict.FAILED if judgement.findings else Verdict.PASSED,
            seen=judgement.seen,
            findings=judgement.findings,
            remarks=judgement.remarks,
            advice=self._advice(case, judgement),
            status=judgement.status,
            code=judgement.code,
            signed=judgement.verified is not None,
            attempts=attempts,
            seconds=time.monotonic() - begun,
        )

    def _advice(self, case: Case, judgement: Judgement) -> str:
        """What to do; said once, where it is what is wrong with the first case already."""
        if case is CASES[0]:
            self._first = judgement
            return judgement.advice(case)
        causes = judgement.causes()
        if self._signs_refusals:
            causes -= {UNSIGNED}  # refusals to strangers are signed so often, and no more
        if self._first is not None and causes and causes <= self._first.causes():
            return AS_FIRST
        return judgement.advice(case)

    def _patiently(self, case: Case) -> tuple[Judgement, int]:
        """Try a case, and again where that is not its fault."""
        attempts = 0
        while True:
            attempts += 1
            outcome = self._attempt(case, last=attempts >= MAX_BUSY)
            if isinstance(outcome, _Busy):
                self._wait(outcome.seconds)
            elif self._is_throttled(case, outcome):
                self._throttled += 1
                self._wait(THROTTLED_SECONDS)
            else:
                return outcome, attempts

    def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._sleep(seconds)

    def _is_throttled(self, case: Case, judgement: Judgement) -> bool:
        """Whether all that is wrong is that a refusal is not signed, of an endpoint that did sign one."""
        alone = [finding.fault for finding in judgement.findings] == [Fault.SIGNATURE]
        return alone and isinstance(case.expects, Refused) and self._signs_refusals and self._throttled < MAX_THROTTLED

    def _attempt(self, case: Case, *, last: bool) -> Judgement | _Busy:
        sending, asked = MAKERS[case.id](self._maker, case), self._maker.now()
        try:
            answers = self._exchange(sending)
        except WireError as error:
            if not self._was_reached and error.fault in {WireFault.UNREACHABLE, WireFault.TLS}:
                raise
            self._note_silence(case, error)
            return self._judge.no_answer(case, error)
        self._silent = 0
        busy = next((answer for answer in answers if answer.status == _BUSY), None)
        if busy is not None:
            seconds = self._retry_after(busy)
            is_short = seconds <= self._settings.longest_wait and sum(self.waits) + seconds <= MAX_WAITED
            if is_short and not last:
                return _Busy(seconds)
        if any(answer.status != _OK for answer in answers[:-1]):
            status = next(answer.status for answer in answers if answer.status != _OK)
            finding = Finding(Fault.FIRST, f"the good message before it was answered with {status}")
            return Judgement(findings=(finding,), seen=f"{status} to the first message", status=status)
        return with_remark(self._judge.judge(case, answers[-1]), asked)

    def _note_silence(self, case: Case, error: WireError) -> None:
        is_expected = isinstance(case.expects, Refused) and case.expects.by is Refuser.ANYBODY
        if error.fault in _SILENT and not is_expected:
            self._silent += 1

    def _exchange(self, sending: Sending) -> list[RawAnswer]:
        """The answers, up to the first that is none of 200."""
        seconds = self._settings.seconds
        cut = min(seconds, CUT_SECONDS) if sending.ending is Ending.HALF_CLOSED else None
        answers: list[RawAnswer] = []
        left = list(sending.messages)
        while left:
            with Connection(self._endpoint, seconds=seconds, context=self._context) as connection:
                self._was_reached = True
                while left:
                    answer = connection.ask(left.pop(0), ending=sending.ending, seconds=cut)
                    answers.append(answer)
                    if answer.status != _OK:
                        return answers
                    if sending.connections is Connections.EACH or not answer.can_go_on:
                        break
        return answers

    def _retry_after(self, answer: RawAnswer) -> float:
        """RFC 9110 §10.2.3: seconds, or a date."""
        value = Fields(answer.fields).combined("retry-after") or ""
        if _SECONDS.fullmatch(value):
            return float(value)
        try:
            date = email.utils.parsedate_to_datetime(value)
        except (ValueError, TypeError, OverflowError, IndexError):
            return BUSY_SECONDS
        date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
        return max(0.0, (date - self._maker.now()).total_seconds())
