"""What the signed heads of a log say about each other, within one verification and with what is remembered.

Two trees of one size with different roots cannot both be what a log holds, and the log's two signatures prove it, whoever
brings them: a split view. That a larger tree goes on from a smaller one is not shown by their heads; only the log or a
witness can, so it is said and not claimed (RFC 6962, 2.1.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from model_provenance.domain.finding import Finding, failed, warned
from model_provenance.domain.text import shown
from model_provenance.domain.tree_head import Remembered, TreeHead
from model_provenance.domain.verification import Trust
from model_provenance.errors import ModelProvenanceError
from model_provenance.verify.checkpoint import signed_head
from model_provenance.verify.outcome import finding_of, unchecked
from model_provenance.verify.trusted_root import Log, TrustedRoot

#: Seconds between two trusted times in which a tree may have stood still: between its timestamp and its entry a signature
#: may have waited for a log, and a certificate lives ten minutes.
SLACK = 3600


def head_findings(heads: Sequence[TreeHead], root: TrustedRoot, trust: Trust) -> tuple[Finding, ...]:
    """What is wrong between the heads of one verification, and between them and remembered ones; what was not compared."""
    if not heads:
        return ()
    if trust.heads is None:
        remembered = Remembered(findings=(unchecked("log.memory", "earlier tree heads: nobody remembers them here"),))
    else:
        remembered = trust.heads.meet(heads)
    mine, trees = frozenset(heads), {head.tree for head in heads}
    # One run may verify by several trusted roots, and remembers the logs of each.
    known = tuple(head for head in remembered.heads if head not in mine and head.tree in trees)
    return (
        *remembered.findings,
        *_split_views(heads, known, root),
        *_backwards(heads, known, root),
        unchecked(
            "log.consistency",
            "growth of the log: that a larger tree goes on from a smaller one is shown by the log or a witness",
        ),
    )


def _split_views(heads: Sequence[TreeHead], known: Sequence[TreeHead], root: TrustedRoot) -> Iterator[Finding]:
    """One finding for each head that contradicts another."""
    seen: dict[tuple[tuple[str, str], int], TreeHead] = {}
    told: set[tuple[tuple[str, str], int]] = set()
    for head in (*known, *heads):
        place = head.tree, head.size
        other = seen.setdefault(place, head)
        if other.root == head.root or place in told:
            continue
        told.add(place)
        wrong = _unproven((other, head), root)
        yield wrong or failed(
            "log.split_view",
            f"the log {shown(head.origin, 120)} signed two trees of {head.size} entries: "
            f"root {other.root} in {shown(other.place, 400)}, and root {head.root} in {shown(head.place, 400)}",
            location=head.place,
        )


def _backwards(heads: Sequence[TreeHead], known: Sequence[TreeHead], root: TrustedRoot) -> Iterator[Finding]:
    """The first head of each tree that is no larger than one of an earlier time."""
    mine, trees = set(heads), dict.fromkeys(head.tree for head in heads)
    for tree in trees:
        timed = [(head.time, head) for head in (*known, *heads) if head.tree == tree and head.time is not None]
        timed.sort(key=lambda pair: (pair[0], pair[1].size))
        for larger, head in _smaller_later(timed):
            if mine & {larger, head}:
                yield _unproven((larger, head), root) or warned(
                    "log.backwards",
                    f"the log {shown(tree[1], 120)} had {larger.size} entries for what was signed at {larger.time} "
                    f"({shown(larger.place, 400)}), and {head.size} for what was signed at {head.time}",
                    location=head.place,
                )
                break


def _smaller_later(timed: Sequence[tuple[int, TreeHead]]) -> Iterator[tuple[TreeHead, TreeHead]]:
    """Pairs of the largest head of an earlier time and a later head that is no larger."""
    largest: TreeHead | None = None
    earlier = 0
    for time, head in timed:
        while timed[earlier][0] + SLACK < time:
            before = timed[earlier][1]
            largest = before if largest is None or before.size > largest.size else largest
            earlier += 1
        if largest is not None and head.size <= largest.size:
            yield largest, head


def _unproven(heads: Iterable[TreeHead], root: TrustedRoot) -> Finding | None:
    """Why the heads prove nothing: what was remembered is not what the log signed. Anybody might have written there."""
    for head in heads:
        try:
            proven = signed_head(head.note, _log_of(head, root))
        except ModelProvenanceError as error:
            why = error.message
        else:
            if (proven.origin, proven.size, proven.root) == (head.origin, head.size, head.root):
                continue
            why = "the note is of another tree"
        what = f"a tree head that was remembered is not by the log: {why}"
        return finding_of(ModelProvenanceError("log.memory", what), location=head.place)
    return None


def _log_of(head: TreeHead, root: TrustedRoot) -> Log:
    log = next((log for log in root.logs if log.id.hex() == head.log), None)
    if log is None:
        raise ModelProvenanceError("log.checkpoint", "the trusted root has no such log")
    return log
