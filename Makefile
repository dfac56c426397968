# make demo     every program of examples/c on a real file: sealed, opened, rotated, attacked; a multipart object
# make test     the library's tests; CI runs more: .ci/run
# make kernel-test   the kernel's secret independence, and its tests on emulated CPUs: some minutes
# make soak     100,000 lives of objects, 10^7 tickets replayed, 10^6 under ThreadSanitizer, 2,000 kills of each change and
#               job, 10^6 objects under bucket keys, ossd killed 1,000 times: hours (soak-short: minutes)
# make test-ossd   real OSS clients against examples/ossd, and kill -9 under load; SANITIZE=1: under ASAN and UBSAN
# make ossd-bench  what encryption costs ossd: with it beside without, in one run
# make provider-test   PKCS#11 against SoftHSM, AWS KMS against moto
# make header   writes include/ossenc.h anew from ffi/src
# make vectors  writes vectors/*.json anew
# make install [PREFIX=/usr/local] [DESTDIR=…]   headers, libraries, ossenc.pc, the command and its man pages: ffi/install.sh
# make man      man pages and completions of the ossenc command, below target/documents
# make ossd     examples/ossd, a daemon for clients of OSS, on target/ossd-demo: prints commands to try, ends with Ctrl-C
# make bench    every implementation beside its peers: a table, target/bench/summary.csv and *.svg (bench-quick: fewer
#               passes; bench-test: that the peers agree)
# make bench-files [FILES=100000]   rewraps a second, and opening small sealed files beside a plain read of them
# make fuzz-smoke [FUZZ_SECONDS=30]   every fuzz target for that long
# make lint, rust-test, vectors-test, c-test, cpp-test, install-test, bare-metal   the parts of make test
#
# What the targets need beyond Rust, git, gcc and make they install themselves, as Debian packages when run by root, or
# build below target/, and say so; what cannot be had is SKIPPED, in capitals.

SHELL := bash
CARGO ?= cargo
VENV := target/venv
FUZZ_SECONDS ?= 30
PREFIX ?= /usr/local
export DESTDIR LIBDIR INCLUDEDIR BINDIR MANDIR
TARGET := $(or $(CARGO_TARGET_DIR),target)
BUILT := $(TARGET)/release
FILES ?= 100000
ALL_FEATURES := ossenc/rayon,ossenc-kms/pkcs11,ossenc-kms/aws-kms

.PHONY: demo test lint rust-test vectors-test c-test bare-metal header vectors fuzz-smoke lib bench bench-quick bench-test \
  bench-files kernel-test provider-test soak soak-short man cpp-test install install-test ossd test-ossd ossd-bench

demo: lib
	LIB_DIR=$(BUILT) examples/c/demo.sh

ossd:
	examples/ossd/demo.sh

test: lint rust-test provider-test vectors-test c-test cpp-test install-test bare-metal
	@echo "test: ok"

lib:
	$(CARGO) build --release -p ossenc-ffi

lint:
	$(CARGO) fmt --check
	for workspace in benches fuzz; do $(CARGO) fmt --check --manifest-path $$workspace/Cargo.toml || exit 1; done
	$(CARGO) clippy --workspace --features $(ALL_FEATURES) --all-targets -- -D warnings
	.ci/lessons.sh
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --features $(ALL_FEATURES) --no-deps --document-private-items -q

rust-test:
	$(CARGO) test --workspace --features ossenc/rayon
	$(CARGO) test --release -p ossenc-gcm --test stack
	$(CARGO) test --release -p ossenc --test dump
	$(CARGO) test -q -p ossenc-mem --no-default-features --lib

$(VENV)/ready: vectors/requirements.txt
	.ci/venv.sh $(VENV) $<
	touch $@

# Three implementations: the generator, the reader, and the library. Each reads what the others wrote.
vectors-test: $(VENV)/ready
	$(VENV)/bin/python vectors/generate.py --check
	$(VENV)/bin/python vectors/reader.py
	$(CARGO) run -q -p ossenc --example live -- write target/live-library.json
	$(VENV)/bin/python vectors/reader.py --live target/live-library.json
	$(VENV)/bin/python vectors/generate.py --live target/live-python.json
	$(CARGO) run -q -p ossenc --example live -- read target/live-python.json

c-test: lib $(VENV)/ready
	.ci/readme-example.sh $(BUILT)
	LIB_DIR=$(BUILT) ffi/tests/c/run.sh
	$(CARGO) build -q -p ossenc-kms --example sealed_file
	LIB_DIR=$(BUILT) RUST=$(abspath $(TARGET))/debug/examples/sealed_file PYTHON=$(CURDIR)/$(VENV)/bin/python \
	    ffi/tests/c/file_test.sh

cpp-test: lib
	LIB_DIR=$(BUILT) ffi/tests/cpp/run.sh

install: lib man
	$(CARGO) build --release -p ossenc-cli
	ffi/install.sh $(BUILT) $(PREFIX)

install-test:
	rm -rf target/installed
	$(MAKE) install DESTDIR=$(CURDIR)/target/installed PREFIX=/opt/ossenc
	ffi/tests/install_test.sh target/installed /opt/ossenc

bare-metal:
	.ci/bare-metal.sh

provider-test:
	.ci/provider-test.sh

test-ossd:
	examples/ossd/tests/run.sh

ossd-bench:
	examples/ossd/tests/run.sh --bench

kernel-test:
	crates/gcm/ct/run.sh
	crates/gcm/tests/emulated.sh

soak:
	.ci/soak.sh

soak-short:
	.ci/soak.sh short

man:
	$(CARGO) run -q -p ossenc-cli --example documents -- target/documents

header:
	OSSENC_UPDATE_HEADER=1 $(CARGO) test -q -p ossenc-ffi --test header

vectors: $(VENV)/ready
	$(VENV)/bin/python vectors/generate.py

fuzz-smoke:
	.ci/fuzz-smoke.sh $(FUZZ_SECONDS)

bench:
	benches/run.sh full

bench-quick:
	benches/run.sh quick

bench-test:
	benches/run.sh test

bench-files:
	$(CARGO) run -q --release -p ossenc-kms --example measure -- $(FILES)
