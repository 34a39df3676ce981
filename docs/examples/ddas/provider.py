"""A provider of DDAS with test data. Run beside a folder `pki`, made with `nlgov-jades dev-pki new pki`."""

from pathlib import Path
from random import Random

import nlgov_jades as jades
from nlgov_jades import ddas
from nlgov_jades.ddas.testdata import organisations, trajecten

# What is delivered: each organisation with its records, put anew as often as you like.
storage, kind, random = ddas.SqliteStorage("records.sqlite"), ddas.Kind.SHV, Random(2026)
for organisation in organisations(kind, 2, random):
    storage.replace(kind, organisation, (ddas.Record.of(kind, traject) for traject in trajecten(100, random)))

pki = Path("pki")
key, chain, root = ((pki / f"{name}.pem").read_bytes() for name in ("signer-key", "signer-chain", "root"))
credential = jades.SigningCredential.from_pem(key, chain)
policy = jades.VerificationPolicy(
    profiles=(jades.profiles.DDAS,),
    signers={jades.Oin("00000001002220647000")},  # who may ask: CBS
    revocation=jades.RevocationPolicy.OFF,  # throw-away certificates; leave this line out
)
app = ddas.provider_app(
    storage=storage,
    kind=kind,
    signer=jades.Signer(credential, profile=jades.profiles.DDAS),
    verifier=jades.AsyncVerifier(trust=jades.TrustStore.from_pem(root), policy=policy),
    answers=ddas.AnswerSettings(supplier="GL123456"),  # your codeGegevensleverancier
    fsc=ddas.FscSettings(token=ddas.FscToken.IF_PRESENT),  # there is no FSC inway here; leave this line out
    prefix="/v1",
)

if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, host="127.0.0.1", port=8080)
