# One command each. `make demo` and `make test` install what they need first; see tools/setup.py.

PYTHON ?= python3
# The environment for PYTHON, and where the extension is built for it.
ENVIRONMENT ?= .venv
RELEASE ?= build/release
# The other interpreters of `make test-pythons`; those that are not there are left out.
PYTHONS ?= python3.10 python3.11 python3.12 python3.13 python3.14
JOBS ?= 2
SETUP_FLAGS ?=
CHAOS_CALLS ?= 100000
KILLS ?= 50
FUZZ_SECONDS ?= 60
FUZZ_SEED ?= 1
FUZZ_PARSERS ?= $(notdir $(wildcard fuzz/parsers/corpus/*))

VENV := $(ENVIRONMENT)/bin/python

.PHONY: chaos chaos-kill conformance litmus help setup setup-lint build wheel test test-pythons demo bench fuzz fuzz-parsers format lint asan tsan clean

help:
	@echo 'make demo     watch ordinary functions finish sooner, with the same answers'
	@echo 'make test     build everything and run every test'
	@echo 'make build    build the extension and make `import xcs` work in .venv'
	@echo 'make test-pythons  build for each of PYTHONS, and run the tests that take an interpreter'
	@echo 'make wheel    build a wheel into dist/'
	@echo 'make bench    measure'
	@echo 'make conformance  CPython'"'"'s own language tests, compared with plain runs'
	@echo 'make litmus   small hard programs under 50 random schedules each, with failures'
	@echo 'make fuzz     compare random programs, of the engine and of Python, with sequential'
	@echo '              execution, for FUZZ_SECONDS each'
	@echo 'make chaos    a hundred thousand model calls of each kind, with and without limits, to a'
	@echo '              server that fails one request in five'
	@echo 'make chaos-kill  programs with a journal, killed KILLS times each and run again'
	@echo 'make fuzz-parsers  what servers send, mutated, for FUZZ_SECONDS for each parser, or of'
	@echo '              FUZZ_PARSERS, such as "events recording"'
	@echo 'make asan     the C++ tests under the address and undefined-behaviour sanitizers'
	@echo 'make tsan     the C++ tests under the thread sanitizer'
	@echo 'make format   rewrite the sources in the project'"'"'s format'
	@echo 'make lint     format, warnings, thread safety, types, include order'
	@echo 'make clean    remove what was built, but not .venv'

setup:
	@$(PYTHON) tools/setup.py --venv $(ENVIRONMENT) --build $(RELEASE) $(SETUP_FLAGS)

setup-lint:
	@$(PYTHON) tools/setup.py --lint --venv $(ENVIRONMENT) --build $(RELEASE) $(SETUP_FLAGS)

build: setup
	cmake --preset release -B $(RELEASE) -D Python_EXECUTABLE=$(abspath $(VENV))
	cmake --build $(RELEASE) --target python_package -j $(JOBS)
	cmake --install $(RELEASE) --component python --prefix python

wheel: setup
	$(VENV) -m pip wheel --no-build-isolation --no-deps --wheel-dir dist -C build-dir=$(RELEASE) .

test: build
	cmake --preset dev
	cmake --build --preset dev -j $(JOBS)
	$(VENV) tools/run_tests.py --jobs $(JOBS)

test-pythons:
	$(PYTHON) tools/run_pythons.py --jobs $(JOBS) $(PYTHONS)

demo: build
	$(VENV) -m xcs demo

bench: build
	cmake --build $(RELEASE) -j $(JOBS)
	$(VENV) -m xcs bench
	$(VENV) bench/clients.py $(RELEASE)/src/sim/xcs-sim --net-bench $(RELEASE)/bench/xcs_net_bench
	$(RELEASE)/bench/xcs_net_bench $(RELEASE)/src/sim/xcs-sim
	$(RELEASE)/bench/xcs_engine_bench

fuzz: build
	cmake --preset dev
	cmake --build --preset dev --target engine_fuzz -j $(JOBS)
	build/dev/src/window/testing/engine_fuzz --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED)
	PYTHONPATH=fuzz $(VENV) -m random_programs --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED)

chaos: build
	$(VENV) tests/python/chaos.py --calls $(CHAOS_CALLS)

chaos-kill: build
	$(VENV) tests/python/chaos_kill.py --kills $(KILLS)

fuzz-parsers: setup-lint
	cmake --preset fuzz
	cmake --build --preset fuzz --target parsers_fuzz -j $(JOBS)
	@for parser in $(FUZZ_PARSERS); do \
	  echo "== $$parser" && mkdir -p build/fuzz/corpus/$$parser && \
	  XCS_FUZZED=$$parser UBSAN_OPTIONS=halt_on_error=1 build/fuzz/fuzz/parsers/parsers_fuzz -max_total_time=$(FUZZ_SECONDS) \
	    -seed=$(FUZZ_SEED) -max_len=4096 -print_final_stats=1 -artifact_prefix=build/fuzz/$$parser- \
	    build/fuzz/corpus/$$parser fuzz/parsers/corpus/$$parser || exit 1; \
	done

conformance: build
	$(VENV) tests/conformance/conformance.py --jobs $(JOBS)

litmus: build
	PYTHONPATH=tests $(VENV) -m litmus.litmus

format: setup-lint
	$(VENV) tools/lint.py --fix

lint: setup-lint
	$(VENV) tools/lint.py --jobs $(JOBS)

asan tsan: setup
	cmake --preset $@
	cmake --build --preset $@ -j $(JOBS)
	ctest --preset $@ -j $(JOBS)

clean:
	rm -rf build dist
