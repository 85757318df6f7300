/*
 * The queue between threads in the world of the model clients.
 */
#ifndef MODEL_H
#define MODEL_H

#include "world.h"

/* Few cells and no pauses, and a lead as soon as a consumer is alone: see lib/.
 * MODEL_PLAIN: with the plain cursor. */
#define SPMCQ_MODEL
#undef SPMCQ_LEAD_AFTER
#define SPMCQ_LEAD_AFTER 0
#ifndef MODEL_PLAIN
#define SPMCQ_LEAD
#endif
/* gcc warns where an unsigned value is compared with 0. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtype-limits"
#include "spmcq.c"
#pragma GCC diagnostic pop

/* How many threads sleep for ever on a gate. */
static inline unsigned model_asleep(const struct gate *gate)
{
	return model_asleep_on(&gate->epoch.value);
}

/* Makes the owner of the cell alone. The first call notes head, the second finds that it has not
 * moved. */
static inline void model_make_alone(struct cursor *cursor, struct cell *cell)
{
	for (int i = 0; i < 2; i++)
		cursor_note_take(cursor, cell, (struct claim){.at = cursor_head(cursor)}, 0);
}

#endif
