"""Policy files: strict, extended only towards more, pinned, and never without a place for what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from model_provenance.domain.digest import Digest
from model_provenance.errors import ModelProvenanceError
from model_provenance.policy.document import PROFILES, Policy, parse, profile
from model_provenance.policy.gates import GATES

HEAD = "apiVersion: model-provenance/v1\nkind: Policy\nmetadata: {name: p}\n"
ALLOW, OTHER = "sha256:" + "ab" * 32, "sha256:" + "cd" * 32
TWO = "[{identity: a, issuer: b}, {identity: c, issuer: b}]"
FIRST, SECOND = "{id: 'https://v/1', identity: v, issuer: b}", "{id: 'https://v/2', identity: w, issuer: b}"
LINEAGE = "lineage: {baseModel: verified}"


def policy(spec: str, *, files: dict[str, bytes] | None = None, head: str = HEAD) -> Policy:
    """A policy of this `spec`."""
    return parse(f"{head}spec: {spec}\n".encode(), "p.yaml", lambda name: (files or {})[name])


def refused(code: str, spec: str, **more: Any) -> str:
    """The message with which the policy is refused."""
    with pytest.raises(ModelProvenanceError) as caught:
        policy(spec, **more)
    assert (caught.value.code, int(caught.value.exit_status)) == (code, 2)
    return caught.value.message


def pinned(spec: str) -> tuple[str, dict[str, bytes]]:
    """The `extends` of a file with this spec, and that file."""
    data = f"{HEAD}spec: {spec}\n".encode()
    return f"extends: {{file: org.yaml, digest: '{Digest.of(data)}'}}", {"org.yaml": data}


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_are_policies(name: str) -> None:
    """Each can be read, and each asks at least what the one before it asks."""
    asked = {gate.id for gate in GATES if gate.section(profile(name)) is not None}
    before = PROFILES[: PROFILES.index(name)]
    assert all(asked >= {gate.id for gate in GATES if gate.section(profile(other)) is not None} for other in before)


def test_production_denies_whatever_baseline_only_shows() -> None:
    """The last profile has no effect but `deny`."""
    sections = [getattr(profile("production"), gate.id, None) for gate in GATES]
    assert {section.effect for section in sections if hasattr(section, "effect")} == {"deny"}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "spec: {}", "a: b: c", "apiVersion: model-provenance/v2\nkind: Policy\nmetadata: {name: p}\nspec: {}",
     HEAD + "spec: []", HEAD + "spec: {}\n---\n{}", HEAD + "spec: {age: {max: 1d}, age: {max: 9d}}",
     HEAD + "spec: {age: !!python/object {max: 1d}}", "\xff"],
)  # fmt: skip
def test_what_is_not_a_policy_is_refused(text: str) -> None:
    """Wrong shape, two documents, a key twice, tags, another encoding: each a usage error."""
    with pytest.raises(ModelProvenanceError) as caught:
        parse(text.encode("latin-1"), "p.yaml", lambda _: b"")
    assert caught.value.code == "policy.invalid"
    assert "the manifest" not in caught.value.message


@pytest.mark.parametrize("key", ["base", "approvals", "Slsa", "slsa ", "evaluation"])
def test_a_key_that_is_not_understood_is_not_ignored(key: str) -> None:
    """What would protect nothing is refused, with the keys that there are."""
    assert "known are" in refused("policy.unknown_key", f"{{'{key}': {{}}}}")


def test_an_expiry_is_a_last_day() -> None:
    """A policy that expires on a day holds on that day."""
    head = HEAD.replace("{name: p}", "{name: p, expires: 2026-11-23}")
    assert policy("{}", head=head).expires == 1_795_478_400
    for wrong in ("2026-11-31", "soon", "2026-1-1"):
        refused("policy.invalid", "{}", head=head.replace("2026-11-23", wrong))


def test_keys_are_read_beside_the_policy_and_count_for_its_digest() -> None:
    """A key is a signer by its fingerprint; another key in the same file is another policy."""
    pems = [
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        for _ in range(2)
    ]
    first, second = (policy("{signers: [{key: a.pub}]}", files={"a.pub": pem}) for pem in pems)
    assert [signer.public_key for signer in first.signers or ()] == [pems[0]]
    assert first.digest != second.digest
    assert "a.pub" in refused("policy.invalid", "{signers: [{key: a.pub}]}", files={"a.pub": b"no key"})
    refused("policy.invalid", "{signers: [{key: a.pub, issuer: x}]}", files={"a.pub": pems[0]})


def test_an_instance_is_named_by_its_issuer_and_the_usual_one_need_not_be() -> None:
    """Said or not, it is one signer, who has one role; on another instance the same words are another signer."""
    usual = "https://token.actions.githubusercontent.com"
    said, unsaid = (
        policy(f"{{signers: [{{signer: 'github:acme/minilm'{more}}}]}}").signers
        for more in (f", issuer: '{usual}'", "")
    )
    assert said == unsaid
    revoking = "revocation: {revokers: [{signer: 'github:acme/minilm', issuer: '%s'}]}"
    releasing = "signers: [{signer: 'github:acme/minilm'}]"
    assert "one role each" in refused("policy.invalid", f"{{{releasing}, {revoking % usual}}}")
    other = policy(f"{{{releasing}, {revoking % 'https://github.acme.example/_services/token'}}}")
    assert other.revocation is not None
    [revoker] = other.revocation.revokers
    assert revoker.run is not None
    assert revoker.run.server_url == "https://github.acme.example"
    refused("policy.invalid", "{signers: [{signer: 'github:acme/minilm', issuer: 'https://github.acme.example'}]}")


@pytest.mark.parametrize(
    ("base", "own"),
    [
        ("slsa: {build: 2}", "slsa: {build: 1}"),
        ("slsa: {build: 2}", "slsa: {build: 3, effect: warn}"),
        ("source: {events: [push]}", "source: {events: [push, pull_request]}"),
        ("source: {refs: [refs/heads/main]}", "source: {refs: ['*']}"),
        ("time: {require: allOf, of: [rekor, tsa]}", "time: {require: anyOf, of: [rekor, tsa]}"),
        ("time: {require: allOf, of: [rekor, tsa]}", "time: {require: allOf, of: [tsa]}"),
        ("time: {require: anyOf, of: [rekor]}", "time: {require: anyOf, of: [rekor, tsa]}"),
        ("age: {max: 10d}", "age: {max: 11d}"),
        ("licenses: {allow: [MIT]}", "licenses: {allow: [MIT, Apache-2.0]}"),
        ("formats: {deny: [pickle]}", f"formats: {{deny: [pickle], allowDigests: ['{ALLOW}']}}"),
        ("formats: {deny: [pickle]}", f"formats: {{customCode: {{allowDigests: ['{ALLOW}']}}}}"),
        ("sbom: {formats: [spdx]}", "sbom: {formats: [spdx], effect: warn}"),
        ("datasets: {requireDigest: true}", "datasets: {requireDigest: true, effect: warn}"),
        ("signers: [{identity: a, issuer: b}]", "signers: [{identity: a, issuer: b}, {identity: c, issuer: b}]"),
        ("signers: [{identity: a, issuer: b, maxSlsaBuild: 1}]", "signers: [{identity: a, issuer: b}]"),
        ("{}", "waivers: {approvers: [{identity: a, issuer: b}]}"),
        (f"waivers: {{approvers: {TWO}, count: 2}}", f"waivers: {{approvers: {TWO}, count: 1}}"),
        ("evaluations: {required: [{name: a}]}", "evaluations: {select: any}"),
        ("evaluations: {required: [{name: a}]}", "evaluations: {failed: allow}"),
        ("evaluations: {testResult: passed}", "evaluations: {testResult: made}"),
        ("lineage: {baseModel: verified, maxDepth: 2}", "lineage: {baseModel: verified, maxDepth: 3}"),
        ("lineage: {baseModel: verified}", "lineage: {baseModel: verified, none: allow}"),
        ("lineage: {baseModel: verified}", f"lineage: {{baseModel: verified, verifiers: [{FIRST}]}}"),
        (f"signers: [{{identity: a, issuer: b}}], {LINEAGE}", f"lineage: {{baseModel: verified, signers: {TWO}}}"),
        (f"revocation: {{revokers: {TWO}}}", f"revocation: {{revokers: {TWO}, ancestors: named}}"),
        (f"vsa: {{verifiers: [{FIRST}]}}", f"vsa: {{verifiers: [{FIRST}, {SECOND}]}}"),
        (f"vsa: {{verifiers: [{FIRST}, {SECOND}], select: all}}", f"vsa: {{verifiers: [{FIRST}]}}"),
        (
            f"vsa: {{verifiers: [{FIRST}, {SECOND}], select: all}}",
            f"vsa: {{verifiers: [{FIRST}, {SECOND}], select: any}}",
        ),
        (f"vsa: {{verifiers: [{FIRST}], maxAge: 1d}}", f"vsa: {{verifiers: [{FIRST}], maxAge: 2d}}"),
        (
            f"vsa: {{verifiers: [{FIRST}], policyDigests: ['{ALLOW}']}}",
            f"vsa: {{verifiers: [{FIRST}], policyDigests: ['{OTHER}']}}",
        ),
    ],
)
def test_an_extension_allows_nothing_more(base: str, own: str) -> None:
    """Every way to ask for less than the pinned policy is a usage error."""
    extends, files = pinned(base if base == "{}" else f"{{{base}}}")
    refused("policy.loosens", f"{{{extends}, {own}}}", files=files)


def test_an_extension_asks_for_more() -> None:
    """What is denied or required is joined, what is allowed is cut, the stricter bound counts."""
    extends, files = pinned(
        "{slsa: {build: 1, effect: warn}, age: {max: 10d}, licenses: {allow: [MIT, Apache-2.0]}, sbom: {formats: [spdx]},"
        " datasets: {deny: [{name: a}]}, time: {require: anyOf, of: [rekor, tsa]}}"
    )
    own = (
        "slsa: {build: 2}, age: {max: 1d}, licenses: {allow: [MIT]}, sbom: {formats: [cyclonedx]},"
        " datasets: {requireDigest: true, deny: [{name: b}]}, time: {require: allOf, of: [tsa]}"
    )
    both = policy(f"{{{extends}, {own}}}", files=files)
    assert both.slsa
    assert both.age
    assert both.licenses
    assert both.sbom
    assert both.datasets
    assert both.time
    assert (both.slsa.build, both.slsa.effect, both.age.max) == (2, "deny", 86_400)
    assert (both.licenses.allow, both.sbom.formats) == ({"MIT"}, {"spdx", "cyclonedx"})
    assert {pattern.name for pattern in both.datasets.deny or ()} == {"a", "b"}
    assert (both.datasets.require_digest, both.time.require_all, both.extended) == (True, True, ("p",))


def test_what_an_extension_leaves_out_it_takes_over() -> None:
    """A section that is said again keeps every bound that it does not speak of."""
    extends, files = pinned(
        f"{{vsa: {{verifiers: [{FIRST}, {SECOND}], select: all, maxAge: 2d, levels: [A]}}, lineage: {{baseModel: verified,"
        f" maxDepth: 2}}, evaluations: {{required: [{{name: a}}], effect: warn}}, waivers: {{approvers: {TWO}, count: 2}}}}"
    )
    own = (
        f"vsa: {{verifiers: [{FIRST}, {SECOND}], maxAge: 1d, levels: [B]}}, lineage: {{baseModel: verified}},"
        f" evaluations: {{required: [{{name: b}}]}}, waivers: {{approvers: {TWO}}}"
    )
    both = policy(f"{{{extends}, {own}}}", files=files)
    assert both.vsa
    assert both.lineage
    assert both.evaluations
    assert (both.vsa.select, both.vsa.needed, both.vsa.max_age, both.vsa.levels) == ("all", 2, 86_400, {"A", "B"})
    assert (both.lineage.depth, both.approvals, both.evaluations.effect) == (2, 2, "deny")
    assert {each.name for each in both.evaluations.required or ()} == {"a", "b"}


def test_a_profile_leaves_exceptions_to_who_uses_it() -> None:
    """Bytes may be allowed on top of a profile, by their digest, where the file says so."""
    both = policy(f"{{extends: production, formats: {{deny: [pickle], allowDigests: ['{ALLOW}']}}}}")
    assert both.formats
    assert both.formats.allowed == {Digest.parse(ALLOW)}
    assert both.formats.deny > {"pickle"}


def test_what_is_extended_is_pinned_by_digest() -> None:
    """Another file under the same name, or a name without a digest, is refused."""
    extends, files = pinned("{age: {max: 1d}}")
    assert "pinned" in refused("policy.invalid", f"{{{extends}}}", files={"org.yaml": files["org.yaml"] + b"\n"})
    refused("policy.invalid", "{extends: {file: org.yaml}}", files=files)
    refused("policy.invalid", "{extends: nothing}")


def test_policies_do_not_extend_one_another_without_end() -> None:
    """Eight levels are read."""
    extends, files = pinned("{}")
    for number in range(9):
        data = f"{HEAD}spec: {{{extends}}}\n".encode()
        files[f"{number}.yaml"] = data
        extends = f"extends: {{file: {number}.yaml, digest: '{Digest.of(data)}'}}"
    assert "more than 8" in refused("policy.invalid", f"{{{extends}}}", files=files)
