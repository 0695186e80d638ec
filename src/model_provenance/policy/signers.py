"""Who may sign what, as a policy names them: a repository's runs, an identity with its issuer, or a key. No patterns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.finding import Severity
from model_provenance.domain.text import shown
from model_provenance.domain.verification import RepositoryExpectation
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.holder import REPOSITORY, repository_findings
from model_provenance.formats.identity import ISSUERS, parse_signer
from model_provenance.formats.public_key import load_public_key
from model_provenance.policy.reading import Node

LEVELS = (1, 3)
_KEYS = ("signer", "builder", "environment", "identity", "issuer", "sourceRepository", "key", "maxSlsaBuild")
_FORMS = (
    "a signer is `signer: github:OWNER/REPO…` (with `builder`, `environment`, `issuer`), an `identity` with its `issuer`,"
    " or a `key`"
)

#: Reads a file that a policy names, relative to that policy: a file that it extends, or a public key.
Reader = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class PolicySigner:
    """Who may sign: runs of a repository as in `--signer`, a certificate identity with its issuer, or a key."""

    #: `github:…` or `gitlab:…` as written, the subject of a certificate, or `key:<fingerprint>`.
    subject: str
    issuer: str | None = None
    source_repository: str | None = None
    #: The highest SLSA build level that this signer is trusted with.
    max_slsa_build: int = LEVELS[1]
    #: PEM, where the signer is a key.
    public_key: bytes | None = None
    #: What `signer`, `builder` and `environment` say together.
    run: RepositoryExpectation | None = None


@dataclass(frozen=True, slots=True)
class Verifier:
    """Whose verification summaries count: a signer, and the name under which it verifies (SLSA: both are pinned)."""

    id: str
    signer: PolicySigner


class Signers:
    """Reads lists of signers; `subjects` are the keys among them, which lie in files of their own."""

    def __init__(self, read: Reader) -> None:
        self._read = read
        self.subjects: set[str] = set()

    def listed(self, node: Node) -> frozenset[PolicySigner]:
        """A list of distinct signers, at least one."""
        return node.texts(self._one)

    def verifiers(self, node: Node) -> frozenset[Verifier]:
        """A list of distinct verifiers: each a signer with the `id` that its summaries must carry."""
        return node.texts(self._verifier)

    def _verifier(self, node: Node) -> Verifier:
        keys = node.mapping("id", *_KEYS)
        if "id" not in keys:
            node.fail("a verifier has an `id`: the `verifier.id` of its summaries")
        return Verifier(keys.pop("id").text(), self._signer(node, keys))

    def _one(self, node: Node) -> PolicySigner:
        return self._signer(node, node.mapping(*_KEYS))

    def _signer(self, node: Node, keys: dict[str, Node]) -> PolicySigner:
        highest = keys.pop("maxSlsaBuild").number(*LEVELS) if "maxSlsaBuild" in keys else LEVELS[1]
        if "key" in keys and keys.keys() == {"key"}:
            return self._key(keys["key"], highest)
        if "signer" in keys and keys.keys() <= {"signer", "builder", "environment", "issuer"}:
            return _run({key: child.text() for key, child in keys.items()}, keys["signer"], highest)
        if not {"identity", "issuer"} <= keys.keys() <= {"identity", "issuer", "sourceRepository"}:
            node.fail(_FORMS)
        repository = keys["sourceRepository"].text() if "sourceRepository" in keys else None
        return PolicySigner(keys["identity"].text(), keys["issuer"].text(), repository, highest)

    def _key(self, node: Node, highest: int) -> PolicySigner:
        pem = self._read(node.text())
        try:
            hint = load_public_key(pem).hint
        except ModelProvenanceError as error:
            node.fail(f"{shown(node.text())}: {error.message}")
        self.subjects.add(f"key:{hint}")
        return PolicySigner(f"key:{hint}", max_slsa_build=highest, public_key=pem)


def _run(words: dict[str, str], node: Node, highest: int) -> PolicySigner:
    """A repository's runs, in the words of `--signer`, `--builder`, `--environment` and `--certificate-oidc-issuer`."""
    issuer = words.get("issuer")
    try:
        run = parse_signer(
            words["signer"], builder=words.get("builder"), environment=words.get("environment"), issuer=issuer
        )
    except ModelProvenanceError as error:
        node.fail(f"{error.message}. {error.remedy or ''}")
    # Said or not, the usual issuer is one and the same signer.
    other = None if run.issuer == ISSUERS[run.provider] else run.issuer
    return PolicySigner(words["signer"], other, max_slsa_build=highest, run=run)


def matching(signers: Iterable[PolicySigner], found: SignerIdentity) -> PolicySigner | None:
    """The entry that names `found`. A subject means something only together with its issuer."""
    ordered = sorted(signers, key=lambda s: (s.subject, s.issuer or "", s.max_slsa_build))
    return next((signer for signer in ordered if _names(signer, found)), None)


def _names(signer: PolicySigner, found: SignerIdentity) -> bool:
    if signer.run is not None:
        findings = repository_findings(signer.run, found)
        return found.method == "keyless" and all(finding.severity is not Severity.ERROR for finding in findings)
    is_key = signer.public_key is not None
    if (found.method == "key") is not is_key or (found.subject, found.issuer) != (signer.subject, signer.issuer):
        return False
    repository = found.extension(REPOSITORY)
    if is_key or signer.source_repository:
        return is_key or signer.source_repository == repository
    # Without a named repository the workflow must lie in the one that was built from (design, 4.4.2).
    return repository is None or found.subject.startswith(f"{repository}/")
