"""Underscores in names: software that speaks CGI inside reads them as hyphens, a verifier does not."""

from __future__ import annotations

import pytest

from nlgov_jades import Fields
from nlgov_jades.edges import PublicAddress
from nlgov_jades.edges.site import arrived, check_framing
from nlgov_jades.errors import MalformedMessageError

HOST = ("Host", "provider.example.test")


def arrives(*fields: tuple[str, str]) -> None:
    arrived(method="POST", target="/", fields=Fields([HOST, *fields]), address=PublicAddress())


@pytest.mark.parametrize(
    "name",
    [
        "content_encoding",
        "Content_Type",
        "CONTENT_LENGTH",
        "Transfer_Encoding",
        "Content_Digest",
        "x_first",
        "X_FIRST",
        "x-first_name",
        "x_first-name",
    ],
)
def test_a_name_that_some_read_as_one_that_counts_is_refused(name: str) -> None:
    with pytest.raises(MalformedMessageError, match="read as") as caught:
        arrives(("X-First", "1"), ("X-First-Name", "2"), (name, "gzip"))
    assert caught.value.code == "MALFORMED_MESSAGE"


def test_two_names_that_differ_in_their_underscores_are_refused() -> None:
    with pytest.raises(MalformedMessageError, match="read as"):
        arrives(("x_first-name", "1"), ("x-first_name", "2"))


def test_a_name_with_an_underscore_of_its_own_passes() -> None:
    arrives(("x_first", "1"), ("X_First", "2"), ("_", "3"))


@pytest.mark.parametrize("coding", ["gzip, chunked", "identity", "xchunked", "chunked, chunked", "\x0bchunked", ""])
def test_a_transfer_coding_that_servers_leave_in_the_body_is_refused(coding: str) -> None:
    with pytest.raises(MalformedMessageError, match="chunked") as caught:
        check_framing(Fields([HOST, ("Transfer-Encoding", coding)]), 10)
    assert caught.value.code == "MALFORMED_MESSAGE"


def test_chunked_is_the_one_transfer_coding() -> None:
    check_framing(Fields([HOST, ("Transfer-Encoding", " Chunked ")]), 10)
