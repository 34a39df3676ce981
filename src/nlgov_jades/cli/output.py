"""Printing: one JSON object for machines, or lines for people. Other people's text never becomes markup or control."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from ..notice import Notice

__all__ = ["Printer", "plain"]


def plain(text: object, limit: int = 200) -> str:
    """Other people's text for a terminal: cut, and without control or bidirectional characters."""
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in str(text))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


class _PlainConsole(Console):
    """A console that leaves a closed pipe to its caller: exit status 1 would say that a signature is wrong."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Printer:
    """Where a command prints. With `as_json`, people's text goes to standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._console = _PlainConsole(stderr=as_json, highlight=False, markup=False, emoji=False, soft_wrap=True)

    def line(self, text: str = "", style: str = "") -> None:
        """One line for people. `text` is ours, or went through `plain` or `quoted`."""
        self._console.print(Text(text.encode("utf-8", "replace").decode("utf-8"), style=style))

    def facts(self, rows: Mapping[str, object]) -> None:
        """Names and values for people, in two columns; entries without a value are left out."""
        width = max((len(name) for name in rows), default=0)
        for name, value in rows.items():
            if value is not None:
                # One line each, whatever the width of the terminal: people copy them and search in them.
                self._console.print(Text.assemble((f"  {name:<{width}}  ", "dim"), plain(value, 400)))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Text]]) -> None:
        """A table for people. The texts are ours, or went through `plain` or `quoted`."""
        # Folded and never cut: people copy names out of it, from a narrow terminal too.
        table = Table(*(Column(name, overflow="fold") for name in columns), box=SIMPLE, pad_edge=False)
        for row in rows:
            table.add_row(*row)
        self._console.print(table, soft_wrap=False)

    def notices(self, notices: tuple[Notice, ...]) -> None:
        """What is worth telling, for people."""
        for notice in notices:
            self.line(f"  note: {notice.text}", style="yellow")

    def result(self, value: Mapping[str, Any]) -> None:
        """The JSON object, when it was asked for."""
        if self.as_json:
            if sys.stdout is None:
                raise OSError(errno.EBADF, "standard output is closed")
            # ASCII: no control or bidirectional character reaches a terminal, and any encoding can carry it.
            sys.stdout.write(json.dumps(value) + "\n")
            sys.stdout.flush()
