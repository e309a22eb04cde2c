# What a person types. Each target does its own set-up first; `make help` says what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test conformance conformance-smoke check clean

help: ## this text
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 26

setup: ## npm dependencies with the pinned Node, generated types, the program for port-forwarding
	@scripts/setup.sh

demo: setup ## the nginx pod of the getting-started page, from nothing to TASK_KILLED, on this machine
	@scripts/engine.sh run bash -c 'node scripts/images.ts && exec node scripts/demo.ts'

test: setup ## everything that CI checks: types, lint, rooms, dead code, unit and integration tests
	@scripts/test.sh

conformance: setup ## Kubernetes' own end-to-end specs against a real API server: FOCUS= SKIP= (regular expressions) NODES= (at a time) MINUTES= (limit)
	@scripts/conformance/run.sh

conformance-smoke: setup ## the twenty of them that tell most
	@SPECS=smoke scripts/conformance/run.sh

check: setup ## types, lint, room boundaries, dead code
	@scripts/check.sh

clean: ## node_modules, generated files and what runs left in the checkout; the cache folder stays
	@rm -rf conformance node_modules .cache src/mesos/generated coverage build .km
