"""A private PKI as OpenSSL makes it: root, intermediate, leaf and the leaf's key, in PEM files."""

from __future__ import annotations

import subprocess
from pathlib import Path

_CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
_LEAF = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"


class Pki:
    """Made by the `openssl` command, as a team's own authority would be."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.root = self._certificate("root", None, _CA)
        self.intermediate = self._certificate("intermediate", "root", _CA)
        self.leaf = self._certificate("leaf", "intermediate", _LEAF)
        self.key = folder / "leaf.key"

    def _certificate(self, name: str, issuer: str | None, extensions: str) -> Path:
        at = self._folder
        (at / f"{name}.ext").write_text(extensions)
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
        self._openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/O=acme/CN={name}", "-out", f"{name}.csr")
        signer = ["-signkey", f"{name}.key"] if issuer is None else ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"]
        serial = [] if issuer is None else ["-CAcreateserial"]
        made = ["-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem"]
        self._openssl("x509", "-req", "-in", f"{name}.csr", *signer, *serial, *made)
        return at / f"{name}.pem"

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self._folder, check=True, capture_output=True)
