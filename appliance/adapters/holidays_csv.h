/*
 * appliance/adapters/holidays_csv.h - reads the Cabinet Office's list of holidays, syukujitsu.csv.
 *
 * Decides: whether bytes that somebody uploaded are that file, and what they say. Decides not:
 * where the bytes come from, when the list takes force, whether a person has agreed to what it
 * changes (calendar_compare shows that before).
 *
 * The file: a header line, then one line for each holiday, date and name: 2026/9/21,敬老の日.
 * Accepted are CP932 (as published) and UTF-8 with or without a byte order mark, lines that end in
 * CRLF, LF or CR in any mixture, blank lines, fields in plain double quotes, months and days with
 * or without a leading zero. Anything else is refused, and the whole file with it: the caller gets
 * either every line or none. A file that covers fewer years than the list in force, has a hole, or
 * looks torn is refused as well (calendar_import_check).
 *
 * Errors: 0, or -EINVAL with a sentence for people that names the line and says what to do, or
 * -ENOMEM. Allocates one buffer during the call and frees it. Source: field-queue.md section 5; the
 * file is published at www8.cao.go.jp and was once renamed, so it is uploaded by hand.
 */
#ifndef APPLIANCE_ADAPTERS_HOLIDAYS_CSV_H
#define APPLIANCE_ADAPTERS_HOLIDAYS_CSV_H

#include "appliance/calendar/calendar.h"

#include <stddef.h>
#include <stdint.h>

enum holidays_csv_limit {
    HOLIDAYS_CSV_BYTES_MAX = 256 * 1024, /* the published file had 21 KiB in 2026 */
    HOLIDAYS_CSV_LINES_MAX = 4096,
    HOLIDAYS_CSV_LINE_BYTES_MAX = 256, /* as UTF-8 */
    HOLIDAYS_CSV_ERROR_BYTES = 320,
};

struct holidays_csv_error {
    uint32_t line; /* from 1; 0: the file as a whole */
    char text_ja[HOLIDAYS_CSV_ERROR_BYTES], text_en[HOLIDAYS_CSV_ERROR_BYTES];
};

/* present: the list in force, or NULL. ret_import is written only on 0, ret_error only on -EINVAL.
 */
int holidays_csv_parse(const void *bytes, size_t len_bytes, const struct calendar_import *present,
                       struct calendar_import *ret_import, struct holidays_csv_error *ret_error);

#endif
