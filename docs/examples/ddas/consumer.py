"""Collects from all providers of DDAS. Run beside a folder `pki`, made with `nlgov-jades dev-pki new pki`."""

import asyncio
import datetime as dt
from pathlib import Path

import nlgov_jades as jades
from nlgov_jades import ddas

pki = Path("pki")
key, chain, root = ((pki / f"{name}.pem").read_bytes() for name in ("signer-key", "signer-chain", "root"))
credential = jades.SigningCredential.from_pem(key, chain)
consumer = ddas.Consumer(
    signer=jades.Signer(credential, profile=jades.profiles.DDAS),
    trust=jades.TrustStore.from_pem(root),
    certificate=jades.CertificateRequirements.GENERIC,  # throw-away certificates; leave this line and the next one out
    revocation=jades.RevocationPolicy.OFF,
)
URL = "http://127.0.0.1:8080/v1/gegevens"  # an FSC outway on this machine, or https://
providers = [ddas.Provider(name="Gemeente A", url=URL, oin=jades.Oin("00000001002220647000"), kind=ddas.Kind.SHV)]
question = ddas.Question(start=dt.date(2024, 1, 1), end=dt.date(2024, 12, 31))


async def keep(page: ddas.CollectedPage) -> None:
    """Put the records where they belong; of a page with a higher `round`, after throwing away what came before."""
    count = sum(1 for _ in page.records())
    print(page.provider.name, page.round, page.number, count)  # noqa: T201 - instead of a database


async def main(consumer: ddas.Consumer) -> ddas.FleetReport:
    """Collect everything, with a bar on a terminal."""
    with ddas.terminal_progress() as progress:
        return await ddas.collect_fleet(providers, question, consumer=consumer, keep=keep, progress=progress)


if __name__ == "__main__":
    print(asyncio.run(main(consumer)).table())  # noqa: T201 - a script
