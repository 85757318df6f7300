/*
 * Keys that cannot be made because the system refuses something; and system calls that sealing does
 * not make. The linker sends the library's calls here (--wrap).
 */
#include "sealing.h"

#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool no_memory, no_sodium, no_lock;
static int refused_advice = -1;
static int pages; /* allocated and not freed */

void *__real_sodium_malloc(size_t size);
void __real_sodium_free(void *memory);
int __real_sodium_init(void);
int __real_madvise(void *at, size_t size, int advice);
int __real_mlock(const void *at, size_t size);

void *__wrap_sodium_malloc(size_t size);
void __wrap_sodium_free(void *memory);
int __wrap_sodium_init(void);
int __wrap_madvise(void *at, size_t size, int advice);
int __wrap_mlock(const void *at, size_t size);

void *__wrap_sodium_malloc(size_t size)
{
	if (no_memory)
		return NULL;
	pages++;
	return __real_sodium_malloc(size);
}

void __wrap_sodium_free(void *memory)
{
	pages -= memory != NULL;
	__real_sodium_free(memory);
}

int __wrap_sodium_init(void)
{
	return no_sodium ? -1 : __real_sodium_init();
}

int __wrap_madvise(void *at, size_t size, int advice)
{
	if (advice == refused_advice) {
		errno = EINVAL;
		return -1;
	}
	return __real_madvise(at, size, advice);
}

int __wrap_mlock(const void *at, size_t size)
{
	if (no_lock) {
		errno = ENOMEM;
		return -1;
	}
	return __real_mlock(at, size);
}

/* Neither made nor imported, nothing is left behind, and the bytes are as before. */
static void expect_no_key(int want, struct exported *exported)
{
	static char untouched;
	struct spmcq_key *key = (struct spmcq_key *)(void *)&untouched;
	struct exported before = *exported;

	RETURNS(want, spmcq_key_create(&key, SPMCQ_ALGORITHM_AUTO));
	RETURNS(want, spmcq_key_import(&key, exported->bytes, sizeof(exported->bytes)));
	CHECK((void *)key == &untouched, "a refused call changed the pointer");
	CHECK(memcmp(before.bytes, exported->bytes, sizeof(before.bytes)) == 0,
	      "a refused import changed the bytes");
	CHECK(pages == 0, "%d keys are left behind", pages);
}

static void a_key_that_cannot_be_kept_safe_is_not_made(void)
{
	struct spmcq_key *key = key_of(SPMCQ_ALGORITHM_AUTO);
	struct exported exported = export_of(key);

	CHECK(pages == 1, "a key has no pages of its own");
	spmcq_key_destroy(key);
	no_memory = true;
	expect_no_key(-ENOMEM, &exported);
	no_memory = false;
	no_lock = true;
	expect_no_key(-EPERM, &exported);
	no_lock = false;
	refused_advice = MADV_DONTDUMP;
	expect_no_key(-ENOTSUP, &exported);
	refused_advice = MADV_WIPEONFORK;
	expect_no_key(-ENOTSUP, &exported);
	refused_advice = -1;
	no_sodium = true;
	expect_no_key(-EIO, &exported);
	no_sodium = false;
	spmcq_key_destroy(import_of(exported));
}

static void a_refused_import_leaves_nothing_behind(void)
{
	struct spmcq_key *key = key_of(SPMCQ_XCHACHA20POLY1305);
	struct exported exported = export_of(key);

	spmcq_key_destroy(key);
	exported.bytes[AT_ZERO] = 1;
	sign(&exported);
	RETURNS(-EBADMSG, spmcq_key_import(&key, exported.bytes, sizeof(exported.bytes)));
	CHECK(pages == 0, "%d keys are left behind", pages);
}

/* In strict mode the kernel ends a process at any system call but read, write and exit. */
static void seal_in_strict_mode(struct spmcq_key *key)
{
	static unsigned char items[8192], sealed[8192 + SPMCQ_TAG_MOST];

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
		syscall(SYS_exit, 77);
	for (size_t n = 1; n <= sizeof(items); n *= 2) {
		ssize_t size = spmcq_seal_items(key, n, items, n, 1, sealed, sizeof(sealed));

		if (size < 0 ||
		    spmcq_open_items(key, n, sealed, (size_t)size, items, n, 1) != (ssize_t)n ||
		    spmcq_open_items(key, 0, sealed, (size_t)size, items, n, 1) != -EBADMSG)
			syscall(SYS_exit, 1);
	}
	syscall(SYS_exit, 0);
}

/* The key is the child's own: it would not have that of its parent. */
static void without_system_calls(enum spmcq_algorithm algorithm)
{
	int status;
	pid_t child = fork();

	CHECK(child >= 0, "no child: %d", errno);
	if (child == 0)
		seal_in_strict_mode(key_of(algorithm));
	CHECK(waitpid(child, &status, 0) == child, "the child is not there");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		check_skip("there is no seccomp");
	CHECK(!WIFSIGNALED(status), "ended by signal %d: a system call", WTERMSIG(status));
	RETURNS(0, WEXITSTATUS(status));
}

static void sealing_and_opening_make_no_system_call(void)
{
	with_each_algorithm(without_system_calls);
}

int main(void)
{
	RUN(a_key_that_cannot_be_kept_safe_is_not_made);
	RUN(a_refused_import_leaves_nothing_behind);
	RUN(sealing_and_opening_make_no_system_call);
	return check_finish();
}
