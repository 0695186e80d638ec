"""A registry that swallows layers: what a push costs the client, and nothing else. Prints its address and runs until it is ended.

It keeps small blobs and manifests, reads large ones into nothing and believes their digest.
"""

from __future__ import annotations

import signal

from model_provenance.testing.registry_sim import RegistrySim

if __name__ == "__main__":
    with RegistrySim("spec-1.1", swallow_from=1 << 20) as registry:
        print(registry.host, flush=True)
        signal.sigwait([signal.SIGTERM, signal.SIGINT])
