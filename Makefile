# Every target installs what it needs through npm and cargo, and is quick when nothing has changed.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# npm's own record of what is installed, newer than the lock file when that was installed last.
MODULES := node_modules/.package-lock.json
SQLX_VERSION := 0.9.0
SQLX := target/tools/bin/cargo-sqlx
HALMOS_VERSION := 0.3.3
CVC5_VERSION := 1.4.2
SCHEMATHESIS_VERSION := 4.32.5
SCHEMATHESIS := target/schemathesis/bin/schemathesis
HALMOS := target/halmos/bin/halmos
PEERS := bench/ponder/node_modules/.package-lock.json bench/subsquid/node_modules/.package-lock.json
RELEASE := $${CARGO_TARGET_DIR:-target}/release
SAY = @printf '\033[1m== %s\033[0m\n'

.PHONY: help dev test check abi abi-check gas mutation symbolic prepare prepare-check openapi openapi-check client client-check schemathesis soak bench bench-indexer bench-api fmt clean

help: ## Show what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS=$$'\t' read -r name text; do \
		printf '  \033[1m%-14s\033[0m %s\n' "$$name" "$$text"; done

dev: $(MODULES) ## Run the whole system here, with live traffic
	$(SAY) 'build plumbline (minutes the first time, seconds after)'
	@cargo build --bin plumbline
	@exec "$${CARGO_TARGET_DIR:-target}/debug/plumbline" dev $(ARGS)

test: $(MODULES) ## Run every test of every language (ONLY='forge cargo node' for some)
	@node tools/test.mjs $(ONLY)

check: $(MODULES) ## What CI runs: formats, lints, generated files, tests
	@.ci/run

abi: $(MODULES) ## Write contracts/abi from the contracts
	$(SAY) 'compile the contracts that ship'
	@node tools/abi.mjs

abi-check: $(MODULES) ## Fail when contracts/abi is stale
	@node tools/abi.mjs --check

gas: $(MODULES) ## Measure gas on the bytecode that ships, and write contracts/snapshots
	@node tools/abi.mjs --check
	@PLUMBLINE_RELEASE=true FORGE_SNAPSHOT_EMIT=true tools/forge test --match-path 'contracts/test/gas/*'

mutation: $(MODULES) ## Change the contracts in one place at a time and see whether a test notices (SAMPLE=200, AGAIN=1)
	@node tools/mutate.mjs $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(ONLY),--only $(ONLY)) $(if $(AGAIN),--again)

# Bits by the default solver, amounts by one that counts in integers.
symbolic: $(MODULES) $(HALMOS) ## Prove the pure math for all inputs
	@export PATH="$$PWD/tools:$$PATH" FOUNDRY_PROFILE=symbolic; \
	$(HALMOS) --forge-build-out target/forge/symbolic/out --loop 8 --contract BitmapMajoritySymbolic; \
	for contract in ShareMath RewardMath CoverageMath Correlation; do \
		$(HALMOS) --forge-build-out target/forge/symbolic/out --solver-timeout-assertion 60s \
			--solver-command "$$PWD/target/halmos/bin/python $$PWD/tools/cvc5" --contract "$${contract}Symbolic"; done

prepare: $(MODULES) $(SQLX) ## Check the SQL queries against a database and write .sqlx
	@tools/prepare

prepare-check: $(MODULES) $(SQLX) ## Fail when .sqlx is stale
	@tools/prepare --check

openapi: ## Write api/openapi.json from the handlers
	@mkdir -p target && cargo run --quiet --bin plumbline -- openapi > target/openapi.json
	@cp target/openapi.json api/openapi.json

openapi-check: ## Fail when api/openapi.json is stale
	@mkdir -p target && cargo run --quiet --bin plumbline -- openapi > target/openapi.json
	@cmp target/openapi.json api/openapi.json || { echo 'api/openapi.json is stale; run `make openapi` and commit it' >&2; exit 1; }

client: $(MODULES) ## Write clients/typescript/src/schema.ts from api/openapi.json, and build the client
	@node_modules/.bin/openapi-typescript api/openapi.json --output clients/typescript/src/schema.ts
	@node_modules/.bin/tsc --project clients/typescript

client-check: $(MODULES) ## Fail when clients/typescript/src/schema.ts is stale or does not build
	@node_modules/.bin/openapi-typescript api/openapi.json --output clients/typescript/src/schema.ts --check
	@node_modules/.bin/tsc --project clients/typescript

schemathesis: $(MODULES) $(SCHEMATHESIS) ## Ask a live server everything that its document allows, and what it does not (EXAMPLES=20)
	@EXAMPLES=$(or $(EXAMPLES),20) node tools/schemathesis.mjs

soak: $(MODULES) ## Break everything around the indexer at random, and compare (RUNS=20 SEED=1 JOBS=2)
	@RUST_LOG=error RUNS=$(or $(RUNS),20) SEED=$(or $(SEED),1) JOBS=$(or $(JOBS),2) cargo test --quiet --workspace --test soak -- --ignored --nocapture soak

bench: $(MODULES) ## Run the benchmarks
	@cargo bench --workspace

bench-indexer: $(MODULES) $(PEERS) ## Index a recorded chain beside other indexers (ARGS='--scale 0.1 --rounds 1' for less)
	$(SAY) 'build plumbline for release (minutes the first time)'
	@cargo build --release --bin plumbline --bin bench
	@"$(RELEASE)/bench" indexer --plumbline "$(RELEASE)/plumbline" $(ARGS)

bench-api: $(MODULES) $(PEERS) ## Ask every endpoint on a database of ten million events (ARGS='--scale 0.1' for less)
	$(SAY) 'build plumbline for release (minutes the first time)'
	@cargo build --release --bin plumbline --bin bench
	@"$(RELEASE)/bench" api --plumbline "$(RELEASE)/plumbline" $(ARGS)

fmt: $(MODULES) ## Format Rust and Solidity
	@cargo fmt --all
	@tools/forge fmt

clean: ## Remove what was built and installed; the data of `make dev` stays
	@rm -rf target node_modules

$(MODULES): package.json package-lock.json
	$(SAY) 'install Foundry, solc, OpenZeppelin and PostgreSQL from npm'
	@npm ci --no-fund --no-audit --loglevel=error
	@touch $@

bench/%/node_modules/.package-lock.json: bench/%/package.json bench/%/package-lock.json
	$(SAY) 'install $* from npm'
	@cd bench/$* && npm ci --no-fund --no-audit --loglevel=error
	@touch $@

$(SQLX):
	$(SAY) 'build sqlx-cli $(SQLX_VERSION) (a minute, once)'
	@cargo install --quiet sqlx-cli --version $(SQLX_VERSION) --locked --no-default-features --features postgres --root target/tools

$(SCHEMATHESIS):
	$(SAY) 'install schemathesis $(SCHEMATHESIS_VERSION) (seconds, once)'
	@python3 -m venv target/schemathesis
	@target/schemathesis/bin/pip install --quiet schemathesis==$(SCHEMATHESIS_VERSION)

$(HALMOS):
	$(SAY) 'install halmos $(HALMOS_VERSION) and cvc5 (seconds, once)'
	@python3 -m venv target/halmos
	@target/halmos/bin/pip install --quiet halmos==$(HALMOS_VERSION) cvc5==$(CVC5_VERSION)
