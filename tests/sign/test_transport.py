"""HTTP to services that are slow, down, hostile or simply say no."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from model_provenance.errors import ModelProvenanceError
from model_provenance.sign.patience import Patience
from model_provenance.sign.transport import AlreadyLogged, Service, ServiceAdapter, mount

QUICK = Patience(connect=20, read=20, log=20, waiting=30, attempts=3, pause=0.01, total=30)
IMPATIENT = Patience(connect=1, read=0.3, log=0.3, waiting=0.3, attempts=3, pause=0.01, total=3)
Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def server(answer: Callable[[int], Answer]) -> Iterator[tuple[str, list[str]]]:
    """A service on loopback: `answer(n)` is what request number n gets. Yields its URL and the requests' paths."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            paths.append(self.path)
            status, headers, body = answer(len(paths))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that has given up is no news."""

    with Server(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", paths
        running.shutdown()
        thread.join()


def post(url: str, service: Service = Service.LOG, patience: Patience = QUICK, **headers: str) -> requests.Response:
    """One request through the adapter."""
    with requests.Session() as session:
        mount(session, ServiceAdapter(service, patience))
        return session.post(url, data=b"x", headers=headers)


def refused(
    url: str, service: Service = Service.LOG, patience: Patience = QUICK, **headers: str
) -> ModelProvenanceError:
    """The error that a request ends with."""
    with pytest.raises(ModelProvenanceError) as caught:
        post(url, service, patience, **headers)
    return caught.value


def said(message: str) -> bytes:
    """An error answer as Fulcio and Rekor write it."""
    return json.dumps({"code": 3, "message": message}).encode()


def test_a_netrc_file_does_not_replace_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `default` entry of ~/.netrc neither takes the place of the identity token nor reaches the service."""
    (tmp_path / "netrc").write_text("default login ann password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with server(lambda _: (200, {}, b"")) as (url, _):
        response = post(url, Service.CA, QUICK, Authorization="Bearer token")
    assert response.request.headers["Authorization"] == "Bearer token"


def test_an_answer_comes_through_whole() -> None:
    """A good answer is the library's, with status, headers and body."""
    with server(lambda _: (201, {"X-Here": "yes"}, b'{"a": 1}')) as (url, _):
        response = post(url)
    assert (response.status_code, response.headers["X-Here"], response.json()) == (201, "yes", {"a": 1})


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_service_that_recovers_is_asked_again(status: int) -> None:
    """An overloaded service, or the load balancer before it, gets another chance."""
    with server(lambda n: (status, {}, b"") if n < 3 else (200, {}, b"ok")) as (url, paths):
        assert post(url).content == b"ok"
    assert len(paths) == 3


def test_a_service_that_stays_down_is_named() -> None:
    """After the last attempt the error says which service, where, what it said, and how often it was asked."""
    with server(lambda _: (503, {}, said("maintenance"))) as (url, paths):
        error = refused(f"{url}/api/v2/log/entries")
    assert (error.code, error.exit_status, len(paths)) == ("sign.service", 20, 3)
    where = f"the transparency log (Rekor) at {url}/api/v2/log/entries"
    assert error.message == f"{where} answered 503 Service Unavailable (maintenance), 3 times"


def test_nobody_there_is_a_service_that_cannot_be_reached() -> None:
    """A refused connection names the address and the operating system's word for it."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        error = refused(url, Service.TIMESTAMP)
    assert error.code == "sign.service"
    assert error.message == f"the timestamp authority at {url}/ cannot be reached (Connection refused), 3 times"


def test_a_host_that_does_not_exist_cannot_be_reached() -> None:
    """A name that does not resolve is a service error, not a traceback."""
    assert refused("http://nowhere.invalid").code == "sign.service"


def test_silence_ends() -> None:
    """A service that accepts and says nothing, as Fulcio does over a silent CT log, is waited for once, not at each attempt."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        error = refused(f"http://127.0.0.1:{silent.getsockname()[1]}", Service.CA, IMPATIENT)
        assert time.monotonic() - start >= 0.29
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()
    assert error.code == "sign.service"
    assert "did not answer within 0.3 s; it waits for its certificate-transparency log" in error.message


@pytest.mark.parametrize(
    ("patience", "asked"),
    [
        (Patience(connect=1, read=9, log=8, waiting=20, attempts=9, pause=0, total=60), [(1, 8), (1, 8), (1, 4)]),
        (Patience(connect=30, read=9, log=20, waiting=20, attempts=9, pause=0, total=60), [(20, 20)]),
        (Patience(connect=1, read=9, log=19, waiting=20, attempts=9, pause=0, total=60), [(1, 19)]),
        (Patience(connect=1, read=9, log=3, waiting=20, attempts=2, pause=0, total=60), [(1, 3), (1, 3)]),
    ],
)
def test_a_service_without_patience_left_is_not_asked_again(
    patience: Patience, asked: list[tuple[float, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left after a short silence is spent on another attempt; all of them together cost no more than was allowed.

    On a clock that only silence moves, so that no pause of the machine is counted.
    """
    now, given = 0.0, []

    def silence(_: object, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        nonlocal now
        given.append(options["timeout"])
        now += options["timeout"][1]
        raise requests.ReadTimeout(request=request)

    monkeypatch.setattr("model_provenance.sign.transport.time.monotonic", lambda: now)
    monkeypatch.setattr(HTTPAdapter, "send", silence)
    with pytest.raises(ModelProvenanceError) as caught:
        post("http://127.0.0.1", Service.LOG, patience)
    assert given == asked
    assert caught.value.message.endswith(("did not answer within 20 s", "did not answer, 2 times"))


def test_an_error_that_comes_late_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fulcio waits for a silent CT log as long as we do, and then says so: asking again would cost the same again."""
    now, times = 0.0, 0

    def late(*_: object, **__: object) -> requests.Response:
        nonlocal now, times
        now, times = now + 28, times + 1
        response = requests.Response()
        response.status_code, response.reason = 500, "Internal Server Error"
        response.raw = HTTPResponse(
            io.BytesIO(said("Error entering certificate in CTL")), preload_content=False, status=500
        )
        return response

    monkeypatch.setattr("model_provenance.sign.transport.time.monotonic", lambda: now)
    monkeypatch.setattr(HTTPAdapter, "send", late)
    with pytest.raises(ModelProvenanceError) as caught:
        post("http://127.0.0.1", Service.CA, Patience())
    assert "answered 500 Internal Server Error (Error entering certificate in CTL) within 30 s" in caught.value.message
    assert times == 1


def test_a_service_that_accepts_no_connection_costs_no_more() -> None:
    """A host that drops what it is sent: the time-outs of its connections count like those of its answers."""
    patience = Patience(connect=0.2, read=5, waiting=0.3, attempts=9, pause=0.001, total=9)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        # With nobody accepting, the queue of one is full after this, and the kernel drops what comes next.
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        start = time.monotonic()
        with pytest.raises(ModelProvenanceError) as caught:
            post(f"http://127.0.0.1:{address[1]}", Service.CA, patience)
        seconds = time.monotonic() - start
        for each in waiting:
            each.close()
    assert caught.value.message.endswith("did not accept a connection within 0.3 s")
    assert 0.29 <= seconds < patience.attempts * patience.connect


def test_nobody_waits_a_minute_for_one_silent_service() -> None:
    """What a release is made with: thirty seconds in all, a second try within them, and the twenty that Rekor v2 may take."""
    made = Patience()
    assert 20 < made.log < made.waiting == 30
    assert 2 * made.read <= made.waiting
    assert 2 * made.connect <= made.waiting


def test_a_request_that_hangs_once_is_tried_again() -> None:
    """A connection that got lost is no outage: the second try has what is left of the patience."""
    release = threading.Event()

    def answer(n: int) -> Answer:
        if n == 1:
            release.wait(5)
        return 200, {}, b"ok"

    with server(answer) as (url, paths):
        response = post(url, Service.CA, Patience(connect=1, read=0.5, waiting=9, attempts=3, pause=0.001, total=9))
        release.set()
    assert response.content == b"ok"
    assert len(paths) == 2


def test_half_an_answer_is_asked_for_again() -> None:
    """A body that ends before its length is no answer."""
    with server(lambda n: (200, {"Content-Length": "99"}, b"half") if n == 1 else (200, {}, b"whole")) as (url, _):
        assert post(url).content == b"whole"


def test_an_endless_answer_is_cut() -> None:
    """More than 4 MiB from a service are not kept in memory."""
    with server(lambda _: (200, {}, bytes(4 * 1024 * 1024 + 1))) as (url, _):
        assert refused(url).code == "sign.service"


def test_what_is_not_http_is_an_error_of_ours() -> None:
    """A service that speaks another protocol is reported, not crashed on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk() -> None:
            for _ in range(3):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        assert refused(f"http://127.0.0.1:{listener.getsockname()[1]}").code == "sign.service"
        thread.join()


def test_a_service_without_tls_is_not_trusted() -> None:
    """What should speak TLS and does not fails at once: trying again would not make it trustworthy."""
    with server(lambda _: (200, {}, b"")) as (url, paths):
        error = refused(url.replace("http://", "https://"))
    assert (error.code, paths) == ("sign.service", [])


def test_a_wished_pause_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Retry-After` is respected up to a quarter of a minute; a day is not waited for."""
    pauses: list[float] = []
    monkeypatch.setattr("model_provenance.sign.transport.time.sleep", pauses.append)
    with server(lambda n: (429, {"Retry-After": ("2", "86400")[n - 1]}, b"") if n < 3 else (200, {}, b"")) as (url, _):
        post(url)
    assert pauses == [2.0, 15.0]


@pytest.mark.parametrize("wish", ["-1", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "²", "9" * 400])
def test_an_odd_wish_is_no_wish(wish: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other forms of `Retry-After` are ignored."""
    pauses: list[float] = []
    monkeypatch.setattr("model_provenance.sign.transport.time.sleep", pauses.append)
    header = wish.encode("utf-8").decode("latin-1")
    with server(lambda n: (503, {"Retry-After": header}, b"") if n == 1 else (200, {}, b"")) as (url, _):
        post(url)
    assert len(pauses) == 1
    assert pauses[0] < 1


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_token_is_not_a_broken_service(status: int) -> None:
    """Fulcio's refusal has its own code and status, says Fulcio's reason, and is not repeated."""
    with server(lambda _: (status, {}, said("aud is wrong"))) as (url, paths):
        error = refused(url, Service.CA)
    assert (error.code, error.exit_status, len(paths)) == ("sign.token_refused", 21, 1)
    assert error.message.endswith("did not accept the identity token: aud is wrong")


def test_a_token_that_comes_back_is_not_shown() -> None:
    """A service that repeats the token in its answer does not get it into the job log."""
    with server(lambda _: (401, {}, said("bad token eyJ.secret.x"))) as (url, _):
        error = refused(url, Service.CA, Authorization="Bearer eyJ.secret.x")
    assert error.message.endswith("bad token (token)")


@pytest.mark.parametrize("body", [b"\x1b[2Jgone", b"[" * 50_000, b'{"message": 1}', b"", b"\xff\xfe", b"x" * 100_000])
def test_any_reason_can_be_shown(body: bytes) -> None:
    """Whatever an error page holds, the message is one short line without control characters."""
    with server(lambda _: (404, {}, body)) as (url, _):
        error = refused(url)
    assert error.code == "sign.service"
    assert error.message.isprintable()
    assert len(error.message) < 500


def test_only_a_log_can_hold_an_entry_already() -> None:
    """409 from a log is told to the caller as such; from anybody else it is a refusal."""
    with server(lambda _: (409, {}, said("exists"))) as (url, _):
        with pytest.raises(AlreadyLogged):
            post(url, Service.LOG)
        assert refused(url, Service.TIMESTAMP).code == "sign.service"


def test_too_large_for_the_log_says_what_helps() -> None:
    """A log that refuses a large statement is answered with the way out."""
    with server(lambda _: (413, {}, b"")) as (url, _):
        assert "Rekor v2" in refused(url).remedy
