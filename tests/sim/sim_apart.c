/* A seed in a process of its own: a broken invariant, a crash or a loop without end is a failure too, is told
 * as one, and the next seed is run. */
#include "tests/sim/sim_apart.h"

#include "base/check.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Two engines of about 60 MiB each and what the simulator keeps: leaks and floods go beyond. */
enum { CPU_SECONDS_MAX = 120, LAST_WORDS_BYTES = 4096, MEMORY_KIB_MAX = 320 * 1024 };

struct sim_apart {
    pid_t child;
    struct sim_result *shared;
    int words; /* what the child writes to stderr */
};

struct sim_apart *sim_apart_create(void)
{
    struct sim_apart *apart = calloc(1, sizeof(*apart));

    CHECK(apart != NULL);
    apart->shared = mmap(NULL, sizeof(*apart->shared), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    apart->words = memfd_create("sim", MFD_CLOEXEC);
    CHECK(apart->shared != MAP_FAILED && apart->words >= 0);
    return apart;
}

void sim_apart_destroy(struct sim_apart *apart)
{
    (void)munmap(apart->shared, sizeof(*apart->shared));
    (void)close(apart->words);
    free(apart);
}

static _Noreturn void run_child(const struct sim_apart *apart, const struct sim_options *options)
{
    const struct rlimit cpu = {.rlim_cur = CPU_SECONDS_MAX, .rlim_max = CPU_SECONDS_MAX};
    const struct rlimit no_core = {0};
    struct rusage usage = {0};

    (void)setrlimit(RLIMIT_CPU, &cpu);
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)dup2(apart->words, STDERR_FILENO);
    sim_run(options, apart->shared);
    (void)getrusage(RUSAGE_SELF, &usage);
    if (usage.ru_maxrss > MEMORY_KIB_MAX && !apart->shared->failed) {
        apart->shared->failed = true;
        (void)snprintf(apart->shared->why, sizeof(apart->shared->why),
                       "promise 12: two units needed %ld KiB", usage.ru_maxrss);
    }
    apart->shared->memory_kib = (uint64_t)usage.ru_maxrss;
    (void)fflush(stdout);
    _exit(0);
}

/* What it said last, on one line: a failed CHECK, or what a sanitizer found. */
static void tell_end(const struct sim_apart *apart, int status)
{
    char words[LAST_WORDS_BYTES] = "";
    struct sim_result *result = apart->shared;
    ssize_t len_bytes = pread(apart->words, words, sizeof(words) - 1, 0);
    const char *at = len_bytes > 0 ? words : "";

    words[strcspn(words, "\n")] = '\0';
    result->failed = true;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
        (void)snprintf(result->why, sizeof(result->why), "it does not end: %d s of processor time",
                       CPU_SECONDS_MAX);
    } else {
        (void)snprintf(result->why, sizeof(result->why), "it ended with status %d: %.400s",
                       WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), at);
    }
}

void sim_apart_begin(struct sim_apart *apart, const struct sim_options *options)
{
    memset(apart->shared, 0, sizeof(*apart->shared));
    CHECK(ftruncate(apart->words, 0) == 0 && lseek(apart->words, 0, SEEK_SET) == 0);
    (void)fflush(stdout);
    apart->child = fork();
    CHECK(apart->child >= 0);
    if (apart->child == 0) {
        run_child(apart, options);
    }
}

void sim_apart_end(struct sim_apart *apart, struct sim_result *ret_result)
{
    int status = 0;

    while (waitpid(apart->child, &status, 0) < 0) {
        CHECK(errno == EINTR);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        tell_end(apart, status);
    }
    *ret_result = *apart->shared;
}

void sim_apart_run(void *context, const struct sim_options *options, struct sim_result *ret_result)
{
    sim_apart_begin(context, options);
    sim_apart_end(context, ret_result);
}
