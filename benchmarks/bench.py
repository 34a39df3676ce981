"""Speed and memory, beside a peer or the physical limit in the same run. Prints a table; asserts nothing.

Machines differ and are noisy, so the figures to quote are the ratios. Run with `nox -s bench`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from jwcrypto import jwk, jws
from jwcrypto.jws import JWSEHeaderParameter
from pyhanko_certvalidator import CertificateValidator, ValidationContext

from nlgov_jades import (
    ANY_TRUSTED,
    HttpRequest,
    RevocationPolicy,
    Signer,
    TrustStore,
    VerificationPolicy,
    Verifier,
    profiles,
)
from nlgov_jades.errors import FetchError
from nlgov_jades.jws import parse_detached, signing_input_digest, verify_signature
from nlgov_jades.pki.path import build_path
from nlgov_jades.pki.revocation import FetchRequest, GivenData, RevocationData, check_revocation
from nlgov_jades.policy import CertificateRequirements
from nlgov_jades.profiles import SignatureAlgorithm
from nlgov_jades.sigd import payload_octets
from nlgov_jades.testing import Authority, Hierarchy, Issued
from nlgov_jades.testing.hierarchy import new_key

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
ENTRIES = 100_000
ROUNDS = 15


def best(action: Callable[[], object], seconds: float = 0.4) -> float:
    """Median seconds of one call, over rounds of as many calls as fit."""
    action()
    started = time.perf_counter()
    action()
    calls = max(1, int(seconds / ROUNDS / max(time.perf_counter() - started, 1e-7)))
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(calls):
            action()
        rounds.append((time.perf_counter() - started) / calls)
    return statistics.median(rounds)


def show(what: str, seconds: float, beside: str = "", other: float = 0.0) -> None:
    """One row: microseconds, and how many times faster or slower than the other."""
    ratio = f"   {other / seconds:8.1f} x faster than {beside} ({other * 1e6:.0f} µs)" if other else ""
    print(f"{what:<58} {seconds * 1e6:>10.1f} µs{ratio}")


def distribution_point() -> x509.CRLDistributionPoints:
    """Where a CRL is said to be; nothing is fetched there."""
    name = x509.UniformResourceIdentifier("http://crl.example/one.crl")
    return x509.CRLDistributionPoints([x509.DistributionPoint([name], None, None, None)])


def make_hierarchy() -> Hierarchy:
    """Four levels with RSA-4096 CAs, as PKIoverheid has them."""
    plain = Hierarchy.new(not_before=NOW - dt.timedelta(days=10), key_bits=4096)
    point = [(distribution_point(), False)]
    domain = plain.root.issue_authority("TEST nlgov-jades Domain CA", key=plain.domain.key, more_extensions=point)
    tsp = domain.issue_authority("TEST nlgov-jades TSP CA", key=plain.tsp.key, more_extensions=point)
    return Hierarchy(plain.root, domain, tsp)


def make_crl(authority: Authority, entries: int = 0) -> bytes:
    """A CRL with that many entries."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(NOW - dt.timedelta(hours=1))
        .next_update(NOW + dt.timedelta(hours=23))
        .add_extension(x509.CRLNumber(1), critical=False)
    )
    for number in range(entries):
        entry = x509.RevokedCertificateBuilder().serial_number((1 << 150) + number * 7919).revocation_date(NOW)
        builder._revoked_certificates.append(entry.build())  # noqa: SLF001 - add_revoked_certificate copies the list each time
    return builder.sign(authority.key, SHA256()).public_bytes(Encoding.DER)


def make_ocsp(authority: Authority, certificate: x509.Certificate) -> bytes:
    """A good answer, signed by the CA."""
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=certificate,
        issuer=authority.certificate,
        algorithm=SHA1(),  # noqa: S303 - in a CertID
        cert_status=ocsp.OCSPCertStatus.GOOD,
        this_update=NOW - dt.timedelta(hours=1),
        next_update=NOW + dt.timedelta(hours=1),
        revocation_time=None,
        revocation_reason=None,
    )
    signed = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, authority.certificate).sign(authority.key, SHA256())
    return signed.public_bytes(Encoding.DER)


def run_steps(trust: TrustStore, signer: Issued, given: GivenData) -> object:
    """Path and revocation with given data."""
    path = build_path(
        signer.certificate,
        signer.chain[1:-1],
        trust=trust,
        requirements=CertificateRequirements.GENERIC,
        algorithm=SignatureAlgorithm.PS256,
        at=NOW,
    )
    steps = check_revocation(path, RevocationPolicy.HARD_FAIL, at=NOW, given=given)
    try:
        next(steps)
    except StopIteration as done:
        return done.value
    raise SystemExit("something was to be fetched")


def pyhanko(path_of: Hierarchy, signer: Issued, crls: list[bytes], responses: list[bytes]) -> object:
    """The same with the peer, which parses what it is given on first use."""

    def load(certificate: x509.Certificate) -> asn1_x509.Certificate:
        return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))

    context = ValidationContext(
        trust_roots=[load(path_of.root.certificate)],
        other_certs=[load(certificate) for certificate in signer.chain[1:-1]],
        crls=[asn1_crl.CertificateList.load(der) for der in crls],
        ocsps=[asn1_ocsp.OCSPResponse.load(der) for der in responses],
        moment=NOW,
        revocation_mode="hard-fail",
        allow_fetching=False,
    )
    validator = CertificateValidator(load(signer.certificate), validation_context=context)
    return asyncio.run(validator.async_validate_usage({"digital_signature"}))


def signatures(message: HttpRequest, signer: Issued, hierarchy: Hierarchy) -> None:
    """What signing and verifying cost beside the bare RSA operation and beside jwcrypto."""
    value = message.fields.get_all("nlgov-adr-payload-sig")[0]
    parsed = parse_detached(value)
    digest = signing_input_digest(parsed.encoded_header, [payload_octets(("digest",), message)])
    key = signer.credential.public_key
    rsa = best(lambda: verify_signature(key, parsed.signature, digest))
    show("RSA-3072 verification, bare", rsa)

    registry = {name: JWSEHeaderParameter(name, True, name == "sigD", None) for name in ("sigD", "iat")}  # noqa: FBT003 - its signature
    jwk_key = jwk.JWK.from_pem(signer.certificate.public_bytes(Encoding.PEM))
    payload = payload_octets(("digest",), message)

    def by_jwcrypto() -> None:
        token = jws.JWS(header_registry=registry)
        token.allowed_algs = ["PS256"]
        token.deserialize(value)
        token.verify(jwk_key, detached_payload=payload)

    peer = best(by_jwcrypto)
    off = VerificationPolicy(profiles=(profiles.DDAS,), signers=ANY_TRUSTED, revocation=RevocationPolicy.OFF)
    cold = Verifier(trust=hierarchy.trust, policy=off, clock=lambda: NOW)
    show("jwcrypto, signature only", peer)
    show("verify, new chain, revocation off", best(lambda: cold.verify(message)), "jwcrypto's signature alone", peer)


def signed_x5c(message: HttpRequest) -> list[str]:
    """The entries of x5c in a signed message."""
    value = message.fields.get_all("nlgov-adr-payload-sig")[0]
    entries: list[str] = json.loads(parse_detached(value).protected)["x5c"]
    return entries


def warm(message: HttpRequest, hierarchy: Hierarchy, crls: list[bytes]) -> None:
    """What a repeated chain costs beside the same message without any chain."""

    class Given:
        def fetch(self, request: FetchRequest, *, timeout: float) -> RevocationData:  # noqa: ARG002 - the protocol
            for der in crls:
                try:
                    return request.parse(der)
                except FetchError:
                    continue
            raise FetchError("none fits")

    policy = VerificationPolicy(profiles=(profiles.DDAS,), signers=ANY_TRUSTED)
    verifier = Verifier(trust=hierarchy.trust, policy=policy, fetcher=Given(), clock=lambda: NOW)
    verifier.verify(message)
    whole = best(lambda: verifier.verify(message), 1.0)
    from nlgov_jades import steps, verification  # noqa: PLC0415 - only this figure looks inside

    source = getattr(verifier._fetcher, "generation", None)  # noqa: SLF001 - the same
    known = verifier._verdicts.find  # noqa: SLF001 - the same
    signed = steps.check_fields(
        message,
        policy,
        steps.BodyArrival.HERE,
        find=lambda key: known(key, NOW, source),
        beginnings=verifier._beginnings,  # noqa: SLF001 - the same
    )
    x5c = tuple(signed_x5c(message))
    read = signed.read  # what a verifier remembers of this signer holds the key
    look_up = best(lambda: known(read.verdict_key(SignatureAlgorithm.PS256, x5c), NOW, source))
    # By itself: a difference of two figures of 170 µs says nothing about a few of them.
    checks, verification.check_fields = verification.check_fields, lambda *_, **__: signed
    beyond = best(lambda: verifier.verify(message))
    verification.check_fields = checks
    show("verify, known chain, revocation hard", whole)
    print(f"{'  of which for the chain: its key and the look-up':<58} {look_up * 1e6:>10.1f} µs")
    print(f"{'  of which beyond steps 1 to 9 (signature and digest)':<58} {beyond * 1e6:>10.1f} µs")
    print(f"{'  together, over the plain signature check':<58} {(look_up + beyond) * 1e6:>10.1f} µs")


def large_crl(path: Path) -> None:
    """First use and later look-ups of a CRL of 100 000 entries, each in a fresh process for its peak memory."""
    for name in ("ours", "peer"):
        done = subprocess.run([sys.executable, __file__, name, str(path)], capture_output=True, text=True, check=True)  # noqa: S603 - ourselves
        print(done.stdout, end="")


def peak_memory() -> float:
    """Largest resident size since the peak was last forgotten, MiB (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def child(which: str, path: Path) -> None:
    """One side of `large_crl`."""
    root, leaf, issuer, crls = pickle.loads(path.read_bytes())  # noqa: S301 - our own file
    certificates = [x509.load_der_x509_certificate(der) for der in (leaf, issuer, root)]
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of imports and of reading the file
    before = peak_memory()
    started = time.perf_counter()
    if which == "ours":
        from nlgov_jades.pki.crl import check_crl, parse_crl  # noqa: PLC0415 - counted as first use

        parsed = parse_crl(crls[0])
        check_crl(parsed, certificates[0], certificates[1], policy=RevocationPolicy.HARD_FAIL, at=NOW)
        first = time.perf_counter() - started
        later = best(lambda: parsed.entry((1 << 150) + 7919 * 77_777 + 1))
        again = best(
            lambda: check_crl(parsed, certificates[0], certificates[1], policy=RevocationPolicy.HARD_FAIL, at=NOW)
        )
    else:
        loaded = [asn1_x509.Certificate.load(der) for der in (leaf, issuer, root)]

        def validate() -> None:
            context = ValidationContext(
                trust_roots=[loaded[2]],
                other_certs=[loaded[1]],
                crls=[asn1_crl.CertificateList.load(der) for der in crls],
                moment=NOW,
                revocation_mode="hard-fail",
                allow_fetching=False,
            )
            asyncio.run(
                CertificateValidator(loaded[0], validation_context=context).async_validate_usage({"digital_signature"})
            )

        validate()
        first = time.perf_counter() - started
        later = again = best(validate, 0.1)
    peak = peak_memory() - before
    label = "CRL of 100 000 entries, " + ("ours" if which == "ours" else "pyhanko-certvalidator")
    print(
        f"{label:<58} first {first * 1e3:8.1f} ms   look-up {later * 1e6:10.1f} µs   check {again * 1e6:10.1f} µs   +{peak:.0f} MiB"
    )


def main() -> None:
    """All figures."""
    hierarchy = make_hierarchy()
    point = [(distribution_point(), False)]
    signer = hierarchy.tsp.issue(key=new_key(3072), more_extensions=point)
    body = b'{"gegevens":' + b" " * 2000 + b"}"
    message = HttpRequest(
        method="POST", target="/v1/gegevens", fields=[("Content-Type", "application/json")], body=body
    )
    maker = Signer(signer.credential, profile=profiles.DDAS, clock=lambda: NOW, max_field_length=32_000)
    message = message.with_fields(maker.sign(message))
    show("sign, RSA-3072", best(lambda: maker.sign(HttpRequest(method="POST", target="/", body=body))))
    signatures(message, signer, hierarchy)

    crls = [make_crl(authority) for authority in (hierarchy.root, hierarchy.domain, hierarchy.tsp)]
    responses = [make_ocsp(hierarchy.tsp, signer.certificate)]
    given = GivenData.parse(tuple(responses), tuple(crls))
    trust = hierarchy.trust
    fresh = best(lambda: run_steps(trust, signer, GivenData.parse(tuple(responses), tuple(crls))))
    peer = best(lambda: pyhanko(hierarchy, signer, crls, responses))
    show("path + given OCSP and CRLs, parsed each time", fresh, "pyhanko-certvalidator", peer)
    show("path + given OCSP and CRLs, parsed once", best(lambda: run_steps(trust, signer, given)), "the same", peer)
    warm(message, hierarchy, crls)

    two = Hierarchy.new(not_before=NOW - dt.timedelta(days=10))
    leaf = two.root.issue(more_extensions=[(distribution_point(), False)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crl"
        certificates = [
            item.public_bytes(Encoding.DER) for item in (two.root.certificate, leaf.certificate, two.root.certificate)
        ]
        path.write_bytes(pickle.dumps((*certificates, [make_crl(two.root, ENTRIES)])))
        large_crl(path)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
