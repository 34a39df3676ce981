"""What a fetcher sends, and what it takes from a server that behaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.x509 import ocsp

from nlgov_jades.errors import FetchError
from nlgov_jades.pki.crl import Crl
from nlgov_jades.pki.ocsp import OcspResponse

from .conftest import Authority, Fetching
from .servers import OCSP, Server, Visit, answering, head

Serve = Callable[..., Server]


def test_a_crl_is_fetched_with_get(fetching: Fetching, serve: Serve, authority: Authority) -> None:
    server = serve(answering(authority.crl(), Content_Type="application/pkix-crl"))
    data = fetching(authority.crl_at(server.url("/a/b.crl?c=d")))
    assert isinstance(data, Crl)
    assert data.der == authority.crl()
    assert server.requests[0].startswith(b"GET /a/b.crl?c=d HTTP/1.1\r\n")
    assert server.requests[0].endswith(b"\r\n\r\n")


def test_an_ocsp_response_is_fetched_with_post(fetching: Fetching, serve: Serve, authority: Authority) -> None:
    server = serve(answering(authority.ocsp(), Content_Type=OCSP))
    request = authority.ocsp_at(server.url("/ocsp"))
    data = fetching(request)
    assert isinstance(data, OcspResponse)
    sent = server.requests[0]
    assert sent.startswith(b"POST /ocsp HTTP/1.1\r\n")
    assert b"content-type: application/ocsp-request\r\n" in sent.lower()
    assert sent.partition(b"\r\n\r\n")[2] == request.body()


def test_the_request_says_nothing_about_who_asks(
    fetching: Fetching, serve: Serve, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\ndefault login someone password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(answering(authority.crl()))
    fetching(authority.crl_at(server.url()))
    names = {line.partition(b":")[0].lower() for line in server.requests[0].split(b"\r\n\r\n")[0].split(b"\r\n")[1:]}
    assert names == {b"host", b"user-agent", b"accept-encoding", b"accept", b"connection"}
    assert b"accept-encoding: identity\r\n" in server.requests[0].lower()


def test_a_cookie_is_not_sent_back(fetching: Fetching, serve: Serve, authority: Authority) -> None:
    server = serve(answering(authority.crl(), Set_Cookie="a=b; Path=/"))
    fetching(authority.crl_at(server.url("/1")))
    fetching(authority.crl_at(server.url("/2")))
    assert len(server.requests) == 2
    assert b"cookie" not in server.requests[1].lower()


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_not_used(
    fetching: Fetching, serve: Serve, authority: Authority, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    proxy, server = serve(answering(b"")), serve(answering(authority.crl()))
    monkeypatch.setenv(name, proxy.url(""))
    fetching(authority.crl_at(server.url()))
    assert (proxy.connections, server.connections) == (0, 1)


@pytest.mark.parametrize(
    "media_type",
    ["application/pkix-crl", "APPLICATION/PKIX-CRL; a=b", "application/octet-stream", "application/x-pkcs7-crl", None],
)
def test_a_crl_may_have_the_media_types_that_servers_give_it(
    fetching: Fetching, serve: Serve, authority: Authority, media_type: str | None
) -> None:
    bare = answering(authority.crl())
    server = serve(bare if media_type is None else answering(authority.crl(), Content_Type=media_type))
    assert isinstance(fetching(authority.crl_at(server.url())), Crl)


@pytest.mark.parametrize("framing", ["chunked", "until it closes"])
def test_a_body_without_length_is_read_to_its_end(
    fetching: Fetching, serve: Serve, authority: Authority, framing: str
) -> None:
    der = authority.crl()

    def behave(visit: Visit) -> None:
        visit.request()
        if framing == "chunked":
            visit.send(head(Transfer_Encoding="chunked") + f"{len(der):x}\r\n".encode() + der + b"\r\n0\r\n\r\n")
        else:
            visit.send(head() + der)

    assert fetching(authority.crl_at(serve(behave).url())).der == der


def test_what_says_revoked_is_data_like_any_other(fetching: Fetching, serve: Serve, authority: Authority) -> None:
    revoked = authority.ocsp(ocsp.OCSPCertStatus.REVOKED)
    server = serve(answering(revoked, Content_Type=OCSP))
    assert fetching(authority.ocsp_at(server.url())).der == revoked
    assert fetching.store.generation == 1


def test_an_unknown_certificate_is_an_error(fetching: Fetching, serve: Serve, authority: Authority) -> None:
    server = serve(answering(authority.ocsp(ocsp.OCSPCertStatus.UNKNOWN), Content_Type=OCSP))
    with pytest.raises(FetchError, match="does not know the certificate"):
        fetching(authority.ocsp_at(server.url()))


def test_a_large_crl_is_parsed_too(fetching: Fetching, serve: Serve, authority: Authority) -> None:
    der = authority.crl(revoked=range(1, 4001))
    assert len(der) > 64 * 1024
    assert fetching(authority.crl_at(serve(answering(der)).url())).der == der
