# Everything here works from a fresh clone with Python 3.11+, pip and make.
# Nothing is installed twice: a stamp file in the environment is newer than what it was made from.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Each test worker is one process; BLAS threads inside the workers would compete for the same cores.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

# Debian and Ubuntu ship python3 without ensurepip, which `python3 -m venv` needs; the pip that is
# there then fills the environment instead.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; sys.exit(None if sys.version_info >= (3, 11) else f"chainrule needs Python 3.11 or newer, and $(PYTHON) is {v}: use make PYTHON=/path/to/python3.11")'
	@echo "creating $(VENV)"
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
		&& $(PYTHON) -m venv $(VENV) \
		|| { $(PYTHON) -m venv --clear --without-pip $(VENV) \
			&& $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; }

$(VENV)/.installed: pyproject.toml src/chainrule/_version.py | $(BIN)/python
	@echo "installing chainrule"
	@$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/.installed-%: pyproject.toml src/chainrule/_version.py | $(BIN)/python
	@echo "installing chainrule with what '$*' needs"
	@$(PIP) install --quiet --editable '.[$*]'
	@touch $@

.PHONY: demo
demo: $(VENV)/.installed ## train on real digits, show one gradient, prove them all
	@$(BIN)/chainrule demo

# The examples of a page use the names of those before them, so they run one after the other.
PAGES := README.md docs

.PHONY: test
test: $(VENV)/.installed-test ## all tests, doctests and README code blocks, with PyTorch as the reference
	$(ONE_THREAD) $(BIN)/python -m pytest --numprocesses auto
	$(ONE_THREAD) $(BIN)/python -m pytest $(PAGES)

.PHONY: bench
bench: $(VENV)/.installed-bench ## time training steps against NumPy, PyTorch, autograd and MyGrad
	$(BIN)/python -m benchmarks.training_steps

.PHONY: lint
lint: $(VENV)/.installed-lint ## style, formatting and the layers of the house
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

.PHONY: types
types: $(VENV)/.installed-lint ## strict type checking
	$(BIN)/mypy

.PHONY: format
format: $(VENV)/.installed-lint ## rewrite the code in the project's style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# The package is imported from the wheel itself, not from src/: what was left out of it is missing.
.PHONY: package
package: $(VENV)/.installed ## build the wheel and check that it is complete
	@rm -rf dist
	$(PIP) wheel --quiet --no-deps --wheel-dir dist .
	@PYTHONPATH=$$(echo dist/*.whl) $(BIN)/python -c 'import chainrule.data as data; assert ".whl" in data.__file__; data.load_digits(); data.resources.files("chainrule").joinpath("py.typed").read_bytes()'

.PHONY: hooks
hooks: $(VENV)/.installed-lint ## run the linters before every commit
	$(BIN)/pre-commit install

.PHONY: clean
clean: ## remove the environment and every cache
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
