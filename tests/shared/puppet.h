/*
 * Processes that do as they are told: consumers, producers, successors. A puppet is told to make a
 * call, makes it, and answers with the result; or it dies of it. Each has one queue. Puppets die
 * with the process that started them.
 */
#ifndef PUPPET_H
#define PUPPET_H

#include "support/fixture.h"
#include "support/worker.h"
#include <spmcq_shared.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { ITEMS = 512, LOST = 32 };

/* What a puppet is told, and what it answers. The caller sets what the call needs; the puppet fills
 * in the results, and sends all of it back. */
struct call {
	long (*make)(struct call *call); /* NULL: end */
	size_t n;                        /* items */
	double seconds;                  /* until the deadline; below 0: there is none */
	uint32_t number;                 /* that the first item put has */
	int socket; /* in the test: to be sent; in the puppet: what arrived; -1: none */
	size_t capacity, item_size;
	uint64_t first_position;
	struct spmcq_shared_options options;
	/* A call within a call: see act_for_a_while(), and step.h. */
	long (*stepped)(struct call *call);
	unsigned at; /* the instruction behind which the deed is done; 0: never */
	int deed;    /* a signal that the puppet sends itself; 0: exit_group */
	unsigned steps;
	long result;
	int thread;
	struct spmcq_stats stats;
	struct spmcq_lost lost[LOST];
	uint32_t items[ITEMS];
};

struct puppet {
	pid_t process;
	int thread; /* the number the system knows it by */
	int control;
	struct call call; /* the latest; fields set here go to the puppet with the next tell() */
};

/* In a puppet: its queue, of all its threads. */
extern struct spmcq *puppet_queue;

void puppet_start(struct puppet *puppet);
/* A second thread of its process, which is told by itself. */
void puppet_start_thread(struct puppet *puppet, struct puppet *of);
/* A child of its process in a process namespace of its own. It is ended by puppet_end_inside(). */
void puppet_start_inside(struct puppet *puppet, struct puppet *of);
void puppet_end_inside(struct puppet *puppet);
/* It comes to its end by itself; of a thread: that thread. */
void puppet_end(struct puppet *puppet);
/* Ends it by SIGKILL, and waits until it is gone. */
void puppet_kill(struct puppet *puppet);
/* Waits until its process has ended. Returns as waitpid() does. */
int puppet_await_end(struct puppet *puppet);

/* Tell, and later take the answer; or both at once. */
void tell(struct puppet *puppet, long (*make)(struct call *), size_t n);
void tell_with(struct puppet *puppet, long (*make)(struct call *), int socket);
long answer(struct puppet *puppet);
long told(struct puppet *puppet, long (*make)(struct call *), size_t n);
long told_until(struct puppet *puppet, long (*make)(struct call *), size_t n, double seconds);
/* Takes the answer, or returns false, when the puppet has ended instead. */
bool answered(struct puppet *puppet);
bool has_answered(struct puppet *puppet); /* it can be taken without waiting */

/* Waits until it sleeps in a system call. Returns false if it answers, or ends, instead. */
bool puppet_sleeps(struct puppet *puppet);
void puppet_await_sleep(struct puppet *puppet);
/* Waits until it is stopped by a signal. Returns false if it answers instead. */
bool puppet_stops(struct puppet *puppet);

/* Lets the puppet join, by a pair of sockets. */
void admit(struct spmcq *q, struct puppet *consumer);
/* One puppet admits while another makes the call, act_join_queue or act_succeed. call.result of
 * each says what came of it. */
void introduce(struct puppet *admitting, struct puppet *coming, long (*make)(struct call *));
/* The puppet joins, let in by one that is a puppet, too. */
void admit_by(struct puppet *producer, struct puppet *consumer);
/* This process joins a puppet's queue, or, if it has *q, rejoins. */
void join_by(struct puppet *producer, struct spmcq **q);
/* The puppet follows a dead producer, and this process goes over to it; or it is refused. */
void succeed(struct puppet *successor, struct spmcq **q);
void fail_to_succeed(struct puppet *successor, struct spmcq *q);
/* The puppet makes a queue of uint32_t numbers. options may be NULL. */
void create_by(struct puppet *producer, size_t capacity,
               const struct spmcq_shared_options *options);
/* Puppet, and admitted, in one. */
void consumer_start(struct puppet *consumer, struct spmcq *q);
/* The other way round: a puppet that has made a queue, which this process joins and returns. */
struct spmcq *producer_start(struct puppet *producer, size_t capacity);

/* A queue of this process. */
struct spmcq *shared_at(size_t capacity, const struct spmcq_shared_options *options);
struct spmcq *shared_of(size_t capacity);

/* Whether sealed queues are to be had. */
bool can_seal(void);

/* Runs the work in that many processes. Fails the property if one fails. */
void in_parallel(unsigned workers, void (*work)(unsigned worker));

/* Memory that a property's processes share. */
void *common_memory(size_t size);

void socket_pair(int type, int ends[2]);
size_t open_files(void); /* of this process */
double seconds_now(void);
void die_with(pid_t parent);

/* What puppets can be told. They return what the call of the library does. */
long act_create(struct call *call);     /* capacity, item_size, options */
long act_admit(struct call *call);      /* socket */
long act_join_queue(struct call *call); /* socket, item_size; it rejoins if it has a queue */
long act_succeed(struct call *call);    /* socket, options */
long act_reap(struct call *call);       /* n entries: lost */
long act_put(struct call *call);        /* the item is `number` */
long act_try_put(struct call *call);
long act_put_until(struct call *call); /* seconds */
long act_put_many(struct call *call);  /* n from number on */
long act_try_put_many(struct call *call);
long act_put_many_until(struct call *call);
long act_get(struct call *call);
long act_try_get(struct call *call);
long act_get_until(struct call *call);
long act_get_many(struct call *call); /* up to n */
long act_try_get_many(struct call *call);
long act_get_many_until(struct call *call);
long act_task_done(struct call *call);
long act_task_done_many(struct call *call);
long act_join(struct call *call);
long act_join_until(struct call *call);
long act_shutdown(struct call *call);
long act_shutdown_now(struct call *call);
long act_release(struct call *call);
long act_take(struct call *call);
long act_capacity(struct call *call);
long act_item_size(struct call *call);
long act_size(struct call *call);
long act_unfinished(struct call *call);
long act_is_shutdown(struct call *call);
long act_stats(struct call *call);
long act_destroy(struct call *call);
long act_nothing(struct call *call);
/* Gets and reports, one by one, until there is nothing. Returns how many, or an error other than
 * -EAGAIN. */
long act_drain(struct call *call);
/* Makes the call in `stepped`, and dies if it is not through within so many seconds. */
long act_for_a_while(struct call *call);
/* Becomes a user without rights. */
long act_be_nobody(struct call *call);
long act_open_files(struct call *call);

enum { NOBODY = 65534 };

#endif
