# Two commands: `make demo` and `make test`. Both set up .venv from the hashed lock first; `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:

BIN := .venv/bin
STAMP := .venv/.lock-installed
PORT ?= 8000
export PORT
# Compiled modules are kept, whatever the shell says: every process here would compile them anew.
unexport PYTHONDONTWRITEBYTECODE

# ---- set-up ---------------------------------------------------------------------------------------------------

# The first interpreter that is new enough; pyenv's own folders too, whose shims refuse a version that is not there.
PYTHONS := python3.13 python3.14 python3.12 python3 $(wildcard $(HOME)/.pyenv/versions/3.1[2-9]*/bin/python3)
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 12))

$(STAMP): requirements.txt
	@python=; for each in $(PYTHONS); do \
		if $$each -c '$(NEW_ENOUGH)' >/dev/null 2>&1; then python=$$each; break; fi; done; \
	if [ -x $(BIN)/python ] && ! $(BIN)/python -c '$(NEW_ENOUGH)' >/dev/null 2>&1; then rm -rf .venv; fi; \
	if [ ! -x $(BIN)/python ] && [ -z "$$python" ]; then \
		echo "This needs Python 3.12 or newer, and none was found (python3.13, 3.14, 3.12, python3, pyenv)." >&2; exit 1; fi; \
	if command -v uv >/dev/null 2>&1; then uv=uv; \
		[ -x $(BIN)/python ] || uv venv --quiet --python "$$python" .venv; \
	else uv=$(BIN)/uv; \
		[ -x $(BIN)/python ] || "$$python" -m venv --without-pip .venv; \
		if [ ! -x $$uv ]; then echo "Installing uv into .venv"; \
			awk '/^uv==/ {on=1} on {print} on && !/\\$$/ {exit}' requirements.txt > .venv/uv.txt; \
			if "$$python" -m pip --version >/dev/null 2>&1; then pip="$$python -m pip --python $(BIN)/python"; \
			elif $(BIN)/python -m ensurepip >/dev/null 2>&1; then pip="$(BIN)/python -m pip"; \
			else echo "This Python has no pip: install it (on Debian: apt-get install python3-pip), or uv." >&2; exit 1; fi; \
			$$pip install -qq --disable-pip-version-check --require-hashes -r .venv/uv.txt; fi; \
	fi; \
	echo "Installing the locked packages into .venv"; \
	export VIRTUAL_ENV=.venv; sync="$$uv pip sync --quiet --require-hashes requirements.txt"; \
	$$sync 2>.venv/sync.log || $$sync --offline 2>/dev/null || { cat .venv/sync.log >&2; exit 1; }
	@touch $@

.PHONY: setup
setup: $(STAMP) ## Make .venv from the hashed lock

# ---- run ------------------------------------------------------------------------------------------------------

.PHONY: demo demo-reset
demo: $(STAMP) ## Start everything on http://localhost:$PORT (8000) with the demo's tickets; Ctrl-C stops it
	@exec $(BIN)/python manage.py demo $(DEMO)

demo-reset: $(STAMP) ## The same, from nothing: the demo's data is removed first
	@exec $(BIN)/python manage.py demo --reset $(DEMO)

# ---- checks ---------------------------------------------------------------------------------------------------

PYTEST := $(BIN)/python -m pytest

.PHONY: test test-unit test-integration test-acceptance test-crash benchmark benchmark-ticket
.PHONY: pictures lint format types contracts docs
test: lint types contracts ## Lint, types, import contracts and the tests of every floor but crash
	@$(PYTEST) -n 2 --dist loadfile tests/unit tests/integration $(ARGS)
	@$(PYTEST) -n 2 --dist loadfile tests/acceptance $(ARGS)

test-unit: $(STAMP) ## Tests that need no server (under 10 s)
	@$(PYTEST) tests/unit $(ARGS)

test-integration: $(STAMP) ## Tests against PostgreSQL, Valkey and HTTP
	@$(PYTEST) tests/integration $(ARGS)

test-acceptance: $(STAMP) ## The whole system: workers, web server, browser
	@$(PYTEST) -n 2 --dist loadfile tests/acceptance $(ARGS)

test-crash: $(STAMP) ## Processes killed at every boundary x fault x attempt x race (CRASH_PART=3/30: a part of it)
	@$(PYTEST) tests/crash $(ARGS)

benchmark: $(STAMP) ## What each page costs at 10,000 and at 1,000,000 actions (BENCHMARK_ACTIONS="N N")
	@$(PYTEST) tests/benchmarks/history.py $(ARGS)

benchmark-ticket: $(STAMP) ## What an automatic ticket costs the database: statements, commits, WAL
	@$(PYTEST) tests/benchmarks/hot_path.py $(ARGS)

pictures: $(STAMP) ## Make docs/pictures anew, from a demo
	@$(PYTEST) tests/acceptance/pictures.py $(ARGS)

lint: $(STAMP) ## ruff, the formatting of code and templates, and no merge left half-done
	@! git grep -nE '^(<{7}|>{7}) ' -- . || { echo "A merge was left half-done." >&2; exit 1; }
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted: run 'make format'." >&2; exit 1; }
	@$(BIN)/djangofmt --check templates 2>.venv/djangofmt.log || { cat .venv/djangofmt.log >&2; exit 1; }
	@! LC_ALL=C.UTF-8 git grep -nE '.{121,}' -- templates || { echo "A line is longer than 120 characters." >&2; exit 1; }

format: $(STAMP) ## Format the code and the templates
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/djangofmt templates

types: $(STAMP) ## mypy, strict
	@$(BIN)/mypy --no-error-summary manage.py agentops approvals tickets docs/hooks

contracts: $(STAMP) ## import-linter: arrows point down
	@$(BIN)/lint-imports --no-logo >.venv/contracts.log 2>&1 || { cat .venv/contracts.log; exit 1; }

docs: $(STAMP) ## Build the documentation site into site/, without warnings
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --clean --quiet

# ---- housekeeping ---------------------------------------------------------------------------------------------

.PHONY: lock clean help
lock: $(STAMP) ## Make requirements.txt anew from pyproject.toml (UPGRADE=1: newest versions)
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url $(if $(UPGRADE),--upgrade) --group dev --group docs pyproject.toml --output-file requirements.txt

clean: ## Remove .venv, caches and this checkout's runtime folder; the demo's data in var/ stays
	@for each in /var/lib/agentops-* /var/tmp/agentops-* /tmp/agentops-*; do \
		if [ -O "$$each" ] && [ ! -L "$$each" ] && [ "$$(cat "$$each/checkout" 2>/dev/null)" = "$$(pwd -P)" ]; then \
			echo "rm -rf $$each"; rm -rf "$$each"; fi; done
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis staticfiles site
	find agentops approvals tickets tests -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' Makefile
