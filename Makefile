# `make book` and `make test` are all you need: each does its own set-up in .venv.

BIN := .venv/bin
SITE := _build/html
WORKERS ?= 2
NB ?= chapters

# One thread a process: two workers would otherwise fight for the same cores, and sums in another
# order would change the last digits of stored outputs.
export OMP_NUM_THREADS ?= 1

# Expanded only where the environment is made, so nothing else needs a Python.
SUITS := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
PYTHON = $(or $(shell for p in python3 python3.13 python3.12 python3.11; do \
    "$$p" -c '$(SUITS)' >/dev/null 2>&1 && command -v "$$p" && break; done),$(error \
    Python 3.11 or newer with its venv module is missing (tried python3, python3.13, python3.12, python3.11)))

SOURCES := $(shell find _config.yml _toc.yml CITATION.cff pyproject.toml book chapters lossedu -type f \
    -not -path '*/__pycache__/*' -not -path '*/.ipynb_checkpoints/*' 2>/dev/null | LC_ALL=C sort)

.PHONY: help book test run lab serve pdf address clean FORCE
.DEFAULT_GOAL := help

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

book: $(SITE)/.done  ## build the book; warnings are errors
	@echo "The book is in $(SITE): file://$(CURDIR)/$(SITE)/index.html"

test: book  ## lint, check types, run every test (Chromium is used where there is one)
	@echo "Linting with ruff"
	@$(BIN)/ruff check --quiet .
	@echo "Checking types with mypy"
	@$(BIN)/mypy --no-error-summary
	@echo "Running the tests with $(WORKERS) workers"
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
	@echo "All tests passed. The book is in $(SITE): file://$(CURDIR)/$(SITE)/index.html"

run: .venv/.ready  ## renew the stored outputs of all chapters, or of NB=chapters/ch03-ssim.ipynb
	@$(BIN)/python tools/run_notebooks.py $(NB)

lab: .venv/.ready  ## open the chapters in JupyterLab
	@$(BIN)/jupyter lab chapters

serve: book  ## serve the built book on http://127.0.0.1:8000
	@echo "Serving on http://127.0.0.1:8000 (stop with Ctrl-C)"
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory $(SITE) 8000

pdf: .venv/.ready  ## print the whole book to _build/pdf/book.pdf (needs Chromium)
	@echo "Building the book as one page"
	@rm -rf _build/singlehtml _build/.doctrees
	@$(BIN)/jupyter-book build -q -W -n --keep-going --builder singlehtml . >/dev/null
	@cp _build/singlehtml/book/intro.html _build/singlehtml/index.html  # its links are meant to start here
	@$(BIN)/python tools/print_pdf.py _build/singlehtml/index.html _build/pdf/book.pdf

address:  ## give a fork its own address: make address URL=https://github.com/you/your-fork
	@$(PYTHON) tools/set_address.py "$(URL)"

clean:  ## remove what was built (not .venv)
	rm -rf _build build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# torch goes first, from its own exact line, so that nothing else can choose another build of it.
.venv/.ready: pyproject.toml constraints.txt
	@echo "Making .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv
	@echo "Installing torch (the largest part of the set-up)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt torch==2.13.0
	@echo "Installing the rest"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[book,test,docs]'
	@touch $@

# Always from scratch: it takes seconds, while an incremental build forgets the warnings of pages
# that it does not read again and never copies a changed static file.
$(SITE)/.done: .venv/.ready _build/sources $(SOURCES)
	@echo "Building the book"
	@rm -rf $(SITE) _build/.doctrees
	@$(BIN)/jupyter-book build -q -W -n --keep-going . >/dev/null
	@touch $@

# The list of sources is a source as well: a page that was deleted calls for a new build.
_build/sources: FORCE
	@mkdir -p _build
	@printf '%s\n' $(SOURCES) | cmp -s - $@ || printf '%s\n' $(SOURCES) > $@
