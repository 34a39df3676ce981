"""Both directions with every peer: `python interop/run.py`, or `nox -s interop`.

Prints the outcome of every row and exits 1 when one failed. A peer whose tools are not on this machine is skipped, and said.
With `--write` a complete run writes docs/interop.md and test-vectors/interop. The programs of the peers download their
libraries when they are built; what is tried opens no connection.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from driver import page, vectors
from driver.cases import Certificates
from driver.peers import PEERS, Peer, PeerError
from driver.plan import Outcome
from driver.trials import Results, Trials

ROOT = Path(__file__).resolve().parents[1]


def _chosen(names: Sequence[str]) -> tuple[Peer, ...]:
    return tuple(peer for peer in PEERS if not names or peer.id in names)


def _run(peers: Sequence[Peer], trials: Trials) -> tuple[list[Results], list[str]]:
    """The results of each peer, and what went wrong."""
    found, wrong = [], []
    for peer in peers:
        try:
            results = trials.run(peer)
        except PeerError as error:
            wrong.append(str(error))
            continue
        found.append(results)
        for row in results.rows:
            print(f"{row.peer} {row.version}: {row.direction.value}: {row.case}: {row.outcome.value}: {row.reason}")
            if row.outcome is Outcome.FAILED:
                wrong.append(f"{row.peer}: {row.direction.value}: {row.case}: {row.reason}")
        if results.opinion is not None:
            wrong += [f"{peer.name}: test vector {name}: not as limits.py says" for name in results.opinion.unexplained]
    return found, wrong


def main() -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    ids = [peer.id for peer in PEERS]
    parser.add_argument("peers", nargs="*", metavar="PEER", help=f"some of {', '.join(ids)}; all when none is named")
    parser.add_argument("--write", action="store_true", help="write docs/interop.md and test-vectors/interop")
    parser.add_argument("--list", action="store_true", help="print id and name of every peer, and run nothing")
    arguments = parser.parse_args()
    if unknown := set(arguments.peers) - set(ids):
        parser.error(f"no such peer: {', '.join(sorted(unknown))}")
    if arguments.list:
        for peer in PEERS:
            print(f"{peer.id}\t{peer.name}")
        return 0
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    peers = _chosen(arguments.peers)
    with tempfile.TemporaryDirectory(prefix="interop-") as folder:
        trials = Trials(Certificates.new(now), now, Path(folder))
        results, wrong = _run(peers, trials)
    for line in wrong:
        print(f"FAILED: {line}", file=sys.stderr)
    skipped = [result.peer.name for result in results if not result.version]
    if skipped:
        print(f"SKIPPED, tools are missing: {', '.join(skipped)}", file=sys.stderr)
    if arguments.write:
        if wrong or skipped or len(peers) != len(PEERS):
            print("nothing was written: page and vectors come from one complete run", file=sys.stderr)
            return 1
        (ROOT / "docs" / "interop.md").write_text(page.page(results, now), "utf-8")
        foreign = [one for result in results for one in result.foreign]
        vectors.write(ROOT / "test-vectors" / "interop", foreign, trials.certificates, now)
        print(f"written: docs/interop.md and {len(foreign)} vectors")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
