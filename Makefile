# Two commands: `make demo` and `make test`. Both set up .venv from the hashed lock first; `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:

PORT ?= 8000
export PORT
# Compiled modules are kept, whatever the shell says: every process here would compile them again.
unexport PYTHONDONTWRITEBYTECODE
# Output is UTF-8 whatever the locale, which may not be installed.
export PYTHONUTF8 := 1
ifeq ($(HOME),)
export HOME := $(wildcard ~)
endif

# ---- set-up ---------------------------------------------------------------------------------------------------

# Packages and caches are kept in this folder or, if it is read-only, in DATA_DIR.
VENV := .venv
ifneq ($(shell [ -w . ] || echo read-only),)
ifeq ($(DATA_DIR),)
ifneq ($(filter-out help,$(MAKECMDGOALS)),)
$(error This folder is read-only; name one to write to: make $(MAKECMDGOALS) DATA_DIR=/path/to/folder)
endif
endif
ifneq ($(shell [ .venv/.lock-installed -nt requirements.txt ] || echo missing),)
VENV := $(DATA_DIR)/venv
endif
CACHE := $(DATA_DIR)/cache
export MYPY_CACHE_DIR := $(CACHE)/mypy
export RUFF_CACHE_DIR := $(CACHE)/ruff
export HYPOTHESIS_STORAGE_DIRECTORY := $(CACHE)/hypothesis
export PYTHONPYCACHEPREFIX := $(CACHE)/pycache
export PYTEST_ADDOPTS := $(PYTEST_ADDOPTS) -o "cache_dir=$(CACHE)/pytest"
endif

# With their quotes, since either may have spaces in it.
BIN := "$(VENV)/bin"
empty :=
STAMP := $(subst $(empty) ,\ ,$(VENV))/.lock-installed

# The first interpreter that is new enough is used (`make setup PYTHONS=python3.14` chooses one). pyenv's own folders are
# listed because its shims refuse a version that is not installed.
PYENV := "$$HOME"/.pyenv/versions
PYTHONS := python3.13 python3.14 python3.12 python3 $(PYENV)/3.13*/bin/python3 $(PYENV)/3.1[2-9]*/bin/python3
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 12))

$(STAMP): requirements.txt
	@python=; for each in $(PYTHONS); do \
		if "$$each" -c '$(NEW_ENOUGH)' >/dev/null 2>&1; then python=$$each; break; fi; done; \
	$(BIN)/python -c '$(NEW_ENOUGH)' >/dev/null 2>&1 || rm -rf "$(VENV)"; \
	folder=$$(dirname "$(VENV)"); mkdir -p "$$folder" 2>/dev/null && [ -w "$$folder" ] || { \
		echo "$$folder cannot be written to; name another folder: DATA_DIR=/path/to/folder" >&2; exit 1; }; \
	cache=$${UV_CACHE_DIR:-$${XDG_CACHE_HOME:-$$HOME/.cache}/uv}; \
	if [ "$$cache" = /.cache/uv ] || ! mkdir -p "$$cache" 2>/dev/null || ! [ -w "$$cache" ]; then export UV_NO_CACHE=1; fi; \
	if command -v uv >/dev/null 2>&1; then uv=uv; \
		[ -x $(BIN)/python ] || uv venv --quiet --python "$${python:->=3.12}" "$(VENV)" || exit 1; \
	else uv=$(BIN)/uv; \
		if [ ! -x $(BIN)/python ] && [ -z "$$python" ]; then \
			echo "This needs Python 3.12 or newer, and none was found. Looked for: $(subst ",,$(PYTHONS))" >&2; exit 1; fi; \
		[ -x $(BIN)/python ] || "$$python" -m venv --without-pip "$(VENV)" || exit 1; \
		if [ ! -x "$$uv" ]; then echo "Installing uv into $(VENV)"; \
			awk '/^uv==/ {on=1} on {print} on && !/\\$$/ {exit}' requirements.txt > "$(VENV)/uv.txt"; \
			if "$$python" -m pip --version >/dev/null 2>&1; then pip=$$python; set -- --python $(BIN)/python; \
			elif $(BIN)/python -m ensurepip >/dev/null 2>&1; then pip=$(BIN)/python; set --; \
			else echo "This Python has no pip: install it (on Debian: apt-get install python3-pip), or uv." >&2; exit 1; fi; \
			"$$pip" -m pip "$$@" install -qq --disable-pip-version-check --require-hashes -r "$(VENV)/uv.txt" || exit 1; fi; \
	fi; \
	echo "Installing the locked packages into $(VENV)"; \
	sync() { VIRTUAL_ENV="$(VENV)" "$$uv" pip sync --quiet --require-hashes "$$@" requirements.txt; }; \
	sync 2>"$(VENV)/sync.log" || sync --offline 2>/dev/null || { cat "$(VENV)/sync.log" >&2; exit 1; }
	@touch "$@"

.PHONY: setup
setup: $(STAMP) ## Make .venv from the hashed lock

# ---- run ------------------------------------------------------------------------------------------------------

.PHONY: demo demo-reset
demo: $(STAMP) ## Start everything on http://localhost:$PORT (8000) with the demo's tickets; Ctrl-C stops it
	@exec $(BIN)/python manage.py demo $(DEMO)

demo-reset: $(STAMP) ## Delete the demo's data, then start the demo
	@exec $(BIN)/python manage.py demo --reset $(DEMO)

# ---- checks ---------------------------------------------------------------------------------------------------

PYTEST := $(BIN)/python -m pytest

.PHONY: test test-unit test-integration test-acceptance test-setup test-crash benchmark benchmark-ticket
.PHONY: benchmark-sweep benchmark-slow-model mutants
.PHONY: pictures lint format types contracts names docs
.PHONY: money-path
test: lint types contracts ## Lint, types, import contracts and the tests of every floor but crash
	@$(PYTEST) -n 2 tests/acceptance tests/integration tests/unit $(ARGS)

test-unit: $(STAMP) ## Tests that need no server (under 10 s)
	@$(PYTEST) $(or $(TESTS),tests/unit) $(ARGS)

test-integration: $(STAMP) ## Tests against PostgreSQL, Valkey and HTTP
	@$(PYTEST) $(or $(TESTS),tests/integration) $(ARGS)

test-acceptance: $(STAMP) ## The whole system: workers, web server, browser
	@$(PYTEST) -n 2 tests/acceptance $(ARGS)

test-setup: $(STAMP) ## make demo and make test in private, read-only and unusually named folders (as root; 2 minutes)
	@$(PYTEST) -n 2 $(or $(TESTS),tests/setup) $(ARGS)

test-crash: $(STAMP) ## Processes killed at every boundary x fault x attempt x race (CRASH_PART=3/30: a part of it)
	@$(PYTEST) tests/crash $(ARGS)

benchmark: $(STAMP) ## The cost of each page at 10,000 and at 1,000,000 actions (BENCHMARK_ACTIONS="N N")
	@$(PYTEST) tests/benchmarks/history.py $(ARGS)

benchmark-ticket: $(STAMP) ## The database cost of an automatic ticket: statements, commits, WAL
	@$(PYTEST) tests/benchmarks/hot_path.py $(ARGS)

mutants: $(STAMP) ## Change the pure money logic in small ways and list the changes that no unit test notices (20 minutes)
	@$(BIN)/python -m mutmut run $(ARGS)
	@$(BIN)/python -m mutmut results

benchmark-sweep: $(STAMP) ## What a round of the sweep reads as runs wait and queue up (BENCHMARK_RUNS="1000 100000")
	@$(PYTEST) tests/benchmarks/sweep_queries.py $(ARGS)

benchmark-slow-model: $(STAMP) ## 32 calls of 12 s at once in a worker at default settings (BENCHMARK_LATENCY=12)
	@$(PYTEST) tests/benchmarks/slow_model.py $(ARGS)

money-path: ## The files between proposal and settlement of a refund, with their lines
	@wc -l $(addprefix approvals/,kinds.py locks.py transitions.py audit/events.py policy/verdicts.py) \
		$(addprefix approvals/effects/kinds/,__init__.py registry.py base.py refund.py) \
		$(addprefix approvals/effects/,proposals.py resolution.py facts.py reservations.py payload.py snapshots.py \
		execution.py attempt_plan.py settlement.py lookup.py) \
		$(addprefix approvals/providers/,payments/__init__.py payments/contract.py receipt.py) \
		$(addprefix agentops/lib/,errors.py http.py money.py retry.py)

pictures: $(STAMP) ## Take the pictures in docs/pictures again, in a demo
	@$(PYTEST) tests/acceptance/pictures.py $(ARGS)

texts: $(STAMP) ## Write what people read to var/texts.txt: every page, command output and email that tests reach
	@$(PYTEST) -n 2 -p tests.texts $(or $(TESTS),tests/acceptance/visible_text.py tests/integration) $(ARGS)

lint: $(STAMP) ## ruff, the formatting of code and templates, and no leftover merge conflicts
	@! grep -rnIE '^(<{7}|>{7}) ' --exclude-dir='.?*' --exclude-dir=var . || { echo "A merge was left half-done." >&2; exit 1; }
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check --quiet . || { echo "Not formatted: run 'make format'." >&2; exit 1; }
	@said=$$($(BIN)/djangofmt --check templates 2>&1) || { printf '%s\n' "$$said" >&2; exit 1; }
	@! LC_ALL=C.UTF-8 grep -rnE '.{121,}' templates || { echo "A line is longer than 120 characters." >&2; exit 1; }

format: $(STAMP) ## Format the code and the templates
	@$(BIN)/python -m ruff check --fix .
	@$(BIN)/python -m ruff format .
	@$(BIN)/djangofmt templates

types: $(STAMP) ## mypy, strict
	@$(BIN)/python -m mypy --no-error-summary manage.py agentops approvals tickets docs/hooks

names: $(STAMP) ## List public names that several modules define; tests/unit/test_names.py limits them
	@$(BIN)/python tests/unit/test_names.py

contracts: $(STAMP) ## import-linter: arrows point down
	@said=$$($(BIN)/python -c 'from importlinter.cli import lint_imports_command as run; run()' --no-logo \
		$(if $(CACHE),--cache-dir "$(CACHE)/imports") 2>&1) || { printf '%s\n' "$$said"; exit 1; }

docs: $(STAMP) ## Build the documentation site into site/, without warnings
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --clean $(if $(CACHE),--site-dir "$(CACHE)/site")

# ---- housekeeping ---------------------------------------------------------------------------------------------

.PHONY: lock clean help
lock: $(STAMP) ## Generate requirements.txt from pyproject.toml (UPGRADE=1: newest versions)
	@$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url $(if $(UPGRADE),--upgrade) --group dev --group docs --group mutants pyproject.toml --output-file requirements.txt

clean: ## Remove .venv, caches and this checkout's runtime folder; the demo's data in var/ stays
	@for each in /var/lib/agentops-* /var/tmp/agentops-* /tmp/agentops-*; do \
		if [ -O "$$each" ] && [ ! -L "$$each" ] && [ "$$(cat "$$each/checkout" 2>/dev/null)" = "$$(pwd -P)" ]; then \
			echo "rm -rf $$each"; rm -rf "$$each"; fi; done
ifdef CACHE
	rm -rf "$(VENV)" "$(CACHE)"
else
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis staticfiles site mutants
	find agentops approvals tickets tests -name __pycache__ -type d -prune -exec rm -rf {} +
endif

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' Makefile
