#include "appliance/gateway/answer.h"

#include <stdio.h>
#include <string.h>

static const char policy[] = "default-src 'self'; object-src 'none'; base-uri 'none'; "
                             "form-action 'self'; frame-ancestors 'none'";

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    /* Only fails without memory; an answer without one header is better than none. */
    (void)MHD_add_response_header(response, name, value);
}

void answer_harden(struct MHD_Response *response, const char *cache_control)
{
    add(response, MHD_HTTP_HEADER_CACHE_CONTROL, cache_control);
    add(response, "X-Content-Type-Options", "nosniff");
}

static struct MHD_Response *copy_of(const void *body, size_t len_bytes, const char *content_type,
                                    const char *cache_control)
{
    /* The library copies it, and does not write through the pointer. */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len_bytes, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);

    if (response != NULL) {
        if (content_type != NULL) {
            add(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
        }
        answer_harden(response, cache_control);
    }
    return response;
}

struct MHD_Response *answer_json(uint16_t status, const void *body, size_t len_bytes,
                                 uint16_t retry_after_s)
{
    const char *type = status >= 400 ? "application/problem+json" : "application/json";
    struct MHD_Response *response = copy_of(body, len_bytes, type, "no-store");
    char seconds[8];

    if (response != NULL && retry_after_s > 0) {
        (void)snprintf(seconds, sizeof(seconds), "%u", retry_after_s);
        add(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
    return response;
}

struct MHD_Response *answer_problem(enum problem problem, const char *name, const char *value)
{
    char document[PROBLEM_BYTES_MAX];
    size_t len_bytes = problem_render(problem, name, value, document);

    return answer_json(problem_status(problem), document, len_bytes,
                       problem_retry_after_s(problem));
}

struct MHD_Response *answer_text(const void *body, size_t len_bytes, const char *content_type)
{
    return copy_of(body, len_bytes, content_type, "no-store");
}

struct MHD_Response *answer_file(const void *bytes, size_t len_bytes, const char *content_type,
                                 const char *tag, bool lasting)
{
    /* Pages are asked for again each time, so that an updated unit is never shown an old page; the
     * tag makes that one short answer. */
    struct MHD_Response *response =
        copy_of(bytes, len_bytes, content_type,
                lasting ? "public, max-age=31536000, immutable" : "no-cache");

    if (response != NULL) {
        add(response, MHD_HTTP_HEADER_ETAG, tag);
        add(response, "Content-Security-Policy", policy);
        add(response, "Referrer-Policy", "no-referrer");
    }
    return response;
}

struct MHD_Response *answer_tagged_json(const void *body, size_t len_bytes, const char *tag)
{
    struct MHD_Response *response = copy_of(body == NULL ? "" : body, body == NULL ? 0 : len_bytes,
                                            body == NULL ? NULL : "application/json", "no-cache");

    if (response != NULL) {
        add(response, MHD_HTTP_HEADER_ETAG, tag);
    }
    return response;
}

struct MHD_Response *answer_redirect(const char *to)
{
    struct MHD_Response *response = copy_of("", 0, NULL, "no-store");

    if (response != NULL) {
        add(response, MHD_HTTP_HEADER_LOCATION, to);
    }
    return response;
}
