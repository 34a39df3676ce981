"""PrivateKey and AsyncPrivateKey: keys that are not ours to hold, and everything that can be wrong with what they say."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from nlgov_jades import AsyncSigner, HttpRequest, Signer, SigningCredential, Verifier, profiles
from nlgov_jades.clock import Clock
from nlgov_jades.errors import ConfigurationError, SigningError
from nlgov_jades.profiles import SignatureAlgorithm
from nlgov_jades.testing import Hierarchy, Issued

SHA = Prehashed(SHA256())


class Hsm:
    """A key behind a door: counts what it was asked, and answers what the test wants after `good` answers."""

    def __init__(self, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, *, salt: int = 32) -> None:
        self.key = key
        self.salt = salt
        self.asked: list[tuple[bytes, str]] = []
        self.good = 1_000
        self.bad: Callable[[bytes], Any] = bytes

    def sign_digest(self, digest: bytes, *, algorithm: str) -> bytes:
        self.asked.append((digest, algorithm))
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self.key.sign(digest, ec.ECDSA(SHA)))
            signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        else:
            signature = self.key.sign(digest, padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=self.salt), SHA)
        answer: bytes = signature if len(self.asked) <= self.good else self.bad(signature)
        return answer


class AsyncHsm:
    """The same over a connection that is awaited."""

    def __init__(self, hsm: Hsm) -> None:
        self.hsm = hsm

    async def sign_digest(self, digest: bytes, *, algorithm: str) -> bytes:
        await asyncio.sleep(0)
        return self.hsm.sign_digest(digest, algorithm=algorithm)


def fails(_: bytes) -> bytes:
    raise ConnectionResetError("slot 3 is gone")


def flip(signature: bytes) -> bytes:
    return bytes([signature[0] ^ 1]) + signature[1:]


WRONG_ANSWERS = {
    "another signature": flip,
    "one octet less": lambda signature: signature[:-1],
    "one octet more": lambda signature: signature + b"\0",
    "nothing": lambda _: b"",
    "None": lambda _: None,
    "text": lambda signature: signature.hex(),
    "a bytearray": bytearray,
    "zeros": lambda signature: bytes(len(signature)),
}


@pytest.fixture
def hsm(issued: Issued) -> Hsm:
    return Hsm(issued.key)


class WatchedHsm:
    """An awaited key that remembers what it handed out, so that nothing is left behind that nobody awaited."""

    def __init__(self, hsm: Hsm) -> None:
        self.hsm = AsyncHsm(hsm)
        self.made: list[Coroutine[Any, Any, bytes]] = []

    def sign_digest(self, digest: bytes, *, algorithm: str) -> Coroutine[Any, Any, bytes]:
        self.made.append(self.hsm.sign_digest(digest, algorithm=algorithm))
        return self.made[-1]

    def closed(self) -> bool:
        """Whether everything was awaited or closed; closes the rest, which would otherwise warn in another test."""
        states = [inspect.getcoroutinestate(coroutine) for coroutine in self.made]
        for coroutine in self.made:
            coroutine.close()
        return bool(states) and set(states) == {inspect.CORO_CLOSED}


# --- PrivateKey ----------------------------------------------------------------------------------------------


def test_a_key_elsewhere_signs_what_a_verifier_accepts(
    hsm: Hsm, issued: Issued, request_message: HttpRequest, verifier: Verifier, clock: Clock
) -> None:
    signer = Signer(SigningCredential.from_key(hsm, issued.chain), profile=profiles.DDAS, clock=clock)
    signed = request_message.with_fields(signer.sign(request_message))
    assert verifier.verify(signed).body == request_message.body


def test_a_key_elsewhere_is_asked_for_the_digest_of_the_signing_input(
    hsm: Hsm, issued: Issued, request_message: HttpRequest, clock: Clock
) -> None:
    signer = Signer(SigningCredential.from_key(hsm, issued.chain), profile=profiles.DDAS, clock=clock)
    assert len(hsm.asked) == 1  # to see that it fits
    (_, digest), (_, signature) = signer.sign(request_message)
    signing_input = f"{signature.partition('..')[0]}.digest: {digest}".encode()
    assert hsm.asked[1:] == [(hashlib.sha256(signing_input).digest(), "PS256")]


def test_a_p256_key_elsewhere_is_asked_for_es256(p256: Issued) -> None:
    hsm = Hsm(p256.key)
    credential = SigningCredential.from_key(hsm, p256.chain)
    assert credential.algorithm is SignatureAlgorithm.ES256
    assert [algorithm for _, algorithm in hsm.asked] == ["ES256"]


def test_a_key_elsewhere_that_belongs_to_another_certificate_is_refused(issued: Issued, hierarchy: Hierarchy) -> None:
    with pytest.raises(ConfigurationError, match=r"^the private key does not belong to the signer's certificate$"):
        SigningCredential.from_key(Hsm(hierarchy.tsp.key), issued.chain)


def test_a_key_elsewhere_with_another_salt_length_is_refused(issued: Issued) -> None:
    with pytest.raises(ConfigurationError, match=r"^the private key does not belong to the signer's certificate$"):
        SigningCredential.from_key(Hsm(issued.key, salt=20), issued.chain)


@pytest.mark.parametrize("bad", WRONG_ANSWERS.values(), ids=WRONG_ANSWERS)
def test_a_key_elsewhere_that_answers_wrongly_from_the_start_is_refused(
    hsm: Hsm, issued: Issued, bad: Callable[[bytes], Any]
) -> None:
    hsm.good, hsm.bad = 0, bad
    with pytest.raises(ConfigurationError, match=r"^the private key does not belong to the signer's certificate$"):
        SigningCredential.from_key(hsm, issued.chain)


def test_a_der_encoded_ecdsa_signature_is_refused(p256: Issued) -> None:
    assert isinstance(p256.key, ec.EllipticCurvePrivateKey)
    key = p256.key
    hsm = Hsm(key)
    hsm.good, hsm.bad = 0, lambda _: key.sign(hsm.asked[-1][0], ec.ECDSA(SHA))
    with pytest.raises(ConfigurationError, match="does not belong to the signer's certificate"):
        SigningCredential.from_key(hsm, p256.chain)


def test_a_key_elsewhere_that_raises_is_a_signing_error_with_its_cause(hsm: Hsm, issued: Issued) -> None:
    hsm.good, hsm.bad = 0, fails
    with pytest.raises(SigningError, match=r"^the private key could not sign$") as caught:
        SigningCredential.from_key(hsm, issued.chain)
    assert isinstance(caught.value.__cause__, ConnectionResetError)


def test_a_chain_that_is_none_is_refused_before_the_key_is_asked(hsm: Hsm, issued: Issued, stranger: Hierarchy) -> None:
    with pytest.raises(ConfigurationError, match="does not belong to the chain of"):
        SigningCredential.from_key(hsm, [issued.certificate, stranger.root.certificate])
    assert hsm.asked == []


def test_a_weak_certificate_is_refused_before_the_key_is_asked(hsm: Hsm, hierarchy: Hierarchy) -> None:
    weak = hierarchy.tsp.issue(key=ec.generate_private_key(ec.SECP384R1()))
    with pytest.raises(ConfigurationError, match="ES256 needs a P-256 key"):
        SigningCredential.from_key(hsm, weak.chain)
    assert hsm.asked == []


@pytest.mark.parametrize("chain", [[], [b"der"]], ids=["empty", "octets"])
def test_a_chain_without_certificates_is_refused(hsm: Hsm, chain: list[Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"^a chain is a list of certificates, the signer's first$"):
        SigningCredential.from_key(hsm, chain)


def test_certificates_above_the_signers_may_come_in_any_order(hsm: Hsm, issued: Issued) -> None:
    leaf, *authorities = issued.chain
    assert SigningCredential.from_key(hsm, [leaf, *reversed(authorities)]).chain == issued.chain


@pytest.mark.parametrize("bad", WRONG_ANSWERS.values(), ids=WRONG_ANSWERS)
def test_a_wrong_signature_never_leaves_as_a_message(
    hsm: Hsm, issued: Issued, request_message: HttpRequest, clock: Clock, bad: Callable[[bytes], Any]
) -> None:
    signer = Signer(SigningCredential.from_key(hsm, issued.chain), profile=profiles.DDAS, clock=clock)
    hsm.good, hsm.bad = 2, bad
    assert len(signer.sign(request_message)) == 2
    with pytest.raises(
        SigningError, match=r"^the private key returned a signature that does not fit its certificate$"
    ) as caught:
        signer.sign(request_message)
    assert type(caught.value) is SigningError  # not MessageNotSignableError: nothing is wrong with the message


def test_a_key_elsewhere_that_raises_later_is_a_signing_error_and_the_signer_lives_on(
    hsm: Hsm, issued: Issued, request_message: HttpRequest, clock: Clock
) -> None:
    signer = Signer(SigningCredential.from_key(hsm, issued.chain), profile=profiles.DDAS, clock=clock)
    hsm.good, hsm.bad = 1, fails
    with pytest.raises(SigningError, match=r"^the private key could not sign$") as caught:
        signer.sign(request_message)
    assert isinstance(caught.value.__cause__, ConnectionResetError)
    hsm.good = 1_000
    assert len(signer.sign(request_message)) == 2


# --- AsyncPrivateKey -----------------------------------------------------------------------------------------


def async_credential(hsm: Hsm, issued: Issued) -> SigningCredential:
    return asyncio.run(SigningCredential.from_async_key(AsyncHsm(hsm), issued.chain))


def test_an_awaited_key_signs_what_a_verifier_accepts(
    hsm: Hsm, issued: Issued, request_message: HttpRequest, verifier: Verifier, clock: Clock
) -> None:
    signer = AsyncSigner(async_credential(hsm, issued), profile=profiles.DDAS, clock=clock)
    signed = request_message.with_fields(asyncio.run(signer.sign(request_message)))
    assert verifier.verify(signed).body == request_message.body


@pytest.mark.parametrize("where", ["local", "elsewhere"])
def test_an_async_signer_takes_a_key_that_is_not_awaited(
    hsm: Hsm, issued: Issued, request_message: HttpRequest, verifier: Verifier, where: str
) -> None:
    credential = issued.credential if where == "local" else SigningCredential.from_key(hsm, issued.chain)
    signer = AsyncSigner(credential, profile=profiles.DDAS, clock=verifier._clock)
    signed = request_message.with_fields(asyncio.run(signer.sign(request_message)))
    assert verifier.verify(signed).body == request_message.body


def test_an_awaited_key_of_another_certificate_is_refused(issued: Issued, hierarchy: Hierarchy) -> None:
    with pytest.raises(ConfigurationError, match=r"^the private key does not belong to the signer's certificate$"):
        async_credential(Hsm(hierarchy.tsp.key), issued)


def test_an_awaited_key_that_raises_is_a_signing_error(hsm: Hsm, issued: Issued) -> None:
    hsm.good, hsm.bad = 0, fails
    with pytest.raises(SigningError, match=r"^the private key could not sign$") as caught:
        async_credential(hsm, issued)
    assert isinstance(caught.value.__cause__, ConnectionResetError)


@pytest.mark.parametrize("bad", WRONG_ANSWERS.values(), ids=WRONG_ANSWERS)
def test_a_wrong_signature_of_an_awaited_key_never_leaves_as_a_message(
    hsm: Hsm, issued: Issued, request_message: HttpRequest, clock: Clock, bad: Callable[[bytes], Any]
) -> None:
    signer = AsyncSigner(async_credential(hsm, issued), profile=profiles.DDAS, clock=clock)
    hsm.good, hsm.bad = 1, bad
    with pytest.raises(
        SigningError, match=r"^the private key returned a signature that does not fit its certificate$"
    ) as caught:
        asyncio.run(signer.sign(request_message))
    assert type(caught.value) is SigningError


def test_an_awaited_key_that_raises_later_is_a_signing_error(
    hsm: Hsm, issued: Issued, request_message: HttpRequest, clock: Clock
) -> None:
    signer = AsyncSigner(async_credential(hsm, issued), profile=profiles.DDAS, clock=clock)
    hsm.good, hsm.bad = 1, fails
    with pytest.raises(SigningError, match=r"^the private key could not sign$") as caught:
        asyncio.run(signer.sign(request_message))
    assert isinstance(caught.value.__cause__, ConnectionResetError)


def test_a_cancelled_signature_stays_a_cancellation(
    hsm: Hsm, issued: Issued, request_message: HttpRequest, clock: Clock
) -> None:
    def cancelled(_: bytes) -> bytes:
        raise asyncio.CancelledError

    signer = AsyncSigner(async_credential(hsm, issued), profile=profiles.DDAS, clock=clock)
    hsm.good, hsm.bad = 1, cancelled
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(signer.sign(request_message))


def test_a_signer_refuses_an_awaited_key_and_leaves_no_coroutine_behind(
    hsm: Hsm, issued: Issued, request_message: HttpRequest, clock: Clock
) -> None:
    key = WatchedHsm(hsm)
    credential = asyncio.run(SigningCredential.from_async_key(key, issued.chain))
    with pytest.raises(ConfigurationError, match=r"^this credential's key is awaited: use AsyncSigner$"):
        Signer(credential, profile=profiles.DDAS, clock=clock).sign(request_message)
    assert key.closed()
    assert len(hsm.asked) == 1  # nothing was signed


def test_from_key_refuses_an_awaited_key_and_leaves_no_coroutine_behind(hsm: Hsm, issued: Issued) -> None:
    key = WatchedHsm(hsm)
    with pytest.raises(ConfigurationError):
        SigningCredential.from_key(key, issued.chain)  # type: ignore[arg-type]  # the mistake under test
    assert key.closed()


def test_from_key_tells_an_awaited_key_from_one_that_does_not_fit(hsm: Hsm, issued: Issued) -> None:
    key = WatchedHsm(hsm)
    with pytest.raises(ConfigurationError) as caught:
        SigningCredential.from_key(key, issued.chain)  # type: ignore[arg-type]  # the mistake under test
    key.closed()
    assert "from_async_key" in str(caught.value)


def test_from_async_key_tells_a_key_that_is_not_awaited_from_one_that_failed(hsm: Hsm, issued: Issued) -> None:
    with pytest.raises(ConfigurationError, match="from_key"):
        asyncio.run(SigningCredential.from_async_key(hsm, issued.chain))  # type: ignore[arg-type]  # the mistake under test


def test_the_first_digest_a_key_signs_is_no_digest_of_a_message(hsm: Hsm, issued: Issued) -> None:
    SigningCredential.from_key(hsm, issued.chain)
    # Sixty-odd characters of our own, without the dot that every signing input has behind its header.
    probe = b"nlgov-jades: does this private key belong to this certificate?"
    assert hsm.asked == [(hashlib.sha256(probe).digest(), "PS256")]
    assert b"." not in probe
