/*
 * Four workers run tasks: each counts the primes in a range. If that takes longer than the seconds
 * that the program is given, tasks that have not begun are dropped.
 */
#include <pthread.h>
#include <spmcq.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORKERS = 4, RANGE = 1000, END = 200000 };

struct task {
	void (*run)(int from);
	int from;
};

static struct spmcq *tasks;
static _Atomic int primes;

static void count_primes(int from)
{
	for (int n = from < 2 ? 2 : from; n < from + RANGE; n++) {
		int divisor = 2;

		while (divisor * divisor <= n && n % divisor != 0)
			divisor++;
		primes += divisor * divisor > n;
	}
}

static void *work(void *unused)
{
	struct task task;

	for (; spmcq_get(tasks, &task) == 0; spmcq_task_done(tasks))
		task.run(task.from);
	return unused;
}

int main(int argc, char **argv)
{
	struct timespec deadline = spmcq_after(argc > 1 ? atof(argv[1]) : 60);
	pthread_t workers[WORKERS];
	int r = spmcq_create(&tasks, 16, sizeof(struct task), NULL);

	for (int i = 0; i < WORKERS; i++)
		if (r != 0 || pthread_create(&workers[i], NULL, work, NULL) != 0)
			return 1;
	for (struct task task = {count_primes, 0}; r == 0 && task.from < END; task.from += RANGE)
		r = spmcq_put_until(tasks, &task, &deadline);
	if (r == 0)
		r = spmcq_join_until(tasks, &deadline);
	spmcq_shutdown_now(tasks); /* workers end what they have begun */
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	printf("%d primes %s\n", primes, r == 0 ? "below 200000" : "so far: no more time");
	return spmcq_destroy(tasks);
}
