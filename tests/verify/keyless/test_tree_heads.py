"""A log that stands still, or shows different people different trees: within one verification, and over several."""

from __future__ import annotations

import base64
import json
import os
import shutil
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from model_provenance.domain.evidence import Predicate
from model_provenance.domain.finding import Status
from model_provenance.domain.result import Result
from model_provenance.domain.tree_head import Remembered, TreeHead
from model_provenance.domain.verification import Report, Trust
from model_provenance.errors import ModelProvenanceError
from model_provenance.flows.tree_heads import KeptHeads
from model_provenance.formats.identity import parse_signer
from model_provenance.formats.tree_heads import FILE_LIMIT, HEADS_LIMIT, NOTE_LIMIT, heads_document, parse_heads
from model_provenance.testing.log import checkpoint
from model_provenance.testing.sigstore_sim import SigstoreSim
from model_provenance.verify.statement import verify_statement
from model_provenance.verify.tree_heads import SLACK, head_findings
from model_provenance.verify.trusted_root import parse

Judged = Callable[..., Report]


@pytest.fixture(params=[1, 2])
def rekor(request: pytest.FixtureRequest) -> int:
    """Both versions of the log."""
    return int(request.param)


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    """An empty folder to remember in."""
    return tmp_path / "log-heads"


@pytest.fixture
def release(api: Any, forge: Any, keyless: Any, rekor: int) -> Callable[..., dict[str, Any]]:
    """Bundles of a whole release as JSON values; `before(name)` is called before that statement is signed."""

    def sign(before: Callable[[str], object] = lambda _: None) -> dict[str, Any]:
        signing, made = forge.certify(keyless.default_run.claims()), {}
        for statement in api.Draft(run=keyless.default_run).statements:
            before(statement.name)
            made[statement.name] = forge.bundle(statement.payload, signing, rekor=rekor)
        return made

    return sign


@pytest.fixture
def judged(api: Any, keyless: Any, judge_keyless: Any) -> Judged:
    """The report over a release; `memory` is a folder, or what remembers."""

    def judge(bundles: Any, memory: Path | KeptHeads | None = None, trust: Trust | None = None) -> Report:
        heads = KeptHeads(memory) if isinstance(memory, Path) else memory
        data = {name: json.dumps(bundle).encode() for name, bundle in bundles.items()}
        draft = api.Draft(run=keyless.default_run)
        trusted = replace(trust or keyless.trust, heads=heads)
        return judge_keyless(data, draft.directory, trust=trusted)  # type: ignore[no-any-return]

    return judge


def proof(bundle: Any) -> Any:
    """The inclusion proof of the one entry."""
    return bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]


def head_of(bundle: Any) -> tuple[int, str]:
    """Size and root of the tree that a bundle's checkpoint is of."""
    _, size, root, *_ = proof(bundle)["checkpoint"]["envelope"].split("\n")
    return int(size), base64.b64decode(root).hex()


def message(report: Report, code: str) -> str:
    """The message of the one finding with this code."""
    [found] = [finding for finding in report.findings if finding.id == code]
    return found.message


def only_file(memory: Path) -> Path:
    """The file of the one log."""
    [path] = memory.iterdir()
    return path


# --- a log that stands still


def test_an_entry_that_the_signed_tree_does_not_reach_is_refused(
    release: Any, judged: Any, misbehave: Any, api: Any
) -> None:
    """The log takes the entry and goes on answering with the tree head of before, which it has really signed."""
    bundles = release(lambda name: misbehave("rekor", "frozen", times=1) if name == "oms" else None)
    index = int(proof(bundles["oms"])["logIndex"])
    report = judged(bundles)
    assert api.failures(report) == {"log.frozen"}
    assert f"a tree of {index} entries, in which there is no entry {index}" in message(report, "log.frozen")


def test_an_old_head_with_a_proof_that_fits_it_is_refused(release: Any, judged: Any, misbehave: Any, api: Any) -> None:
    """The proof admits that it is of the older tree: an index that a tree does not reach is not in it."""
    bundles = release(lambda name: misbehave("rekor", "frozen", times=1) if name == "oms" else None)
    size, root = head_of(bundles["oms"])
    proof(bundles["oms"]).update(treeSize=str(size), rootHash=base64.b64encode(bytes.fromhex(root)).decode())
    assert api.failures(judged(bundles)) == {"log.frozen"}


def test_an_old_head_that_the_log_did_not_sign_says_nothing_of_the_log(
    release: Any, judged: Any, misbehave: Any, api: Any
) -> None:
    """Anybody can write a note; only the log's signature makes it the log's standing still."""

    def forge(name: str) -> None:
        if name == "oms":
            misbehave("rekor", "frozen", times=1)
            misbehave("rekor", "wrong-checkpoint-key", times=1)

    assert api.failures(judged(release(forge))) == {"log.checkpoint"}


def test_the_head_of_a_later_tree_does_not_serve_for_the_proof_of_an_earlier_one(
    release: Any, judged: Any, api: Any
) -> None:
    """The entry is in that tree, and the proof is of another."""
    bundles = release()
    proof(bundles["oms"])["checkpoint"] = proof(bundles["provenance"])["checkpoint"]
    assert api.failures(judged(bundles)) == {"log.checkpoint"}


# --- different trees within one verification


def forked(misbehave: Any, name: str) -> Callable[[str], object]:
    """Before the statement of this name is signed, have the log show another tree of the size before."""
    return lambda now: misbehave("rekor", "split-view", times=1) if now == name else None


def test_two_trees_of_one_size_in_one_release_are_a_split_view(
    release: Any, judged: Any, misbehave: Any, api: Any
) -> None:
    """Each bundle holds by itself; together they prove that the log shows different content. Both heads are named."""
    bundles = release(forked(misbehave, "manifest"))
    (size, first), (also, second) = head_of(bundles["oms"]), head_of(bundles["manifest"])
    assert size == also
    assert first != second
    report = judged(bundles)
    assert api.failures(report) == {"log.split_view"}
    assert (report.result, report.exit_status) == (Result.FAIL, 10)
    said = message(report, "log.split_view")
    assert f"two trees of {size} entries: root {first} in oms.sigstore.json" in said
    assert f"root {second} in manifest.sigstore.json" in said


def test_a_split_view_is_seen_whatever_else_is_wrong(release: Any, judged: Any, misbehave: Any, api: Any) -> None:
    """The log's signature makes a head, also where the entry turns out not to be in that tree."""
    bundles = release(forked(misbehave, "manifest"))
    proof(bundles["manifest"])["hashes"].reverse()
    proof(bundles["manifest"])["hashes"].append(base64.b64encode(bytes(32)).decode())
    assert api.failures(judged(bundles)) == {"log.inclusion", "log.split_view"}


def test_a_head_that_the_log_did_not_sign_is_no_view_of_it(release: Any, judged: Any, misbehave: Any, api: Any) -> None:
    """A forger cannot accuse the log."""

    def forge(name: str) -> None:
        if name == "manifest":
            misbehave("rekor", "split-view", times=1)
            misbehave("rekor", "wrong-checkpoint-key", times=1)

    assert api.failures(judged(release(forge))) == {"log.checkpoint"}


def test_a_release_in_one_tree_passes_and_says_what_was_not_compared(release: Any, judged: Any, api: Any) -> None:
    """That a log only grew takes the log or a witness; a caller who remembers nothing is told so."""
    report = judged(release())
    assert api.failures(report) == set()
    assert [text.partition(":")[0] for text in report.not_checked][:2] == [
        "earlier tree heads",
        "growth of the log",
    ]


# --- different trees over several verifications


def test_a_tree_that_differs_from_a_remembered_one_is_a_split_view(
    release: Any, judged: Any, misbehave: Any, memory: Path, api: Any
) -> None:
    """The kept head is named with its file, and neither of the two passes from then on: both are proof."""
    first = release()
    assert api.failures(judged(first, memory)) == set()
    second = release(forked(misbehave, "oms"))
    # The tree before the first statement of the second release is that of the last of the first one.
    last = list(first)[-1]
    size, root = head_of(first[last])
    assert head_of(second["oms"])[0] == size
    report = judged(second, memory)
    assert api.failures(report) == {"log.split_view"}
    said = message(report, "log.split_view")
    assert f"root {root} in {only_file(memory)}" in said
    assert f"root {head_of(second['oms'])[1]} in oms.sigstore.json" in said
    assert api.failures(judged(first, memory)) == {"log.split_view"}


def test_what_is_verified_again_is_no_news(release: Any, judged: Any, memory: Path, api: Any) -> None:
    """The same heads are kept once, and the file is not written again."""
    bundles = release()
    judged(bundles, memory)
    before = only_file(memory).stat()
    report = judged(bundles, memory)
    assert api.failures(report) == set()
    after = only_file(memory).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert len(json.loads(only_file(memory).read_bytes())["heads"]) == len(bundles)
    assert not any("earlier tree heads" in text for text in report.not_checked)


def test_only_what_the_log_has_signed_is_remembered(
    release: Any, judged: Any, misbehave: Any, memory: Path, api: Any
) -> None:
    """A checkpoint by another key leaves no trace, and neither does anything of an unknown log."""
    misbehave("rekor", "wrong-checkpoint-key")
    report = judged(release(), memory)
    assert "log.checkpoint" in api.failures(report)
    assert not memory.exists()


def test_heads_are_remembered_of_evidence_that_fails_otherwise(
    release: Any, judged: Any, misbehave: Any, memory: Path, api: Any
) -> None:
    """A signed head is the log's word, whatever the evidence is worth."""
    bundles = release()
    del bundles["provenance"]
    assert api.failures(judged(bundles, memory))
    assert len(json.loads(only_file(memory).read_bytes())["heads"]) == len(bundles)


def test_each_log_has_a_file_of_its_own_that_nobody_else_reads(forge: Any, keyless: Any, memory: Path) -> None:
    """Named after key and origin, since one key may sign several trees; the folder is the user's alone."""
    heads = KeptHeads(memory)
    for log, origin in (("aa", "one"), ("aa", "two"), ("bb", "one")):
        heads.meet([a_head(keyless, 3, origin=origin, log=log)])
    assert len(list(memory.iterdir())) == 3
    assert stat.S_IMODE(memory.stat().st_mode) == 0o700


def test_what_one_run_verifies_is_compared_without_a_home(release: Any, judged: Any, misbehave: Any, api: Any) -> None:
    """A release and the evidence of its base model, say: what remembers for the run does so without a folder."""
    run = KeptHeads(None)
    first = judged(release(), run)
    assert api.failures(first) == set()
    assert any(text.startswith("earlier tree heads: they could not be remembered") for text in first.not_checked)
    assert api.failures(judged(release(forked(misbehave, "oms")), run)) == {"log.split_view"}


# --- what remembers


def test_a_memory_that_cannot_be_written_is_said_and_no_failure(
    release: Any, judged: Any, tmp_path: Path, api: Any
) -> None:
    """No folder can be where a file is; the verdict is about the model."""
    (tmp_path / "file").write_text("")
    report = judged(release(), tmp_path / "file" / "log-heads")
    assert api.failures(report) == set()
    [said] = [text for text in report.not_checked if text.startswith("earlier tree heads")]
    assert "could not be remembered, cannot write" in said


def test_a_home_that_is_closed_is_no_home_and_a_file_that_is_closed_is_an_error(
    release: Any, judged: Any, memory: Path, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container that runs as somebody else than its home belongs to is nothing unusual; a file of ours that is shut is."""

    def closed(path: Path) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    bundles = release()
    judged(bundles, memory)
    # Root may open everything, so the system's answer is ours here.
    monkeypatch.setattr("model_provenance.flows.tree_heads.open_named", closed)
    assert api.failures(judged(bundles, memory)) == {"log.memory"}
    monkeypatch.setattr("model_provenance.flows.tree_heads.os.access", lambda *_: False)
    report = judged(bundles, memory)
    assert api.failures(report) == set()
    assert any("could not be remembered, cannot read: Permission denied" in text for text in report.not_checked)


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "half of it": lambda data: data[: len(data) // 2],
    "no JSON": lambda _: b"hello",
    "no UTF-8": lambda _: b"\xff\xfe",
    "a list": lambda _: b"[]",
    "deep nesting": lambda _: b"[" * 100_000,
    "another log": lambda data: data.replace(b'"log":"', b'"log":"00'),
    "another origin": lambda data: data.replace(b'"origin":"', b'"origin":"x'),
    "one field more": lambda data: data[:-1] + b',"more":1}',
    "a note that is none": lambda data: data.replace(b"\\n", b""),
    "a note of another tree": lambda data: data.replace(b'"note":"rekor', b'"note":"xekor'),
    "a time that is a text": lambda data: data.replace(b'"time":', b'"time":"1","x":'),
    "a time before 1970": lambda data: data.replace(b'"time":', b'"time":-'),
    "a head that is a number": lambda data: data.replace(b'"heads":[', b'"heads":[1,'),
    "more than is read": lambda data: data + b" " * FILE_LIMIT,
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_memory_that_was_written_to_is_an_error_of_its_own(
    release: Any, judged: Any, memory: Path, api: Any, how: str
) -> None:
    """It is neither believed nor dropped: the file stays for a person to look at, and the message names it."""
    bundles = release()
    judged(bundles, memory)
    path = only_file(memory)
    broken = BROKEN[how](path.read_bytes())
    assert broken != path.read_bytes()
    path.write_bytes(broken)
    report = judged(bundles, memory)
    assert api.failures(report) == {"log.memory"}
    assert (report.result, report.exit_status) == (Result.ERROR, 15)
    [finding] = [finding for finding in report.findings if finding.id == "log.memory"]
    assert finding.location == str(path)
    assert "remove it" in finding.remedy
    assert path.read_bytes() == broken


@pytest.mark.parametrize("thing", ["fifo", "folder", "link in a circle"])
def test_a_memory_that_is_no_file_is_not_waited_for(
    release: Any, judged: Any, memory: Path, api: Any, thing: str
) -> None:
    """A FIFO has no end, and a folder no content."""
    bundles = release()
    judged(bundles, memory)
    path = only_file(memory)
    path.unlink()
    if thing == "fifo":
        os.mkfifo(path)
    elif thing == "folder":
        path.mkdir()
    else:
        path.symlink_to(path)
    assert api.failures(judged(bundles, memory)) == {"log.memory"}


def test_whoever_writes_to_the_memory_cannot_accuse_the_log(
    release: Any, judged: Any, memory: Path, keyless: Any, api: Any
) -> None:
    """A head in the file counts by the log's signature: one without is the memory's fault, and the log's good name stays."""
    bundles = release()
    judged(bundles, memory)
    path = only_file(memory)
    value = json.loads(path.read_bytes())
    for head in value["heads"]:
        origin, size, _, *rest = head["note"].split("\n")
        head["note"] = "\n".join((origin, size, base64.b64encode(bytes(32)).decode(), *rest))
    path.write_text(json.dumps(value))
    report = judged(bundles, memory)
    assert api.failures(report) == {"log.memory"}
    assert all("is not by the log" in f.message for f in report.findings if f.id == "log.memory")


def a_head(keyless: Any, size: int, *, origin: str | None = None, log: str | None = None, root: int = 0) -> TreeHead:
    """A head of a tree that nobody has seen the entries of."""
    sim = keyless.sim.rekor_v2
    name = origin or sim.HOST
    note = checkpoint(name, (name, sim.log_id), size, root.to_bytes(32, "big"), sim.key)
    return TreeHead(log or sim.log_id.hex(), name, size, root.to_bytes(32, "big").hex(), note, size, "bundle")


def test_the_file_of_a_log_is_written_so() -> None:
    """Canonical JSON with the signed notes as they are, which anybody can check; read back it is the same."""
    note = "log.example\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\u2014 log.example AAAAAAA=\n"
    heads = tuple(TreeHead("ab", "log.example", 7, "00" * 32, note, time, "here") for time in (1, None))
    data = heads_document(heads)
    written = "log.example\\n7\\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\\n\\n\u2014 log.example AAAAAAA=\\n"
    assert data.decode() == (
        f'{{"heads":[{{"note":"{written}","time":1}},{{"note":"{written}","time":null}}],"log":"ab","origin":"log.example"}}'
    )
    assert parse_heads(data, ("ab", "log.example"), "here") == heads


def test_half_a_character_in_a_remembered_note_is_an_error_of_the_memory() -> None:
    """JSON can write what no text is: it is met where the file is read, and not where the note is proven."""
    tree = ("ab", "log.example")
    lines = f"log.example\n7\n{'A' * 43}=\n\ud800\n\n\u2014 log.example AAAAAAA=\n"
    data = json.dumps({"log": tree[0], "origin": tree[1], "heads": [{"note": lines, "time": 1}]}).encode()
    with pytest.raises(ModelProvenanceError) as refused:
        parse_heads(data, tree, "here")
    assert (refused.value.code, refused.value.location) == ("log.memory", "here")


def test_logs_of_another_trusted_root_are_not_compared_here(keyless: Any) -> None:
    """A run that verifies by two roots remembers the logs of both: a split view of one is no matter of the other."""
    mine = a_head(keyless, 3)
    theirs = [replace(a_head(keyless, 5, origin="other", log="ee" * 32, root=root), place=f"{root}") for root in (1, 2)]
    run = KeptHeads(None)
    run.meet(theirs)
    found = head_findings([mine], parse(keyless.sim.trusted_root.encode()), Trust(None, heads=run))
    assert {finding.status for finding in found} == {Status.SKIPPED}


def test_a_head_of_a_log_that_the_root_does_not_have_proves_nothing(keyless: Any) -> None:
    """Whatever remembers, its word is proven by a log of this root."""
    mine = a_head(keyless, 3, log="ee" * 32)
    kept = replace(a_head(keyless, 3, log="ee" * 32, root=9), place="file")

    class Memory:
        def meet(self, heads: Any) -> Remembered:
            return Remembered((kept,))

    found = head_findings([mine], parse(keyless.sim.trusted_root.encode()), Trust(None, heads=Memory()))
    [finding] = [finding for finding in found if finding.id == "log.memory"]
    assert (finding.status, finding.location) == (Status.ERROR, "file")
    assert "no such log" in finding.message


def test_the_memory_of_a_log_is_bounded(keyless: Any, memory: Path) -> None:
    """The newest heads are kept, in a file that cannot grow beyond what is read; a note as long as none needs to be is not."""
    sizes = range(1, HEADS_LIMIT + 11)
    KeptHeads(memory).meet([a_head(keyless, size) for size in sizes])
    long = a_head(keyless, 5000, root=1)
    KeptHeads(memory).meet([replace(long, note=long.note + "x" * NOTE_LIMIT)])
    path = only_file(memory)
    tree = a_head(keyless, 1).tree
    assert [head.size for head in parse_heads(path.read_bytes(), tree, "")] == list(sizes)[-HEADS_LIMIT:]
    worst = "\1" * NOTE_LIMIT
    longest = [replace(a_head(keyless, size), note=worst, origin=worst, time=253402300799) for size in sizes]
    assert FILE_LIMIT * 0.9 < len(heads_document(longest)) < FILE_LIMIT


def test_the_logs_that_are_remembered_are_bounded(keyless: Any, memory: Path) -> None:
    """Whoever runs a log can invent origins without end; one too many is said, and those that are kept stay."""
    heads = KeptHeads(memory)
    heads.meet([a_head(keyless, 3, origin="log-0")])
    for number in range(511):
        (memory / f"{number}.json").write_text("")
    [said] = heads.meet([a_head(keyless, 3, origin="log-512")]).findings
    assert "512 logs are remembered already" in said.message
    assert len(list(memory.iterdir())) == 512
    assert heads.meet([a_head(keyless, 4, origin="log-0")]).findings == ()


def test_two_verifications_at_once_keep_the_heads_of_both(keyless: Any, memory: Path) -> None:
    """The file is read, added to and replaced by one of them at a time."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda size: KeptHeads(memory).meet([a_head(keyless, size)]), range(1, 41)))
    kept = parse_heads(only_file(memory).read_bytes(), a_head(keyless, 1).tree, "")
    assert sorted(head.size for head in kept) == list(range(1, 41))


# --- time


@pytest.fixture
def two(tmp_path: Path, api: Any, tools: Any, rekor: int) -> Callable[..., Any]:
    """Releases on a log that has grown and, so many seconds later, on a copy of it from before, or on the log itself."""
    run = api.Keyless.default_run

    def sign(folder: Path, moment: int, entries: int) -> tuple[Trust, dict[str, Any]]:
        with SigstoreSim(state_dir=folder, clock=lambda: moment) as sim:
            forge = tools.Forge(sim)
            signing = forge.certify(run.claims(), start=datetime.fromtimestamp(moment, timezone.utc))
            for number in range(entries):
                forge.bundle(b'{"n":%d}' % number, signing, rekor=rekor)
            statements = api.Draft(run=run).statements
            bundles = {s.name: forge.bundle(s.payload, signing, rekor=rekor) for s in statements}
            return Trust(sim.trusted_root.encode(), "custom"), bundles

    def both(later: int, *, copied: bool) -> tuple[Trust, dict[str, Any], dict[str, Any]]:
        now, log, copy = int(time.time()), tmp_path / "log", tmp_path / "copy"
        sign(log, now, 0)
        shutil.copytree(log, copy)
        trust, first = sign(log, now, 20)
        _, second = sign(copy if copied else log, now + later, 0)
        return trust, first, second

    return both


def test_a_tree_that_is_smaller_for_what_was_signed_later_is_warned_of(
    two: Any, judged: Any, memory: Path, api: Any
) -> None:
    """A log only grows. Heads of different sizes prove nothing, so it is no failure; it is said, with both heads."""
    trust, first, second = two(SLACK + 60, copied=True)
    assert api.failures(judged(first, memory, trust)) == set()
    report = judged(second, memory, trust)
    assert api.failures(report) == set()
    assert "log.backwards" in api.warnings(report)
    said = message(report, "log.backwards")
    assert f"had {max(head_of(bundle)[0] for bundle in first.values())} entries" in said
    assert f"and {min(head_of(bundle)[0] for bundle in second.values())} for what was signed at" in said
    assert str(only_file(memory)) in said
    # Seen in the other order it is the same.
    shutil.rmtree(memory)
    judged(second, memory, trust)
    assert "log.backwards" in api.warnings(judged(first, memory, trust))


def test_a_signature_that_waited_for_the_log_is_not_warned_of(two: Any, judged: Any, memory: Path, api: Any) -> None:
    """Within an hour the order of timestamps and entries says nothing."""
    trust, first, second = two(SLACK - 60, copied=True)
    for bundles in (first, second):
        report = judged(bundles, memory, trust)
        assert api.failures(report) == set()
        assert "log.backwards" not in api.warnings(report)


def test_a_log_that_grew_is_not_warned_of(two: Any, judged: Any, memory: Path, api: Any) -> None:
    """In whichever order its entries are met."""
    trust, first, second = two(10 * SLACK, copied=False)
    for bundles in (second, first, second):
        assert "log.backwards" not in api.warnings(judged(bundles, memory, trust))


# --- statements by others than the signer


def test_a_waiver_or_status_list_with_another_tree_does_not_count(
    api: Any, forge: Any, keyless: Any, misbehave: Any, memory: Path, rekor: int
) -> None:
    """Whatever is verified in a run meets what was seen before: the statement of a revoker, an approver, a verifier."""
    claims = keyless.default_run.claims()
    trust = replace(keyless.trust, heads=KeptHeads(memory))

    def signed(fault: bool) -> bytes:
        payload = json.loads(api.Draft(run=keyless.default_run).statements[0].payload)
        payload["predicateType"] = Predicate.STATUS
        if fault:
            misbehave("rekor", "split-view", times=1)
        bundle = forge.bundle(json.dumps(payload).encode(), forge.certify(claims), rekor=rekor)
        return json.dumps(bundle).encode()

    def verify(data: bytes) -> None:
        verify_statement(data, Predicate.STATUS, parse_signer(api.SIGNER), trust, code="status.signature")

    verify(signed(fault=False))
    with pytest.raises(ModelProvenanceError, match="signed two trees of") as caught:
        verify(signed(fault=True))
    assert caught.value.code == "status.signature"
