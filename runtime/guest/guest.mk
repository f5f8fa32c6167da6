# SPDX-License-Identifier: MIT OR GPL-2.0-only
# make guest  the demo's guest: $(BUILD)/guest/vmlinuz, initrd.img (Debian's 6.1 kernel)
# $(GUEST_ALL) the same with 6.12, in $(BUILD)/guest/6.12/
# make test-arm64  the modules in an arm64 guest, as on a Mac; not part of make test, for it fetches about 520 MB
GUEST := $(BUILD)/guest
KBUILD := $(BUILD)/kbuild
GUEST_ALL := $(GUEST)/6.12/initrd.img

GUEST_SRC := $(wildcard runtime/guest/*.[ch]) runtime/guest/Kbuild $(wildcard runtime/core/*.[ch]) runtime/device/sim_gpu_regs.h
# without the kernel's own compiler, the machine's default one
GUEST_CC := $(if $(shell command -v gcc-12),,CC=gcc)

guest: $(GUEST)/initrd.img

$(DEPS)/kernel-%/release: | $(SETUP_PACKAGES)
	@runtime/setup/kernel.sh $* $(DEPS)
.PRECIOUS: $(DEPS)/kernel-%/release

# kbuild writes beside its sources, so it gets a folder of links; everything but its warnings goes to build.log
$(KBUILD)/%/modules.stamp: $(GUEST_SRC) runtime/guest/guest.mk | $(DEPS)/kernel-%/release
	@runtime/guest/modules.sh $(DEPS)/kernel-$* $(@D) $(GUEST_CC)
	@touch $@

PLAYER_SRC := runtime/guest/player.c runtime/guest/player_parse.c runtime/guest/player_play.c
$(GUEST)/player: $(PLAYER_SRC) runtime/guest/player.h runtime/guest/egpu_gpu.h | $(SETUP_PACKAGES)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(STD) $(WARNINGS) $(CFLAGS) -static $(filter %.c,$^) -o $@

$(GUEST)/%/initrd.img: $(KBUILD)/%/modules.stamp $(GUEST)/player runtime/guest/init runtime/guest/initrd.sh
	@runtime/guest/initrd.sh $(DEPS)/kernel-$* $(KBUILD)/$* $(GUEST)/player $(@D)
.PRECIOUS: $(KBUILD)/%/modules.stamp

$(GUEST)/initrd.img: $(KBUILD)/6.1/modules.stamp $(GUEST)/player runtime/guest/init runtime/guest/initrd.sh
	@runtime/guest/initrd.sh $(DEPS)/kernel-6.1 $(KBUILD)/6.1 $(GUEST)/player $(@D)

.PHONY: test-arm64
test-arm64: $(BUILD)/egpu-run $(BUILD)/egpu-replay | $(SETUP_PACKAGES)
	tests/guest/arm64.sh $(BUILD) $(DEPS)
	EGPU_BUILD=$(BUILD) /usr/bin/python3 -m pytest -q tests/guest/arm64.py
