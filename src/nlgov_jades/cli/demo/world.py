"""Who takes part in the demo, made anew for each run: certificates, a responder for them, and a provider's process each."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from ... import profiles
from ...ddas import Consumer, Kind, Provider, Retries
from ...pki.identity import Oin
from ...sign import Signer
from ...testing.hierarchy import Hierarchy, Issued
from ...testing.responder import Responder
from ..failure import CommandFailure
from .keeping import Keeping
from .process import PREFIX, ProviderSettings
from .providers import ProviderProcess, Serving
from .revocation import ASKED_EACH_TIME, HOST, fetcher_for
from .wire import Wire

__all__ = [
    "CBS",
    "PROVIDERS",
    "Deliverer",
    "Party",
    "World",
    "opened",
]

ANSWER_SECONDS = 15.0
"""For one answer. It takes some milliseconds; a provider that hangs must not keep the demo for minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One of those who sign.

    Attributes:
        label: What it is called in names of files.
        organization: What it is called by people.
        common_name: Of its certificate.
        oin: Prefix 99: a number for tests.
    """

    label: str
    organization: str
    common_name: str
    oin: str

    def certificate_under(self, hierarchy: Hierarchy) -> Issued:
        """A new key and a certificate for it."""
        return hierarchy.tsp.issue(common_name=self.common_name, organization=self.organization, oin=self.oin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliverer(Party):
    """One that is asked.

    Attributes:
        kind: What it delivers.
        records: How many records of it.
    """

    kind: Kind
    records: int

    def at(self, port: int) -> Provider:
        """The same as a consumer knows it."""
        url = f"http://{HOST}:{port}{PREFIX}/gegevens"
        return Provider(name=self.organization, url=url, oin=Oin(self.oin), kind=self.kind)


CBS = Party(label="cbs", organization="CBS (demo)", common_name="ddas.cbs.example", oin="00000099000000001000")
PROVIDERS = (
    Deliverer(
        label="municipality",
        organization="Gemeente Súdermeer (demo)",
        common_name="gegevens.sudermeer.example",
        oin="00000099000000002000",
        kind=Kind.SHV,
        records=120,
    ),
    Deliverer(
        label="supplier",
        organization="Leverancier Vroegop (demo)",
        common_name="ddas.vroegop.example",
        oin="00000099000000003000",
        kind=Kind.VS,
        records=200,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that there is once the certificates are made.

    Attributes:
        responder: Says what is revoked.
        hierarchy: Everybody's certificates are under it.
        signers: The certificate and key of each party, by its label.
        keeping: What is left of it all.
    """

    responder: Responder
    hierarchy: Hierarchy
    signers: dict[str, Issued]
    keeping: Keeping
    _processes: dict[str, ProviderProcess]

    @property
    def port(self) -> int:
        """Of the responder."""
        return int(self.responder.url.rpartition(":")[2])

    def start(self, party: Deliverer) -> Serving:
        """Let a provider serve.

        Raises:
            ProviderFailedError: It does not.
        """
        signer = self.signers[party.label]
        settings = ProviderSettings(
            kind=party.kind.value,
            supplier=f"GL-{party.label}",
            records=party.records,
            key=signer.key_pem().decode("ascii"),
            chain=signer.chain_pem.decode("ascii"),
            root=self.hierarchy.root_pem.decode("ascii"),
            consumer=CBS.oin,
            responder=self.port,
            storage=self.keeping.storage(party.label),
        )
        return self._processes[party.label].serve(settings)

    def consumer(self) -> Consumer:
        """CBS, as the demo's consumer: it wants certificates as of PKIoverheid, and asks for each message what is revoked."""
        labels = {party.organization: party.label for party in PROVIDERS}
        return Consumer(
            signer=Signer(self.signers[CBS.label].credential, profile=profiles.DDAS),
            trust=self.hierarchy.trust,
            transport=lambda provider: Wire(self.keeping, labels[provider.name]),
            revocation=ASKED_EACH_TIME,
            fetcher=fetcher_for(self.port),
            # What fails here is told and not tried again.
            retries=Retries(attempts=1),
            seconds=ANSWER_SECONDS,
        )


@contextmanager
def opened(keeping: Keeping) -> Generator[World, None, None]:
    """A world, until the end of the block; then no process, thread or connection of it is left.

    Raises:
        ProviderFailedError: A process cannot be started.
        CommandFailure: No port can be had.
        OSError: What is kept cannot be written.
    """
    with ExitStack() as stack:
        # First: they import what they need while the keys are made.
        processes = {party.label: stack.enter_context(ProviderProcess(keeping.log(party.label))) for party in PROVIDERS}
        responder = Responder(register=keeping.register())
        try:
            stack.enter_context(responder)
        except OSError as error:
            reason = error.strerror or "the operating system refused"
            raise CommandFailure(f"no port on {HOST} can be used: {reason}", code="CONFIGURATION") from None
        hierarchy = Hierarchy.new(revocation_url=responder.url)
        responder.add(hierarchy)
        signers = {party.label: party.certificate_under(hierarchy) for party in (CBS, *PROVIDERS)}
        keeping.certificates(hierarchy, signers)
        for process in processes.values():
            stack.callback(process.tell_to_end)  # all of them, before the first is waited for
        yield World(responder=responder, hierarchy=hierarchy, signers=signers, keeping=keeping, _processes=processes)
