/*
 * The admitter's side of admission.
 *
 * Relaxed accesses are to records, which only this process writes, under the lock.
 */
#include "calls.h"
#include "create.h"
#include "life.h"
#include "message.h"
#include "reap.h"

#include <errno.h>
#include <unistd.h>

static bool may_in(const struct handle *h, const struct spmcq_peer *peer)
{
	if (h->is_producer && h->options.allow != NULL)
		return h->options.allow(peer, h->options.argument);
	return peer->user == geteuid();
}

/* Find a free place, after settling the peers that are gone and have no losses to name. Returns
 * -EUSERS if too many peers live, or if only one place is free, which a successor needs. */
static int free_place(struct handle *h)
{
	uint32_t number = 0, n_free = 0, living = 0;

	settle_gone(h);
	for (uint32_t i = h->layout.processes; i-- > 0;) {
		if (i == h->number)
			continue;
		living += h->peers[i].is_used && !h->peers[i].is_gone;
		if (!h->peers[i].is_used) {
			number = i;
			n_free++;
		}
	}
	return living < (h->layout.processes - 2) / 2 && n_free > 1 ? (int)number : -EUSERS;
}

/* Find the place of a peer that rejoins. Returns the place, or -EACCES. */
static int old_place(struct handle *h, const struct message *hello, pid_t process)
{
	struct peer_record *record = record_of(h, hello->number);

	if (hello->number >= h->layout.processes || hello->number == h->number ||
	    !h->peers[hello->number].is_used || h->peers[hello->number].is_gone)
		return -EACCES;
	if (atomic_load_explicit(&record->process, memory_order_relaxed) != (uint64_t)process ||
	    atomic_load_explicit(&record->serial, memory_order_relaxed) != hello->serial ||
	    atomic_load_explicit(&record->born, memory_order_relaxed) != life_began(process))
		return -EACCES;
	return (int)hello->number;
}

/* What identifies a peer: its place may be another peer's later, but then with another serial. */
struct place {
	uint32_t number;
	uint64_t serial;
};

/* Give the joiner a place. Returns 0 or -errno. */
static int give_place(struct handle *h, struct talk *talk, const struct message *hello,
                      struct place *place)
{
	struct my_peer *peer;
	int number;

	number =
	        hello->wish == TO_RETURN ? old_place(h, hello, talk->other.process) : free_place(h);
	if (number < 0)
		return number;
	peer = &h->peers[number];
	if (hello->wish != TO_RETURN)
		record_write(h, (uint32_t)number, talk->other.process);
	close_if_open(&peer->process);
	close_if_open(&peer->lifeline);
	peer->is_used = true;
	peer->process = talk->life;
	peer->id = talk->other.process;
	peer->serial =
	        atomic_load_explicit(&record_of(h, (uint32_t)number)->serial, memory_order_relaxed);
	talk->life = -1;
	*place = (struct place){(uint32_t)number, peer->serial};
	return 0;
}

/* Write the key, if there is one, into a message. */
static int add_key(const struct handle *h, struct message *message)
{
	if (h->key == NULL)
		return 0;
	message->key_size = SPMCQ_KEY_EXPORTED;
	return spmcq_key_export(h->key, message->key, sizeof message->key);
}

/* Send the memory and the key, and receive whether the joiner could use them. *is_declined becomes
 * true if it could not. */
static int welcome(struct handle *h, struct talk *talk, const struct message *here,
                   const struct place *place, int lifeline, bool *is_declined)
{
	const int files[DESCRIPTORS] = {h->one_file, h->two_file, lifeline,
	                                h->is_producer ? h->lifeline : h->producer_lifeline,
	                                h->is_producer ? h->self : h->producer_process};
	struct message message = {
	        .kind = WELCOME, .number = place->number, .serial = place->serial};
	int r = add_key(h, &message);

	memcpy(message.echo, here->nonce, NONCE);
	if (r == 0)
		r = talk_say(talk, &message, files, DESCRIPTORS);
	spmcq_wipe(&message, sizeof message);
	if (r == 0)
		r = talk_hear(talk, DONE, &message, NULL, 0);
	if (r != 0 || message.result == 0)
		return r;
	*is_declined = true;
	return message.result < 0 && message.result > -4096 ? message.result : -EPROTO;
}

/* Open a pidfd for the joiner, and make sure that it belongs to the process at the other end. */
static int ask_who(struct talk *talk, struct message *here)
{
	struct message who = {.kind = WHO};
	int r = talk_remember(talk);

	if (r == 0)
		r = talk_make_nonce(talk, who.nonce);
	if (r == 0)
		r = talk_say(talk, &who, NULL, 0);
	if (r == 0)
		r = talk_hear(talk, HERE, here, NULL, 0);
	if (r == 0 && !talk_is_answer(talk, here))
		r = -EPROTO;
	return r;
}

/* Store the descriptor of the lifeline that a peer has locked. If the peer was settled meanwhile,
 * so that its place is free or another peer's, close the descriptor. */
static void store_lifeline(struct handle *h, const struct place *place, int lifeline)
{
	struct my_peer *peer = &h->peers[place->number];

	pthread_mutex_lock(&h->lock);
	if (peer->is_used && peer->serial == place->serial && peer->lifeline < 0) {
		peer->lifeline = lifeline;
		lifeline = -1;
	}
	pthread_mutex_unlock(&h->lock);
	close_if_open(&lifeline);
}

/* Mark a peer as gone, because it answered in DONE that it could not use the memory or the key. */
static void take_place_back(struct handle *h, const struct place *place)
{
	struct my_peer *peer = &h->peers[place->number];

	pthread_mutex_lock(&h->lock);
	if (peer->is_used && peer->serial == place->serial)
		peer->is_gone = true;
	pthread_mutex_unlock(&h->lock);
}

static int admit_to(struct handle *h, struct talk *talk, const struct message *here,
                    const struct place *place)
{
	int lifeline = lifeline_make();
	bool is_declined = false;
	int r = lifeline < 0 ? lifeline : 0;

	if (r == 0)
		r = welcome(h, talk, here, place, lifeline, &is_declined);
	if (is_declined)
		take_place_back(h, place);
	if (r == 0 && talk->other.process != getpid())
		store_lifeline(h, place, lifeline);
	else
		close_if_open(&lifeline);
	return r;
}

static int admit_peer(struct handle *h, struct talk *talk, const struct message *hello,
                      const struct message *here)
{
	struct place place;
	int r;

	pthread_mutex_lock(&h->lock);
	r = give_place(h, talk, hello, &place);
	pthread_mutex_unlock(&h->lock);
	if (r == 0)
		r = admit_to(h, talk, here, &place);
	if (r == 0)
		/* Sequentially consistent, pairs with map_old(): from now on a successor has to
		 * start from this producer's part one, not from an older one. */
		atomic_store_explicit(&h->two->generation, h->one->shape.generation,
		                      memory_order_seq_cst);
	return r;
}

/* Send a successor what this peer has. The successor gets no place. Where a joiner is sent its own
 * lifeline, the successor is sent the old producer's. */
static int admit_successor(struct handle *h, struct talk *talk, const struct message *here)
{
	const struct place none = {0, 0};
	bool is_declined = false;

	return welcome(h, talk, here, &none, h->producer_lifeline, &is_declined);
}

static bool is_welcome_here(struct handle *h, const struct message *hello)
{
	if (hello->wish == TO_SUCCEED)
		return !h->is_producer && producer_is_gone(h);
	return h->is_producer && (hello->wish == TO_CONSUME || hello->wish == TO_RETURN);
}

/* Returns the error that the other side is told. */
static int what_to_say(int r)
{
	return r == -EUSERS || r == -EBUSY ? r : -EACCES;
}

static int admit(struct handle *h, struct talk *talk)
{
	struct message hello = {0}, here = {0};
	int r = talk_hear(talk, HELLO, &hello, NULL, 0);

	if (r != 0)
		return r;
	/* The kernel gives 0 as the id of a process in a pid namespace that this process cannot
	 * see. */
	if (!is_welcome_here(h, &hello))
		r = hello.wish == TO_SUCCEED ? -EBUSY : -EPERM;
	else if (talk->other.process <= 0)
		r = -EACCES;
	if (r == 0)
		r = ask_who(talk, &here);
	/* Only after ask_who() is it certain which process asks. */
	if (r == 0 && !may_in(h, &talk->other))
		r = -EACCES;
	if (r == 0)
		r = hello.wish == TO_SUCCEED ? admit_successor(h, talk, &here)
		                             : admit_peer(h, talk, &hello, &here);
	return r;
}

int spmcq_shared_admit(struct spmcq *q, int socket)
{
	struct handle *h = handle_of(q);
	struct talk talk;
	int r;

	if (q == NULL || !is_shared(h))
		return -EINVAL;
	r = handle_status(h);
	if (r == 0 && !h->is_producer && !producer_is_gone(h))
		r = -EPERM;
	if (r == 0)
		r = talk_begin(&talk, socket);
	if (r != 0)
		return r;
	enter(h);
	r = admit(h, &talk);
	if (r != 0 && r != -ECONNRESET && r != -ETIMEDOUT) {
		struct message refused = {.kind = REFUSED, .result = what_to_say(r)};

		talk_say(&talk, &refused, NULL, 0);
	}
	talk_end(&talk);
	leave(h);
	return r;
}
