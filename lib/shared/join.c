/*
 * The joiner's side of admission: for a new consumer, for a consumer that goes over to a successor,
 * and for the first half of spmcq_shared_succeed().
 */
#include "join.h"

#include "calls.h"
#include "create.h"
#include "life.h"
#include "memory.h"
#include "message.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

INTERNAL void offer_close(struct offer *offer)
{
	for (int i = 0; i < DESCRIPTORS; i++)
		close_if_open(&offer->files[i]);
	spmcq_key_destroy(offer->key);
	offer->key = NULL;
}

static int take_key(struct offer *offer, struct message *message)
{
	if (message->key_size == 0)
		return 0;
	return message->key_size == SPMCQ_KEY_EXPORTED
	               ? spmcq_key_import(&offer->key, message->key, sizeof message->key)
	               : -EPROTO;
}

INTERNAL int offer_ask(struct offer *offer, struct talk *talk, struct message *hello)
{
	struct message message, here = {.kind = HERE};
	int r;

	*offer = (struct offer){.files = {-1, -1, -1, -1, -1}};
	hello->kind = HELLO;
	r = talk_say(talk, hello, NULL, 0);
	if (r == 0)
		r = talk_hear(talk, WHO, &message, NULL, 0);
	if (r == 0)
		r = talk_make_nonce(talk, here.nonce);
	if (r != 0)
		return r;
	memcpy(here.echo, message.nonce, NONCE);
	r = talk_say(talk, &here, NULL, 0);
	if (r == 0)
		r = talk_hear(talk, WELCOME, &message, offer->files, DESCRIPTORS);
	if (r == 0 && !talk_is_answer(talk, &message))
		r = -EPROTO;
	/* Descriptors of other kinds could block this process when it checks whether the producer
	 * is gone. */
	if (r == 0 && !(lifeline_is_sound(offer->files[2]) && lifeline_is_sound(offer->files[3]) &&
	                life_is_sound(offer->files[4])))
		r = -EPROTO;
	offer->number = message.number;
	offer->serial = message.serial;
	offer->from = talk->other.process;
	if (r == 0)
		r = take_key(offer, &message);
	spmcq_wipe(&message, sizeof message);
	return r;
}

INTERNAL void offer_answer(struct talk *talk, int result)
{
	struct message done = {.kind = DONE, .result = result};

	talk_say(talk, &done, NULL, 0);
}

static void move_file(int *to, int *from)
{
	close_if_open(to);
	*to = *from;
	*from = -1;
}

/* Move the descriptors and the key of an offer into the handle, in join and in rejoin. */
static void take_offer(struct handle *h, struct offer *offer)
{
	move_file(&h->one_file, &offer->files[0]);
	move_file(&h->lifeline, &offer->files[2]);
	move_file(&h->producer_lifeline, &offer->files[3]);
	move_file(&h->producer_process, &offer->files[4]);
	/* A process cannot check its own lock. */
	if (offer->from == getpid())
		close_if_open(&h->producer_lifeline);
	spmcq_key_destroy(h->key);
	h->key = offer->key;
	offer->key = NULL;
	h->number = offer->number;
	h->serial = offer->serial;
	/* Relaxed: no other call on the handle runs. */
	atomic_store_explicit(&h->producer_gone, false, memory_order_relaxed);
}

static int check_number(const struct handle *h, const struct shape *shape)
{
	return h->number < h->layout.processes && (shape->algorithm != 0) == (h->key != NULL)
	               ? 0
	               : -EPROTO;
}

/* Start tail_seen and head_seen at the current heads, so that no item is known yet. Returns 0, or
 * -EPROTO if a head is before the first position. Relaxed: the message orders the loads. Release,
 * pairs with lane_end(). */
static int begin_at_heads(struct handle *h)
{
	uint64_t head = atomic_load_explicit(&h->two->head, memory_order_relaxed);
	uint64_t again = atomic_load_explicit(&h->two->again_head, memory_order_relaxed);

	atomic_store_explicit(&h->tail_seen, word_position(head), memory_order_release);
	atomic_store_explicit(&h->head_seen[QUEUE], word_position(head), memory_order_relaxed);
	atomic_store_explicit(&h->head_seen[AGAIN], word_position(again), memory_order_relaxed);
	return position_distance(h->layout.first, word_position(head)) < 0 ||
	                       position_distance(0, word_position(again)) < 0
	               ? -EPROTO
	               : 0;
}

static int attach(struct handle *h, struct offer *offer)
{
	struct shape shape;
	int r;

	take_offer(h, offer);
	move_file(&h->two_file, &offer->files[1]);
	r = memory_map_one(h, &shape);
	if (r == 0)
		r = check_number(h, &shape);
	if (r == 0)
		r = memory_map_two(h);
	h->redelivers = shape.redeliver != 0;
	if (r == 0)
		r = lifeline_hold(h->lifeline);
	if (r == 0)
		r = begin_at_heads(h);
	if (r != 0)
		return r;
	h->interruptible = shape.interruptible != 0;
	return seats_make(h);
}

static int join_anew(struct spmcq **q, struct talk *talk, size_t item_size)
{
	struct message hello = {.wish = TO_CONSUME};
	struct offer offer;
	struct handle *h = handle_new();
	int r;

	if (h == NULL)
		return -ENOMEM;
	r = offer_ask(&offer, talk, &hello);
	if (r == 0) {
		r = attach(h, &offer);
		if (r == 0 && item_size != 0 && item_size != h->layout.item_size)
			r = -EMSGSIZE;
		offer_answer(talk, r);
	}
	offer_close(&offer);
	if (r != 0) {
		handle_free(h);
		return r;
	}
	*q = (struct spmcq *)(void *)h;
	return 0;
}

/* --- going over to a successor --- */

static bool is_same_file(int a, int b)
{
	struct stat one, two;

	return fstat(a, &one) == 0 && fstat(b, &two) == 0 && one.st_dev == two.st_dev &&
	       one.st_ino == two.st_ino;
}

/* Map the successor's part one in place of the old one. */
static int go_over(struct handle *h, struct offer *offer)
{
	struct handle new = {.one_file = offer->files[0]};
	struct shape shape, old = h->one->shape;
	int r = memory_map_one(&new, &shape);

	if (r != 0)
		return r;
	old.generation = shape.generation;
	if (memcmp(&old, &shape, sizeof old) != 0 || !is_same_file(offer->files[1], h->two_file) ||
	    offer->number != h->number || (shape.algorithm != 0) != (offer->key != NULL)) {
		memory_unmap(&new);
		return -EPROTO;
	}
	r = lifeline_hold(offer->files[2]);
	if (r == 0)
		r = begin_at_heads(h);
	if (r != 0) {
		memory_unmap(&new);
		return r;
	}
	memory_unmap_one(h);
	h->one = new.one;
	take_offer(h, offer);
	return 0;
}

static int return_to(struct handle *h, struct talk *talk)
{
	struct message hello = {.wish = TO_RETURN, .number = h->number, .serial = h->serial};
	struct offer offer;
	int r = handle_status(h);

	/* Acquire, pairs with leave(). */
	if (r == 0 && atomic_load_explicit(&h->inside, memory_order_acquire) != 0)
		r = -EBUSY;
	if (r != 0)
		return r;
	r = offer_ask(&offer, talk, &hello);
	if (r == 0) {
		r = go_over(h, &offer);
		offer_answer(talk, r);
	}
	offer_close(&offer);
	return r;
}

int spmcq_shared_join(struct spmcq **q, int socket, size_t item_size)
{
	struct talk talk;
	int r;

	if (q == NULL)
		return -EINVAL;
	r = talk_begin(&talk, socket);
	if (r != 0)
		return r;
	r = join_anew(q, &talk, item_size);
	talk_end(&talk);
	return r;
}

int spmcq_shared_rejoin(struct spmcq *q, int socket)
{
	struct handle *h = handle_of(q);
	struct talk talk;
	int r;

	if (q == NULL || !is_shared(h) || h->is_producer)
		return -EINVAL;
	r = talk_begin(&talk, socket);
	if (r != 0)
		return r;
	r = return_to(h, &talk);
	talk_end(&talk);
	return r;
}
