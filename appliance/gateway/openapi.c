#include "appliance/gateway/internal.h"

/* The description lives as one file in the tree and travels inside the program. */
__asm__(".section .rodata\n"
        ".type openapi_begin, @object\n"
        "openapi_begin:\n"
        ".incbin \"appliance/gateway/openapi.json\"\n"
        "openapi_end:\n"
        ".byte 0\n"
        ".balign 8\n"
        "openapi_len_bytes:\n"
        ".quad openapi_end - openapi_begin\n"
        ".previous\n");

extern const char openapi_begin[];
extern const uint64_t openapi_len_bytes;

const char *openapi_text(size_t *ret_len_bytes)
{
    *ret_len_bytes = (size_t)openapi_len_bytes;
    return openapi_begin;
}
