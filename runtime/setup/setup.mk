# SPDX-License-Identifier: MIT OR GPL-2.0-only
# What make needs from outside. Everything private lies in $(DEPS), which `make clean` keeps; delete it to fetch anew.
SETUP_PACKAGES := $(DEPS)/packages.stamp
SETUP_QEMU := $(BUILD)/qemu-system-x86_64

$(SETUP_PACKAGES): runtime/setup/packages.sh
	@mkdir -p $(@D)
	@runtime/setup/packages.sh && touch $@

$(SETUP_QEMU): runtime/setup/qemu.sh | $(SETUP_PACKAGES)
	@runtime/setup/qemu.sh $@ $(DEPS)
