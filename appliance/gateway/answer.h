/*
 * appliance/gateway/answer.h - HTTP responses with the headers that every answer of ours carries.
 *
 * No Server header, no versions, nosniff everywhere; API answers are never stored; pages get the content
 * security policy. NULL: out of memory.
 */
#ifndef APPLIANCE_GATEWAY_ANSWER_H
#define APPLIANCE_GATEWAY_ANSWER_H

#include "appliance/gateway/problem.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies the body. status >= 400: a problem document. retry_after_s 0: none. */
struct MHD_Response *answer_json(uint16_t status, const void *body, size_t len_bytes,
                                 uint16_t retry_after_s);
/* name and value as in problem_render. */
struct MHD_Response *answer_problem(enum problem problem, const char *name, const char *value);
struct MHD_Response *answer_text(const void *body, size_t len_bytes, const char *content_type);
/* content_type NULL: the answer to a client which has this version already. lasting: it never changes. */
struct MHD_Response *answer_file(const void *bytes, size_t len_bytes, const char *content_type,
                                 const char *tag, bool lasting);
/* JSON that is asked for again with its tag; body NULL: the client has it already. */
struct MHD_Response *answer_tagged_json(const void *body, size_t len_bytes, const char *tag);
struct MHD_Response *answer_redirect(const char *to);
/* Adds what every answer carries. */
void answer_harden(struct MHD_Response *response, const char *cache_control);

#endif
