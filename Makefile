# null-face: `make serve` and `make test` need nothing but make and Python 3.11 or newer.

# The first of these that runs and is new enough (a pyenv shim may exist and yet not run).
CANDIDATES := python3.11 python3.12 python3.13 python3 python
PYTHON ?= $(shell for p in $(CANDIDATES); do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)

SERVE := .venv
DEV := .venv-dev
BIN := $(DEV)/bin
PIP_FLAGS := -qq --disable-pip-version-check

HOST ?= 127.0.0.1
PORT ?= 8000
ARGS ?=
ROUNDS ?= 200
INPUTS ?= 100000
MINUTES ?= 30

.DEFAULT_GOAL := help
.PHONY: help serve test check fmt lock clean test-faults test-fuzz test-schema test-load test-training bench-start bench-training train evaluate

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(SERVE)/.ready ## Set up and start the service on http://127.0.0.1:8000 (no torch)
	$(SERVE)/bin/python -m service.cli serve --host $(HOST) --port $(PORT) $(ARGS)

test: check ## Set up and run every check and test that needs no GPU
	$(BIN)/pytest $(ARGS)

check: $(DEV)/.ready ## Formatting, lint, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(DEV)/.ready ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test-faults: $(DEV)/.ready ## Kill workers at random points of everything, ROUNDS=200 times on each database
	ROUNDS=$(ROUNDS) $(BIN)/pytest -s -m slow tests/service/faults $(ARGS)

test-training: $(DEV)/.ready ## Kill a small ablation ladder and take it up again: it must end as one left alone
	$(BIN)/pytest -m slow tests/training $(ARGS)

test-fuzz: $(DEV)/.ready ## Damaged images through decode, locate and encode: make test-fuzz INPUTS=100000
	INPUTS=$(INPUTS) $(BIN)/pytest -s -m slow tests/service/test_fuzz.py $(ARGS)

test-schema: $(DEV)/.ready ## schemathesis over every call: no 500, no answer that the schema does not tell of
	$(BIN)/pytest -m slow tests/service/test_schema.py $(ARGS)

test-load: $(DEV)/.ready ## Everything at once at saturation, and a report: make test-load MINUTES=30
	$(BIN)/pytest -m slow tests/service/test_prometheus.py
	$(BIN)/python -m benchmarks.mixed_load --minutes $(MINUTES) $(ARGS)

bench-start: $(DEV)/.ready ## Time until an index of 100,000 templates is ready, from a snapshot and from the database
	$(BIN)/python -m benchmarks.index_start $(ARGS)

train: $(DEV)/.ready ## Train: make train ARGS="--config FILE"
	$(BIN)/python -m training train $(ARGS)

bench-training: $(DEV)/.ready ## Images/s of a training step beside a plain MUNIT-style loop, interleaved
	$(BIN)/python -m benchmarks.training_step $(ARGS)

evaluate: $(DEV)/.ready ## Evaluate a bundle: make evaluate ARGS="..."
	$(BIN)/python -m service.cli evaluate $(ARGS)

lock: python ## Resolve every extra anew and write constraints.txt
	$(PYTHON) tools/lock.py

clean: ## Remove both environments and every cache (never data/, models/ or runs/)
	rm -rf $(SERVE) $(DEV) *.egg-info build .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache
	find faces service training tests -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: python
python:
	@test -n "$(PYTHON)" || { echo "null-face needs Python 3.11 or newer: install it, or run make PYTHON=/path/to/python3" >&2; exit 1; }

# An environment is ready when its stamp is newer than what it was built from.
$(SERVE)/.ready: EXTRAS := cpu
$(DEV)/.ready: EXTRAS := cpu,train,dev
$(SERVE)/.ready $(DEV)/.ready: pyproject.toml constraints.txt | python
	@echo "Setting up $(@D) with $(PYTHON): once, a few minutes ..."
	@$(PYTHON) -m venv $(@D) || { echo "python -m venv failed; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(@D)/bin/python -m pip install $(PIP_FLAGS) --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@touch $@
