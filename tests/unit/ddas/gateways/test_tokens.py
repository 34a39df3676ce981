"""Access tokens: what is made, and each thing that is refused. Other libraries give a second opinion."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384
from joserfc import jwt as jose
from joserfc.jwk import ECKey

from nlgov_jades.ddas.fsc import AccessToken
from nlgov_jades.ddas.gateways import Grant, TokenMaker
from nlgov_jades.ddas.gateways.tokens import TokenRefusedError, check_access, thumbprint
from nlgov_jades.errors import ConfigurationError
from nlgov_jades.testing import Issued

from .world import CBS, GRANT, GROUP, INWAY, MUNICIPALITY, NOW, World, of_group

SECOND = dt.timedelta(seconds=1)
INVALID, EXPIRED = "ERROR_CODE_ACCESS_TOKEN_INVALID", "ERROR_CODE_ACCESS_TOKEN_EXPIRED"
WRONG_GROUP = "ERROR_CODE_WRONG_GROUP_ID_IN_TOKEN"


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


@pytest.fixture
def check(world: World) -> Callable[..., AccessToken]:
    """Whether a token gives access here; `issuers` are other signers than the manager."""

    def checked(token: str, *, issuers: list[Issued] | None = None, **changes: Any) -> AccessToken:
        known = [issued.certificate for issued in issuers or [world.manager]]
        defaults: dict[str, Any] = {
            "issuers": {thumbprint(certificate): certificate for certificate in known},
            "group": GROUP,
            "audience": INWAY,
            "peer": world.outway.certificate,
            "now": NOW,
        }
        return check_access(token, **defaults | changes)

    return checked


@pytest.fixture
def claims(world: World) -> dict[str, Any]:
    return claims_of(world.maker.token(GRANT, world.outway.certificate))


def refusal(check: Callable[..., AccessToken], token: str, **changes: Any) -> tuple[str, str]:
    with pytest.raises(TokenRefusedError) as caught:
        check(token, **changes)
    return caught.value.code, str(caught.value)


# --- made and accepted ---------------------------------------------------------------------------------------------


def test_a_token_says_what_fsc_asks_for(world: World) -> None:
    token = world.maker.token(GRANT, world.outway.certificate)
    assert claims_of(token) == {
        "gth": "$1$4$abc",
        "gid": GROUP,
        "sub": CBS,
        "iss": MUNICIPALITY,
        "svc": "ddas-shv",
        "aud": INWAY,
        "nbf": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 300,
        "cnf": {"x5t#S256": b64(thumbprint(world.outway.certificate))},
    }
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert header == {"alg": "ES256", "typ": "JWT", "x5t#S256": b64(thumbprint(world.manager.certificate))}


def test_a_token_gives_access(world: World, check: Callable[..., AccessToken]) -> None:
    token = world.maker.token(GRANT, world.outway.certificate)
    for value in (token, f"Bearer {token}", f"bearer   {token}"):
        found = check(value)
        assert (found.service, found.subject, found.group) == ("ddas-shv", CBS, GROUP)


KEYS: dict[str, Callable[[], Any]] = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
}


@pytest.fixture(scope="module")
def managers(world: World) -> dict[str, Issued]:
    return {name: of_group(world.hierarchy, name, MUNICIPALITY, key=make()) for name, make in KEYS.items()}


@pytest.mark.parametrize("algorithm", list(KEYS))
def test_what_is_made_is_accepted_by_another_library(world: World, managers: dict[str, Issued], algorithm: str) -> None:
    manager = managers[algorithm]
    token = world.maker_of(manager).token(GRANT, world.outway.certificate)
    found = jwt.decode(
        token,
        manager.certificate.public_key(),  # type: ignore[arg-type]  # RSA or elliptic
        algorithms=[algorithm],
        audience=INWAY,
        issuer=MUNICIPALITY,
        options={"verify_exp": False, "verify_nbf": False},
    )
    assert found["svc"] == "ddas-shv"


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", "RS256"),
        ("RS384", "RS256"),
        ("RS512", "RS256"),
        *((name, name) for name in ("ES256", "ES384", "ES512")),
    ],
)
def test_what_another_library_makes_gives_access(
    check: Callable[..., AccessToken],
    managers: dict[str, Issued],
    claims: dict[str, Any],
    algorithm: str,
    key: str,
) -> None:
    manager = managers[key]
    header = {"x5t#S256": b64(thumbprint(manager.certificate))}
    token = jwt.encode(claims, manager.key, algorithm=algorithm, headers=header)
    assert check(token, issuers=[manager]).service == "ddas-shv"


def test_what_a_third_library_makes_gives_access(
    world: World, check: Callable[..., AccessToken], claims: dict[str, Any]
) -> None:
    header = {"alg": "ES256", "x5t#S256": b64(thumbprint(world.manager.certificate))}
    key = ECKey.import_key(world.manager.key_pem())
    assert check(jose.encode(header, claims, key)).service == "ddas-shv"


# --- refused: claims -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"gid": "another.group"}, (WRONG_GROUP, "it is of another group")),
        ({"aud": "https://inway.elsewhere.example:443"}, (INVALID, "it is for another inway")),
        ({"aud": [INWAY, "https://b.example"]}, (INVALID, "it is for another inway")),
        ({"iss": CBS}, (INVALID, "its issuer is not the peer that signed it")),
        ({"sub": MUNICIPALITY}, (INVALID, "its subject is not the peer at the other end of the connection")),
        ({"exp": int(NOW.timestamp()) - 60}, (EXPIRED, "it has expired")),
        ({"nbf": int(NOW.timestamp()) + 61}, (INVALID, "it does not hold yet")),
        (
            {"cnf": {"x5t#S256": b64(b"\x01" * 32)}},
            (INVALID, "it is bound to another certificate than that of the connection"),
        ),
        *(
            ({name: None}, (INVALID, "it is no access token of FSC"))
            for name in ("gth", "gid", "sub", "iss", "svc", "aud", "exp", "nbf", "cnf")
        ),
        ({"exp": "1"}, (INVALID, "it is no access token of FSC")),
        ({"exp": 1.5}, (INVALID, "it is no access token of FSC")),
        ({"exp": True}, (INVALID, "it is no access token of FSC")),
        ({"cnf": {}}, (INVALID, "it is no access token of FSC")),
        ({"svc": 1}, (INVALID, "it is no access token of FSC")),
    ],
    ids=str,
)
def test_a_token_with_another_claim_gives_no_access(
    world: World,
    check: Callable[..., AccessToken],
    claims: dict[str, Any],
    change: dict[str, Any],
    told: tuple[str, str],
) -> None:
    assert refusal(check, world.maker.sign({**claims, **change})) == told


@pytest.mark.parametrize("name", ["gth", "gid", "sub", "iss", "svc", "aud", "exp", "nbf", "cnf"])
def test_a_token_without_a_claim_gives_no_access(
    world: World, check: Callable[..., AccessToken], claims: dict[str, Any], name: str
) -> None:
    del claims[name]
    assert refusal(check, world.maker.sign(claims)) == (INVALID, "it is no access token of FSC")


@pytest.mark.parametrize(
    ("shift", "code"),
    [(-60 * SECOND, None), (-61 * SECOND, INVALID), (359 * SECOND, None), (360 * SECOND, EXPIRED)],
    ids=str,
)
def test_a_token_holds_from_nbf_to_exp_with_a_minute_on_both_sides(
    world: World, check: Callable[..., AccessToken], shift: dt.timedelta, code: str | None
) -> None:
    token = world.maker.token(GRANT, world.outway.certificate)
    if code is None:
        assert check(token, now=NOW + shift).grant == "$1$4$abc"
    else:
        assert refusal(check, token, now=NOW + shift)[0] == code


def test_a_token_until_the_end_of_time_is_judged_as_any_other(
    world: World, check: Callable[..., AccessToken], claims: dict[str, Any]
) -> None:
    token = world.maker.sign({**claims, "exp": 253_402_300_799})
    assert check(token).service == "ddas-shv"


def test_a_token_is_for_one_connection_only(world: World, check: Callable[..., AccessToken]) -> None:
    same_peer = of_group(world.hierarchy, "second.cbs.example", CBS)
    token = world.maker.token(GRANT, world.outway.certificate)
    told = (INVALID, "it is bound to another certificate than that of the connection")
    assert refusal(check, token, peer=same_peer.certificate) == told


def test_a_peer_without_an_oin_has_no_access(
    world: World, check: Callable[..., AccessToken], claims: dict[str, Any]
) -> None:
    nobody = of_group(world.hierarchy, "nobody.example", None)
    token = world.maker.sign({**claims, "cnf": {"x5t#S256": b64(thumbprint(nobody.certificate))}})
    told = (INVALID, "the certificate of the connection has no OIN")
    assert refusal(check, token, peer=nobody.certificate) == told


# --- refused: signature --------------------------------------------------------------------------------------------


def test_a_token_whose_claims_were_changed_gives_no_access(
    world: World, check: Callable[..., AccessToken], claims: dict[str, Any]
) -> None:
    header, _, signature = world.maker.sign(claims).split(".")
    other = b64(json.dumps({**claims, "svc": "ddas-vs"}).encode())
    assert refusal(check, f"{header}.{other}.{signature}") == (INVALID, "its signature is wrong")


def test_a_token_with_another_signature_gives_no_access(
    world: World, check: Callable[..., AccessToken], claims: dict[str, Any]
) -> None:
    token = world.maker.sign(claims)
    signed, _, _ = token.rpartition(".")
    for octets in (b"\x00" * 64, b"\xff" * 64, b"\x01", b"\x01" * 63, b"\x01" * 65):
        assert refusal(check, f"{signed}.{b64(octets)}") == (INVALID, "its signature is wrong")


def test_a_signature_with_the_curve_of_another_algorithm_gives_no_access(
    world: World, check: Callable[..., AccessToken], claims: dict[str, Any]
) -> None:
    header = {"alg": "ES384", "x5t#S256": b64(thumbprint(world.manager.certificate))}
    signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    assert isinstance(world.manager.key, ec.EllipticCurvePrivateKey)
    r, s = decode_dss_signature(world.manager.key.sign(signed.encode(), ec.ECDSA(SHA384())))
    token = f"{signed}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
    assert refusal(check, token) == (INVALID, "its signature is wrong")


def test_a_signature_has_one_spelling(world: World, check: Callable[..., AccessToken], claims: dict[str, Any]) -> None:
    signed, _, encoded = world.maker.sign(claims).rpartition(".")
    octets = base64.urlsafe_b64decode(encoded + "==")
    # The same two numbers.
    longer = octets[:32] + b"\x00" + octets[32:]
    assert refusal(check, f"{signed}.{b64(longer)}") == (INVALID, "its signature is wrong")


def with_header(token: str, header: dict[str, Any], signature: str | None = None) -> str:
    _, claims, old = token.split(".")
    return f"{b64(json.dumps(header).encode())}.{claims}.{old if signature is None else signature}"


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "PS256", "EdDSA", "es256", "ES256K", "", None, 1])
def test_an_algorithm_that_fsc_does_not_name_gives_no_access(
    world: World, check: Callable[..., AccessToken], claims: dict[str, Any], algorithm: object
) -> None:
    header = {"alg": algorithm, "x5t#S256": b64(thumbprint(world.manager.certificate))}
    token = world.maker.sign(claims)
    assert refusal(check, with_header(token, header)) == (INVALID, "it is no access token of FSC")
    assert refusal(check, with_header(token, header, ""))[0] == INVALID


def test_a_mac_with_the_public_key_gives_no_access(
    world: World, check: Callable[..., AccessToken], claims: dict[str, Any]
) -> None:
    header = {"x5t#S256": b64(thumbprint(world.manager.certificate))}
    token = jwt.encode(claims, "a secret that is as long as it must be", algorithm="HS256", headers=header)
    assert refusal(check, token) == (INVALID, "it is no access token of FSC")


@pytest.mark.parametrize("algorithm", ["RS256", "ES384", "ES512"])
def test_an_algorithm_that_is_not_that_of_the_key_gives_no_access(
    world: World, check: Callable[..., AccessToken], claims: dict[str, Any], algorithm: str
) -> None:
    header = {"alg": algorithm, "x5t#S256": b64(thumbprint(world.manager.certificate))}
    assert refusal(check, with_header(world.maker.sign(claims), header)) == (INVALID, "its signature is wrong")


def test_a_token_that_somebody_else_signed_gives_no_access(world: World, check: Callable[..., AccessToken]) -> None:
    # Of the same peer and the same group, with a certificate that its manager does not use.
    token = world.maker_of(world.inway).token(GRANT, world.outway.certificate)
    told = (INVALID, "it is signed by somebody else than the manager of this inway")
    assert refusal(check, token) == told


@pytest.mark.parametrize("named", [None, "", 7, "A", "é"])
def test_a_token_that_names_no_signer_gives_no_access(
    world: World, check: Callable[..., AccessToken], claims: dict[str, Any], named: object
) -> None:
    header = {"alg": "ES256", "x5t#S256": named}
    assert refusal(check, with_header(world.maker.sign(claims), header))[0] == INVALID


def test_a_token_that_names_the_manager_and_is_signed_by_another_gives_no_access(
    world: World, check: Callable[..., AccessToken], claims: dict[str, Any]
) -> None:
    header = {"x5t#S256": b64(thumbprint(world.manager.certificate))}
    token = jwt.encode(claims, world.inway.key, algorithm="ES256", headers=header)
    assert refusal(check, token) == (INVALID, "its signature is wrong")


@pytest.mark.parametrize("shift", [dt.timedelta(days=-400), dt.timedelta(days=20 * 365)], ids=["before", "after"])
def test_a_token_of_a_manager_whose_certificate_is_not_valid_gives_no_access(
    world: World, check: Callable[..., AccessToken], claims: dict[str, Any], shift: dt.timedelta
) -> None:
    now = NOW + shift
    times = {"nbf": int(now.timestamp()), "exp": int(now.timestamp()) + 300}
    told = (INVALID, "the certificate of its signer is not valid now")
    assert refusal(check, world.maker.sign({**claims, **times}), now=now) == told


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "x", "a.b", "a.b.c.d", "....", "é.é.é", "Basic YTpi", "A" * 20_000]
)
def test_what_is_no_token_gives_no_access(check: Callable[..., AccessToken], value: str) -> None:
    assert refusal(check, value) == (INVALID, "it is no access token of FSC")


# --- settings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"hash": ""},
        {"hash": "$1$2$abc"},
        {"hash": "$1$4$a b"},
        {"service": ""},
        {"service": "a/b"},
        {"service": "a" * 101},
        {"inway": "http://inway.example"},
        {"inway": "https://inway.example/path"},
        {"inway": "https://inway.example/"},
        {"inway": "https://user:word@inway.example"},
        {"inway": "https://inway.example?x"},
        {"inway": "https://"},
        {"inway": "https://a:99999999"},
        {"inway": None},
    ],
    ids=str,
)
def test_a_grant_of_another_form_is_a_mistake(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Grant(**{"hash": "$1$4$abc", "service": "ddas-shv", "inway": INWAY, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"group": ""},
        {"group": None},
        {"lifetime": dt.timedelta(0)},
        {"lifetime": dt.timedelta(hours=2)},
        {"key": ec.generate_private_key(ec.SECP256R1())},
        {"key": ec.generate_private_key(ec.SECP256K1())},
        {"key": "a key"},
        {"certificate": "a certificate"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_maker_of_another_form_is_a_mistake(world: World, change: dict[str, Any]) -> None:
    defaults = {"key": world.manager.key, "certificate": world.manager.certificate, "group": GROUP}
    with pytest.raises(ConfigurationError):
        TokenMaker(**defaults | change)


def test_a_maker_without_an_oin_is_a_mistake(world: World) -> None:
    with pytest.raises(ConfigurationError, match="OIN"):
        world.maker_of(of_group(world.hierarchy, "nobody.example", None))


def test_a_maker_shows_no_key(world: World) -> None:
    assert "key=" not in repr(world.maker)
    assert isinstance(world.maker.certificate, x509.Certificate)
