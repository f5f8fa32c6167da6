# SPDX-License-Identifier: MIT OR GPL-2.0-only
# make           build everything into build/          make demo      record, replay and plot on the simulated GPU
# make test      the whole test suite                  make install   DESTDIR= PREFIX=
# make lint      the rules that a compiler cannot see  make guest     guest modules and images
# make golden    regenerate golden totals (review the diff)  make bench    ratios against peers or limits
# make bench-runtime  BAR round trips, map rates, and an nvme through egpu-run beside plain vfio-pci
# make models    play the game models, replay them         make bench-replay   requests/s by policy, live set and threads
# make bench-tracer  the tracer beside LTTng-UST (installs it) and SQLite inserts
# BUILD=dir CC=clang SAN=address,undefined make variants.

BUILD  ?= build
PREFIX ?= /usr/local
VERSION := 0.1.0
SAN    ?=
DEPS   := .deps

# one short line per file; V=1 shows the commands
Q := $(if $(V),,@)
SAY = @echo "  $(1)"

MAKEFLAGS += --no-builtin-rules
# on all processors, unless it was said on how many
ifeq ($(findstring -j,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
# what recipes call has no part in that
unexport MAKEFLAGS MFLAGS
.SUFFIXES:
.DELETE_ON_ERROR:

ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS   ?= -O2 -g
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
CPPFLAGS += -I. -I$(BUILD)/gen -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DEGPU_VERSION='"$(VERSION)"'
STD      := -std=gnu11 -pthread -fno-strict-aliasing
ifneq ($(SAN),)
SANFLAGS := -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
LDLIBS   := -lsqlite3 -llz4 -llzma -lzstd -ljson-c -lz -lpcap -lm

# ---- sources: a directory is a module; mains and subcommands stay out of the libraries ----
MAINS    := runtime/egpu_run.c tracer/egpu_trace.c replay/egpu_replay.c analysis/egpu_report.c analysis/wireshark/egpu_extcap.c
CMDS     := $(wildcard tracer/cmd_*.c)
SRC      := $(wildcard runtime/core/*.c runtime/dart/*.c runtime/policy/*.c tracer/*.c tracer/import/*.c tracer/generate/*.c tracer/export/*.c replay/*.c \
                       analysis/*.c analysis/wireshark/*.c runtime/*.c runtime/vfio_user/*.c runtime/device/*.c) runtime/guest/player_parse.c
LIB_SRC  := $(filter-out $(MAINS) $(CMDS),$(SRC))
TEST_SRC := $(wildcard tests/*/test_*.c)
PROGS    := $(patsubst %,$(BUILD)/%,egpu-run egpu-trace egpu-replay egpu-report egpu-extcap)
TESTS    := $(TEST_SRC:%.c=$(BUILD)/%)
BENCHES  := $(patsubst %.c,$(BUILD)/%,$(wildcard bench/bench_*.c))
EXT      := $(BUILD)/egpu_trace.so
EXT_SRC  := $(filter-out $(MAINS) $(CMDS),$(wildcard tracer/*.c))
EMBED    := $(wildcard tracer/*.sql analysis/*.gp analysis/*.sql analysis/*.css)
MAN      := $(wildcard */*.1 */*.5 analysis/*/*.1 */*/*.5)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

# a bare make builds everything
.PHONY: all nested bench bench-tracer bench-runtime bench-replay models demo test programs test-programs lint guest golden install clean
.DEFAULT_GOAL := all

include runtime/setup/setup.mk
include runtime/guest/guest.mk
include tests/nested/nested.mk

all: $(PROGS) $(EXT) guest $(SETUP_QEMU)

# ---- compile and link ----
$(BUILD)/obj/%.o: %.c | $(SETUP_PACKAGES)
	@mkdir -p $(@D)
	$(call SAY,CC   $<)
	$(Q)$(CC) $(CPPFLAGS) $(STD) $(WARNINGS) $(CFLAGS) $(SANFLAGS) -MMD -MP -c $< -o $@

# text files that a program carries in itself: "…" lines to be included in a C string
$(BUILD)/gen/%.inc: %
	@mkdir -p $(@D)
	$(Q)sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $< >$@
$(call obj,$(SRC)): | $(EMBED:%=$(BUILD)/gen/%.inc)

$(BUILD)/libegpu.a: $(call obj,$(LIB_SRC))
	@rm -f $@
	$(call SAY,AR   $@)
	$(Q)ar rcs $@ $^

LINK = @echo "  LINK $@"; $(if $(V),set -x;) $(CC) $(STD) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS)
$(BUILD)/egpu-run:    $(call obj,runtime/egpu_run.c) $(BUILD)/libegpu.a ; $(LINK)
$(BUILD)/egpu-trace:  $(call obj,tracer/egpu_trace.c $(CMDS)) $(BUILD)/libegpu.a ; $(LINK)
$(BUILD)/egpu-replay: $(call obj,replay/egpu_replay.c) $(BUILD)/libegpu.a ; $(LINK)
$(BUILD)/egpu-report: $(call obj,analysis/egpu_report.c) $(BUILD)/libegpu.a ; $(LINK)
$(BUILD)/egpu-extcap: $(call obj,analysis/wireshark/egpu_extcap.c) $(BUILD)/libegpu.a ; $(LINK)

# SQLite's loadable extension: the tracer again, calling SQLite through the loading program; never with a sanitizer, which that lacks
$(BUILD)/ext/%.o: %.c | $(SETUP_PACKAGES) $(EMBED:%=$(BUILD)/gen/%.inc)
	@mkdir -p $(@D)
	$(call SAY,CC   $< (extension))
	$(Q)$(CC) $(CPPFLAGS) $(STD) $(WARNINGS) $(CFLAGS) -fPIC -fvisibility=hidden -ffunction-sections \
		-include tracer/vtab_api.h -MMD -MP -c $< -o $@
$(EXT): $(EXT_SRC:%.c=$(BUILD)/ext/%.o)
	@echo "  LINK $@"; $(CC) -shared -Wl,--gc-sections -Wl,-z,defs $(LDFLAGS) -o $@ $^ -llz4 -lz -lm

$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(BUILD)/libegpu.a
	@mkdir -p $(@D)
	$(LINK) -lcmocka
$(BUILD)/bench/%: $(BUILD)/obj/bench/%.o $(BUILD)/libegpu.a
	@mkdir -p $(@D)
	$(LINK)
.SECONDARY:
programs: $(PROGS) $(EXT)
test-programs: $(PROGS) $(EXT) $(TESTS)

-include $(patsubst %.o,%.d,$(call obj,$(SRC) $(TEST_SRC) $(BENCHES:$(BUILD)/%=%.c)) $(EXT_SRC:%.c=$(BUILD)/ext/%.o))

# ---- use ----
lint: | $(SETUP_PACKAGES)
	tests/lint.sh

test: $(PROGS) $(EXT) $(TESTS) guest $(GUEST_ALL) $(SETUP_QEMU) $(NESTED)
	/usr/bin/python3 -m pytest -q -n 2 --dist loadfile tests

bench: $(BENCHES)
	@for b in $(BENCHES); do echo "== $$b"; $$b || exit 1; done

bench-tracer: $(BUILD)/bench/bench_tracer $(PROGS) guest $(SETUP_QEMU)
	BUILD=$(BUILD) bench/bench_tracer.sh

bench-runtime: $(BUILD)/bench/bench_bar $(BUILD)/bench/bench_map $(NESTED)
	BUILD=$(BUILD) bench/bench_runtime.sh

models: $(PROGS) guest $(SETUP_QEMU)
	datasets/models.sh $(BUILD) $(BUILD)/models

bench-replay: $(BUILD)/bench/bench_replay
	$<

golden: $(BUILD)/egpu-trace $(BUILD)/egpu-replay
	tests/golden/golden.sh $(BUILD)

demo: $(PROGS) guest $(SETUP_QEMU)
	@runtime/demo.sh $(BUILD) demo

install: $(PROGS) $(EXT) guest
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/egpu
	install -m 755 $(PROGS) $(DESTDIR)$(PREFIX)/bin
	install -D -m 644 $(EXT) $(DESTDIR)$(PREFIX)/lib/egpu/$(notdir $(EXT))
	$(foreach m,$(MAN),install -D -m 644 $(m) $(DESTDIR)$(PREFIX)/share/man/man$(patsubst .%,%,$(suffix $(m)))/$(notdir $(m)) && ) true
	cp -rL $(BUILD)/guest $(DESTDIR)$(PREFIX)/share/egpu/
	install -D -m 644 analysis/wireshark/egpu.lua $(DESTDIR)$(PREFIX)/share/egpu/wireshark/egpu.lua

clean:
	rm -rf $(BUILD)
