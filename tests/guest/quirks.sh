# SPDX-License-Identifier: MIT OR GPL-2.0-only
# Runs inside the guest, in place of the player: the hot patch of UVM's page size, on stand-ins for NVIDIA's modules (modules/standin_*.c).
# Prints "passed: NAME" for each case; the test that started the guest knows all the names.
counters=/sys/kernel/debug/egpu_dma
quirk=$counters/quirk-uvm-page-size
uvm=/sys/kernel/debug/nvidia_uvm
gpu=$(basename /sys/bus/pci/drivers/egpu_gpu/0000*)
K64=65536
M2=2097152

passed() {
	echo "passed: $1"
}
expect() { # NAME IS WANTED
	[ "$2" = "$3" ] && passed "$1" || { echo "failed: $1: '$2', not '$3'"; exit 1; }
}
ours() { # PARAMETER…
	insmod /modules/egpu_dma.ko policy=direct "$@" || exit 1
}
theirs() { # PARAMETER…
	insmod /test/nvidia.ko "$@" && insmod /test/nvidia-uvm.ko "$@" || exit 1
}
no_theirs() {
	rmmod nvidia_uvm && rmmod nvidia || exit 1
}
fresh() { # our module with PARAMETER…, theirs loaded after it
	no_theirs
	rmmod egpu_dma || exit 1
	ours "$@"
	theirs
}
alloc() { # PAGE-BYTES
	(echo "$1" >$uvm/alloc) 2>/dev/null && echo "$1 as $(cat $uvm/used_page_bytes)" || echo "$1 refused"
}
count() {
	cat "$counters/$1"
}
state() { # what the quirk says, without the number of calls
	sed 's/ calls=[0-9]*//' $quirk
}

rmmod egpu_gpu
rmmod egpu_dma
ours align=rewrite quirks=none
theirs
expect without_quirk_large_pages_are_refused "$(alloc $K64), $(alloc $M2), $(alloc 4096)" "65536 refused, 2097152 refused, 4096 as 4096"
expect without_quirk_no_wish_is_known "$(count align_wanted)" 0

fresh align=none
expect without_shim_it_only_watches "$(alloc $M2) $(alloc $K64) $(state)" \
	"2097152 refused 65536 refused on attached=1 changed=0 anomalies=0 missed=0"
expect without_shim_the_wish_is_recorded_as_missed "$(count align_wanted) $(count align_downgraded)" "4 0"
[ "$(count align_missed)" -ge 2 ] && passed without_shim_misses_are_counted

fresh align=downgrade
expect telling_those_that_ask_is_not_enough "$(alloc $M2) $(state)" "2097152 refused on attached=1 changed=0 anomalies=0 missed=0"
expect what_was_not_taken_back_is_not_recorded "$(count align_downgraded)" 0

fresh align=rewrite
expect loaded_after_ours_is_patched "$(alloc $M2), $(alloc 131072), $(alloc $K64)" "2097152 as 0, 131072 as 0, 65536 as 0"
expect changes_are_counted "$(state)" "on attached=1 changed=3 anomalies=0 missed=0"
expect requests_say_what_was_taken_back "$(count align_wanted) $(count align_downgraded) $(count align_missed)" "6 6 0"
expect what_the_granule_gives_is_left_alone "$(alloc 4096), $(alloc 0), $(state)" \
	"4096 as 4096, 0 as 0, on attached=1 changed=3 anomalies=0 missed=0"

for i in 1 2 3 4 5 6 7 8; do (echo $M2 >$uvm/alloc) & done
wait
expect calls_at_once_are_all_patched "$(state)" "on attached=1 changed=11 anomalies=0 missed=0"

echo off >$quirk
expect switched_off_large_pages_are_refused "$(alloc $M2) $(state)" "2097152 refused off attached=0 changed=11 anomalies=0 missed=0"
echo on >$quirk
expect switched_on_they_are_patched "$(alloc $M2)" "2097152 as 0"
(echo 7 >$quirk) 2>/dev/null || passed switch_refuses_nonsense

echo 700 >/sys/module/nvidia/parameters/delay_ms
(sleep 0.2; echo off >$quirk) &
echo $M2 >$uvm/alloc
wait
echo 0 >/sys/module/nvidia/parameters/delay_ms
wanted=$(count align_wanted)
echo 0 >$uvm/alloc # by the same task
expect switched_off_during_a_call_leaves_no_wish_behind "$(count align_wanted)" "$wanted"
echo on >$quirk

no_theirs
expect unloaded_target_is_let_go "$(state | cut -d' ' -f1-2)" "on attached=0"
theirs
expect target_that_comes_back_is_patched "$(alloc $M2)" "2097152 as 0"

rmmod egpu_dma || exit 1
echo "$gpu" >/sys/bus/pci/drivers/nvidia/bind
alloc $M2 >/dev/null
expect without_egpu_dma_nothing_is_patched "$(cat $uvm/used_page_bytes)" $M2
echo "$gpu" >/sys/bus/pci/drivers/nvidia/unbind
ours align=rewrite
echo "$gpu" >/sys/bus/pci/drivers/nvidia/bind
expect loaded_before_ours_is_patched "$(alloc $M2), $(state)" "2097152 as 0, on attached=1 changed=1 anomalies=0 missed=0"

for layout in 1 2; do
	no_theirs
	theirs layout=$layout
	echo on >$quirk
	dmesg -c >/dev/null
	for i in 1 2 3 4; do alloc 4096; done | grep -c 'as 4096' >four
	expect changed_layout_is_left_alone "$(cat four) $(state)" "4 on attached=1 changed=1 anomalies=4 missed=0"
	alloc 4096 >/dev/null
	alloc 4096 >/dev/null
	expect changed_layout_switches_it_off "$(state)" "off attached=1 changed=1 anomalies=5 missed=0"
	expect changed_layout_is_said_once "$(dmesg | grep -c 'uvm-page-size switches itself off')" 1
done
no_theirs
theirs
expect it_stays_off_for_the_next_target "$(alloc $M2)" "2097152 refused"
echo on >$quirk
expect it_can_be_switched_on_again "$(alloc $M2)" "2097152 as 0"

fresh align=rewrite quirks=-uvm-page-size
expect left_out_by_name "$(alloc $M2)" "2097152 refused"
no_theirs
rmmod egpu_dma
ours align=rewrite quirks=none,uvm-page-size
theirs
expect chosen_by_name "$(alloc $M2)" "2097152 as 0"
no_theirs
rmmod egpu_dma
for bad in quirks=nonsense quirks= quirks=all,-nonsense; do
	insmod /modules/egpu_dma.ko "$bad"
	[ -d $counters ] && echo "failed: took $bad" && exit 1
	rmmod egpu_dma
done
passed unknown_names_are_refused

ours align=rewrite
insmod /modules/egpu_gpu.ko
cat >/tmp/w <<'X'
memory 64M
load buffers=100 mix=4K:60,64K:30,2M:10 contiguous=50 large=40
frames n=2 uploads=10 verify=1
X
player /tmp/w && [ "$(count align_missed)" = 0 ] && [ "$(count align_downgraded)" -gt 0 ] && passed drivers_that_ask_are_told_under_rewrite
expect nothing_is_left "$(count unknown_unmaps)" 0
