/*
 * appliance/engine/engine_csv.h - a file for spreadsheets, field by field: RFC 4180, UTF-8 with byte order mark, CRLF.
 *
 * Decides: quoting; a text that a spreadsheet would take for a formula has an apostrophe before it. Decides not: what
 * stands in the file. `text` is allocated and grows; it belongs to whoever began.
 */
#ifndef APPLIANCE_ENGINE_ENGINE_CSV_H
#define APPLIANCE_ENGINE_ENGINE_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct csv {
    char *text;
    size_t len_bytes, capacity_bytes;
    bool begun; /* a field stands in this line */
};

void csv_begin(struct csv *csv);
void csv_put(struct csv *csv, const char *text, size_t len_bytes); /* as it is */
void csv_field(struct csv *csv, const char *text);
void csv_digits(struct csv *csv, const char *digits); /* a number, or nothing */
void csv_field_of(struct csv *csv, const char *format, ...) __attribute__((format(printf, 2, 3)));
void csv_date(struct csv *csv, uint32_t date);
void csv_line(struct csv *csv); /* ends it */

#endif
