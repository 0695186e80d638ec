"""Pictures of the job summary and of the check, from a real run of the release job, for docs/images.

    .venv/bin/python tools/screenshots.py FOLDER_WITH_NODE_MODULES

Runs `ci release` on the demo's model (run `make demo` first) against the loopback Sigstore, registry and GitHub API, renders
the Markdown as GitHub does (github-markdown-css, mermaid from npm), and takes pictures with headless Chromium.
"""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from model_provenance.testing.github_api import GitHubApi
from model_provenance.testing.registry_sim import RegistrySim
from model_provenance.testing.runner_env import RunnerEnv
from model_provenance.testing.sigstore_sim import SigstoreSim

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
MANIFEST = """\
license: Apache-2.0
training_commit: git+https://github.com/acme/minilm-training@5f2c1d9e7ab84c3360d1e2f4a59b7c8d6e0f1a2b
training_container_digest: sha256:3f1c6f0f0f4b8a3f7f7b9b2f6a2b9d8d1e5e7c4a3b2c1d0e9f8a7b6c5d4e3f2a
fine_tuned_from: {model: nreimers/MiniLM-L6-H384-uncased}
usage: {commercial: allowed}
"""
#: What GitHub puts around a page, in little.
FRAME = """\
body { margin: 0; background: #f6f8fa; font-family: "DejaVu Sans", sans-serif }
.box { margin: 16px; border: 1px solid #d0d7de; border-radius: 6px; background: #fff; width: 1000px }
.head { padding: 12px 24px; border-bottom: 1px solid #d0d7de; font-size: 14px; color: #59636e }
.markdown-body { padding: 8px 24px 24px; font-size: 14px }
.markdown-body pre.mermaid { background: #fff; text-align: center }
"""


def main() -> int:
    """Run, render, take pictures."""
    modules = Path(sys.argv[1]) / "node_modules"
    with tempfile.TemporaryDirectory() as folder:
        summary, check = run(Path(folder))
    picture("summary", "Job summary", summary, modules, height=2600)
    title = f"Checks / <b>{html.escape(check['name'])}</b> · {check['conclusion']}"
    icon = {"success": "✅", "neutral": "◻️", "failure": "❌"}[check["conclusion"]]
    heading = f"### {icon} {check['output']['title']}\n\n"
    picture("check", title, heading + check["output"]["summary"], modules, height=900)
    return 0


def run(folder: Path) -> tuple[str, dict[str, Any]]:
    """The summary of a release by tag, and the check of a pull request that changes it."""
    repository = folder / "minilm"
    shutil.copytree(ROOT / ".demo/workspace/model", repository / "model")
    manifest, card = repository / "model.yaml", repository / "model/README.md"
    manifest.write_text(MANIFEST)
    (repository / "data/s2orc").mkdir(parents=True)
    (repository / "data/s2orc/part-0.jsonl").write_text('{"title": "A paper", "abstract": "What it says."}\n')
    git(repository, "init", "-q", "-b", "main")
    git(repository, "remote", "add", "origin", "https://github.com/acme/minilm.git")
    with SigstoreSim() as sim, GitHubApi() as api, RegistrySim() as registry:
        (folder / "trust.json").write_text(sim.trust_config)
        inputs = {
            "model": "model",
            "manifest": "model.yaml",
            "dataset": "s2orc=data/s2orc",
            "trust_config": "../trust.json",
            "github_token": api.token,
        }
        first = job(repository, sim, api, {"ref": "refs/tags/v1.0.0"}, push=f"{registry.host}/acme/minilm", **inputs)
        card.write_text(card.read_text().replace("- s2orc\n", "- s2orc\n- acme/support-tickets\n", 1))
        manifest.write_text(MANIFEST.replace("Apache-2.0", "CC-BY-NC-4.0"))
        (repository / "model/1_Pooling/notes.txt").write_text("mean pooling\n")
        change = {"compare_with": "dist/minilm-1.0.0", "version": "1.1.0", "push": f"{registry.host}/acme/minilm"}
        job(repository, sim, api, {"event_name": "pull_request"}, **inputs, **change)
        return first, api.checks[-1]


def job(repository: Path, sim: SigstoreSim, api: GitHubApi, run: dict[str, Any], **inputs: str) -> str:
    """Run `ci release` as a job; its summary."""
    git(repository, "add", "-A", ":!dist")
    git(repository, "commit", "-q", "-m", "A model")
    variables = {"GITHUB_WORKSPACE": str(repository), "GITHUB_API_URL": api.url}
    sha = git(repository, "rev-parse", "HEAD")
    env = dict(RunnerEnv.github(sim, directory=repository.parent / "runner", sha=sha, variables=variables, **run))
    Path(env["GITHUB_STEP_SUMMARY"]).write_text("")
    env |= {f"MODEL_PROVENANCE_{name.upper()}": value for name, value in inputs.items()}
    command = [sys.executable, "-m", "model_provenance", "ci", "release"]
    subprocess.run(command, cwd=repository, env={**env, "PYTHONPATH": str(ROOT / "src")}, check=True)
    return Path(env["GITHUB_STEP_SUMMARY"]).read_text()


def git(folder: Path, *words: str) -> str:
    """Run git as nobody in particular."""
    who = {f"GIT_{role}_{key}": "dev@example.invalid" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    answer = subprocess.run(["git", *words], cwd=folder, env={**os.environ, **who}, check=True, capture_output=True)
    return answer.stdout.decode().strip()


def picture(name: str, head: str, markdown: str, modules: Path, *, height: int) -> None:
    """Markdown to docs/images/NAME.png."""
    body = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    body = re.sub(
        r'<pre><code class="language-mermaid">(.*?)</code></pre>',
        r'<pre class="mermaid">\1</pre>',
        body,
        flags=re.DOTALL,
    )
    css = (modules / "github-markdown-css/github-markdown-light.css").read_text()
    script = (modules / "mermaid/dist/mermaid.min.js").resolve().as_uri()
    page = (
        f'<!doctype html><meta charset="utf-8"><style>{css}{FRAME}</style>'
        f'<div class="box"><div class="head">{head}</div><div class="markdown-body">{body}</div></div>'
        f'<script src="{script}"></script><script>mermaid.initialize({{securityLevel: "strict"}})</script>'
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(page)
        flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--allow-file-access-from-files",
        ]
        flags += [
            f"--window-size=1034,{height}",
            "--virtual-time-budget=8000",
            f"--screenshot={IMAGES / f'{name}.png'}",
        ]
        subprocess.run(["chromium", *flags, file.as_uri()], check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    sys.exit(main())
