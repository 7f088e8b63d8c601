# Every habit of the house. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One thread per numeric library: more are slower on small, shared machines.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# $(call install,WHAT): by pip; with QUICK=1 by uv, which fetches side by side, and pip where it cannot.
install = $(if $(QUICK),$(BIN)/uv pip install -q --python $(BIN)/python $(1) ||) $(BIN)/python -m pip install -q $(1)

.DEFAULT_GOAL := help
.PHONY: help setup setup-deep setup-dev demo test lint format bench docs lock clean peers audit sbom

help:  ## list the habits
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.run: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Genba needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "Python's venv module is missing; on Debian: apt install python3-venv"; exit 1; }
	@echo "installing the pinned dependencies into $(VENV) ..."
	@$(if $(QUICK),$(BIN)/python -m pip install -q --require-hashes -r .ci/uv.txt || true)
	@$(call install,--require-hashes -r requirements.lock)
	@$(BIN)/python -m pip install -q --no-deps -e .
	@touch $@

# Where PyTorch's own builds without CUDA are, on machines that have none beside PyPI.
TORCH_CPU ?= https://download.pytorch.org/whl/cpu
$(VENV)/.deep: $(VENV)/.run requirements-deep.lock
	@echo "installing PyTorch into $(VENV) ..."
	@$(BIN)/python -m pip install -q --no-deps --require-hashes -r requirements-deep.lock || \
	  $(BIN)/python -m pip install -q --no-deps --require-hashes -r requirements-deep.lock \
	    --extra-index-url $(TORCH_CPU)
	@touch $@

$(VENV)/.dev: $(VENV)/.deep requirements-dev.lock
	@echo "installing the pinned development tools ..."
	@$(call install,--require-hashes -r requirements-dev.lock)
	@touch $@

setup: $(VENV)/.run  ## virtual environment with what Genba needs to run
setup-deep: $(VENV)/.deep  ## the same with PyTorch: networks for images, long series and rare faults
setup-dev: $(VENV)/.dev  ## the same with what its development needs

demo: setup  ## start the reference plant and let Genba run it for one shift
	@$(BIN)/genba demo $(DEMO)

peers: setup-dev
	@tests/peers/install.sh

test: peers  ## the whole test suite (TESTS= narrows it)
	@$(if $(TESTS),$(BIN)/python -m pytest $(TESTS),tests/run.sh)

lint: setup-dev  ## format, lint, types, room table
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup-dev  ## put the code in order
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup-dev  ## run every benchmark (about an hour; each has its own command in benchmarks/README.md)
	@$(BIN)/python -m benchmarks

docs: setup  ## write what of docs/ comes from the code: plant files' schema, role table
	@$(BIN)/python -m genba.plant.schema > docs/plant.schema.json
	@$(BIN)/python -m genba.operate.api.matrix docs/security.md

lock: setup-dev  ## pin the newest allowed dependencies again
	@$(BIN)/python -m pip install -q uv
	@echo uv | $(BIN)/uv pip compile -q - --upgrade --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --universal --python-version 3.11 -o .ci/uv.txt
	@$(BIN)/uv pip compile -q --upgrade pyproject.toml --generate-hashes --no-emit-index-url \
	  --no-header --universal --python-version 3.11 -o requirements.lock
	@$(BIN)/uv pip compile -q --upgrade pyproject.toml --extra dev --generate-hashes \
	  --no-emit-index-url --no-header --universal --python-version 3.11 -c requirements.lock \
	  -o requirements-dev.lock

audit: setup-dev  ## look for known holes in the dependencies (STRICT=1 fails where no source answers)
	@$(BIN)/python .ci/audit_dependencies.py $(if $(STRICT),--strict) requirements.lock requirements-deep.lock requirements-dev.lock

sbom: setup-dev  ## write the bill of materials (CycloneDX) of what Genba runs on: sbom.json
	@$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml \
	  --output-reproducible --validate -o sbom.json

clean:  ## remove what was built and what the demo left
	@rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find src -name '*.nb[ic]' -delete
