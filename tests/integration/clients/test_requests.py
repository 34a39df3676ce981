"""What requests has that httpx has not: arguments of each call, cookies, an Auth that sends again, adapters by prefix."""

from __future__ import annotations

import pickle
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter
from requests.auth import HTTPDigestAuth

from nlgov_jades import errors, profiles
from nlgov_jades.edges import AnswerRules, OtherHosts, UnsignedErrors
from nlgov_jades.httpx import JadesTransport
from nlgov_jades.requests import JadesAdapter, verified
from nlgov_jades.testing import Hierarchy

from .conftest import NOW, Parties
from .provider import Provider, plain

Serve = Callable[..., Provider]

BODY = b'{"a":1}'
SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"


def session(adapter: JadesAdapter, *prefixes: str) -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    for prefix in prefixes or ("https://", "http://"):
        made.mount(prefix, adapter)
    return made


@pytest.fixture
def adapt(parties: Parties) -> Callable[..., JadesAdapter]:
    def adapter(*providers: Provider, inner: HTTPAdapter | None = None, **settings: Any) -> JadesAdapter:
        defaults = {
            "signer": parties.signer,
            "verifier": parties.verifier(),
            "hosts": {provider.named for provider in providers},
        }
        return JadesAdapter(inner, **{**defaults, **settings})

    return adapter


Adapt = Callable[..., JadesAdapter]


class Recording(HTTPAdapter):
    """An inner adapter that keeps what it was given, and sends it."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[dict[str, Any]] = []
        self.closed = False

    def send(self, request: requests.PreparedRequest, **arguments: Any) -> requests.Response:  # type: ignore[override]  # it passes on what it is given
        self.given.append(arguments)
        return super().send(request, **arguments)

    def close(self) -> None:
        self.closed = True
        super().close()


def test_every_argument_of_a_call_reaches_the_inner_adapter(
    parties: Parties, serve: Serve, adapt: Adapt, tmp_path: Path
) -> None:
    (tmp_path / "client.pem").touch()
    arguments: dict[str, Any] = {
        "stream": True,
        "timeout": (3, 4),
        "verify": False,
        "cert": str(tmp_path / "client.pem"),
        "proxies": {"ftp": "http://127.0.0.1:1"},
    }
    provider, inner = serve(parties.answering()()), Recording()
    with session(adapt(provider, inner=inner)) as client:
        client.get(provider.origin, **arguments)
    assert inner.given == [arguments]
    assert inner.closed is True


def test_through_a_proxy_the_target_is_signed_as_the_server_will_see_it(
    parties: Parties, serve: Serve, adapt: Adapt
) -> None:
    parties.profile = profiles.ADR_MESSAGE
    proxy = serve(plain(status=500))
    adapter = adapt(signer=parties.signer, verifier=parties.verifier(), hosts={"http://api.example.test"})
    with session(adapter) as client:
        client.post("http://api.example.test/v1?x", data=BODY, proxies={"http": proxy.origin})
    left = proxy.received[0].message
    assert left.target == "http://api.example.test/v1?x"
    arrived = type(left)(method="POST", target="/v1?x", fields=left.fields, body=left.body)
    assert parties.verify(arrived).body == BODY


def test_host_is_set_so_that_it_can_be_signed(parties: Parties, serve: Serve, adapt: Adapt) -> None:
    parties.profile = profiles.ADR_MESSAGE
    provider = serve(parties.answering()())
    with session(adapt(provider, signer=parties.signer, verifier=parties.verifier())) as client:
        client.post(provider.origin, data=BODY)
        client.post(provider.origin, data=BODY, headers={"Host": "api.example.test"})
    hosts = [received.message.fields.get_all("host") for received in provider.received]
    assert hosts == [(f"127.0.0.1:{provider.port}",), ("api.example.test",)]
    assert all("host" in parties.verify(received.message).covered for received in provider.received)


@pytest.mark.parametrize(
    ("data", "octets"),
    [(b"abc", b"abc"), ("gr\u00fcn", b"gr\xc3\xbcn"), ({"a": "1"}, b"a=1"), (None, b""), (bytearray(b"abc"), b"abc")],
    ids=["octets", "text", "form", "nothing", "bytearray"],
)
def test_whatever_the_body_is_made_of_it_is_signed_as_it_leaves(
    parties: Parties, serve: Serve, adapt: Adapt, data: Any, octets: bytes
) -> None:
    provider = serve(parties.answering()())
    with session(adapt(provider)) as client:
        client.post(provider.origin, data=data)
    assert parties.verify(provider.received[0].message).body == octets


def test_cookies_history_and_hooks_work_as_ever(parties: Parties, serve: Serve, adapt: Adapt) -> None:
    cookie = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    provider = serve(
        plain(b"", status=302, fields=[("Location", "/next"), ("Set-Cookie", "c=3")]),
        parties.answering()(more=cookie),
    )
    with session(adapt(provider)) as client:
        response = client.get(provider.origin)
        assert {name: client.cookies[name] for name in ("a", "b", "c")} == {"a": "1", "b": "2", "c": "3"}
    assert [step.status_code for step in response.history] == [302]
    assert provider.received[1].message.fields.get_all("cookie") == ("c=3",)
    assert response.raw.headers.getlist("set-cookie") == ["a=1", "b=2"]
    assert response.json() == {"ok": True}


def test_a_request_that_an_auth_sends_again_is_signed_anew_and_its_answer_verified(
    parties: Parties, serve: Serve, adapt: Adapt
) -> None:
    challenge = [("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')]
    provider = serve(plain(b"no", status=401, fields=challenge), parties.answering()())
    with session(adapt(provider)) as client:
        response = client.post(provider.origin, data=BODY, auth=HTTPDigestAuth("me", "secret"))
    assert verified(response).body == b'{"ok":true}'
    messages = [parties.verify(received.message) for received in provider.received]
    assert [(message.signing_time.second if message.signing_time else None) for message in messages] == [0, 1]
    assert "authorization" in provider.received[1].message.fields


def test_the_prepared_request_of_the_application_stays_as_it_was(parties: Parties, serve: Serve, adapt: Adapt) -> None:
    provider = serve(parties.answering()())
    with session(adapt(provider)) as client:
        prepared = client.prepare_request(requests.Request("POST", provider.origin, data=BODY))
        before = dict(prepared.headers)
        for _ in range(2):
            assert client.send(prepared).request is prepared
    assert dict(prepared.headers) == before
    assert parties.verify(provider.received[1].message).signing_time != NOW


def test_an_adapter_mounted_at_one_host_refuses_what_only_begins_like_it(adapt: Adapt) -> None:
    adapter = adapt(hosts={"api.example.test"})
    with session(adapter, "https://api.example.test") as client:
        for url in (
            "https://api.example.test.evil.test/",
            "https://api.example.test:444/",
            "https://api.example.test@evil.test/",
        ):
            with pytest.raises(errors.MessageNotSignableError, match="not among `hosts`"):
                client.post(url, data=BODY)


def test_a_response_that_was_pickled_has_no_proof(parties: Parties, serve: Serve, adapt: Adapt) -> None:
    provider = serve(parties.answering()())
    with session(adapt(provider)) as client:
        response = client.get(provider.origin)
    assert verified(response).body == response.content
    copied = pickle.loads(pickle.dumps(response))  # noqa: S301 - made a moment ago
    assert copied.content == response.content
    with pytest.raises(errors.ConfigurationError, match="no verifier saw it"):
        verified(copied)


def test_an_answer_of_another_adapter_has_no_proof(serve: Serve) -> None:
    provider = serve(plain())
    with requests.Session() as client:
        client.trust_env = False
        response = client.get(provider.origin)
    with pytest.raises(errors.ConfigurationError, match="no verifier saw it"):
        verified(response)


def test_an_inner_adapter_of_another_kind_is_refused(adapt: Adapt) -> None:
    with pytest.raises(errors.ConfigurationError, match="HTTPAdapter to send with"):
        adapt(inner=requests.Session(), hosts={"api.example.test"})


# --- mutual TLS ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tls_hierarchy() -> Hierarchy:
    # TLS looks at the clock of the machine.
    return Hierarchy.new(name="TEST TLS")


@pytest.fixture(scope="module")
def tls_files(
    tls_hierarchy: Hierarchy, leaf_key: rsa.RSAPrivateKey, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tls")
    import ipaddress

    name = (x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
    files = {}
    for usage, key in ((SERVER_AUTH, "server"), (CLIENT_AUTH, "client")):
        issued = tls_hierarchy.tsp.issue(key=leaf_key, extended_key_usages=(usage,), more_extensions=[name])
        files[key] = folder / f"{key}.pem"
        files[key].write_bytes(issued.key_pem() + issued.chain_pem)
    files["root"] = folder / "root.pem"
    files["root"].write_bytes(tls_hierarchy.root_pem)
    return files


@pytest.fixture
def mutual(tls_files: dict[str, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls_files["server"])
    context.load_verify_locations(tls_files["root"])
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_a_client_certificate_and_the_ca_of_a_call_are_used(
    parties: Parties, serve: Serve, adapt: Adapt, tls_files: dict[str, Path], mutual: ssl.SSLContext
) -> None:
    provider = serve(parties.answering()(), tls=mutual)
    with session(adapt(provider)) as client:
        response = client.post(provider.origin, data=BODY, verify=str(tls_files["root"]), cert=str(tls_files["client"]))
        assert verified(response).body == b'{"ok":true}'
    assert provider.peers[0]
    with session(adapt(provider)) as client, pytest.raises(requests.exceptions.SSLError):
        client.post(provider.origin, data=BODY)


def test_httpx_reaches_the_same_provider_with_its_own_transport(
    parties: Parties, serve: Serve, tls_files: dict[str, Path], mutual: ssl.SSLContext
) -> None:
    provider = serve(parties.answering()(), tls=mutual)
    context = ssl.create_default_context(cafile=str(tls_files["root"]))
    context.load_cert_chain(tls_files["client"])
    transport = JadesTransport(
        httpx.HTTPTransport(verify=context),
        signer=parties.signer,
        verifier=parties.verifier(),
        hosts={provider.named},
        other_hosts=OtherHosts.REFUSE,
        rules=AnswerRules(unsigned_errors=UnsignedErrors.REFUSE),
    )
    with httpx.Client(transport=transport) as client:
        assert client.post(provider.origin, content=BODY).status_code == 200
    assert provider.peers[0]
