"""The file that names the providers: TOML, read strictly. No connection is made here.

[[provider]]
name = "Gemeente Voorbeeldstad"
url = "https://outway.example/ddas-shv/v1/gegevens"
oin = "00000001002220647000"
kind = "SHV"
fields = { Fsc-Grant-Hash = "$1$1$…" }      # when an outway asks for some
"""

from __future__ import annotations

import tomllib
from typing import Any

from ...ddas import Kind, Provider
from ...errors import ConfigurationError, quoted
from ...pki.identity import Oin
from ..failure import CommandFailure
from ..inputs import read_file

__all__ = ["read_fleet"]

_REQUIRED = ("name", "url", "oin", "kind")
_KNOWN = frozenset({*_REQUIRED, "fields"})


def read_fleet(path: str) -> tuple[Provider, ...]:
    """The providers that a file names; `-` is standard input.

    Raises:
        CommandFailure: It cannot be read, says something else, or names nobody, or somebody twice.
    """
    octets = read_file(path, "the fleet")
    try:
        tables = tomllib.loads(octets.decode("utf-8"))
    except (ValueError, RecursionError):  # UnicodeDecodeError and TOMLDecodeError are both
        raise CommandFailure(f"the fleet {quoted(path, 200)} is no TOML in UTF-8") from None
    entries = tables.get("provider")
    if set(tables) != {"provider"} or not isinstance(entries, list) or not entries:
        raise CommandFailure(f"the fleet {quoted(path, 200)} has tables [[provider]], at least one, and nothing else")
    providers = tuple(_provider(number, entry) for number, entry in enumerate(entries, start=1))
    if len({provider.name for provider in providers}) != len(providers):
        raise CommandFailure(f"the fleet {quoted(path, 200)} has two providers with one name")
    return providers


def _provider(number: int, entry: object) -> Provider:
    if not isinstance(entry, dict) or not _KNOWN.issuperset(entry):
        raise CommandFailure(f"provider {number} of the fleet has other members than {', '.join(sorted(_KNOWN))}")
    for name in _REQUIRED:
        if not isinstance(entry.get(name), str):
            raise CommandFailure(f"provider {number} of the fleet has no text as {name}")
    kinds = [kind.value for kind in Kind]
    if entry["kind"] not in kinds:
        raise CommandFailure(f"kind of provider {number} of the fleet is {' or '.join(kinds)}")
    try:
        return Provider(
            name=entry["name"],
            url=entry["url"],
            oin=Oin(entry["oin"]),
            kind=Kind(entry["kind"]),
            fields=_fields(number, entry.get("fields", {})),
        )
    except ConfigurationError as error:
        raise CommandFailure(f"provider {number} of the fleet: {error}") from None


def _fields(number: int, fields: Any) -> dict[str, str]:
    """Field lines. Their values may be secret, so none is quoted."""
    texts = isinstance(fields, dict) and all(
        isinstance(value, str) and value.isascii() and value.isprintable() for value in fields.values()
    )
    if not texts:
        raise CommandFailure(f"fields of provider {number} of the fleet is a table of ASCII texts")
    return dict(fields)
