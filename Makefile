# Every command of the project. `make help` lists them.

SHELL := /bin/sh
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 8000
# Of the demo: `outage` has the biggest bank down, `morning` a bit of everything (see simulator --help).
SCENARIO ?= morning
LOGINS ?= 120
# How many tests run at once. Many of them mostly wait, so 3 suit two cores; Chromium, and what starts
# the whole product, get turns of their own.
JOBS ?= 3
CHROMIUM ?= $(firstword $(shell command -v chromium chromium-browser google-chrome 2>/dev/null))
# `required` makes a missing Chromium an error.
BROWSER_TESTS ?= if-possible
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Settings for checks: nothing of a developer's .env.
PRODUCTION := env ENV_FILE=/dev/null DEBUG=false HTTPS_ONLY=true ALLOWED_HOSTS=refreshops.example \
	SECRET_KEY=for-the-check-only-0123456789-abcdefghij-KLMNOPQRST-!%/ \
	FIELD_ENCRYPTION_KEYS=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE= \
	FLINKS_API_URL=https://example-api.private.fin.ag/v3/ \
	FLINKS_CUSTOMER_ID=43387ca6-0391-4c82-857d-70d95f087ecb DATABASE_URL=sqlite://:memory:
TEST_MANAGE := env DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench docs soak key python

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/.dev ## Make the virtual environment with everything for development

run: $(VENV)/.run ## Start web, worker and simulator with a demo; Ctrl-C stops all (PORT= SCENARIO= LOGINS=)
	@$(BIN)/python -m refreshops.runtime.dotenv
	@$(BIN)/python manage.py devserver --port $(PORT) --scenario $(SCENARIO) --logins $(LOGINS)

test: $(VENV)/.dev ## Run every test
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m "not soak and not browser and not alone"
	$(BIN)/pytest -m "alone and not soak"
ifneq ($(CHROMIUM),)
	$(BIN)/pytest -m "browser and not soak" -n 2 --dist loadfile
else ifeq ($(BROWSER_TESTS),required)
	@echo "The browser tests need Chromium: apt-get install chromium"; exit 1
else
	@echo; echo "  NOT RUN: the browser tests. They need Chromium: apt-get install chromium"; echo
endif

check: $(VENV)/.dev ## Lint, types, settings, migrations, documents, architecture, locks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(TEST_MANAGE) check --fail-level WARNING
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(TEST_MANAGE) makemigrations --check --dry-run
	$(TEST_MANAGE) write_docs --check
	$(BIN)/pytest -q tests/test_architecture.py tests/test_documents.py
	@if grep -n '://' requirements.txt requirements-dev.txt; then \
		echo "The locks must name no host."; exit 1; fi

bench: $(VENV)/.dev ## Measure the routine, large orders and every page, on SQLite and PostgreSQL
	$(BIN)/python -m bench

docs: $(VENV)/.dev ## Write the generated documents
	$(TEST_MANAGE) write_docs

soak: $(VENV)/.dev ## Run the long randomised tests
	$(BIN)/pytest -m soak

key: python ## Print a new SECRET_KEY and FIELD_ENCRYPTION_KEYS
	@$(PYTHON) -m refreshops.runtime.dotenv --print-keys

python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed (or say PYTHON=/path/to/it)."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "This Python cannot make a virtual environment: apt-get install python3-venv"; exit 1; }

# A stamp, because an interrupted start leaves a python without pip behind.
$(VENV)/.made: | python
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		echo "Making the virtual environment $(VENV) …"; $(PYTHON) -m venv --clear $(VENV); }
	@touch $@

$(VENV)/.run: requirements.txt | $(VENV)/.made
	@echo "Installing what the product needs (checked against the hashes in $<) …"
	@$(PIP) install --require-hashes -r $<
	@touch $@

$(VENV)/.dev: requirements-dev.txt | $(VENV)/.made
	@echo "Installing what development needs (checked against the hashes in $<) …"
	@$(PIP) install --require-hashes -r $<
	@touch $@
