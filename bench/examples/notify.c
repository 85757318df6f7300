/*
 * One producer puts a number every 50 ms; each wakes one of three sleeping consumers.
 */
#include <pthread.h>
#include <spmcq.h>
#include <stdio.h>
#include <stdlib.h>

enum { NOTICES = 10, CONSUMERS = 3 };

static struct spmcq *queue;

static void *consume(void *name)
{
	int number;

	while (spmcq_get(queue, &number) == 0) {
		printf("consumer %s got %d\n", (char *)name, number);
		spmcq_task_done(queue);
	}
	return NULL;
}

int main(void)
{
	static char names[CONSUMERS][2] = {"1", "2", "3"};
	pthread_t consumers[CONSUMERS];

	if (spmcq_create(&queue, 8, sizeof(int), NULL) != 0)
		return 1;
	for (int i = 0; i < CONSUMERS; i++)
		if (pthread_create(&consumers[i], NULL, consume, names[i]) != 0)
			return 1;
	for (int i = 0; i < NOTICES; i++) {
		int number = rand() % 257;

		printf("producer put %d\n", number);
		spmcq_put(queue, &number);
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	}
	spmcq_shutdown(queue); /* consumers get what is left, then their get fails */
	for (int i = 0; i < CONSUMERS; i++)
		pthread_join(consumers[i], NULL);
	return spmcq_destroy(queue);
}
