/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * measured.h - what a live run did, from its own mapping events, in the terms of a replayed policy.
 */
#ifndef EGPU_REPLAY_MEASURED_H
#define EGPU_REPLAY_MEASURED_H

#include "replay/batch.h"
#include "replay/slots.h"
#include "replay/row.h"
#include "replay/series.h"

/**
 * struct measured - the account.
 * @mappings: live at the host, by IOVA
 * @events:   mapping events seen; 0 means that there was no live run
 */
struct measured {
	struct row row;
	struct series series;
	struct slots mappings;
	u64 events;
};

int measured_init(struct measured *m); /* Return: 0 or -ENOMEM */
void measured_destroy(struct measured *m);

/** measured_mapping() - a TRACE_MAP or TRACE_UNMAP event; @requests is what is live now. Return: 0, -ENOMEM, -E2BIG. */
int measured_mapping(struct measured *m, const struct trace_event *event, const struct slots *requests);

/** measured_batch() - requests as they were recorded; @requests is what is live after them. */
void measured_batch(struct measured *m, const struct batch *batch, const struct slots *requests, const char *phase);

#endif
