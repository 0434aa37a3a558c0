# Every target sets up what it needs: a .venv with the pinned packages, made once and again when the lock changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_STAMP := $(VENV)/.installed-for-bench
# More processes than two cores: a test that waits for a timer or the server leaves its core to another. Each process has
# a Temporal server, databases and ports of its own; one that runs out of tests takes over another's.
WORKERS ?= 4
IN_PARALLEL := --numprocesses $(WORKERS) --dist worksteal

.PHONY: help demo up test test-thoroughly bench bench-large bench-lists chaos lint types check lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

$(STAMP): requirements.txt requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP) ## run the main job end to end: orders, progress, outcomes, audit
	@$(BIN)/ordersaga demo

up: $(STAMP) ## run the whole stack and keep it up until Ctrl-C
	@$(BIN)/ordersaga up

test: $(STAMP) ## run every test, four at a time or as WORKERS=n says
	@$(BIN)/pytest $(IN_PARALLEL)

test-thoroughly: $(STAMP) ## try all that `make test` tries some of, such as a cancellation at each step: half an hour
	@THOROUGH=1 $(BIN)/pytest $(IN_PARALLEL) $$(grep -l '^from tests.thorough' -r tests)

$(BENCH_STAMP): $(STAMP) requirements-bench.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

bench: $(BENCH_STAMP) ## what an order costs, beside hand-written workflows and another library; ARGS="--help" tells more
	@$(BIN)/python -m bench $(ARGS)

bench-large: $(BENCH_STAMP) ## orders of up to 5,000 items and 10,000 open ones: two hours; ARGS="--help" tells more
	@$(BIN)/python -m bench.large $(ARGS)

bench-lists: $(STAMP) ## time lists over a million orders: PostgreSQL, a quarter of an hour
	@$(BIN)/python -m bench.lists.list_orders

chaos: $(STAMP) ## kill, freeze and cut off everything while orders run, and check: SEEDS=20, or SEED=7; DATABASE=sqlite
	@$(BIN)/python -m chaos $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),3)) $(if $(DATABASE),--database $(DATABASE)) \
		$(if $(ORDERS),--orders $(ORDERS)) $(if $(MUTATION),--mutation $(MUTATION)) $(ARGS)

lint: $(STAMP) ## ruff, formatting, the import contract
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types: $(STAMP) ## mypy, strict
	@$(BIN)/mypy

check: lint types test ## everything a change must pass

lock: $(STAMP) ## compile the exact versions from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-find-links --no-emit-index-url --no-header pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-find-links --no-emit-index-url --no-header --constraint requirements.txt --group dev pyproject.toml -o requirements-dev.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-find-links --no-emit-index-url --no-header --constraint requirements-dev.txt --group bench -o requirements-bench.txt

clean: ## remove the environment and what a run left
	rm -rf $(VENV) .ordersaga .bench .chaos build *.egg-info .mypy_cache .ruff_cache .pytest_cache
