/*
 * A desk is the data of one thread in a handle: the subscriptions to which its messages and answers
 * are sent, and the messages that it holds. It is made at the thread's first get. It ends with the
 * thread or the handle, whichever ends first; the messages that the thread still holds are then
 * given back.
 */
#include "remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where answers arrive: at the subject INBOX.CALL. */
struct answers {
	natsInbox *inbox; /* NULL: to be made */
	natsSubscription *arrivals;
	size_t prefix; /* length of the part of that subject before CALL */
	unsigned call; /* the number of the newest call; answers to earlier calls are ignored */
};

struct desk {
	struct spmcq_remote *q;
	struct inbox *inbox;    /* where items arrive; NULL: to be made */
	struct answers acks;    /* answers to acknowledgements, */
	struct answers records; /* and to records */

	/* A ring of the messages held; the oldest is at first. */
	struct held *held;
	size_t first, n, room; /* room is a power of two, or 0 */
	size_t items;          /* items that the thread has got and not reported */
	size_t reported;       /* items of the oldest message that were reported; the server knows
	                        * nothing of them yet */

	/* The rest of the newest message. The items of a message are here only if its first get
	 * had no room for all of them. */
	char *rest; /* room for a message's items; NULL: to be made */
	size_t rest_first, rest_n;

	bool is_spoiled; /* an invalid message came, and no get has returned -EBADMSG for it yet */

	/* A desk is in two lists, both guarded by desks_lock. */
	struct desk **thread; /* the list of the thread; exists as long as the thread */
	struct desk *next_of_thread;
	struct desk *next_of_handle;
};

static pthread_mutex_t desks_lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local struct desk *desks_of_thread; /* guarded by desks_lock */
static pthread_once_t desks_once = PTHREAD_ONCE_INIT;
static pthread_key_t desks_key; /* its destructor ends the desks of a thread */
static bool has_desks_key;

INTERNAL struct held *desk_held(const struct desk *desk, size_t i)
{
	return &desk->held[(desk->first + i) & (desk->room - 1)];
}

INTERNAL int desk_reserve(struct desk *desk, size_t more)
{
	size_t room = desk->room ? desk->room : 16;
	struct held *held;

	while (room < desk->n + more)
		room *= 2;
	if (room == desk->room)
		return 0;
	held = calloc(room, sizeof(*held));
	if (!held)
		return fault(-ENOMEM, "no memory");
	for (size_t i = 0; i < desk->n; i++)
		held[i] = *desk_held(desk, i);
	free(desk->held);
	desk->held = held;
	desk->first = 0;
	desk->room = room;
	return 0;
}

/* The caller has reserved room. got: how many of its items the thread gets now. */
INTERNAL void desk_hold(struct desk *desk, struct held message, size_t got)
{
	*desk_held(desk, desk->n++) = message;
	desk->items += got;
	atomic_fetch_add(&desk->q->held, 1);
}

/* Returns room for the items of a message of which there will be a rest, or NULL. */
INTERNAL char *desk_room(struct desk *desk)
{
	if (!desk->rest)
		desk->rest = malloc(per_message(desk->q) * desk->q->settings.item_size);
	return desk->rest;
}

/* Takes up to max items of the rest. Returns how many. */
INTERNAL size_t desk_take(struct desk *desk, char *items, size_t max)
{
	size_t n = desk->rest_n < max ? desk->rest_n : max;
	size_t item_size = desk->q->settings.item_size;

	memcpy(items, desk->rest + desk->rest_first * item_size, n * item_size);
	desk->rest_first += n;
	desk->rest_n -= n;
	return n;
}

/* Forgets the n oldest messages, whose items have all been reported. */
INTERNAL void desk_drop(struct desk *desk, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		desk->items -= desk_held(desk, i)->n - desk->reported;
		desk->reported = 0;
		natsMsg_Destroy(desk_held(desk, i)->message);
	}
	desk->first += n;
	desk->n -= n;
	atomic_fetch_sub(&desk->q->held, n);
}

INTERNAL int desk_listen(struct desk *desk)
{
	return desk->inbox ? 0 : inbox_open(&desk->inbox, desk->q);
}

/* Gives back the messages that the thread holds, and frees the desk. The server delivers them again
 * at once. */
static void desk_end(struct desk *desk)
{
	for (size_t i = 0; i < desk->n; i++) {
		natsMsg *message = desk_held(desk, i)->message;

		(void)natsConnection_PublishString(desk->q->connection.nats,
		                                   natsMsg_GetReply(message), "-NAK");
		natsMsg_Destroy(message);
	}
	atomic_fetch_sub(&desk->q->held, desk->n);
	if (desk->inbox)
		inbox_close(desk->inbox);
	connection_unsubscribe(&desk->q->connection, desk->acks.arrivals);
	connection_unsubscribe(&desk->q->connection, desk->records.arrivals);
	natsInbox_Destroy(desk->acks.inbox);
	natsInbox_Destroy(desk->records.inbox);
	if (desk->rest && desk->q->sealing)
		desk->q->sealing->wipe(desk->rest,
		                       per_message(desk->q) * desk->q->settings.item_size);
	free(desk->rest);
	free(desk->held);
	free(desk);
}

/* desks_lock is held. */
static void desk_unlink(struct desk **from, struct desk *desk, bool of_thread)
{
	while (*from && *from != desk)
		from = of_thread ? &(*from)->next_of_thread : &(*from)->next_of_handle;
	if (*from)
		*from = of_thread ? desk->next_of_thread : desk->next_of_handle;
}

/* Called by a thread that ends. Another thread may close one of the handles at the same time;
 * desks_lock makes sure that only one of these two threads finds a desk in the lists. */
static void desks_end_of_thread(void *list)
{
	struct desk **mine = list;

	pthread_mutex_lock(&desks_lock);
	while (*mine) {
		struct desk *desk = *mine;

		*mine = desk->next_of_thread;
		desk_unlink(&desk->q->desks, desk, false);
		desk_end(desk);
	}
	pthread_mutex_unlock(&desks_lock);
	nats_ReleaseThreadMemory();
}

static void desks_make_key(void)
{
	has_desks_key = pthread_key_create(&desks_key, desks_end_of_thread) == 0;
}

static struct desk *desk_make(struct spmcq_remote *q)
{
	struct desk *desk = calloc(1, sizeof(*desk));

	if (!desk || !has_desks_key || pthread_setspecific(desks_key, &desks_of_thread) != 0) {
		free(desk);
		(void)fault(-ENOMEM, "no memory");
		return NULL;
	}
	desk->q = q;
	desk->thread = &desks_of_thread;
	desk->next_of_thread = desks_of_thread;
	desks_of_thread = desk;
	desk->next_of_handle = q->desks;
	q->desks = desk;
	return desk;
}

/* Returns the calling thread's desk, or NULL if it has none. */
INTERNAL struct desk *desk_find(const struct spmcq_remote *q)
{
	struct desk *desk;

	pthread_mutex_lock(&desks_lock);
	desk = desks_of_thread;
	while (desk && desk->q != q)
		desk = desk->next_of_thread;
	pthread_mutex_unlock(&desks_lock);
	return desk;
}

/* Returns the calling thread's desk, and makes it if there is none. Returns NULL if there is no
 * memory. */
INTERNAL struct desk *desk_of(struct spmcq_remote *q)
{
	struct desk *desk = desk_find(q);

	if (desk)
		return desk;
	pthread_once(&desks_once, desks_make_key);
	pthread_mutex_lock(&desks_lock);
	desk = desk_make(q);
	pthread_mutex_unlock(&desks_lock);
	return desk;
}

INTERNAL void desks_end_of_handle(struct spmcq_remote *q)
{
	pthread_mutex_lock(&desks_lock);
	while (q->desks) {
		struct desk *desk = q->desks;

		q->desks = desk->next_of_handle;
		desk_unlink(desk->thread, desk, true);
		desk_end(desk);
	}
	pthread_mutex_unlock(&desks_lock);
}
