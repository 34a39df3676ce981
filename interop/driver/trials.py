"""One peer, both directions: does it accept what we sign, do we accept what it signs, and is everything tampered with refused.

A row is green only when the untouched message is accepted and every tampered one is refused, so that nobody who verifies
nothing gets a green row.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nlgov_jades import Oin, RevocationPolicy, Signer, TrustStore, VerificationPolicy, VerifiedMessage, Verifier
from nlgov_jades.errors import VerificationError
from nlgov_jades.message import HttpMessage
from nlgov_jades.profiles import Profile
from nlgov_jades.testing.hierarchy import EXAMPLE_OIN

from . import cases
from .cases import Certificates
from .jobs import Answer, Job, Tampering, sign_job, tampered, tamperings, verify_job
from .limits import limit_of
from .opinion import Opinion, judge, questions
from .peers import MissingToolError, Peer, PeerError
from .plan import CASES, EXPECTED_CODES, JADES_CASES, Case, Direction, Outcome, Row

BASELINE_B = "JAdES-BASELINE-B"

TOTAL_PASSED = "urn:etsi:019102:mainindication:total-passed"
"""The main indication in a validation report (TS 119 102-2)."""

Verdict = tuple[Outcome, str]


@dataclass(frozen=True, slots=True, repr=False)
class Foreign:
    """What a peer signed and we accepted: the stuff that vectors are made of."""

    peer: Peer
    version: str
    case: Case
    message: HttpMessage


@dataclass(slots=True, repr=False)
class Results:
    """Everything that came of the trials with one peer.

    Attributes:
        peer: Whom it is about.
        version: Of the library; empty when it was not run.
        runtime: What it ran on.
        rows: For the table.
        foreign: For the vectors.
        refusals: How a JAdES peer refuses each tampering.
        warnings: What a JAdES peer remarks on what it accepts.
        opinion: What a JAdES peer says of our test vectors.
    """

    peer: Peer
    version: str = ""
    runtime: str = ""
    rows: list[Row] = field(default_factory=list)
    foreign: list[Foreign] = field(default_factory=list)
    refusals: dict[Tampering, set[str]] = field(default_factory=dict)
    warnings: set[str] = field(default_factory=set)
    opinion: Opinion | None = None

    def add(self, case: Case, direction: Direction, verdict: Verdict) -> None:
        """A row, in the light of what the peer is known not to do."""
        outcome, reason = verdict
        limit = limit_of(self.peer.id, direction, case)
        if limit is not None and outcome is Outcome.FAILED and limit.says in reason:
            outcome, reason = Outcome.CANNOT, f"{limit.because} It says: {reason}"
        elif limit is not None and outcome is not Outcome.NOT_RUN:
            outcome, reason = Outcome.FAILED, f"limits.py says that it cannot; now: {outcome.value}: {reason}"
        self.rows.append(Row(self.peer.name, self.version, direction, case.id, outcome, reason))


@dataclass(frozen=True, slots=True, repr=False)
class Trials:
    """The trials of one run: the same certificates and the same time for all peers."""

    certificates: Certificates
    now: dt.datetime
    folder: Path

    def run(self, peer: Peer) -> Results:
        """Everything with one peer; what cannot run on this machine is said in the rows.

        Raises:
            PeerError: Its program went wrong.
        """
        plan = list(self._plan(peer))
        results = Results(peer)
        asked = questions() if peer.is_jades else []
        jobs: list[Job] = [
            {"op": "version"},
            *[job for _, _, some in plan for job in some],
            *[job for _, _, job in asked],
        ]
        try:
            stated, *answers = peer.ask(jobs, self.folder)
        except MissingToolError as absent:
            for case, direction, _ in plan:
                results.add(case, direction, (Outcome.NOT_RUN, str(absent)))
            return results
        if stated.get("name") != peer.name or not stated.get("version"):
            raise PeerError(f"{peer.name} says that it is {json.dumps(stated)[:200]}")
        results.version, results.runtime = str(stated["version"]).removeprefix("v"), str(stated["runtime"])
        given = iter(answers)
        for case, direction, some in plan:
            theirs = direction is Direction.THEIRS
            said = [next(given) for _ in some]
            verdict = self._judge_theirs(results, case, said[0]) if theirs else self._judge_ours(results, case, said)
            results.add(case, direction, verdict)
        results.opinion = judge(asked, list(given)) if peer.is_jades else None
        return results

    def _plan(self, peer: Peer) -> Iterator[tuple[Case, Direction, list[Job]]]:
        for case in (*CASES, *(JADES_CASES if peer.is_jades else ())):
            for direction in case.directions:
                yield case, direction, self._ours(peer, case) if direction is Direction.OURS else [self._asked(case)]

    # --- it verifies ours ---

    def _signed(self, case: Case) -> HttpMessage:
        unsigned = cases.message(case.profile)
        credential = self.certificates.signer(case.profile).credential
        signer = Signer(credential, profile=case.profile, clock=lambda: self.now, header_form=case.header_form)
        return unsigned.with_fields(signer.sign(unsigned))

    def _ours(self, peer: Peer, case: Case) -> list[Job]:
        message, made = self._signed(case), self.certificates
        changed = [verify_job(message, case.profile, made, how) for how in _noticed(peer, case)]
        return [verify_job(message, case.profile, made), *changed]

    def _judge_ours(self, results: Results, case: Case, answers: Sequence[Answer]) -> Verdict:
        peer, (accepted, *refused) = results.peer, answers
        noticed = _noticed(peer, case)
        if accepted.get("valid") is not True:
            return Outcome.FAILED, _said(accepted) + _intactness(noticed, answers)
        if peer.is_jades and (accepted["format"], accepted["report"]) != (BASELINE_B, TOTAL_PASSED):
            return Outcome.FAILED, f"it accepts it as {accepted['format']}, and reports {accepted['report']}"
        for how, answer in zip(noticed, refused, strict=True):
            if answer.get("valid") is not False:
                return Outcome.FAILED, f"it does not refuse {how.value}: {_said(answer)}"
        if not peer.is_jades:
            return Outcome.ACCEPTED, f"{len(refused)} of {len(refused)} tampered ones refused"
        results.warnings.update(accepted["warnings"])
        for how, answer in zip(noticed, refused, strict=True):
            results.refusals.setdefault(how, set()).add(f"{answer['indication']}, {answer['sub_indication']}")
        verdict = f"{accepted['indication']}, {accepted['format']}"
        return Outcome.ACCEPTED, f"{verdict}; {len(refused)} of {len(refused)} tampered ones refused"

    # --- we verify its ---

    def _asked(self, case: Case) -> Job:
        message = cases.with_digest(cases.message(case.profile), case.profile)
        job = sign_job(message, case.profile, self.certificates, self.now)
        job["signing_time"] = case.signing_time
        if case.alg is not None:
            job["alg"] = case.alg
        if case.pars is not None:
            job["pars"] = list(case.pars)
        return job

    def _judge_theirs(self, results: Results, case: Case, answer: Answer) -> Verdict:
        if not isinstance(answer.get("value"), str):
            return Outcome.FAILED, _said(answer)
        profile = case.profile
        unsigned = cases.with_digest(cases.message(profile), profile)
        message = unsigned.with_fields([(profile.field_name, answer["value"])])
        try:
            verified = self._verify(message, profile)
        except VerificationError as refusal:
            outcome = Outcome.REFUSED if refusal.code == case.refusal else Outcome.FAILED
            return outcome, f"{refusal.code}: {refusal.detail}"
        if case.refusal is not None:
            return Outcome.FAILED, f"we accept it, and must say {case.refusal}"
        changes = tamperings(profile, sees_body=True, validates_certificates=True)
        for how in changes:
            code = self._refusal(tampered(message, profile, how), profile, how)
            if code != EXPECTED_CODES[how]:
                return Outcome.FAILED, f"we say {code or 'nothing'} to {how.value}"
        results.foreign.append(Foreign(results.peer, results.version, case, message))
        covers = ", ".join(verified.covered)
        return Outcome.ACCEPTED, f"covers {covers}; {len(changes)} of {len(changes)} tampered ones refused"

    def _verify(self, message: HttpMessage, profile: Profile, how: Tampering | None = None) -> VerifiedMessage:
        made = self.certificates
        root = made.stranger.root if how is Tampering.ANCHOR else made.hierarchy.root
        policy = VerificationPolicy(
            profiles=(profile,), signers={Oin(EXAMPLE_OIN)}, revocation=RevocationPolicy.HARD_FAIL
        )
        crls = made.revoking_crls if how is Tampering.REVOKED else made.crls
        return Verifier(trust=TrustStore([root.certificate]), policy=policy).verify(message, at=self.now, crls=crls)

    def _refusal(self, message: HttpMessage, profile: Profile, how: Tampering) -> str | None:
        try:
            self._verify(message, profile, how)
        except VerificationError as refusal:
            return refusal.code
        return None


def _noticed(peer: Peer, case: Case) -> list[Tampering]:
    return tamperings(case.profile, sees_body=peer.is_jades, validates_certificates=peer.is_jades)


def _said(answer: Answer) -> str:
    parts = [str(answer[name]) for name in ("error", "indication", "sub_indication", "format") if name in answer]
    # What a JAdES peer gives as reasons is long, and follows from the words before it.
    parts += [] if parts else [str(answer["reason"])] if "reason" in answer else []
    return ", ".join(parts) or json.dumps(answer)[:200]


def _intactness(noticed: Sequence[Tampering], answers: Sequence[Answer]) -> str:
    """What a JAdES peer says of the mere signature of a message that it refuses."""
    if not all("intact" in answer for answer in answers):
        return ""
    changed = [answer for how, answer in zip(noticed, answers[1:], strict=True) if how not in _OUTSIDE]
    told = ", signature intact" if answers[0]["intact"] else ", signature not intact"
    noticed_all = not any(answer["intact"] for answer in changed)
    return told + (", and no longer intact once the message is tampered with" if noticed_all else "")


_OUTSIDE = frozenset({Tampering.ANCHOR, Tampering.REVOKED})
"""Not in the message: the signature stays what it is."""
