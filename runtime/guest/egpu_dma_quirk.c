// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <linux/atomic.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "runtime/guest/egpu_dma_device.h"

static const struct egpu_dma_quirk *const quirks[] = {
	&egpu_dma_quirk_uvm,
};

#define QUIRKS ARRAY_SIZE(quirks)
#define CALLS_MAX 64 /* calls under way at once that one quirk can follow; more are let through unseen, and counted as missed */

/**
 * struct egpu_dma_quirk_state - a quirk and its probe.
 * @symbol:  "module:function"
 * @on:      acts; cleared in atomic context when the quirk gives up, while the probe stays until it is switched
 * @attached: @probe is registered; under @lock
 */
struct egpu_dma_quirk_state {
	struct egpu_dma *e;
	const struct egpu_dma_quirk *quirk;
	struct kretprobe probe;
	char symbol[MODULE_NAME_LEN + KSYM_NAME_LEN];
	bool on, attached;
	atomic64_t calls, changed;
	atomic_t anomalies;
};

/**
 * struct egpu_dma_quirks - all of them.
 * @lock:    attaching and detaching
 * @wishes:  of tasks inside a function that a quirk follows; no more than that many can be. Under @wish_lock
 * @wishing: how many
 */
struct egpu_dma_quirks {
	struct mutex lock;
	struct notifier_block notifier;
	raw_spinlock_t wish_lock;
	atomic_t wishing;
	struct {
		const struct task_struct *task;
		const struct egpu_dma_quirk_state *quirk;
		u8 log2;
	} wishes[QUIRKS * CALLS_MAX];
	struct egpu_dma_quirk_state state[QUIRKS];
};

/* ---- wishes ---- */

static void wish_add(struct egpu_dma_quirk_state *s, u8 log2)
{
	struct egpu_dma_quirks *q = s->e->quirks;
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&q->wish_lock, flags);
	for (i = 0; i < ARRAY_SIZE(q->wishes) && q->wishes[i].task; i++)
		;
	if (i < ARRAY_SIZE(q->wishes)) {
		q->wishes[i].task = current;
		q->wishes[i].quirk = s;
		q->wishes[i].log2 = log2;
		atomic_inc(&q->wishing);
	}
	raw_spin_unlock_irqrestore(&q->wish_lock, flags);
}

/* end what @task, or any task if it is NULL, wishes inside the function that @s follows */
static void wish_end(struct egpu_dma_quirk_state *s, const struct task_struct *task)
{
	struct egpu_dma_quirks *q = s->e->quirks;
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&q->wish_lock, flags);
	for (i = 0; i < ARRAY_SIZE(q->wishes); i++) {
		if (!q->wishes[i].task || q->wishes[i].quirk != s || (task && q->wishes[i].task != task))
			continue;
		q->wishes[i].task = NULL;
		atomic_dec(&q->wishing);
	}
	raw_spin_unlock_irqrestore(&q->wish_lock, flags);
}

u8 egpu_dma_quirk_wish_log2(struct egpu_dma *e)
{
	struct egpu_dma_quirks *q = e->quirks;
	unsigned long flags;
	unsigned int i;
	u8 log2 = 0;

	if (!atomic_read(&q->wishing) || !in_task())
		return 0;
	raw_spin_lock_irqsave(&q->wish_lock, flags);
	for (i = 0; i < ARRAY_SIZE(q->wishes) && log2 == 0; i++) {
		if (q->wishes[i].task == current)
			log2 = q->wishes[i].log2;
	}
	raw_spin_unlock_irqrestore(&q->wish_lock, flags);
	return log2;
}

/* ---- the probe ---- */

static void count_anomaly(struct egpu_dma_quirk_state *s)
{
	if (atomic_inc_return(&s->anomalies) != EGPU_DMA_QUIRK_ANOMALIES_MAX)
		return;
	WRITE_ONCE(s->on, false);
	pr_warn("egpu_dma: quirk %s switches itself off: %d calls of %s did not look as expected. This version of the driver is not known; to try again, echo on to debugfs\n",
		s->quirk->name, EGPU_DMA_QUIRK_ANOMALIES_MAX, s->symbol);
}

/* Return: 0 if the return is to be seen too */
static int on_entry(struct kretprobe_instance *call, struct pt_regs *regs)
{
	struct egpu_dma_quirk_state *s = container_of(get_kretprobe(call), struct egpu_dma_quirk_state, probe);
	u8 wish_log2 = 0;
	int did;

	if (!READ_ONCE(s->on))
		return 1;
	atomic64_inc(&s->calls);
	did = s->quirk->act(&s->e->cfg, regs, &wish_log2);
	if (did < 0)
		count_anomaly(s);
	else if (did > 0)
		atomic64_inc(&s->changed);
	if (wish_log2 == 0)
		return 1;
	wish_add(s, wish_log2);
	return 0;
}

static int on_return(struct kretprobe_instance *call, struct pt_regs *regs)
{
	struct egpu_dma_quirk_state *s = container_of(get_kretprobe(call), struct egpu_dma_quirk_state, probe);

	wish_end(s, current);
	return 0;
}

/* under @lock; Return: 0; -ENOENT the function is not there (yet); else why it cannot be probed */
static int attach(struct egpu_dma_quirk_state *s)
{
	int rc;

	if (s->attached)
		return 0;
	s->probe = (struct kretprobe){
		.kp.symbol_name = s->symbol, .entry_handler = on_entry, .handler = on_return, .maxactive = CALLS_MAX,
	};
	rc = register_kretprobe(&s->probe);
	s->attached = rc == 0;
	if (s->attached)
		pr_info("egpu_dma: quirk %s watches %s\n", s->quirk->name, s->symbol);
	else if (rc != -ENOENT)
		pr_warn("egpu_dma: quirk %s cannot watch %s (error %d)\n", s->quirk->name, s->symbol, rc);
	return rc;
}

/* under @lock */
static void detach(struct egpu_dma_quirk_state *s)
{
	if (!s->attached)
		return;
	unregister_kretprobe(&s->probe);
	/* of calls that were under way the return is not seen any more */
	wish_end(s, NULL);
	s->attached = false;
}

static int on_module(struct notifier_block *nb, unsigned long event, void *data)
{
	struct egpu_dma_quirks *q = container_of(nb, struct egpu_dma_quirks, notifier);
	const struct module *module = data;
	unsigned int i;

	if (event != MODULE_STATE_COMING && event != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	mutex_lock(&q->lock);
	for (i = 0; i < QUIRKS; i++) {
		struct egpu_dma_quirk_state *s = &q->state[i];

		if (strcmp(module->name, s->quirk->module))
			continue;
		if (event == MODULE_STATE_GOING)
			detach(s);
		else if (s->on && attach(s) == -ENOENT)
			pr_warn("egpu_dma: quirk %s: module %s has no function %s\n", s->quirk->name, s->quirk->module, s->quirk->symbol);
	}
	mutex_unlock(&q->lock);
	return NOTIFY_DONE;
}

/* ---- selection ---- */

/* Return: how many were meant */
static unsigned int select_word(struct egpu_dma_quirks *q, const char *word)
{
	bool on = word[0] != '-';
	const char *name = on ? word : word + 1;
	unsigned int i, n = 0;

	if (!strcmp(word, "none"))
		return 1;
	for (i = 0; i < QUIRKS; i++) {
		if (strcmp(word, "all") && strcmp(name, quirks[i]->name))
			continue;
		q->state[i].on = on;
		n++;
	}
	return n;
}

static int select_quirks(struct egpu_dma *e, const char *select)
{
	struct egpu_dma_quirks *q = e->quirks;
	char *copy = kstrdup(select, GFP_KERNEL), *rest = copy, *word;
	unsigned int i;
	int rc = copy ? 0 : -ENOMEM;

	for (i = 0; i < QUIRKS; i++)
		q->state[i].on = select[0] == '-';
	while (rc == 0 && (word = strsep(&rest, ","))) {
		if (select_word(q, word))
			continue;
		dev_err(&e->companion->dev, "quirks=%s: there is no quirk '%s'; give all, none, or names, with - before those to leave out\n", select,
			word);
		rc = -EINVAL;
	}
	kfree(copy);
	return rc;
}

/* ---- life ---- */

static struct egpu_dma_quirks *make_quirks(struct egpu_dma *e)
{
	struct egpu_dma_quirks *q = kzalloc(sizeof(*q), GFP_KERNEL);
	unsigned int i;

	if (!q)
		return NULL;
	mutex_init(&q->lock);
	raw_spin_lock_init(&q->wish_lock);
	q->notifier.notifier_call = on_module;
	for (i = 0; i < QUIRKS; i++) {
		struct egpu_dma_quirk_state *s = &q->state[i];

		s->e = e;
		s->quirk = quirks[i];
		snprintf(s->symbol, sizeof(s->symbol), "%s:%s", quirks[i]->module, quirks[i]->symbol);
	}
	return q;
}

int egpu_dma_quirks_start(struct egpu_dma *e, const char *select)
{
	unsigned int i;
	int rc;

	e->quirks = make_quirks(e);
	if (!e->quirks)
		return -ENOMEM;
	rc = select_quirks(e, select);
	if (rc == 0)
		rc = register_module_notifier(&e->quirks->notifier);
	if (rc) {
		kfree(e->quirks);
		e->quirks = NULL;
		return rc;
	}
	mutex_lock(&e->quirks->lock);
	for (i = 0; i < QUIRKS; i++) {
		if (e->quirks->state[i].on)
			attach(&e->quirks->state[i]);
	}
	mutex_unlock(&e->quirks->lock);
	return 0;
}

void egpu_dma_quirks_stop(struct egpu_dma *e)
{
	unsigned int i;

	if (!e->quirks)
		return;
	unregister_module_notifier(&e->quirks->notifier);
	for (i = 0; i < QUIRKS; i++)
		detach(&e->quirks->state[i]);
	kfree(e->quirks);
	e->quirks = NULL;
}

struct egpu_dma_quirk_state *egpu_dma_quirk_at(struct egpu_dma *e, unsigned int i)
{
	return i < QUIRKS ? &e->quirks->state[i] : NULL;
}

const char *egpu_dma_quirk_name(const struct egpu_dma_quirk_state *s)
{
	return s->quirk->name;
}

void egpu_dma_quirk_switch(struct egpu_dma_quirk_state *s, bool on)
{
	struct mutex *lock = &s->e->quirks->lock;

	mutex_lock(lock);
	WRITE_ONCE(s->on, on);
	if (on) {
		atomic_set(&s->anomalies, 0);
		attach(s);
	} else {
		detach(s);
	}
	mutex_unlock(lock);
}

void egpu_dma_quirk_show(struct egpu_dma_quirk_state *s, struct seq_file *file)
{
	struct mutex *lock = &s->e->quirks->lock;

	mutex_lock(lock);
	seq_printf(file, "%s attached=%d calls=%lld changed=%lld anomalies=%d missed=%d\n", READ_ONCE(s->on) ? "on" : "off", s->attached,
		   atomic64_read(&s->calls), atomic64_read(&s->changed), atomic_read(&s->anomalies), s->probe.nmissed);
	mutex_unlock(lock);
}
