# SPDX-License-Identifier: MIT OR GPL-2.0-only
# Runs inside the guest, in place of the player: the DMA API as stock drivers call it (modules/dma_api.c), served by egpu_dma.
counters=/sys/kernel/debug/egpu_dma
rmmod egpu_gpu
rmmod egpu_dma
insmod /modules/egpu_dma.ko policy=direct || exit 1
insmod /test/dma_api.ko || exit 1
dmesg | sed -n 's/.*dma_api: //p'
[ "$(cat $counters/live_requests)" = 0 ] && [ "$(cat $counters/unknown_unmaps)" = 0 ] && echo "passed: nothing_is_left"
rmmod dma_api
insmod /modules/egpu_gpu.ko
