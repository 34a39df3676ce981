"""What the demo does, step by step. Who takes part is in `world`, how it is told in `telling`."""

from __future__ import annotations

import datetime as dt
import json
import time
from pathlib import Path
from shlex import quote
from typing import Final

import anyio
import httpx
from cryptography.x509 import ReasonFlags

from ... import profiles
from ...ddas import CollectedPage, CollectionStatus, Consumer, FleetReport, Provider, Question, collect_fleet
from ...ddas.asking import body_of
from ...edges.parties import AsyncMessageSigner, MessageSigner
from ...errors import NlgovJadesError, VerificationError
from ...httpx import AsyncJadesTransport, verified
from ...pki.identity import common_name
from ...result import VerifiedMessage
from ...sign import Signer
from ...testing.hierarchy import Hierarchy
from ..failure import NotValid
from ..interrupts import terminated_as_interrupted
from ..output import Printer
from ..verify import acceptance
from .keeping import Keeping
from .providers import ProviderFailedError
from .telling import Account
from .wire import Wire, one_bit_changed
from .world import ANSWER_SECONDS, CBS, PROVIDERS, World, opened

__all__ = ["run"]

QUESTION: Final = Question(start=dt.date(2024, 1, 1), end=dt.date(2024, 12, 31), page_size=50)
"""Small pages, so that there are several."""

REVOKED: Final = "CERTIFICATE_REVOKED"


def run(printer: Printer, folder: Path | None) -> None:
    """Run the demo.

    Args:
        printer: Where to.
        folder: Where things are kept; `None`: nothing is.

    Raises:
        NotValid: Something did not come out as it must.
        CommandFailure: It cannot run on this machine.
        OSError: What is kept cannot be written.
    """
    account, keeping = Account(printer), Keeping(folder)
    account.line("A DDAS exchange: CBS asks, two providers answer, and everything is signed.", style="bold")
    started = time.monotonic()
    with terminated_as_interrupted():
        _steps(account, keeping)
    seconds = time.monotonic() - started
    printer.result({"ok": not account.has_failed, "steps": account.steps, "seconds": round(seconds, 2)})
    account.line()
    if account.has_failed:
        account.line("Something did not come out as it must.", style="bold red")
        raise NotValid
    account.line(f"All of it in {seconds:.1f} s. Every connection was to this machine itself.", style="bold")
    _tell_next(account, folder)


def _steps(account: Account, keeping: Keeping) -> None:
    try:
        with opened(keeping) as world:
            _show_certificates(account, world)
            _show_responder(account, world)
            providers = _start(account, world)
            anyio.run(_Exchanges(account, world, providers).run)
            keeping.crls(world.hierarchy, world.responder.crls())
    except ProviderFailedError as error:
        account.wrong("provider", f"a provider does not serve: {error}")


# --- what there is -------------------------------------------------------------------------------------------------


def _show_certificates(account: Account, world: World) -> None:
    account.title("1. A throw-away hierarchy in the shape of PKIoverheid: root, domain CA, TSP CA, three signers")
    names = [common_name(authority.certificate) for authority in world.hierarchy.authorities]
    account.detail(" > ".join(names))
    for party in (CBS, *PROVIDERS):
        account.detail(f"{party.organization}, OIN {party.oin}")
    account.note("hierarchy", authorities=names, signers={party.label: party.oin for party in (CBS, *PROVIDERS)})


def _show_responder(account: Account, world: World) -> None:
    url = world.responder.url
    account.title("2. A responder tells which certificates are revoked: OCSP for the signers, CRLs for the CAs")
    account.detail(f"{url}/ocsp, {url}/crl/")
    account.note("responder", url=url)


def _start(account: Account, world: World) -> tuple[Provider, ...]:
    account.title("3. Two providers: each is a server in a process of its own, with made-up records in SQLite")
    found = []
    for party in PROVIDERS:
        serving = world.start(party)
        provider = party.at(serving.port)
        account.detail(f"{party.organization}: {serving.records} records of {party.kind.value}, {provider.url}")
        facts = {"name": party.organization, "oin": party.oin, "kind": party.kind.value}
        if serving.records == party.records:
            account.note("provider", **facts, url=provider.url, records=serving.records)
        else:
            account.wrong("provider", f"it should have {party.records} records", **facts)
        found.append(provider)
    return tuple(found)


# --- what is exchanged ---------------------------------------------------------------------------------------------


class _Exchanges:
    """What the consumer does, while everything runs.

    Args:
        account: What is told.
        world: Who takes part.
        providers: Whom to ask.
    """

    def __init__(self, account: Account, world: World, providers: tuple[Provider, ...]) -> None:
        self._account, self._world, self._providers = account, world, providers
        self._consumer: Consumer = world.consumer()
        self._last: dict[str, tuple[VerifiedMessage, int]] = {}

    async def run(self) -> None:
        """All of it."""
        await self._collect()
        self._account.title("5. Three messages that are refused")
        await self._without_signature()
        await self._under_foreign_root()
        await self._changed_on_its_way()
        await self._revoke()

    async def _fleet(self) -> FleetReport:
        report = await collect_fleet(self._providers, QUESTION, consumer=self._consumer, keep=self._keep)
        self._account.fleet(report)
        return report

    async def _keep(self, page: CollectedPage) -> None:
        self._last[page.provider.name] = page.verified, page.length

    async def _collect(self) -> None:
        self._account.title("4. CBS collects all pages; both sides verify every message, and ask who is revoked")
        report = await self._fleet()
        wanted = {party.organization: party.records for party in PROVIDERS}
        if not report.is_complete or {one.name: one.records for one in report.providers} != wanted:
            self._account.wrong("collect", "not every record came", fleet=report.as_json())
            return
        answers = []
        for name, (proof, length) in self._last.items():
            self._account.proof(f"the last page of {name}", proof, length)
            answers.append({"message": f"the last page of {name}", **acceptance(proof)})
        self._account.note("collect", fleet=report.as_json(), answers=answers)

    # --- refusals --------------------------------------------------------------------------------------------------

    async def _without_signature(self) -> None:
        await self._refused_by_provider(
            "CBS asks without a signature", "unsigned", signer=None, status=400, code="SIGNATURE_MISSING"
        )

    async def _under_foreign_root(self) -> None:
        foreign = CBS.certificate_under(Hierarchy.new())  # the same names and OIN, other keys
        signer = Signer(foreign.credential, profile=profiles.DDAS)
        await self._refused_by_provider(
            "somebody asks in the name of CBS, under a root of his own",
            "foreign-root",
            signer=signer,
            status=403,
            code="CERTIFICATE_PATH",
        )

    async def _refused_by_provider(
        self, title: str, name: str, *, signer: Signer | None, status: int, code: str
    ) -> None:
        try:
            response = await self._ask(Wire(self._world.keeping, name), signer)
            proof, problem = verified(response), json.loads(response.content)
        except (NlgovJadesError, httpx.HTTPError, ValueError) as error:
            self._account.wrong("refusal", f"{title}: {_told(error)}", message=title)
            return
        found = (response.status_code, problem.get("code") if isinstance(problem, dict) else None)
        if found != (status, code):
            self._account.wrong("refusal", f"{title}: answered with status {found[0]}, code {found[1]}", message=title)
            return
        oin = str(proof.signer.oin)
        self._account.refusal(
            title,
            {
                "refused by": "the provider, before its application saw anything of the message",
                "answer": f"status {status}, code {code}",
                "signed by": f"{proof.signer.organization}, OIN {oin}: the refusal itself was verified",
            },
        )
        facts = {"valid": False, "code": code, "http_status": status, "refused_by": "provider", "oin": oin}
        self._account.note("refusal", message=title, **facts)

    async def _changed_on_its_way(self) -> None:
        title, code = "one bit of an answer changes on its way to CBS", "DIGEST_MISMATCH"
        wire = Wire(self._world.keeping, "changed", change=one_bit_changed)
        try:
            await self._ask(wire, self._consumer.signer)
        except VerificationError as error:
            if error.code == code:
                self._account.refusal(
                    title, {"refused by": "CBS, before anything read the body", "code": code, "why": error.detail}
                )
                self._account.note("refusal", message=title, valid=False, code=code, refused_by="consumer")
            else:
                self._account.wrong("refusal", f"{title}: {_told(error)}", message=title)
        except httpx.HTTPError as error:
            self._account.wrong("refusal", f"{title}: {_told(error)}", message=title)
        else:
            self._account.wrong("refusal", f"{title}: accepted, which is wrong", message=title)

    async def _ask(self, wire: Wire, signer: MessageSigner | AsyncMessageSigner | None) -> httpx.Response:
        """One question to the municipality, over a connection of its own."""
        provider = self._providers[0]
        transport = AsyncJadesTransport(
            wire, signer=signer, verifier=self._consumer.verifier(provider), hosts={provider.host}
        )
        async with httpx.AsyncClient(transport=transport, timeout=ANSWER_SECONDS) as client:
            headers = {"Content-Type": "application/json"}
            return await client.post(provider.url, content=body_of(QUESTION), headers=headers)

    # --- revocation ------------------------------------------------------------------------------------------------

    async def _revoke(self) -> None:
        party, others = PROVIDERS[0], PROVIDERS[1:]
        title = f"the certificate of {party.organization} is revoked"
        self._account.title(f"6. While everything runs, {title}; CBS collects again")
        self._world.responder.revoke(self._world.signers[party.label].certificate, ReasonFlags.key_compromise)
        report = await self._fleet()
        found = {one.name: (one.status, one.code, one.records) for one in report.providers}
        wanted = {other.organization: (CollectionStatus.OK, None, other.records) for other in others}
        if found != {party.organization: (CollectionStatus.REFUSED, REVOKED, 0), **wanted}:
            self._account.wrong("revocation", "the next call must be refused, and no other", fleet=report.as_json())
            return
        self._account.refusal(
            title,
            {
                "refused by": "CBS: the signature of the provider's answer is right, and counts no more",
                "code": REVOKED,
                "others": "are collected as before",
                "in production": "what is known of a certificate is remembered, for four hours at most; here nothing is",
            },
        )
        self._account.note("revocation", message=title, valid=False, code=REVOKED, fleet=report.as_json())


def _told(error: Exception) -> str:
    """Of an exception that is not ours only the name: its text may hold a value."""
    return f"{error.code}: {error.detail}" if isinstance(error, VerificationError) else type(error).__name__


def _tell_next(account: Account, folder: Path | None) -> None:
    if folder is None:
        account.line("Next: nlgov-jades demo --keep FOLDER leaves its messages and certificates to try on with.")
        return
    pki = folder / "pki"
    crls = " ".join(f"--crl {quote(str(path))}" for path in sorted(pki.glob("*.crl")))
    shown = [quote(str(_first_answer(folder, party.label))) for party in reversed(PROVIDERS)]
    account.line("Next, with what is kept: an answer that is valid, and one whose signer was revoked since:")
    for answer in shown:
        account.line(f"  nlgov-jades verify {answer} --trust {quote(str(pki / 'root.pem'))} --profile ddas {crls}")
    account.line(f"  nlgov-jades inspect {shown[0]}")


def _first_answer(folder: Path, label: str) -> Path:
    return min(folder.glob(f"messages/*-{label}-answer.http"))
