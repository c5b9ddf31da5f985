#include "appliance/engine/engine_csv.h"

#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CSV_TEXT_BYTES = 1024, YEAR = 10000, MONTH = 100 };

void csv_begin(struct csv *csv)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";

    *csv = (struct csv){0};
    csv_put(csv, byte_order_mark, sizeof(byte_order_mark) - 1);
}

void csv_put(struct csv *csv, const char *text, size_t len_bytes)
{
    while (csv->len_bytes + len_bytes + 1 > csv->capacity_bytes) {
        csv->capacity_bytes = csv->capacity_bytes == 0 ? 4096 : 2 * csv->capacity_bytes;
        csv->text = realloc(csv->text, csv->capacity_bytes);
        CHECK_GIVEN(csv->text != NULL);
    }
    memcpy(csv->text + csv->len_bytes, text, len_bytes);
    csv->len_bytes += len_bytes;
    csv->text[csv->len_bytes] = '\0';
}

void csv_field(struct csv *csv, const char *text)
{
    bool formula = *text != '\0' && strchr("=+-@", *text) != NULL;
    bool quoted = formula || strpbrk(text, ",\"\r\n") != NULL;

    if (csv->begun) {
        csv_put(csv, ",", 1);
    }
    csv->begun = true;
    csv_put(csv, "\"", quoted ? 1 : 0);
    csv_put(csv, "'", formula ? 1 : 0);
    for (; *text != '\0'; text++) {
        csv_put(csv, text, 1);
        csv_put(csv, "\"", *text == '"' ? 1 : 0);
    }
    csv_put(csv, "\"", quoted ? 1 : 0);
}

void csv_digits(struct csv *csv, const char *digits)
{
    csv_put(csv, ",", csv->begun ? 1 : 0);
    csv->begun = true;
    csv_put(csv, digits, strlen(digits));
}

__attribute__((format(printf, 2, 3))) void csv_field_of(struct csv *csv, const char *format, ...)
{
    char text[CSV_TEXT_BYTES];
    va_list given;

    va_start(given, format);
    (void)vsnprintf(text, sizeof(text), format, given);
    va_end(given);
    csv_field(csv, text);
}

void csv_line(struct csv *csv)
{
    csv_put(csv, "\r\n", 2);
    csv->begun = false;
}

void csv_date(struct csv *csv, uint32_t date)
{
    csv_field_of(csv, "%04u-%02u-%02u", date / YEAR, date / MONTH % MONTH, date % MONTH);
}
