#include "tests/lib/gateway_fixture.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DESCRIPTORS_OPEN_MAX = 16 };

static void must(int r, const char *what)
{
    if (r < 0) {
        (void)fprintf(stderr, "gateway_fixture: %s: %s\n", what, strerror(-r));
        abort();
    }
}

static void *run(void *argument)
{
    must(gateway_run(argument), "run");
    return NULL;
}

void gateway_fixture_prepare(struct gateway_fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    (void)signal(SIGPIPE, SIG_IGN);
    (void)snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/toban-gateway-XXXXXX");
    must(mkdtemp(fixture->folder) == NULL ? -1 : 0, "folder");
    (void)snprintf(fixture->socket, sizeof(fixture->socket), "%s/engine", fixture->folder);
    (void)snprintf(fixture->web_dir, sizeof(fixture->web_dir), "%s/web", fixture->folder);
    must(mkdir(fixture->web_dir, 0700), "web folder");
    fixture->engine = fake_engine_create(fixture->socket);
}

void gateway_fixture_start(struct gateway_fixture *fixture, uint32_t hold_ms, uint32_t read_ms_max,
                           bool with_pages)
{
    struct gateway_config config = {.engine_socket = fixture->socket,
                                    .web_dir = with_pages ? fixture->web_dir : NULL,
                                    .voice_dir = fixture->voice_dir,
                                    .listen_count = 4,
                                    .hold_ms = hold_ms,
                                    .read_ms_max = read_ms_max};

    must(gateway_listen_parse("127.0.0.1:0", false, &config.listens[0]), "address");
    must(gateway_listen_parse("127.0.0.1:0", true, &config.listens[1]), "address");
    must(gateway_listen_parse("127.0.0.1:0", false, &config.listens[2]), "address");
    config.listens[2].relay = true;
    must(gateway_listen_parse("127.0.0.1:0", false, &config.listens[3]), "address");
    config.listens[3].plain = true;
    if (fixture->relay_peer_port != 0) {
        char text[32];

        (void)snprintf(text, sizeof(text), "127.0.0.1:%u", fixture->relay_peer_port);
        must(gateway_listen_parse(text, false, &config.relay_peer), "peer");
    }
    must(gateway_create(&config, &fixture->gateway), "create");
    fixture->port = gateway_port(fixture->gateway, 0);
    fixture->management_port = gateway_port(fixture->gateway, 1);
    fixture->relay_port = gateway_port(fixture->gateway, 2);
    fixture->plain_port = gateway_port(fixture->gateway, 3);
    must(-pthread_create(&fixture->thread, NULL, run, fixture->gateway), "thread");
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

void gateway_fixture_finish(struct gateway_fixture *fixture)
{
    if (fixture->gateway != NULL) {
        gateway_stop(fixture->gateway);
        (void)pthread_join(fixture->thread, NULL);
        gateway_destroy(fixture->gateway);
    }
    fake_engine_destroy(fixture->engine);
    (void)nftw(fixture->folder, remove_one, DESCRIPTORS_OPEN_MAX, FTW_DEPTH | FTW_PHYS);
}
