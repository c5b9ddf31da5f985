/* appliance/access/access_parts.h - what the files of this folder share; nobody else includes it. */
#ifndef APPLIANCE_ACCESS_ACCESS_PARTS_H
#define APPLIANCE_ACCESS_ACCESS_PARTS_H

#include "appliance/access/access.h"

/* Positions; -1: not there. */
int parts_session(const struct access *access, const struct ids_hash *token);
int parts_device(const struct access *access, const struct ids_hash *token);
int parts_throttle(const struct access *access, const uint8_t who[ACCESS_ADDRESS_BYTES]);
int parts_answer(const struct access *access, const struct ids_token *key);
bool parts_hash_is_zero(const struct ids_hash *hash);
/* May this session still be used? */
bool parts_session_lives(const struct access *access, const struct access_session *session,
                         int64_t at_ms);
/* The name of a device among the throttles. */
void parts_device_key(uint16_t device, uint8_t who[ACCESS_ADDRESS_BYTES]);
uint64_t parts_delay_ms(uint16_t failures, int64_t failed_ms, int64_t at_ms, uint64_t max_ms);
bool parts_text_is_utf8(const char *text);
/* Of the remembered answers, which are as many as there may be: the one to forget. */
const struct access_answer *parts_oldest_answer(const struct access *access);
/* A row of the state with the same identity as `row`; NULL kind 0: none. */
bool parts_current(const struct access *access, const struct access_row *row,
                   struct access_row *ret_current);

#endif
