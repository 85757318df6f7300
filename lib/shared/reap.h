/*
 * Peers that are gone, and what they lost. Only in the producer's process, which alone has
 * descriptors of all peers.
 */
#ifndef SPMCQ_SHARED_REAP_H
#define SPMCQ_SHARED_REAP_H

#include "held.h"

/* An item, or items in a row, that a peer lost. */
struct lost_item {
	uint64_t position; /* of the first, or SPMCQ_POSITION_UNKNOWN */
	uint64_t items;
};

/* Look which peers are gone, and settle those that lost nothing. Returns whether there are others
 * that are gone. */
INTERNAL bool reap_finds_losses(struct handle *h);

/* As reap_finds_losses(), for a caller that has the lock. */
INTERNAL bool reap_gone(struct handle *h);

/* Do what remains to be done while `settling` is odd. A successor calls it, too, as its producer
 * may have been killed there. */
INTERNAL void reap_settle_again(struct handle *h);

/* Note that the seats of a place have taken nothing so far, before a new peer gets the place. */
INTERNAL void seats_begin(struct handle *h, uint64_t number);

INTERNAL void peer_forget(struct my_peer *peer);

#endif
