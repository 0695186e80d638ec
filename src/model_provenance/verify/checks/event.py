"""8 · The run that signed was started by an event that may release (design, 4.4.3).

A merge request of a fork whose branch is called main carries the same subject and ref as the real main: only the event
tells them apart.
"""

from __future__ import annotations

from collections.abc import Sequence

from model_provenance.domain.context import Provider
from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.finding import Finding, failed, not_applicable, passed
from model_provenance.domain.text import shown
from model_provenance.domain.verification import DEFAULT_EVENTS, OWN_KEYS, RepositoryExpectation
from model_provenance.formats.holder import event_of
from model_provenance.formats.identity import ISSUERS
from model_provenance.verify.case import Case
from model_provenance.verify.examine import Evidence
from model_provenance.verify.outcome import blocked


def check(case: Case) -> Sequence[Finding]:
    """The event of every certificate."""
    if isinstance(case.expectation.signer, OWN_KEYS):
        return [not_applicable("event", "a signature by a key says nothing about a run")]
    if not case.evidence:
        return [blocked("there is no statement whose run could be judged")]
    # Bundles of one run say the same: each distinct answer once.
    return tuple(dict.fromkeys(_finding(case, evidence) for evidence in case.evidence))


def _finding(case: Case, evidence: Evidence) -> Finding:
    found = evidence.signer
    if found is None or found.method != "keyless":
        return blocked("the bundle names no certificate identity")
    provider, allowed = _allowed(case, found)
    event = event_of(found)
    if event is None and provider is None:
        return not_applicable("event", "the signer is not a CI run")
    if event in allowed and evidence.names_its_signer:
        return passed("event", f"started by {event}")
    if event in allowed:
        return blocked("the bundle names an allowed event and does not prove it", location=evidence.name)
    named = shown(event, 64) if event else "an event that the certificate does not name"
    return failed(
        "event.refused",
        f"the run was started by {named}; allowed are {', '.join(sorted(allowed))}",
        remedy=f"Add --allow-event {named} if code that such an event runs may release." if event else "",
    )


def _allowed(case: Case, found: SignerIdentity) -> tuple[Provider | None, frozenset[str]]:
    expected = case.expectation.signer
    if isinstance(expected, OWN_KEYS):
        return None, frozenset()
    if isinstance(expected, RepositoryExpectation):
        provider: Provider | None = expected.provider
    else:
        provider = next((provider for provider, issuer in ISSUERS.items() if issuer == found.issuer), None)
    # The issuer of a self-managed server does not tell what it runs; the names of both kinds do not contradict.
    defaults = DEFAULT_EVENTS[provider] if provider else frozenset().union(*DEFAULT_EVENTS.values())
    return provider, defaults | expected.events
