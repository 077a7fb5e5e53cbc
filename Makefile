# Everything a person or a workflow runs. Each target installs what is missing first.
PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
PROFILE ?= lab
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: book read test ship clean lint grid smoke unit notebooks
.DEFAULT_GOAL := book

# The locks name all that is needed and the digest of every file, so pip looks for nothing else and takes nothing else.
HASHED := $(BIN)/python -m pip install --quiet --no-deps --require-hashes --requirement
$(INSTALLED): requirements.lock requirements-cuda.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(HASHED) requirements.lock
	$(BIN)/python -m pip show torch | grep --quiet '^Version: .*+cpu' || $(HASHED) requirements-cuda.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

book: $(INSTALLED)  ## run a profile (default lab) and build its book
	$(BIN)/proxylib grid --profile $(PROFILE) --jobs $(JOBS)
	@$(BIN)/proxylib book --profile $(PROFILE)

read: $(INSTALLED)  ## build the shipped book; runs nothing
	@$(BIN)/proxylib book --shipped

test: lint smoke unit notebooks  ## everything that continuous integration runs
	$(BIN)/proxylib scoreboard --check
	$(BIN)/proxylib book --profile smoke

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/nbstripout --verify notebooks/*/*.ipynb
	$(BIN)/python tests/mutations.py --check

smoke: $(INSTALLED)
	$(BIN)/proxylib grid --profile smoke --jobs $(JOBS)

unit: $(INSTALLED)  ## one worker more than jobs: tests wait for servers, kills and children
	$(BIN)/python -m pytest -n $$(($(JOBS) + 1)) --dist loadfile --no-loadscope-reorder tests

notebooks: $(INSTALLED)  ## every notebook over what the smoke grid left
	$(BIN)/python -m pytest --nbval-lax -n $(JOBS) --dist loadscope notebooks

ship: $(INSTALLED)  ## copy a profile's executed pages into book/executed/; refuses a dirty tree
	$(BIN)/proxylib ship --profile $(PROFILE)

clean:  ## remove runs and rendered books; the environment stays
	rm -rf runs _build
