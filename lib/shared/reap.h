/*
 * Peers that are gone: what they lost. Only in the producer's process, which alone has descriptors
 * of all of them.
 */
#ifndef SPMCQ_SHARED_REAP_H
#define SPMCQ_SHARED_REAP_H

#include "held.h"

/* An item, or a run of items, that a peer lost. */
struct lost_item {
	uint64_t position; /* SPMCQ_POSITION_UNKNOWN: not known */
	uint64_t items;
};

/* Look who is gone, and forget those that lost nothing. Returns whether others did, and are not
 * settled. */
INTERNAL bool reap_finds_losses(struct handle *h);

/* The same, under the lock, for the place of a new peer. */
INTERNAL bool reap_gone(struct handle *h);

/* A successor goes on where the producer was killed while it settled a peer. */
INTERNAL void reap_settle_again(struct handle *h);

/* The seats of a place that somebody is to get have taken nothing up to now. */
INTERNAL void seats_begin(struct handle *h, uint64_t number);

INTERNAL void peer_forget(struct my_peer *peer);

#endif
