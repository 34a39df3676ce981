"""A request as it arrived: one Host, one length, a path; and nothing that two readers would read in two ways."""

from __future__ import annotations

from typing import Any

import pytest

from nlgov_jades import Fields
from nlgov_jades.edges import PublicAddress
from nlgov_jades.edges.site import announced_length, announces_body, arrived, check_framing
from nlgov_jades.errors import BodyTooLargeError, ConfigurationError, MalformedMessageError, VerificationError

HOST = ("Host", "provider.example.test")
ANYWHERE = PublicAddress()
HERE = PublicAddress(authority="provider.example.test:8443", prefix="/ddas/v1")


def malformed(error: VerificationError) -> None:
    assert type(error) is MalformedMessageError
    assert (error.code, error.sub_indication, error.http_status) == ("MALFORMED_MESSAGE", "FORMAT_FAILURE", 400)


# --- the address -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authority",
    ["a", "a.b:1", "A-b_c~d.example:65535", "127.0.0.1", "[::1]", "[2001:db8::1]:443", "[::ffff:1.2.3.4]:8"],
)
def test_an_authority_is_a_host_with_or_without_a_port(authority: str) -> None:
    assert PublicAddress(authority=authority).authority == authority


@pytest.mark.parametrize(
    "authority",
    [
        "",
        ":1",
        "a:",
        "a:123456",
        "a:x",
        "a/b",
        "a@b",
        "http://a",
        "a b",
        "a\n",
        "a,b",
        "::1",
        "[::1",
        "é",
        "a%41",
        "*",
        7,
        b"a",
        True,
    ],
)
def test_another_authority_is_refused(authority: Any) -> None:
    with pytest.raises(ConfigurationError, match="authority of a PublicAddress"):
        PublicAddress(authority=authority)


@pytest.mark.parametrize("prefix", ["", "/a", "/ddas/v1", "/a.b/~c_d-e"])
def test_a_prefix_is_empty_or_a_path(prefix: str) -> None:
    assert PublicAddress(prefix=prefix).prefix == prefix


@pytest.mark.parametrize(
    "prefix", ["/", "a", "/a/", "//a", "/a//b", "/a?b", "/a#b", "/%61", "/a b", "/a\n", None, b"/a", 7]
)
def test_another_prefix_is_refused(prefix: Any) -> None:
    with pytest.raises(ConfigurationError, match="prefix of a PublicAddress"):
        PublicAddress(prefix=prefix)


# --- target and Host -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/", "/a?b=c", "/%2e%2e//x;y?", "/?", "//x", "/" + "a" * 100_000])
def test_the_request_is_as_it_arrived_behind_the_prefix(target: str) -> None:
    request = arrived(method="POST", target=target, fields=Fields([HOST]), address=PublicAddress(prefix="/ddas/v1"))
    assert (request.method, request.target, request.body) == ("POST", "/ddas/v1" + target, b"")
    assert list(request.fields) == [HOST]


@pytest.mark.parametrize(
    "target",
    [
        "",
        "*",
        "a",
        "?x",
        "http://provider.example.test/",
        "provider.example.test:443",
        "/a b",
        "/a\n",
        "/a\r\nHost: x",
        "/\x00",
        "/\x7f",
        "/é",
        "/\u2028",
        " /",
        "/a ",
    ],
    ids=ascii,
)
def test_a_target_in_another_form_is_malformed(target: str) -> None:
    with pytest.raises(MalformedMessageError, match="origin-form") as caught:
        arrived(method="GET", target=target, fields=Fields([HOST]), address=ANYWHERE)
    malformed(caught.value)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "there 0 times"),
        ([HOST, HOST], "there 2 times"),
        ([HOST, ("HOST", "other.example.test")], "there 2 times"),
        ([("Host ", "provider.example.test")], "there 0 times"),
        ([("X-Forwarded-Host", "provider.example.test")], "there 0 times"),
        ([("Host", "")], "is not a host"),
        ([("Host", "provider.example.test, other.example.test")], "is not a host"),
        ([("Host", "provider.example.test,provider.example.test")], "is not a host"),
        ([("Host", "provider.example.test/x")], "is not a host"),
        ([("Host", "user@provider.example.test")], "is not a host"),
        ([("Host", "http://provider.example.test")], "is not a host"),
        ([("Host", "provider.example.test:80:80")], "is not a host"),
        ([("Host", "provider.example.test:")], "is not a host"),
        ([("Host", "provider.example.test other")], "is not a host"),
        ([("Host", "provider.example.test\x00")], "is not a host"),
        ([("Host", "provider.example.test\x0b")], "is not a host"),
        ([("Host", "prov\xefder.example.test")], "is not a host"),
        ([("Host", "[::1")], "is not a host"),
    ],
    ids=lambda value: ascii(value)[:40],
)
@pytest.mark.parametrize("address", [ANYWHERE, HERE], ids=["anywhere", "here"])
def test_host_is_there_once_and_is_a_host(lines: list[tuple[str, str]], words: str, address: PublicAddress) -> None:
    with pytest.raises(MalformedMessageError, match=words) as caught:
        arrived(method="GET", target="/", fields=Fields(lines), address=address)
    malformed(caught.value)
    assert "other" not in caught.value.detail


@pytest.mark.parametrize(
    "host", ["provider.example.test:8443", "PROVIDER.example.TEST:8443", "\tprovider.example.test:8443 "]
)
def test_host_is_the_configured_one_in_any_case(host: str) -> None:
    request = arrived(method="GET", target="/x", fields=Fields([("hOST", host)]), address=HERE)
    assert request.target == "/ddas/v1/x"


@pytest.mark.parametrize(
    "host",
    [
        "provider.example.test",
        "provider.example.test:443",
        "other.example.test:8443",
        "provider.example.test.:8443",
        "xprovider.example.test:8443",
        "provider.example.test:08443",
    ],
)
def test_another_host_is_refused_and_not_shown(host: str) -> None:
    with pytest.raises(MalformedMessageError, match=r"Host is not provider\.example\.test:8443") as caught:
        arrived(method="GET", target="/", fields=Fields([("Host", host)]), address=HERE)
    malformed(caught.value)
    assert host == "provider.example.test" or host not in caught.value.detail


# --- length ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "length"), [("0", 0), ("5", 5), ("007", 7), ("9" * 18, 10**18 - 1), (" 5 ", 5)])
def test_a_length_is_one_number(value: str, length: int) -> None:
    fields = Fields([("CONTENT-LENGTH", value)])
    assert announced_length(fields) == length
    assert announces_body(fields) is (length > 0)


def test_without_a_length_nothing_is_announced() -> None:
    assert announced_length(Fields()) is None
    assert not announces_body(Fields())
    check_framing(Fields(), 1)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "+5",
        "-5",
        "-0",
        "5,5",
        "5, 5",
        "5 5",
        "0x5",
        "5.0",
        "5e0",
        "1_0",
        "five",
        "5;",
        "\x005",
        "5\x0b",
        "²",
        "\xa05",
        "1" + "0" * 30,
        "9" * 19,
        "9" * 100000,
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_a_length_in_another_form_is_malformed(value: str) -> None:
    fields = Fields([("Content-Length", value)])
    for judge in (announced_length, announces_body, lambda fields: check_framing(fields, 10)):
        with pytest.raises(MalformedMessageError, match="not one number") as caught:
            judge(fields)
        malformed(caught.value)


def test_digits_of_another_script_never_come_this_far() -> None:
    with pytest.raises(ConfigurationError):
        Fields([("Content-Length", "\uff15")])
    # Their octets do.
    with pytest.raises(MalformedMessageError) as caught:
        announced_length(Fields([(b"Content-Length", "\uff15".encode())]))
    malformed(caught.value)


@pytest.mark.parametrize("values", [("5", "5"), ("5", "6"), ("", "5")])
def test_two_lengths_are_malformed_even_when_they_agree(values: tuple[str, ...]) -> None:
    with pytest.raises(MalformedMessageError) as caught:
        announced_length(Fields([("Content-Length", value) for value in values]))
    malformed(caught.value)


@pytest.mark.parametrize("coding", ["chunked", "identity", "", "gzip, chunked", "xchunked", "\x0bchunked"])
@pytest.mark.parametrize("length", ["0", "5", "nonsense"])
def test_a_length_beside_a_transfer_coding_is_malformed(coding: str, length: str) -> None:
    for lines in (
        [("Content-Length", length), ("Transfer-Encoding", coding)],
        [("transfer-encoding", coding), ("content-length", length)],
    ):
        with pytest.raises(MalformedMessageError, match="both there") as caught:
            check_framing(Fields(lines), 100)
        malformed(caught.value)
        assert announces_body(Fields(lines))


def test_a_transfer_coding_announces_a_body() -> None:
    fields = Fields([("Transfer-Encoding", "chunked")])
    assert announces_body(fields)
    assert announced_length(fields) is None
    check_framing(fields, 1)


def test_a_body_that_is_announced_to_be_too_long_is_refused_before_it_is_read() -> None:
    check_framing(Fields([("Content-Length", "10")]), 10)
    with pytest.raises(BodyTooLargeError, match="more than the 10 octets") as caught:
        check_framing(Fields([("Content-Length", "11")]), 10)
    assert (caught.value.code, caught.value.http_status) == ("BODY_TOO_LARGE", 413)
