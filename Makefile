# make demo   fresh machine -> environment, sandbox image, four models, runs/demo/report.html
# make test   fresh machine -> environment, sandbox image, every test this machine can run
# make check  lint, types, layers, and the tests that need neither Docker nor minutes
#
# SANDBOX=process   run model-written programs without a container (weaker; every score is stamped with it)
# RUN=runs/demo     where the demo lies; run it again to go on
# CUDA=1            accept the CUDA build of torch where no CPU build is offered

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
RUN ?= runs/demo
SANDBOX ?= docker
JUDGING := --sandbox $(SANDBOX) $(if $(filter-out docker,$(SANDBOX)),--accept-risk)
ENGINE := $(if $(filter docker,$(SANDBOX)),image)

# Real benchmarks, when a folder of them lies beside the checkout or is named.
SPECIALISTS_DATA ?= $(abspath $(wildcard ../shared/data))
export SPECIALISTS_DATA
export HF_HUB_DISABLE_TELEMETRY := 1

.PHONY: help env engine image demo test check lint types layers unit clean

help: ## show what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

env: .venv/ready ## create .venv with everything that is used

.venv/ready: pyproject.toml constraints.txt scripts/environment
	PYTHON=$(PYTHON) scripts/environment

engine: env ## find Docker, or install and start it where that is possible
	scripts/engine

image: engine ## build the sandbox image, if it is not there
	$(BIN)/python -m sandbox build

demo: env $(ENGINE) ## build the whole family from a real checkpoint and report what each is worth
	$(BIN)/python -m code_qwen problems --out $(RUN)/items/code.jsonl
	$(BIN)/python -m math_qwen problems --out $(RUN)/items/math.jsonl
	$(BIN)/python -m code_qwen build --recipe demo --run $(RUN)/code --against $(RUN)/items/math.jsonl $(JUDGING)
	$(BIN)/python -m math_qwen build --recipe demo --run $(RUN)/math --against $(RUN)/items/code.jsonl $(JUDGING)
	$(BIN)/python -m math_qwen generate --run $(RUN)/code --recipe demo --model Code-Qwen --model Code-Qwen-Chat
	$(BIN)/python -m math_qwen grade --run $(RUN)/code --recipe demo --model Code-Qwen --model Code-Qwen-Chat
	$(BIN)/python -m code_qwen generate --run $(RUN)/math --recipe demo --model Math-Qwen-Chat
	$(BIN)/python -m code_qwen grade --run $(RUN)/math --recipe demo --model Math-Qwen-Chat $(JUDGING)
	$(BIN)/python -m specialists compare $(RUN)/code $(RUN)/math --html $(RUN)/report.html

test: env image ## every test: unit, contract, docker, slow
	OMP_NUM_THREADS=1 $(BIN)/pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: lint types layers unit ## what every commit must pass

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env
	$(BIN)/pyright

layers: env
	$(BIN)/lint-imports

unit: env ## the tests that need neither Docker nor minutes
	$(BIN)/pytest tests/unit tests/contract -m "not slow"

clean: ## remove the demo and everything generated; the environment and the sandbox image stay
	rm -rf runs build dist .pytest_cache .ruff_cache .hypothesis *.egg-info
