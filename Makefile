# The front door. `make` alone lists what there is.
#
# PYTHON  the interpreter that the environment is made with      (python3)
# VENV    where the environment lives; any path will do          (.venv)
# ARGS    handed on to pytest, the example or the benchmark      (nothing)
# SECONDS how long each fuzz harness runs                        (60)
# SOAK_MINUTES  how long the soak takes                          (60)
# STEP, FROM    of faults: each STEP-th case, from this one on   (1, 0)

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
SECONDS ?= 60
SOAK_MINUTES ?= 60
STEP ?= 1
FROM ?= 0

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PY := $(VENV)/bin/python
READY := $(VENV)/.ready
BUILT := $(VENV)/.built
NATIVE := $(shell find native -name build -prune -o -type f \( -name '*.[ch]' -o -name '*.def' \) -print)

.PHONY: help system build run test pytest lint fix type c-test c-asan c-tsan sanitized bugs faults kills triples calls fuzz stress storm soak soak-sinks bench guard model smoke docs reference clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

system: ## see that compiler, Python headers and venv are there; install those missing (Debian, root)
	@PYTHON="$(PYTHON)" .ci/system

# An environment whose interpreter no longer starts is made anew.
$(READY): pyproject.toml setup.py | system
	@$(PY) -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	$(PY) -m pip install --quiet 'setuptools>=77' --editable '.[test]'
	@touch $@

$(BUILT): $(READY) setup.py $(NATIVE)
	$(PY) setup.py --quiet build_ext --inplace
	@touch $@

$(VENV)/.lint $(VENV)/.bench: $(VENV)/.%: $(READY)
	$(PY) -m pip install --quiet --editable '.[$*]'
	@touch $@

# The real uWSGI, strace and logrotate: where they cannot be had, the tests that need them are counted as skipped.
$(VENV)/.uwsgi: $(READY)
	@$(PY) -m pip install --quiet --editable '.[uwsgi]' || echo "!! no uWSGI: its tests are skipped"
	@.ci/system strace || echo "!! no strace: the tests that need it are skipped"
	@.ci/system logrotate || echo "!! no logrotate: the tests that need it are skipped"
	@touch $@

# Real receivers for the sinks, likewise.
$(VENV)/.receivers: .ci/receivers | $(READY)
	@.ci/receivers $(VENV)/receivers || echo "!! no rsyslog, syslog-ng, journald, journal-remote: their tests are skipped"
	@touch $@

build: $(BUILT) ## make the environment and build the extension

run: $(BUILT) ## the shop under gunicorn: requests, kills, and the proof that nothing was lost
	$(PY) examples/run_shop.py $(ARGS)

test: c-test pytest ## every test: the C programs, then pytest on all cores

pytest: $(BUILT) $(VENV)/.uwsgi $(VENV)/.receivers
	$(PY) -m pytest -n auto $(ARGS)

lint: $(VENV)/.lint ## ruff
	$(PY) -m ruff check .

fix: $(VENV)/.lint ## ruff, mending what it can
	$(PY) -m ruff check --fix .

type: $(VENV)/.lint ## mypy --strict
	$(PY) -m mypy

c-test: | system ## the C programs of native/tests
	@$(MAKE) --no-print-directory -j$$(nproc) -C native test

c-asan: | system ## the same under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory -j$$(nproc) -C native asan

c-tsan: | system ## those with threads, under ThreadSanitizer
	@$(MAKE) --no-print-directory -j$$(nproc) -C native tsan

SANITIZED := $(addprefix tests/producer/test_,pack.py call.py around.py redaction.py logger.py) tests/format
sanitized: $(BUILT) ## the tests of the extension's hostile input, on an extension built with ASan and UBSan
	.ci/sanitized $(PY) $(SANITIZED)

bugs: $(BUILT) ## each seeded bug is caught by its test, and the page of them (ARGS="wrong_wrap", …)
	$(PY) tests/faults/prove_bugs.py $(ARGS)

# An hour or so, on two processors. Each of the three tells how far it is, and can be run by itself.
faults: kills triples calls ## all of the three below; STEP=7 FROM=3 takes a share of them

kills: | system ## a kill after every instruction of a publish (MPL_KINDS="crossing" for one kind)
	@$(MAKE) --no-print-directory -C native build/plain/a_kill_at_every_instruction_of_a_publish
	MPL_STEP=$(STEP) native/build/plain/a_kill_at_every_instruction_of_a_publish

triples: | system ## every triple of points at which producer, writer and the one that recovers are killed
	@$(MAKE) --no-print-directory -C native build/plain/a_kill_at_every_triple_of_points
	MPL_TRIPLES=$(STEP) MPL_FROM=$(FROM) native/build/plain/a_kill_at_every_triple_of_points 2>native/build/triples.log

calls: $(BUILT) ## every call of the writer fails; a kill at every pair of its steps
	FAULTS_STEP=$(STEP) FAULTS_FROM=$(FROM) $(PY) -m pytest tests/faults --stress -p no:randomly -v $(ARGS)

fuzz: ## every harness of native/fuzz for SECONDS (clang)
	@$(MAKE) --no-print-directory -j$$(nproc) -C native fuzz SECONDS=$(SECONDS)

stress: $(BUILT) ## the long stress tests, one after the other
	$(PY) -m pytest tests/stress --stress -p no:randomly -v --timeout 1200 $(ARGS)
	$(PY) -m pytest tests/process --stress -m stress -p no:randomly -v --timeout 1800 $(ARGS)

storm: $(BUILT) ## ten minutes of kills with every policy, filter, rotation, compression and retention on
	$(PY) -m pytest tests/stress/test_mixed_storm.py --stress -p no:randomly -v -k long $(ARGS)

soak: $(BUILT) ## load, kills, rotation and retention for SOAK_MINUTES; a line a minute, and a verdict
	PYTHONPATH=. $(PY) tests/stress/soak.py $(SOAK_MINUTES)

soak-sinks: $(BUILT) ## the same with sinks that go away and come back, beside one writer
	PYTHONPATH=. $(PY) tests/stress/soak_sinks.py $(SOAK_MINUTES)

bench: $(BUILT) $(VENV)/.bench ## every benchmark: JSON, plots, a page (ARGS="--quick", "call_latency", …)
	$(PY) benchmarks/run.py $(ARGS)

guard: $(READY) ## instructions a call and an event in the writer, beside the base (valgrind)
	@.ci/system valgrind
	PYTHONPATH=benchmarks $(PY) -m instructions $(ARGS)

coverage: | system ## lines and branches that the whole suite passes; each one it does not has its reason
	PYTHON="$(PYTHON)" VENV="$(VENV)" .ci/coverage/measure build/coverage $(ARGS)
	$(PYTHON) .ci/coverage/judge.py build/coverage

model: ## the protocols under Spin: the true models pass, every mutant fails (ARGS="--short", "commit", …)
	@.ci/system spin
	$(PYTHON) native/model/run.py $(ARGS)

smoke: | system ## build and try on every other CPython from 3.10 on
	@PYTHON="$(PYTHON)" .ci/smoke

docs: $(BUILT) ## links that lead nowhere, samples that are not Python
	$(PY) .ci/check_docs.py

reference: $(BUILT) ## make the pages that tables are the source of anew
	$(PY) -m mplog.config.reference > docs/reference/configuration.md
	$(PY) -m mplog.config.example > .env.example
	$(PY) -m mplog.errors.reference > docs/reference/errors.md
	$(PY) -m mplog.cli.reference > docs/reference/cli.md

clean: ## remove what was built, but not the environment
	rm -rf build native/build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -f mplog/_native*.so $(BUILT)
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
