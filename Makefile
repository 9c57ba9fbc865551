# make demo    the main job where a person can follow it (DOMAINS=3..100)
# make up      everything running, with curl lines to paste; Ctrl-C stops it
# make chaos   everything goes wrong while operations run (SEED=1 OPERATIONS=300 MINUTES=5); exit code 1 when a promise breaks
# make conformance  a user of Cloud Foundry and schemathesis (SEED=1) against a whole broker, and how quick last_operation is meanwhile
# make load    many instances at once (INSTANCES=1000, of 10 domains), and one small customer beside a large, slow one
# make estate  a year of renewals in 46 minutes: ESTATE=200 instances whose certificates live for LIFE=8m (exit code 1 when one ended, a visit failed, or tables grow for ever)
# make bench   how far it is from its floor, side by side, into docs/performance.md; release build, an hour (SHORT=1: over 7 minutes, into
#              target/bench; ROWS="idle provision")
# make dist    the seven services and cdnctl, release build, in target/dist (for images, packages, `cf push`)
# make book    docs/ as a book in target/book, its links checked
# make cdnctl-docs  what cdnctl really says, written into docs/cdnctl.md
# make screenshots  the tenant's page in its states and the operator's, as Chromium shows them, into docs/pictures
# make settings-docs  what --help says of every setting, written into docs/operators/settings.md
# make test    every test, on real PostgreSQL, RabbitMQ and Pebble, what waits side by side (SUITES="e2e store": those with such a name)
# make check   what CI checks before the tests: format, lints, licences
.PHONY: demo up chaos conformance dist load estate bench bench-setup book cdnctl-docs screenshots settings-docs test check format lint setup build

DOMAINS ?= 3
SEED ?= 1
OPERATIONS ?= 300
INSTANCES ?= 1000
ESTATE ?= 200
LIFE ?= 8m
SERVICES := broker-api distribution challenge-verifier certificate-issuer cert-installer dns-responder notifier
TOOLS := cdnctl
# What a stack consists of; `make up` and the others build it and themselves, and no test.
STACK := $(SERVICES) stack aws-sim
BUILD := cargo build --locked $(STACK:%=-p %)

demo: setup
	$(BUILD) -p demo
	@target/debug/demo run --domains $(DOMAINS)

up: setup
	$(BUILD) -p demo
	@target/debug/demo up

chaos: setup
	$(BUILD) -p chaos
	@target/debug/chaos --seed $(SEED) --operations $(OPERATIONS) $(if $(MINUTES),--minutes $(MINUTES))

conformance: setup
	$(BUILD) --release -p conformance $(TOOLS:%=-p %)
	@target/release/conformance $(SEED)

dist:
	cargo build --locked --release $(SERVICES:%=-p %) $(TOOLS:%=-p %)
	mkdir -p target/dist
	cp $(SERVICES:%=target/release/%) $(TOOLS:%=target/release/%) target/dist/

load: setup
	$(BUILD) -p load
	@target/debug/load crowd --instances $(INSTANCES)
	@target/debug/load fairness

estate: setup
	$(BUILD) -p estate
	@target/debug/estate --instances $(ESTATE) --life $(LIFE) --plot target/estate.svg

bench: setup bench-setup
	$(BUILD) --release -p bench
	$(if $(SHORT),mkdir -p target/bench && cp docs/performance.md target/bench/)
	@target/release/bench rows $(if $(SHORT),--short --into target/bench) $(ROWS)

# Apart from setup: nothing else needs it, and it is compiled for minutes.
bench-setup:
	@tests/bench/setup.sh

book:
	.ci/docs

cdnctl-docs: setup
	$(BUILD) $(TOOLS:%=-p %) -p cdnctl-docs
	@target/debug/cdnctl-docs docs/cdnctl.md

screenshots: setup
	$(BUILD) $(TOOLS:%=-p %) -p browser
	@target/debug/screenshots docs/pictures

settings-docs:
	cargo build --locked $(SERVICES:%=-p %) -p settings-docs
	@target/debug/settings-docs docs/operators/settings.md

test: setup
	cargo build --locked --workspace --all-targets
	@target/debug/suites $(SUITES)

check: format lint
	.ci/deny

format:
	cargo fmt --all --check

lint:
	cargo clippy --locked --workspace --all-targets -- -D warnings

build: setup
	cargo build --locked --workspace --all-targets

setup:
	@tests/setup.sh
