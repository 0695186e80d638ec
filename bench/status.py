"""What a status list costs: reading and verifying one of so many entries, and asking it about a model.

    .venv/bin/python bench/status.py                   # 100,000 entries
    .venv/bin/python bench/status.py --entries 200000

The gate asks about a release of 1,000 files and 500 datasets; reading is what a job pays once.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric import ec

from model_provenance.domain.digest import Digest
from model_provenance.domain.status import Action, Affected, Entry, Status
from model_provenance.domain.verification import Trust
from model_provenance.flows.signing import Prepared
from model_provenance.flows.status import Publication, StatusRequest, read_status
from model_provenance.formats.status_layout import snapshot_name
from model_provenance.formats.status_list import snapshot_statement
from model_provenance.policy.signers import PolicySigner
from model_provenance.revoke.folder import StatusFolder
from model_provenance.sign.key import KeySigner

T = TypeVar("T")
RUNS = 5
ASKED = 1_500


def main() -> None:
    """Make a list, measure, print a table and what the project promises."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    count = parser.parse_args().entries
    key = KeySigner(ec.generate_private_key(ec.SECP256R1()))
    with tempfile.TemporaryDirectory(prefix="bench-status-") as name:
        size = _publish(Path(name), key, count)
        signer = PolicySigner(key.identity.subject, public_key=key.public_key.pem)
        request = StatusRequest(name, frozenset({signer}), Trust(None))
        status, reading = _timed(lambda: read_status(request))
        _, asking = _timed(lambda: _ask(status))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count} entries, {size / 1e6:.1f} MB signed; medians of {RUNS}\n")
    print(f"read and verify the list        {reading * 1000:9.1f} ms")
    print(f"ask about {ASKED} digests         {asking * 1000:9.3f} ms")
    print(f"peak memory                     {peak:9.0f} MB\n")
    print(f"{'holds ' if asking <= 0.005 else 'MISSED'}  asking <= 5 ms: {asking * 1000:.3f}")


def _publish(folder: Path, key: KeySigner, count: int) -> int:
    now = int(time.time())
    entries = tuple(
        Entry(Action.REVOKE, Affected.DATASET, "poisoned-data", digest=Digest(f"{n:064x}"), propagates=True)
        for n in range(count)
    )
    statement = snapshot_statement("bench", 1, this_update=now, next_update=now + 86_400, previous=(), entries=entries)
    publication = Publication(Prepared(key, None, True, True, Trust(None)), now, 86_400)
    [bundle] = publication.prepared.signer.sign([statement])
    StatusFolder(folder).add((snapshot_name(1, statement.digest, bundle.data), bundle.data), None)
    return len(bundle.data)


def _ask(status: Status) -> int:
    """As the gate does: every digest of the model, none of them listed."""
    found = 0
    for n in range(ASKED):
        found += status.about(Affected.DATASET, Digest(f"{n + 10**30:064x}")) is not None
    return found


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return result, median(seconds)


if __name__ == "__main__":
    main()
