/*
 * Sealed items: what the server stores, and what happens if it changes items.
 */
#include "server.h"

#include "support/check.h"

#include <errno.h>
#include <nats/nats.h>
#include <spmcq_remote.h>
#include <spmcq_seal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEM = 48, CAPACITY = 100, PACKED = 4 };

/* A text in every item, for which the tests search the server's files. */
#define MARK "these are the plain bytes of an item"

static struct server server;

static struct spmcq_key *made_key(void)
{
	struct spmcq_key *key = NULL;
	int error = spmcq_key_create(&key, SPMCQ_ALGORITHM_AUTO);

	if (error == -ENOTSUP)
		check_skip("no sealing in this build");
	RETURNS(0, error);
	return key;
}

static int try_open_packed(struct spmcq_remote **q, const char *name, const struct spmcq_key *key,
                           unsigned items_per_message)
{
	struct spmcq_remote_options options = {
	        .max_deliveries = 3, .ack_wait_ms = 1000, .items_per_message = items_per_message};

	if (key)
		RETURNS(0, spmcq_remote_seal(&options, key));
	return spmcq_remote_open(q, server.url, name, CAPACITY, ITEM, &options);
}

static int try_open(struct spmcq_remote **q, const char *name, const struct spmcq_key *key)
{
	return try_open_packed(q, name, key, 1);
}

static struct spmcq_remote *opened(const char *name, const struct spmcq_key *key)
{
	struct spmcq_remote *q = NULL;

	RETURNS(0, try_open(&q, name, key));
	return q;
}

static void fill(char *item, int number)
{
	memset(item, 0, ITEM);
	snprintf(item, ITEM, MARK " %d", number);
}

static void put_numbers(struct spmcq_remote *q, int first, int n)
{
	char items[CAPACITY][ITEM];

	for (int i = 0; i < n; i++)
		fill(items[i], first + i);
	RETURNS(n, spmcq_remote_put_many(q, items, (size_t)n));
}

static void check_item(const char *item, int number)
{
	char wanted[ITEM];

	fill(wanted, number);
	CHECK(memcmp(wanted, item, ITEM) == 0, "got \"%.*s\", not \"%s\"", ITEM, item, wanted);
}

static void get_number(struct spmcq_remote *q, int number)
{
	char item[ITEM] = "";

	RETURNS(0, spmcq_remote_get(q, item));
	check_item(item, number);
	RETURNS(0, spmcq_remote_task_done(q));
}

static bool server_has(const char *text)
{
	char command[2 * PATH_LENGTH + 64];

	snprintf(command, sizeof(command), "grep -rqaF '%s' '%s'", text, server.directory);
	return system(command) == 0;
}

/* Makes a copy of the key, as another machine would have it. */
static struct spmcq_key *copy_of(const struct spmcq_key *key)
{
	char bytes[SPMCQ_KEY_EXPORTED];
	struct spmcq_key *copy = NULL;

	RETURNS(0, spmcq_key_export(key, bytes, sizeof(bytes)));
	RETURNS(0, spmcq_key_import(&copy, bytes, sizeof(bytes)));
	return copy;
}

static void items_travel_sealed(void)
{
	struct spmcq_key *key = made_key(), *copy = copy_of(key);
	struct spmcq_remote *q, *other, *plain;
	char items[CAPACITY][ITEM];

	server_start(&server, "");
	q = opened("sealed", key);
	other = opened("sealed", copy);
	put_numbers(q, 0, CAPACITY);
	RETURNS(-EAGAIN, spmcq_remote_try_put(q, items[0]));
	RETURNS(CAPACITY, spmcq_remote_get_many(other, items, CAPACITY));
	for (int i = 0; i < CAPACITY; i++)
		check_item(items[i], i);
	RETURNS(0, spmcq_remote_task_done_many(other, CAPACITY - 1));
	RETURNS(1, spmcq_remote_unfinished(q));
	RETURNS(0, spmcq_remote_task_done(other));
	RETURNS(0, spmcq_remote_join(q));
	CHECK(!server_has(MARK), "the server stores plain text");
	/* This shows that the search finds the text if it is there. */
	plain = opened("plain", NULL);
	put_numbers(plain, 0, 1);
	CHECK(server_has(MARK), "the search does not find unsealed items");
	RETURNS(0, spmcq_remote_close(plain));
	RETURNS(0, spmcq_remote_close(other));
	RETURNS(0, spmcq_remote_close(q));
	spmcq_key_destroy(copy);
	spmcq_key_destroy(key);
}

static void handles_with_another_key_or_none_are_refused(void)
{
	struct spmcq_key *key = made_key(), *stranger = made_key();
	struct spmcq_remote_options options = {.key = key};
	struct spmcq_remote *q, *plain, *none = NULL;

	server_start(&server, "");
	RETURNS(-EINVAL, spmcq_remote_seal(NULL, key));
	RETURNS(-EINVAL, spmcq_remote_seal(&options, NULL));
	RETURNS(-EINVAL, spmcq_remote_open(&none, server.url, "sealed", CAPACITY, ITEM, &options));
	q = opened("sealed", key);
	RETURNS(-EEXIST, try_open(&none, "sealed", NULL));
	RETURNS(-EEXIST, try_open(&none, "sealed", stranger));
	plain = opened("plain", NULL);
	RETURNS(-EEXIST, try_open(&none, "plain", key));
	CHECK(!none, "an open that failed returned a queue");
	RETURNS(0, spmcq_remote_close(plain));
	RETURNS(0, spmcq_remote_close(q));
	spmcq_key_destroy(stranger);
	spmcq_key_destroy(key);
}

/* Producers one after the other, also after a refused put. A consumer opens the items of each. */
static void each_producer_seals_with_a_key_of_its_own(void)
{
	struct spmcq_key *key = made_key();
	struct spmcq_remote *consumer;
	char item[ITEM];

	server_start(&server, "");
	consumer = opened("sealed", key);
	for (int life = 0; life < 6; life++) { /* more than a consumer keeps keys of producers */
		struct spmcq_remote *q = opened("sealed", key);

		put_numbers(q, life * CAPACITY, CAPACITY);
		fill(item, -1);
		RETURNS(-EAGAIN, spmcq_remote_try_put(q, item));
		get_number(consumer, life * CAPACITY);
		fill(item, -2);
		RETURNS(0, spmcq_remote_put(q, item));
		for (int i = 1; i < CAPACITY; i++)
			get_number(consumer, life * CAPACITY + i);
		get_number(consumer, -2);
		RETURNS(0, spmcq_remote_join(q));
		RETURNS(0, spmcq_remote_close(q));
	}
	RETURNS(0, spmcq_remote_close(consumer));
	spmcq_key_destroy(key);
}

/* An attacker who owns the server: has a connection of its own, and may read and write
 * everything. */
struct intruder {
	natsConnection *nats;
	jsCtx *js;
};

static void intruder_begin(struct intruder *intruder)
{
	RETURNS(NATS_OK, natsConnection_ConnectTo(&intruder->nats, server.url));
	RETURNS(NATS_OK, natsConnection_JetStream(&intruder->js, intruder->nats, NULL));
}

static void intruder_end(struct intruder *intruder)
{
	jsCtx_Destroy(intruder->js);
	natsConnection_Destroy(intruder->nats);
}

/* Returns the bytes of the message at a position. The caller frees them. */
static char *steal(struct intruder *intruder, const char *stream, uint64_t position, int *size)
{
	natsMsg *message = NULL;
	char *bytes;

	RETURNS(NATS_OK, js_GetMsg(&message, intruder->js, stream, position, NULL, NULL));
	*size = natsMsg_GetDataLength(message);
	bytes = malloc((size_t)*size + 1);
	memcpy(bytes, natsMsg_GetData(message), (size_t)*size);
	natsMsg_Destroy(message);
	return bytes;
}

static void plant(struct intruder *intruder, const char *subject, const char *bytes, int size)
{
	RETURNS(NATS_OK, js_Publish(NULL, intruder->js, subject, bytes, size, NULL, NULL));
}

static void check_set_aside(struct spmcq_remote *q, uint64_t n)
{
	struct spmcq_remote_stats stats;

	RETURNS(0, spmcq_remote_stats(q, &stats));
	COUNTS(n, stats.set_aside);
}

/* Changes one byte after the other, in steps of nine, so that each part of a sealed item is hit. */
static void changed_items_do_not_open_and_others_do(void)
{
	struct spmcq_key *key = made_key();
	struct intruder intruder;
	struct spmcq_remote *q;
	uint64_t changed = 0;
	char item[ITEM];
	int size;

	server_start(&server, "");
	q = opened("sealed", key);
	intruder_begin(&intruder);
	put_numbers(q, 0, 1);
	/* From here on the consumer has the key of the producer's session (see
	 * lib/remote/sealing.c). */
	get_number(q, 0);
	put_numbers(q, 1, 1);
	for (int at = 0; at < ITEM + 216; at += 9, changed++) {
		char *bytes = steal(&intruder, "spmcq-sealed", 2, &size);

		check_doing("byte %d of %d", at, size);
		bytes[at] ^= 1;
		plant(&intruder, "spmcq.sealed.item", bytes, size);
		free(bytes);
	}
	get_number(q, 1);
	for (uint64_t i = 0; i < changed; i++) {
		memset(item, 'u', sizeof(item));
		RETURNS(-EBADMSG, spmcq_remote_get(q, item));
		CHECK(item[0] == 'u' && item[ITEM - 1] == 'u',
		      "a get that failed wrote to the item");
	}
	check_set_aside(q, changed);
	plant(&intruder, "spmcq.sealed.item", "short", 5);
	RETURNS(-EBADMSG, spmcq_remote_get(q, item));
	RETURNS(0, spmcq_remote_join(q));
	intruder_end(&intruder);
	RETURNS(0, spmcq_remote_close(q));
	spmcq_key_destroy(key);
}

static void moved_items_do_not_open(void)
{
	struct spmcq_key *key = made_key();
	struct spmcq_remote *q, *other;
	struct intruder intruder;
	char item[ITEM], *bytes;
	int size;

	server_start(&server, "");
	q = opened("sealed", key);
	other = opened("other", key);
	intruder_begin(&intruder);
	put_numbers(q, 0, 2);
	bytes = steal(&intruder, "spmcq-sealed", 2, &size);
	/* In the same queue, at another position. */
	plant(&intruder, "spmcq.sealed.item", bytes, size);
	plant(&intruder, "spmcq.other.item", bytes, size);
	/* In another queue, at the same position. */
	plant(&intruder, "spmcq.other.item", bytes, size);
	free(bytes);
	get_number(q, 0);
	get_number(q, 1);
	RETURNS(-EBADMSG, spmcq_remote_get(q, item));
	RETURNS(-EBADMSG, spmcq_remote_get(other, item));
	RETURNS(-EBADMSG, spmcq_remote_get(other, item));
	RETURNS(-EAGAIN, spmcq_remote_try_get(other, item));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_join(other));
	check_set_aside(q, 1);
	check_set_aside(other, 2);
	intruder_end(&intruder);
	RETURNS(0, spmcq_remote_close(other));
	RETURNS(0, spmcq_remote_close(q));
	spmcq_key_destroy(key);
}

/* A get of several items returns those that open. The next get returns -EBADMSG for the message
 * that did not. */
static void invalid_messages_do_not_spoil_a_get_many(void)
{
	struct spmcq_key *key = made_key();
	struct intruder intruder;
	struct spmcq_remote *q;
	char items[5][ITEM];

	server_start(&server, "");
	q = opened("sealed", key);
	intruder_begin(&intruder);
	put_numbers(q, 0, 2);
	plant(&intruder, "spmcq.sealed.item", "no item", 7);
	put_numbers(q, 2, 1);
	RETURNS(3, spmcq_remote_get_many(q, items, 5));
	for (int i = 0; i < 3; i++)
		check_item(items[i], i);
	RETURNS(-EBADMSG, spmcq_remote_get_many(q, items, 5));
	RETURNS(-EAGAIN, spmcq_remote_try_get_many(q, items, 5));
	RETURNS(0, spmcq_remote_task_done_many(q, 3));
	RETURNS(0, spmcq_remote_join(q));
	intruder_end(&intruder);
	RETURNS(0, spmcq_remote_close(q));
	spmcq_key_destroy(key);
}

static void get_numbers(struct spmcq_remote *q, int max, int first, int n)
{
	char items[CAPACITY][ITEM];

	RETURNS(n, spmcq_remote_get_many(q, items, (size_t)max));
	for (int i = 0; i < n; i++)
		check_item(items[i], first + i);
}

static void several_items_travel_sealed_in_a_message(void)
{
	struct spmcq_key *key = made_key(), *copy = copy_of(key);
	struct spmcq_remote *q = NULL, *other;
	struct intruder intruder;
	int size;

	server_start(&server, "");
	RETURNS(0, try_open_packed(&q, "sealed", key, PACKED));
	other = opened("sealed", copy);
	intruder_begin(&intruder);
	put_numbers(q, 0, 1);
	put_numbers(q, 1, 6);
	free(steal(&intruder, "spmcq-sealed", 1, &size));
	COUNTS(ITEM + 216, size);
	free(steal(&intruder, "spmcq-sealed", 2, &size));
	COUNTS(PACKED * ITEM + 216, size);
	free(steal(&intruder, "spmcq-sealed", 3, &size));
	COUNTS(2 * ITEM + 216, size);
	get_numbers(other, 1, 0, 1);
	get_numbers(other, 3, 1, 3);
	get_numbers(other, 3, 4, 1);
	get_numbers(other, 3, 5, 2);
	RETURNS(0, spmcq_remote_task_done_many(other, 7));
	RETURNS(0, spmcq_remote_join(q));
	CHECK(!server_has(MARK), "the server stores plain text");
	intruder_end(&intruder);
	RETURNS(0, spmcq_remote_close(other));
	RETURNS(0, spmcq_remote_close(q));
	spmcq_key_destroy(copy);
	spmcq_key_destroy(key);
}

/* Plants the message with one byte changed, with an item cut off, without items, and at another
 * position. */
static void a_changed_message_is_set_aside_whole(void)
{
	struct spmcq_key *key = made_key();
	struct intruder intruder;
	struct spmcq_remote *q = NULL;
	uint64_t changed = 0;
	char items[PACKED][ITEM], *bytes;
	int size;

	server_start(&server, "");
	RETURNS(0, try_open_packed(&q, "sealed", key, PACKED));
	intruder_begin(&intruder);
	put_numbers(q, 0, PACKED);
	bytes = steal(&intruder, "spmcq-sealed", 1, &size);
	for (int at = 0; at < size; at += 27, changed++) {
		bytes[at] ^= 1;
		plant(&intruder, "spmcq.sealed.item", bytes, size);
		bytes[at] ^= 1;
	}
	plant(&intruder, "spmcq.sealed.item", bytes, size - ITEM);
	plant(&intruder, "spmcq.sealed.item", bytes, 216);
	plant(&intruder, "spmcq.sealed.item", bytes, size);
	changed += 3;
	put_numbers(q, 4, 1);
	get_numbers(q, PACKED, 0, PACKED);
	for (uint64_t i = 0; i < changed; i++) {
		memset(items, 'u', sizeof(items));
		/* The items have no room in the get of every other message. */
		RETURNS(-EBADMSG, spmcq_remote_get_many(q, items, i % 2 ? PACKED : 1));
		CHECK(items[0][0] == 'u' && items[PACKED - 1][ITEM - 1] == 'u',
		      "a get that failed wrote to the items");
	}
	get_numbers(q, PACKED, 4, 1);
	check_set_aside(q, PACKED * changed);
	RETURNS(0, spmcq_remote_task_done_many(q, 5));
	RETURNS(0, spmcq_remote_join(q));
	free(bytes);
	intruder_end(&intruder);
	RETURNS(0, spmcq_remote_close(q));
	spmcq_key_destroy(key);
}

static void an_item_given_back_opens_again(void)
{
	struct spmcq_key *key = made_key();
	struct spmcq_remote *q, *other;
	char item[ITEM];

	server_start(&server, "");
	q = opened("sealed", key);
	other = opened("sealed", key);
	put_numbers(q, 0, 1);
	RETURNS(0, spmcq_remote_get(other, item));
	RETURNS(0, spmcq_remote_close(other));
	RETURNS(0, spmcq_remote_close(q));
	server_kill(&server);
	server_run(&server);
	q = opened("sealed", key);
	get_number(q, 0);
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(q));
	spmcq_key_destroy(key);
}

int main(int argc, char **argv)
{
	remote_begin(argc, argv, NULL);
	RUN(items_travel_sealed);
	RUN(handles_with_another_key_or_none_are_refused);
	RUN(each_producer_seals_with_a_key_of_its_own);
	RUN(changed_items_do_not_open_and_others_do);
	RUN(moved_items_do_not_open);
	RUN(invalid_messages_do_not_spoil_a_get_many);
	RUN(several_items_travel_sealed_in_a_message);
	RUN(a_changed_message_is_set_aside_whole);
	RUN(an_item_given_back_opens_again);
	return remote_finish();
}
