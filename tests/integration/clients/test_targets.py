"""The target that is signed is the one on the wire, whatever a client library makes of a URL."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
import requests

from nlgov_jades import HttpRequest, Signer, SigningCredential, Verifier, profiles
from nlgov_jades.edges import AnswerRules
from nlgov_jades.errors import MessageNotSignableError
from nlgov_jades.httpx import JadesTransport
from nlgov_jades.policy import ANY_MEDIA_TYPE
from nlgov_jades.requests import JadesAdapter

from .provider import Provider, plain

Serve = Callable[..., Provider]


@pytest.fixture
def signer(credential: SigningCredential, clock: Callable[..., object]) -> Signer:
    return Signer(credential, profile=profiles.ADR_MESSAGE, clock=clock)  # type: ignore[arg-type]  # the clock of the tests


@pytest.fixture
def receiver(verifying: Callable[..., Verifier]) -> Verifier:
    return verifying(profiles=(profiles.ADR_MESSAGE,), media_types=ANY_MEDIA_TYPE)


def last(provider: Provider) -> HttpRequest:
    return provider.received[-1].message


@pytest.mark.parametrize(
    "path",
    ["/a%2fb", "/a[b]", "//a//b", "/a/../b", "/a%zzb", "/a?b=%c3%a9&c=[d]", "/a b?c d", "/%7e~", "/a?b?c"],
)
def test_a_redirect_is_signed_with_the_target_that_urllib3_sends(
    serve: Serve, signer: Signer, receiver: Verifier, path: str
) -> None:
    provider = serve(plain(b""), plain(status=404))
    provider.scripts[0] = plain(b"", status=307, fields=[("Location", provider.origin + path)])
    adapter = JadesAdapter(signer=signer, verifier=receiver, hosts={provider.named}, rules=AnswerRules())
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", adapter)
        assert session.post(provider.origin + "/first", data=b"{}").status_code == 404
    assert receiver.verify(last(provider)).body == b"{}"


@pytest.mark.parametrize("target", ["/a?", "/?"])
def test_a_question_mark_without_a_query_is_not_signed_with_the_target(
    serve: Serve, signer: Signer, receiver: Verifier, credential: SigningCredential, target: str
) -> None:
    # Servers lose it, and the signature would fail there.
    provider = serve(plain(status=404))
    transport = JadesTransport(httpx.HTTPTransport(), signer=signer, verifier=receiver, hosts={provider.named})
    with httpx.Client(transport=transport) as client, pytest.raises(MessageNotSignableError, match="question mark"):
        client.post(provider.origin + target, content=b"{}")
    assert not provider.received
    payload = Signer(credential, profile=profiles.DDAS, clock=signer._clock)
    transport = JadesTransport(httpx.HTTPTransport(), signer=payload, verifier=receiver, hosts={provider.named})
    with httpx.Client(transport=transport) as client:
        assert client.post(provider.origin + target, content=b"{}").status_code == 404
    assert last(provider).target == target
