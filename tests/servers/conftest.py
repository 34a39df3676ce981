"""Certificates in a folder, and servers that run as long as the tests that use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from nlgov_jades.testing import Hierarchy, save_hierarchy, save_signer
from nlgov_jades.testing.hierarchy import new_key

from .clients import Party
from .processes import SERVERS, Server, missing, running

StartServer = Callable[..., Server]


def make_pki(folder: Path, *, key_bits: int = 2048) -> Path:
    """A hierarchy and a signer as files."""
    hierarchy = Hierarchy.new(key_bits=key_bits)
    save_hierarchy(hierarchy, folder)
    save_signer(hierarchy.tsp.issue(key=new_key(3072 if key_bits > 2048 else 2048)), folder)
    return folder


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates of moderate size."""
    return make_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def long_pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates as long as those of PKIoverheid G4."""
    return make_pki(tmp_path_factory.mktemp("long-pki"), key_bits=4096)


@pytest.fixture(scope="session")
def party(pki: Path) -> Party:
    """The client's side."""
    return Party(pki)


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Starts a server of the matrix once for each kind of environment."""
    with ExitStack() as stack:
        started: dict[tuple[str, tuple[tuple[str, str], ...]], Server] = {}

        def start(name: str, **environment: str) -> Server:
            why_not = missing(name)
            if why_not:
                pytest.skip(why_not)
            key = (name, tuple(sorted(environment.items())))
            if key not in started:
                folder = tmp_path_factory.mktemp("log")
                started[key] = stack.enter_context(running(SERVERS[name], folder, environment))
            return started[key]

        yield start
