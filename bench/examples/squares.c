/*
 * One producer puts 0 to 99, five consumers square them, and join waits
 * until all is done.
 */
#include <pthread.h>
#include <spmcq.h>
#include <stdio.h>

enum { NUMBERS = 100, CONSUMERS = 5 };

static struct spmcq *queue;
static long squares[NUMBERS];

static void *consume(void *unused)
{
	long n;

	while (spmcq_get(queue, &n) == 0) { /* until shut down */
		squares[n] = n * n;
		spmcq_task_done(queue);
	}
	return unused;
}

int main(void)
{
	pthread_t threads[CONSUMERS];

	if (spmcq_create(&queue, 16, sizeof(long), NULL) != 0)
		return 1;
	for (int i = 0; i < CONSUMERS; i++)
		if (pthread_create(&threads[i], NULL, consume, NULL) != 0)
			return 1;
	for (long n = 0; n < NUMBERS; n++)
		spmcq_put(queue, &n);
	/* What consumers wrote before task_done can be read after join. */
	spmcq_join(queue);
	for (int n = 0; n < NUMBERS; n++)
		printf("%s(%d, %ld)", n == 0 ? "[" : ", ", n, squares[n]);
	puts("]");
	spmcq_shutdown(queue);
	for (int i = 0; i < CONSUMERS; i++)
		pthread_join(threads[i], NULL);
	return spmcq_destroy(queue);
}
