"""Run a command in a network and mount namespace of its own, with nothing but loopback.

    python tests/interop/namespace.py COMMAND…

The issuers of production (GitHub's, GitLab's) and the services of Sigstore are names of 127.0.0.1 there, and port 443 is
free: certificates carry what production's carry. Nothing else is reachable: whatever passes here works offline. Where the
machine allows no namespaces, the command runs without one, and says so to the tests, which decide whether that is an error.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

ISSUERS = ("token.actions.githubusercontent.com", "gitlab.com", "accounts.google.com")
#: Where programs look for Sigstore that cannot be told another place: the public instance, and GitHub's own.
SERVICES = ("fulcio.sigstore.dev", "rekor.sigstore.dev", "fulcio.githubapp.com", "timestamp.githubapp.com")
#: A GitHub Enterprise Server.
ENTERPRISE = "github.acme.example"
HOSTS = (*ISSUERS, *SERVICES, ENTERPRISE)
VARIABLE = "MODEL_PROVENANCE_NAMESPACE"

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1


def main() -> int:
    """Enter the namespace, or say why not; then become the command."""
    inside, command = sys.argv[1:2] == ["--inside"], sys.argv[1:]
    if inside:
        prepare()
        os.environ[VARIABLE] = "inside"
        command = command[1:]
    elif (why_not := forbidden()) is None:
        command = [*unshare(), sys.executable, __file__, "--inside", *command]
    else:
        os.environ[VARIABLE] = f"no namespace: {why_not}"
    os.execvp(command[0], command)


def unshare() -> list[str]:
    """As root directly; as a user by way of a user namespace, in which the user is root."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--net", "--mount"]


def forbidden() -> str | None:
    """Why this machine gives no namespace; None when it does."""
    if shutil.which("unshare") is None:
        return "unshare (util-linux) is missing"
    probe = subprocess.run([*unshare(), "true"], check=False, capture_output=True, text=True)
    return None if probe.returncode == 0 else probe.stderr.strip() or "unshare failed"


def prepare() -> None:
    """Loopback up, the names on it. Mounts made here are private to the namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16xh14x", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))[0]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))
    with tempfile.NamedTemporaryFile("w", suffix=".hosts") as hosts:
        hosts.write(f"127.0.0.1 localhost {' '.join(HOSTS)}\n::1 localhost\n")
        hosts.flush()
        # The bind mount keeps the file alive after its name is gone.
        subprocess.run(["mount", "--bind", hosts.name, "/etc/hosts"], check=True)


if __name__ == "__main__":
    sys.exit(main())
