"""Values do not change, whatever was done with what they were made of; signers and verifiers are shared by threads."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nlgov_jades import (
    AsyncSigner,
    AsyncVerifier,
    CertificateRequirements,
    Fields,
    HttpRequest,
    HttpResponse,
    Kvk,
    Oin,
    RevocationPolicy,
    Signer,
    SigningCredential,
    TrustStore,
    VerificationPolicy,
    Verifier,
    profiles,
)
from nlgov_jades.clock import Clock
from nlgov_jades.errors import DigestMismatchError
from nlgov_jades.testing import Hierarchy, Issued

Forge = Callable[..., HttpRequest]

OIN = Oin("00000001002220647000")
THREADS = 16
EACH = 8


# --- values ------------------------------------------------------------------------------------------------------


@pytest.fixture
def values(
    hierarchy: Hierarchy, credential: SigningCredential, verifier: Verifier, forge: Forge, request_message: HttpRequest
) -> dict[str, Any]:
    verified = verifier.verify(forge(request_message))
    return {
        "HttpRequest": request_message,
        "HttpResponse": HttpResponse(status=200),
        "Fields": request_message.fields,
        "SignedFields": Signer(credential, profile=profiles.DDAS).sign(request_message),
        "SigningCredential": credential,
        "Signer": Signer(credential, profile=profiles.DDAS),
        "AsyncSigner": AsyncSigner(credential, profile=profiles.DDAS),
        "Verifier": verifier,
        "TrustStore": hierarchy.trust,
        "VerificationPolicy": verifier.policy,
        "RevocationPolicy": RevocationPolicy.HARD_FAIL,
        "CertificateRequirements": CertificateRequirements.GENERIC,
        "Profile": profiles.DDAS,
        "HttpHeaders": profiles.DDAS.covers,
        "Oin": OIN,
        "Kvk": Kvk("12345678"),
        "VerifiedMessage": verified,
        "SignerIdentity": verified.signer,
        "RevocationEvidence": verified.revocation[0],
        "Notice": verified.notices[0],
        "PendingMessage": verifier.verify_fields(forge(request_message)),
    }


KINDS = [
    "HttpRequest", "HttpResponse", "Fields", "SignedFields", "SigningCredential", "Signer", "AsyncSigner", "Verifier",
    "TrustStore", "VerificationPolicy", "RevocationPolicy", "CertificateRequirements", "Profile", "HttpHeaders", "Oin",
    "Kvk", "VerifiedMessage", "SignerIdentity", "RevocationEvidence", "Notice", "PendingMessage",
]  # fmt: skip


def attributes(value: object) -> list[str]:
    """Its public attributes that are no methods, those of its class that only some hold included."""
    names = [name for name in dir(value) if not name.startswith("_")]
    return [name for name in names if not callable(getattr(type(value), name, None))]


@pytest.mark.parametrize("kind", KINDS)
def test_no_attribute_of_a_value_can_be_set(values: dict[str, Any], kind: str) -> None:
    value = values[kind]
    settable = []
    for name in attributes(value):
        try:
            setattr(value, name, None)
        except (AttributeError, TypeError):  # TypeError: a frozen dataclass with slots, before Python 3.13
            continue
        settable.append(name)
    assert settable == []


def test_every_kind_of_value_is_looked_at(values: dict[str, Any]) -> None:
    assert list(values) == KINDS
    assert all(attributes(values[kind]) for kind in KINDS)


@pytest.mark.parametrize("name", ["b", "Content-Type", "_lines"])
def test_fields_have_no_way_to_add_a_line_in_place(request_message: HttpRequest, name: str) -> None:
    with pytest.raises((TypeError, AttributeError)):
        request_message.fields[name] = "x"  # type: ignore[index]  # the mistake under test
    with pytest.raises((TypeError, AttributeError)):
        del request_message.fields[name]  # type: ignore[attr-defined]  # the same


def test_a_message_keeps_the_lines_it_was_made_of() -> None:
    lines: list[tuple[str, str]] = [("A", "1")]
    request = HttpRequest(method="GET", target="/", fields=lines)
    fields = Fields(lines)
    lines.append(("B", "2"))
    assert list(request.fields) == list(fields) == [("A", "1")]


def test_a_policy_keeps_the_sets_it_was_made_of() -> None:
    signers: set[Oin | Kvk] = {OIN}
    media_types, codings, accepted = {"application/json"}, {"identity"}, [profiles.DDAS]
    policy = VerificationPolicy(
        profiles=accepted,  # type: ignore[arg-type]  # any iterable does
        signers=signers,
        media_types=media_types,
        content_encodings=codings,
    )
    signers.add(Kvk("12345678"))
    media_types.add("text/html")
    codings.add("gzip")
    accepted.append(profiles.ADR_MESSAGE)
    assert policy.signers == {OIN}
    assert policy.media_types == {"application/json"}
    assert policy.content_encodings == {"identity"}
    assert policy.profiles == (profiles.DDAS,)


def test_a_signer_keeps_the_codings_it_was_made_of(credential: SigningCredential, request_message: HttpRequest) -> None:
    codings = {"identity", "gzip"}
    signer = Signer(credential, profile=profiles.DDAS, content_encodings=codings)
    codings.clear()
    assert len(signer.sign(request_message.with_fields([("Content-Encoding", "gzip")]))) == 2


def test_a_trust_store_keeps_the_certificates_it_was_made_of(hierarchy: Hierarchy) -> None:
    anchors, intermediates = [hierarchy.root.certificate], [hierarchy.domain.certificate]
    trust = TrustStore(anchors, intermediates)
    anchors.append(hierarchy.tsp.certificate)
    intermediates.clear()
    assert trust.anchors == (hierarchy.root.certificate,)
    assert trust.intermediates == (hierarchy.domain.certificate,)


def test_the_protected_header_of_a_proof_is_not_changed_from_inside(
    verifier: Verifier, forge: Forge, request_message: HttpRequest
) -> None:
    verified = verifier.verify(forge(request_message))
    verified.protected_header["sigD"]["pars"].append("content-type")
    verified.protected_header["crit"].clear()
    verified.protected_header["alg"] = "none"
    header = verified.protected_header
    assert (header["alg"], header["crit"], header["sigD"]["pars"]) == ("PS256", ["b64", "sigD"], ["digest"])


# --- threads and tasks -------------------------------------------------------------------------------------------


@pytest.fixture
def signer(credential: SigningCredential, clock: Clock) -> Signer:
    return Signer(credential, profile=profiles.DDAS, clock=clock)


def request_of(worker: int, turn: int) -> HttpRequest:
    body = f'{{"worker":{worker},"turn":{turn}}}'.encode()
    return HttpRequest(method="POST", target="/", fields=[("Content-Type", "application/json")], body=body)


def test_sixteen_threads_share_one_signer_and_one_verifier(signer: Signer, verifier: Verifier) -> None:
    together = threading.Barrier(THREADS, timeout=30)

    def work(worker: int) -> list[bytes]:
        together.wait()
        bodies = []
        for turn in range(EACH):
            request = request_of(worker, turn)
            signed = request.with_fields(signer.sign(request))
            bodies.append(verifier.verify(signed).body)
            bodies.append(verifier.verify_fields(signed.with_body(b"")).complete(request.body).body)
            with pytest.raises(DigestMismatchError):
                verifier.verify(signed.with_body(request_of(worker + 1, turn).body))
        return bodies

    with ThreadPoolExecutor(THREADS) as pool:
        results = list(pool.map(work, range(THREADS)))
    for worker, bodies in enumerate(results):
        assert bodies == [request_of(worker, turn).body for turn in range(EACH) for _ in range(2)]


def test_sixteen_threads_that_read_one_trust_store_for_the_first_time_agree(issued: Issued) -> None:
    trust = TrustStore(issued.chain[-1:], issued.chain[1:-1])
    together = threading.Barrier(THREADS, timeout=30)

    def work(_: int) -> str:
        together.wait()
        return trust.id

    with ThreadPoolExecutor(THREADS) as pool:
        assert len(set(pool.map(work, range(THREADS)))) == 1


def test_tasks_share_one_signer_and_one_verifier(credential: SigningCredential, verifier: Verifier) -> None:
    now = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
    signer = AsyncSigner(credential, profile=profiles.DDAS, clock=lambda: now)
    awaited = AsyncVerifier(trust=verifier.trust, policy=verifier.policy, clock=lambda: now)

    async def work(worker: int) -> bytes:
        request = request_of(worker, 0)
        signed = request.with_fields(await signer.sign(request))
        await asyncio.sleep(0)
        return (await awaited.verify(signed)).body

    async def all_of_them() -> list[bytes]:
        return await asyncio.gather(*(work(worker) for worker in range(THREADS)))

    assert asyncio.run(all_of_them()) == [request_of(worker, 0).body for worker in range(THREADS)]
