/*
 * base/ids.h - the identities that every layer shares, and how a series is written.
 *
 * A unit id is given once and never again (DESIGN 3 rule 11); its letter follows from it one to one,
 * so a letter on paper names the unit that printed it. A series is a letter, and from the second
 * session of a day on its number: "B", "B2", "B3". The empty series is plain: two disks hold it.
 */
#ifndef BASE_IDS_H
#define BASE_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ids_limit {
    IDS_HASH_BYTES = 32,
    IDS_TOKEN_BYTES = 16,        /* ticket ids, request keys, process incarnations */
    IDS_TOKEN_TEXT_BYTES = 33,   /* lower-case hexadecimal and the closing zero */
    IDS_SERIES_TEXT_BYTES = 16,  /* letters, session number and the closing zero */
    IDS_UNIT_ID_MAX = 9999,      /* letters stay at three or fewer */
    IDS_SESSION_NUMBER_MAX = 9999,
};

struct ids_hash {
    uint8_t bytes[IDS_HASH_BYTES];
};

struct ids_token {
    uint8_t bytes[IDS_TOKEN_BYTES];
};

/* Which numbers: unit == 0 is plain; otherwise this unit's session of the service day, from 1. */
struct ids_series {
    uint32_t unit;
    uint32_t session;
};

bool ids_hash_equal(const struct ids_hash *a, const struct ids_hash *b);
bool ids_token_equal(const struct ids_token *a, const struct ids_token *b);
bool ids_token_is_zero(const struct ids_token *token);
void ids_token_to_text(const struct ids_token *token, char text[IDS_TOKEN_TEXT_BYTES]);
/* Exactly 32 lower-case hexadecimal digits, or false. */
bool ids_token_from_text(const char *text, size_t len_bytes, struct ids_token *ret_token);
bool ids_series_equal(struct ids_series a, struct ids_series b);
/* "" for plain, else letters without I and O (they look like digits), then the session from 2. */
void ids_series_to_text(struct ids_series series, char text[IDS_SERIES_TEXT_BYTES]);

#endif
