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
from ...result import SignerIdentity, VerifiedMessage
from ...verify import Verifier
from ..kinds import Kind
from ..question import Question
from ..reading import MisreadError, Survey, survey
from . import advice
from .cases import Answered, Case, Refused, Refuser
from .catalogue_questions import PAGED, SECOND
from .judging_pages import check_page, is_first_again
from .wire import RawAnswer, WireError, WireFault

__all__ = ["KNOWN_CODES", "UNSIGNED", "Fault", "Finding", "Given", "Judge", "Judgement"]

MAX_PROBLEM = 64 * 1024
"""Octets of a problem document: a few sentences."""

TITLE = 80
"""Characters of a title that are shown."""

CODE = 40
"""The same of a code that this library does not know."""

_NOT_SENT = frozenset({WireFault.UNREACHABLE, WireFault.TLS})
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


_OF_THE_ANSWER = frozenset({Fault.REFUSED, Fault.STATUS, Fault.REASON, Fault.FIELD, Fault.PROBLEM, Fault.MEDIA_TYPE})
"""Faults that follow from which answer it is: its status and code."""

UNSIGNED: Final[tuple[object, ...]] = (Fault.SIGNATURE, "SIGNATURE_MISSING")
"""The cause of an answer without a signature."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        fault: What kind of thing.
        detail: One sentence; other people's text in it is quoted.
        code: Why the signature on the answer was refused, or empty.
    """

    fault: Fault
    detail: str
    code: str = ""


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
        by_server = advice.BY_SERVER.get(self.status or 0)
        if self.findings and self.verified is None and by_server is not None:
            return by_server
        told = [self._about(finding, case) for finding in self.findings]
        # What the case is about comes first.
        return " ".join(sorted(dict.fromkeys(told), key=lambda text: text != case.advice))

    def _about(self, finding: Finding, case: Case) -> str:
        if finding.fault is Fault.REFUSED:
            return advice.of_refusal(self.status, self.code) or case.advice
        if finding.fault is Fault.SIGNATURE and finding.code in advice.SIGNATURE:
            return advice.SIGNATURE[finding.code]
        return _ADVICE.get(finding.fault, case.advice)

    def causes(self) -> frozenset[tuple[object, ...]]:
        """What is behind the findings: two answers that have the same are wrong for one reason."""
        return frozenset(
            ("answer", self.status, self.code)
            if finding.fault in _OF_THE_ANSWER
            else (finding.fault, finding.code or finding.detail)
            for finding in self.findings
        )


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
        secrets: What is taken out of texts of others.
    """

    def __init__(
        self, *, verifier: Verifier, kind: Kind, given: Given = _NOTHING, secrets: tuple[str, ...] = ()
    ) -> None:
        self._verifier, self._kind, self._given, self._secrets = verifier, kind, given, secrets
        # What the answers before said: who signs, and what is on the first page.
        self._signer: SignerIdentity | None = None
        self._first: Survey | None = None

    def no_answer(self, case: Case, error: WireError) -> Judgement:
        """What it means that there was none."""
        seen = error.detail if error.status is None else f"{error.status}, and then: {error.detail}"
        if isinstance(case.expects, Refused) and error.status in _SUCCESS:
            # Whoever began such an answer worked with the message.
            finding = Finding(Fault.ACCEPTED, f"it was accepted, with status {error.status}: {error.detail}")
            return Judgement(findings=(finding,), seen=seen, status=error.status)
        if isinstance(case.expects, Refused) and case.expects.by is Refuser.ANYBODY and error.fault not in _NOT_SENT:
            return Judgement(findings=(), remarks=("It was not answered, which is a refusal too.",), seen=seen)
        return Judgement(findings=(Finding(Fault.NO_ANSWER, f"{error.fault.value}: {error.detail}"),), seen=seen)

    def judge(self, case: Case, answer: RawAnswer) -> Judgement:
        """What an answer is worth."""
        looked = _Look(answer, self._verifier, self._given, self._secrets)
        expects = case.expects
        if isinstance(expects, Answered):
            self._answered(looked, expects.question)
        else:
            _refused(looked, expects)
        self._check_signer(looked)
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
        check_page(looked.add_page, looked.remarks, found, question, kind=self._kind)
        if question == PAGED:
            self._first = self._first or found
        elif question == SECOND and is_first_again(self._first, found, question):
            looked.add(Fault.PAGE, "page 2 has the records of page 1")

    def _check_signer(self, looked: _Look) -> None:
        """All answers are of one signer, also when nobody said of which one."""
        if looked.verified is None:
            return
        signer = looked.verified.signer
        known = self._signer = self._signer or signer
        if (signer.oin, signer.kvk) != (known.oin, known.kvk):
            looked.add(Fault.SIGNATURE, "the answer is signed by another organisation than the one before")


class _Look:
    """One answer while it is looked at."""

    def __init__(self, answer: RawAnswer, verifier: Verifier, given: Given, secrets: tuple[str, ...]) -> None:
        self.answer = answer
        self.fields = Fields(answer.fields)
        self.findings: list[Finding] = []
        self.remarks: list[str] = []
        self.code: str | None = None
        self.title: str | None = None
        self.verified: VerifiedMessage | None = None
        self._verifier, self._given, self._secrets = verifier, given, secrets
        self._problem: dict[str, Any] | None = None

    def add(self, fault: Fault, detail: str) -> None:
        self.findings.append(Finding(fault, detail))

    def add_page(self, detail: str) -> None:
        self.add(Fault.PAGE, detail)

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
            detail = f"the signature on the answer is refused: {error.code}, {error.detail}"
            self.findings.append(Finding(Fault.SIGNATURE, detail, error.code))
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
            code = self._problem.get("code")
            self.code = code if isinstance(code, str) and code in KNOWN_CODES else self._shown(code, CODE)
            self.title = self._shown(self._problem.get("title"), TITLE)
        return self._problem

    def _shown(self, text: object, limit: int) -> str | None:
        """A text of the answer, without what it repeats of the secrets that were sent."""
        if not isinstance(text, str) or not text:
            return None
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return quoted(text, limit)


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
        _check_reason(looked, problem, expects)
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
    if not _check_reason(looked, problem, expects):
        looked.remarks.append("The code is none that this library knows, so that the reason was not compared.")
    if expects.names is not None and expects.names.encode() not in looked.answer.body:
        looked.add(Fault.FIELD, f"the problem document does not name {expects.names}")


def _check_reason(looked: _Look, problem: dict[str, Any] | None, expects: Refused) -> bool:
    """Whether the reason is one that this library knows; one that it knows must be right."""
    code = None if problem is None else problem.get("code")
    if not isinstance(code, str) or code not in KNOWN_CODES:
        return False
    if code not in expects.codes:
        looked.add(Fault.REASON, f"the reason is {code}, and not {' or '.join(sorted(expects.codes))}")
    return True
