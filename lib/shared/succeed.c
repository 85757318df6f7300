/*
 * Becoming the producer of a queue whose producer's process is gone. The successor makes its own
 * part one, as a copy of the old one, which nobody can write any more. Part two stays.
 *
 * Accesses without a remark are relaxed: the old producer wrote before the kernel reported that it
 * is gone, and no other process has the new part one yet.
 */
#include "calls.h"
#include "create.h"
#include "end.h"
#include "join.h"
#include "keep.h"
#include "life.h"
#include "memory.h"
#include "reap.h"
#include "run.h"

#include <errno.h>
#include <unistd.h>

/* Returns whether the process of a record lives. Sets *file to its pidfd, or to a negative number
 * if it does not live.
 */
static bool lives(const struct peer_record *record, int *file)
{
	pid_t process = (pid_t)atomic_load_explicit(&record->process, memory_order_relaxed);

	*file = life_open(process);
	if (*file < 0)
		return false;
	/* The pidfd is opened first, then the start time is compared: if it is the recorded one,
	 * the pidfd is that of the recorded process, and not of a later one with its id. */
	if (!life_is_over(*file, -1) &&
	    life_began(process) == atomic_load_explicit(&record->born, memory_order_relaxed))
		return true;
	close_if_open(file);
	return false;
}

/* Returns whether the old producer lives, from the descriptors that the admitting peer sent. */
static bool producer_is_there(const struct handle *old, const struct offer *offer)
{
	return atomic_load_explicit(&old->one->left, memory_order_relaxed) == 0 &&
	       !life_is_over(offer->files[4], offer->files[3]);
}

/* Claim the right to succeed, by storing this process's id in h->two->successor. Returns 0, or
 * -EBUSY if the id there is that of another process, which lives. Acquire and release, pairs with
 * the same accesses of another successor. */
static int be_the_only_one(struct handle *h)
{
	uint64_t before = atomic_load_explicit(&h->two->successor, memory_order_acquire);
	int file = before != 0 && before != (uint64_t)getpid() ? life_open((pid_t)before) : -1;
	bool is_alive = file >= 0 && !life_is_over(file, -1);

	close_if_open(&file);
	if (is_alive)
		return -EBUSY;
	return atomic_compare_exchange_strong_explicit(&h->two->successor, &before,
	                                               (uint64_t)getpid(), memory_order_acq_rel,
	                                               memory_order_relaxed)
	               ? 0
	               : -EBUSY;
}

/* Map what the admitting peer sent: the old part one into *old, part two into *h. */
static int map_old(struct handle *old, struct handle *h, struct offer *offer, struct shape *shape)
{
	int r;

	old->one_file = offer->files[0];
	r = memory_map_one(old, shape);
	if (r != 0)
		return r;
	h->layout = old->layout;
	h->two_file = offer->files[1];
	offer->files[1] = -1;
	r = memory_map_two(h);
	old->two = h->two;
	if (r == 0 && (shape->algorithm != 0) != (offer->key != NULL))
		r = -EPROTO;
	old->key = offer->key;
	return r;
}

/* Make a new key for the same algorithm. */
static int new_key(struct handle *h, const struct shape *shape)
{
	if (shape->algorithm == 0)
		return 0;
	return spmcq_key_create(&h->key, (enum spmcq_algorithm)shape->algorithm);
}

static uint64_t read_word(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

/* Returns whether the counters of the old part one are consistent. The peer that admits us could
 * have sent memory with false ones. */
static bool is_possible_state(const struct handle *h, uint64_t tail)
{
	const struct part_one *one = h->one;
	int64_t behind = position_distance(read_word(&one->kept_up_to), tail);
	int64_t put = position_distance(h->layout.first, tail);
	int64_t waiting = position_distance(word_position(read_word(&h->two->again_head)),
	                                    read_word(&one->again_tail) & POSITION_ONES);

	return put >= 0 && read_word(&one->settled) <= (uint64_t)put &&
	       read_word(&one->peers) <= h->layout.processes &&
	       read_word(&one->settle_peer) < h->layout.processes &&
	       (!h->redelivers || (behind >= 0 && (uint64_t)behind <= h->layout.mask + 1)) &&
	       waiting >= 0 && (uint64_t)waiting <= h->layout.again_mask + 1;
}

static int check_head(struct handle *h)
{
	/* Acquire, pairs with claim_items(). */
	uint64_t head = word_position(atomic_load_explicit(&h->two->head, memory_order_acquire));
	uint64_t tail = atomic_load_explicit(&h->one->tail, memory_order_relaxed);
	int64_t size = position_distance(head, tail);

	if (size < 0 || (uint64_t)size > h->layout.capacity || !is_possible_state(h, tail))
		return -EPROTO;
	h->tail = h->room_limit = tail;
	h->head_of_room = head;
	atomic_init(&h->head_seen[QUEUE], head);
	atomic_init(&h->tail_seen, head);
	return 0;
}

/* Seal with the new key all runs from a position up to tail that can be opened. The other runs stay
 * unchanged; consumers that get their items get -EBADMSG. */
static void reseal_slots(struct handle *h, const struct handle *old, uint64_t from)
{
	while (position_distance(from, h->tail) > 0) {
		uint64_t run_at, n;

		if (!run_find(old, from, &run_at, &n) ||
		    position_distance(run_at, h->tail) < (int64_t)n) {
			from = position_after(from, 1);
			continue;
		}
		run_read(old, run_at, n, old->run);
		if (run_open(old, old->run, run_at, n, 0, n, old->run) == 0)
			run_write(h, run_at, old->run, n);
		from = position_after(run_at, n);
	}
}

static void reseal_kept(struct handle *h, const struct handle *old)
{
	size_t item_size = h->layout.item_size, sealed = item_size + h->layout.tag_size;

	for (uint64_t i = 0; i < h->layout.kept; i++) {
		struct kept *kept = kept_at(h, i);
		uint64_t position = atomic_load_explicit(&kept->position, memory_order_relaxed);

		if (position == KEPT_NOTHING)
			continue;
		words_out(h->aside, kept_item(kept), sealed, kept_item(kept));
		if (run_open(old, h->aside, RUN_AGAIN | position, 1, 0, 1, h->aside) == 0 &&
		    spmcq_seal_items(h->key, RUN_AGAIN | position, h->aside, 1, item_size, h->aside,
		                     sealed) == (ssize_t)sealed)
			words_in(kept_item(kept), h->aside, sealed, kept_item(kept));
	}
}

static void reseal(struct handle *h, struct handle *old)
{
	uint64_t from = h->redelivers
	                        ? atomic_load_explicit(&h->one->kept_up_to, memory_order_relaxed)
	                        : h->head_of_room;

	old->run = h->spare_run;
	reseal_slots(h, old, from);
	reseal_kept(h, old);
	old->run = NULL;
}

/* Fill in h->peers from the records. Peers that live are expected to rejoin; the others are gone.
 */
static void find_peers(struct handle *h)
{
	for (uint32_t i = 0; i < h->layout.processes; i++) {
		const struct peer_record *record = record_of(h, i);
		struct my_peer *peer = &h->peers[i];
		uint64_t serial = atomic_load_explicit(&record->serial, memory_order_relaxed);

		h->next_serial = serial > h->next_serial ? serial : h->next_serial;
		if (atomic_load_explicit(&record->process, memory_order_relaxed) == 0)
			continue;
		peer->is_used = true;
		peer->id = (pid_t)atomic_load_explicit(&record->process, memory_order_relaxed);
		peer->serial = serial;
		peer->is_gone = !lives(record, &peer->process);
	}
}

/* Returns whether a place is free, or was that of a process that is gone and never used a seat.
 */
static bool can_have_place(const struct handle *h, uint32_t number)
{
	const struct my_peer *peer = &h->peers[number];

	return !peer->is_used || (peer->is_gone && read_word(&line_of(h, number)->seats) == 0);
}

/* Find a place for this process, and write its record. Returns 0 or -EUSERS. */
static int enter_self(struct handle *h)
{
	for (uint32_t i = 0; i < h->layout.processes; i++)
		if (can_have_place(h, i)) {
			peer_forget(&h->peers[i]);
			h->number = i;
			record_write(h, i, getpid());
			h->serial = h->next_serial;
			return 0;
		}
	return -EUSERS;
}

static int take_over(struct handle *h, struct handle *old, struct shape *shape,
                     const struct spmcq_shared_options *options)
{
	int r = new_key(h, shape);

	shape->generation++;
	if (r == 0)
		r = producer_prepare(h, options);
	if (r == 0)
		r = memory_make_one(h, shape);
	if (r != 0)
		return r;
	memcpy((unsigned char *)h->one + sizeof *shape, (unsigned char *)old->one + sizeof *shape,
	       h->layout.one_bytes - sizeof *shape);
	atomic_store_explicit(&h->one->left, 0, memory_order_relaxed);
	h->redelivers = shape->redeliver != 0;
	r = check_head(h);
	if (r != 0)
		return r;
	if (h->key != NULL)
		reseal(h, old);
	places_see(h);
	reap_settle_again(h);
	find_peers(h);
	r = enter_self(h);
	if (r == 0)
		r = seats_make(h);
	if (r == 0)
		begin_generation(h);
	return r;
}

static int succeed(struct handle *h, struct offer *offer,
                   const struct spmcq_shared_options *options)
{
	struct handle old = {.one_file = -1, .two_file = -1};
	struct shape shape;
	int r = map_old(&old, h, offer, &shape);

	if (r == 0 && producer_is_there(&old, offer))
		r = -EBUSY;
	if (r == 0)
		r = be_the_only_one(h);
	/* If the generations differ, a later producer has admitted a peer. */
	if (r == 0 &&
	    atomic_load_explicit(&h->two->generation, memory_order_seq_cst) != shape.generation)
		r = -EBUSY;
	if (r == 0)
		r = take_over(h, &old, &shape, options);
	memory_unmap_one(&old);
	/* The caller's arguments were good, so the old part one is invalid. */
	return r == -EINVAL ? -EPROTO : r;
}

int spmcq_shared_succeed(struct spmcq **q, int socket, const struct spmcq_shared_options *given)
{
	struct message hello = {.wish = TO_SUCCEED};
	struct spmcq_shared_options options = {0};
	struct handle *h;
	struct offer offer;
	struct talk talk;
	int r;

	if (q == NULL)
		return -EINVAL;
	if (given != NULL)
		options = *given;
	r = talk_begin(&talk, socket);
	if (r != 0)
		return r;
	h = handle_new();
	if (h == NULL)
		return -ENOMEM;
	r = offer_ask(&offer, &talk, &hello);
	if (r == 0) {
		r = succeed(h, &offer, &options);
		offer_answer(&talk, r);
	}
	offer_close(&offer);
	talk_end(&talk);
	if (r != 0) {
		handle_free(h);
		return r;
	}
	*q = (struct spmcq *)(void *)h;
	return 0;
}
