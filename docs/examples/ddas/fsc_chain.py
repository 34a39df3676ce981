"""Stand-ins for outway and inway. Run beside a folder `pki`, made with `nlgov-jades dev-pki new pki --with-ca-keys`."""

import asyncio
import sys
from ipaddress import ip_address
from pathlib import Path

import uvicorn
from cryptography import x509

from nlgov_jades.ddas.gateways import Grant, Inway, Outway, TlsFiles, TokenMaker
from nlgov_jades.ddas.gateways.serving import inway_config, outway_config
from nlgov_jades.testing import load_hierarchy, save_signer

OUTWAY, INWAY, PROVIDER = map(int, sys.argv[1:]) if len(sys.argv) > 1 else (8081, 8443, 8080)
pki = Path("pki")
tsp = load_hierarchy(pki).tsp


def gateway(name: str) -> TlsFiles:
    """A certificate for TLS, made once: another than the one that messages are signed with."""
    files = [pki / f"{name}-{part}.pem" for part in ("chain", "key")]
    if not files[0].exists():
        here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        usages = ("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2")  # server and client
        issued = tsp.issue(common_name=name, extended_key_usages=usages, more_extensions=[(here, False)])
        save_signer(issued, pki, name=name)
    return TlsFiles(chain=files[0], key=files[1], trust=pki / "root.pem")


async def main() -> None:
    """Run both, until Ctrl-C."""
    group, address = "fsc.group.example", f"https://127.0.0.1:{INWAY}"
    manager = tsp.issue(common_name="manager")  # signs the access tokens
    tokens = TokenMaker(key=manager.key, certificate=manager.certificate, group=group)
    grant = Grant(hash="$1$4$example", service="ddas-shv", inway=address)
    outway = Outway(grants=[grant], tls=gateway("outway"), tokens=tokens.token)
    services = {"ddas-shv": f"http://127.0.0.1:{PROVIDER}"}
    inway = Inway(services=services, group=group, audience=address, issuers=[manager.certificate])
    configs = (outway_config(outway, port=OUTWAY), inway_config(inway, tls=gateway("inway"), port=INWAY))
    await asyncio.gather(*(uvicorn.Server(config).serve() for config in configs))


if __name__ == "__main__":
    asyncio.run(main())
