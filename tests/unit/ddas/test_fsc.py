from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest

from nlgov_jades import Fields
from nlgov_jades.ddas import Delegation, FscSettings, FscToken, ProblemError
from nlgov_jades.ddas.fsc import check_token, read_token, transaction_id
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.result import SignerIdentity
from nlgov_jades.testing import Issued

from .conftest import NOW

TRANSPORT = b"\x07" * 32
OTHER = "00000003123456780000"
TRANSACTION = "9F8B1A52-3c1d-7e5f-8a9b-0c1d2e3f4a5b"


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@pytest.fixture
def signer(issued: Issued) -> SignerIdentity:
    return SignerIdentity.from_certificate(issued.certificate)


@pytest.fixture
def token(signer: SignerIdentity) -> Callable[..., str]:
    """A token of the signer; `edit` changes its claims, `header` its header."""

    def made(edit: Callable[[dict[str, Any]], object] = lambda _: None, header: dict[str, Any] | None = None) -> str:
        claims: dict[str, Any] = {
            "gth": "$1$4$hash",
            "gid": "fsc.example",
            "sub": str(signer.oin),
            "iss": OTHER,
            "svc": "ddas-shv",
            "aud": "https://inway.example:443",
            "exp": int(NOW.timestamp()) + 300,
            "nbf": int(NOW.timestamp()) - 5,
            "cnf": {"x5t#S256": b64(TRANSPORT)},
        }
        edit(claims)
        parts = [
            json.dumps(header or {"alg": "ES256", "typ": "JWT"}).encode(),
            json.dumps(claims).encode(),
            b"signature",
        ]
        return ".".join(b64(part) for part in parts)

    return made


def fields(*tokens: str) -> Fields:
    return Fields([("Fsc-Authorization", token) for token in tokens])


def check(signer: SignerIdentity, *tokens: str, now: dt.datetime = NOW, **settings: Any) -> None:
    check_token(fields(*tokens), signer, settings=FscSettings(**settings), now=now)


def refused(signer: SignerIdentity, *tokens: str, **options: Any) -> tuple[int, str]:
    with pytest.raises(ProblemError) as caught:
        check(signer, *tokens, **options)
    assert caught.value.__cause__ is None
    return caught.value.problem.status, caught.value.problem.code


def test_a_token_of_the_signer_passes(signer: SignerIdentity, token: Callable[..., str]) -> None:
    check(signer, token())
    check(signer, f"Bearer {token()}")
    check(signer, token(lambda claims: claims.update(aud=["https://a", "https://b"], prp={"more": [1]})))


def test_the_claims_are_read(token: Callable[..., str]) -> None:
    claims = read_token(token(lambda claims: claims.update(act={"sub": OTHER})))
    assert (claims.group, claims.service, claims.audience) == (
        "fsc.example",
        "ddas-shv",
        ("https://inway.example:443",),
    )
    assert (claims.certificate, claims.actor) == (TRANSPORT, OTHER)
    assert claims.expires == NOW + dt.timedelta(seconds=300)


def test_a_token_of_another_is_refused(signer: SignerIdentity, token: Callable[..., str]) -> None:
    assert refused(signer, token(lambda claims: claims.update(sub=OTHER))) == (403, "FSC_TOKEN_OTHER_HOLDER")


def test_the_one_that_is_acted_for_may_sign_only_where_the_settings_say_so(
    signer: SignerIdentity, token: Callable[..., str]
) -> None:
    delegated = token(lambda claims: claims.update(sub=OTHER, act={"sub": str(signer.oin)}))
    assert refused(signer, delegated) == (403, "FSC_TOKEN_OTHER_HOLDER")
    check(signer, delegated, delegation=Delegation.ALLOW)
    elsewhere = token(lambda claims: claims.update(sub=OTHER, act={"sub": OTHER}))
    assert refused(signer, elsewhere, delegation=Delegation.ALLOW) == (403, "FSC_TOKEN_OTHER_HOLDER")


def test_a_signer_without_an_oin_holds_no_token(token: Callable[..., str]) -> None:
    nameless = SignerIdentity(oin=None, kvk=None, common_name="x", organization="x", sha256="00" * 32)
    assert refused(nameless, token()) == (403, "FSC_TOKEN_OTHER_HOLDER")
    assert refused(nameless, token(lambda claims: claims.update(sub="None"))) == (403, "FSC_TOKEN_OTHER_HOLDER")


def test_the_certificate_of_the_transport_may_not_sign(signer: SignerIdentity, token: Callable[..., str]) -> None:
    own = {"x5t#S256": b64(bytes.fromhex(signer.sha256))}
    assert refused(signer, token(lambda claims: claims.update(cnf=own))) == (403, "FSC_TRANSPORT_CERTIFICATE")


@pytest.mark.parametrize("seconds", [-65, 0, 359])
def test_a_token_holds_within_its_time_and_a_minute(
    signer: SignerIdentity, token: Callable[..., str], seconds: int
) -> None:
    check(signer, token(), now=NOW + dt.timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-66, 360])
def test_a_token_of_another_time_is_refused(signer: SignerIdentity, token: Callable[..., str], seconds: int) -> None:
    assert refused(signer, token(), now=NOW + dt.timedelta(seconds=seconds)) == (403, "FSC_TOKEN_TIME")


def test_a_token_until_the_last_second_there_is_holds(signer: SignerIdentity, token: Callable[..., str]) -> None:
    check(signer, token(lambda claims: claims.update(exp=253_402_300_799)))


def test_no_token_is_refused_unless_it_may_be_absent(signer: SignerIdentity) -> None:
    assert refused(signer) == (400, "FSC_TOKEN_MISSING")
    check(signer, token=FscToken.IF_PRESENT)


def test_a_token_that_is_there_is_checked_where_it_may_be_absent(
    signer: SignerIdentity, token: Callable[..., str]
) -> None:
    other = token(lambda claims: claims.update(sub=OTHER))
    assert refused(signer, other, token=FscToken.IF_PRESENT) == (403, "FSC_TOKEN_OTHER_HOLDER")
    assert refused(signer, "", token=FscToken.IF_PRESENT) == (400, "FSC_TOKEN")


def test_two_tokens_are_refused(signer: SignerIdentity, token: Callable[..., str]) -> None:
    assert refused(signer, token(), token()) == (400, "FSC_TOKEN")
    assert refused(signer, f"{token()}, {token()}") == (400, "FSC_TOKEN")


@pytest.mark.parametrize("name", ["gth", "gid", "sub", "iss", "svc", "aud", "exp", "nbf", "cnf"])
@pytest.mark.parametrize("value", [None, "", 1.5, True, [], {}, [1], {"sub": 1}, -1, 10**18])
def test_a_claim_that_is_missing_or_of_another_form_is_refused(
    signer: SignerIdentity, token: Callable[..., str], name: str, value: Any
) -> None:
    assert refused(signer, token(lambda claims: claims.update({name: value}))) == (400, "FSC_TOKEN")
    assert refused(signer, token(lambda claims: claims.pop(name))) == (400, "FSC_TOKEN")


@pytest.mark.parametrize("actor", [None, "x", {}, {"sub": ""}, {"sub": 1}, []])
def test_an_actor_of_another_form_is_refused(signer: SignerIdentity, token: Callable[..., str], actor: Any) -> None:
    assert refused(signer, token(lambda claims: claims.update(act=actor))) == (400, "FSC_TOKEN")


@pytest.mark.parametrize("thumbprint", ["", "AA", "é", "=" * 43, b64(bytes(31)), b64(bytes(33)), b64(bytes(32)) + "="])
def test_a_thumbprint_of_another_form_is_refused(
    signer: SignerIdentity, token: Callable[..., str], thumbprint: str
) -> None:
    edited = token(lambda claims: claims.update(cnf={"x5t#S256": thumbprint}))
    assert refused(signer, edited) == (400, "FSC_TOKEN")


@pytest.mark.parametrize(
    "header", [{"alg": "none"}, {"alg": "HS256"}, {"typ": "JWT"}, {"alg": ["ES256"]}, {"alg": "ES256", "crit": ["x"]}]
)
def test_a_token_that_no_inway_would_take_is_refused(
    signer: SignerIdentity, token: Callable[..., str], header: dict[str, Any]
) -> None:
    assert refused(signer, token(header=header)) == (400, "FSC_TOKEN")


@pytest.mark.parametrize(
    "hostile",
    [
        *(".", "..", "...", "a.b.c", "Bearer", "Bearer ", "Basic x", "é.é.é", "\x00", "A" * 17_000),
        f"{b64(b'[]')}.{b64(b'[]')}.AA",
        f"{b64(b'{}')}.{b64(b'{}')}.",
        f"{b64(b'[' * 9000)}.{b64(b'{}')}.AA",
        b64(b'{"alg":"ES256","alg":"ES256"}') + f".{b64(b'{}')}.AA",
    ],
    ids=range(14),
)
def test_a_hostile_token_is_refused_with_our_own_error(signer: SignerIdentity, hostile: str) -> None:
    assert refused(signer, hostile) == (400, "FSC_TOKEN")


def test_no_part_of_a_token_is_told(signer: SignerIdentity, token: Callable[..., str]) -> None:
    given = token(lambda claims: claims.update(sub=""))
    with pytest.raises(ProblemError) as caught:
        check(signer, given)
    told = repr(caught.value) + json.dumps(caught.value.problem.document())
    assert all(part not in told for part in given.split("."))


def test_a_transaction_id_is_a_uuid() -> None:
    assert transaction_id(Fields([])) is None
    assert transaction_id(Fields([("fsc-transaction-id", TRANSACTION)])) == TRANSACTION.lower()


@pytest.mark.parametrize(
    "value", ["", "x", TRANSACTION[:-1], f"{TRANSACTION}\t1", f"{TRANSACTION}, {TRANSACTION}", "é" * 36]
)
def test_a_transaction_id_that_is_no_uuid_is_refused(value: str) -> None:
    with pytest.raises(ProblemError) as caught:
        transaction_id(Fields([("Fsc-Transaction-Id", value)]))
    problem = caught.value.problem
    assert (problem.status, problem.code, problem.veld) == (400, "FSC_TRANSACTION_ID", "Fsc-Transaction-Id")


def test_two_transaction_ids_are_refused() -> None:
    with pytest.raises(ProblemError):
        transaction_id(Fields([("Fsc-Transaction-Id", TRANSACTION)] * 2))


def test_settings_are_values_of_their_enums() -> None:
    wrongs: tuple[dict[str, Any], ...] = ({"token": "required"}, {"delegation": True}, {"token": None})
    for wrong in wrongs:
        with pytest.raises(ConfigurationError):
            FscSettings(**wrong)
