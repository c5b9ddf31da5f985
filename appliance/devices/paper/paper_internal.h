/* appliance/devices/paper/paper_internal.h - what the files of this folder share. */
#ifndef APPLIANCE_DEVICES_PAPER_PAPER_INTERNAL_H
#define APPLIANCE_DEVICES_PAPER_PAPER_INTERNAL_H

#include "appliance/devices/paper/paper.h"

/* A text that grows. Whoever adds knows that it fits: every part has its own bound. */
struct paper_words {
    char *text;
    size_t len_bytes, capacity_bytes;
};

struct paper_words paper_words_over(char *text, size_t capacity_bytes);
void paper_words_add(struct paper_words *words, const char *more);
/* With at least so many digits. */
void paper_words_number(struct paper_words *words, uint32_t number, unsigned digits);
/* Bytes of the character that begins here; 1 for what is none. */
size_t paper_char_bytes(const char *text);

#endif
