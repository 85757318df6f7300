/*
 * For libFuzzer: any capacity, item size and first position. create fails as promised or makes a
 * queue of that very capacity, which is used at both ends of its memory.
 */
#include <errno.h>
#include <spmcq.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ITEM_MOST = 4096, FILL_MOST = 64, BYTES_MOST = 1 << 22 };

static void expect(int holds)
{
	if (!holds)
		abort();
}

static void use(struct spmcq *q, size_t capacity, size_t item_size)
{
	static unsigned char item[ITEM_MOST], back[ITEM_MOST];
	size_t fill = capacity < FILL_MOST ? capacity : FILL_MOST;

	if (item_size > ITEM_MOST)
		return;
	for (size_t i = 0; i < fill; i++) {
		memset(item, (int)(i + 1), item_size);
		expect(spmcq_try_put(q, item) == 0);
	}
	expect(spmcq_size(q) == fill);
	if (fill == capacity)
		expect(spmcq_try_put(q, item) == -EAGAIN);
	for (size_t i = 0; i < fill; i++) {
		memset(item, (int)(i + 1), item_size);
		expect(spmcq_try_get(q, back) == 0 && memcmp(item, back, item_size) == 0);
	}
	expect(spmcq_try_get(q, back) == -EAGAIN);
	expect(spmcq_task_done_many(q, fill) == 0 && spmcq_join(q) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spmcq_options options = {0};
	struct spmcq *q = NULL;
	uint64_t words[3];
	size_t capacity, item_size;
	int result;

	if (size < sizeof(words))
		return 0;
	memcpy(words, data, sizeof(words));
	/* Small ones, and those near a power of two, more often than chance would have them. */
	capacity = (size_t)(words[0] >> (words[0] & 63));
	item_size = (size_t)(words[1] >> (words[1] & 63));
	options.first_position = words[2];
	result = spmcq_create(&q, capacity, item_size, &options);
	if (capacity == 0 || item_size == 0) {
		expect(result == -EINVAL && q == NULL);
		return 0;
	}
	if (capacity > SIZE_MAX / 2 / item_size)
		expect(result == -EOVERFLOW && q == NULL);
	if (result != 0) {
		expect(result == -EOVERFLOW || result == -ENOMEM);
		expect(capacity > BYTES_MOST / item_size && q == NULL);
		return 0;
	}
	expect(spmcq_capacity(q) == capacity && spmcq_item_size(q) == item_size);
	expect(spmcq_size(q) == 0 && spmcq_unfinished(q) == 0);
	use(q, capacity, item_size);
	expect(spmcq_destroy(q) == 0);
	return 0;
}
