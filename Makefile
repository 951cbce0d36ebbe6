# Rekindle. `make` builds, `make check` tests, `make help` tells the rest. GNU make.
#
#   V=1           whole command lines            WERROR=1   warnings are errors
#   CC=clang      or gcc (the default)           SANITIZE=1 address and undefined behaviour, in build/san
#   BUILD=dir     another place than build       JOBS=n     parallel jobs of check, demo and bench

ifeq ($(origin CC),default)
CC := gcc
endif
BUILD      ?= build
PREFIX     ?= /usr/local
PKG_CONFIG ?= pkg-config
JOBS       ?= $(shell nproc 2>/dev/null || echo 1)
TIME       ?= 60

ifeq ($(SANITIZE),)
B := $(BUILD)
else ifeq ($(SANITIZE),fuzzer)
B := $(BUILD)/fuzz
else
B := $(BUILD)/san
endif
O := $(B)/obj-$(notdir $(CC))

ifneq ($(V),1)
Q := @
say = @printf '  %-6s %s\n' '$(1)' '$@';
endif

# Programs and their sources ---------------------------------------------------------------------------------------

mains    := agent/rekindled.c agent/rekindle.c engine/rekindle-engine.c
sources  := $(filter-out $(mains),$(wildcard base/*.c conf/*.c clients/*/*.c probes/*.c remediation/*.c engine/*.c \
    engine/*/*.c agent/*.c agent/*/*.c))
programs := $(addprefix $(B)/,$(notdir $(mains:.c=)))
library  := $(B)/librekindle.a

awssim  := $(if $(wildcard tests/awssim/*.c),$(B)/awssim)
benches := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c))
units   := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
peers   := $(patsubst tests/exchange/%.c,$(B)/exchange/%,$(wildcard tests/exchange/test_*.c))
fuzzers := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
shared  := $(filter-out tests/unit/test_%.c,$(wildcard tests/unit/*.c)) # what unit tests share
joined  := $(filter-out tests/exchange/test_%.c,$(wildcard tests/exchange/*.c)) # two engines and the network between them

all: $(programs) $(awssim)

# Flags ------------------------------------------------------------------------------------------------------------

pkgs := libcurl json-c libcrypto libsystemd libconfuse libmicrohttpd expat sqlite3 libmnl

wanted := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes \
    -Wold-style-definition -Wcast-qual -Wcast-align -Wpointer-arith -Wwrite-strings -Wundef -Wvla -Wformat=2 \
    -Wformat-signedness -Wimplicit-fallthrough -Wswitch-enum -Wnull-dereference -Wdouble-promotion -Wfloat-equal -Wdate-time \
    -Werror=implicit-function-declaration -Werror=incompatible-pointer-types -Werror=int-conversion -Werror=return-type \
    -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wformat-overflow=2 -Wformat-truncation=2 -Warray-bounds=2 \
    -Wstringop-overflow=4 -Walloc-zero -Wtrampolines -Wcomma -Wconditional-uninitialized -Wunreachable-code \
    -Wmissing-variable-declarations -fno-common -fno-strict-aliasing -fno-strict-overflow -fno-delete-null-pointer-checks \
    -fstrict-flex-arrays=3 -fvisibility=hidden
ifeq ($(SANITIZE),)
wanted += -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -mbranch-protection=standard \
    -ftrivial-auto-var-init=zero
mode := -O2 -g -fPIE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
mode_link := -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack
else
mode := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
ifeq ($(SANITIZE),fuzzer)
mode += -fsanitize=fuzzer-no-link
endif
mode_link := $(mode)
endif

# Goals that call make again, when everything is installed, need no compiler yet.
no_compiler := deps check vm demo bench fuzz lint format clean help
ifneq ($(filter-out $(no_compiler),$(or $(MAKECMDGOALS),all)),)
cc-option = $(shell for flag in $(1); do $(CC) -Werror $$flag -x c -c /dev/null -o /dev/null 2>/dev/null && echo $$flag; done)
include $(O)/flags.mk
pkg_cflags := $(shell $(PKG_CONFIG) --cflags $(pkgs))
pkg_libs   := $(shell $(PKG_CONFIG) --libs $(pkgs))
endif

$(O)/flags.mk: Makefile
	@command -v $(CC) >/dev/null || { echo 'There is no $(CC): sudo make deps' >&2; exit 1; }
	@mkdir -p $(@D)
	@echo 'probed := $(call cc-option,$(wanted))' >$@.new && mv $@.new $@

CFLAGS   ?=
compile   = $(CC) -std=gnu11 -D_GNU_SOURCE -I. $(mode) $(probed) $(if $(WERROR),-Werror) $(pkg_cflags) $(CPPFLAGS) $(CFLAGS)
link      = $(CC) $(mode_link) $(LDFLAGS)
libs      = -Wl,--as-needed $(pkg_libs) -lm

# Rules ------------------------------------------------------------------------------------------------------------

objects = $(patsubst %.c,$(O)/%.o,$(1))

$(O)/%.o: %.c $(O)/flags.mk
	$(call say,CC)mkdir -p $(@D) && $(compile) -MMD -MP -c $< -o $@

# The compiler whose objects stand in build/, which is shared by all of them.
$(B)/compiler: $(if $(filter $(CC),$(shell cat $(B)/compiler 2>/dev/null)),,force)
	@mkdir -p $(@D) && echo '$(CC)' >$@

$(library): $(call objects,$(sources)) $(B)/compiler
	$(call say,AR)rm -f $@ && ar rcs $@ $(filter %.o,$^)

$(B)/rekindled $(B)/rekindle: $(B)/%: $(O)/agent/%.o $(library)
	$(call say,LD)$(link) $^ $(libs) -o $@

$(B)/rekindle-engine: $(O)/engine/rekindle-engine.o $(library)
	$(call say,LD)$(link) $^ $(libs) -o $@

$(B)/awssim: $(call objects,$(wildcard tests/awssim/*.c)) $(library)
	$(call say,LD)$(link) $^ $(libs) -o $@

$(B)/bench/%: $(O)/tests/bench/%.o $(library)
	$(call say,LD)mkdir -p $(@D) && $(link) $^ $(libs) -o $@

$(B)/tests/%: $(O)/tests/unit/%.o $(call objects,$(shared)) $(library)
	$(call say,LD)mkdir -p $(@D) && $(link) $^ $(libs) -lcmocka -lutil -pthread -o $@

$(B)/exchange/%: $(O)/tests/exchange/%.o $(call objects,$(joined) $(shared)) $(library)
	$(call say,LD)mkdir -p $(@D) && $(link) $^ $(libs) -lcmocka -lutil -pthread -o $@

$(B)/tests/test_cli: | $(B)/rekindle

# A fuzzer of libFuzzer's, or with any other compiler a program that replays a corpus.
ifeq ($(SANITIZE),fuzzer)
$(B)/fuzz/%: $(O)/tests/fuzz/%.o $(library)
	$(call say,LD)mkdir -p $(@D) && $(link) -fsanitize=fuzzer $^ $(libs) -o $@
else
$(B)/fuzz/%: $(O)/tests/fuzz/%.o $(O)/tests/fuzz/replay.o $(library)
	$(call say,LD)mkdir -p $(@D) && $(link) $^ $(libs) -o $@
endif

-include $(shell find $(O) -name '*.d' 2>/dev/null)

# Tests ------------------------------------------------------------------------------------------------------------

run    := LOGS=$(BUILD)/logs tests/run
submake = $(MAKE) --no-print-directory

deps:
	@packaging/deps/install packaging/deps/build.txt packaging/deps/test.txt

# Only what cannot be done without is missing for those who may not install.
check-deps:
	@if [ "$$(id -u)" = 0 ]; then packaging/deps/install packaging/deps/build.txt packaging/deps/test.txt; \
	else packaging/deps/install packaging/deps/build.txt; fi

unit: $(units) $(peers)
	@REKINDLE=$(B)/rekindle $(run) unit $(if $(SANITIZE),--suite unit-san) $(units) $(peers)

replay: $(fuzzers)
	@$(run) replay $(fuzzers)

lint:
	@$(run) lint tests/lint/*

# Prints the engine's tables into docs/engine.md; the same program is the test that they are current.
docs: $(B)/tests/test_engine_docs
	@$< --write

format:
	clang-format -i $(shell find base conf clients probes remediation engine agent tests -name '*.[ch]' 2>/dev/null)

lab: all
	@$(run) lab $(wildcard tests/lab/test_*.sh)

interop: all
	@PAIR_BUILD=$(B) $(run) interop $(if $(SANITIZE),--suite interop-san) $(wildcard tests/interop/test_*.sh)

# IKE daemons on a kernel with ESP, in an emulated machine; several minutes, so no part of check.
vm: check-deps
	+@$(submake) -j$(JOBS) all
	@BUILD=$(BUILD) $(run) vm $(wildcard tests/vm/test_*.sh)

check: check-deps
	@+$(submake) -j$(JOBS) WERROR=$(WERROR) build-all
	@+$(submake) -j$(JOBS) SANITIZE=1 build-all
	@+$(submake) run-all

build-all: all $(units) $(peers) $(if $(SANITIZE),$(fuzzers))

# Every suite runs, whatever the one before it said.
run-all: export RESULTS := $(BUILD)/results
run-all:
	@mkdir -p $(BUILD) && : >$(RESULTS)
	+@$(submake) unit || :
	+@$(submake) SANITIZE=1 unit || :
	+@$(submake) SANITIZE=1 replay || :
	+@$(submake) lint || :
	+@$(submake) lab || :
	+@$(submake) interop || :
	@tests/run summary 6

fuzz:
	@+$(submake) -j$(JOBS) CC=clang SANITIZE=fuzzer fuzzers
	@for f in $(notdir $(fuzzers)); do tests/fuzz/run $(BUILD)/fuzz/fuzz/$$f $(TIME) || exit 1; done

fuzzers: $(fuzzers)

demo: check-deps
	@+$(submake) -j$(JOBS) all
	@tests/lab/demo

bench: check-deps
	@+$(submake) -j$(JOBS) all benches
	@tests/bench/bench

benches: $(benches)

# The rest ---------------------------------------------------------------------------------------------------------

install: $(programs)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(B)/rekindle $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(B)/rekindled $(B)/rekindle-engine $(DESTDIR)$(PREFIX)/sbin

clean:
	rm -rf $(BUILD)

help:
	@sed -n '/^#/!q;s/^# \{0,1\}//p' Makefile
	@echo 'all deps check unit replay lint docs lab interop vm fuzz demo bench install clean'

force:
.PHONY: all deps check-deps check unit replay lint docs format lab interop vm build-all run-all fuzz fuzzers demo bench benches install clean help force
.SECONDARY:
.DELETE_ON_ERROR:
