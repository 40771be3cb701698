# `make run` and `make test` are all one needs to know. Both install what they need from Debian's
# packages, build, and work on a fresh machine that has Rust and root.

SHELL := /bin/bash
CARGO ?= cargo
# The build that `make run` and `make demo` use: dev takes minutes less to build, and `make test`
# uses it again. `make run PROFILE=release` is for long stays.
PROFILE ?= dev
TARGET_DIR := $(shell $(CARGO) metadata --no-deps --format-version 1 2>/dev/null | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
BINARY := $(TARGET_DIR)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))/tidegate
DEMO_CALLS ?= 12

.PHONY: run demo test lint bench build packages clean-machine

run: packages build ## everything, with the classic example; ends with Ctrl-C
	$(BINARY) demo

demo: packages build ## the same, ending by itself after its proof
	$(BINARY) demo --calls $(DEMO_CALLS) $(DEMO_FLAGS)

build:
	$(CARGO) build --profile $(PROFILE) --bin tidegate

test: packages ## every test, and the demo
	scripts/test

lint: ## formatting, clippy, licences and advisories
	scripts/lint

bench: packages ## figures and ratios; see docs/benchmarks
	scripts/bench

clean-machine: build ## every trace of tidegate on this machine, but for its data directory
	$(BINARY) cleanup

packages:
	@scripts/packages
