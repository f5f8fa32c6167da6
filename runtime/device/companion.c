/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "runtime/device/companion.h"

#include <stdlib.h>

#include "runtime/device/companion_state.h"

static struct companion *companion_of(struct device *d)
{
	return (struct companion *)d;
}

/* service ends: the guest reads why in STATUS; a reset starts anew */
void companion_broken(struct companion *c, int err)
{
	c->status = (u32)-err;
	c->ring.records = 0;
	if (c->d.tracer)
		tracer_account(c->d.tracer, "companion_errors", ++c->broken,
			       "times the guest broke the companion's protocol; requests after that are not recorded until it resets the device");
}

/* HELLO: "window:log2=18 align=downgrade kernel=6.1.0" */
static void hello(struct companion *c, const char *text, size_t text_bytes)
{
	static const struct { const char *token, *meta; } tokens[] = { { "align=", TRACE_META_ALIGN }, { "kernel=", TRACE_META_GUEST } };
	char copy[COMPANION_TEXT_BYTES + 1], *word, *save;

	if (!c->d.tracer)
		return;
	memcpy(copy, text, text_bytes);
	copy[text_bytes] = 0;
	for (char *p = copy; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	word = strtok_r(copy, " ", &save);
	if (!word)
		return;
	device_emit_text(&c->d, TRACE_POLICY, word, strlen(word));
	tracer_meta(c->d.tracer, TRACE_META_POLICY, word);
	while ((word = strtok_r(NULL, " ", &save)))
		for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++)
			if (!strncmp(word, tokens[i].token, strlen(tokens[i].token)))
				tracer_meta(c->d.tracer, tokens[i].meta, word + strlen(tokens[i].token));
}

/* Return: the status of the command as a whole; -EFAULT if guest memory cannot be reached */
static int execute(struct companion *c, struct companion_command *cmd)
{
	u64 at = c->cmd_gpa + sizeof(*cmd);
	u64 bytes = (u64)cmd->count * sizeof(struct companion_entry);

	if (cmd->op == COMPANION_OP_HELLO) {
		hello(c, cmd->text, sizeof(cmd->text));
		return 0;
	}
	if ((cmd->op != COMPANION_OP_MAP && cmd->op != COMPANION_OP_UNMAP) || cmd->count > COMPANION_BATCH_MAX)
		return -EINVAL;
	if (guest_memory_read(c->d.memory, at, c->entries, bytes))
		return -EFAULT;
	mapper_submit(c->mapper, cmd->op, c->entries, cmd->count, c->d.memory, c->d.ring);
	__atomic_store_n(&c->counters.entries, c->counters.entries + cmd->count, __ATOMIC_RELAXED);
	return guest_memory_write(c->d.memory, at, c->entries, bytes);
}

static void doorbell(struct companion *c, u32 sequence)
{
	u64 done_gpa = c->cmd_gpa + offsetof(struct companion_command, done);
	u64 status_gpa = c->cmd_gpa + offsetof(struct companion_command, status);
	struct companion_command cmd;
	s32 status;

	companion_drain(c);
	if (c->status)
		return;
	if (!c->cmd_gpa || guest_memory_read(c->d.memory, c->cmd_gpa, &cmd, sizeof(cmd))) {
		companion_broken(c, -EFAULT);
		return;
	}
	status = execute(c, &cmd);
	__atomic_store_n(&c->counters.commands, c->counters.commands + 1, __ATOMIC_RELAXED);
	if (guest_memory_write(c->d.memory, status_gpa, &status, sizeof(status)) || guest_memory_store32(c->d.memory, done_gpa, sequence))
		companion_broken(c, -EFAULT);
}

static void reset(struct companion *c)
{
	companion_drain(c);
	mapper_unmap_all(c->mapper, c->d.ring);
	c->cmd_gpa = c->features = c->status = 0;
	memset(&c->ring, 0, sizeof(c->ring));
	c->guest_time = c->clock_known = 0;
	__atomic_store_n(&c->counters.live_requests, 0, __ATOMIC_RELAXED);
}

static u32 register_read(const struct device *d, u64 reg)
{
	const struct companion *c = (const struct companion *)d;
	const struct dart_limits *limits = mapper_limits(c->mapper);

	switch (reg) {
	case COMPANION_MAGIC_REG: return COMPANION_MAGIC_VAL;
	case COMPANION_VERSION_REG: return COMPANION_VERSION_VAL;
	case COMPANION_FEATURES_REG: return COMPANION_F_REQUEST_RING;
	case COMPANION_FEATURES_ACK_REG: return c->features;
	case COMPANION_ENTRY_BYTES_REG: return sizeof(struct companion_entry);
	case COMPANION_RECORD_BYTES_REG: return sizeof(struct companion_record);
	case COMPANION_BATCH_MAX_REG: return COMPANION_BATCH_MAX;
	case COMPANION_GRANULE_LOG2_REG: return limits->granule_log2;
	case COMPANION_MAX_MAPPINGS_LO_REG: return (u32)limits->max_mappings;
	case COMPANION_MAX_MAPPINGS_HI_REG: return (u32)(limits->max_mappings >> 32);
	case COMPANION_MAX_BYTES_LO_REG: return (u32)limits->max_bytes;
	case COMPANION_MAX_BYTES_HI_REG: return (u32)(limits->max_bytes >> 32);
	case COMPANION_TARGET_ID_REG: return c->target_id;
	case COMPANION_CMD_GPA_LO_REG: return (u32)c->cmd_gpa;
	case COMPANION_CMD_GPA_HI_REG: return (u32)(c->cmd_gpa >> 32);
	case COMPANION_RING_GPA_LO_REG: return (u32)c->ring.gpa;
	case COMPANION_RING_GPA_HI_REG: return (u32)(c->ring.gpa >> 32);
	case COMPANION_RING_BYTES_REG: return c->ring.bytes;
	case COMPANION_STATUS_REG: return c->status;
	default: return 0;
	}
}

static void set_low(u64 *v, u32 low)
{
	*v = (*v & ~0xffffffffULL) | low;
}

static void set_high(u64 *v, u32 high)
{
	*v = (u64)high << 32 | (u32)*v;
}

static void register_write(struct device *d, u64 reg, u32 v)
{
	struct companion *c = companion_of(d);

	switch (reg) {
	case COMPANION_FEATURES_ACK_REG: c->features = v & COMPANION_F_REQUEST_RING; break;
	case COMPANION_CMD_GPA_LO_REG: set_low(&c->cmd_gpa, v); break;
	case COMPANION_CMD_GPA_HI_REG: set_high(&c->cmd_gpa, v); break;
	case COMPANION_DOORBELL_REG: doorbell(c, v); break;
	case COMPANION_RING_GPA_LO_REG: set_low(&c->ring.gpa, v); break;
	case COMPANION_RING_GPA_HI_REG: set_high(&c->ring.gpa, v); break;
	case COMPANION_RING_BYTES_REG: companion_ring_start(c, v); break;
	case COMPANION_RING_BELL_REG:
		__atomic_store_n(&c->counters.ring_bells, c->counters.ring_bells + 1, __ATOMIC_RELAXED);
		companion_drain(c);
		break;
	case COMPANION_GUEST_TIME_LO_REG: set_low(&c->guest_time, v); break;
	case COMPANION_GUEST_TIME_HI_REG:
		set_high(&c->guest_time, v);
		companion_clock(c);
		break;
	case COMPANION_RESET_REG:
		if (v == 1) {
			reset(c);
			device_emit(&c->d, TRACE_RESET, 0, DEVICE_RESET_GUEST, 0, 0, 0);
		}
		break;
	default: break;
	}
}

static int companion_read(struct device *d, u32 region, u64 offset, void *buf, u32 len)
{
	(void)region;
	return device_read_registers(d, offset, buf, len, register_read);
}

static int companion_write(struct device *d, u32 region, u64 offset, const void *buf, u32 len)
{
	(void)region;
	return device_write_registers(d, offset, buf, len, register_write);
}

static void companion_reset(struct device *d, enum device_reset_cause cause)
{
	(void)cause;
	reset(companion_of(d));
}

static int companion_work(struct device *d)
{
	struct companion *c = companion_of(d);

	companion_drain(c);
	return c->ring.records ? COMPANION_POLL_MS : -1;
}

static void companion_free(struct device *d)
{
	struct companion *c = companion_of(d);

	device_fini(d);
	free(c->entries);
	free(c);
}

static const struct device_ops companion_ops = {
	.read = companion_read, .write = companion_write, .reset = companion_reset, .work = companion_work, .free = companion_free,
};

/* QEMU warns about a device that cannot announce errors (AER); ours never has one to announce */
static const u32 vectors[IRQ_TYPES] = { [IRQ_ERR] = 1 };

struct device *companion_new(struct mapper *mapper, u32 target_id, u16 target_trace_id)
{
	struct companion *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->mapper = mapper;
	c->target_id = target_id;
	c->target_trace_id = target_trace_id;
	c->entries = calloc(COMPANION_BATCH_MAX, sizeof(*c->entries));
	if (!c->entries || device_init(&c->d, &companion_ops, "companion", vectors)) {
		free(c->entries);
		free(c);
		return NULL;
	}
	pci_config_init(&c->d.config, COMPANION_VENDOR_ID, COMPANION_DEVICE_ID, 0x088000, 1);
	pci_config_bar(&c->d.config, 0, false, false);
	pci_config_express(&c->d.config);
	device_region(&c->d, 0, COMPANION_BAR_BYTES);
	return &c->d;
}

void companion_counters(const struct device *d, struct companion_counters *out)
{
	const struct companion_counters *c = &((const struct companion *)d)->counters;

	out->commands = __atomic_load_n(&c->commands, __ATOMIC_RELAXED);
	out->entries = __atomic_load_n(&c->entries, __ATOMIC_RELAXED);
	out->requests = __atomic_load_n(&c->requests, __ATOMIC_RELAXED);
	out->live_requests = __atomic_load_n(&c->live_requests, __ATOMIC_RELAXED);
	out->ring_bells = __atomic_load_n(&c->ring_bells, __ATOMIC_RELAXED);
}
