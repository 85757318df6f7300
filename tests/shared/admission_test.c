/*
 * Which processes are admitted: those that are allowed, over every kind of Unix socket, again and
 * again. A process that is not allowed, or that sends a wrong message or none, is not admitted.
 * This process is the producer.
 */
#define _GNU_SOURCE
#include "puppet.h"

#include "support/chance.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};

/* Puts an item; the consumer gets and reports it. */
static void serve_one(struct spmcq *q, struct puppet *consumer)
{
	put_numbers(q, 42, 1);
	RETURNS(1, told(consumer, act_drain, 0));
	CHECK(consumer->call.items[0] == 42, "got %" PRI_ITEM, consumer->call.items[0]);
	RETURNS(0, spmcq_join(q));
}

struct results {
	long admit, join;
};

static struct results try_to_admit(struct spmcq *q, struct puppet *consumer, int type)
{
	struct results results;
	int ends[2];

	socket_pair(type, ends);
	tell_with(consumer, act_join_queue, ends[1]);
	close(ends[1]);
	results.admit = spmcq_shared_admit(q, ends[0]);
	close(ends[0]);
	results.join = answer(consumer);
	return results;
}

static void expect(struct results results, long admit, long join)
{
	CHECK(results.admit == admit && results.join == join, "admit: %ld, join: %ld",
	      results.admit, results.join);
}

/* --- sockets --- */

static void socket_pairs_of_both_types_work(void)
{
	struct spmcq *q = shared_of(3);

	for (int i = 0; i < 8; i++) {
		struct puppet consumer;
		int ends[2];

		check_doing("type %d, blocking %d %d", types[i % 2], i & 2, i & 4);
		puppet_start(&consumer);
		socket_pair(types[i % 2] | (i & 2 ? SOCK_NONBLOCK : 0), ends);
		if (i & 4)
			RETURNS(0, fcntl(ends[1], F_SETFL, fcntl(ends[1], F_GETFL) ^ O_NONBLOCK));
		tell_with(&consumer, act_join_queue, ends[1]);
		close(ends[1]);
		RETURNS(0, spmcq_shared_admit(q, ends[0]));
		RETURNS(0, answer(&consumer));
		close(ends[0]);
		serve_one(q, &consumer);
		puppet_end(&consumer);
	}
	queue_free(q);
}

/* The pair is made before the fork; the parent uses one end and the child the other. */
static void a_socket_pair_made_before_fork_works(void)
{
	struct spmcq *q = NULL;
	int ends[2], status;
	pid_t child;

	socket_pair(SOCK_STREAM, ends);
	child = fork();
	if (child == 0) {
		item_value number;

		close(ends[0]);
		RETURNS(0, spmcq_shared_join(&q, ends[1], sizeof(item_value)));
		RETURNS(0, spmcq_get(q, &number));
		RETURNS(0, spmcq_task_done(q));
		exit(EXIT_SUCCESS);
	}
	close(ends[1]);
	q = shared_of(3);
	RETURNS(0, spmcq_shared_admit(q, ends[0]));
	close(ends[0]);
	put_numbers(q, 0, 1);
	RETURNS(0, spmcq_join(q));
	CHECK(waitpid(child, &status, 0) == child && status == 0, "status %#x", (unsigned)status);
	queue_free(q);
}

static struct sockaddr_un abstract_name(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "spmcq-test-%d", getppid());
	return name;
}

static long act_connect_and_join(struct call *call)
{
	struct sockaddr_un name = abstract_name();
	int fd = socket(AF_UNIX, (int)call->n | SOCK_CLOEXEC, 0);
	int result;

	RETURNS(0, connect(fd, (struct sockaddr *)&name, sizeof(name)));
	result = spmcq_shared_join(&puppet_queue, fd, sizeof(item_value));
	close(fd);
	return result;
}

static void a_listening_process_admits_who_connects(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct spmcq *q = shared_of(3);

	snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "spmcq-test-%d", getpid());
	for (size_t i = 0; i < 2; i++) {
		int listener = socket(AF_UNIX, types[i] | SOCK_CLOEXEC, 0), fd;
		struct puppet consumer;

		RETURNS(0, bind(listener, (struct sockaddr *)&name, sizeof(name)));
		RETURNS(0, listen(listener, 5));
		RETURNS(-EINVAL, spmcq_shared_admit(q, listener));
		puppet_start(&consumer);
		tell(&consumer, act_connect_and_join, (size_t)types[i]);
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		CHECK(fd >= 0, "accept: %s", strerror(errno));
		RETURNS(0, spmcq_shared_admit(q, fd));
		RETURNS(0, answer(&consumer));
		close(fd);
		close(listener);
		serve_one(q, &consumer);
		puppet_end(&consumer);
	}
	queue_free(q);
}

static void only_connected_unix_sockets_are_accepted(void)
{
	struct spmcq *q = shared_of(3), *none = NULL;
	int datagrams[2], pipes[2];
	int bad[7];

	socket_pair(SOCK_DGRAM, datagrams);
	RETURNS(0, pipe(pipes));
	bad[0] = datagrams[0];
	bad[1] = pipes[0];
	bad[2] = socket(AF_UNIX, SOCK_STREAM, 0);
	bad[3] = socket(AF_INET, SOCK_STREAM, 0);
	bad[4] = open("/dev/null", O_RDWR);
	bad[5] = socket(AF_INET, SOCK_DGRAM, 0);
	bad[6] = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		double since = seconds_now();

		check_doing("socket %zu", i);
		RETURNS(-EINVAL, spmcq_shared_admit(q, bad[i]));
		RETURNS(-EINVAL, spmcq_shared_join(&none, bad[i], 0));
		RETURNS(-EINVAL, spmcq_shared_succeed(&none, bad[i], NULL));
		CHECK(seconds_now() - since < 1, "the refusals took %.1f s", seconds_now() - since);
	}
	CHECK(spmcq_shared_admit(q, -1) < 0, "-1 was taken for a socket");
	CHECK(spmcq_shared_join(&none, -1, 0) < 0, "-1 was taken for a socket");
	CHECK(!none, "a call that failed returned a queue");
	queue_free(q);
}

/* A get of items of another size would write more than there is room for, or less than an item. */
static void items_of_another_size_are_refused(void)
{
	static const size_t sizes[] = {1, 3, 5, 8, SIZE_MAX};
	struct spmcq_shared_options options = {.processes = 2};
	struct puppet consumer;
	struct spmcq *q = shared_at(3, &options);
	size_t before;
	int ends[2];

	puppet_start(&consumer);
	before = open_files();
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		socket_pair(types[i % 2], ends);
		consumer.call.item_size = sizes[i];
		tell_with(&consumer, act_join_queue, ends[1]);
		close(ends[1]);
		CHECK(spmcq_shared_admit(q, ends[0]) <= 0, "admit returned more than 0");
		close(ends[0]);
		RETURNS(-EMSGSIZE, answer(&consumer));
	}
	consumer.call.item_size = sizeof(item_value);
	admit(q, &consumer);
	serve_one(q, &consumer);
	puppet_end(&consumer);
	CHECK(open_files() <= before + 4, "%zu descriptors are left", open_files() - before);
	queue_free(q);
}

/* --- users --- */

static struct spmcq_peer asked; /* the peer that allow() was last asked about */
static unsigned questions;
static bool wanted; /* the answer */

static bool allow(const struct spmcq_peer *peer, void *argument)
{
	CHECK(argument == &questions, "allow() was given another argument");
	asked = *peer;
	questions++;
	return wanted;
}

static const struct spmcq_shared_options asking = {.allow = allow, .argument = &questions};

static void the_callback_gets_the_ids_of_the_peer(void)
{
	struct puppet consumer;
	struct spmcq *q = shared_at(3, &asking);

	wanted = true;
	for (int nobody = 0; nobody < (geteuid() == 0 ? 2 : 1); nobody++) {
		puppet_start(&consumer);
		if (nobody)
			RETURNS(0, told(&consumer, act_be_nobody, 0));
		expect(try_to_admit(q, &consumer, SOCK_STREAM), 0, 0);
		COUNTS((unsigned)nobody + 1, questions);
		CHECK(asked.process == consumer.process, "process %d", asked.process);
		CHECK(asked.user == (nobody ? NOBODY : getuid()), "user %u", asked.user);
		CHECK(asked.group == (nobody ? NOBODY : getgid()), "group %u", asked.group);
		serve_one(q, &consumer);
		puppet_end(&consumer);
	}
	queue_free(q);
}

static void a_refused_process_gets_an_error(void)
{
	struct spmcq_shared_options options = asking;
	struct puppet consumer;
	struct spmcq *q;
	size_t before = open_files();
	long theirs;

	options.processes = 2;
	q = shared_at(3, &options);
	before = open_files();
	puppet_start(&consumer);
	before++; /* its control */
	theirs = told(&consumer, act_open_files, 0);
	for (int i = 0; i < 20; i++) {
		wanted = false;
		expect(try_to_admit(q, &consumer, types[i % 2]), -EACCES, -EACCES);
		COUNTS(before, open_files());
		RETURNS(theirs, told(&consumer, act_open_files, 0));
	}
	wanted = true;
	expect(try_to_admit(q, &consumer, SOCK_STREAM), 0, 0);
	serve_one(q, &consumer);
	puppet_end(&consumer);
	queue_free(q);
}

static void by_default_other_users_are_refused(void)
{
	struct puppet consumer;
	struct spmcq *q;

	if (geteuid() != 0)
		check_skip("only root can become another user");
	q = shared_of(3);
	puppet_start(&consumer);
	RETURNS(0, told(&consumer, act_be_nobody, 0));
	expect(try_to_admit(q, &consumer, SOCK_STREAM), -EACCES, -EACCES);
	expect(try_to_admit(q, &consumer, SOCK_SEQPACKET), -EACCES, -EACCES);
	puppet_end(&consumer);
	queue_free(q);
}

static void by_default_root_is_another_user_too(void)
{
	struct puppet producer, root, nobody;

	if (geteuid() != 0)
		check_skip("only root can become another user");
	puppet_start(&producer);
	puppet_start(&root);
	puppet_start(&nobody);
	RETURNS(0, told(&producer, act_be_nobody, 0));
	RETURNS(0, told(&nobody, act_be_nobody, 0));
	create_by(&producer, 3, NULL);
	introduce(&producer, &root, act_join_queue);
	RETURNS(-EACCES, producer.call.result);
	RETURNS(-EACCES, root.call.result);
	admit_by(&producer, &nobody);
	RETURNS(0, told(&producer, act_put, 0));
	RETURNS(1, told(&nobody, act_drain, 0));
	puppet_end(&nobody);
	puppet_end(&root);
	puppet_end(&producer);
}

/* Sends the credentials of the test's process, which would be admitted. Only root may send false
 * credentials. */
static long act_lie(struct call *call)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} rights = {.header = {.cmsg_len = CMSG_LEN(sizeof(struct ucred)),
	                       .cmsg_level = SOL_SOCKET,
	                       .cmsg_type = SCM_CREDENTIALS}};
	struct ucred lie = {.pid = getppid(), .uid = 0, .gid = 0};
	struct iovec bytes = {call->items, call->n};
	struct msghdr message = {.msg_iov = &bytes,
	                         .msg_iovlen = 1,
	                         .msg_control = rights.room,
	                         .msg_controllen = sizeof(rights.room)};

	memcpy(CMSG_DATA(&rights.header), &lie, sizeof(lie));
	if (sendmsg(call->socket, &message, MSG_NOSIGNAL) < 0)
		return -errno;
	return 0;
}

static void false_credentials_are_refused(void)
{
	struct puppet liar;
	struct spmcq *q = shared_of(3);
	int ends[2];

	if (geteuid() != 0)
		check_skip("only root can become another user");
	puppet_start(&liar);
	for (int nobody = 0; nobody < 2; nobody++) {
		if (nobody)
			RETURNS(0, told(&liar, act_be_nobody, 0));
		for (size_t n = 1; n <= 400; n += 57) {
			socket_pair(types[n % 2], ends);
			liar.call.n = n;
			tell_with(&liar, act_lie, ends[1]);
			close(ends[1]);
			RETURNS(nobody ? -EPERM : 0, answer(&liar));
			CHECK(spmcq_shared_admit(q, ends[0]) < 0,
			      "the false credentials were accepted");
			close(ends[0]);
		}
	}
	puppet_end(&liar);
	puppet_start(&liar);
	admit(q, &liar);
	serve_one(q, &liar);
	puppet_end(&liar);
	queue_free(q);
}

/* --- invalid messages --- */

static void messages_that_are_no_request_are_refused(void)
{
	struct chance chance = chance_stream(chance_seed(), 1);
	struct puppet consumer;
	struct spmcq_shared_options options = {.processes = 1};
	struct spmcq *q = shared_at(3, &options), *none = NULL;
	size_t before = open_files();
	unsigned char bytes[4096];

	for (size_t i = 0; i < 400; i++) {
		size_t n = chance_below(&chance, i < 200 ? 300 : sizeof(bytes)) + 1;
		int ends[2], refused = -EPROTO;
		bool closes = i % 2 == 0;
		int result;

		check_doing("%zu bytes, type %d", n, types[i / 2 % 2]);
		for (size_t j = 0; j < n; j++)
			bytes[j] = (unsigned char)(i % 5 == 0 ? 0 : chance_next(&chance));
		socket_pair(types[i / 2 % 2], ends);
		CHECK(send(ends[1], bytes, n, MSG_NOSIGNAL) == (ssize_t)n, "not sent");
		if (closes)
			close(ends[1]);
		else /* the next read returns 0 */
			RETURNS(0, shutdown(ends[1], SHUT_WR));
		result = i % 3 ? spmcq_shared_admit(q, ends[0])
		               : spmcq_shared_join(&none, ends[0], 0);
		CHECK(result == refused || result == -ECONNRESET, "result %d", result);
		close(ends[0]);
		if (!closes)
			close(ends[1]);
		COUNTS(before, open_files());
	}
	CHECK(!none, "a call that failed returned a queue");
	consumer_start(&consumer, q);
	serve_one(q, &consumer);
	puppet_end(&consumer);
	queue_free(q);
}

static void a_closed_other_end_is_an_error(void)
{
	struct spmcq *q = shared_of(3), *none = NULL;

	for (size_t i = 0; i < 2; i++) {
		int ends[2];

		socket_pair(types[i], ends);
		close(ends[1]);
		RETURNS(-ECONNRESET, spmcq_shared_admit(q, ends[0]));
		RETURNS(-ECONNRESET, spmcq_shared_join(&none, ends[0], 0));
		RETURNS(-ECONNRESET, spmcq_shared_succeed(&none, ends[0], NULL));
		close(ends[0]);
	}
	queue_free(q);
}

/* The process has sent its request, and has been killed. */
static void a_process_killed_before_its_admission_takes_no_place(void)
{
	struct spmcq_shared_options options = {.processes = 2};
	struct spmcq *q = shared_at(3, &options);
	struct puppet consumer;
	size_t before = open_files();

	for (int i = 0; i < 20; i++) {
		int ends[2], result;

		socket_pair(types[i % 2], ends);
		puppet_start(&consumer);
		tell_with(&consumer, act_join_queue, ends[1]);
		close(ends[1]);
		sleep_ms(i % 4 * 3);
		puppet_kill(&consumer);
		result = spmcq_shared_admit(q, ends[0]);
		CHECK(result != -EUSERS && result <= 0, "result %d", result);
		close(ends[0]);
	}
	consumer_start(&consumer, q);
	serve_one(q, &consumer);
	puppet_end(&consumer);
	spmcq_shared_reap(q, &(struct spmcq_lost){0}, 1);
	CHECK(open_files() <= before + 2, "%zu descriptors are left", open_files() - before);
	queue_free(q);
}

/* The process is killed at a random time between its request and the end of its join. */
static void a_process_killed_during_its_admission_takes_no_place(void)
{
	struct chance chance = chance_stream(chance_seed(), 2);
	struct spmcq_shared_options options = {.processes = 2};
	struct spmcq *q = shared_at(3, &options);
	struct puppet consumer;
	size_t before = open_files();
	unsigned in = 0;

	for (int i = 0; i < 200; i++) {
		int ends[2], result;

		socket_pair(types[i % 2], ends);
		puppet_start(&consumer);
		consumer.call.stepped = act_join_queue;
		consumer.call.seconds = 1e-6 * (1 + (double)chance_below(&chance, 600));
		check_doing("dies after %.0f us", 1e6 * consumer.call.seconds);
		tell_with(&consumer, act_for_a_while, ends[1]);
		close(ends[1]);
		result = spmcq_shared_admit(q, ends[0]);
		CHECK(result == 0 || result == -ECONNRESET || result == -EPROTO ||
		              result == -EACCES || result == -ESRCH,
		      "admit: %d", result);
		close(ends[0]);
		if (answered(&consumer)) {
			in++;
			RETURNS(0, consumer.call.result);
			puppet_kill(&consumer);
		} else
			puppet_await_end(&consumer);
	}
	printf("# %u of 200 joined first\n", in);
	consumer_start(&consumer, q);
	serve_one(q, &consumer);
	puppet_end(&consumer);
	spmcq_shared_reap(q, &(struct spmcq_lost){0}, 1);
	CHECK(open_files() <= before + 4, "%zu descriptors are left", open_files() - before);
	queue_free(q);
}

/* --- places --- */

static void more_peers_than_places_are_refused(void)
{
	struct spmcq_shared_options options = {.processes = 3};
	struct puppet consumers[3], more;
	struct spmcq *q = shared_at(30, &options);
	struct results results;
	size_t before;

	for (size_t i = 0; i < 3; i++)
		consumer_start(&consumers[i], q);
	puppet_start(&more);
	before = open_files();
	for (int i = 0; i < 10; i++) {
		results = try_to_admit(q, &more, types[i % 2]);
		CHECK(results.admit == -EUSERS && results.join < 0, "admit: %ld, join: %ld",
		      results.admit, results.join);
	}
	COUNTS(before, open_files());
	for (size_t i = 0; i < 3; i++)
		serve_one(q, &consumers[i]);
	for (int i = 0; i < 3; i++) {
		if (i == 0)
			puppet_end(&consumers[i]);
		else if (i == 1)
			puppet_kill(&consumers[i]);
		else
			RETURNS(0, told(&consumers[i], act_destroy, 0));
		expect(try_to_admit(q, &more, SOCK_STREAM), 0, 0);
		serve_one(q, &more);
		puppet_end(&more);
		puppet_start(&more);
	}
	puppet_end(&more);
	puppet_end(&consumers[2]);
	queue_free(q);
}

/* Each consumer gets an item; some of them end without a report. */
static void three_hundred_peers_join_and_leave(void)
{
	struct spmcq_shared_options options = {.processes = 4, .threads = 2};
	struct spmcq *q = shared_at(4, &options);
	struct spmcq_lost lost[4];
	struct puppet consumer, stays;
	size_t before, most = 0;

	consumer_start(&stays, q);
	before = open_files();
	for (uint32_t i = 0; i < 300; i++) {
		check_doing("peer %u", i);
		consumer_start(&consumer, q);
		put_numbers(q, i, 1);
		RETURNS(0, told(&consumer, act_get, 0));
		CHECK(consumer.call.items[0] == i, "got %" PRI_ITEM, consumer.call.items[0]);
		if (i % 3)
			RETURNS(0, told(&consumer, act_task_done, 0));
		if (i % 5 == 0)
			RETURNS(0, told(&consumer, act_destroy, 0));
		if (i % 2)
			puppet_kill(&consumer);
		else
			puppet_end(&consumer);
		if (i % 3 == 0) {
			/* A join checks only after a tenth of a second which processes are gone. */
			if (i % 30 == 0)
				RETURNS(-EOWNERDEAD, spmcq_join(q));
			RETURNS(1, spmcq_shared_reap(q, lost, 4));
			COUNTS(i, lost[0].position);
			COUNTS(1, lost[0].items);
			RETURNS(consumer.process, lost[0].process);
		}
		RETURNS(0, spmcq_join(q));
		if (open_files() > most)
			most = open_files();
	}
	CHECK(most <= before + 8, "%zu descriptors more", most - before);
	serve_one(q, &stays);
	puppet_end(&stays);
	queue_free(q);
}

/* The items that a process held when it ended are kept until they are reaped, however many
 * processes join after it. */
static void a_place_is_not_used_again_before_the_lost_are_named(void)
{
	struct spmcq_shared_options options = {.processes = 2};
	struct spmcq *q = shared_at(8, &options);
	struct spmcq_lost lost[4];
	struct puppet holder, consumer;

	consumer_start(&holder, q);
	put_numbers(q, 0, 2);
	RETURNS(2, told(&holder, act_get_many, 2));
	puppet_kill(&holder);
	for (int i = 0; i < 10; i++) {
		consumer_start(&consumer, q);
		put_numbers(q, 2, 1);
		RETURNS(1, told(&consumer, act_drain, 0));
		puppet_end(&consumer);
	}
	RETURNS(-EOWNERDEAD, spmcq_join(q));
	RETURNS(1, spmcq_shared_reap(q, lost, 4));
	COUNTS(0, lost[0].position);
	COUNTS(2, lost[0].items);
	RETURNS(holder.process, lost[0].process);
	RETURNS(0, spmcq_join(q));
	queue_free(q);
}

static void nothing_stays_open_when_all_is_over(void)
{
	size_t before = open_files();

	for (int i = 0; i < 10; i++) {
		struct spmcq_shared_options options = {.redeliver = i % 2};
		struct puppet consumers[3];
		struct spmcq *q = shared_at(5, &options);
		long theirs[3];

		for (size_t j = 0; j < 3; j++) {
			puppet_start(&consumers[j]);
			theirs[j] = told(&consumers[j], act_open_files, 0);
			admit(q, &consumers[j]);
			serve_one(q, &consumers[j]);
		}
		CHECK(open_files() <= before + 5 + 3 * 3, "%zu descriptors more",
		      open_files() - before);
		for (size_t j = 0; j < 3; j++) {
			RETURNS(0, told(&consumers[j], act_destroy, 0));
			RETURNS(theirs[j], told(&consumers[j], act_open_files, 0));
		}
		puppet_end(&consumers[0]);
		queue_free(q);
		puppet_end(&consumers[1]);
		puppet_kill(&consumers[2]);
	}
	COUNTS(before, open_files());
}

static void descriptors_close_on_exec(void)
{
	struct puppet consumer;
	struct spmcq *q;
	unsigned found = 0;
	bool others[100];

	for (int fd = 0; fd < 100; fd++)
		others[fd] = fcntl(fd, F_GETFD) >= 0;
	q = shared_of(5);
	consumer_start(&consumer, q);
	for (int fd = 0; fd < 100; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0 || others[fd])
			continue;
		found++;
		CHECK(flags & FD_CLOEXEC, "descriptor %d stays open on exec", fd);
	}
	CHECK(found > 2, "there are only %u", found);
	puppet_end(&consumer);
	queue_free(q);
}

int main(void)
{
	RUN(socket_pairs_of_both_types_work);
	RUN(a_socket_pair_made_before_fork_works);
	RUN(a_listening_process_admits_who_connects);
	RUN(only_connected_unix_sockets_are_accepted);
	RUN(items_of_another_size_are_refused);
	RUN(the_callback_gets_the_ids_of_the_peer);
	RUN(a_refused_process_gets_an_error);
	RUN(by_default_other_users_are_refused);
	RUN(by_default_root_is_another_user_too);
	RUN(false_credentials_are_refused);
	RUN(messages_that_are_no_request_are_refused);
	RUN(a_closed_other_end_is_an_error);
	RUN(a_process_killed_before_its_admission_takes_no_place);
	RUN(a_process_killed_during_its_admission_takes_no_place);
	RUN(more_peers_than_places_are_refused);
	RUN(three_hundred_peers_join_and_leave);
	RUN(a_place_is_not_used_again_before_the_lost_are_named);
	RUN(nothing_stays_open_when_all_is_over);
	RUN(descriptors_close_on_exec);
	return check_finish();
}
