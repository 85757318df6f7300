/*
 * The messages of an admission are cut, changed, repeated, delayed, or sent with other descriptors.
 * Each end gets a clear error, or a queue that works, and no descriptor or process is left over.
 */
#define _GNU_SOURCE
#include "puppet.h"
#include "relay.h"

#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};

/* The producer's queue and the consumer, which try one admission after the other. */
static struct {
	struct spmcq *q;
	struct puppet consumer;
	size_t files; /* descriptors that are open in this process */
	long theirs;  /* descriptors that are open in the consumer's process */
	item_value number;
} ends;

struct results {
	long admit, join;
	double seconds;
};

static void begin(void)
{
	struct spmcq_shared_options options = {.processes = 2};

	ends.q = shared_at(3, &options);
	puppet_start(&ends.consumer);
	ends.files = open_files();
	ends.theirs = told(&ends.consumer, act_open_files, 0);
}

static bool is_clear(long result)
{
	return result == 0 || result == -EPROTO || result == -ECONNRESET || result == -ETIMEDOUT ||
	       result == -EACCES || result == -ENOTSUP;
}

/* The twist may have changed the request to that of a successor. */
static bool is_clear_to_producer(long result)
{
	return is_clear(result) || result == -EPERM || result == -EBUSY;
}

/* A consumer that joined gets an item, and leaves. */
static void use_and_leave(bool admitted)
{
	item_value number;

	if (admitted) {
		put_numbers(ends.q, ++ends.number, 1);
		RETURNS(0, told_until(&ends.consumer, act_get_until, 0, 5));
		CHECK(ends.consumer.call.items[0] == ends.number, "got %" PRI_ITEM,
		      ends.consumer.call.items[0]);
		RETURNS(0, told(&ends.consumer, act_task_done, 0));
	} else {
		/* The consumer joined, but admit failed here because its last message was lost. So
		 * each of its calls may return an error or an item. */
		told(&ends.consumer, act_try_get, 0);
		told(&ends.consumer, act_task_done, 0);
	}
	RETURNS(0, told(&ends.consumer, act_destroy, 0));
	while (spmcq_try_get(ends.q, &number) == 0)
		RETURNS(0, spmcq_task_done(ends.q));
}

static struct results try_with(int type, enum twist twist, enum way way, size_t at)
{
	struct results results;
	struct relay relay;
	double since = seconds_now();

	check_doing("type %d, twist %d, %s, at %zu", type, (int)twist,
	            way == TO_PRODUCER ? "to the producer" : "to the consumer", at);
	relay_start(&relay, type, twist, way, at);
	tell_with(&ends.consumer, act_join_queue, relay.consumer);
	close(relay.consumer);
	relay.consumer = -1;
	results.admit = spmcq_shared_admit(ends.q, relay.producer);
	results.join = answer(&ends.consumer);
	results.seconds = seconds_now() - since;
	relay_end(&relay);
	CHECK(is_clear_to_producer(results.admit), "admit: %ld", results.admit);
	CHECK(is_clear(results.join), "join: %ld", results.join);
	CHECK(results.seconds < 12, "it took %.1f s", results.seconds);
	if (results.join == 0)
		use_and_leave(results.admit == 0);
	RETURNS(ends.theirs, told(&ends.consumer, act_open_files, 0));
	return results;
}

static void finish(void)
{
	struct results results = try_with(SOCK_STREAM, TWIST_NONE, TO_CONSUMER, 0);
	struct spmcq_lost lost;

	CHECK(results.admit == 0 && results.join == 0, "admit: %ld, join: %ld", results.admit,
	      results.join);
	puppet_end(&ends.consumer);
	while (spmcq_shared_reap(ends.q, &lost, 1) > 0)
		;
	/* The puppet's control socket is closed. The descriptors for the last peer may still be
	 * open. */
	CHECK(open_files() <= ends.files - 1 + 2 * 2, "%zu descriptors are left",
	      open_files() - ends.files + 1);
	queue_free(ends.q);
}

static void an_admission_through_a_relay_works(void)
{
	static const enum twist harmless[] = {TWIST_NONE, TWIST_LATE};

	begin();
	for (size_t t = 0; t < 2; t++)
		for (unsigned i = 0; i < 4; i++) {
			struct results results = try_with(types[t], harmless[i / 2], i % 2, 0);

			CHECK(results.admit == 0 && results.join == 0, "admit: %ld, join: %ld",
			      results.admit, results.join);
		}
	for (unsigned way = 0; way < 2; way++) {
		struct results results = try_with(SOCK_STREAM, TWIST_BYTES, way, 0);

		CHECK(results.admit == 0 && results.join == 0, "admit: %ld, join: %ld",
		      results.admit, results.join);
	}
	finish();
}

enum { WORKERS = 8 };

/* Applies the twist at each byte, in each direction and for each type of socket; the workers share
 * the bytes. */
static void at_each_byte(unsigned worker, enum twist twist,
                         void (*check)(struct results results, enum way way))
{
	begin();
	for (unsigned i = 0; i < 4; i++) {
		enum way way = i % 2;
		struct said said;

		try_with(types[i / 2], TWIST_NONE, way, 0);
		said = relay_said();
		if (worker == 0)
			printf("# %zu bytes %s\n", said.bytes[way],
			       way == TO_PRODUCER ? "to the producer" : "to the consumer");
		CHECK(said.bytes[way] > 0, "no byte was passed on");
		for (size_t at = worker; at < said.bytes[way]; at += WORKERS)
			check(try_with(types[i / 2], twist, way, at), way);
	}
	finish();
}

/* The end that did not get all bytes returns an error at once. */
static void check_cut(struct results results, enum way way)
{
	CHECK((way == TO_PRODUCER ? results.admit : results.join) < 0, "admit: %ld, join: %ld",
	      results.admit, results.join);
	CHECK(results.admit != -ETIMEDOUT && results.join != -ETIMEDOUT && results.seconds < 2,
	      "the other end closed; admit: %ld, join: %ld, after %.1f s", results.admit,
	      results.join, results.seconds);
}

static void cut_everywhere(unsigned worker)
{
	at_each_byte(worker, TWIST_CUT, check_cut);
}

static void a_socket_may_be_closed_at_every_byte(void)
{
	in_parallel(WORKERS, cut_everywhere);
}

static _Atomic unsigned *unnoticed;

static void check_flip(struct results results, enum way way)
{
	if ((way == TO_PRODUCER ? results.admit : results.join) == 0)
		atomic_fetch_add(unnoticed, 1);
}

static void flip_everywhere(unsigned worker)
{
	at_each_byte(worker, TWIST_FLIP, check_flip);
}

static void each_byte_may_be_changed(void)
{
	unnoticed = common_memory(sizeof(*unnoticed));
	in_parallel(WORKERS, flip_everywhere);
	printf("# %u changed bytes were of no consequence\n", *unnoticed);
}

static void messages_may_be_shorter_longer_or_come_twice(void)
{
	static const enum twist twists[] = {TWIST_SHORT, TWIST_LONG, TWIST_TWICE};

	begin();
	for (size_t i = 0; i < COUNT_OF(twists); i++)
		for (unsigned way = 0; way < 2; way++) {
			struct results results = try_with(SOCK_SEQPACKET, twists[i], way, 0);

			if (twists[i] != TWIST_TWICE)
				CHECK((way == TO_PRODUCER ? results.admit : results.join) < 0,
				      "twist %d: admit: %ld, join: %ld", (int)twists[i],
				      results.admit, results.join);
			if (twists[i] != TWIST_SHORT)
				try_with(SOCK_STREAM, twists[i], way, 0);
		}
	finish();
}

static void additional_descriptors_may_be_sent(void)
{
	static const size_t numbers[] = {1, 2, 7, 100, 253};

	begin();
	for (size_t i = 0; i < COUNT_OF(numbers) * 4; i++)
		try_with(types[i % 2], TWIST_FILES, i / 2 % 2, numbers[i / 4]);
	finish();
}

/* A consumer must not map a memfd that another process could make smaller, or one of another size
 * than the producer says. */
static void other_descriptors_are_refused(void)
{
	static const struct {
		enum twist twist;
		size_t at;
	} bad[] = {{TWIST_NO_FILES, 0}, {TWIST_REVERSED, 0}, {TWIST_NULLS, 0}, {TWIST_UNSEALED, 0},
	           {TWIST_SMALL, 0},    {TWIST_SMALL, 1},    {TWIST_EMPTY, 0}};

	begin();
	for (size_t i = 0; i < COUNT_OF(bad) * 2; i++) {
		struct results results =
		        try_with(types[i % 2], bad[i / 2].twist, TO_CONSUMER, bad[i / 2].at);

		CHECK(results.join < 0, "twist %d: join: %ld", (int)bad[i / 2].twist, results.join);
	}
	finish();
}

/* ends that send nothing */

static void wait_for_nobody(unsigned worker)
{
	int type = types[worker % 2], pair[2];
	double since = seconds_now();
	struct spmcq *q = shared_of(3), *none = NULL;
	int result;

	socket_pair(type, pair);
	check_doing("worker %u", worker);
	if (worker < 2)
		result = spmcq_shared_admit(q, pair[0]);
	else if (worker < 4)
		result = spmcq_shared_join(&none, pair[0], 0);
	else
		result = spmcq_shared_succeed(&none, pair[0], NULL);
	RETURNS(-ETIMEDOUT, result);
	since = seconds_now() - since;
	CHECK(since > 4.8 && since < 6, "after %.1f s", since);
	queue_free(q);
}

/* The relay reads nothing, so there is no room for an answer. */
static void wait_for_room(unsigned worker)
{
	struct relay relay;
	double since = seconds_now();
	char byte[1000] = "";

	begin();
	relay_start(&relay, types[worker % 2], TWIST_NONE, TO_CONSUMER, 0);
	kill(relay.process, SIGSTOP);
	while (send(relay.producer, byte, sizeof(byte), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	CHECK(spmcq_shared_admit(ends.q, relay.producer) < 0,
	      "admit returned 0 to a relay that does not answer");
	since = seconds_now() - since;
	CHECK(since < 6, "after %.1f s", since);
	relay_end(&relay);
	finish();
}

/* Parts of the messages come, but not all, or too late. */
static void wait_for_the_rest(unsigned worker)
{
	enum twist twist = worker / 4 % 2 ? TWIST_DRIP : TWIST_HALF_CUT;
	enum way way = worker % 2;
	int type = twist == TWIST_DRIP ? SOCK_STREAM : types[worker / 2 % 2];
	struct results results;

	begin();
	results =
	        try_with(twist == TWIST_DRIP ? SOCK_STREAM : types[worker / 2 % 2], twist, way, 7);
	CHECK((way == TO_PRODUCER ? results.admit : results.join) < 0, "admit: %ld, join: %ld",
	      results.admit, results.join);
	CHECK(results.seconds < 11, "after %.1f s", results.seconds);
	/* On SOCK_SEQPACKET, a message that is too short is an error at once. */
	if (way == TO_PRODUCER)
		RETURNS(type == SOCK_STREAM ? -ETIMEDOUT : -EPROTO, results.admit);
	finish();
}

static void wait_in_vain(unsigned worker)
{
	if (worker < 6)
		wait_for_nobody(worker);
	else if (worker < 8)
		wait_for_room(worker);
	else
		wait_for_the_rest(worker);
}

static void admit_and_join_wait_five_seconds_at_most(void)
{
	in_parallel(16, wait_in_vain);
}

int main(void)
{
	RUN(an_admission_through_a_relay_works);
	RUN(a_socket_may_be_closed_at_every_byte);
	RUN(each_byte_may_be_changed);
	RUN(messages_may_be_shorter_longer_or_come_twice);
	RUN(additional_descriptors_may_be_sent);
	RUN(other_descriptors_are_refused);
	RUN(admit_and_join_wait_five_seconds_at_most);
	return check_finish();
}
