# make demo    the main job where a person can follow it (DOMAINS=3..100)
# make up      everything running, with curl lines to paste; Ctrl-C stops it
# make test    every test, on real PostgreSQL, RabbitMQ and Pebble
# make check   what CI checks before the tests: format, lints, licences
.PHONY: demo up test check setup build

DOMAINS ?= 3

demo: build
	@target/debug/demo run --domains $(DOMAINS)

up: build
	@target/debug/demo up

test: setup
	cargo build --locked --workspace --all-targets
	cargo test --locked --workspace

check:
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	.ci/deny

build: setup
	cargo build --locked --workspace --all-targets

setup:
	@tests/setup.sh
