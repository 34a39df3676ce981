"""A provider of DDAS with test data. Run beside a folder `pki`, made with `nlgov-jades dev-pki new pki`."""

from pathlib import Path
from random import Random

from nlgov_jades import (
    AsyncVerifier,
    Oin,
    RevocationPolicy,
    Signer,
    SigningCredential,
    TrustStore,
    VerificationPolicy,
    profiles,
)
from nlgov_jades.ddas import AnswerSettings, FscSettings, FscToken, Kind, Record, SqliteStorage, provider_app
from nlgov_jades.ddas.testdata import organisations, trajecten

# What is delivered: each organisation with its records, put anew as often as you like.
storage = SqliteStorage("records.sqlite")
random = Random(2026)
for organisation in organisations(Kind.SHV, 2, random):
    storage.replace(Kind.SHV, organisation, (Record.of(Kind.SHV, traject) for traject in trajecten(100, random)))

pki = Path("pki")
credential = SigningCredential.from_pem((pki / "signer-key.pem").read_bytes(), (pki / "signer-chain.pem").read_bytes())
policy = VerificationPolicy(
    profiles=(profiles.DDAS,),
    signers={Oin("00000001002220647000")},  # who may ask: CBS
    revocation=RevocationPolicy.OFF,  # throw-away certificates; leave this line out
)
app = provider_app(
    storage=storage,
    kind=Kind.SHV,
    signer=Signer(credential, profile=profiles.DDAS),
    verifier=AsyncVerifier(trust=TrustStore.from_pem((pki / "root.pem").read_bytes()), policy=policy),
    answers=AnswerSettings(supplier="GL123456"),  # your codeGegevensleverancier
    fsc=FscSettings(token=FscToken.IF_PRESENT),  # there is no FSC inway here; leave this line out
    prefix="/v1",
)

if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, host="127.0.0.1", port=8080)
