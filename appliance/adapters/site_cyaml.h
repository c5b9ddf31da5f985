/*
 * appliance/adapters/site_cyaml.h - reads the site file: what one office is, written by people in
 * YAML.
 *
 * Decides: whether a file describes a site that this program can serve, and if not, which line says
 * why. Decides not: when a configuration takes force (engine), which day is an opening day
 * (calendar).
 *
 * All or nothing: a file with an unknown key, a key twice, a missing key, a value out of its bounds
 * or overlapping number ranges is refused whole, with one error that names the line and what to do.
 * Minutes are minutes after local midnight; a closing minute is the first minute that is not open.
 * Addresses are IPv4 in dotted text, checked. Strings are UTF-8 without control characters.
 *
 * Sources: DESIGN 7 (surface), field-queue.md 3 (categories, counters), R-024 (year end), R-033.
 */
#ifndef APPLIANCE_ADAPTERS_SITE_CYAML_H
#define APPLIANCE_ADAPTERS_SITE_CYAML_H

#include "appliance/calendar/calendar.h"
#include "appliance/queue/queue.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum site_limit {
    SITE_FILE_BYTES_MAX = 64 * 1024,
    SITE_FORMAT = 1,
    SITE_UNITS_MAX = 2,
    SITE_OVERRIDES_MAX = 128,
    SITE_REFERENCES_MAX = 8,
    SITE_NAME_BYTES = QUEUE_NAME_BYTES,
    SITE_SERIAL_BYTES = 32,
    SITE_ADDRESS_BYTES = INET_ADDRSTRLEN,
    SITE_ERROR_TEXT_BYTES = 320,
    SITE_PATH_BYTES = 128,
    SITE_SERVICE_MINUTES_MAX = 240,
    SITE_WAIT_LIMIT_MINUTES_MAX = 600,
    SITE_LEAD_MINUTES_MAX = 240,
    SITE_TIER_MAX = 9,
    SITE_MINUTES_A_DAY = 24 * 60,
    SITE_UTC_OFFSET_MINUTES = 9 * 60, /* as the calendar's: Japan has one time and no other */
    SITE_PRINTERS_MAX = 4,
    SITE_RELAY_BYTES = 64, /* a relay's certificate name */
    SITE_RELAYS_MAX = 4,
    SITE_URL_BYTES = 120, /* with a ticket's id behind it, it fits a ticket's code */
    SITE_ROLL_METRES_MAX = 500,
    SITE_PRINTER_PORT = 9100,
    SITE_NOTE_BYTES = 256,       /* an explanation: some eighty characters */
    SITE_RUNNING_BYTES = 512,
    SITE_GROUPS_MAX = 16,
    SITE_ITEMS_MAX = 32,         /* of one page of the kiosk's menu */
    SITE_MENU_DEPTH_MAX = 3,
    SITE_DEVICES_MAX = 32,
    SITE_PRIORITIES_MAX = QUEUE_PRIORITY_MAX,
    SITE_TELEPHONE_BYTES = 32,
    SITE_NOTICES_MAX = 64,
    SITE_KEEP_VISITS_DAYS = 400, /* where the file switches it on and says no number */
    SITE_KEEP_VISITS_DAYS_MAX = 1100,
};

/* The languages of the pages, in this order everywhere. */
enum site_language { SITE_JA, SITE_JA_EASY, SITE_EN, SITE_ZH, SITE_KO, SITE_LANGUAGES };

/* A text in each of them; "": not given. */
struct site_name {
    char text[SITE_LANGUAGES][SITE_NAME_BYTES];
};

struct site_note {
    char text[SITE_LANGUAGES][SITE_NOTE_BYTES];
};

struct site_running {
    char text[SITE_LANGUAGES][SITE_RUNNING_BYTES];
};

/* One button of the menu: a category, or a group that opens another page. The other one is 0. */
struct site_item {
    uint16_t category;
    uint8_t group;
};

struct site_group {
    uint8_t id; /* 1.. */
    struct site_name name;
    struct site_note note;
    uint8_t item_count;
    struct site_item items[SITE_ITEMS_MAX];
};

enum site_device_kind { SITE_DEVICE_KIOSK = 1, SITE_DEVICE_BOARD = 2, SITE_DEVICE_COUNTER = 3 };

/* What stands where: names for pairing and for signs. */
struct site_device {
    uint8_t id;
    enum site_device_kind kind;
    uint16_t counter; /* of a counter's terminal; else 0 */
    char name_ja[SITE_NAME_BYTES];
    char name_en[SITE_NAME_BYTES];
};

struct site_priority {
    uint8_t level; /* 1..SITE_PRIORITIES_MAX, as the queue's */
    struct site_name name;
};

/* Whom to call, and when somebody answers. Both minutes 0: not said. */
struct site_contact {
    struct site_name name;
    char telephone[SITE_TELEPHONE_BYTES];
    uint16_t open_minute, close_minute;
};

/* What pages need beside the queue's configuration. A menu is always there: without one in the file
 * it is all categories in their order. */
struct site_pages {
    struct site_name name, organisation, section, place;
    uint8_t language_count;
    uint8_t languages[SITE_LANGUAGES]; /* enum site_language, as the kiosk shows them */
    bool public_page, silent_branch;
    bool paper, paperless; /* what a visitor may choose */
    struct site_running running;
    struct site_name category_names[QUEUE_CATEGORIES_MAX]; /* as queue.categories */
    struct site_note category_notes[QUEUE_CATEGORIES_MAX];
    struct site_name counter_names[QUEUE_COUNTERS_MAX];
    uint8_t group_count, item_count, priority_count, device_count;
    struct site_group groups[SITE_GROUPS_MAX];
    struct site_item items[SITE_ITEMS_MAX];
    struct site_priority priorities[SITE_PRIORITIES_MAX];
    struct site_device devices[SITE_DEVICES_MAX];
    struct site_contact contact;
    uint8_t relay_count;
    char relays[SITE_RELAYS_MAX][SITE_RELAY_BYTES]; /* by the names of their certificates */
};

/* Inputs whose frames prove a working service link (DESIGN 3 rule 2). */
enum site_reference_kind {
    SITE_REFERENCE_GATEWAY = 1,
    SITE_REFERENCE_PRINTER = 2,
    SITE_REFERENCE_BOARD = 3,
};

struct site_reference {
    enum site_reference_kind kind;
    char address[SITE_ADDRESS_BYTES];
};

struct site_unit {
    uint32_t id;
    char name_ja[SITE_NAME_BYTES];
    char name_en[SITE_NAME_BYTES];
    char serial[SITE_SERIAL_BYTES]; /* as printed on the unit */
    char service_address[SITE_ADDRESS_BYTES];
    char direct_address[SITE_ADDRESS_BYTES];
};

/* A ticket printer that takes ESC/POS over TCP. */
struct site_printer {
    uint8_t id; /* 1.. */
    char name_ja[SITE_NAME_BYTES];
    char name_en[SITE_NAME_BYTES];
    char address[SITE_ADDRESS_BYTES];
    uint16_t port;
    uint16_t width_dots;  /* of a roll of 80 mm or 58 mm, at 203 dpi */
    uint16_t roll_metres; /* of a new roll */
};

/* The first printer prints, the next takes over. None: visitors take their number from the screen. */
struct site_printing {
    char place_ja[SITE_NAME_BYTES]; /* where to wait; may be empty */
    char place_en[SITE_NAME_BYTES];
    char visitor_url[SITE_URL_BYTES]; /* a ticket's id is put behind it; empty: no code is printed */
    uint8_t printer_count;
    struct site_printer printers[SITE_PRINTERS_MAX]; /* by rising id */
};

/* One date that does not follow the calendar: closed, or open with its own hours. */
struct site_override {
    uint32_t date; /* yyyymmdd */
    bool open;
    uint16_t open_minute, close_minute; /* 0 when closed */
    char reason_ja[SITE_NAME_BYTES];
    char reason_en[SITE_NAME_BYTES];
};

struct site_hours {
    uint16_t open_minute, close_minute;
    uint16_t lead_minutes; /* serving must be possible this long before opening */
    uint16_t override_count;
    struct site_override overrides[SITE_OVERRIDES_MAX]; /* by rising date, each date once */
};

struct site {
    struct queue_config queue;
    struct site_hours hours;
    char floating_address[SITE_ADDRESS_BYTES];
    uint8_t floating_prefix_len;
    uint8_t unit_count;
    uint8_t reference_count;
    struct site_unit units[SITE_UNITS_MAX]; /* by rising id */
    struct site_reference references[SITE_REFERENCES_MAX];
    struct site_printing printing;
    uint16_t keep_visits_days; /* rows of single visits past their erasure (docs/STATISTICS.md); 0: none */
    struct site_pages pages;
};

/* What is wrong, for people. line counts from 1; 0: not a matter of one line. */
struct site_error {
    uint32_t line;
    char path[SITE_PATH_BYTES]; /* such as "categories[2].numbers.last"; empty: the whole file */
    char text_ja[SITE_ERROR_TEXT_BYTES];
    char text_en[SITE_ERROR_TEXT_BYTES];
};

/* 0, or negative errno with ret_error filled: -EINVAL refused by content, -EFBIG too long, -ENOMEM,
 * or what opening and reading gave. ret_site is about 250 KiB and belongs to the caller. */
int site_load_file(const char *path, struct site *ret_site, struct site_error *ret_error);
int site_load_bytes(const void *bytes, size_t len_bytes, struct site *ret_site,
                    struct site_error *ret_error);

/* One line: "FILE:LINE: path: sentence". */
void site_error_to_text(const struct site_error *error, const char *file_name, bool japanese,
                        char *text, size_t capacity_bytes);

/* Hours, lead time and overrides of the site as a calendar, with the law's holidays and no import.
 */
void site_fill_calendar(const struct site *site, struct calendar *ret_calendar);

/* "ja", "ja-easy", "en", "zh", "ko": as a ticket's language and HTTP have them. */
const char *site_language_code(enum site_language language);
/* A text that is not given: やさしい日本語 falls back to Japanese, the others to English and then to
 * Japanese. `texts` is one of the structs above, capacity_bytes that of one of its texts. */
const char *site_text_in(const char *texts, size_t capacity_bytes, enum site_language language);

/* What a visitor will read in another language than his own; no error. */
struct site_notice {
    char path[SITE_PATH_BYTES]; /* such as "categories[2].name"; "menu" */
    char text_ja[SITE_ERROR_TEXT_BYTES];
    char text_en[SITE_ERROR_TEXT_BYTES];
};
size_t site_list_notices(const struct site *site, struct site_notice *notices, size_t max);

/* One sentence for each thing that differs, for a preview; those that visitors meet come first. */
struct site_difference {
    char text_ja[SITE_ERROR_TEXT_BYTES];
    char text_en[SITE_ERROR_TEXT_BYTES];
};
enum { SITE_DIFFERENCES_MAX = 128 };
/* Returns how many were written. */
size_t site_compare(const struct site *before, const struct site *after,
                    struct site_difference *differences, size_t max);
/* Addresses, units, printers: what a unit is told when it is prepared, and no new version changes. */
bool site_machines_are_equal(const struct site *before, const struct site *after);

/* The text with the wait_limit_minutes of one category changed, and nothing else of it: comments, order
 * and spacing stay. 0 with ret_text allocated; -ENOENT there is no such category; -EINVAL refused by
 * content (as the file itself would be, or more would change), -EFBIG too long; then ret_error is
 * filled; -ENOMEM. */
int site_edit_wait_limit(const void *bytes, size_t len_bytes, uint16_t category, uint16_t minutes,
                         char **ret_text, size_t *ret_len_bytes, struct site_error *ret_error);

/* "08:30" to 510; "24:00" is the end of a day. "2026-12-28" to 20261228. false: not such a text. */
bool site_parse_minute(const char *text, uint16_t *ret_minute);
bool site_parse_date(const char *text, uint32_t *ret_date);

#endif
