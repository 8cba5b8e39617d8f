# make demo and make check set up all they need in .venv; everything else builds on the same setup.

VENV := .venv
# Test processes at a time; each takes up to 2 GB.
JOBS := 2
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_STAMP := $(VENV)/.bench-installed
CLANG := $(BIN)/python -m ziglang cc
SOURCES := pattern_mlir dialects passes runtime test examples bench
C_SOURCES := $(wildcard runtime/include/*.h runtime/src/*.c runtime/test/*.c)
C_FILES := $(C_SOURCES) $(wildcard test/*.c runtime/bench/*.c examples/*/*.c examples/*/*.cpp)

.PHONY: help setup tools demo accuracy check check-all lint types lit test runtime-check runtime-ir \
	package-check docs bench bench-aarch64 \
	lock format clean

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

setup: $(STAMP) ## install the package (editable) and its tools into .venv

$(STAMP): pyproject.toml requirements.lock CMakeLists.txt runtime/CMakeLists.txt $(C_SOURCES)
	@scripts/create-environment $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.lock \
		-e '.[torch,demo,pruning,vulkan,dev]'
	@touch $@

demo: $(STAMP) ## a pruned ResNet-18 from PyTorch to native code, on a photograph
	@$(BIN)/python examples/demo.py

accuracy: $(STAMP) ## train every kind of pruning again; writes docs/accuracy.md (an hour)
	@$(BIN)/python bench/accuracy.py

tools: ## install from Debian what tests run beside Python, where permitted
	@scripts/install-tools

check: tools lint types runtime-check package-check lit test ## everything that CI checks

check-all: tools lint types runtime-check package-check lit $(STAMP) ## the same with the long tests
	@$(BIN)/pytest --numprocesses=$(JOBS) --dist=loadfile --no-loadscope-reorder --max-worker-restart=0 -m 'slow or not slow'

lint: $(STAMP) ## format and style
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/clang-format --dry-run --Werror $(C_FILES)

types: $(STAMP) ## mypy --strict
	@$(BIN)/mypy
	@$(BIN)/mypy docs examples bench

lit: $(STAMP) ## the lit tests of dialect, passes and tools
	@$(BIN)/lit --quiet --succinct test

test: $(STAMP) ## the pytest tests
	@$(BIN)/pytest --numprocesses=$(JOBS) --dist=loadfile --no-loadscope-reorder --max-worker-restart=0 --durations=15

runtime-check: $(STAMP) ## the C runtime's own test under sanitizers
	@scripts/check-runtime

runtime-ir: $(STAMP) ## write the C runtime as LLVM IR; CLANG="python -m ziglang cc" or clang-22
	@scripts/runtime-ir "$(CLANG)"

package-check: $(STAMP) ## build sdist and wheel, try the wheel in an environment of its own
	@scripts/check-package $(BIN)/python

bench: $(BENCH_STAMP) ## time networks against peers, each in its environment under build/bench
	@$(BIN)/python bench/peers.py
	@$(BIN)/python bench/scaling.py
	@$(BIN)/python bench/vulkan_peers.py

$(BENCH_STAMP): $(STAMP)
	@$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[bench]'
	@touch $@

bench-aarch64: $(STAMP) ## count what code for AArch64 executes, under QEMU and by llvm-mca's models
	@$(BIN)/python bench/aarch64.py

docs: $(STAMP) ## generate docs/dialect.md, docs/passes.md and docs/operations.md
	@$(BIN)/python docs/generate_pages.py

lock: $(STAMP) ## pin the newest versions that fit pyproject.toml
	@scripts/lock $(BIN)/python > requirements.lock.new
	@mv requirements.lock.new requirements.lock

format: $(STAMP) ## format all sources
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/clang-format -i $(C_FILES)

clean: ## remove what was built
	@rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
