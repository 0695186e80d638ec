"""The identity providers of production, on loopback: GitHub's and GitLab's issuer URLs, and the Actions token endpoint."""

from __future__ import annotations

import ipaddress
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from model_provenance.testing.faults import Faults
from model_provenance.testing.keys import KeyStore
from model_provenance.testing.loopback import Request
from model_provenance.testing.oidc import Issuer


class IssuerServer:
    """One issuer key, served over TLS on port 443 under every name, and over plain HTTP where jobs ask for tokens.

    `services` are names whose requests go to a server on this machine instead: name -> its address.
    """

    def __init__(self, folder: Path, names: tuple[str, ...]) -> None:
        self.issuer = Issuer(KeyStore(), Faults(), time.time)
        self.services: dict[str, str] = {}
        self.certificate = folder / "issuer.pem"
        key = folder / "issuer.key"
        _self_signed(names, self.certificate, key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self._tls = _Server(("127.0.0.1", 443), self._handler("https"))
        self._tls.socket = context.wrap_socket(self._tls.socket, server_side=True)
        self._plain = _Server(("127.0.0.1", 0), self._handler("http"))
        self.url = f"http://127.0.0.1:{self._plain.server_address[1]}"
        self._threads = [threading.Thread(target=s.serve_forever, args=(0.05,)) for s in (self._tls, self._plain)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Close both ports."""
        for server in (self._tls, self._plain):
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()

    def _handler(self, scheme: str) -> type[BaseHTTPRequestHandler]:
        issuer, services = self.issuer, self.services

        class _Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                if headers.get("host") in services:
                    self._answer(*_forwarded(services[headers["host"]] + self.path, None, headers))
                    return
                base = f"{scheme}://{headers.get('host', '')}{parts.path}"
                request = Request("GET", base, parts.path, dict(parse_qsl(parts.query)), headers, b"")
                response = issuer.handle(request)
                self._answer(response.status, response.content_type, response.body)

            def do_POST(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", "0")))
                if headers.get("host") in services:
                    self._answer(*_forwarded(services[headers["host"]] + self.path, body, headers))
                else:
                    self._answer(404, "text/plain", b"no such page")

            def _answer(self, status: int, content_type: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: the tests say what went wrong."""

        return _Handler


def _forwarded(url: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
    """What the server behind a name answers: status, type and body."""
    kept = {name: headers[name] for name in ("content-type", "accept", "authorization") if name in headers}
    request = urllib.request.Request(url, data=body, headers=kept)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers.get("Content-Type", ""), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Content-Type", ""), error.read()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def _self_signed(names: tuple[str, ...], certificate: Path, key_file: Path) -> None:
    """A server certificate that is its own anchor: Fulcio and clients are told to trust exactly it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuers on loopback")])
    now = datetime.now(timezone.utc)
    alternative = [*(x509.DNSName(n) for n in names), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternative), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
