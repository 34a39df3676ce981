"""What is tried: certificates, messages, and the octets that a signature covers, written out by hand.

Nothing here signs or verifies. The octets are made without the library, from section 1 of docs/reference/wire-format.md.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from nlgov_jades import HttpRequest, HttpResponse, profiles
from nlgov_jades.message import HttpMessage
from nlgov_jades.profiles import HttpHeaders, Profile, SignatureAlgorithm
from nlgov_jades.testing import Hierarchy, Issued, Revocation, make_crl
from nlgov_jades.testing.hierarchy import new_key

RSA_BITS = 3072
"""As the keys of PKIoverheid's signers have. The CAs have shorter ones, so that the vectors do."""

REVOCATION_URL = "http://revocation.example"
"""Stands in the certificates, as in real ones. Nobody asks there: every verifier is handed the CRLs."""

BODY = '{"aanleverperiode":"2026","organisatie":"Gemeente Súdwest-Fryslân","bedrag":125}\n'.encode()
OTHER_BODY = BODY.replace(b"125", b"126")
TARGET = "/v1/gegevens?periode=2026&naam=a%20b"
OTHER_TARGET = TARGET.replace("2026", "2027")


@dataclass(frozen=True, slots=True, repr=False)
class Certificates:
    """A throw-away hierarchy in the shape of PKIoverheid's, its revocation data, and one that nobody trusts."""

    hierarchy: Hierarchy
    rsa: Issued
    p256: Issued
    stranger: Hierarchy
    crls: tuple[bytes, ...]
    revoking_crls: tuple[bytes, ...]

    @classmethod
    def new(cls, now: dt.datetime) -> Certificates:
        """Made for this run only; the keys are written nowhere."""
        start = now - dt.timedelta(days=1)
        hierarchy = Hierarchy.new(name="TEST interop", not_before=start, revocation_url=REVOCATION_URL)
        rsa = hierarchy.tsp.issue(key=new_key(RSA_BITS), kvk="12345678")
        p256 = hierarchy.tsp.issue(common_name="oots.example", key=ec.generate_private_key(ec.SECP256R1()))
        updated = now - dt.timedelta(hours=1)
        upper = [make_crl(authority, this_update=updated) for authority in (hierarchy.root, hierarchy.domain)]
        gone = [Revocation.of(issued, updated) for issued in (rsa, p256)]
        return cls(
            hierarchy=hierarchy,
            rsa=rsa,
            p256=p256,
            stranger=Hierarchy.new(name="TEST stranger", not_before=start),
            crls=(*upper, make_crl(hierarchy.tsp, this_update=updated)),
            revoking_crls=(*upper, make_crl(hierarchy.tsp, gone, this_update=updated)),
        )

    def signer(self, profile: Profile) -> Issued:
        """Who signs in this profile."""
        return self.p256 if profile.algorithm is SignatureAlgorithm.ES256 else self.rsa


def request(body: bytes, target: str) -> HttpRequest:
    """The request of every case, unsigned."""
    fields = [
        ("Host", "provider.example.test"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
    ]
    return HttpRequest(method="POST", target=target, fields=fields, body=body)


def message(profile: Profile, body: bytes = BODY, target: str = TARGET) -> HttpMessage:
    """The message of a profile, unsigned: a request, or the answer to one where that is what the profile is for."""
    if profile not in (profiles.OOTS_RESPONSE, profiles.LOGIUS_MESSAGE):
        return request(body, target)
    fields = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    return HttpResponse(status=200, fields=fields, body=body, request=request(b"", target))


def with_digest(unsigned: HttpMessage, profile: Profile) -> HttpMessage:
    """With the Digest of its body, where the profile covers one."""
    if not isinstance(profile.covers, HttpHeaders) or not isinstance(unsigned.body, bytes):
        return unsigned
    digest = base64.b64encode(hashlib.sha256(unsigned.body).digest()).decode()
    return unsigned.with_fields([("Digest", f"SHA-256={digest}")])


def request_target(of: HttpMessage) -> str:
    """The value of (request-target), of the request that a response answers."""
    asked = of if isinstance(of, HttpRequest) else of.request
    if asked is None:
        raise ValueError("every response here answers a request")
    return f"{asked.method.lower()} {asked.target}"


def pars(profile: Profile, of: HttpMessage) -> list[str] | None:
    """What a signer of this message names in `pars`, or `None` where the body itself is signed."""
    if not isinstance(profile.covers, HttpHeaders):
        return None
    if profile.covers.mandatory == {"digest"}:
        return ["digest"]
    there = [name.lower() for name, _ in of.fields]
    return [
        "(request-target)",
        *[name for name in ("host", "content-type", "content-length") if name in there],
        "digest",
    ]


def payload(profile: Profile, of: HttpMessage) -> bytes:
    """The octets of the JWS payload, before any base64url."""
    names = pars(profile, of)
    if names is None:
        if not isinstance(of.body, bytes):
            raise ValueError("every body here is in memory")
        return of.body
    values = {name.lower(): value for name, value in of.fields}
    values["(request-target)"] = request_target(of)
    return "\n".join([f"{name}: {values[name]}" for name in names]).encode("ascii")


_DIGEST_REFERENCES: Final = {"x5t#S256": hashlib.sha256, "x5t#o": hashlib.sha512}


def protected_header(profile: Profile, signer: Issued, of: HttpMessage, at: dt.datetime) -> dict[str, Any]:
    """A protected header as TS 119 182-1 has it, for libraries that know JWS and no JAdES."""
    chain = [certificate.public_bytes(Encoding.DER) for certificate in signer.chain[:-1]]
    names = pars(profile, of)
    made: dict[str, Any] = {
        "alg": profile.algorithm.value,
        "typ": "JOSE",
        "kid": "interop-1",
        "x5c": [base64.b64encode(der).decode() for der in chain],
    }
    if names is None:
        return made
    reference = profile.reference.value
    digest = base64.urlsafe_b64encode(_DIGEST_REFERENCES[reference](chain[0]).digest()).rstrip(b"=").decode()
    made[reference] = {"digAlg": "S512", "digVal": digest} if reference == "x5t#o" else digest
    made |= {
        "iat": int(at.timestamp()),
        "b64": False,
        "sigD": {"mId": "http://uri.etsi.org/19182/HttpHeaders", "pars": names},
        "crit": ["b64", "sigD"],
    }
    return made


def key_der(signer: Issued) -> bytes:
    """The private key as PKCS#8."""
    return signer.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
