"""How a simulated registry answers.

Strict: a manifest is taken only when everything it names is there, a blob only when its digest is true, a request only in
the form that the specification gives it. What a client may rely on elsewhere it can be made to miss here.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from base64 import b64decode
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from model_provenance.testing.registry_store import Session

if TYPE_CHECKING:
    from model_provenance.testing.registry_sim import RegistrySim

_PATH = re.compile(r"/v2/(?P<name>[a-z0-9._/-]+?)/(?P<kind>blobs|manifests|tags|referrers)/(?P<rest>.+)")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_INDEX = "application/vnd.oci.image.index.v1+json"
_PIECE = 1 << 20


class _Answered(Exception):  # noqa: N818 - ends a request early, no error
    """The answer has been sent."""


class RegistryHandler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    sim: RegistrySim
    timeout = 30
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        """Hang up on what the client or a test breaks."""
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError, ValueError):
            self.close_connection = True

    @property
    def _port(self) -> int:
        return int(self.connection.getsockname()[1])

    def _serve(self) -> None:
        sim, quirks = self.sim, self.sim.quirks
        self._left = int(self.headers.get("Content-Length") or 0)
        parts = urlsplit(self.path)
        self._query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        sim.requests.append(f"{self.command} {self.path}")
        if self.headers.get("Authorization"):
            sim.credentials_seen.append((self._port, self.headers["Authorization"]))
        try:
            if sim.before is not None:
                sim.before(self.command, self.path)
            if parts.path == "/token":
                self._token()
            if sim.storm > 0:
                sim.storm -= 1
                self._error(429, "TOOMANYREQUESTS", headers={"Retry-After": quirks.retry_after})
            if quirks.redirect_loop and self.command in ("GET", "HEAD"):
                self._send(307, headers={"Location": self.path})
            elsewhere = f"127.0.0.1:{self._port}" == sim.other_host
            if not elsewhere:
                self._authorise()
            if parts.path in ("/v2/", "/v2"):
                self._send(200, b"{}")
            match = _PATH.fullmatch(parts.path)
            if match is None:
                self._error(404, "UNSUPPORTED")
            else:
                getattr(self, "_" + match["kind"])(match["name"], match["rest"])
        except _Answered:
            if self._left:
                self._drain()

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - the names that http.server looks up

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    # --- authentication

    def _authorise(self) -> None:
        sim, quirks = self.sim, self.sim.quirks
        said = self.headers.get("Authorization", "")
        if quirks.auth == "basic" and not self._is_user(said):
            self._error(401, "UNAUTHORIZED", headers={"WWW-Authenticate": 'Basic realm="sim"'})
        if quirks.auth == "token" and sim.tokens.get(said.removeprefix("Bearer "), 0) <= time.monotonic():
            realm = quirks.realm or f"http://{sim.host}/token"
            name = (
                self.path.split("/v2/")[1].partition("/blobs")[0].partition("/manifests")[0]
                if "/v2/" in self.path
                else ""
            )
            challenge = f'Bearer realm="{realm}",service="sim",scope="repository:{name}:pull"'
            self._error(401, "UNAUTHORIZED", headers={"WWW-Authenticate": challenge})

    def _is_user(self, said: str) -> bool:
        try:
            return b64decode(said.removeprefix("Basic ")).decode() == f"{self.sim.USER}:{self.sim.PASSWORD}"
        except ValueError:
            return False

    def _token(self) -> None:
        sim = self.sim
        sim.token_requests += 1
        if self.command == "POST":
            form = parse_qs(self._read().decode())
            if form.get("refresh_token") != [sim.PASSWORD]:
                self._error(401, "UNAUTHORIZED")
        elif not self._is_user(self.headers.get("Authorization", "")):
            self._error(401, "UNAUTHORIZED")
        seconds = sim.quirks.token_seconds
        token = secrets.token_hex(8)
        sim.tokens[token] = time.monotonic() + (60 if seconds is None else seconds)
        value: dict[str, Any] = {"token": token} if seconds is None else {"access_token": token, "expires_in": seconds}
        self._send(200, json.dumps(value).encode())

    # --- blobs

    def _blobs(self, name: str, rest: str) -> None:
        if rest == "uploads/" or rest.startswith("uploads/"):
            self._uploads(name, rest.removeprefix("uploads/"))
        quirks, store = self.sim.quirks, self.sim.store
        size = store.blob_size(name, rest)
        if size is None:
            self._error(404, "BLOB_UNKNOWN")
        digest = {} if quirks.no_digest_header else {"Docker-Content-Digest": rest}
        if self.command == "HEAD":
            self._send(200, headers={**digest, "Content-Length": str(size)})
        if self.command != "GET":
            self._error(405, "UNSUPPORTED")
        if quirks.redirect_blobs and f"127.0.0.1:{self._port}" == self.sim.host:
            self._send(307, headers={"Location": f"http://{self.sim.other_host}{self.path}"})
        data = store.blob(name, rest) or b""
        if quirks.lying_content and len(data) > 2:  # noqa: PLR2004 - not the empty configuration
            data = data[:-1] + bytes([data[-1] ^ 1])
        self._ranged(data, rest, digest)

    def _ranged(self, data: bytes, digest: str, headers: dict[str, str]) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start, status = 0, 200
        body = data
        if asked and data:
            start = int(asked[1])
            if start >= len(data):
                self._error(416, "RANGE_INVALID", headers={"Content-Range": f"bytes */{len(data)}"})
            end = min(int(asked[2]) if asked[2] else len(data) - 1, len(data) - 1)
            body, status = data[start : end + 1], 206
            headers = {**headers, "Content-Range": f"bytes {start}-{end}/{len(data)}"}
        at = self.sim.quirks.truncate_at
        if at is not None and len(body) > at and not (self.sim.quirks.truncate_once and digest in self.sim.truncated):
            self.sim.truncated.add(digest)
            self._head(status, {**headers, "Content-Length": str(len(body))})
            self.wfile.write(body[:at])
            self.close_connection = True
            raise _Answered
        self._send(status, body, headers=headers, content_type="application/octet-stream")

    def _uploads(self, name: str, session_name: str) -> None:
        sim, quirks, store = self.sim, self.sim.quirks, self.sim.store
        if self.command == "POST":
            if not quirks.repositories_exist and name not in store.manifests and name not in self.sim.repositories:
                self._error(404, "NAME_UNKNOWN", "RepositoryNotFoundException")
            mount, source = self._query.get("mount"), self._query.get("from")
            if mount and source and store.blob_size(source, mount) is not None:
                store.put_blob(name, mount, store.blob(source, mount) or b"")
                self._send(201, headers={"Location": f"/v2/{name}/blobs/{mount}", "Docker-Content-Digest": mount})
            self._continue(name, store.open_session(name), 202)
        session = store.sessions.get(session_name)
        if session is None or session.repository != name:
            self._error(404, "BLOB_UPLOAD_UNKNOWN")
            return
        if self.command == "PATCH":
            if quirks.patch_status is not None:
                self._error(quirks.patch_status, "UNSUPPORTED")
            if quirks.last_chunk_only:
                store.sessions[session_name] = session = Session(name)
            self._take(session, self._left)
            self._continue(name, session_name, 202, session.size)
        if self.command == "DELETE":
            store.sessions.pop(session_name, None)
            self._send(204)
        if self.command != "PUT":
            self._error(405, "UNSUPPORTED")
        if sim.lost_sessions > 0:
            sim.lost_sessions -= 1
            store.sessions.pop(session_name, None)
            self._error(404, "BLOB_UPLOAD_UNKNOWN")
        self._take(session, self._left)
        self._close_upload(name, session_name, session)

    def _close_upload(self, name: str, session_name: str, session: Session) -> None:
        quirks, store = self.sim.quirks, self.sim.store
        digest = self._query.get("digest", "")
        if not _DIGEST.fullmatch(digest):
            self._error(400, "DIGEST_INVALID")
        store.sessions.pop(session_name, None)
        if quirks.blob_limit is not None and session.size > quirks.blob_limit:
            self._error(413, "SIZE_INVALID")
        headers = {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest}
        if quirks.swallow_from is not None and session.size >= quirks.swallow_from:
            store.swallow(name, digest, session.size)
            self._send(201, headers=headers)
        if f"sha256:{session.digest.hexdigest()}" != digest and not quirks.drops_bytes:
            self._error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        if not quirks.forgets_blobs:
            store.put_blob(name, digest, bytes(session.data))
        self._send(201, headers=headers)

    def _take(self, session: Session, size: int) -> None:
        """Body bytes into the session; one that is cut leaves the session as it was cut."""
        swallow = self.sim.quirks.swallow_from
        buffer = memoryview(bytearray(_PIECE))
        keep = size - self.sim.quirks.drops_bytes if self.command == "PATCH" else size
        while self._left:
            count = self.rfile.readinto(buffer[: min(_PIECE, self._left)])
            if not count:
                raise ConnectionError
            self._left -= count
            piece = buffer[: max(0, min(count, keep))]
            keep -= count
            session.size += len(piece)
            if swallow is None or session.size < swallow:
                session.data += piece
                session.digest.update(piece)
            else:
                session.data = bytearray()

    def _continue(self, name: str, session_name: str, status: int, size: int = 0) -> None:
        path = f"/v2/{name}/blobs/uploads/{session_name}?state={secrets.token_hex(4)}"
        host = self.sim.other_host if self.sim.quirks.location == "other" else self.sim.host
        location = path if self.sim.quirks.location == "relative" else f"http://{host}{path}"
        if self.sim.quirks.location == "none":
            self._send(status)
        self._send(status, headers={"Location": location, "Range": f"0-{max(size - 1, 0)}"})

    # --- manifests, tags, referrers

    def _manifests(self, name: str, reference: str) -> None:
        quirks, store = self.sim.quirks, self.sim.store
        if self.command == "PUT":
            self._put_manifest(name, reference)
        if self.command not in ("GET", "HEAD"):
            self._error(405, "UNSUPPORTED")
        digest: str | None = reference
        if not _DIGEST.fullmatch(reference):
            age = 0
            if quirks.stale_reads and reference.startswith("sha256-") and self.sim.stale_reads > 0:
                self.sim.stale_reads -= 1
                age = 1
            digest = store.tagged(name, reference, age)
        found = None if digest is None else store.manifest(name, digest)
        if found is None or digest is None:
            self._error(404, "MANIFEST_UNKNOWN")
            return
        media_type, data = found
        if quirks.lying_content and "index" not in media_type:
            data = data.replace(b"sha256:", b"sha256:", 1).rstrip(b"}") + b" }"
        if quirks.huge_json:
            data = b'{"a":"' + b"x" * quirks.huge_json + b'"}'
        said = f"sha256:{'0' * 64}" if quirks.lying_header else digest
        headers = {} if quirks.no_digest_header else {"Docker-Content-Digest": said}
        if self.command == "HEAD":
            self._send(200, headers={**headers, "Content-Length": str(len(data)), "Content-Type": media_type})
        self._send(200, data, headers=headers, content_type=media_type)

    def _put_manifest(self, name: str, reference: str) -> None:
        quirks, store = self.sim.quirks, self.sim.store
        data = self._read()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        tag = None if _DIGEST.fullmatch(reference) else reference
        if tag is None and digest != reference:
            self._error(400, "DIGEST_INVALID")
        media_type = self.headers.get("Content-Type", "")
        if json.loads(data).get("mediaType") != media_type:
            self._error(400, "MANIFEST_INVALID", "the Content-Type is not the mediaType")
        missing = store.missing_parts(name, data)
        if missing and not (tag or "").startswith("sha256-"):
            self._error(400, "MANIFEST_BLOB_UNKNOWN", missing[0])
        if tag is not None and quirks.immutable_tags and store.tagged(name, tag) not in (None, digest):
            self._error(quirks.immutable_status, "TAG_INVALID", "ImageTagAlreadyExistsException")
        if tag is not None and quirks.ignores_tags and store.tagged(name, tag):
            tag = None
        store.put_manifest(name, media_type, data, tag)
        if tag is not None and tag.startswith("sha256-"):
            self.sim.stale_reads = quirks.stale_reads
        subject = (json.loads(data).get("subject") or {}).get("digest")
        headers = {"Location": f"/v2/{name}/manifests/{digest}"}
        if not quirks.no_digest_header:
            headers["Docker-Content-Digest"] = digest
        if subject and quirks.referrers_api:
            headers["OCI-Subject"] = subject
        self._send(201, headers=headers)

    def _tags(self, name: str, rest: str) -> None:
        if rest != "list":
            self._error(404, "UNSUPPORTED")
        tags = sorted(self.sim.store.tags.get(name, {}))
        self._send(200, json.dumps({"name": name, "tags": tags}).encode())

    def _referrers(self, name: str, digest: str) -> None:
        quirks = self.sim.quirks
        if not quirks.referrers_api:
            if quirks.referrers_answer == "empty":
                body = json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": []}).encode()
                self._send(200, body, content_type=_INDEX)
            if quirks.referrers_answer == "html":
                self._send(200, b"<html>hello</html>", content_type="text/html")
            self._error(404, "UNSUPPORTED")
        listed = self.sim.store.referrers(name, digest)
        for number in range(quirks.extra_referrers):
            fake = f"sha256:{hashlib.sha256(str(number).encode()).hexdigest()}"
            listed.append({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": fake, "size": 10})
        body = json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": listed}).encode()
        self._send(200, body, content_type=_INDEX)

    # --- answers

    def _read(self) -> bytes:
        data = self.rfile.read(self._left)
        self._left = 0
        return data

    def _drain(self) -> None:
        """Read what is left of a body that was answered early, or hang up where it is large."""
        if self._left > _PIECE:
            self.close_connection = True
        else:
            self._read()

    def _error(self, status: int, code: str, message: str = "", headers: dict[str, str] | None = None) -> None:
        body = json.dumps({"errors": [{"code": code, "message": message or code.lower()}]}).encode()
        self._send(status, body, headers=headers or {})

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(
        self,
        status: int,
        body: bytes = b"",
        *,
        headers: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> None:
        head = {"Content-Type": content_type, "Content-Length": str(len(body)), **(headers or {})}
        if self.sim.quirks.warning:
            head["Warning"] = self.sim.quirks.warning
        self._head(status, head)
        if self.command != "HEAD":
            self.wfile.write(body)
        raise _Answered
