/*
 * One producer puts 0 to 99, five consumers square them, and join waits until all is done.
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

	while (spmcq_get(queue, &n) == 0) { /* until the queue is shut down */
		squares[n] = n * n;
		spmcq_task_done(queue);
	}
	return unused;
}

int main(void)
{
	pthread_t consumers[CONSUMERS];

	if (spmcq_create(&queue, 16, sizeof(long), NULL) != 0)
		return 1;
	for (int i = 0; i < CONSUMERS; i++)
		if (pthread_create(&consumers[i], NULL, consume, NULL) != 0)
			return 1;
	for (long n = 0; n < NUMBERS; n++)
		spmcq_put(queue, &n);
	spmcq_join(queue); /* what consumers wrote before task_done can be read now */
	for (int n = 0; n < NUMBERS; n++)
		printf("%s(%d, %ld)%s", n == 0 ? "[" : ", ", n, squares[n],
		       n == NUMBERS - 1 ? "]\n" : "");
	spmcq_shutdown(queue);
	for (int i = 0; i < CONSUMERS; i++)
		pthread_join(consumers[i], NULL);
	return spmcq_destroy(queue);
}
