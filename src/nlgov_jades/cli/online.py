"""What the command line gets over the network, and only when it was asked to: revocation data, and pinned certificates."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..errors import quoted
from ..fetch.address import AddressRule
from ..fetch.limits import FetchLimits
from ..fetching import Fetcher
from .failure import CommandFailure

__all__ = ["download_certificate", "is_url", "online_fetcher", "online_limits"]

MAX_CERTIFICATE_FILE = 64 * 1024
"""Octets of a certificate file; real ones have 2 to 3 KB."""

SECONDS = 10.0

_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")


def online_fetcher(hosts: tuple[str, ...]) -> Fetcher:
    """The fetcher behind `--online`.

    Args:
        hosts: `host` or `host:port`, each from `--online-host`; then only these are asked, whatever their address.

    Raises:
        CommandFailure: The extra is not installed, or a host has another form.
    """
    try:
        from ..fetch.requests import RequestsFetcher  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise CommandFailure(f"--online: {error}", "USAGE") from None
    return RequestsFetcher(limits=online_limits(hosts))


def online_limits(hosts: tuple[str, ...]) -> FetchLimits:
    """What may be reached: by default whatever a CA names that has a public address.

    Args:
        hosts: As for `online_fetcher`.

    Raises:
        CommandFailure: A host has another form.
    """
    if not hosts:
        return FetchLimits()
    split = [_HOST.fullmatch(host) for host in hosts]
    if not all(split):
        raise CommandFailure("--online-host is a host, or host:port", "USAGE")
    named = [(match[1], int(match[2] or 0)) for match in split if match]
    return FetchLimits(
        allowed_hosts={host for host, _ in named},
        ports={80, 443, *(port for _, port in named if port)},
        addresses=AddressRule.ANY_ADDRESS,
    )


def is_url(source: str) -> bool:
    """Whether a source is to be fetched; everything else is a file or a folder."""
    return source.startswith(("http://", "https://"))


def download_certificate(url: str) -> bytes:
    """What is at an address that the operator gave. Its fingerprint decides whether it is any good.

    Raises:
        CommandFailure: It cannot be had, is too large, or the extra is not installed.
    """
    try:
        import requests  # noqa: PLC0415 - an extra
    except ImportError:
        raise CommandFailure("a URL needs an extra: pip install 'nlgov-jades[requests]'", "USAGE") from None
    try:
        with requests.get(url, timeout=SECONDS, stream=True, allow_redirects=False) as response:
            if response.status_code != requests.codes.ok:
                raise CommandFailure(f"{quoted(url, 200)} answered with status {response.status_code}", "DOWNLOAD")
            octets: bytes = response.raw.read(MAX_CERTIFICATE_FILE + 1)
    except (requests.RequestException, OSError, ValueError):
        host = urlsplit(url).hostname or url
        raise CommandFailure(f"{quoted(url, 200)} cannot be had from {quoted(host)}", "DOWNLOAD") from None
    if len(octets) > MAX_CERTIFICATE_FILE:
        raise CommandFailure(f"{quoted(url, 200)} is larger than {MAX_CERTIFICATE_FILE} octets", "DOWNLOAD")
    return octets
