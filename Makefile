# Every target makes .venv from the locked requirements first; it costs nothing when they are unchanged.
.DEFAULT_GOAL := help
.PHONY: help run demo test faults bench lint contracts stop lock venv

PY := .venv/bin/python
UV := .venv/bin/uv
LOCKED := --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
          --no-emit-find-links --no-config --no-header --quiet

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: venv ## Start everything and print the addresses; Ctrl-C stops it
	@$(PY) -m deploy run

demo: venv ## Play one order's whole life and print its timeline
	@$(PY) -m deploy demo

test: venv ## Run the whole suite on real servers (make test ARGS="-k name")
	@$(PY) -m deploy test $(ARGS)

faults: venv ## Play 500 orders while 360Hub fails in every way, and print what was repeated
	@$(PY) -m tests.life.faults $(ARGS)

bench: venv ## Measure the log beside others, long orders, a cancellation under load, the overwrite window
	@$(PY) -m benchmarks.log
	@$(PY) -m benchmarks.verify
	@$(PY) -m benchmarks.long_streams
	@$(PY) -m benchmarks.replay_under_load --events 100000
	@$(PY) -m benchmarks.cancel_under_load
	@$(PY) -m benchmarks.overwrite_window

lint: venv ## Check style, types and import contracts
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/lint-imports

contracts: venv ## Publish the contracts that changed, unless that breaks a reader
	@$(PY) -m shared.contract_lock

stop: venv ## Stop whatever an earlier command left running
	@$(PY) -m deploy stop

lock: venv ## Lock the newest versions that pyproject.toml allows
	@env -u PIP_FIND_LINKS $(UV) pip compile pyproject.toml --upgrade $(LOCKED) \
	    --output-file requirements.lock
	@env -u PIP_FIND_LINKS $(UV) pip compile pyproject.toml --group dev --upgrade $(LOCKED) \
	    --constraints requirements.lock --output-file requirements-dev.lock

venv:
	@deploy/venv.sh
