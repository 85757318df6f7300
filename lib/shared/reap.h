/*
 * Finds peers that are gone, and what they lost, and settles them. Only the producer's process does
 * so, as it alone has the descriptors of all peers.
 */
#ifndef SPMCQ_SHARED_REAP_H
#define SPMCQ_SHARED_REAP_H

#include "held.h"

/* Items that a peer lost, at successive positions. */
struct lost_item {
	uint64_t position; /* of the first, or SPMCQ_POSITION_UNKNOWN */
	uint64_t items;
};

/* Check which peers are gone, and settle those that have no losses to name. Returns whether a peer
 * that is gone has losses which are not named yet, or memory was short. */
INTERNAL bool reap_finds_losses(struct handle *h);

/* The same as reap_finds_losses(), for a caller that has locked h->lock. */
INTERNAL bool settle_gone(struct handle *h);

/* If `settling` is odd, complete the settlement. A successor calls this function because the former
 * producer may have been killed in a settlement. */
INTERNAL void reap_settle_again(struct handle *h);

/* Clear the seats and counters of a place before a new peer gets the place. */
INTERNAL void seats_begin(struct handle *h, uint64_t number);

INTERNAL void peer_forget(struct my_peer *peer);

#endif
