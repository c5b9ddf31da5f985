/* Who is at the other end of toband's socket, by the kernel's word. */
#include "appliance/adapters/client_socket.h"
#include "appliance/engine/api.h"
#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DAEMON = 1, NOBODY = 65534, PATIENCE_USEC = 10000000 };

struct heard {
    size_t frames;
    enum api_peer newest;
};

static void hear(void *context, uint64_t client, enum api_peer peer, const uint8_t *frame,
                 size_t len_bytes)
{
    struct heard *heard = context;

    (void)client;
    (void)frame;
    if (len_bytes > 0) {
        heard->frames++;
        heard->newest = peer;
    }
}

static void gone(void *context, uint64_t client)
{
    (void)context;
    (void)client;
}

/* Asks once, as this user, and ends. */
static pid_t ask_as(const char *path, uid_t user)
{
    struct api_request request = {.type = API_READ, .id = 1, .read = {.what = API_READ_STATUS}};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    uint8_t frame[API_REQUEST_BYTES_MAX];
    size_t len_bytes = api_request_encode(&request, frame, sizeof(frame));
    pid_t child = fork();
    int fd;

    if (child != 0) {
        return child;
    }
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if ((user != 0 && setuid(user) < 0) ||
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        write(fd, frame, len_bytes) != (ssize_t)len_bytes) {
        _exit(1);
    }
    _exit(0);
}

static void the_kernel_says_who_is_root_who_drives_printers_and_who_is_a_stranger(void **state)
{
    char folder[] = "/tmp/toban-client-XXXXXX", path[64];
    struct heard heard = {0};
    struct client_socket *socket_of = NULL;
    sd_event *event = NULL;
    const struct {
        uid_t user;
        enum api_peer peer;
    } clients[] = {{0, API_PEER_LOCAL}, {NOBODY, API_PEER_STRANGER}, {DAEMON, API_PEER_DRIVER}};

    (void)state;
    if (geteuid() != 0) {
        skip(); /* needs root: another user's process is asked */
    }
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0755), 0);
    (void)snprintf(path, sizeof(path), "%s/socket", folder);
    assert_true(sd_event_new(&event) >= 0);
    assert_int_equal(client_socket_create(&(struct client_socket_options){.event = event,
                                                                          .path = path,
                                                                          .driver_user = "daemon",
                                                                          .on_frame = hear,
                                                                          .on_gone = gone,
                                                                          .context = &heard},
                                          &socket_of),
                     0);
    assert_int_equal(chmod(path, 0777), 0);
    for (size_t i = 0; i < ARRAY_COUNT(clients); i++) {
        pid_t child = ask_as(path, clients[i].user);
        int status;

        assert_true(child > 0);
        while (heard.frames == i && sd_event_run(event, PATIENCE_USEC) > 0) {
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_int_equal(heard.frames, i + 1);
        assert_int_equal(heard.newest, clients[i].peer);
    }
    client_socket_destroy(socket_of);
    (void)sd_event_unref(event);
    (void)unlink(path);
    (void)rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_says_who_is_root_who_drives_printers_and_who_is_a_stranger),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
