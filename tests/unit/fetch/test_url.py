"""URLs are read strictly: what two parsers could read in two ways is refused."""

from __future__ import annotations

import pytest

from nlgov_jades.errors import FetchError
from nlgov_jades.fetch.url import parse_url


@pytest.mark.parametrize(
    ("url", "written", "authority", "port"),
    [
        ("http://crl.example.test/a.crl", "http://crl.example.test/a.crl", "crl.example.test", 80),
        ("HTTP://CRL.Example.TEST/A.crl", "http://crl.example.test/A.crl", "crl.example.test", 80),
        ("https://crl.example.test", "https://crl.example.test/", "crl.example.test", 443),
        ("http://crl.example.test:80/", "http://crl.example.test/", "crl.example.test", 80),
        ("http://crl.example.test:443/", "http://crl.example.test:443/", "crl.example.test:443", 443),
        ("http://crl.example.test?a=b/?c", "http://crl.example.test/?a=b/?c", "crl.example.test", 80),
        ("http://a/%2F;b=(c)'~", "http://a/%2F;b=(c)'~", "a", 80),
        ("http://93.184.215.14/", "http://93.184.215.14/", "93.184.215.14", 80),
        ("http://[2606:2800::0:1]:8080/", "http://[2606:2800::1]:8080/", "[2606:2800::1]:8080", 8080),
        ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/", "xn--bcher-kva.example", 80),
    ],
)
def test_a_url_is_taken_apart_and_written_anew(url: str, written: str, authority: str, port: int) -> None:
    target = parse_url(url)
    assert (target.url, target.authority, target.port) == (written, authority, port)


def test_a_host_can_be_replaced_by_its_address() -> None:
    target = parse_url("http://crl.example.test:8080/a?b")
    assert target.url_at("93.184.215.14") == "http://93.184.215.14:8080/a?b"
    assert target.url_at("2606::1") == "http://[2606::1]:8080/a?b"
    assert target.authority == "crl.example.test:8080"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http",
        "http://",
        "http:///a",
        "//crl.example.test/",
        "http:/crl.example.test/",
        "http:\\\\crl.example.test\\",
        "http://user@crl.example.test/",
        "http://user:secret@crl.example.test/",
        "http://@crl.example.test/",
        "http://crl.example.test#a",
        "http://crl.example.test/#",
        "http://crl.example.test\\@127.0.0.1/",
        "http://crl.example.test/a\\b",
        "http://crl.example.test/a b",
        " http://crl.example.test/",
        "http://crl.example.test/\n",
        "http://crl.example.test/\r\nHost: a",
        "http://crl.example.test\x00/",
        "http://crl.example.test/\x7f",
        "http://crl%2eexample.test/",
        "http://127.0.0.%31/",
        "http://crl.example.test/%zz",
        "http://crl.example.test/%",
        "http://crl.example.test:/",
        "http://crl.example.test:0/",
        "http://crl.example.test:65536/",
        "http://crl.example.test:+80/",
        "http://crl.example.test:80:80/",
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1%1]/",
        "http://[::1/",
        "http://::1/",
        "http://[1.2.3.4]/",
        "http://[]/",
        "http://b\u00fccher.example/",
        "http://\uff11\uff12\uff17.0.0.1/",
        "http://crl.example.test\u3002/",
        "http://crl.example.test./",
        "http://.example.test/",
        "http://a..b/",
        "http://-a.example/",
        "http://a_b.example/",
        f"http://{'a' * 64}.example/",
        f"http://{'a.' * 127}example/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://1.2.3.4.5/",
        "http://crl.example.0x1/",
        'http://crl.example.test/"',
        "http://crl.example.test/<>",
        "http://crl.example.test/{}|^`",
    ],
)
def test_a_url_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(FetchError) as caught:
        parse_url(url)
    # Nothing of it is repeated.
    assert "crl" not in str(caught.value)
