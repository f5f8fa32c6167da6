# SPDX-License-Identifier: MIT OR GPL-2.0-only
# Runs inside the guest, in place of the player: requests whose page size the hot patch sees, under the parameters of the kernel command line.
rmmod egpu_gpu
insmod /test/nvidia.ko && insmod /test/nvidia-uvm.ko || exit 1
for bytes in 2097152 65536 4096 131072 0 2097152; do
	echo $bytes >/sys/kernel/debug/nvidia_uvm/alloc
done
rmmod nvidia_uvm && rmmod nvidia && insmod /modules/egpu_gpu.ko
