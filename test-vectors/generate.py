"""Writes the certificates and the vectors, or checks that the committed files are what it would write.

Usage: `python generate.py` writes; `python generate.py --check` compares and exits 1 when a file differs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from generator import pki
from generator.build import build
from generator.cases import all_drafts

HERE = Path(__file__).parent


def _files() -> dict[Path, bytes]:
    """Return the content of every generated file, by path."""
    files = {HERE / "certificates" / name: content for name, content in pki.certificate_files().items()}
    for draft in all_drafts():
        text = json.dumps(build(draft), indent=2, ensure_ascii=True, allow_nan=False) + "\n"
        files[HERE / "vectors" / f"{draft.id}.json"] = text.encode("ascii")
    return files


def _present() -> set[Path]:
    return {*(HERE / "certificates").glob("*.pem"), *(HERE / "vectors").glob("*.json")}


def _check(files: dict[Path, bytes]) -> int:
    differing = [path for path, content in files.items() if not path.exists() or path.read_bytes() != content]
    for path in sorted({*differing, *(_present() - files.keys())}):
        print(f"differs: {path.relative_to(HERE)}", file=sys.stderr)
    return 1 if differing or _present() - files.keys() else 0


def _write(files: dict[Path, bytes]) -> int:
    for path in _present() - files.keys():
        path.unlink()
    for path, content in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    print(f"{len(files)} files written")
    return 0


def main() -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 when a committed file differs")
    arguments = parser.parse_args()
    return _check(_files()) if arguments.check else _write(_files())


if __name__ == "__main__":
    sys.exit(main())
