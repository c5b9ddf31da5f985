/*
 * appliance/gateway/problem.h - the gateway's own refusals, as RFC 9457 problem documents.
 *
 * Decides: status, code and the Japanese and English sentences of what the gateway refuses by itself.
 * Refusals about tickets, counters and duty are the engine's. A document never repeats what the client
 * sent, and names no program, version or file. No I/O, no allocation.
 */
#ifndef APPLIANCE_GATEWAY_PROBLEM_H
#define APPLIANCE_GATEWAY_PROBLEM_H

#include <stddef.h>
#include <stdint.h>

enum problem_limit { PROBLEM_BYTES_MAX = 2048 };

enum problem {
    PROBLEM_NONE = 0,
    PROBLEM_BAD_REQUEST,        /* 400: framing or a header that cannot be trusted */
    PROBLEM_BAD_JSON,           /* 400 */
    PROBLEM_KEY_MISSING,        /* 400 */
    PROBLEM_SIGN_IN,            /* 401: no credential, and this needs one */
    PROBLEM_TLS_ONLY,           /* 403: not on the plain listener */
    PROBLEM_CROSS_ORIGIN,       /* 403 */
    PROBLEM_NO_SUCH_PATH,       /* 404 */
    PROBLEM_NO_SUCH_METHOD,     /* 405 */
    PROBLEM_BODY_TOO_LARGE,     /* 413 */
    PROBLEM_PATH_TOO_LONG,      /* 414 */
    PROBLEM_NOT_JSON,           /* 415 */
    PROBLEM_WRONG_HOST,         /* 421 */
    PROBLEM_KEY_INVALID,        /* 422 */
    PROBLEM_NOT_AN_OBJECT,      /* 422 */
    PROBLEM_DUPLICATE_MEMBER,   /* 422 */
    PROBLEM_UNKNOWN_MEMBER,     /* 422 */
    PROBLEM_MISSING_MEMBER,     /* 422 */
    PROBLEM_BAD_MEMBER,         /* 422 */
    PROBLEM_BAD_SECRET,         /* 422: a password or PIN that everybody would guess */
    PROBLEM_TICKET_OR_NUMBER,
    PROBLEM_PLACE_AFTER,
    PROBLEM_CATEGORY_OR_COUNTER,   /* 422: call names one visitor, by ticket or by number */
    PROBLEM_TOO_MANY_OF_ADDRESS, /* 429: registrations of one address */
    PROBLEM_OVERLOAD,           /* 503 from here on */
    PROBLEM_TOO_MANY_STREAMS,
    PROBLEM_ENGINE_AWAY,
    PROBLEM_ENGINE_SILENT,
    PROBLEM_NOT_SERVING,
    PROBLEM_OUTCOME_UNKNOWN,
    PROBLEM_END,
};

uint16_t problem_status(enum problem problem);
uint16_t problem_retry_after_s(enum problem problem); /* 0: say nothing */
const char *problem_code(enum problem problem);
/* The document; `name` and `value` are one more member of it (codes of our own), or both NULL.
 * Returns its length, always less than PROBLEM_BYTES_MAX. */
size_t problem_render(enum problem problem, const char *name, const char *value,
                      char document[PROBLEM_BYTES_MAX]);
/* Copies text that may stand inside a JSON string as it is: anything else becomes '?'. */
void problem_clean_text(const char *text, char *ret_text, size_t capacity_bytes);

#endif
