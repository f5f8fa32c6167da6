# SPDX-License-Identifier: MIT OR GPL-2.0-only
# Runs inside the guest, in place of the player: drivers come and go under a player that is alive, killed, or in the way.
# Prints "passed: NAME" for each case; the test that started the guest knows all the names.
cd /tmp
counters=/sys/kernel/debug/egpu_dma
driver=/sys/bus/pci/drivers/egpu_gpu
for gpu in $driver/0000*; do gpu=${gpu##*/}; done

cat >hold.workload <<'X'
memory 64M
seed 1
fragment keep=48M touched=50 pages=1-2
load buffers=500 mix=4K:90,64K:10 contiguous=50
frames n=2 uploads=10
sleep ms=60000
X
cat >short.workload <<'X'
memory 64M
seed 2
load buffers=300 mix=4K:90,64K:10,2M:2 contiguous=50 large=40
frames n=4 uploads=10 verify=1
X

live() {
	cat $counters/live_requests
}
passed() {
	echo "passed: $1"
}
expect() { # NAME IS WANTED
	[ "$2" = "$3" ] && passed "$1" || { echo "failed: $1: $2, not $3"; exit 1; }
}
hold() {
	player hold.workload &
	holder=$!
	for i in $(seq 100); do
		[ "$(live)" -gt 900 ] && return
		sleep 0.1
	done
	echo "failed: the player did not load"
	exit 1
}
let_go() {
	kill -9 $holder
	wait $holder
}
refuses() { # PARAMETER
	insmod /modules/egpu_dma.ko "$1"
	[ -d $counters ] && echo "failed: took $1" && exit 1
	rmmod egpu_dma
}

base=$(live)
hold
let_go
expect killed_player_leaves_nothing "$(live)" "$base"

hold
rmmod egpu_gpu 2>/dev/null && exit 1
passed module_in_use_does_not_unload
echo "$gpu" >$driver/unbind
expect unbind_under_a_player_unmaps_all "$(live)" 0
let_go
player short.workload && exit 1
passed no_device_no_play
echo "$gpu" >$driver/bind
player short.workload || exit 1
passed bound_again_plays

hold
rmmod egpu_dma || exit 1
[ -e $driver/"$gpu" ] && exit 1
passed egpu_dma_unloads_under_a_player
let_go
echo "$gpu" >$driver/bind
player short.workload && exit 1
passed without_egpu_dma_nothing_is_mapped

insmod /modules/egpu_dma.ko policy=direct align=none
expect bound_driver_is_left_alone "$(cat $counters/target)" none
echo "$gpu" >$driver/unbind
echo "$gpu" >$driver/bind
expect bound_anew_is_served "$(cat $counters/target)" "$gpu"
player short.workload || exit 1
expect policy_is_the_parameter "$(cat $counters/policy)" direct
[ "$(cat $counters/align_missed)" -gt 0 ] && passed wish_without_shim_is_missed
rmmod egpu_dma

refuses policy=nonsense
refuses policy=window:log2=99
refuses policy=window:nonsense=1
refuses align=sideways
refuses ring_records=100
refuses ring_records=131072
refuses max_requests=4294967295
passed bad_parameters_are_refused

insmod /modules/egpu_dma.ko ring_records=64
echo "$gpu" >$driver/bind
player short.workload || exit 1
[ "$(cat $counters/ring_waits)" -gt 0 ] && passed full_ring_waits
rmmod egpu_dma

insmod /modules/egpu_dma.ko max_requests=600
echo "$gpu" >$driver/bind
player hold.workload && exit 1
expect full_state_fails_and_unwinds "$(live)" "$base"
rmmod egpu_gpu
expect nothing_is_left "$(live)" 0
rmmod egpu_dma
insmod /modules/egpu_dma.ko && insmod /modules/egpu_gpu.ko && player short.workload && passed loads_again
