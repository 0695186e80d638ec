"""Look at each bundle once: what it says, who signed it, and which parts of its cryptography hold.

Nothing is decided here. The numbered checks ask for the problems of their own part; a part without a problem held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import ParamSpec, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import LogEntry, SignerIdentity
from model_provenance.domain.text import shown
from model_provenance.domain.tree_head import TreeHead
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats import certificate as certificates
from model_provenance.formats.bundle import Envelope, MaterialKind, ParsedBundle
from model_provenance.formats.dsse import pae
from model_provenance.formats.intoto import ParsedStatement
from model_provenance.formats.oms_older import PREDICATE_0_2, pae_0_2
from model_provenance.formats.public_key import PublicKey, public_key
from model_provenance.verify import chain, keys, log_entry, sct, timestamps
from model_provenance.verify.library import Objection
from model_provenance.verify.private_pki import PrivatePki, holder, verify_path
from model_provenance.verify.trusted_root import TrustedRoot

P = ParamSpec("P")
T = TypeVar("T")


class Part(Enum):
    """The parts of a bundle's cryptography; each has a check of its own."""

    SIGNATURE = "signature"
    CERTIFICATE = "certificate"
    SCT = "sct"
    LOG = "log"
    TIMESTAMP = "timestamp"


@dataclass(frozen=True, slots=True)
class Method:
    """How signatures are to be verified: from the caller's expectation, never from a bundle.

    `key` is None for signatures with a certificate. `root` is None only where no bundle needs one.
    """

    key: PublicKey | None
    root: TrustedRoot | None
    objection: Objection | None
    #: A private PKI, whose certificates take the place of keyless ones.
    pki: PrivatePki | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bundle that could be read. `statement` is None for a signature over something else than a statement."""

    name: str
    data: bytes
    bundle: ParsedBundle
    statement: ParsedStatement | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One readable bundle. `signer` and `log_entries` are what it says; only an empty `problems` makes them true.

    A part that is not in `judged` was not come to, because something before it was wrong.
    """

    name: str
    bundle: ParsedBundle
    #: None for a signature over a blob, or over something else than an in-toto statement.
    statement: ParsedStatement | None
    signer: SignerIdentity | None
    log_entries: tuple[LogEntry, ...]
    #: Verified times of signing: signed timestamps, then signed promises of a log.
    moments: tuple[datetime, ...]
    problems: tuple[tuple[Part, ModelProvenanceError], ...]
    judged: frozenset[Part]
    #: Of the bundle's bytes.
    digest: Digest
    #: Tree heads that a trusted log has signed, whatever else is wrong.
    heads: tuple[TreeHead, ...] = ()

    @property
    def names_its_signer(self) -> bool:
        """Whether who signed is proven: the signature holds, and so does the certificate where there is one."""
        return Part.SIGNATURE in self.judged and not any(
            part in (Part.SIGNATURE, Part.CERTIFICATE) for part, _ in self.problems
        )

    def problems_of(self, part: Part) -> tuple[ModelProvenanceError, ...]:
        """What is wrong with one part."""
        return tuple(problem for where, problem in self.problems if where is part)


def examine(candidate: Candidate, method: Method, blob: Digest | None = None) -> Evidence:
    """Look at one bundle; `blob` is the digest of the file that a signature over a blob must be of."""
    bundle = candidate.bundle
    look = _Look(candidate, method, blob)
    look.look()
    if method.objection is not None and not look.problems:
        reason = method.objection(candidate.data, bundle.content, blob)
        if reason is not None:
            look.problems.append((Part.SIGNATURE, ModelProvenanceError("bundle.verification", _REFUSED + reason)))
    described = tuple(log_entry.described(entry, method.root) for entry in bundle.entries)
    return Evidence(
        candidate.name,
        bundle,
        candidate.statement,
        look.signer,
        described,
        tuple(look.moments),
        tuple(look.problems),
        frozenset(look.judged),
        Digest.of(candidate.data),
        tuple(replace(head, place=candidate.name) for head in look.heads),
    )


_REFUSED = "our own checks found nothing, but the sigstore library refuses the bundle: "


class _Look:
    """The state of looking at one bundle: what was found so far and what was wrong."""

    def __init__(self, candidate: Candidate, method: Method, blob: Digest | None) -> None:
        self._bundle, self._method, self._blob = candidate.bundle, method, blob
        statement = candidate.statement
        self._is_oms_0_2 = statement is not None and statement.predicate_type == PREDICATE_0_2
        self.signer: SignerIdentity | None = None
        self.moments: list[datetime] = []
        self.problems: list[tuple[Part, ModelProvenanceError]] = []
        self.judged: set[Part] = set()
        self.heads: list[TreeHead] = []

    def look(self) -> None:
        """Everything that can be said, whatever else fails. What a parser below stumbles over is a problem, too."""
        try:
            self._look()
        except Exception as error:  # noqa: BLE001 - hostile bytes reach foreign parsers here; none may end the process
            message = f"judging the bundle ended with {type(error).__name__}"
            self.problems.append((Part.SIGNATURE, ModelProvenanceError("verify.crashed", message)))

    def _look(self) -> None:
        if self._method.pki is not None:
            self._private(self._method.pki)
            return
        keyed = self._bundle.material.kind is MaterialKind.PUBLIC_KEY
        leaf = None if keyed else self._try(Part.CERTIFICATE, self._leaf)
        if leaf is not None:
            self.signer = self._try(Part.CERTIFICATE, certificates.identity, leaf)
        elif keyed and self._bundle.material.hint:
            self.signer = SignerIdentity("key", f"key:{shown(self._bundle.material.hint, 128)}")
        if keyed is not (self._method.key is not None):
            self._refuse(Part.SIGNATURE, "signature.method", _METHOD[keyed])
            return
        self._stamps()
        if self._method.key is not None:
            self._signature(self._method.key)
            self._log(self._method.key, None)
        elif leaf is not None:
            key = self._try(Part.CERTIFICATE, _key_of, leaf)
            if key is not None:
                self._signature(key)
                self._log(key, leaf)
            self._time()
            if self.moments:
                self._certificate(leaf)

    def _private(self, pki: PrivatePki) -> None:
        """A certificate of a private PKI: judged now, or when a trusted timestamp says that it signed."""
        if self._bundle.material.kind is MaterialKind.PUBLIC_KEY:
            self._refuse(Part.SIGNATURE, "signature.method", _METHOD[True])
            return
        loaded = self._try(Part.CERTIFICATE, lambda: [certificates.load(d) for d in self._bundle.material.certificates])
        if loaded is None:
            return
        leaf, *others = loaded
        self.signer = holder(leaf)
        key = self._try(Part.CERTIFICATE, _key_of, leaf)
        if key is None:
            return
        self._stamps()
        self.judged |= {Part.CERTIFICATE, Part.TIMESTAMP}
        self._signature(key)
        self._log(key, leaf)
        for moment in self.moments or [pki.now]:
            self._try(Part.CERTIFICATE, verify_path, leaf, others, pki.anchors, moment)

    def _leaf(self) -> x509.Certificate:
        material = self._bundle.material
        leaf, *others = (certificates.load(der) for der in material.certificates)
        if material.kind is MaterialKind.CHAIN and self._bundle.version >= (0, 3):
            message = "a bundle of version 0.3 holds one certificate; chains are for a private PKI"
            raise ModelProvenanceError("certificate.chain", message)
        if any(other.issuer == other.subject for other in others):
            raise ModelProvenanceError("certificate.chain", "the bundle brings its own root certificate")
        return leaf

    def _signature(self, key: PublicKey) -> None:
        self.judged.add(Part.SIGNATURE)
        content = self._bundle.content
        if isinstance(content, Envelope):
            good = keys.is_signature(key, content.signature, pae(content.payload, content.payload_type))
            # Version 0.2 of model_signing signed another encoding, with SHA-256 by every key; of its statements alone.
            if not good and self._is_oms_0_2 and not self._bundle.entries:
                good = keys.is_signature_0_2(key, content.signature, pae_0_2(content.payload, content.payload_type))
        elif self._blob is None:
            self._refuse(Part.SIGNATURE, "signature.undecidable", "the file that the signature is over is not known")
            return
        elif content.digest and (content.algorithm, content.digest) != ("SHA2_256", self._blob.raw):
            self._refuse(Part.SIGNATURE, "signature.invalid", "the signature is over another file")
            return
        else:
            answer = self._try(Part.SIGNATURE, keys.is_signature_over_sha256, key, content.signature, self._blob.raw)
            if answer is None:
                return
            good = answer
        if not good:
            whose = "the expected key" if self._method.key else "the certificate's key"
            self._refuse(Part.SIGNATURE, "signature.invalid", f"the signature is not by {whose} over this content")
        elif self._method.key:
            self.signer = SignerIdentity("key", f"key:{key.hint}")

    def _stamps(self) -> None:
        root, stamps = self._method.root, self._bundle.timestamps
        if stamps or self._method.key is not None:
            self.judged.add(Part.TIMESTAMP)
        if len(set(stamps)) != len(stamps):
            self._refuse(Part.TIMESTAMP, "timestamp.invalid", "the bundle holds the same signed timestamp twice")
        for stamp in stamps:
            if root is None:
                raise ModelProvenanceError("internal.error", "a timestamp was met without a trusted root")
            moment = self._try(Part.TIMESTAMP, timestamps.stamped_at, stamp, self._bundle.content.signature, root)
            if moment is not None:
                self.moments.append(moment)

    def _log(self, key: PublicKey, leaf: x509.Certificate | None) -> None:
        """Every entry that is there must hold; a keyless signature must have one."""
        self.judged.add(Part.LOG)
        root, stamps = self._method.root, tuple(self.moments)
        if leaf is not None and self._method.pki is None and not self._bundle.entries:
            self._refuse(Part.LOG, "log.missing", "the bundle holds no transparency-log entry")
        signed = log_entry.Signed(self._bundle.content, key, None if leaf is None else certificates.der(leaf))
        for entry in self._bundle.entries:
            if root is None:
                raise ModelProvenanceError("internal.error", "a log entry was met without a trusted root")
            before = len(self.problems)
            found: list[TreeHead] = []
            self._try(Part.LOG, log_entry.verify_entry, entry, signed, root, stamps, found.append)
            promised = log_entry.promised_at(entry, root) if len(self.problems) == before else None
            if promised is not None:
                self.moments.append(promised)
            # A promise is of this entry; a timestamp is of the signature, and the first of several is nearest to it.
            time = promised or min(stamps, default=None)
            self.heads += [replace(head, time=None if time is None else int(time.timestamp())) for head in found]

    def _time(self) -> None:
        """A keyless signature needs a trusted time; one that a wrong part should have given is that part's problem."""
        if self.moments:
            self.judged.add(Part.TIMESTAMP)
        elif not any(part in (Part.LOG, Part.TIMESTAMP) for part, _ in self.problems):
            self._refuse(
                Part.TIMESTAMP,
                "timestamp.missing",
                "nothing that is trusted says when the signature was made: no signed timestamp, no promise of a log",
            )

    def _certificate(self, leaf: x509.Certificate) -> None:
        root = self._method.root
        if root is None:
            return
        self.judged.add(Part.CERTIFICATE)
        issuers: tuple[x509.Certificate, ...] | None = None
        for moment in self.moments:
            self._try(Part.CERTIFICATE, chain.verify_leaf, leaf, moment)
            issuers = self._try(Part.CERTIFICATE, chain.verify_chain, leaf, root, moment)
        if issuers:
            self.judged.add(Part.SCT)
            self._try(Part.SCT, sct.verify_sct, leaf, issuers[0], root)

    def _try(self, part: Part, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return call(*args, **kwargs)
        except ModelProvenanceError as error:
            self.problems.append((part, error))
            return None

    def _refuse(self, part: Part, code: str, message: str) -> None:
        self.problems.append((part, ModelProvenanceError(code, message)))


_METHOD = {
    True: "the bundle is signed with a key, and a certificate identity is expected",
    False: "the bundle is signed with a certificate, and a signature by the given key is expected",
}


def _key_of(leaf: x509.Certificate) -> PublicKey:
    try:
        return public_key(leaf.public_key())
    except (ModelProvenanceError, UnsupportedAlgorithm, ValueError) as error:
        raise ModelProvenanceError(
            "certificate.malformed", f"the certificate's key is not usable: {shown(str(error))}"
        ) from error
