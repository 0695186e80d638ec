# Two commands on a fresh machine: `make demo` does the main job, `make test` passes the tests. Both set up what they need
# below this folder; nothing needs root.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One more than cores of the machines that this is measured on: while a worker waits for a program, another has its core.
JOBS ?= 3
N ?= 300
# The tests start a thousand processes, each of which would compile the code again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-ci interop interop-tools check format generate bench mutate fuzz lock clean help

help:              ## this list
	@grep -hE '^[a-z-]+: .*##|^[a-z-]+:  +##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

demo:              ## release and verify a real model, then refuse a tampered copy (MODEL=path for another model)
	@$(PYTHON) tools/bootstrap.py --venv .demo/venv --requirements requirements/runtime.txt --requirements requirements/demo.txt
	@.demo/venv/bin/python -I -m model_provenance.testing.demo $(MODEL)

$(BIN)/.dev: requirements/dev.txt requirements/demo.txt tools/bootstrap.py
	@$(PYTHON) tools/bootstrap.py --venv $(VENV) --requirements requirements/dev.txt --requirements requirements/demo.txt
	@touch $@

test: $(BIN)/.dev              ## all tests but those of the CI surfaces and of real servers
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not ci_surface or telling" --ignore tests/interop tests

test-ci: $(BIN)/.dev           ## action, component and hooks, run by act, gitlab-ci-local and pre-commit
	$(BIN)/python tools/ci_tools.py
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m ci_surface tests

interop-tools: $(BIN)/.dev     ## build Sigstore's servers, registries and peers into a cache (needs Go; 10 minutes once)
	$(BIN)/python tools/interop_tools.py

interop: interop-tools         ## releases against real servers, peers both ways; writes docs/interop.md
	$(BIN)/python tests/interop/namespace.py $(BIN)/python -m pytest -m interop tests/interop

check: $(BIN)/.dev             ## lint, types, layers, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/generate.py --check
	$(BIN)/zizmor --offline --quiet --persona=auditor .

format: $(BIN)/.dev            ## format and fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: $(BIN)/.dev          ## write action.yml inputs, templates, hooks and reference pages from the code
	$(BIN)/python tools/generate.py

bench: $(BIN)/.dev             ## side by side with peers, in one run
	$(BIN)/python bench/release.py
	$(BIN)/python bench/sbom.py
	$(BIN)/python bench/push.py
	$(BIN)/python bench/status.py
	$(BIN)/python bench/policy.py
	$(BIN)/python bench/load.py
	$(BIN)/python bench/hooks.py
	$(BIN)/python bench/action.py

mutate: $(BIN)/.dev            ## N mutants of a signed release, of what a policy is given, and of status lists; none may pass
	MODEL_PROVENANCE_MUTANTS=$(N) $(BIN)/python -m pytest tests/attacks/test_mutants.py tests/attacks/test_policy_mutants.py tests/revoke/test_mutants.py -q

fuzz: N = 200000
fuzz: $(BIN)/.dev              ## N runs of coverage-guided fuzzing of each of three readers, from another seed each time
	MODEL_PROVENANCE_FUZZ=$(N) $(BIN)/python -m pytest tests/readers/test_coverage_fuzz.py -q -n $(JOBS)

lock: $(BIN)/.dev              ## renew requirements/*.txt
	$(BIN)/python tools/lock.py

clean:                         ## remove what the targets made
	rm -rf $(VENV) .demo dist
