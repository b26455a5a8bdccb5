# One line a target; `make` lists them. Every target brings .venv up to date first (0.02 s when nothing changed).
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
BIN := .venv/bin

.PHONY: help setup lock
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv from the hashed lock file, our own packages in place
	@requirements/setup.sh

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header
lock: setup ## resolve requirements/*.in again; keeps what still fits
	cd requirements && for name in uv run dev; do ../$(COMPILE) --output-file $$name.txt $$name.in >/dev/null; done
	@$(BIN)/python requirements/images.py

.PHONY: protos protos-check protos-release
protos: setup ## generate libs/protos from protos/
	@$(BIN)/python libs/protos/generate.py

# What was last released stands in protos/released.binpb, so that a clone of one branch can compare.
protos-check: setup
	@$(BIN)/python libs/protos/generate.py --check
	@$(BIN)/python libs/protos/generate.py --image build/protos.binpb
	@$(BIN)/buf lint build/protos.binpb --config buf.yaml
	@if [ -e protos/released.binpb ]; \
	then $(BIN)/buf breaking build/protos.binpb --against protos/released.binpb --config buf.yaml; \
	else echo "protos: nothing released yet, so there is nothing to break"; fi

protos-release: protos-check ## freeze the contracts: from now on nothing in them may break
	@$(BIN)/python libs/protos/generate.py --image protos/released.binpb

# What is checked and tested; folders without Python yet are left out.
PYTHON_DIRS = libs services deploy $(if $(shell find tests -name '*.py' -print -quit 2>/dev/null),tests)

.PHONY: fmt lint types arch check
fmt: setup ## mend what can be mended
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

lint: setup ## ruff, formatting and lint
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --check . | tail -20; echo 'lint: run `make fmt`'; exit 1; }

types: setup ## mypy --strict, sources and tests
	@$(BIN)/mypy $(PYTHON_DIRS)

arch: setup ## who may import whom
	@$(BIN)/lint-imports

check: lint types arch protos-check ## lint, types, boundaries, contracts

# Suites that own servers run in two workers; what crosses services drives the one stack, so it runs alone.
UNIT = $(wildcard libs/*/tests services/*/tests deploy/*/tests tests/contract)
WHOLE = $(foreach folder,tests/e2e tests/telemetry tests/privacy tests/security tests/robustness,$(if $(wildcard $(folder)/test_*.py $(folder)/*/test_*.py),$(folder)))
PYTEST = $(BIN)/pytest

.PHONY: test test-units test-whole test-demo charts charts-write helm
test: check charts test-units test-whole test-demo ## everything CI runs

HELM ?= build/tools/helm
helm: setup
	@[ "$(HELM)" != build/tools/helm ] || requirements/helm.sh

charts: helm ## the Helm chart: lint, renders, promises, schemas of Kubernetes
	@HELM=$(HELM) $(PYTEST) tests/charts

charts-write: helm ## write what follows from the chart: README, schema, renders
	@cd tests && PYTHONPATH=. ../$(BIN)/python -m charts.documents && HELM=$(HELM) PYTHONPATH=. ../$(BIN)/python -m charts.goldens

test-units: setup ## suites of the packages
	@$(PYTEST) -n 2 --dist loadfile $(UNIT)

test-whole: setup ## suites that drive the whole stack
	@if [ -n "$(WHOLE)" ]; then $(PYTEST) $(WHOLE); fi

.PHONY: security
security: setup ## hostile input and access, at length (half an hour)
	@$(PYTEST) tests/security --hypothesis-profile=deep --timeout=1800

test-demo: setup ## the demonstration twice: it must not mind its own traces
	@trap '$(BIN)/python -m tiaochu_embedded stop' EXIT; for run in 1 2; do $(BIN)/python -m tiaochu_demo; done

ROBUSTNESS = PYTHONPATH=tests $(BIN)/python -m robustness
.PHONY: prove prove-mutants soak
prove: setup ## the whole campaign of faults (MINUTES=50 SEED=1); renews docs/robustness.md
	@$(ROBUSTNESS) prove --minutes $(or $(MINUTES),50) --seed $(or $(SEED),1)

prove-mutants: setup ## that the campaign can fail: it must find every planted bug (MUTANTS=DIR for patches of your own)
	@PYTHONPATH=tests $(BIN)/python -m robustness.mutants $(MUTANTS)

soak: setup ## steady work for long (MINUTES=30 RATE=20 cases a second)
	@$(ROBUSTNESS) soak --minutes $(or $(MINUTES),30) --rate $(or $(RATE),20)

.PHONY: images
images: setup ## build the images with buildah or docker (BASE, REGISTRY, TAG)
	@$(BIN)/hadolint deploy/images/Dockerfile
	@deploy/images/build.sh

.PHONY: up demo stop logs clean
up: setup ## start the embedded stack
	@$(BIN)/python -m tiaochu_embedded up

demo: setup ## start the stack and show one month of a centre's work; leaves it running
	@$(BIN)/python -m tiaochu_demo

stop: setup ## stop the stack
	@$(BIN)/python -m tiaochu_embedded stop

logs: setup ## what the stack's processes say
	@$(BIN)/python -m tiaochu_embedded logs

clean: ## stop the stack; delete what can be made again
	@if [ -x $(BIN)/python ] && [ -d .run ]; then $(BIN)/python -m tiaochu_embedded stop || true; fi
	@rm -rf .run .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.*
	@find $(PYTHON_DIRS) -name __pycache__ -type d -prune -exec rm -rf {} +

# Figures. The stack is kept in build/bench between runs: preparing it takes four minutes, loading a million cases about half an hour.
.PHONY: bench bench-load bench-explain
CASES ?= 1000000
LINES ?= month,search,worklist,register,short,full,freshness,import,fairness,spike,memory,rebuild
BENCH = PYTHONPATH=tests $(BIN)/python -m bench
build/bench/$(CASES)/loaded.json: | setup
	@$(BENCH).prepare --stack $(@D)
	@$(BENCH).load --stack $(@D) --cases $(CASES)

bench-load: build/bench/$(CASES)/loaded.json ## a stack with CASES cases in build/bench

bench: bench-load ## measure LINES with CASES cases beside their ceilings; writes docs/benchmarks.md
	@$(BENCH).run --stack build/bench/$(CASES) --lines $(LINES) --report docs/benchmarks.md

bench-explain: bench-load ## the plan of every list and search at CASES cases; fails for a scan of a large table or a sort on disk
	@$(BENCH).explain --stack build/bench/$(CASES)
