"""Values of `pki` are values: nobody changes one that somebody else relies on."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil

import pytest

from nlgov_jades import pki

MODULES = [importlib.import_module(f"{pki.__name__}.{item.name}") for item in pkgutil.iter_modules(pki.__path__)]
VALUES = {
    f"{kind.__module__}.{name}": kind
    for module in MODULES
    for name, kind in vars(module).items()
    if dataclasses.is_dataclass(kind) and isinstance(kind, type) and name in getattr(module, "__all__", ())
}


def test_the_values_are_found() -> None:
    assert len(VALUES) >= 10


@pytest.mark.parametrize("name", sorted(VALUES))
def test_a_value_is_not_changed_in_place(name: str) -> None:
    kind = VALUES[name]
    made = object.__new__(kind)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, dataclasses.fields(kind)[0].name, None)
