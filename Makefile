# One line a target; `make` lists them. Every target brings .venv up to date first (0.02 s when nothing changed).
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
BIN := .venv/bin

.PHONY: help setup lock
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv from the hashed lock file, our own packages in place
	@requirements/setup.sh

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header
lock: setup ## resolve requirements/*.in again; keeps what still fits
	cd requirements && for name in uv run dev; do ../$(COMPILE) --output-file $$name.txt $$name.in >/dev/null; done

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
