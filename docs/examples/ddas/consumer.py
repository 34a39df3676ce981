"""Collects from all providers of DDAS. Run beside a folder `pki`, made with `nlgov-jades dev-pki new pki`."""

import asyncio
import datetime as dt
from pathlib import Path

from nlgov_jades import CertificateRequirements, Oin, RevocationPolicy, Signer, SigningCredential, TrustStore, profiles
from nlgov_jades.ddas import (
    CollectedPage,
    Consumer,
    FleetReport,
    Kind,
    Provider,
    Question,
    collect_fleet,
    terminal_progress,
)

pki = Path("pki")
credential = SigningCredential.from_pem((pki / "signer-key.pem").read_bytes(), (pki / "signer-chain.pem").read_bytes())
consumer = Consumer(
    signer=Signer(credential, profile=profiles.DDAS),
    trust=TrustStore.from_pem((pki / "root.pem").read_bytes()),
    certificate=CertificateRequirements.GENERIC,  # throw-away certificates; leave this line and the next one out
    revocation=RevocationPolicy.OFF,
)
URL = "http://127.0.0.1:8080/v1/gegevens"  # an FSC outway on this machine, or https://
providers = [Provider(name="Gemeente A", url=URL, oin=Oin("00000001002220647000"), kind=Kind.SHV)]
question = Question(start=dt.date(2024, 1, 1), end=dt.date(2024, 12, 31))


async def keep(page: CollectedPage) -> None:
    """Put the records where they belong; of a page with a higher `round`, after throwing away what came before."""
    count = sum(1 for _ in page.records())
    print(page.provider.name, page.round, page.number, count)  # noqa: T201 - instead of a database


async def main(consumer: Consumer) -> FleetReport:
    """Collect everything, with a bar on a terminal."""
    with terminal_progress() as progress:
        return await collect_fleet(providers, question, consumer=consumer, keep=keep, progress=progress)


if __name__ == "__main__":
    print(asyncio.run(main(consumer)).table())  # noqa: T201 - a script
