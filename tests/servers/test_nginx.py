"""nginx in front: with the settings of the documentation everything passes, with its defaults the failure is the foretold one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from nlgov_jades import SendChain, profiles
from nlgov_jades.testing.hierarchy import EXAMPLE_OIN

from .clients import CLIENTS, CURL, Party, Question, ask
from .conftest import StartServer
from .processes import NGINX, SERVERS, Server, free_port, running
from .tampering import CHANGES, tampering

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "run-behind-nginx.md"
BODY = b'{"aanleverende_organisatie":"Gemeente S\xc3\xbadwest"}'

pytestmark = [
    pytest.mark.skipif(not Path(NGINX).exists(), reason="nginx is not on this machine"),
    pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not beside these tests"),
]

AROUND = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log info;
events {{ }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {site}
}}
"""
DEFAULTS = """server { listen 127.0.0.1:8443; location / { proxy_pass http://127.0.0.1:8000; } }"""


def documented() -> str:
    """The block of settings, as it stands in the documentation."""
    found = re.search(r"```nginx jades.conf\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


Nginx = Callable[..., Server]


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Nginx]:
    """Starts nginx with these settings before a port."""
    with ExitStack() as stack:

        def start(settings: str, upstream: int, port: int | None = None) -> Server:
            return stack.enter_context(in_front(settings, upstream, tmp_path, port or free_port()))

        yield start


@contextmanager
def in_front(settings: str, upstream: int, folder: Path, port: int) -> Iterator[Server]:
    site = settings.replace("127.0.0.1:8443", f"127.0.0.1:{port}").replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, site=site))
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with running(command, folder, {}, port) as server:
        yield server


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("server", ["uvicorn-h11", "gunicorn"])
def test_with_the_documented_settings_a_chain_of_full_length_passes_both_ways(
    client: str, server: str, serve: StartServer, long_pki: Path, nginx: Nginx
) -> None:
    if client == "curl" and CURL is None:
        pytest.skip("curl is not on this machine")
    port = free_port()
    site = serve(server, SITE_PKI=str(long_pki), SITE_SEND_CHAIN="full")
    front = nginx(documented(), site.port, port)
    party = Party(long_pki, send_chain=SendChain.FULL)
    reply = ask(client, party, Question(front.authority, "/gegevens", BODY))
    assert (reply.status, reply.oin, reply.code) == (200, EXAMPLE_OIN, "")
    assert json.loads(reply.body)["sha256"] == hashlib.sha256(BODY).hexdigest()
    for size in (0, 3_000_000):
        echo = ask(client, party, Question(front.authority, "/echo", b"x" * size))
        assert (echo.status, echo.oin, echo.body) == (200, EXAMPLE_OIN, b"x" * size)


@pytest.mark.parametrize("change", CHANGES)
def test_with_the_documented_settings_what_is_changed_before_nginx_is_caught(
    change: str, serve: StartServer, pki: Path, nginx: Nginx, party: Party
) -> None:
    front = nginx(documented(), serve("uvicorn-h11", SITE_PKI=str(pki)).port)
    with tampering(front.port) as proxy:
        proxy.request = CHANGES[change]
        asked = ask("httpx", party, Question(f"127.0.0.1:{proxy.port}", "/gegevens", BODY))
        proxy.request, proxy.response = lambda _: None, CHANGES[change]
        answered = ask("httpx", party, Question(f"127.0.0.1:{proxy.port}", "/gegevens", BODY))
    assert (asked.status, asked.oin) == (400, EXAMPLE_OIN)
    assert answered.code == json.loads(asked.body)["code"]


@pytest.mark.parametrize("server", ["uvicorn-h11", "gunicorn"])
def test_a_profile_that_signs_target_and_host_passes_with_the_public_address(
    server: str, tmp_path: Path, pki: Path, nginx: Nginx
) -> None:
    # The public authority is known before anything starts, as it is in life.
    port = free_port()
    environment = {
        "SITE_PKI": str(pki),
        "SITE_PROFILE": "adr-message",
        "PUBLIC_AUTHORITY": f"127.0.0.1:{port}",
        "PUBLIC_PREFIX": "/ddas",
    }
    party = Party(pki, profile=profiles.ADR_MESSAGE)
    with running(SERVERS[server], tmp_path, environment) as site:
        front = nginx(documented(), site.port, port)
        reply = ask("httpx", party, Question(front.authority, "/ddas/gegevens?a=%7e&b", BODY))
        assert (reply.status, reply.oin, reply.code) == (200, EXAMPLE_OIN, "")
        # nginx writes an encoded character of the path anew where it takes off a prefix, as the documentation says.
        encoded = ask("httpx", party, Question(front.authority, "/ddas/%67egevens", BODY))
        assert (encoded.oin, encoded.code) == ("", "INVALID_SIGNATURE")
        # Past the proxy, the same server is called something else: it refuses, and its refusal is about another target.
        direct = ask("httpx", party, Question(site.authority, "/gegevens", BODY))
        assert (direct.oin, direct.code) == ("", "INVALID_SIGNATURE")
        assert "MALFORMED_MESSAGE" in site.log.read_text()


def test_with_the_defaults_a_long_field_in_a_request_is_refused_by_nginx_itself(
    serve: StartServer, long_pki: Path, nginx: Nginx
) -> None:
    front = nginx(DEFAULTS, serve("uvicorn-h11", SITE_PKI=str(long_pki), SITE_SEND_CHAIN="leaf").port)
    reply = ask("httpx", Party(long_pki, send_chain=SendChain.FULL), Question(front.authority, "/gegevens", BODY))
    assert (reply.status, reply.oin) == (400, "")
    assert b"Request Header Or Cookie Too Large" in reply.body


def test_with_the_defaults_a_long_field_in_an_answer_is_dropped_by_nginx(
    serve: StartServer, pki: Path, nginx: Nginx, tmp_path: Path, party: Party
) -> None:
    front = nginx(DEFAULTS, serve("uvicorn-h11", SITE_PKI=str(pki)).port)
    reply = ask("httpx", party, Question(front.authority, "/gegevens", BODY))
    assert (reply.status, reply.oin) == (502, "")
    assert "upstream sent too big header" in (tmp_path / "error.log").read_text()


def test_the_sentences_about_the_defaults_stand_in_the_documentation() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert "Request Header Or Cookie Too Large" in text
    assert "upstream sent too big header" in text
