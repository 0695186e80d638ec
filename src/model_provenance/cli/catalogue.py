"""Every option of every command, declared once.

The commands, the inputs of `action.yml` and of the GitLab templates, and `docs/reference.md` are made from this table
(`tools/generate.py`); `make check` fails when one of them differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from model_provenance.domain.status import REASONS


class Kind(Enum):
    """What an option takes."""

    TEXT = "text"
    PATH = "path"
    FLAG = "flag"
    CHOICE = "choice"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Option:
    """One option: `--name` on the command line, `name` as an input in CI (where `ci` lists the jobs that take it)."""

    name: str
    help: str
    commands: tuple[str, ...]
    kind: Kind = Kind.TEXT
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    default: str | None = None
    #: Jobs of the action and the component that take it: "release", "verify".
    ci: tuple[str, ...] = ()
    #: What CI puts in when nothing is given, in words, for the description.
    ci_default: str = ""
    #: Values of the input, the first by default, where CI decides what is a switch on the command line.
    ci_choices: tuple[str, ...] = ()
    #: What the input means, where the words of the command line do not fit.
    ci_help: str = ""
    required: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that carries this input in CI."""
        return "MODEL_PROVENANCE_" + self.name.upper().replace("-", "_")


_SIGNING = ("release", "sign")
_DECIDING = ("verify", "exec", "pull", "policy explain")
_REVOKING = ("revoke", "status publish", "status show")
_REACHING = ("release", "sign", "verify", "pull", "copy", "discover", "doctor", "policy explain", *_REVOKING)

OPTIONS: tuple[Option, ...] = (
    Option("name", "Name of the model: segments of a-z, 0-9, '.', '_', '-', joined by '/'.",
           ("release", "sbom"), metavar="NAME", ci=("release",), ci_default="the last segment of the first `push`, else the name of the repository"),
    Option("name", "Name that the signed manifest must carry.", _DECIDING, metavar="NAME", ci=("verify",)),
    Option("version", "Version of the model; also its tag in a registry.", ("release", "sbom"), metavar="VERSION",
           ci=("release",), ci_default="the tag without `v`; on a branch `0.0.0-<12 hex of the commit>`"),
    Option("version", "Version that the signed manifest must carry.", _DECIDING, metavar="VERSION", ci=("verify",)),
    Option("name", "Name of the dataset; without it that of the folder or file.", ("manifest dataset",), metavar="NAME"),
    Option("digest", "Digest that the release must have: of the model, of the package, or of one of its OCI manifests.",
           _DECIDING, metavar="sha256:HEX", ci=("verify",)),
    Option("require", "Parts that the model and its SBOM must have, of weights, config, tokenizer, card, license, joined by commas; "
           "by default weights, config and license.", _DECIDING, metavar="PARTS", ci=("verify",), ci_default="weights, config and license"),
    Option("manifest", "Source manifest (JSON or YAML): what people declare about the model.",
           ("release", "sbom", "sbom verify"), Kind.PATH, "FILE", ci=("release",)),
    Option("dataset", "Dataset that the model was made with, beside those of the manifest: NAME=PATH takes the digest of a local file or folder, NAME@sha256:HEX "
           "declares it, FILE holds entries as `model-provenance manifest dataset` prints them. May be repeated.",
           ("release", "sbom", "sbom verify"), Kind.LIST, "DATASET", ci=("release",)),
    Option("output", "Folder of the release.", ("release",), Kind.PATH, "DIR", ci=("release",), ci_default="dist/NAME-VERSION"),
    Option("output", "Folder for the model; it must not exist.", ("pull",), Kind.PATH, "DIR"),
    Option("output", "Folder for the documents; without it the first goes to standard output.", ("sbom",), Kind.PATH, "DIR"),
    Option("output", "Folder to write trusted root, trust config and TUF metadata into.", ("trust",), Kind.PATH, "DIR"),
    Option("output", "Writes STEM.key (encrypted as cosign does) and STEM.pub.", ("keygen",), Kind.PATH, "STEM"),
    Option("layout", "How the package is serialised: OCI layers that containers can mount, one raw blob per file, or one archive.",
           ("release",), Kind.CHOICE, choices=("layers", "raw", "tar", "tar.gz", "tar.zst"), default="layers", ci=("release",)),
    Option("oci-layout", "Also write the package and its evidence into this OCI layout folder.", ("release",), Kind.PATH, "DIR", ci=("release",)),
    Option("push", "Push package and evidence to this repository: HOST/REPOSITORY[:TAG], the tag being the version by default. May be repeated.",
           ("release", "sign"), Kind.LIST, "REFERENCE", ci=("release",)),
    Option("allow-tag-move", "Let a tag that names another model be overwritten.", ("release", "sign", "copy"), Kind.FLAG, ci=("release",)),
    Option("remote", "With a model in a registry: verify manifests and evidence alone, fetch no weights.", ("verify",), Kind.FLAG),
    Option("username", "User to log in to the registry with; by default the login of Docker, podman or the CI job is used.",
           _REACHING, metavar="NAME"),
    Option("password-stdin", "Read the registry's password from standard input.", _REACHING, Kind.FLAG),
    Option("plain-http", "Reach the registry without TLS and without credentials; on this machine that is so by itself.",
           _REACHING, Kind.FLAG),
    Option("token-service", "A host outside the registry's own domain that it may send to for tokens, with your login. May be repeated.",
           _REACHING, Kind.LIST, "HOST"),
    Option("status-list", "Where revocations are published: a folder, one snapshot, or oci://HOST/REPOSITORY[:TAG]; the policy names who may revoke.",
           _DECIDING, metavar="PLACE", ci=("verify",)),
    Option("status-list", "Where revocations are published: a folder or oci://HOST/REPOSITORY[:TAG].", _REVOKING, metavar="PLACE"),
    Option("status-as-of", "Decide by a snapshot that was fresh at this moment (2026-11-28T12:00:00Z), where no network is; the policy must allow it.",
           _DECIDING, metavar="MOMENT"),
    Option("status-grace", "How long a stale status list is only warned of, because a server must be able to start: 12h, 3d, or none.", ("exec",),
           metavar="TIME", default="24h"),
    Option("list", "Name of the list: for a new one, and to be sure of one that is there.", _REVOKING, metavar="NAME"),
    Option("valid-for", "How long the snapshot is fresh: 12h, 7d.", ("revoke", "status publish"), metavar="TIME", default="7d"),
    Option("cosign", "Sign the newest snapshot as it stands, as a further revoker.", ("status publish",), Kind.FLAG),
    Option("action", "What to do: suspend is for a while, reinstate takes both back, supersede only names what to use instead.", ("revoke",),
           Kind.CHOICE, choices=("revoke", "suspend", "reinstate", "supersede"), default="revoke"),
    Option("scope", "What it is about: a model or a file of one, one signed bundle, a dataset, or a base model; `signer` with --signer-identity.", ("revoke",),
           Kind.CHOICE, choices=("artifact", "attestation", "signer", "dataset", "base-model"), default="artifact"),
    Option("reason", "Why.", ("revoke",), Kind.CHOICE, choices=REASONS),
    Option("propagate", "Whether models that were made from it are meant, too; by default descendants for datasets and base models.", ("revoke",),
           Kind.CHOICE, choices=("none", "descendants")),
    Option("invalid-since", "Since when it is wrong (2026-11-28T12:00:00Z).", ("revoke",), metavar="MOMENT"),
    Option("replaced-by", "Digest of the model to use instead.", ("revoke",), metavar="sha256:HEX"),
    Option("comment", "What people should know, in a line.", ("revoke",), metavar="TEXT"),
    Option("reference", "Address of an advisory or ticket. May be repeated.", ("revoke",), Kind.LIST, "URL"),
    Option("signer-identity", "With --scope signer: the certificate identity, or key:FINGERPRINT, whose signatures do not count.", ("revoke",), metavar="IDENTITY"),
    Option("signer-issuer", "With --scope signer: the issuer of that identity.", ("revoke",), metavar="URL"),
    Option("not-before", "With --scope signer: signatures from then on.", ("revoke",), metavar="MOMENT"),
    Option("not-after", "With --scope signer: signatures until then.", ("revoke",), metavar="MOMENT"),
    Option("evidence", "Release folder of the model: its name and version are noted, and its digest must be the one that is revoked.", ("revoke",), Kind.PATH, "DIR"),
    Option("among", "Folder with release folders: those that are affected are listed (found, not verified).", ("revoke", "status show"), Kind.PATH, "DIR"),
    Option("policy", "Policy whose section `revocation` names the revokers of the list; needed to sign keyless, or to go on with a list of others.",
           _REVOKING, metavar="FILE"),
    Option("registry", "Repository to reach: HOST/REPOSITORY[:TAG].", ("doctor",), metavar="REFERENCE"),
    Option("key", "Private key to sign with (cosign's or PEM, EC P-256, P-384 or P-521), instead of an OIDC identity.",
           (*_SIGNING, "policy waive", "revoke", "status publish"), Kind.PATH, "FILE"),
    Option("key", "Public key (PEM) that must have signed.", _DECIDING, Kind.PATH, "FILE", ci=("verify",)),
    Option("certificate", "Certificate (PEM) of a private PKI for --key; the bundle carries it.", ("sign",), Kind.PATH, "FILE"),
    Option("certificate-chain", "Certificates between --certificate and the root, in one PEM file.", ("sign",), Kind.PATH, "FILE"),
    Option("certificate-chain", "Certificates (PEM) of a private PKI: to one of them the signing certificate must lead.",
           ("verify", "exec"), Kind.PATH, "FILE"),
    Option("identity-token", "OIDC identity token to sign with; in CI it is found by itself.", (*_SIGNING, "verify", "revoke", "status publish"), metavar="TOKEN"),
    Option("trust-config", "Sigstore client trust config (JSON) of a private instance, instead of the public one.",
           ("release", "sign", "verify", "exec", "pull", "doctor", "policy explain", *_REVOKING), Kind.PATH, "FILE", ci=("release", "verify")),
    Option("trusted-root", "Sigstore trusted root (JSON) to verify with.", _DECIDING, Kind.PATH, "FILE"),
    Option("root", "TUF root metadata (root.json) of the private Sigstore, from somebody you trust.", ("trust",), Kind.PATH, "FILE"),
    Option("allow-public-log", "Allow a private repository or a personal identity to appear in public transparency logs.",
           (*_SIGNING, "verify", "revoke", "status publish"), Kind.FLAG, ci=("release",)),
    Option("sbom", "SBOMs to write, joined by commas: spdx-json (2.3), spdx-json@2.2, spdx3-json (3.0.1), cyclonedx-json (1.6), cyclonedx-json@1.7.",
           ("release", "sbom"), metavar="FORMATS", default="spdx-json,cyclonedx-json", ci=("release",)),
    Option("environment", "What the training ran with: a pip lock file or `pip freeze`, or the SBOM (SPDX, CycloneDX) of an image. Described as build tools, never as shipped.",
           ("release", "sbom"), Kind.PATH, "FILE", ci=("release",)),
    Option("evaluation", "Result file of an evaluation or bias test: `results_*.json` of lm-evaluation-harness, a JSON list `tests`, or a model card with a model index. May be repeated.",
           ("release", "sbom", "sbom verify"), Kind.LIST, "FILE", ci=("release",)),
    Option("sbom-engine", "Who describes the model: `auto` adds what Syft finds where Syft is there, `native` never runs it, `syft` insists on it.",
           ("release", "sbom"), Kind.CHOICE, choices=("auto", "native", "syft"), default="auto", ci=("release",)),
    Option("syft", "Syft executable to use.", ("release", "sbom", "doctor"), Kind.PATH, "FILE"),
    Option("allow-symlinks", "Follow symbolic links to regular files inside the model or its hub cache.",
           ("release", "sign", "verify", "inspect", "sbom", "sbom verify"), Kind.FLAG, ci=("release",)),
    Option("ignore-path", "Leave out this file or folder of the model (exact path, no globs). May be repeated.",
           ("release", "sign", "verify", "inspect", "sbom", "sbom verify", "manifest dataset"), Kind.LIST, "PATH", ci=("release",)),
    Option("training-commit", "Commit that trained the model (declared): a full or short id, or git+https://HOST/REPO@ID.",
           ("release",), metavar="COMMIT", ci=("release",)),
    Option("trained-here", "The commit that releases the model also trained it, in this run.", ("release",), Kind.FLAG, ci=("release",)),
    Option("container-digest", "Digest of the container image that this job runs in (declared).", ("release",), metavar="sha256:HEX", ci=("release",)),
    Option("files-digest", "Release only files whose names and contents have this digest: the `files-digest` that the job which built them gave.",
           ("release",), metavar="sha256:HEX", ci=("release",)),
    Option("sign-later", "When Sigstore does not answer, keep the unsigned statements beside the release and exit 23, for `sign --spool`.",
           ("release",), Kind.FLAG),
    Option("spool", "Folder that `release --sign-later` kept: derive its statements again from the model, and sign them.",
           ("sign",), Kind.PATH, "DIR"),
    Option("dry-run", "Do everything but sign: prints UNSIGNED, writes no evidence, exits 0.", ("release",), Kind.FLAG,
           ci=("release",), ci_choices=("auto", "true", "false"),
           ci_help="Show what would be released, without signing or pushing: `auto` on pull and merge requests, `true` always, `false` only where a stranger's pull request gets no identity."),
    Option("evidence", "Release folder, or its `evidence/` folder.", _DECIDING, Kind.PATH, "DIR", ci=("verify",)),
    Option("bundle", "Sigstore bundle to write, e.g. model.sig.", ("sign",), Kind.PATH, "FILE"),
    Option("bundle", "Verify only what this one Sigstore bundle says.", ("verify",), Kind.LIST, "FILE"),
    Option("signer", "Who must have signed: `github:OWNER/REPO[#ID][/WORKFLOW][@REF]` or `gitlab:GROUP/PROJECT[#ID][//FILE][@REF]`.",
           _DECIDING, metavar="SIGNER", ci=("verify",)),
    Option("builder", "Reusable workflow that may sign for the signer's repository: `OWNER/REPO/PATH[@REF]`.", _DECIDING, metavar="WORKFLOW", ci=("verify",)),
    Option("environment", "Deployment environment that the run must have had.", _DECIDING, metavar="NAME"),
    Option("certificate-identity", "Exact subject of the signing certificate.", _DECIDING, metavar="URI"),
    Option("certificate-identity-regexp", "Regular expression that the whole subject must match.", _DECIDING, metavar="REGEXP"),
    Option("certificate-oidc-issuer", "Exact issuer of the signing identity. With --signer: another instance than github.com or gitlab.com.",
           _DECIDING, metavar="URL", ci=("verify",),
           ci_help="Token issuer of the instance whose jobs `signer` means, where that is not github.com or gitlab.com: `https://HOST/_services/token` of a GitHub Enterprise Server, `https://HOST` of a GitLab."),
    Option("source-repository", "Repository that the signed run must have built from, where the identity is a workflow elsewhere.", _DECIDING, metavar="URL"),
    Option("allow-event", "Accept a run that this event started, besides the default ones. May be repeated.", _DECIDING, Kind.LIST, "EVENT", ci=("verify",)),
    Option("policy", "Policy that must allow the release, too: a file, or `integrity`, `baseline` or `production`. It may name who must have signed.",
           ("verify", "exec", "pull"), metavar="FILE|PROFILE", ci=("verify",)),
    Option("to", "Admission controller to write the policy for.", ("policy export",), Kind.CHOICE, choices=("kyverno", "policy-controller"), required=True),
    Option("images", "Repositories that must meet the policy, with all below them: HOST/PATH. May be repeated.", ("policy export",), Kind.LIST, "HOST/PATH", required=True),
    Option("opa", "Open Policy Agent to evaluate the policy's modules of Rego with, instead of the one on PATH.",
           ("verify", "exec", "pull", "policy explain", "policy check", "policy test"), Kind.PATH, "FILE", ci=("verify",)),
    Option("waiver", "Signed waiver (`policy waive`) of one gate of the policy for this model. May be repeated.",
           ("verify", "exec", "pull", "policy explain"), Kind.LIST, "FILE", ci=("verify",)),
    Option("cache", "Folder of your own that remembers what was read from which files, so that an unchanged model is not read again. Everything else is verified again.",
           ("verify", "exec"), Kind.PATH, "DIR"),
    Option("log-heads", "Folder that remembers which trees logs have signed, so that one that changes its story is noticed; by default below the user's state folder.",
           ("verify", "exec", "pull"), Kind.PATH, "DIR"),
    Option("memory", "Copy every file into sealed memory before it is verified; without it, files up to 16 MiB.", ("exec",), Kind.FLAG),
    Option("toctou", "Least protection of the verified bytes until they are used; the strongest is last.", ("exec",), Kind.CHOICE,
           choices=("unprotected", "held", "leased", "sealed", "fs-verity"), default="unprotected"),
    Option("receipt", "File that a line of JSON is appended to: what was loaded, when, on whose word.", ("exec",), Kind.PATH, "FILE"),
    Option("vsa", "Sign the decision of the policy as a SLSA verification summary, PASSED or FAILED, and write its bundle.",
           ("verify",), Kind.PATH, "FILE"),
    Option("vsa-key", "Private key to sign the summary with, instead of the identity of the job; never the key of the release.",
           ("verify",), Kind.PATH, "FILE"),
    Option("verifier-id", "URI in whose name is verified; who accepts the summary pins it together with its signer.", ("verify",), metavar="URI"),
    Option("base-evidence", "Release folder, or its `evidence/`, of a base model that the policy asks about. May be repeated.",
           ("verify", "exec", "pull", "policy explain"), Kind.LIST, "DIR", ci=("verify",)),
    Option("accept-vsa", "Signed verification summary (`verify --vsa`) of the model or of a base model, by a verifier that the policy names. May be repeated.",
           ("verify", "exec", "pull", "policy explain"), Kind.LIST, "FILE", ci=("verify",)),
    Option("resource-uri", "What a verification summary must call the model, and calls it with --vsa; by default its package URL, made of name and version.",
           ("verify", "exec", "policy explain"), metavar="URI"),
    Option("output", "Bundle to write.", ("policy waive",), Kind.PATH, "FILE", required=True),
    Option("gate", "Gate that the waiver is for.", ("policy waive",), metavar="GATE", required=True),
    Option("reason", "Why it is accepted that the gate fails.", ("policy waive",), metavar="TEXT", required=True),
    Option("approver", "Who accepts it, in words; believed is who signs.", ("policy waive",), metavar="TEXT", required=True),
    Option("ticket", "Where it was decided.", ("policy waive",), metavar="TEXT", required=True),
    Option("expires", "Last day on which the waiver counts: 2027-06-30.", ("policy waive",), metavar="DATE", required=True),
    Option("ignore-unsigned-files", "With --bundle: accept files that the signature does not list.", ("verify",), Kind.FLAG),
    Option("inputs", "File of `name=value` lines with every input of the job, instead of variables, which others may set. A value may name variables: $CI_COMMIT_TAG.",
           ("ci release", "ci verify"), Kind.PATH, "FILE"),
    Option("force", "Overwrite existing key files.", ("keygen",), Kind.FLAG),
    Option("profile", "Rules to check against: `minimum` for a release folder, the others for an SBOM.", ("sbom check",), Kind.CHOICE,
           choices=("minimum", "ntia", "ntia-2025", "bsi-tr-03183", "g7-ai", "spdx3-ai", "eu-gpai"), required=True),
    Option("format", "What to print on standard output.",
           ("release", "verify", "pull", "copy", "discover", "sign", "inspect", "sbom", "sbom verify", "manifest check", "doctor", "trust", "policy test", *_REVOKING), Kind.CHOICE, choices=("text", "json"), default="text"),
    Option("format", "What to print on standard output.", ("policy explain",), Kind.CHOICE, choices=("text", "markdown"), default="text"),
    Option("format", "What to print on standard output.", ("sbom check",), Kind.CHOICE, choices=("text", "json", "markdown"), default="text"),
    Option("format", "What to print on standard output.", ("manifest dataset",), Kind.CHOICE, choices=("yaml", "json"), default="yaml"),
)  # fmt: skip


def options_of(command: str) -> tuple[Option, ...]:
    """The options of one command, in the order of the table."""
    return tuple(option for option in OPTIONS if command in option.commands)


def ci_inputs(job: str) -> tuple[Option, ...]:
    """The options that the `release` or `verify` job takes as inputs."""
    return tuple(option for option in OPTIONS if job in option.ci)


def ci_names(job: str) -> tuple[str, ...]:
    """Every input of the `release` or `verify` job that decides what it does: its targets, then its options."""
    targets = ("model",) if job == "release" else ("model", "reference")
    return (*targets, *(option.name for option in ci_inputs(job)))
