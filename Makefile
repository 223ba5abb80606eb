# What one does with Rollbook in its folder. Each target sets up what it needs; Python 3.11 or later and make suffice.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
BIN := .venv/bin
ARGS ?=
# tests wait more than they compute, so more at once than there are processors; chosen ones run alone
WORKERS ?= $(if $(ARGS),0,4)

.DEFAULT_GOAL := help
.PHONY: help demo test check bench docs clean

help:
	@echo "make demo    90 days of believable data, served: prints the address to open"
	@echo "make test    every test (ARGS='-k name' to choose)"
	@echo "make check   ruff, mypy --strict, tidy tests"
	@echo "make bench   measure, and write bench/RESULTS.md"
	@echo "make docs    write the generated pages of docs/reference anew"

demo: .venv/ready
	@$(BIN)/rollbook demo $(ARGS)

test: .venv/ready-dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_tidy.py

bench: .venv/ready
	$(BIN)/rollbook bench --out bench/RESULTS.md $(ARGS)

docs: .venv/ready
	$(BIN)/rollbook docs

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

.venv/bin/python:
	@test -n "$(PYTHON)" || { \
		echo "Rollbook needs Python 3.11 or later; found: $$(python3 --version 2>&1)." >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.12 …" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

# the stamps: what is newer than pyproject.toml is not installed again
.venv/ready: pyproject.toml | .venv/bin/python
	@echo "Setting up in .venv (once, a minute or two) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/ready-dev: pyproject.toml | .venv/bin/python
	@echo "Setting up in .venv (once, a minute or two) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ .venv/ready
