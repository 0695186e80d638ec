"""Who is expected to have signed, as people write it: `--signer`, `--builder`, `--certificate-identity`.

`github:OWNER/REPO[#ID][/WORKFLOW][@REF]` and `gitlab:GROUP/PROJECT[#ID][//FILE][@REF]`. Strict: whatever could be
read in two ways is refused with the two ways to write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from model_provenance.domain.context import Provider
from model_provenance.domain.text import shown
from model_provenance.domain.verification import IdentityExpectation, RepositoryExpectation
from model_provenance.errors import ModelProvenanceError

ISSUERS = {
    Provider.GITHUB: "https://token.actions.githubusercontent.com",
    Provider.GITLAB: "https://gitlab.com",
}
SERVERS = {Provider.GITHUB: "https://github.com", Provider.GITLAB: "https://gitlab.com"}
#: What names another instance than those two.
_INSTANCES = {
    Provider.GITHUB: "https://HOST/_services/token (Enterprise Server) or https://token.actions.NAME.ghe.com",
    Provider.GITLAB: "https://HOST",
}
_FORMS = {
    Provider.GITHUB: "github:OWNER/REPO[#ID][/.github/workflows/FILE][@refs/…]",
    Provider.GITLAB: "gitlab:GROUP/PROJECT[#ID][//FILE][@refs/…]",
}
#: Longer identities are in no certificate; longer patterns are no description of an identity.
IDENTITY_LIMIT = 2048
PATTERN_LIMIT = 512

_GITHUB = re.compile(
    r"(?P<path>[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100})(?:#(?P<id>[^/@]*))?(?P<file>/.*)?"
)
_GITLAB = re.compile(
    r"(?P<path>[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*){1,20})(?:#(?P<id>[^/@]*))?(?://(?P<file>.*))?"
)
_WORKFLOW = re.compile(r"\.github/workflows/[A-Za-z0-9._-]+\.ya?ml")
_CONFIG_FILE = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")
_REF = re.compile(r"refs/[^\s\x00-\x1f\x7f~^:?*\[\\]{1,250}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_EVENT = re.compile(r"[a-z][a-z_]{1,63}")
_HOST = r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,10}(?::[0-9]{1,5})?"
_ENTERPRISE_SERVER = re.compile(rf"(https://{_HOST})/_services/token")
_ENTERPRISE_CLOUD = re.compile(r"https://token\.actions\.([a-z0-9-]{1,63}\.ghe\.com)")
#: An enterprise may have its name put behind github.com's own issuer.
_ENTERPRISE_NAME = re.compile(r"/[a-z0-9][a-z0-9-]{0,99}")
_GITLAB_INSTANCE = re.compile(rf"https://{_HOST}(?:/[A-Za-z0-9._-]{{1,100}}){{0,5}}")


def server_of(provider: Provider, issuer: str) -> str | None:
    """The address of the instance whose jobs have tokens of this issuer; None for what no instance is called.

    GitHub: Actions' reference on OpenID Connect, for Enterprise Server and Enterprise Cloud. GitLab: the issuer is the address.
    """
    if issuer == ISSUERS[provider]:
        return SERVERS[provider]
    if provider is Provider.GITLAB:
        return issuer if _GITLAB_INSTANCE.fullmatch(issuer) else None
    if issuer.startswith(ISSUERS[provider]):
        return SERVERS[provider] if _ENTERPRISE_NAME.fullmatch(issuer.removeprefix(ISSUERS[provider])) else None
    if match := _ENTERPRISE_SERVER.fullmatch(issuer):
        return match[1]
    match = _ENTERPRISE_CLOUD.fullmatch(issuer)
    return f"https://{match[1]}" if match else None


def parse_signer(
    text: str,
    *,
    builder: str | None = None,
    environment: str | None = None,
    allow_events: Iterable[str] = (),
    issuer: str | None = None,
) -> RepositoryExpectation:
    """Read `--signer`, with `--builder`, `--environment` and `--allow-event`; raises `signer.invalid` with the form to write.

    `issuer` is that of another instance than github.com or gitlab.com, whose address follows from it.
    """
    scheme, colon, rest = text.partition(":")
    providers = {"github": Provider.GITHUB, "gitlab": Provider.GITLAB}
    if not colon or scheme not in providers or len(text) > IDENTITY_LIMIT:
        raise _invalid(f"`{shown(text)}` does not start with github: or gitlab:", *_FORMS.values())
    provider = providers[scheme]
    form = _FORMS[provider]
    body, at, ref = rest.partition("@")
    if at:
        _check_ref(ref, form)
    match = (_GITHUB if provider is Provider.GITHUB else _GITLAB).fullmatch(body)
    if match is None or match["path"].rpartition("/")[2] in (".", ".."):
        raise _invalid(f"`{shown(body)}` is not a repository with an optional ID and file", form)
    if match["id"] is not None and not re.fullmatch(r"[1-9][0-9]{0,19}", match["id"]):
        raise _invalid(f"the repository ID `{shown(match['id'])}` is not a number", form)
    if builder is not None and provider is Provider.GITLAB:
        raise _invalid("GitLab certificates name no builder, so --builder has no meaning with gitlab:", form)
    issuer = ISSUERS[provider] if issuer is None else issuer
    server = server_of(provider, issuer)
    if server is None:
        raise _invalid(
            f"`{shown(issuer)}` is not the token issuer of an instance of {scheme}:",
            f"as issuer {_INSTANCES[provider]}",
        )
    return RepositoryExpectation(
        provider=provider,
        repository=match["path"],
        repository_id=match["id"],
        workflow=_file(provider, match["file"], form),
        ref=ref if at else None,
        builder=None if builder is None else parse_builder(builder),
        environment=environment,
        issuer=issuer,
        server_url=server,
        events=parse_events(allow_events),
    )


def parse_builder(text: str) -> str:
    """Read `OWNER/REPO/PATH[@REF]` of a reusable workflow that may sign; raises `signer.invalid`."""
    form = "OWNER/REPO/.github/workflows/FILE[@refs/… or a full commit id]"
    body, at, ref = text.partition("@")
    match = _GITHUB.fullmatch(body)
    if match is None or match["id"] is not None or not match["file"] or not _WORKFLOW.fullmatch(match["file"][1:]):
        raise _invalid(f"`{shown(body)}` is not a reusable workflow", form)
    if at and not _COMMIT.fullmatch(ref):
        _check_ref(ref, form)
    return text


def parse_identity(
    identity: str,
    *,
    issuer: str,
    is_regexp: bool = False,
    source_repository: str | None = None,
    allow_events: Iterable[str] = (),
) -> IdentityExpectation:
    """Read `--certificate-identity[-regexp]` and what goes with it; raises `signer.invalid`."""
    limit = PATTERN_LIMIT if is_regexp else IDENTITY_LIMIT
    if not 0 < len(identity) <= limit:
        raise _invalid(f"the certificate identity is empty or longer than {limit} characters")
    if is_regexp:
        try:
            re.compile(identity)
        except (re.error, RecursionError, OverflowError) as error:
            raise _invalid(f"the certificate identity is not a regular expression: {error}") from error
    for what, url in (("issuer", issuer), ("source repository", source_repository)):
        if url is not None and not _is_url(url):
            raise _invalid(f"the {what} `{shown(url)}` is not a URL", "https://HOST/PATH")
    return IdentityExpectation(identity, is_regexp, issuer, source_repository, parse_events(allow_events))


def parse_events(events: Iterable[str]) -> frozenset[str]:
    """Read `--allow-event`; raises `signer.invalid`."""
    allowed = frozenset(events)
    for event in allowed:
        if not _EVENT.fullmatch(event):
            raise _invalid(f"`{shown(event)}` is not an event", "pull_request, merge_request_event, …")
    return allowed


def _file(provider: Provider, text: str | None, form: str) -> str | None:
    if text is None:
        return None
    if provider is Provider.GITHUB:
        path = text.removeprefix("/")
        if not _WORKFLOW.fullmatch(path):
            raise _invalid(f"`{shown(path)}` is not a workflow: its whole path is needed", form)
        return path
    if not _CONFIG_FILE.fullmatch(text) or ".." in text.split("/"):
        raise _invalid(f"`{shown(text)}` is not the path of a configuration file", form)
    return text


def _check_ref(ref: str, form: str) -> None:
    if not ref.startswith("refs/"):
        raise _invalid(
            f"`{shown(ref)}` may be a branch or a tag", f"@refs/heads/{shown(ref, 60)}", f"@refs/tags/{shown(ref, 60)}"
        )
    if not _REF.fullmatch(ref):
        raise _invalid(f"`{shown(ref)}` is not a git ref", form)


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.netloc) and text.isprintable() and " " not in text


def _invalid(why: str, *forms: str) -> ModelProvenanceError:
    remedy = f"Write {' or '.join(forms)}." if forms else None
    return ModelProvenanceError("signer.invalid", why, remedy=remedy)
