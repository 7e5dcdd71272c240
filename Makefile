# Every target runs on the Node of the lockfile (see `make help`).
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export CLUSTER_DIR ?= $(CURDIR)/.cluster
BIN := node_modules/.bin
# On Linux the lockfile installs Node; elsewhere the installed Node is checked.
NODE = $$([ -x $(BIN)/node ] && echo $(BIN)/node || echo node)
RUN = $(NODE) --disable-warning=ExperimentalWarning

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

# npm writes this file at the end of an installation.
node_modules/.package-lock.json: package-lock.json .npmrc
	@command -v npm >/dev/null || { echo 'npm is missing: install Node.js 20 or later with npm (the project then brings its own Node 24)' >&2; exit 2; }
	npm install --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: setup
setup: node_modules/.package-lock.json ## Install the dependencies that the lockfile pins
	@$(NODE) tools/src/check-node.js

.PHONY: lint
lint: setup ## Check format, types, layers, import cycles, language and lint rules
	@$(RUN) tools/src/lint/main.ts

.PHONY: words
words: setup ## Count words of comments, and the rates of words for people and speech
	@$(RUN) tools/src/language/main.ts --count

.PHONY: words-allowance
words-allowance: setup ## Lower the counts of tools/src/language/allowance.json to what the files hold
	@$(RUN) tools/src/language/main.ts --write-allowance

.PHONY: format
format: setup ## Format the sources
	@$(NODE) $(BIN)/prettier --write --log-level warn .

.PHONY: test
test: setup ## Run everything: lint, unit, component and e2e tests, promises
	@$(RUN) tools/src/test/main.ts

.PHONY: fuzz
fuzz: setup ## Run the fuzzers of make test longer, with a new seed (MINUTES=20; TARGETS=http,redis; FUZZ_SEED= FUZZ_CASE= repeats a case)
	@$(RUN) tools/src/fuzz/main.ts $(or $(MINUTES),20) '$(TARGETS)'

.PHONY: promises
promises: setup ## List which tests prove which rule or promise
	@$(RUN) tools/src/promises/main.ts

.PHONY: up
up: setup $(if $(DEPLOY),image) ## Start the local cluster in CLUSTER_DIR (ONLY=control-plane: without ArchPolicy; POLICY=none: without a policy; REAL=1: with a real node; REAL=1 DEPLOY=overlays/small: with these manifests and the image)
	@$(RUN) $(if $(REAL),e2e/real-cluster/src/main.ts up $(if $(DEPLOY),--deploy $(DEPLOY)),e2e/cluster/src/main.ts up $(if $(ONLY),--only $(ONLY)) $(if $(POLICY),--policy $(POLICY)))

.PHONY: down
down: setup ## Stop the local cluster and remove CLUSTER_DIR
	@$(RUN) e2e/cluster/src/main.ts down

.PHONY: status
status: setup ## Show which components of the local cluster run
	@$(RUN) e2e/cluster/src/main.ts status

.PHONY: soak
soak: setup ## Run make up and make down 20 times; writes docs/performance/soak.json
	@$(RUN) e2e/cluster/src/main.ts soak

.PHONY: bundle
bundle: setup ## Bundle operator, webhook, lifecycle and entry point with their dependencies into dist/
	@$(RUN) tools/src/bundle/main.ts

.PHONY: image
image: bundle ## Build the image for linux/amd64 and linux/arm64 into dist/image (BASE=debian or distroless)
	@$(RUN) tools/src/image/main.ts '$(or $(BASE),debian)'

.PHONY: image-lock
image-lock: setup ## Lock the base of the image to the newest Debian packages of the machine's apt mirrors
	@$(RUN) tools/src/image/debian/main.ts

.PHONY: uninstall
uninstall: setup ## Remove ArchPolicy from the cluster of kubectl's context (OVERLAY=deploy/overlays/small; POLICIES=1 CRDS=1: these, too; YES=1: do not ask)
	@manifests=$$(mktemp) && trap 'rm -f "$$manifests"' EXIT && kubectl kustomize $(or $(OVERLAY),deploy/overlays/small) > "$$manifests" && \
	ARCHPOLICY_KUBECONFIG="$${KUBECONFIG:-$$HOME/.kube/config}" $(RUN) packages/lifecycle/src/main.ts remove \
	  --manifests "$$manifests" $(if $(POLICIES),--policies) $(if $(CRDS),--crds) $(if $(YES),--yes)

.PHONY: crds
crds: setup ## Generate crds/archpolicies.yaml from the schema
	@$(RUN) crds/src/main.ts

.PHONY: performance
performance: setup ## Generate docs/performance/README.md from the results beside it
	@$(RUN) tools/src/performance/main.ts

.PHONY: chaos
chaos: setup ## Cause the faults of docs/reliability on a local cluster, about 25 minutes (ROWS=F15,F17: some of them); writes its results
	@$(RUN) e2e/chaos/main.ts '$(ROWS)'; status=$$?; $(RUN) tools/src/reliability/main.ts && exit $$status

.PHONY: soak-product
soak-product: setup ## Cause random faults on a local cluster for MINUTES=30 while pods are created (SEED= repeats the faults); writes docs/reliability/soak.json
	@$(RUN) e2e/chaos/soak/main.ts '$(MINUTES)' '$(SEED)'; status=$$?; $(RUN) tools/src/reliability/main.ts && exit $$status

.PHONY: reliability
reliability: setup ## Generate docs/reliability/README.md from the results beside it
	@$(RUN) tools/src/reliability/main.ts

.PHONY: demo
demo: setup ## Show ArchPolicy in a terminal, on its own cluster (KEEP=1 keeps the cluster)
	@$(RUN) e2e/demo/src/main.ts

.PHONY: demo-picture
demo-picture: setup ## Record the demo as docs/demo.svg
	@DEMO_PICTURE=docs/demo.svg $(RUN) e2e/demo/src/main.ts

.PHONY: bench-inspect
bench-inspect: setup ## Measure the cost of inspections; writes docs/performance/inspect-*.json
	@$(RUN) e2e/bench/inspect/main.ts

.PHONY: bench-redis
bench-redis: setup ## Measure inspections while Redis fails; writes docs/performance/redis-failures.json
	@$(RUN) e2e/bench/redis/main.ts

.PHONY: bench-mutations
bench-mutations: setup ## Feed a million mutated references and manifests to the parsers (RUNS=, SEED=)
	@$(RUN) e2e/bench/mutations/main.ts $(or $(RUNS),1000000) $(SEED)

.PHONY: bench-gate
bench-gate: setup ## Measure how fast gates are lifted while pods are created; writes docs/performance
	@$(RUN) e2e/bench/gate/main.ts

.PHONY: bench-webhook
bench-webhook: setup ## Measure admission, about 15 minutes; writes docs/performance (PARTS=decision,warm,mixed,neighbour,creators,cold: some parts; RUNS=1: a quick trial)
	@$(RUN) e2e/bench/webhook/main.ts '$(PARTS)' $(RUNS)

.PHONY: bench-tenants
bench-tenants: setup ## Measure one namespace while another does its worst (as root, RUNS=1: a quick trial); writes docs/performance/tenants.json
	@$(RUN) e2e/bench/webhook/tenants/main.ts $(or $(RUNS),5)

.PHONY: bench-operator
bench-operator: setup ## Measure the operator: 1,000 misplaced pods, 100,000 pods, a new leader (PARTS=large,… RUNS=1); writes docs/performance
	@$(RUN) e2e/bench/operator/main.ts

.PHONY: mutants
mutants: setup ## Apply 2,000 small changes to placement and requirements; a test must fail for each (about half an hour on two cores; FILE=preference: one file)
	@$(RUN) tools/src/mutants/main.ts $(FILE)

.PHONY: scale
scale: setup ## Print the tables of docs/scale.md: the simulated needs of larger clusters and fleets
	@$(RUN) tools/src/scale/main.ts

.PHONY: test-real
test-real: setup ## Test with a real node: kubelet, containerd, kube-proxy, DNS (root on Linux; not part of make test)
	@$(RUN) --experimental-vm-modules node_modules/jest/bin/jest.js --config e2e/real-cluster/jest.config.js --runInBand

.PHONY: test-node
test-node: setup ## Test that pods fail on a real node as docs/node-evidence.md states, and are replaced (a part of make test-real)
	@$(RUN) --experimental-vm-modules node_modules/jest/bin/jest.js --config e2e/real-cluster/jest.config.js --runInBand evidence
