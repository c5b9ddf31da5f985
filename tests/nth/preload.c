/*
 * Loaded before the C library into a whole program (LD_PRELOAD): the n-th call of one kind fails, once or for good.
 *
 * Calls are counted that the program itself makes, and what libraries of OBJECTS make; others promise nothing when
 * memory is out (nanomsg ends the process). What is to fail stands in a file that the judge writes and this maps,
 * NTH_CONTROL; numbers of 64 bits in the order of `struct control`. A failed call did nothing.
 * Each wrapper is the same few instructions, so that it passes on any arguments: x86-64 only.
 */
#include "tests/nth/points.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

enum point {
#define X(name) POINT_##name,
    POINTS(X)
#undef X
        POINT_COUNT,
};

enum { RANGES_MAX = 64, NLE_NOMEM_VALUE = 5, CS_ERR_LIBRARY_VALUE = 2, CYAML_ERR_OOM_VALUE = 1 };

enum armed { ARMED_NOT, ARMED_UNTIL_READY, ARMED };

/* The judge's tests/nth/nth.mjs writes and reads the same. */
struct control {
    atomic_uint_least64_t armed; /* enum armed; the judge writes it last */
    atomic_uint_least64_t point; /* 0: none fails, calls are counted; else 1 + enum point */
    atomic_uint_least64_t left;  /* the n-th from now */
    atomic_uint_least64_t stay;  /* for good */
    atomic_uint_least64_t came;  /* so many failed */
    atomic_uint_least64_t ready; /* the program said so */
    atomic_uint_least64_t
        where; /* the last call that failed, within the program; 0: within a library */
    atomic_uint_least64_t calls[POINT_COUNT];
};

struct verdict {
    void *go_on;    /* there; NULL: return */
    int64_t answer; /* this */
};

static struct {
    struct control *control;
    void *real[POINT_COUNT];
    struct {
        uintptr_t base, from, to;
    } ranges[RANGES_MAX];
    size_t range_count;
} state;

static const char *const names[] = {
#define X(name) #name,
    POINTS(X)
#undef X
};

/* ---- what fails how ------------------------------------------------------------------------------- */

static int64_t with_errno(int error, int64_t answer)
{
    errno = error;
    return answer;
}

static int64_t failure_of(enum point point)
{
    switch (point) {
#define X(name) case POINT_##name:
        NULLS(X) return with_errno(ENOMEM, 0);
        NULLS_FILE(X) return with_errno(EMFILE, 0);
        MINUS_FD(X) return with_errno(EMFILE, -1);
        MINUS_IO(X) return with_errno(EIO, -1);
        MINUS_NET(X) return with_errno(ENOBUFS, -1);
        MINUS_PEER(X) return with_errno(ECONNRESET, -1);
        MINUS_MEMORY(X) return with_errno(ENOMEM, -1);
        MINUS_AGAIN(X) return with_errno(EAGAIN, -1);
        MINUS_RIGHT(X) return with_errno(EPERM, -1);
        ERRORS_MEMORY(X) return ENOMEM;
        ERRORS_IO(X) return EIO;
        SD_ERRORS(X) return -ENOMEM;
        NL_ERRORS(X) return -NLE_NOMEM_VALUE;
        ZEROS(X) return 0;
        MINUSES(X) return -1;
        CS_ERRORS(X) return CS_ERR_LIBRARY_VALUE;
        ONES(X) return CYAML_ERR_OOM_VALUE;
#undef X
    case POINT_COUNT:
        break;
    }
    abort();
}

/* ---- whose call it is ----------------------------------------------------------------------------- */

static int note_object(struct dl_phdr_info *info, size_t size, void *context)
{
    static const char *const objects[] = {"liblmdb", "libmicrohttpd", "libsystemd", "libnl-",
                                          "libjansson"};
    bool ours = info->dlpi_name[0] == '\0'; /* the program */

    (void)size;
    (void)context;
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        ours = ours || strstr(info->dlpi_name, objects[i]) != NULL;
    }
    for (size_t i = 0; ours && i < info->dlpi_phnum && state.range_count < RANGES_MAX; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];

        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0) {
            state.ranges[state.range_count].base = info->dlpi_addr;
            state.ranges[state.range_count].from = info->dlpi_addr + part->p_vaddr;
            state.ranges[state.range_count++].to = info->dlpi_addr + part->p_vaddr + part->p_memsz;
        }
    }
    return 0;
}

static bool is_counted(uintptr_t caller, enum point point, int64_t second)
{
    if (point == POINT_epoll_ctl && (int)second == EPOLL_CTL_DEL) {
        return false; /* what is there can be taken away */
    }
    for (size_t i = 0; i < state.range_count; i++) {
        if (caller >= state.ranges[i].from && caller < state.ranges[i].to) {
            /* By syscall() libraries ask for what cannot fail, such as the number of the thread. */
            return point != POINT_syscall || state.ranges[i].base == state.ranges[0].base;
        }
    }
    return false;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("NTH_CONTROL");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);

    if (getenv("NTH_NAMES") != NULL) {
        for (size_t i = 0; i < POINT_COUNT; i++) {
            (void)puts(names[i]);
        }
    }
    if (fd < 0) {
        return;
    }
    void *memory = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (memory == MAP_FAILED) {
        abort();
    }
    (void)dl_iterate_phdr(note_object, NULL);
    state.control = memory;
}

/* ---- the wrappers --------------------------------------------------------------------------------- */

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);

static void *real_of(enum point point)
{
    if (state.real[point] == NULL) {
        /* dlsym() itself may ask for memory */
        state.real[point] = point == POINT_malloc    ? (void *)__libc_malloc
                            : point == POINT_calloc  ? (void *)__libc_calloc
                            : point == POINT_realloc ? (void *)__libc_realloc
                                                     : dlsym(RTLD_NEXT, names[point]);
    }
    return state.real[point];
}

static bool fails(struct control *control, enum point point)
{
    uint64_t armed = atomic_load(&control->armed);

    if (armed == ARMED_NOT) {
        return false;
    }
    (void)atomic_fetch_add(&control->calls[point], 1);
    if (atomic_load(&control->point) != (uint64_t)point + 1) {
        return false;
    }
    uint64_t left = atomic_load(&control->left);
    while (left > 0 && !atomic_compare_exchange_weak(&control->left, &left, left - 1)) {
    }
    if (left == 1 || (left == 0 && atomic_load(&control->stay) != 0)) {
        (void)atomic_fetch_add(&control->came, 1);
        return true;
    }
    return false;
}

__attribute__((used)) struct verdict nth_decide(int64_t point, uintptr_t caller, void *first,
                                                int64_t second);
struct verdict nth_decide(int64_t point, uintptr_t caller, void *first, int64_t second)
{
    int error = errno;
    struct verdict verdict = {.go_on = real_of((enum point)point)};

    if (state.control != NULL && is_counted(caller, (enum point)point, second) &&
        fails(state.control, (enum point)point)) {
        verdict.go_on = NULL;
        atomic_store(&state.control->where, caller - state.ranges[0].base);
        if (point == POINT_mdb_txn_commit) { /* has ended its transaction also when it fails */
            void (*end)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "mdb_txn_abort");
            end(first);
        }
        verdict.answer = failure_of((enum point)point);
        return verdict;
    }
    errno = error;
    return verdict;
}

/* Argument registers are kept over the question, then either the real function is gone to as if it had been called,
 * or the failure is returned. */
__asm__(".text\n"
        ".type nth_wrapper, @function\n"
        "nth_wrapper:\n"
        "    pushq %rbp\n"
        "    movq %rsp, %rbp\n"
        "    pushq %rdi\n"
        "    pushq %rsi\n"
        "    pushq %rdx\n"
        "    pushq %rcx\n"
        "    pushq %r8\n"
        "    pushq %r9\n"
        "    pushq %rax\n"
        "    pushq %r11\n"
        "    movq %rsi, %rcx\n"
        "    movq %rdi, %rdx\n"
        "    movq %r11, %rdi\n"
        "    movq 8(%rbp), %rsi\n"
        "    call nth_decide\n"
        "    movq %rax, %r10\n"
        "    testq %r10, %r10\n"
        "    jz 1f\n"
        "    popq %r11\n"
        "    popq %rax\n"
        "    popq %r9\n"
        "    popq %r8\n"
        "    popq %rcx\n"
        "    popq %rdx\n"
        "    popq %rsi\n"
        "    popq %rdi\n"
        "    popq %rbp\n"
        "    jmp *%r10\n"
        "1:  movq %rdx, %rax\n"
        "    leave\n"
        "    ret\n");

#define X(name)                                                                                    \
    __asm__(".text\n.globl " #name "\n.type " #name ", @function\n" #name ":\n"                    \
            "    movq $nth_point_" #name ", %r11\n    jmp nth_wrapper\n");
POINTS(X)
#undef X
/* The assembler's names for the numbers. */
__attribute__((used)) static void numbers(void)
{
#define X(name) __asm__(".set nth_point_" #name ", %c0" ::"i"(POINT_##name));
    POINTS(X)
#undef X
}

/* Not a point: the sign that the start is over. */
int sd_notify(int unset, const char *text);
int sd_notify(int unset, const char *text)
{
    int (*real)(int, const char *) = (int (*)(int, const char *))dlsym(RTLD_NEXT, "sd_notify");
    uint64_t expected = ARMED_UNTIL_READY;

    if (state.control != NULL && strstr(text, "READY=1") != NULL) {
        (void)atomic_compare_exchange_strong(&state.control->armed, &expected, ARMED_NOT);
        atomic_store(&state.control->ready, 1);
    }
    return real != NULL ? real(unset, text) : 0;
}
