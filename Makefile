# `make book` and `make test` start from nothing; everything else is listed by `make help`.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
BIN := .venv/bin
STAMP := .venv/installed
LABS := $(wildcard labs/*.ipynb)
SITE := _build/html/index.html
QUESTION ?= What is the capital of France? Answer in one word.

# One thread in the numerical libraries: the same sums on every machine.
export OMP_NUM_THREADS ?= 1

OFFLINE := PYTHONPATH=$(CURDIR)/tools/offline HYBRIDLAB_OFFLINE=1
PYTEST := $(BIN)/python -m pytest

.PHONY: help env book site test lab live models timings refresh sums release bench test-slow browser constraints clean

help:
	@echo "make book       set up, build the site, ask a real local model one question"
	@echo "make test       set up, then run the unit tests, the labs, the site and the gates"
	@echo "make lab        JupyterLab on the labs; as root or without a screen: LABFLAGS=\"--allow-root --no-browser\""
	@echo "make live       every lab again with the live model, into _build/live"
	@echo "make models     fetch the three models (1.7 GB)"
	@echo "make test-slow  build the site, then simulations, fuzzing and real browsers"
	@echo "make release    site, source, package and their checksums, into _build/release"
	@echo "for maintainers: make timings, refresh, sums, bench, constraints, clean"

env: $(STAMP)

# uv when it is there, else pip. A change of the requirements installs again.
$(STAMP): requirements.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; print("Python %d.%d" % v + ("" if v == (3, 11) else \
	  " (the pins are tested on 3.11)")); sys.exit(v < (3, 11))' \
	  || { echo "This course needs Python 3.11 or newer; found $(PYTHON). Try: make book PYTHON=python3.11"; exit 1; }
	@echo "Setting up: installing $$(grep -c == constraints.txt) packages into .venv: one to two minutes, 1.3 GB on disk"
	@if command -v uv >/dev/null; then \
	  { test -x $(BIN)/python || uv venv --quiet --python $(PYTHON) .venv; } && \
	  uv pip install --quiet --python $(BIN)/python -r requirements.txt -c constraints.txt && \
	  uv pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation -e .; \
	else \
	  { test -x $(BIN)/python || $(PYTHON) -m venv .venv; } && \
	  $(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt -c constraints.txt && \
	  $(BIN)/python -m pip install --disable-pip-version-check -qq --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

book: $(STAMP)
	@echo "[1/3] fetching the smallest model, 98 MB, unless it is here"
	@$(BIN)/python -m hybridlab pull smollm2-135m \
	  || echo "No source of the model could be reached; the site is built without it. Later: make models"
	@echo "[2/3] building the site: about 20 s"
	@$(MAKE) --no-print-directory site
	@echo "[3/3] asking the model; its server starts first"
	@$(BIN)/python -m hybridlab ask "$(QUESTION)" --model smollm2-135m \
	  && echo "The model's server stays, with 260 MB of memory, until nobody has asked it for 15 minutes. To stop it now:" \
	  && echo "  $(BIN)/python -m hybridlab serve --stop" \
	  || echo "No live answer: the message above says why. The site and the labs work without it, from recordings."
	@echo "The site: file://$(CURDIR)/$(SITE)"

site: $(STAMP)
	@$(BIN)/jupyter-book build --all -W --keep-going -n -q .

test: $(STAMP)
	@echo "[1/4] unit tests and the examples in docstrings"
	@$(OFFLINE) $(PYTEST) -q -m "not slow and not live and not browser" tests
	@$(OFFLINE) $(PYTEST) -q --doctest-modules hybridlab tools
	@echo "[2/4] building the site: about 20 s"
	@$(MAKE) --no-print-directory site
	@echo "[3/4] running $(words $(LABS)) labs in replay, every output compared"
	@rm -rf _build/trace && mkdir -p _build/trace
	@$(BIN)/python -c "import matplotlib.font_manager"
	@$(if $(LABS),$(OFFLINE) HYBRIDLAB_MODE=replay HYBRIDLAB_TRACE=$(CURDIR)/_build/trace/labs.keys $(PYTEST) -q --nbval --nbval-current-env --nbval-cell-timeout=120 \
	  -p no:cacheprovider $(LABS),echo "no lab yet")
	@echo "[4/4] gates"
	@$(BIN)/python -m tools.gates

test-slow: $(STAMP) browser site
	@echo "simulations, fuzzing and browsers"
	@$(PYTEST) -q -m "slow or browser" tests || { code=$$?; test $$code = 5 && echo "no slow test yet" || exit $$code; }

browser:
	@if command -v chromium chromium-browser google-chrome >/dev/null; then :; \
	elif test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
	  echo "installing Chromium from Debian: about a minute"; \
	  { apt-get -qq update && apt-get -qq install -y chromium; } >/dev/null || echo "Chromium could not be installed"; \
	else echo "No Chromium on this machine: install one (Debian: apt-get install chromium) or the browser tests skip"; fi

lab: $(STAMP)
	@$(BIN)/jupyter lab $(LABFLAGS) labs

live: $(STAMP)
	@echo "running $(words $(LABS)) labs with the live model; results go to _build/live"
	@$(BIN)/python -m tools.refresh --live

models: $(STAMP)
	@$(BIN)/python -m hybridlab pull --all

# Labs first; then what is drawn or listed from them, and last the checksums of it all, quizzes named if they changed.
refresh: $(STAMP)
	@for tool in refresh explorer viewer workload provenance cover sums; do $(BIN)/python -m tools.$$tool || exit 1; done

timings sums release bench: $(STAMP)
	@$(BIN)/python -m tools.$@

constraints: $(STAMP)
	@{ echo "# Every package of the tested environment (Python 3.11, Linux x86-64). Written by \`make constraints\`."; \
	  $(BIN)/python -m pip freeze --all --exclude-editable; } > constraints.txt

clean:
	rm -rf _build .pytest_cache .hypothesis *.egg-info labs/.ipynb_checkpoints
	@echo "The environment stays; remove it with: rm -rf .venv"
