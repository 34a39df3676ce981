"""What comes back, held against what must: pure, but for the verifier, which may fetch revocation data.

That a good message is answered and the same message with one deviation is refused proves that the deviation is the reason. So
a `code` that this library does not know is only remarked upon, and one that it knows must be right.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from ...encoding import json_object
from ...errors import MalformedSignatureError, NlgovJadesError, RevocationUnknownError, VerificationError, quoted
from ...message import Fields, HttpResponse
from ...result import VerifiedMessage
from ...verify import Verifier
from ..answers import AnswerShape
from ..kinds import Kind
from ..question import Question
from ..reading import MisreadError, Survey, survey
from .cases import Answered, Case, Refused, Refuser
from .wire import RawAnswer, WireError

__all__ = ["KNOWN_CODES", "Fault", "Finding", "Given", "Judge", "Judgement"]

MAX_PROBLEM = 64 * 1024
"""Octets of a problem document: a few sentences."""

TITLE = 80
"""Characters of a title that are shown."""

_SUCCESS = range(200, 300)
_REDIRECT = range(300, 400)
_CLIENT_ERRORS = range(400, 500)
_OK = 200
_BUSY = 429

KNOWN_CODES: Final = frozenset(
    {"SIGNATURE_MISSING", "MALFORMED_SIGNATURE", "UNSUPPORTED_ALGORITHM", "PROFILE_VIOLATION", "INVALID_SIGNATURE"}
    | {"DIGEST_MISMATCH", "SIGNING_TIME", "REPLAYED_MESSAGE", "MALFORMED_MESSAGE", "BODY_TOO_LARGE", "CERTIFICATE_PATH"}
    | {"CERTIFICATE_EXPIRED", "CERTIFICATE_NOT_YET_VALID", "CERTIFICATE_REVOKED", "REVOCATION_UNKNOWN"}
    | {"REPLAY_UNKNOWN", "SIGNER_NOT_ALLOWED", "INVALID_REQUEST", "UNPROCESSABLE"}
)
"""Codes whose meaning is known here."""


class Fault(StrEnum):
    """What is wrong with an answer; the value is a stable code."""

    ACCEPTED = "ACCEPTED"
    """A message that must be refused was not."""
    REFUSED = "REFUSED"
    """A good message was not answered with 200."""
    NO_ANSWER = "NO_ANSWER"
    """There was no answer."""
    STATUS = "STATUS"
    """Another status than must come back."""
    MEDIA_TYPE = "MEDIA_TYPE"
    """Another Content-Type."""
    PROBLEM = "PROBLEM"
    """No problem document."""
    REASON = "REASON"
    """Refused for another reason."""
    FIELD = "FIELD"
    """The problem document does not name the field that is wrong."""
    FSC_ERROR_CODE = "FSC_ERROR_CODE"
    """A field that is for gateways."""
    SIGNATURE = "SIGNATURE"
    """The answer is not signed, or not well."""
    REVOCATION = "REVOCATION"
    """Whether the provider's certificate is revoked is not known here."""
    SAME_CERTIFICATE = "SAME_CERTIFICATE"
    """Signed with the certificate of the TLS connection."""
    PAGE = "PAGE"
    """No page, or none that answers the question."""
    FIRST = "FIRST"
    """The message before it was not answered."""


_ADVICE: Final[Mapping[Fault, str]] = MappingProxyType(
    {
        Fault.NO_ANSWER: "Answer every message, also a bad one.",
        Fault.MEDIA_TYPE: "Give errors as application/problem+json, and pages as application/json.",
        Fault.PROBLEM: "Give errors as a problem document (RFC 9457) whose status is that of the answer.",
        Fault.REASON: "It was refused for another reason: the check that this case is about was not reached, or is not there.",
        Fault.FSC_ERROR_CODE: "Fsc-Error-Code is for FSC gateways: a provider never sets it, and a gateway that did set it stands "
        "between the probe and the provider.",
        Fault.SIGNATURE: "Sign every answer, refusals included, over the octets that leave, with Digest and "
        "nlgov-adr-payload-sig; what compresses or rewrites answers goes inside of what signs them.",
        Fault.REVOCATION: "Give the probe what it needs to know it: --online, --crl or --ocsp.",
        Fault.SAME_CERTIFICATE: "Sign with another certificate than that of the TLS connection.",
        Fault.FIRST: "The good message before it was not answered, so that this case says nothing.",
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        fault: What kind of thing.
        detail: One sentence; other people's text in it is quoted.
    """

    fault: Fault
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What came of one answer.

    Attributes:
        findings: What is wrong; empty when nothing is.
        remarks: What is worth telling and no fault.
        seen: The answer in a few words.
        status: HTTP status, or `None` without an answer.
        code: `code` of a problem document, quoted unless it is one that this library knows, or `None`.
        verified: The proof, when the signature on the answer is good.
    """

    findings: tuple[Finding, ...]
    remarks: tuple[str, ...] = ()
    seen: str
    status: int | None = None
    code: str | None = None
    verified: VerifiedMessage | None = field(default=None, repr=False)

    def advice(self, case: Case) -> str:
        """What to do about it; empty when nothing is wrong."""
        told: list[str] = [_ADVICE[finding.fault] for finding in self.findings if finding.fault in _ADVICE]
        if any(finding.fault not in _ADVICE for finding in self.findings):
            told.insert(0, case.advice)
        return " ".join(dict.fromkeys(told))


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Revocation data that are at hand, as for `Verifier.verify`.

    Attributes:
        ocsp: OCSP responses, DER.
        crls: CRLs, DER.
    """

    ocsp: tuple[bytes, ...] = field(default=(), repr=False)
    crls: tuple[bytes, ...] = field(default=(), repr=False)


_NOTHING = Given()


class Judge:
    """Judges answers.

    Args:
        verifier: What is accepted of the provider.
        kind: Whose records are expected.
        given: Revocation data that are at hand.
    """

    def __init__(self, *, verifier: Verifier, kind: Kind, given: Given = _NOTHING) -> None:
        self._verifier, self._kind, self._given = verifier, kind, given

    def no_answer(self, case: Case, error: WireError) -> Judgement:
        """What it means that there was none."""
        seen = error.detail
        if isinstance(case.expects, Refused) and case.expects.by is Refuser.ANYBODY:
            return Judgement(findings=(), remarks=("It was not answered, which is a refusal too.",), seen=seen)
        return Judgement(findings=(Finding(Fault.NO_ANSWER, f"{error.fault.value}: {error.detail}"),), seen=seen)

    def judge(self, case: Case, answer: RawAnswer) -> Judgement:
        """What an answer is worth."""
        looked = _Look(answer, self._verifier, self._given)
        expects = case.expects
        if isinstance(expects, Answered):
            self._answered(looked, expects.question)
        else:
            _refused(looked, expects)
        return Judgement(
            findings=tuple(looked.findings),
            remarks=tuple(looked.remarks),
            seen=looked.seen(),
            status=answer.status,
            code=looked.code,
            verified=looked.verified,
        )

    def _answered(self, looked: _Look, question: Question) -> None:
        answer = looked.answer
        looked.check_signature()
        if answer.status != _OK:
            looked.read_problem()
            why = f" {looked.code}" if looked.code else ""
            looked.add(Fault.REFUSED, f"a good message was answered with {answer.status}{why}")
            if "fsc-error-code" in looked.fields:
                looked.add(Fault.FSC_ERROR_CODE, "an FSC gateway answered, and not the provider")
            return
        looked.check_media_type("application/json")
        try:
            found = survey(io.BytesIO(answer.body).read, self._kind)
        except MisreadError as error:
            looked.add(Fault.PAGE, f"it is no page of {self._kind.value}: {error}")
            return
        _check_page(looked, found, question)


class _Look:
    """One answer while it is looked at."""

    def __init__(self, answer: RawAnswer, verifier: Verifier, given: Given) -> None:
        self.answer = answer
        self.fields = Fields(answer.fields)
        self.findings: list[Finding] = []
        self.remarks: list[str] = []
        self.code: str | None = None
        self.title: str | None = None
        self.verified: VerifiedMessage | None = None
        self._verifier, self._given = verifier, given
        self._problem: dict[str, Any] | None = None

    def add(self, fault: Fault, detail: str) -> None:
        self.findings.append(Finding(fault, detail))

    def seen(self) -> str:
        """Status, code and title."""
        return " ".join(part for part in (str(self.answer.status), self.code, self.title) if part)

    def check_signature(self) -> None:
        answer = self.answer
        try:
            response = HttpResponse(status=answer.status, fields=self.fields, body=answer.body)
            self.verified = self._verifier.verify(response, ocsp=self._given.ocsp, crls=self._given.crls)
        except RevocationUnknownError as error:
            self.add(
                Fault.REVOCATION, f"whether the provider's certificate is revoked is not known here: {error.detail}"
            )
        except VerificationError as error:
            self.add(Fault.SIGNATURE, f"the signature on the answer is refused: {error.code}, {error.detail}")
        except NlgovJadesError as error:
            self.add(Fault.SIGNATURE, f"the signature on the answer cannot be judged: {error}")
        else:
            if answer.server_certificate == self.verified.signer.sha256:
                self.add(Fault.SAME_CERTIFICATE, "the answer is signed with the certificate of the TLS connection")

    def check_media_type(self, wanted: str) -> None:
        found = self.fields.combined("content-type")
        if found is None or found.partition(";")[0].strip().lower() != wanted:
            shown = "missing" if found is None else quoted(found, 60)
            self.add(Fault.MEDIA_TYPE, f"Content-Type is {shown}, and not {wanted}")

    def read_problem(self) -> dict[str, Any] | None:
        """The members of a problem document, when it is one."""
        if len(self.answer.body) <= MAX_PROBLEM:
            try:
                self._problem = json_object(self.answer.body, "a problem document")
            except MalformedSignatureError:
                return None
            self.code, self.title = _text(self._problem.get("code")), _title(self._problem.get("title"))
        return self._problem


def _text(code: object) -> str | None:
    if not isinstance(code, str) or not code:
        return None
    return code if code in KNOWN_CODES else quoted(code, 40)


def _title(title: object) -> str | None:
    return quoted(title, TITLE) if isinstance(title, str) and title else None


# --- refusals ------------------------------------------------------------------------------------------------------


def _refused(looked: _Look, expects: Refused) -> None:
    status = looked.answer.status
    if status in _SUCCESS:
        looked.add(Fault.ACCEPTED, f"it was accepted, with status {status}")
        return
    problem = looked.read_problem()
    if expects.by is Refuser.ANYBODY:
        # What stands before the provider answers in its own words, and signs nothing.
        if status not in _CLIENT_ERRORS or status == _BUSY:
            looked.add(Fault.STATUS, _other_status(status, expects))
        return
    if status not in expects.statuses:
        looked.add(Fault.STATUS, _other_status(status, expects))
    if "fsc-error-code" in looked.fields:
        looked.add(Fault.FSC_ERROR_CODE, "the refusal has the field Fsc-Error-Code")
    looked.check_media_type("application/problem+json")
    _check_problem(looked, problem, expects)
    looked.check_signature()


def _other_status(status: int, expects: Refused) -> str:
    wanted = " or ".join(map(str, expects.statuses))
    if status in _REDIRECT:
        return f"the status is {status}, a redirect, which is not followed, and not {wanted}"
    return f"the status is {status}, and not {wanted}"


def _check_problem(looked: _Look, problem: dict[str, Any] | None, expects: Refused) -> None:
    if problem is None:
        looked.add(Fault.PROBLEM, "the body is no JSON object, or too long for a problem document")
        return
    stated = problem.get("status", looked.answer.status)
    if type(stated) is not int or stated != looked.answer.status:
        looked.add(Fault.PROBLEM, "the problem document states another status than the answer")
    code = problem.get("code")
    if code in KNOWN_CODES and code not in expects.codes:
        looked.add(Fault.REASON, f"the reason is {code}, and not {' or '.join(sorted(expects.codes))}")
    elif code not in KNOWN_CODES:
        looked.remarks.append("The code is none that this library knows, so that the reason was not compared.")
    if expects.names is not None and expects.names.encode() not in looked.answer.body:
        looked.add(Fault.FIELD, f"the problem document does not name {expects.names}")


# --- pages ---------------------------------------------------------------------------------------------------------


def _check_page(looked: _Look, found: Survey, question: Question) -> None:
    head = found.head
    for asked, name in ((question.start, "startdatumLevering"), (question.end, "einddatumLevering")):
        if asked is not None and head[name] != asked.isoformat():
            looked.add(Fault.PAGE, f"{name} is not the date that was asked for")
    if question.page_size is None:
        return
    if found.count > question.page_size:
        looked.add(Fault.PAGE, f"it has more records than the {question.page_size} that were asked for")
    if found.paging is None:
        if found.shape is AnswerShape.ENVELOPE:
            looked.add(Fault.PAGE, "the question has a pageSize, and the answer has no paginering")
        else:
            looked.remarks.append("A bare Uitwisselmodel, as in the earlier description: it says nothing about pages.")
        return
    names = ("pageSize", "currentPage", "totalPages", "totalRecords")
    numbers = [found.paging.get(name) for name in names]
    if not all(type(number) is int and number >= 0 for number in numbers):
        looked.add(Fault.PAGE, "paginering has not the four numbers that DDAS describes")
        return
    size, current, pages, _ = (int(number or 0) for number in numbers)
    if size > question.page_size:
        looked.add(Fault.PAGE, f"paginering states a pageSize above the {question.page_size} that was asked for")
    if question.page is not None and question.page <= max(1, pages) and current != question.page:
        looked.add(Fault.PAGE, f"page {question.page} was asked for, and paginering states another one")
