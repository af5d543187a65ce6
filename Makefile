# A thin front: tools/setup.sh brings the packages, Meson and Ninja do the work.
#
#   make report        measure this machine, write report/index.html
#   make test          all tests of the release build
#   make test-checked  unit and stress tests with every check on, migrating at every wake
#   make test-delays the same tests with random delays at the moments that a race would need
#   make test-tsan     the same tests under ThreadSanitizer
#   make test-asan     the same tests under AddressSanitizer, with every check on
#   make test-lto      threads and what follows them, optimised as a whole, by g++ and by clang++
#   make test-mutants  leaves out each step that a protocol needs; some test has to notice
#   make model         the proofs of the protocols that take minutes
#   make bench         all benchmarks beside all peers, an hour; bench/suite/suite.py takes parts
#   make install PREFIX=/usr/local [DESTDIR=]
#   make setup | format | clean

PREFIX ?= /usr/local
CXX = g++
JOBS ?= $(shell nproc)

ninja = ninja -j$(JOBS) -C
run_tests = tools/run_tests.py
code_suites = --suite unit --suite stress

# g++ 12's ThreadSanitizer does not know every place where a recent kernel may map memory, so it is
# run without randomised addresses; where a container forbids that, it has to take its chance.
fixed_layout = $(shell setarch -R true 2>/dev/null && echo "--wrapper 'setarch -R'")

# $(call configure,DIRECTORY,OPTIONS): Meson looks again by itself when its files change.
configure = test -f $(1)/build.ninja || CXX='$(CXX)' meson setup $(1) $(libdir) $(2)

# Debian's multiarch folder, which Meson by itself finds only where dpkg-dev is installed.
multiarch = $(shell $(CXX) -print-multiarch)
libdir = $(if $(multiarch),--libdir=lib/$(multiarch))

.PHONY: all release setup report bench install format clean \
  test test-checked test-delays test-tsan test-asan test-lto lto test-mutants model

all: setup
	@$(call configure,build)
	@$(ninja) build

# What is measured and installed, without the time that compiling the tests takes.
release: setup
	@$(call configure,build-release,--prefix=$(abspath $(PREFIX)) -Dtests=false)
	@$(ninja) build-release

setup:
	@tools/setup.sh

report: release
	@python3 bench/report/report.py --build build-release --output report

test: all
	@$(run_tests) build

test-checked: setup
	@$(call configure,build-checked,-Dbuildtype=debugoptimized -Dchecked=true -Dforce_migrate=true)
	@$(ninja) build-checked
	@$(run_tests) build-checked $(code_suites)

test-delays: setup
	@$(call configure,build-delays,-Dbuildtype=debugoptimized -Dchecked=true -Drandom_delays=true)
	@$(ninja) build-delays
	@$(run_tests) build-delays $(code_suites) --timeout-multiplier 3

# b_lundef: a sanitizer's run-time symbols come with the program, not with the shared library.
# Not werror: g++ warns falsely of what the sanitizers' code has hidden from its analysis.
# -O1 and lines only: the sanitizers find the same, and the compiler takes half the time.
sanitized = -Doptimization=1 -Ddebug=true -Dcpp_args=-g1 -Dwerror=false -Db_lundef=false \
  -Dbench=false -Dexamples=false

test-tsan: setup
	@$(call configure,build-tsan,$(sanitized) -Db_sanitize=thread)
	@$(ninja) build-tsan
	@$(run_tests) build-tsan $(code_suites) --timeout-multiplier 5 $(fixed_layout)

test-asan: setup
	@$(call configure,build-asan,$(sanitized) -Db_sanitize=address -Dchecked=true)
	@$(ninja) build-asan
	@$(run_tests) build-asan $(code_suites) --timeout-multiplier 5

# What a compiler that sees the whole program must not look through: whose thread_local, whose errno,
# whose exceptions. The threads migrate whenever they can.
lto_tests = thread_test errno_and_exceptions_test fiber_local_test context_switch_test

test-lto: setup
	@$(MAKE) --no-print-directory lto CXX=g++
	@$(MAKE) --no-print-directory lto CXX=clang++

lto:
	@$(call configure,build-lto-$(CXX),-Db_lto=true -Dforce_migrate=true -Dbench=false -Dexamples=false)
	@$(ninja) build-lto-$(CXX) $(lto_tests:%=tests/%)
	@meson test -C build-lto-$(CXX) --no-rebuild --print-errorlogs $(lto_tests)

test-mutants: setup
	@$(call configure,build-mutants,-Dmutants=true -Dbench=false -Dexamples=false)
	@$(ninja) build-mutants
	@$(run_tests) build-mutants --suite mutants

model: setup
	@python3 tests/model/run_model.py tests/model

# The peers may have been installed since the build was set up.
bench: release
	@tools/setup.sh --peers
	@meson setup --reconfigure build-release >/dev/null
	@$(ninja) build-release benchmarks
	@python3 bench/suite/suite.py --build build-release --output bench-results

install: release
	@meson configure build-release -Dprefix=$(abspath $(PREFIX))
	@DESTDIR=$(DESTDIR) meson install -C build-release

format:
	@git ls-files -co --exclude-standard '*.h' '*.cc' | xargs -r clang-format -i

clean:
	@rm -rf build build-release build-checked build-delays build-tsan build-asan build-lto-* \
	  build-mutants report bench-results
