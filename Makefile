# `make` lists the targets. Each sets up what it needs and says so.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CARGO ?= cargo
# Tools that are installed for this workspace alone.
TOOLS := $(CURDIR)/target/tools
export PATH := $(TOOLS)/bin:$(PATH)
# Where cargo puts what it builds.
BIN := $(or $(CARGO_TARGET_DIR),target)/debug
RELEASE := $(or $(CARGO_TARGET_DIR),target)/release
SIM = $(RELEASE)/scenario sim
# How many times faster than a real OSM the demo's fake works.
SPEED ?= 20

# How many seeds the simulator runs, one of how many pairs of faults (0: none), and where the result goes.
SEEDS ?= 100000
PAIRS_ONE_IN ?= 1
LEDGER ?= --ledger scenarios/sim-ledger.txt

# How long each fuzz target runs, and which do.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= archive yaml descriptor revision nbi_body router

# Which mutants are tried: shard k of n, counted from 0 (0/100: one of a hundred), and what else cargo-mutants is told
# (`--re src/plan/`: those of these files).
MUTANTS_SHARD ?= 0/1
MUTANTS ?=

# cargo-nextest, where it is installed.
RUN_TESTS = $$($(CARGO) nextest --version >/dev/null 2>&1 && echo "$(CARGO) nextest run" || echo "$(CARGO) test")

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Replay a Git history against a fake OSM and tell the story (KEEP=1 leaves the fake running)
	$(CARGO) build --quiet --bin osmops --bin mock-nbi --bin scenario
	$(BIN)/scenario run scenarios/cases/packaging.yaml --target http --profile realistic --speed $(SPEED) --story

.PHONY: test
test: ## Run all tests
	@if [ -n "$${OSMOPS_UPSTREAM_TREES:-}" ]; then echo "real demo repository: $$OSMOPS_UPSTREAM_TREES"; \
	else echo "SKIPPED: scenarios on the real demo repository's trees (name their folder in OSMOPS_UPSTREAM_TREES)"; fi
	$(CARGO) test --quiet --workspace --doc
	env -u OSMOPS_TEST_KUBECONFIG -u KUBEBUILDER_ASSETS $(RUN_TESTS) --workspace --lib --bins --tests
	@if [ -n "$${OSMOPS_TEST_KUBECONFIG:-}$${KUBEBUILDER_ASSETS:-}" ]; then \
	  echo "the operator's tests once more, on $${OSMOPS_TEST_KUBECONFIG:-an API server from $${KUBEBUILDER_ASSETS:-}}"; \
	  $(RUN_TESTS) --workspace --test it -- operator:: kube_contract::; \
	else echo "SKIPPED: the operator's tests on a real Kubernetes API server (name a folder with etcd and kube-apiserver in KUBEBUILDER_ASSETS, or a kubeconfig in OSMOPS_TEST_KUBECONFIG); they ran on the one in memory"; fi

.PHONY: check
check: deny ## Check format, lints, documentation, licences and advisories
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --quiet --workspace --no-deps --document-private-items

.PHONY: deny
deny:
	@if ! $(CARGO) deny --version >/dev/null 2>&1; then \
	  echo "installing cargo-deny into target/tools (once, some minutes)"; \
	  $(CARGO) install --quiet --locked --root "$(TOOLS)" cargo-deny; fi
	@if $(CARGO) deny fetch db >/dev/null 2>&1; then $(CARGO) deny check; \
	else echo "SKIPPED: cargo deny check advisories (the advisory database cannot be fetched from here)"; \
	  $(CARGO) deny check bans licenses sources; fi

.PHONY: bench
bench: footprint ## Run the benchmarks; reports go to target/criterion
	$(CARGO) bench --package benches

.PHONY: footprint
footprint: ## Measure memory and time of osmops with a 200 MB package and 10,000 files (Linux)
	$(CARGO) build --release --quiet --workspace --bins --examples
	$(RELEASE)/examples/footprint

.PHONY: sim
sim: ## Simulate every fault, pairs of faults, and SEEDS (100000) seeds; results go to scenarios/sim-ledger.txt
	$(CARGO) build --release --quiet --workspace --bins
	$(SIM) $(LEDGER)
	$(SIM) $(LEDGER) --seeds $(SEEDS)
	@if [ "$(PAIRS_ONE_IN)" != 0 ]; then $(SIM) $(LEDGER) --pairs --one-in $(PAIRS_ONE_IN); fi

.PHONY: operator-scale
operator-scale: ## Measure the operator with 1,000 OsmDeployments (some minutes; Linux)
	$(CARGO) build --release --quiet --workspace --bins --examples
	$(RELEASE)/examples/operator

.PHONY: fuzz
fuzz: ## Give made-up input to each of FUZZ_TARGETS for FUZZ_SECONDS (60); needs a C++ compiler
	@command -v "$${CXX:-c++}" >/dev/null || { echo "make fuzz needs a C++ compiler: libFuzzer is built from its source" >&2; exit 1; }
	@if ! $(CARGO) fuzz --version >/dev/null 2>&1; then \
	  echo "installing cargo-fuzz into target/tools (once, a minute)"; \
	  $(CARGO) install --quiet --locked --root "$(TOOLS)" cargo-fuzz; fi
	@export CARGO_TARGET_DIR="$(CURDIR)/target/fuzz"; for target in $(FUZZ_TARGETS); do \
	  found="$(CURDIR)/target/fuzz/corpus/$$target"; mkdir -p "$$found"; \
	  echo "fuzzing $$target for $(FUZZ_SECONDS) seconds; what it finds worth keeping goes to $$found"; \
	  $(CARGO) fuzz run --sanitizer none --features libfuzzer "$$target" "$$found" "fuzz/corpus/$$target" -- \
	    -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -timeout=20 -rss_limit_mb=2048; done

.PHONY: mutants
mutants: ## Change the pure modules one place at a time and tell what no test notices (MUTANTS_SHARD=0/100: one of a hundred)
	@if ! $(CARGO) mutants --version >/dev/null 2>&1; then \
	  echo "installing cargo-mutants into target/tools (once, some minutes)"; \
	  $(CARGO) install --quiet --locked --root "$(TOOLS)" cargo-mutants; fi
	@if $(CARGO) nextest --version >/dev/null 2>&1; then tool=nextest; \
	else tool=cargo; echo "cargo-nextest is not installed: all tests run for each mutant, which takes longer"; fi; \
	CARGO_TARGET_DIR="$(CURDIR)/target/mutants/build" CARGO_PROFILE_DEV_DEBUG=false NEXTEST_PROFILE=mutants \
	  PROPTEST_DISABLE_FAILURE_PERSISTENCE=1 PROPTEST_MAX_SHRINK_ITERS=0 $(CARGO) mutants --test-tool "$$tool" --sharding round-robin \
	  --shard "$(MUTANTS_SHARD)" --output target/mutants --colors never $(MUTANTS)

.PHONY: scale
scale: ## Measure the fake with large worlds and many clients (some minutes)
	$(CARGO) build --release --quiet --package mock-nbi --bins --example scale
	$(CARGO) run --release --quiet --package mock-nbi --example scale -- start
	$(CARGO) run --release --quiet --package mock-nbi --example scale -- clients
	$(CARGO) run --release --quiet --package mock-nbi --example scale -- grow

.PHONY: generate
generate: ## Rewrite mock-nbi/CONFORMANCE.md, the definition of OsmDeployment, and the Helm chart
	$(CARGO) run --quiet --package osmops -- crd > kind/manifests/crd.yaml
	BLESS=1 $(CARGO) test --quiet --package osmops --test it the_chart_is_made_of_the_manifests
	BLESS=1 $(CARGO) test --quiet --package mock-nbi --test it conformance_page_is_up_to_date

.PHONY: bless
bless: ## Rewrite transcripts and snapshots; read the difference before committing it
	BLESS=1 INSTA_UPDATE=always $(CARGO) test --quiet --workspace --tests
	git diff --stat -- '*.out' '*.snap'
