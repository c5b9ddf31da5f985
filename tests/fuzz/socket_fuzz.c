/* The UNIX socket between toband and its clients, both directions: frames are cut out of a stream as engine
 * and gateway cut them, and each is given to the decoder of its type. */
#include "appliance/engine/api.h"
#include "base/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_request(const uint8_t *frame, size_t len_bytes)
{
    struct api_request request;
    struct api_request second;
    static uint8_t again[API_SITE_REQUEST_BYTES_MAX];

    if (!api_request_decode(frame, len_bytes, &request)) {
        return;
    }
    size_t again_bytes = api_request_encode(&request, again, sizeof(again));
    CHECK(again_bytes > 0);
    CHECK(api_request_decode(again, again_bytes, &second));
    CHECK(second.type == request.type && second.id == request.id);
    if (request.type == API_SITE) {
        CHECK(second.site.text_len_bytes == request.site.text_len_bytes);
        CHECK(memcmp(second.site.text, request.site.text, request.site.text_len_bytes) == 0);
    }
}

static void try_answers(const uint8_t *frame, size_t len_bytes)
{
    struct api_reply reply;
    struct api_event event;
    struct api_state state;
    struct api_printers printers;
    struct api_print_done done;
    struct api_print print;
    uint8_t again[API_REQUEST_BYTES_MAX];
    uint32_t id;

    if (api_printers_decode(frame, len_bytes, &printers)) {
        CHECK(printers.count <= API_PRINTERS_MAX);
        CHECK(api_printers_encode(&printers, again, sizeof(again)) == len_bytes);
    }
    if (api_print_done_decode(frame, len_bytes, &done)) {
        CHECK(api_print_done_encode(&done, again, sizeof(again)) == len_bytes &&
              memcmp(again, frame, 5) == 0);
    }
    if (api_print_decode(frame, len_bytes, &print)) {
        CHECK(api_print_encode(&print, again, sizeof(again)) == len_bytes);
    }
    if (api_reply_decode(frame, len_bytes, &id, &reply)) {
        CHECK(reply.body + reply.body_len_bytes <= frame + len_bytes);
    }
    if (api_event_decode(frame, len_bytes, &event)) {
        CHECK(event.body + event.body_len_bytes <= frame + len_bytes);
    }
    if (api_state_decode(frame, len_bytes, &state)) {
        CHECK(memchr(state.reason, '\0', sizeof(state.reason)) != NULL);
    }
}

static void cut_out(const uint8_t *data, size_t size, size_t max_bytes)
{
    while (size > 0) {
        int64_t len_bytes = api_frame_length(data, size, max_bytes);

        if (len_bytes <= 0 || (uint64_t)len_bytes > size) {
            CHECK(len_bytes >= -1 && (len_bytes < 0 || (uint64_t)len_bytes <= max_bytes));
            return;
        }
        CHECK(len_bytes >= API_FRAME_HEADER_BYTES);
        (void)api_frame_type(data);
        try_request(data, (size_t)len_bytes);
        try_answers(data, (size_t)len_bytes);
        data += len_bytes;
        size -= (size_t)len_bytes;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cut_out(data, size, API_REQUEST_BYTES_MAX);
    cut_out(data, size, API_REPLY_BYTES_MAX);
    (void)api_request_length(data, size);
    try_request(data, size); /* as a frame that lies about its length */
    try_answers(data, size);
    return 0;
}
