/*
 * appliance/gateway/people_body.h - reads the JSON bodies of people.h's requests.
 *
 * Decides: one flat object, no member twice, none that the request does not take, each of its type and size. Passwords
 * are copied once, into `ret_body`, whose owner forgets them; the parser's own copies are overwritten. Only jansson
 * allocates, bounded by the body's length.
 */
#ifndef APPLIANCE_GATEWAY_PEOPLE_BODY_H
#define APPLIANCE_GATEWAY_PEOPLE_BODY_H

#include "appliance/access/access.h"
#include "appliance/engine/api.h"
#include "appliance/gateway/problem.h"

struct people_body {
    char proof[ACCESS_PASSWORD_BYTES_MAX + 1]; /* typed to be recognised; "": none is asked for */
    char fresh[ACCESS_PASSWORD_BYTES_MAX + 1]; /* typed to be used from now on */
    char credential[ACCESS_PASSWORD_BYTES_MAX + 1]; /* that was given to a browser; "": none */
    bool token_wanted;
};

/* access->what says which request it is; the rest of it is filled. PROBLEM_NONE, or what is wrong and the member. */
enum problem people_body_parse(const char *bytes, size_t len_bytes, struct api_access *access,
                               struct people_body *ret_body, const char **ret_member);

#endif
