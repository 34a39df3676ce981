"""The command line `nlgov-jades`. Needs the extra `cli`; nothing of the library imports it."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Entry point: run the command line and exit with its status."""
    try:
        from .app import run  # noqa: PLC0415 - click and rich are an extra: say so when they are missing
    except ImportError as error:
        if error.name not in {"click", "rich"}:
            raise
        sys.stderr.write("nlgov-jades: the command line needs an extra: pip install 'nlgov-jades[cli]'\n")
        sys.exit(2)
    sys.exit(run(sys.argv[1:]))
