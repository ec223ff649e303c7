# Everything from a fresh clone, on a machine with Python >= 3.11 and make:
#   make train         set up, then train the textbook network on MNIST
#   make test          set up, then lint, type-check and test
#   make test-machines the tests on other processors' kernels, on one core, in random order
#   make sanitize      run the kernels' tests with every memory access checked
#   make test-parity   compare with PyTorch; check functions of PyTorch and JAX
#   make test-browser  open the pages that are written in Chromium
#   make docs          build the book from real runs: build/site/index.html
#   make bench         time everything beside the peers that are installed; renews docs/performance
#   make bench-peers   install scikit-learn, PyTorch and JAX for it, in an environment of their own
#   make sdist         build the source distribution, install it and try it
#   make bench-diagnosis   how often mistakes are found and named
#   make bench-check       how long a check takes, beside PyTorch's if that is installed

PYTHON ?= python3
VENV := .venv
PARITY := .venv-parity
PEERS := .venv-bench
SANITIZE := .venv-sanitize
# The CPU build, where the package index has one under this version.
TORCH ?= torch==2.13.0
JAX ?= jax jaxlib

# What an installation is made of: it is renewed when one of these is newer.
INSTALLED := pyproject.toml CMakeLists.txt $(wildcard src/chainrule/native/src/*)

.DEFAULT_GOAL := help
.PHONY: help train test test-machines lint sanitize test-parity test-browser docs bench bench-peers \
	bench-diagnosis bench-check sdist clean

help:
	@sed -n 's/^#   //p' $(MAKEFILE_LIST)

train: $(VENV)/cli.stamp
	$(VENV)/bin/chainrule train

test: lint
	$(VENV)/bin/pytest -n auto -m "not browser and not whole"

# On every instruction set and kernel of OpenBLAS that runs here, on one core and with SIGINT
# ignored, each time in another order.
test-machines: $(VENV)/test.stamp
	$(VENV)/bin/python tests/machines.py $(TESTS)

lint: $(VENV)/test.stamp
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

# The kernels with every access checked. CPython itself leaks by design.
sanitize: $(SANITIZE)/sanitize.stamp
	LD_PRELOAD="$$(c++ -print-file-name=libasan.so) $$(c++ -print-file-name=libubsan.so)" \
		ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
		$(SANITIZE)/bin/pytest -n auto -p no:faulthandler tests/native tests/engine \
		tests/test_base_sparse.py tests/nn/test_nn_inference.py

test-parity: $(PARITY)/parity.stamp
	$(PARITY)/bin/pytest -m parity tests/parity

test-browser: $(VENV)/browser-test.stamp
	$(VENV)/bin/pytest -m browser tests/browser

docs: $(VENV)/docs.stamp
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --quiet
	@echo "open build/site/index.html"

bench: $(VENV)/cli.stamp
	$(if $(wildcard $(PEERS)/peers.stamp),$(PEERS),$(VENV))/bin/python -m bench --write

bench-peers: $(PEERS)/peers.stamp

bench-diagnosis: $(VENV)/test.stamp
	$(VENV)/bin/python -m bench.diagnosis
	$(VENV)/bin/python -m bench.cases
	$(VENV)/bin/pytest -n auto tests/check

bench-check: $(VENV)/cli.stamp
	$(if $(wildcard $(PEERS)/peers.stamp),$(PEERS),$(VENV))/bin/python -m bench.check

# From the source distribution, with a compiler and (as far as CMake can tell) without one.
sdist:
	$(call new-venv,build/sdist-venv)
	build/sdist-venv/bin/pip install --quiet --disable-pip-version-check build
	build/sdist-venv/bin/python -m build --sdist --outdir dist
	build/sdist-venv/bin/pip install --quiet --disable-pip-version-check --force-reinstall dist/*.tar.gz
	cd build && sdist-venv/bin/python -c "$(TRY)"
	CXX=no-compiler build/sdist-venv/bin/pip install --quiet --disable-pip-version-check \
		--force-reinstall --no-cache-dir --no-deps dist/*.tar.gz
	cd build && sdist-venv/bin/python -c "$(TRY)"

TRY := import chainrule as cr, numpy as np; net = cr.Network.from_spec('2-8-2'); \
	print(cr.fit(net, np.eye(2), [0, 1]).engine, net(np.eye(2)).argmax(axis=1))

clean:
	rm -rf $(VENV) $(PARITY) $(PEERS) $(SANITIZE) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/cli.stamp: $(INSTALLED)
	$(call new-venv,$(VENV))
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -e '.[cli,tables]'
	@touch $@

$(VENV)/test.stamp: $(INSTALLED)
	$(call new-venv,$(VENV))
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

$(SANITIZE)/sanitize.stamp: $(INSTALLED)
	$(call new-venv,$(SANITIZE))
	$(SANITIZE)/bin/pip install --quiet --disable-pip-version-check -e '.[test]' \
		-C cmake.define.CHAINRULE_SANITIZE=ON
	@touch $@

$(VENV)/docs.stamp: $(INSTALLED)
	$(call new-venv,$(VENV))
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -e '.[docs]'
	@touch $@

$(VENV)/browser-test.stamp: $(INSTALLED)
	$(call new-venv,$(VENV))
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -e '.[browser-test]'
	@test -n "$$CHROMIUM" || command -v chromium >/dev/null || \
		{ apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } || \
		{ echo "the browser tests need Chromium: install it, or set CHROMIUM to its path" >&2; exit 1; }
	@touch $@

$(PARITY)/parity.stamp: $(INSTALLED)
	$(call new-venv,$(PARITY))
	$(PARITY)/bin/pip install --quiet --disable-pip-version-check $(TORCH) $(JAX)
	$(PARITY)/bin/pip install --quiet --disable-pip-version-check -e . pytest hypothesis
	@touch $@

$(PEERS)/peers.stamp: $(INSTALLED)
	$(call new-venv,$(PEERS))
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check $(TORCH)
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check -e '.[cli]' \
		jax jaxlib scikit-learn scipy matplotlib
	@touch $@

define new-venv
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "chainrule needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
@test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
endef
