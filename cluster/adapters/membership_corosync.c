#include "cluster/adapters/membership.h"

#include "base/check.h"

#include <corosync/cpg.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MEMBERS_KNOWN_MAX =
        16, /* processes of the peer in the group at once; toband, and a tool or two */
    LEAVE_MS_MAX = 200,
    FACTS_PER_TURN_MAX = 64,
    NS_PER_MS = 1000000,
};

/* Belongs to the thread; the loop touches only the atomics, stop_fd and, when it goes, abandons it. */
struct watcher {
    struct cpg_name group;
    uint32_t own_node, own_unit, peer_node, peer_unit;
    int fact_fd; /* facts leave here */
    int stop_fd; /* eventfd: readable means go */
    cpg_handle_t handle;
    bool joined;   /* this process was seen in the group */
    bool expelled; /* or seen leaving it */
    uint32_t peer_pids[MEMBERS_KNOWN_MAX];
    size_t peer_pid_count;
    atomic_uint_least64_t answered_ms; /* 0: never */
    atomic_uint_least64_t strangers;
    atomic_int owners; /* thread and loop: the last one frees */
};

struct membership {
    sd_event *event;
    sd_event_source *source;
    int fact_fd;
    pthread_t thread;
    struct watcher *watcher;
    struct membership_state state;
    membership_fact_fn *on_fact;
    void *context;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NS_PER_MS;
}

static void release(struct watcher *watcher)
{
    if (atomic_fetch_sub(&watcher->owners, 1) == 1) {
        (void)close(watcher->fact_fd);
        (void)close(watcher->stop_fd);
        free(watcher);
    }
}

/* ---- in the thread ---- */

/* Waits when the loop is slow: facts are never dropped. Fails only when the loop has gone. */
static void tell(struct watcher *watcher, enum membership_kind kind, enum membership_reason reason,
                 uint32_t pid)
{
    bool own = kind == MEMBERSHIP_CONNECTED || kind == MEMBERSHIP_DISCONNECTED;
    struct membership_fact fact = {.kind = kind,
                                   .reason = reason,
                                   .unit = own ? watcher->own_unit : watcher->peer_unit,
                                   .pid = pid};

    while (send(watcher->fact_fd, &fact, sizeof(fact), MSG_NOSIGNAL) < 0 && errno == EINTR) {
    }
}

static void note_joined(struct watcher *watcher, uint32_t pid)
{
    for (size_t i = 0; i < watcher->peer_pid_count; i++) {
        if (watcher->peer_pids[i] == pid) {
            return; /* a merge lists those again that never left */
        }
    }
    if (watcher->peer_pid_count == MEMBERS_KNOWN_MAX) {
        (void)atomic_fetch_add(&watcher->strangers, 1);
        return;
    }
    watcher->peer_pids[watcher->peer_pid_count++] = pid;
    tell(watcher, MEMBERSHIP_PEER_JOINED, MEMBERSHIP_REASON_NONE, pid);
}

static void note_left(struct watcher *watcher, uint32_t pid, uint32_t cpg_reason)
{
    size_t at = 0;

    while (at < watcher->peer_pid_count && watcher->peer_pids[at] != pid) {
        at++;
    }
    if (at == watcher->peer_pid_count) {
        return;
    }
    watcher->peer_pids[at] = watcher->peer_pids[--watcher->peer_pid_count];
    switch (cpg_reason) {
    case CPG_REASON_LEAVE:
        tell(watcher, MEMBERSHIP_PEER_LEFT, MEMBERSHIP_REASON_NONE, pid);
        return;
    case CPG_REASON_PROCDOWN:
        tell(watcher, MEMBERSHIP_PEER_LOST, MEMBERSHIP_REASON_PROCESS_GONE, pid);
        return;
    default:
        tell(watcher, MEMBERSHIP_PEER_LOST, MEMBERSHIP_REASON_NODE_GONE, pid);
        return;
    }
}

static bool is_self(const struct watcher *watcher, const struct cpg_address *member)
{
    return member->nodeid == watcher->own_node && member->pid == (uint32_t)getpid();
}

static void on_change(cpg_handle_t handle, const struct cpg_name *group,
                      const struct cpg_address *members, size_t member_count,
                      const struct cpg_address *left, size_t left_count,
                      const struct cpg_address *joined, size_t joined_count)
{
    void *context = NULL;
    struct watcher *watcher;

    (void)group;
    (void)joined;
    (void)joined_count;
    if (cpg_context_get(handle, &context) != CS_OK) {
        return;
    }
    watcher = context;
    for (size_t i = 0; i < left_count; i++) {
        if (left[i].nodeid == watcher->peer_node) {
            note_left(watcher, left[i].pid, left[i].reason);
        } else if (is_self(watcher, &left[i])) {
            watcher->expelled = true;
        }
    }
    for (size_t i = 0; i < member_count; i++) {
        if (is_self(watcher, &members[i]) && !watcher->joined) {
            watcher->joined = true;
            tell(watcher, MEMBERSHIP_CONNECTED, MEMBERSHIP_REASON_NONE, 0);
        }
    }
    /* From the whole list rather than the joined one: the first change names only us as joined. */
    for (size_t i = 0; watcher->joined && i < member_count; i++) {
        if (members[i].nodeid == watcher->peer_node) {
            note_joined(watcher, members[i].pid);
        } else if (members[i].nodeid != watcher->own_node) {
            (void)atomic_fetch_add(&watcher->strangers, 1);
        }
    }
}

static void on_message(cpg_handle_t handle, const struct cpg_name *group, uint32_t node,
                       uint32_t pid, void *bytes, size_t len_bytes)
{
    (void)handle; /* nothing is said in the group: words travel over the link, authenticated */
    (void)group;
    (void)node;
    (void)pid;
    (void)bytes;
    (void)len_bytes;
}

/* True: told to stop. */
static bool wait_for_stop(const struct watcher *watcher, uint64_t wait_ms)
{
    struct pollfd stop = {.fd = watcher->stop_fd, .events = POLLIN};

    return poll(&stop, 1, (int)wait_ms) > 0;
}

static bool join(struct watcher *watcher)
{
    cpg_model_v1_data_t model = {
        .model = CPG_MODEL_V1, .cpg_deliver_fn = on_message, .cpg_confchg_fn = on_change};
    uint32_t node = 0;

    watcher->joined = false;
    watcher->expelled = false;
    watcher->peer_pid_count = 0;
    if (cpg_model_initialize(&watcher->handle, CPG_MODEL_V1, (cpg_model_data_t *)&model, watcher) !=
        CS_OK) {
        return false;
    }
    /* Another node id than the one we were told: facts about the peer could be about ourselves. */
    if (cpg_local_get(watcher->handle, &node) != CS_OK || node != watcher->own_node ||
        cpg_join(watcher->handle, &watcher->group) != CS_OK) {
        (void)cpg_finalize(watcher->handle);
        return false;
    }
    atomic_store(&watcher->answered_ms, now_ms());
    return true;
}

/* Until corosync goes (false) or we are told to stop (true). */
static bool watch(struct watcher *watcher)
{
    uint64_t ask_at_ms = now_ms() + MEMBERSHIP_ANSWER_PROBE_MS;
    int fd = -1;

    if (cpg_fd_get(watcher->handle, &fd) != CS_OK) {
        return false;
    }
    while (!watcher->expelled) {
        struct pollfd fds[] = {{.fd = watcher->stop_fd, .events = POLLIN},
                               {.fd = fd, .events = POLLIN}};
        uint64_t at_ms = now_ms();
        uint32_t node;

        (void)poll(fds, ARRAY_COUNT(fds), at_ms >= ask_at_ms ? 0 : (int)(ask_at_ms - at_ms));
        if (fds[0].revents != 0) {
            return true;
        }
        if (fds[1].revents != 0 && cpg_dispatch(watcher->handle, CS_DISPATCH_ALL) != CS_OK) {
            return false;
        }
        if ((fds[1].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) {
            return false;
        }
        if (now_ms() >= ask_at_ms) {
            if (cpg_local_get(watcher->handle, &node) != CS_OK) {
                return false;
            }
            atomic_store(&watcher->answered_ms, now_ms());
            ask_at_ms = now_ms() + MEMBERSHIP_ANSWER_PROBE_MS;
        }
    }
    return false;
}

static void *run(void *context)
{
    struct watcher *watcher = context;
    uint64_t retry_ms = MEMBERSHIP_RETRY_MS_MIN;
    bool stop = false;

    while (!stop) {
        if (!join(watcher)) {
            stop = wait_for_stop(watcher, retry_ms);
            retry_ms =
                2 * retry_ms > MEMBERSHIP_RETRY_MS_MAX ? MEMBERSHIP_RETRY_MS_MAX : 2 * retry_ms;
            continue;
        }
        stop = watch(watcher);
        if (stop) {
            (void)cpg_leave(watcher->handle, &watcher->group);
        } else if (watcher->joined) {
            tell(watcher, MEMBERSHIP_DISCONNECTED, MEMBERSHIP_REASON_NONE, 0);
            retry_ms = MEMBERSHIP_RETRY_MS_MIN;
        }
        (void)cpg_finalize(watcher->handle);
        stop = stop || wait_for_stop(watcher, retry_ms);
    }
    release(watcher);
    return NULL;
}

/* ---- in the loop ---- */

static void apply(struct membership_state *state, const struct membership_fact *fact)
{
    switch (fact->kind) {
    case MEMBERSHIP_CONNECTED:
        state->connected = true;
        return;
    case MEMBERSHIP_DISCONNECTED:
        state->connected = false;
        state->peer_present = false;
        state->peer_pid = 0;
        state->disconnects++;
        return;
    case MEMBERSHIP_PEER_JOINED:
        state->peer_present = true;
        state->peer_pid = fact->pid;
        return;
    case MEMBERSHIP_PEER_LEFT:
    case MEMBERSHIP_PEER_LOST:
        if (state->peer_pid == fact->pid) { /* an older process may go after its successor came */
            state->peer_present = false;
            state->peer_pid = 0;
        }
        return;
    }
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct membership *membership = context;

    (void)source;
    (void)events;
    for (int i = 0; i < FACTS_PER_TURN_MAX; i++) {
        struct membership_fact fact;

        if (recv(fd, &fact, sizeof(fact), MSG_DONTWAIT) != (ssize_t)sizeof(fact)) {
            return 0;
        }
        apply(&membership->state, &fact);
        membership->on_fact(membership->context, &fact);
    }
    return 0;
}

static int start_thread(struct membership *membership)
{
    sigset_t all;
    sigset_t before;
    int r;

    /* Signals are the loop's. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    atomic_store(&membership->watcher->owners, 2);
    r = pthread_create(&membership->thread, NULL, run, membership->watcher);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r != 0) {
        atomic_store(&membership->watcher->owners, 1);
    }
    return -r;
}

static struct watcher *make_watcher(const struct membership_options *options, int fact_fd)
{
    struct watcher *watcher = calloc(1, sizeof(*watcher));

    if (watcher == NULL) {
        return NULL;
    }
    watcher->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (watcher->stop_fd < 0) {
        free(watcher);
        return NULL;
    }
    watcher->fact_fd = fact_fd;
    watcher->group.length = (uint32_t)strlen(options->group);
    memcpy(watcher->group.value, options->group, watcher->group.length);
    watcher->own_node = options->own_node;
    watcher->own_unit = options->own_unit;
    watcher->peer_node = options->peer_node;
    watcher->peer_unit = options->peer_unit;
    atomic_store(&watcher->owners, 1);
    return watcher;
}

int membership_create(const struct membership_options *options, struct membership **ret_membership)
{
    struct membership *membership;
    int fds[2];
    int r;

    CHECK(options->event != NULL && options->on_fact != NULL && options->group != NULL);
    if (strlen(options->group) > MEMBERSHIP_GROUP_BYTES_MAX ||
        options->own_node == options->peer_node) {
        return -EINVAL;
    }
    membership = calloc(1, sizeof(*membership));
    if (membership == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
        free(membership);
        return -ENOMEM;
    }
    membership->fact_fd = fds[0];
    membership->watcher = make_watcher(options, fds[1]);
    if (membership->watcher == NULL) {
        (void)close(fds[0]);
        (void)close(fds[1]);
        free(membership);
        return -ENOMEM;
    }
    membership->event = sd_event_ref(options->event);
    membership->on_fact = options->on_fact;
    membership->context = options->context;
    r = sd_event_add_io(options->event, &membership->source, membership->fact_fd, EPOLLIN,
                        on_readable, membership);
    if (r >= 0) {
        r = start_thread(membership);
    }
    if (r < 0) {
        (void)sd_event_source_disable_unref(membership->source);
        (void)sd_event_unref(membership->event);
        (void)close(membership->fact_fd);
        release(membership->watcher);
        free(membership);
        return r;
    }
    *ret_membership = membership;
    return 0;
}

void membership_destroy(struct membership *membership)
{
    struct timespec until;
    uint64_t stop = 1;

    if (membership == NULL) {
        return;
    }
    (void)sd_event_source_disable_unref(membership->source);
    (void)sd_event_unref(membership->event);
    (void)!write(membership->watcher->stop_fd, &stop, sizeof(stop));
    (void)close(membership->fact_fd); /* a thread that waits to tell something wakes up, too */
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)LEAVE_MS_MAX * NS_PER_MS;
    if (until.tv_nsec >= 1000L * NS_PER_MS) {
        until.tv_nsec -= 1000L * NS_PER_MS;
        until.tv_sec++;
    }
    /* A corosync that does not answer keeps the thread: it is left behind with what it owns. */
    if (pthread_timedjoin_np(membership->thread, NULL, &until) != 0) {
        (void)pthread_detach(membership->thread);
    }
    release(membership->watcher);
    free(membership);
}

void membership_get_state(const struct membership *membership, struct membership_state *ret_state)
{
    uint64_t answered_ms = atomic_load(&membership->watcher->answered_ms);

    *ret_state = membership->state;
    ret_state->answer_age_ms = answered_ms == 0 ? UINT64_MAX : now_ms() - answered_ms;
    ret_state->strangers_ignored = atomic_load(&membership->watcher->strangers);
}
