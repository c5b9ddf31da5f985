/* What the gateway counts, for the management listener: OpenMetrics, and a health answer. */
#include "appliance/gateway/answer.h"
#include "appliance/gateway/internal.h"
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_BYTES = 8192, HEALTH_BYTES = 256 };

static const uint32_t bucket_ms[INTERNAL_LATENCY_BUCKETS] = {5, 10, 25, 50, 100, 250, 1000, 3000};
static const char end_mark[] = "# EOF\n";

void metrics_note_answer(struct gateway *gateway, const struct request *request)
{
    struct counters *counters = &gateway->counters;
    uint64_t took_ms = gateway_now_ms(gateway) - request->arrived_ms;
    unsigned class = request->status / 100;

    counters->requests++;
    counters->requests_by_class[class < INTERNAL_STATUS_CLASSES ? class : 0]++;
    counters->latency_ms_sum += took_ms;
    for (size_t i = 0; i < INTERNAL_LATENCY_BUCKETS; i++) {
        counters->latency_buckets[i] += took_ms <= bucket_ms[i] ? 1 : 0;
    }
}

static void put(FILE *page, const char *name, const char *type, const char *help, uint64_t value)
{
    (void)fprintf(page, "# TYPE toban_web_%s %s\n# HELP toban_web_%s %s\ntoban_web_%s%s %llu\n",
                  name, type, name, help, name, strcmp(type, "counter") == 0 ? "_total" : "",
                  (unsigned long long)value);
}

static void put_requests(FILE *page, const struct counters *counters)
{
    (void)fprintf(page, "# TYPE toban_web_requests counter\n"
                        "# HELP toban_web_requests Answers by class of status.\n");
    for (size_t i = 1; i < INTERNAL_STATUS_CLASSES; i++) {
        (void)fprintf(page, "toban_web_requests_total{class=\"%zuxx\"} %llu\n", i,
                      (unsigned long long)counters->requests_by_class[i]);
    }
    (void)fprintf(page, "# TYPE toban_web_request_seconds histogram\n"
                        "# HELP toban_web_request_seconds Arrival to answer.\n");
    for (size_t i = 0; i < INTERNAL_LATENCY_BUCKETS; i++) {
        (void)fprintf(page, "toban_web_request_seconds_bucket{le=\"%u.%03u\"} %llu\n",
                      bucket_ms[i] / 1000, bucket_ms[i] % 1000,
                      (unsigned long long)counters->latency_buckets[i]);
    }
    (void)fprintf(
        page,
        "toban_web_request_seconds_bucket{le=\"+Inf\"} %llu\n"
        "toban_web_request_seconds_sum %llu.%03llu\ntoban_web_request_seconds_count %llu\n",
        (unsigned long long)counters->requests, (unsigned long long)counters->latency_ms_sum / 1000,
        (unsigned long long)counters->latency_ms_sum % 1000,
        (unsigned long long)counters->requests);
}

static void put_boards(FILE *page, const struct streams *streams)
{
    (void)fprintf(page,
                  "# TYPE toban_web_boards gauge\n"
                  "# HELP toban_web_boards Boards with live events, by what they can play.\n");
    for (enum sound sound = SOUND_ON; sound < SOUND_END; sound++) {
        (void)fprintf(page, "toban_web_boards{sound=\"%s\"} %u\n", stream_sound_name(sound),
                      streams->count_by_sound[sound]);
    }
}

static void put_all(FILE *page, const struct gateway *gateway)
{
    const struct counters *counters = &gateway->counters;

    put_requests(page, counters);
    put(page, "engine_connected", "gauge", "1 while the engine is connected.",
        engine_link_is_up(gateway->link) ? 1 : 0);
    put(page, "serving", "gauge", "1 while the engine says that it serves.",
        gateway->forward.state.serving ? 1 : 0);
    put(page, "requests_waiting", "gauge", "Requests held or in flight.", forward_count(gateway));
    put(page, "connections", "gauge", "Open public connections.", gateway->public_connection_count);
    put(page, "streams", "gauge", "Screens with live events.", gateway->streams.count);
    put_boards(page, &gateway->streams);
    put(page, "held", "counter", "Requests that had to wait for the engine.", counters->held);
    put(page, "sent_again", "counter", "Requests sent after waiting or again.",
        counters->sent_again);
    put(page, "relayed", "counter", "Requests passed on to the other unit.", counters->relayed);
    put(page, "timed_out", "counter", "Requests answered 503 after waiting.", counters->timed_out);
    put(page, "overloads", "counter", "Requests refused at once.", counters->overloads);
    put(page, "engine_connects", "counter", "Connections made to the engine.", counters->connects);
    put(page, "engine_disconnects", "counter", "Connections lost.", counters->disconnects);
    put(page, "refused_connections", "counter", "Connections beyond the limit.",
        counters->refused_connections);
    put(page, "closed_connections", "counter", "Idle, slow or stuck connections closed.",
        counters->closed_slow);
    put(page, "queue_events", "counter", "Queue events from the engine.", counters->queue_events);
}

static void free_text(char **text)
{
    free(*text);
}

struct MHD_Response *metrics_page(const struct gateway *gateway, const void *engine_body,
                                  size_t len_bytes)
{
    size_t end_bytes = sizeof(end_mark) - 1;
    size_t capacity_bytes = PAGE_BYTES + (engine_body == NULL ? 0 : len_bytes);
    __attribute__((cleanup(free_text))) char *text = malloc(capacity_bytes);
    FILE *page = text == NULL ? NULL : fmemopen(text, capacity_bytes, "w");
    long written;

    if (page == NULL) {
        return NULL;
    }
    put_all(page, gateway);
    if (engine_body != NULL) {
        const char *body = engine_body;

        if (len_bytes >= end_bytes &&
            memcmp(body + len_bytes - end_bytes, end_mark, end_bytes) == 0) {
            len_bytes -= end_bytes;
        }
        (void)fwrite(body, 1, len_bytes, page);
    }
    (void)fputs(end_mark, page);
    (void)fflush(page);
    written = ftell(page);
    (void)fclose(page);
    return written <= 0 ? NULL
                        : answer_text(text, (size_t)written,
                                      "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

struct MHD_Response *metrics_health(const struct gateway *gateway, uint16_t *ret_status)
{
    char document[HEALTH_BYTES];
    char reason[API_TEXT_BYTES];
    bool connected = engine_link_is_up(gateway->link);
    int len;

    problem_clean_text(gateway->forward.state.reason, reason, sizeof(reason));
    len = snprintf(
        document, sizeof(document), "{\"engine_connected\":%s,\"serving\":%s,\"reason\":\"%s\"}",
        connected ? "true" : "false", gateway->forward.state.serving ? "true" : "false", reason);
    CHECK(len > 0 && len < (int)sizeof(document));
    *ret_status = connected ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
    return answer_text(document, (size_t)len, "application/json");
}
