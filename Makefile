# Two commands do all their own set-up: make run, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet --python-version 3.11

run: $(VENV)/.run
	@$(BIN)/slotwright up --demo $(ARGS)

# Compiled once, and not by each of the many processes that tests start.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.dev $(VENV)/.system
	@$(BIN)/python -m compileall -q service workers migrations
	@$(BIN)/python -m pytest -n 4 $(ARGS)

lint: $(VENV)/.dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

# More of what the tests only sample: both forms of logs searched for secrets, worlds for the arithmetic of slots, calls of all operations of the sandbox, the image's steps with nothing but what it is built with.
fuzz: $(VENV)/.dev
	@SLOTWRIGHT_LOG_FORMS="json text" $(BIN)/python -m pytest -n 2 tests/test_canaries.py $(ARGS)
	@SLOTWRIGHT_WORLDS=10000 $(BIN)/python -m pytest -n 2 tests/test_slots.py $(ARGS)
	@SLOTWRIGHT_EXAMPLES=200 $(BIN)/python -m pytest -n 2 tests/test_sandbox_schema.py $(ARGS)
	@SLOTWRIGHT_IMAGE=pip $(BIN)/python -m pytest tests/test_image.py $(ARGS)

# Workers struck at every await of every action, every call of theirs cut and delayed; thousands of histories of a booking (35 minutes).
crash: $(VENV)/.dev
	@SLOTWRIGHT_CRASHES=all $(BIN)/python -m pytest tests/test_crash.py $(ARGS)
	@SLOTWRIGHT_EXAMPLES=5000 $(BIN)/python -m pytest -n 2 tests/test_interleavings.py $(ARGS)

# Ten minutes of bookings while Valkey is flushed, Postgres restarted, workers are killed and calls fail.
soak: $(VENV)/.dev
	@$(BIN)/python -m tests.soak $(ARGS)

# PEERS: a folder with the load and the target that other systems were measured by; without it that part is left out.
bench: $(VENV)/.dev
	@$(BIN)/python -m tests.benchmarks.slots
	@$(BIN)/python -m tests.benchmarks.rules
	@$(BIN)/python -m tests.benchmarks.assignment
	@$(BIN)/python -m tests.benchmarks.client
	@$(BIN)/python -m tests.benchmarks.sandbox_page
	@$(BIN)/python -m tests.benchmarks.rate_limit
	@$(BIN)/python -m tests.benchmarks.latency
	@if [ -n "$(PEERS)" ]; then $(BIN)/python -m tests.benchmarks.throughput $(PEERS); fi
	@if command -v wrk >/dev/null; then $(BIN)/python -m tests.benchmarks.receiver; else echo "wrk is not installed: receivers are not measured"; fi

docs: $(VENV)/.dev
	@$(BIN)/python -m tests.settings_table
	@$(BIN)/python -m tests.rule_pages
	@$(BIN)/python -m tests.gallery_page
	@$(BIN)/python -m tests.charts

lock: $(VENV)/.dev
	@$(BIN)/$(LOCK) $(UPGRADE) -o requirements.lock
	@$(BIN)/$(LOCK) $(UPGRADE) -o requirements-image.lock --extra traces -c requirements.lock
	@$(BIN)/$(LOCK) $(UPGRADE) -o requirements-embedded.lock --extra embedded --group build -c requirements.lock
	@$(BIN)/$(LOCK:pyproject.toml=--group pyproject.toml:build) $(UPGRADE) -o requirements-build.lock -c requirements-embedded.lock
	@$(BIN)/$(LOCK) $(UPGRADE) -o requirements-dev.lock --extra embedded --extra traces --group build --group dev -c requirements-embedded.lock -c requirements-image.lock

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Slotwright needs Python 3.11 or newer; name one: make PYTHON=python3.12 run")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements-embedded.lock pyproject.toml | $(VENV)/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-embedded.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# Chromium and PgBouncer, where they can be had; elsewhere the tests that want them say that they are skipped.
$(VENV)/.system: tests/system-packages
	@sh tests/system-packages
	@touch $@

.PHONY: run test lint soak fuzz crash bench docs lock
