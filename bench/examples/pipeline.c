/*
 * main puts lines into a queue, one thread puts their words into another, three count those. Each
 * queue has one producer, which shuts it down after its last item: so the next stage ends, too.
 */
#include <pthread.h>
#include <spmcq.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct word {
	const char *text;
	size_t length;
};

static struct spmcq *lines, *words;
static _Atomic size_t count, letters;

static void *split(void *unused)
{
	const char *line;

	while (spmcq_get(lines, &line) == 0)
		for (; *line != '\0'; line += strspn(line, " ")) {
			struct word word = {line, strcspn(line, " ")};

			spmcq_put(words, &word);
			line += word.length;
		}
	spmcq_shutdown(words);
	return unused;
}

static void *tally(void *unused)
{
	struct word word;

	for (; spmcq_get(words, &word) == 0; count++)
		letters += word.length;
	return unused;
}

int main(void)
{
	const char *text[] = {"to be or not to be", "that is the question"};
	pthread_t threads[4];
	int r = spmcq_create(&lines, 4, sizeof(char *), NULL) ||
	        spmcq_create(&words, 64, sizeof(struct word), NULL);

	for (int i = 0; i < 4; i++)
		if (r != 0 || pthread_create(&threads[i], NULL, i == 0 ? split : tally, NULL) != 0)
			return 1;
	for (int i = 0; i < 2; i++)
		spmcq_put(lines, &text[i]);
	spmcq_shutdown(lines);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	printf("%zu words, %zu letters\n", count, letters);
	return spmcq_destroy(lines) != 0 || spmcq_destroy(words) != 0;
}
