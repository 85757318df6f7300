/*
 * Puppets: processes that make calls of the library as a test tells them. They are consumers,
 * producers or successors. A test tells a puppet to make a call; the puppet makes it and answers
 * with the result, or is killed in it. Each puppet has one queue. Puppets are killed when the
 * process that started them ends.
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

/* A call that a puppet is to make, and its results. The test sets the fields that the call needs;
 * the puppet fills in the results, and sends all of it back. */
struct call {
	long (*make)(struct call *call); /* the call; NULL: the puppet ends */
	size_t n;                        /* items */
	double seconds;    /* time until the deadline; below 0: there is no deadline */
	item_value number; /* the number of the first item that is put */
	/* In the test: a socket to send; in the puppet: the socket that came; -1: none. */
	int socket;
	size_t capacity, item_size;
	uint64_t first_position;
	struct spmcq_shared_options options;
	/* The call that act_for_a_while() or act_stepped() makes, and how that ends: see step.h. */
	long (*stepped)(struct call *call);
	/* The number of the instruction after which it ends or gets the signal; 0: never. */
	unsigned at;
	int deed; /* the signal that the puppet sends itself then; 0: it ends by exit_group */
	unsigned steps;
	long result;
	int thread;
	struct spmcq_stats stats;
	struct spmcq_lost lost[LOST];
	item_value items[ITEMS];
};

struct puppet {
	pid_t process;
	int thread; /* the thread's id */
	int control;
	/* The latest call; fields that are set here are sent with the next tell(). */
	struct call call;
};

/* In a puppet: its queue, which all its threads use. */
extern struct spmcq *puppet_queue;

void puppet_start(struct puppet *puppet);
/* Starts a second thread in the process of `of`. It is told separately. */
void puppet_start_thread(struct puppet *puppet, struct puppet *of);
/* Starts a child of `of` in a process namespace of its own. End it by puppet_end_inside(). */
void puppet_start_inside(struct puppet *puppet, struct puppet *of);
void puppet_end_inside(struct puppet *puppet);
/* Tells the puppet's process, or the second thread, to end, and waits until it has ended. */
void puppet_end(struct puppet *puppet);
/* Kills the puppet by SIGKILL, and waits until it has ended. */
void puppet_kill(struct puppet *puppet);
/* Waits until the puppet's process has ended. Returns as waitpid() does. */
int puppet_await_end(struct puppet *puppet);

/* tell() and tell_with() tell the puppet to make a call, and answer() waits for the result. told()
 * and told_until() do both. */
void tell(struct puppet *puppet, long (*make)(struct call *), size_t n);
void tell_with(struct puppet *puppet, long (*make)(struct call *), int socket);
long answer(struct puppet *puppet);
long told(struct puppet *puppet, long (*make)(struct call *), size_t n);
long told_until(struct puppet *puppet, long (*make)(struct call *), size_t n, double seconds);
/* Waits for the answer. Returns false if the puppet has ended instead. */
bool answered(struct puppet *puppet);
bool has_answered(struct puppet *puppet); /* the answer can be taken without waiting */

/* Waits until the puppet sleeps in a system call. Returns false if it answers, or ends, instead. */
bool puppet_sleeps(struct puppet *puppet);
void puppet_await_sleep(struct puppet *puppet);
/* Waits until the puppet is stopped by a signal. Returns false if it answers instead. */
bool puppet_stops(struct puppet *puppet);

/* Lets the puppet join the queue, over a pair of sockets. */
void admit(struct spmcq *q, struct puppet *consumer);
/* One puppet admits, while the other calls act_join_queue() or act_succeed(). The results are in
 * call.result of each. */
void introduce(struct puppet *admitting, struct puppet *coming, long (*make)(struct call *));
/* The puppet joins; a puppet that is the producer admits it. */
void admit_by(struct puppet *producer, struct puppet *consumer);
/* This process joins the queue of a puppet; if it already has *q, it rejoins. */
void join_by(struct puppet *producer, struct spmcq **q);
/* succeed(): the puppet succeeds a killed producer, and this process rejoins. fail_to_succeed():
 * the puppet is refused. */
void succeed(struct puppet *successor, struct spmcq **q);
void fail_to_succeed(struct puppet *successor, struct spmcq *q);
/* The puppet makes a queue of numbers. options may be NULL. */
void create_by(struct puppet *producer, size_t capacity,
               const struct spmcq_shared_options *options);
/* Starts a puppet, and lets it join. */
void consumer_start(struct puppet *consumer, struct spmcq *q);
/* Starts a puppet that makes a queue. This process joins the queue, and the function returns it. */
struct spmcq *producer_start(struct puppet *producer, size_t capacity);

/* Makes a queue whose producer is this process. */
struct spmcq *shared_at(size_t capacity, const struct spmcq_shared_options *options);
struct spmcq *shared_of(size_t capacity);

/* Returns whether sealed queues are built. */
bool can_seal(void);

/* Runs work() in that many processes. Fails the property if it fails in one of them. */
void in_parallel(unsigned workers, void (*work)(unsigned worker));

/* Returns memory that all processes of a property share. */
void *common_memory(size_t size);

void socket_pair(int type, int ends[2]);
size_t open_files(void); /* of this process */
double seconds_now(void);
void die_with(pid_t parent);

/* The calls that puppets can be told to make. They return what the call of the library returns. The
 * comments name the fields of struct call that they use. */
long act_create(struct call *call);     /* capacity, item_size, options */
long act_admit(struct call *call);      /* socket */
long act_join_queue(struct call *call); /* socket, item_size; it rejoins if it has a queue */
long act_succeed(struct call *call);    /* socket, options */
long act_reap(struct call *call);       /* n is the number of entries in lost */
long act_put(struct call *call);        /* the item is `number` */
long act_try_put(struct call *call);
long act_put_until(struct call *call); /* seconds */
long act_put_many(struct call *call);  /* n items, from number on */
long act_try_put_many(struct call *call);
long act_put_many_until(struct call *call);
long act_get(struct call *call);
long act_try_get(struct call *call);
long act_get_until(struct call *call);
long act_get_many(struct call *call); /* up to n items */
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
/* Gets and reports items, one by one, until the queue is empty. Returns how many, or an error other
 * than -EAGAIN. */
long act_drain(struct call *call);
/* Makes the call in `stepped`. The process is killed if the call does not return within
 * call->seconds. */
long act_for_a_while(struct call *call);
/* Becomes a user without rights. */
long act_be_nobody(struct call *call);
long act_open_files(struct call *call);

enum { NOBODY = 65534 };

#endif
