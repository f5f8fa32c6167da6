# SPDX-License-Identifier: MIT OR GPL-2.0-only
# make nested  what the tests on real VFIO devices boot: $(BUILD)/nested/ (see tests/nested/README.md)
NESTED_DIR := $(BUILD)/nested
NESTED := $(NESTED_DIR)/payload.img $(NESTED_DIR)/6.1.snap $(NESTED_DIR)/6.1-viommu.snap $(NESTED_DIR)/6.12.snap $(NESTED_DIR)/cold.tar

nested: $(NESTED)

$(NESTED_DIR)/payload.img: tests/nested/image.sh tests/nested/init tests/nested/functions $(PROGS) $(SETUP_QEMU) | $(DEPS)/kernel-6.1/release
	@echo "  NESTED $@"
	@runtime/setup/fetch.sh $(DEPS)/qemu "trixie trixie-backports" qemu-system-x86 # there already, unless the system has a QEMU that is new enough
	@tests/nested/image.sh $(DEPS)/kernel-6.1 $(DEPS)/qemu $(BUILD) $(@D)

# guests with Debian's generic kernels, stored at their shell
$(NESTED_DIR)/%/initrd.img: $(KBUILD)/%-generic/modules.stamp tests/nested/l2.sh tests/nested/l2init tests/nested/l2commands
	@tests/nested/l2.sh $(DEPS)/kernel-$*-generic $(KBUILD)/$*-generic $(@D) nvme e1000e virtio_pci virtio-gpu
.PRECIOUS: $(NESTED_DIR)/%/initrd.img

# a guest that is booted inside L1, with Debian's cloud kernel
$(NESTED_DIR)/cold.tar: $(KBUILD)/6.1/modules.stamp tests/nested/l2.sh tests/nested/l2init tests/nested/l2commands
	@echo "  NESTED $@"
	@mkdir -p $(NESTED_DIR)/cold
	@tests/nested/l2.sh $(DEPS)/kernel-6.1 $(KBUILD)/6.1 $(NESTED_DIR)/cold nvme
	@tar -cf $@ -C $(NESTED_DIR)/cold vmlinuz initrd.img

$(NESTED_DIR)/%.snap: $(NESTED_DIR)/%/initrd.img tests/nested/snapshot.py $(SETUP_QEMU)
	@echo "  NESTED $@"
	@/usr/bin/python3 tests/nested/snapshot.py $(SETUP_QEMU) $(<D) $@

$(NESTED_DIR)/6.1-viommu.snap: $(NESTED_DIR)/6.1/initrd.img tests/nested/snapshot.py $(SETUP_QEMU)
	@echo "  NESTED $@"
	@/usr/bin/python3 tests/nested/snapshot.py $(SETUP_QEMU) $(<D) $@ viommu
