"""What is never part of a model, told by its name: version control, tokens, credentials, keys (design, 4.4.11).

A release is published; a credential in it is published with it. Contents are looked at in `refuse.py`.
"""

from __future__ import annotations

import re

#: Folders, or files of that name (a submodule's `.git` is a file), at any depth.
_FOLDERS = {
    ".git": "a git repository inside the model",
    ".hg": "a Mercurial repository",
    ".svn": "a Subversion working copy",
    ".ssh": "SSH keys",
    ".gnupg": "GnuPG keys",
    ".aws": "AWS credentials",
    ".azure": "Azure credentials",
    ".kube": "Kubernetes credentials",
}
_FILES = {
    ".netrc": "passwords for hosts",
    "_netrc": "passwords for hosts",
    ".npmrc": "a package registry token",
    ".pypirc": "a package registry token",
    ".git-credentials": "git passwords",
    ".dockercfg": "registry passwords",
    ".pgpass": "database passwords",
    ".my.cnf": "database passwords",
    ".s3cfg": "cloud storage credentials",
    ".boto": "cloud storage credentials",
    ".vault-token": "a Vault token",
    ".htpasswd": "passwords",
    "application_default_credentials.json": "Google Cloud credentials",
    "kubeconfig": "Kubernetes credentials",
    "kaggle.json": "a Kaggle token",
    "cosign.key": "a signing key",
}
_ENDINGS = {
    ".docker/config.json": "registry passwords",
    ".config/gcloud/credentials.db": "Google Cloud credentials",
    ".config/gcloud/access_tokens.db": "Google Cloud credentials",
    ".cache/huggingface/token": "a hub token",
    ".cache/huggingface/stored_tokens": "hub tokens",
    ".huggingface/token": "a hub token",
}
_SSH_KEY = re.compile(r"id_(rsa|dsa|ecdsa|ecdsa_sk|ed25519|ed25519_sk)")
#: `.env.example` and its like are documentation.
_ENV = re.compile(r"\.env(rc|\.(?!example$|sample$|template$|dist$).+)?")


def secret_name(path: str) -> str | None:
    """What a file or folder of this model-relative path holds that must not be released, or None."""
    name = path.rpartition("/")[2].lower()
    known = _FOLDERS.get(name) or _FILES.get(name)
    if known:
        return known
    if _SSH_KEY.fullmatch(name):
        return "an SSH private key"
    if _ENV.fullmatch(name):
        return "environment variables, which often hold secrets"
    lower = f"/{path.lower()}"
    return next((what for ending, what in _ENDINGS.items() if lower.endswith(f"/{ending}")), None)
