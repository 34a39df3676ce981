from __future__ import annotations

from pathlib import Path

import pytest

from nlgov_jades.ddas.probe import Endpoint, Tls
from nlgov_jades.errors import ConfigurationError


@pytest.mark.parametrize(
    ("url", "authority", "target", "shown"),
    [
        ("https://a.example/v1/gegevens", "a.example", "/v1/gegevens", "https://a.example/v1/gegevens"),
        ("http://a.example", "a.example", "/", "http://a.example/"),
        ("https://a.example:443/x", "a.example", "/x", "https://a.example/x"),
        ("https://a.example:8443/x?token=geheim", "a.example:8443", "/x?token=geheim", "https://a.example:8443/x?…"),
        ("http://[::1]:80/x", "[::1]", "/x", "http://[::1]/x"),
        ("http://[::1]:81/x", "[::1]:81", "/x", "http://[::1]:81/x"),
    ],
    ids=range(6),
)
def test_an_address_is_read_and_shown_without_its_query(url: str, authority: str, target: str, shown: str) -> None:
    endpoint = Endpoint(url)
    assert (endpoint.authority, endpoint.target, endpoint.shown) == (authority, target, shown)
    assert "geheim" not in repr(endpoint)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "a.example/x",
            "ftp://a.example/x",
            "https:///x",
            "https://u:geheim@a.example/x",
            "https://a.example/x#y",
        ),
        *("https://a.example:0/x", "https://a.example:99999/x", "https://a.example:x/x", "https://[::1/x"),
        *("https://a.example/a b", "https://a.example/é", "https://é.example/x", "https://a.example/x\r\nX: y"),
    ],
)
def test_an_address_of_another_form_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Endpoint(url)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        *(("X y", "a"), ("", "a"), ("X", ""), ("X", "a\r\nHost: b"), ("X", "a\x00"), ("X", "é"), ("X", " a")),
        *(("Host", "b"), ("content-length", "0"), ("Digest", "x"), ("NLGOV-ADR-PAYLOAD-SIG", "x"), ("Connection", "x")),
    ],
    ids=range(12),
)
def test_a_further_field_can_break_no_message(line: tuple[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        Endpoint("https://a.example/x", fields=(line,))


def test_files_for_tls_that_cannot_be_used_are_told_without_their_names(tmp_path: Path) -> None:
    (tmp_path / "geheim.pem").write_text("no certificate")
    for tls in (
        Tls(ca=str(tmp_path / "absent.pem")),
        Tls(ca=str(tmp_path / "geheim.pem")),
        Tls(certificate=str(tmp_path / "geheim.pem")),
        Tls(certificate=str(tmp_path / "absent.pem"), key=str(tmp_path / "absent.pem"), password=b"geheim"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            tls.context()
        assert "geheim" not in str(caught.value) + repr(tls.password is None)
    assert "geheim" not in repr(Tls(password=b"geheim"))
