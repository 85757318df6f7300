/*
 * The lease, whose holder is the producer: of all handles on all machines, only the holder may put.
 * The lease is a key in the queue's bucket. The server deletes the key if it was not written for
 * lease_ms. The holder has a thread, the renewer, which writes the key three times in lease_ms, on
 * condition that the key still has the holder's value. A holder whose process was stopped for some
 * time may not know that it has lost the lease. The stream then refuses its items, because each
 * message names the position that it must follow (see publish.c).
 */
#include "remote.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { RENEWALS = 3 }; /* writes in lease_ms */

static int lease_name_me(struct producer *producer)
{
	uint64_t chance[2];

	if (getrandom(chance, sizeof(chance), 0) != sizeof(chance))
		return fault(-EIO, "no random number");
	snprintf(producer->me, sizeof(producer->me), "%016" PRIx64 "%016" PRIx64, chance[0],
	         chance[1]);
	return 0;
}

/* The value of a lease that was given up. A holder writes it instead of deleting the key, because a
 * write can be made conditional on the holder's own value; a deletion could remove the lease of
 * another holder. */
#define FREE "free"

enum holder { HOLDER_NONE, HOLDER_ME, HOLDER_OTHER, HOLDER_UNKNOWN };

/* revision: set to the revision of the key's value, or to 0 if the key has none. */
static enum holder lease_holder(struct producer *producer, uint64_t *revision)
{
	kvEntry *entry = NULL;
	natsStatus status = kvStore_Get(&entry, producer->bucket, LEASE_KEY);
	enum holder holder = HOLDER_OTHER;

	*revision = 0;
	if (status == NATS_NOT_FOUND)
		return HOLDER_NONE;
	if (status != NATS_OK)
		return HOLDER_UNKNOWN;
	if (strcmp(kvEntry_ValueString(entry), producer->me) == 0)
		holder = HOLDER_ME;
	else if (strcmp(kvEntry_ValueString(entry), FREE) == 0)
		holder = HOLDER_NONE;
	*revision = kvEntry_Revision(entry);
	kvEntry_Destroy(entry);
	return holder;
}

/* Writes this handle's value to the key if the key's revision is *revision, or, if that is 0, if
 * the key has no value. Sets *revision to the new revision. */
static natsStatus lease_write_over(struct producer *producer, uint64_t *revision)
{
	int size = (int)strlen(producer->me);

	if (*revision == 0)
		return kvStore_Create(revision, producer->bucket, LEASE_KEY, producer->me, size);
	return kvStore_Update(revision, producer->bucket, LEASE_KEY, producer->me, size, *revision);
}

/* If there is no answer, the renewer tries again next time. */
static void lease_renew(struct producer *producer)
{
	uint64_t revision = atomic_load(&producer->revision);

	if (lease_write_over(producer, &revision) == NATS_OK) {
		atomic_store(&producer->revision, revision);
		return;
	}
	switch (lease_holder(producer, &revision)) {
	case HOLDER_ME: /* the answer to an earlier write was lost */
		atomic_store(&producer->revision, revision);
		break;
	case HOLDER_NONE: /* the lease ended while there was no connection */
		if (lease_write_over(producer, &revision) == NATS_OK)
			atomic_store(&producer->revision, revision);
		break;
	case HOLDER_OTHER:
		atomic_store(&producer->is_lost, true);
		break;
	case HOLDER_UNKNOWN:
		break;
	}
}

static bool lease_nap(struct producer *producer, int64_t ns)
{
	struct timespec until;
	bool goes_on;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)((until.tv_nsec + ns) / SECOND);
	until.tv_nsec = (long)((until.tv_nsec + ns) % SECOND);
	pthread_mutex_lock(&producer->lock);
	while (!producer->is_ending &&
	       pthread_cond_timedwait(&producer->ending, &producer->lock, &until) == 0)
		;
	goes_on = !producer->is_ending;
	pthread_mutex_unlock(&producer->lock);
	return goes_on;
}

static void *renew(void *arg)
{
	struct spmcq_remote *q = arg;

	while (!atomic_load(&q->producer.is_lost) &&
	       lease_nap(&q->producer, q->settings.options.lease_ms * MS / RENEWALS))
		lease_renew(&q->producer);
	nats_ReleaseThreadMemory();
	return NULL;
}

static int lease_bind(struct spmcq_remote *q)
{
	struct producer *producer = &q->producer;
	natsStatus status;

	if (producer->bucket)
		return 0;
	status = js_KeyValue(&producer->bucket, q->connection.js, q->places.bucket);
	return fault_of(q->places.bucket, status, 0);
}

static natsStatus lease_write_by_force(struct producer *producer, uint64_t *revision)
{
	return kvStore_PutString(revision, producer->bucket, LEASE_KEY, producer->me);
}

/* Succeeds if nobody holds the lease; with by_force, also if another handle holds it. */
static int lease_write(struct producer *producer, bool by_force)
{
	uint64_t revision = 0;
	natsStatus status;

	switch (lease_holder(producer, &revision)) {
	case HOLDER_UNKNOWN:
		return fault(-ENOTCONN, "it is not known which thread is the producer");
	case HOLDER_OTHER:
		if (!by_force)
			return fault(-EPERM, "another handle is the producer");
		status = lease_write_by_force(producer, &revision);
		break;
	default:
		status = lease_write_over(producer, &revision);
	}
	/* Another handle may have written the key first, or the answer to our write was lost. */
	if (status != NATS_OK && lease_holder(producer, &revision) != HOLDER_ME)
		return fault(-ENOTCONN, "the producer's lease could not be written");
	producer->epoch = revision;
	atomic_store(&producer->revision, revision);
	return 0;
}

/* If the write does not reach the server, the lease ends after lease_ms. */
static void lease_write_free(struct producer *producer)
{
	uint64_t revision = atomic_load(&producer->revision);

	(void)kvStore_UpdateString(&revision, producer->bucket, LEASE_KEY, FREE, revision);
}

/* Returns -EPERM if another handle holds the lease, -ENOTCONN if the caller may try again. */
INTERNAL int lease_take(struct spmcq_remote *q, bool by_force)
{
	struct producer *producer = &q->producer;
	int error = lease_bind(q);

	if (error == 0)
		error = lease_name_me(producer);
	if (error == 0)
		error = lease_write(producer, by_force);
	if (error)
		return error;
	atomic_store(&producer->is_lost, false);
	producer->is_ending = false;
	if (pthread_create(&producer->renewer, NULL, renew, q) != 0) {
		lease_write_free(producer);
		return fault(-ENOMEM, "no thread to renew the lease");
	}
	producer->is_held = true;
	return 0;
}

static void lease_end_renewer(struct producer *producer)
{
	pthread_mutex_lock(&producer->lock);
	producer->is_ending = true;
	pthread_cond_signal(&producer->ending);
	pthread_mutex_unlock(&producer->lock);
	pthread_join(producer->renewer, NULL);
	producer->is_held = false;
}

INTERNAL void lease_give_up(struct producer *producer)
{
	if (!producer->is_held)
		return;
	lease_end_renewer(producer);
	if (!atomic_load(&producer->is_lost))
		lease_write_free(producer);
}

/* Called when the stream may have an item of another producer, or the lease may be lost. Returns 0
 * if this handle still has the lease, -EPERM if another handle has it, -ENOTCONN if the server
 * cannot be asked. */
INTERNAL int lease_check(struct producer *producer)
{
	uint64_t revision;

	if (!atomic_load(&producer->is_lost)) {
		switch (lease_holder(producer, &revision)) {
		case HOLDER_ME:
		case HOLDER_NONE: /* it has ended; the renewer will write it again */
			return 0;
		case HOLDER_UNKNOWN:
			return fault(-ENOTCONN, "it is not known which thread is the producer");
		case HOLDER_OTHER:
			atomic_store(&producer->is_lost, true);
		}
	}
	return fault(-EPERM, "another handle has become the producer");
}
