"""`doctor`: what this environment lacks for a release, each with what to do; nothing is signed, published or written."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import model_provenance
from model_provenance.context.collect import collect
from model_provenance.context.gates import check_may_sign, check_privacy
from model_provenance.context.run import run_of
from model_provenance.context.tokens import find_token_source, identify
from model_provenance.describe.sbom.syft_binary import allowed
from model_provenance.domain.context import CiRun, Identity
from model_provenance.domain.finding import Finding, Severity, failed, passed, warned
from model_provenance.domain.text import shown
from model_provenance.errors import Exit, ModelProvenanceError
from model_provenance.flows.files import read_file
from model_provenance.oci.access import Access
from model_provenance.oci.reference import Reference
from model_provenance.oci.registry import Registry
from model_provenance.oci.retrying import Retrying

_TRUST_LIMIT = 4 * 1024 * 1024
#: Tokens and short-lived certificates tolerate no more.
_SKEW = 60
#: In which a registry must answer.
_REGISTRY_SECONDS = 8.0


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DoctorRequest:
    """What to look at; the fields are the options of `doctor`."""

    folder: Path
    env: Mapping[str, str]
    trust_config: Path | None = None
    syft: Path | None = None
    registry: str | None = None
    access: Access | None = None


_Look = Callable[[DoctorRequest, "Identity | None"], Iterator[Finding]]


def examine(request: DoctorRequest) -> tuple[Finding, ...]:
    """Every finding, good ones included, in the order in which a release would meet them."""
    now = int(time.time())
    findings = [_versions()]
    run, told = _tried(lambda: run_of(request.env))
    findings += told or [_about_run(run)]
    identity, told = _tried(lambda: identify(find_token_source(request.env), now=now))
    # Outside CI a key signs, so that there is no token is no defect there.
    findings += [_outside(finding) if run is None else finding for finding in told]
    if identity is not None:
        findings.append(_about_identity(identity, now))
    for look in (_repository, _sigstore, _trust, _syft, _registry):
        findings += _looked(look, request, identity)
    return tuple(findings)


def exit_status(findings: tuple[Finding, ...]) -> int:
    """0 without an error; else the status of the first one."""
    from model_provenance.errors import exit_status_of  # noqa: PLC0415 - with errors only

    first = next((finding.id for finding in findings if finding.severity is Severity.ERROR), None)
    return int(Exit.OK if first is None else exit_status_of(first))


def _tried(look: Callable[[], T]) -> tuple[T | None, list[Finding]]:
    """What a look gives, or the finding that its error makes."""
    try:
        return look(), []
    except ModelProvenanceError as error:
        return None, [_finding(error)]


def _looked(look: _Look, request: DoctorRequest, identity: Identity | None) -> Iterator[Finding]:
    try:
        yield from look(request, identity)
    except ModelProvenanceError as error:
        yield _finding(error)


def _finding(error: ModelProvenanceError) -> Finding:
    return failed(error.code, error.message, remedy=error.remedy, location=error.location or "")


def _versions() -> Finding:
    tools = {"model-provenance": model_provenance.__version__, "sigstore": version("sigstore")}
    tools |= {"cryptography": version("cryptography"), "Python": platform.python_version()}
    return passed("versions", ", ".join(f"{name} {number}" for name, number in tools.items()))


def _about_run(run: CiRun | None) -> Finding:
    if run is None:
        return passed("run", "no CI job: releases from here are signed with a key, or with --identity-token")
    return passed(
        "run", f"{run.provider.value} job of {shown(run.repository)}, event {shown(run.event)}, {shown(run.ref)}"
    )


def _about_identity(identity: Identity, now: int) -> Finding:
    return passed(
        "identity", f"{shown(identity.subject)} of {shown(identity.issuer)}, for {identity.expires - now} s more"
    )


def _outside(finding: Finding) -> Finding:
    return warned(finding.id, finding.message, remedy=finding.remedy)


def _repository(request: DoctorRequest, identity: Identity | None) -> Iterator[Finding]:
    context, findings = collect(request.folder, env=request.env, identity=identity)
    if context.git is not None:
        state = "with changes" if context.git.dirty else "clean"
        yield passed("git", f"commit {context.git.commit[:12]}, {state}")
    yield from (finding for finding in findings if finding.id != "context.training_commit_unknown")
    if identity is None:
        return
    check_may_sign(context)
    yield passed("event", "this run may sign")
    private = request.trust_config is not None
    check_privacy(context, private_instance=private, allow_public_log=False)
    yield passed("privacy", "what signing publishes is public, or stays in a private Sigstore")


def _sigstore(request: DoctorRequest, identity: Identity | None) -> Iterator[Finding]:
    from model_provenance.sign import probe  # noqa: PLC0415 - the sigstore library takes half a second

    config = None
    if request.trust_config is not None:
        config = read_file(request.trust_config, option="--trust-config", limit=_TRUST_LIMIT)
    tell = failed if identity is not None or config is not None else warned
    try:
        answers = probe.ask(probe.services(config))
    except ModelProvenanceError as error:
        yield tell(error.code, error.message, remedy=error.remedy)
        return
    for answer in answers:
        if answer.problem is not None:
            yield tell("sign.service", f"{shown(answer.url)}: {answer.problem}")
        else:
            yield passed("sigstore", f"{shown(answer.url)} answers")
    yield from _clock([answer.time for answer in answers if answer.time is not None])


def _clock(times: list[int]) -> Iterator[Finding]:
    if not times:
        return
    off = int(time.time()) - sorted(times)[len(times) // 2]
    if abs(off) > _SKEW:
        ahead = "ahead of" if off > 0 else "behind"
        yield failed("doctor.clock", f"the clock is {abs(off)} s {ahead} that of Sigstore's services")
    else:
        yield passed("clock", f"within {_SKEW} s of that of Sigstore's services")


def _trust(request: DoctorRequest, identity: Identity | None) -> Iterator[Finding]:  # noqa: ARG001 - all looks are alike
    from model_provenance.verify.production_root import OLD, cached_age, production_root  # noqa: PLC0415 - TUF
    from model_provenance.verify.trusted_root import parse  # noqa: PLC0415

    root = parse(production_root())
    known = f"{len(root.certificate_authorities)} authorities, {len(root.logs)} logs"
    age = cached_age(now=time.time())
    if age is None:
        yield passed("trust", f"public Sigstore's root as the sigstore package embeds it: {known}")
    elif age > OLD:
        yield warned("trust.root_old", f"the cached root of public Sigstore was refreshed {age // 86400:.0f} days ago")
    else:
        yield passed("trust", f"public Sigstore's root, cached {age // 3600:.0f} h ago: {known}")


def _syft(request: DoctorRequest, identity: Identity | None) -> Iterator[Finding]:  # noqa: ARG001 - all looks are alike
    try:
        first = allowed(request.folder, request.env, request.syft)[0]
    except ModelProvenanceError as error:
        # Without Syft our own engine describes the model; only a Syft that was named must be there.
        tell = warned if request.syft is None else failed
        yield tell(error.code, error.message, remedy=error.remedy)
        return
    yield passed("syft", f"{shown(str(first.path), 200)} ({first.origin})")


def _registry(request: DoctorRequest, identity: Identity | None) -> Iterator[Finding]:  # noqa: ARG001 - all looks are alike
    if request.registry is None or request.access is None:
        return
    reference = Reference.parse(request.registry)
    # Somebody waits for the answer: one try, and not for long.
    quick = replace(request.access, retrying=Retrying(tries=1), stall=_REGISTRY_SECONDS)
    with Registry(reference, quick) as registry:
        found = registry.resolve(reference.tag or "latest")
        what = "nothing has this tag yet" if found is None else f"the tag names {found}"
        yield passed("registry", f"{shown(registry.where)} answers; {what}")
