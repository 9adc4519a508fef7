# SPDX-License-Identifier: Apache-2.0
# Short names for what people do all day; `make` alone lists them. CMakePresets.json has the real settings.
# On a machine without make, `./dev NAME` installs what NAME needs and then comes here.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# Two compilers at most: a translation unit that uses Beast takes about 1 GB.
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 600
STAGE ?=
export JOBS FUZZ_SECONDS

.PHONY: help setup build check test test-real demo kubectl asan tsan fuzz bench docs coverage format clean fresh-machine

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install the Debian packages for building and testing
	@tools/setup.sh run test

build: ## build the programs, optimised, without tests
	@tools/build.sh release programs

check: ## format, layers, sizes, banned words, headers, tidy on changed files, unit tests
	@tools/check.sh

test: ## everything that needs no foreign server: units, AddressSanitizer, fuzz corpora, demo
	@python3 tools/test/run.py

test-real: ## the stages with real servers; STAGE=name runs one
	@python3 tools/test/run_real.py $(STAGE)

demo: build ## build the programs and show them at work
	@tools/demo.sh

kubectl: ## build a current kubectl (takes Go); the last line says where it is
	@tests/real/build.sh kubectl | sed -u '$$s|^/.*|&/kubectl|'

asan: ## unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/build.sh asan all
	@ctest --preset asan -j $(JOBS)

tsan: ## unit tests under ThreadSanitizer
	@tools/build.sh tsan all
	@ctest --preset tsan -j $(JOBS)

fuzz: ## every fuzzer for FUZZ_SECONDS (600) each
	@tools/build.sh fuzz fuzzers
	@python3 tools/fuzz.py --seconds $(FUZZ_SECONDS)

bench: ## benchmarks, next to a peer where there is one
	@tools/build.sh bench programs benchmarks
	@tools/bench.sh

docs: ## reference pages from the headers, into build/docs
	@tools/docs.sh

coverage: ## line coverage of the unit tests
	@tools/coverage.sh

format: ## rewrite all C++ files with clang-format
	@tools/format.sh

clean: ## remove build/ (the state folder .state/ stays)
	rm -rf build

fresh-machine: ## run the README's two commands in a bare Debian root (needs root)
	@tools/fresh-machine
