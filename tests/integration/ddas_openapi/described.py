"""The published descriptions, ready to be run without a network, and the reviewed list of where they and the provider differ."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import schemathesis

from nlgov_jades.ddas import AnswerShape, Kind

from .vroegsignalen import STAND_IN

FILES = {Kind.SHV: "DDAS-SHV.yaml", Kind.VS: "DDAS-VS.yaml"}
SCHEMA_FILE = "json_schema_Uitwisselmodel.json"


def published(data: Path, kind: Kind, shape: AnswerShape, folder: Path) -> dict[str, Any]:
    """The description of one kind.

    Both refer to a schema on another server. That of SHV is among the data; that of VS is not, and gets a stand-in.

    Args:
        data: The folder with the published data.
        kind: SHV or VS.
        shape: ENVELOPE is what is published; BARE the earlier one, whose 200 is the Uitwisselmodel itself.
        folder: Where the stand-in is written.
    """
    raw: dict[str, Any] = schemathesis.openapi.from_path(data / "ddas" / FILES[kind]).raw_schema
    model = data / "ddas" / SCHEMA_FILE
    reference = raw["components"]["schemas"]["Uitwisselmodel"].pop("$ref")
    if kind is Kind.SHV:
        # The file is the one that is meant: it says so itself.
        assert json.loads(model.read_text("utf-8"))["$id"] == reference
    else:
        model = folder / "vroegsignalen.json"
        model.write_text(json.dumps(STAND_IN), "utf-8")
    raw["components"]["schemas"]["Uitwisselmodel"]["$ref"] = model.as_uri()
    if shape is AnswerShape.BARE:
        content = raw["paths"]["/gegevens"]["post"]["responses"]["200"]["content"]["application/json"]
        content["schema"] = content["schema"]["properties"]["gegevens"]
    return raw


@dataclass(frozen=True, order=True)
class Finding:
    """A check that failed: with which status, and what the problem document named, if there was one."""

    status: int
    check: str
    code: str = ""
    veld: str = ""


def deviations(during: str) -> set[Finding]:
    """Those that are on the reviewed list.

    Args:
        during: `runs` for what happens while questions are made up, `refusals` for what is provoked one by one.
    """
    listed = _list()
    return {
        Finding(**{name: value for name, value in item.items() if name not in {"during", "reason"}})
        for item in listed
        if item["during"] == during
    }


def reasons() -> list[str]:
    return [item["reason"] for item in _list()]


def _list() -> list[dict[str, Any]]:
    text = Path(__file__).with_name("deviations.toml").read_text("utf-8")
    listed: list[dict[str, Any]] = tomllib.loads(text)["deviation"]
    return listed
