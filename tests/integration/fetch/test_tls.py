"""URLs with https: the connection goes to the checked address, the certificate is that of the host."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from nlgov_jades.errors import ConfigurationError, FetchError
from nlgov_jades.testing import Hierarchy

from .conftest import Authority, Fetching
from .servers import Server, Visit, answering

Serve = Callable[..., Server]

NAME = "crl.example.test"
SERVER_AUTH = "1.3.6.1.5.5.7.3.1"


@pytest.fixture(scope="module")
def tls_hierarchy() -> Hierarchy:
    # TLS looks at the clock of the machine.
    return Hierarchy.new(name="TEST TLS")


@pytest.fixture(scope="module")
def server_tls(
    tls_hierarchy: Hierarchy, leaf_key: rsa.RSAPrivateKey, tmp_path_factory: pytest.TempPathFactory
) -> ssl.SSLContext:
    issued = tls_hierarchy.tsp.issue(
        key=leaf_key,
        extended_key_usages=(SERVER_AUTH,),
        more_extensions=[(x509.SubjectAlternativeName([x509.DNSName(NAME)]), False)],
    )
    pem: Path = tmp_path_factory.mktemp("tls") / "server.pem"
    pem.write_bytes(issued.key_pem() + issued.chain_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.fixture
def trusting(fetching: Fetching, tls_hierarchy: Hierarchy) -> Fetching:
    fetching.tls = ssl.create_default_context(cadata=tls_hierarchy.root_pem.decode())
    fetching.names |= {NAME: ["127.0.0.1"], "other.example.test": ["127.0.0.1"]}
    return fetching.renew()


def test_the_name_goes_into_sni_and_the_certificate_must_hold_it(
    trusting: Fetching, serve: Serve, authority: Authority, server_tls: ssl.SSLContext
) -> None:
    asked: list[str | None] = []
    server_tls.sni_callback = lambda _, name, __: asked.append(name)
    server = serve(answering(authority.crl()), tls=server_tls)
    assert trusting(authority.crl_at(server.url(host=NAME, scheme="https"))) is not None
    assert asked == [NAME]
    assert f"\r\nhost: {NAME}:{server.port}\r\n".encode() in server.requests[0].lower()


def test_a_certificate_of_another_host_is_refused(
    trusting: Fetching, serve: Serve, authority: Authority, server_tls: ssl.SSLContext
) -> None:
    server = serve(answering(authority.crl()), tls=server_tls)
    with pytest.raises(FetchError, match=r"^the certificate of its server is not accepted$"):
        trusting(authority.crl_at(server.url(host="other.example.test", scheme="https")))
    assert server.requests == []


def test_a_certificate_is_not_accepted_for_the_address_that_is_connected_to(
    trusting: Fetching, serve: Serve, authority: Authority, server_tls: ssl.SSLContext
) -> None:
    server = serve(answering(authority.crl()), tls=server_tls)
    with pytest.raises(FetchError, match=r"^the certificate of its server is not accepted$"):
        trusting(authority.crl_at(server.url(scheme="https")))


def test_a_certificate_of_a_stranger_is_refused(
    fetching: Fetching, serve: Serve, authority: Authority, server_tls: ssl.SSLContext
) -> None:
    server = serve(answering(authority.crl()), tls=server_tls)
    fetching.names[NAME] = ["127.0.0.1"]
    with pytest.raises(FetchError, match=r"^the certificate of its server is not accepted$"):
        fetching(authority.crl_at(server.url(host=NAME, scheme="https")))


def test_a_server_without_tls_is_refused(trusting: Fetching, serve: Serve, authority: Authority) -> None:
    server = serve(lambda visit: visit.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    with pytest.raises(FetchError, match=r"^no TLS connection could be made$"):
        trusting(authority.crl_at(server.url(host=NAME, scheme="https")))


@pytest.mark.parametrize("fault", ["no name", "no certificate"])
def test_a_context_that_does_not_check_servers_is_refused(fetching: Fetching, fault: str) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    if fault == "no certificate":
        context.verify_mode = ssl.CERT_NONE
    fetching.tls = context
    with pytest.raises(ConfigurationError, match="asks for a certificate and checks its name"):
        fetching.renew()


def test_through_a_proxy_the_certificate_is_that_of_the_host_too(
    trusting: Fetching, serve: Serve, authority: Authority, server_tls: ssl.SSLContext
) -> None:
    def tunnel(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with server_tls.wrap_socket(visit.connection.dup(), server_side=True) as inside:
            answering(authority.crl())(Visit(inside, visit.server))

    proxy = serve(tunnel)
    trusting.names["127.0.0.1"] = ["127.0.0.1"]  # where the proxy is
    trusting.renew(proxy=proxy.url(""), allowed_hosts={NAME, "other.example.test"})
    assert trusting(authority.crl_at(f"https://{NAME}/a.crl")) is not None
    assert proxy.requests[0].startswith(f"CONNECT {NAME}:443 HTTP/1.".encode())  # http.client says 1.0
    assert proxy.requests[1].startswith(b"GET /a.crl HTTP/1.1\r\n")
    with pytest.raises(FetchError, match=r"^the certificate of its server is not accepted$"):
        trusting(authority.crl_at("https://other.example.test/a.crl"))
