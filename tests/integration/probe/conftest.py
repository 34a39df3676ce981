"""One world for all tests of the probe in a process: certificates are slow to make."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nlgov_jades.ddas import Kind, SqliteStorage

from .world import World, new_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with new_world(tmp_path_factory.mktemp("pki")) as made:
        yield made


@pytest.fixture(scope="session")
def storage(world: World, tmp_path_factory: pytest.TempPathFactory) -> SqliteStorage:
    """Records of SHV; read only."""
    return world.storage(tmp_path_factory.mktemp("records") / "shv.sqlite", Kind.SHV)
