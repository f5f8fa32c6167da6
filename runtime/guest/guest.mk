# SPDX-License-Identifier: MIT OR GPL-2.0-only
# make guest  the demo's guest: $(BUILD)/guest/vmlinuz, initrd.img (Debian's 6.1 kernel)
# $(GUEST_ALL) the same with 6.12, in $(BUILD)/guest/6.12/
GUEST := $(BUILD)/guest
GUEST_ALL := $(GUEST)/6.12/initrd.img

GUEST_SRC := $(wildcard runtime/guest/*.[ch]) runtime/guest/Kbuild $(wildcard runtime/core/*.[ch]) runtime/device/sim_gpu_regs.h
# without the kernel's own compiler, the machine's default one
GUEST_CC := $(if $(shell command -v gcc-12),,CC=gcc)

guest: $(GUEST)/initrd.img

$(DEPS)/kernel-%/release: | $(SETUP_PACKAGES)
	@runtime/setup/kernel.sh $* $(DEPS)
.PRECIOUS: $(DEPS)/kernel-%/release

# kbuild writes beside its sources, so it gets a folder of links; everything but its warnings goes to build.log
$(GUEST)/%/modules.stamp: $(GUEST_SRC) runtime/guest/guest.mk | $(DEPS)/kernel-%/release
	@runtime/guest/modules.sh $(DEPS)/kernel-$* $(@D) $(GUEST_CC)
	@touch $@

PLAYER_SRC := runtime/guest/player.c runtime/guest/player_parse.c runtime/guest/player_play.c
$(GUEST)/player: $(PLAYER_SRC) runtime/guest/player.h runtime/guest/egpu_gpu.h | $(SETUP_PACKAGES)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(STD) $(WARNINGS) $(CFLAGS) -static $(filter %.c,$^) -o $@

$(GUEST)/%/initrd.img: $(GUEST)/%/modules.stamp $(GUEST)/player runtime/guest/init runtime/guest/initrd.sh
	@runtime/guest/initrd.sh $(DEPS)/kernel-$* $(@D) $(GUEST)/player
.PRECIOUS: $(GUEST)/%/modules.stamp

$(GUEST)/initrd.img: $(GUEST)/6.1/initrd.img
	@cp $(GUEST)/6.1/vmlinuz $(GUEST)/vmlinuz
	@cp $< $@
