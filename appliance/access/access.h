/*
 * appliance/access/access.h - who may do what: accounts, devices, sessions, delays, and one table of rights.
 *
 * Decides: which role may use which right; whose token counts, and for how long; who may sign in and when the next
 * attempt is looked at; what a sign-in, a pairing or a revocation changes; how two ledgers' views of them are
 * joined. Decides not: whether a password, a PIN or a code is right (the engine compares, it has the site key), how
 * a token travels (gateway), when something is durable, what time it is.
 *
 * As in appliance/queue: state is rows. access_decide() reads state and command and writes the rows that would
 * change; the engine puts them, encoded, into an ACCESS entry; access_apply() puts rows into the state. So
 * state = fold(entries) on both units, and a sign-in survives a takeover. Each entry is also the audit record of
 * what was asked, by whom, from where, and what was answered: a refusal is an entry with few rows or none.
 *
 * Alone (DESIGN 3 rule 3) nothing is added or granted: no account, role, password, device. Signing in and out,
 * one-use codes and every revocation work, on either side of a cut. At the meeting (rule 5) rows are joined so that
 * whatever took a right away wins: revocations count upwards, an end is an end, a used code stays used.
 *
 * Secrets: this module never sees one. A session's or a device's token is known by its SHA-256. Password, PIN, TOTP
 * key and one-use codes are one sealed blob an account (`secret`), made and opened by the engine under the site key.
 *
 * Pure: no clock, I/O, allocation, randomness, globals. Time is the wall clock in milliseconds since 1970 UTC, given
 * with each call; a clock that goes back opens no ended session and locks nobody out. The state is about 400 KiB,
 * belongs to the caller. Sources: issue 4; RFC 6238 5.2 (a step is used once).
 */
#ifndef APPLIANCE_ACCESS_ACCESS_H
#define APPLIANCE_ACCESS_ACCESS_H

#include "base/bytes.h"
#include "base/ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum access_limit {
    ACCESS_ACCOUNTS_MAX = 256,
    ACCESS_DEVICES_MAX = 128,
    ACCESS_SESSIONS_MAX = 512,
    ACCESS_SESSIONS_OF_ACCOUNT_MAX = 16, /* the next one ends the one that was used longest ago */
    ACCESS_THROTTLES_MAX = 128,          /* addresses and devices that failed lately */
    ACCESS_ANSWERS_MAX = 64,             /* requests that are answered the same again; the oldest is forgotten */
    ACCESS_OFFERS_MAX = 32,              /* devices that show a code, in the memory of the unit on duty */
    ACCESS_OFFERS_OF_ADDRESS_MAX = 4,
    ACCESS_SUBJECT_MAX = 16383,          /* ids of accounts and devices: never used again */
    ACCESS_NAME_BYTES = 33,              /* a-z 0-9 . _ - and the closing zero */
    ACCESS_TITLE_BYTES = 64,             /* for people: UTF-8, with the closing zero */
    ACCESS_SECRET_BYTES_MAX = 384,
    ACCESS_ADDRESS_BYTES = 16,           /* IPv6, or IPv4 mapped into it */
    ACCESS_CODES = 10,                   /* one-use codes of an account */
    ACCESS_PAIR_CODE_CHARACTERS = 7,
    ACCESS_PAIR_MS = 10 * 60 * 1000,
    ACCESS_CHANGE_ROWS_MAX = 8,
    ACCESS_ROW_BYTES_MAX = 640,
    ACCESS_CHANGE_BYTES_MAX = ACCESS_CHANGE_ROWS_MAX * ACCESS_ROW_BYTES_MAX + 128,
    ACCESS_PASSWORD_CHARACTERS_MIN = 12,
    ACCESS_PASSWORD_BYTES_MAX = 128,
    ACCESS_PIN_DIGITS_MIN = 6,
    ACCESS_PIN_DIGITS_MAX = 8,
    ACCESS_FREE_FAILURES = 4,            /* then each failure doubles the delay, from a second */
    ACCESS_ACCOUNT_DELAY_MS_MAX = 60 * 1000,
    ACCESS_ADDRESS_DELAY_MS_MAX = 15 * 60 * 1000,
    ACCESS_FAILURES_FORGOTTEN_MS = 60 * 60 * 1000,
    ACCESS_KIOSK_IDLE_MS = 2 * 60 * 1000, /* a clerk at a ticket machine: whoever comes next is a visitor */
};

/* Who. The first five columns are machines; LOCAL is root on the unit itself, by its UNIX socket. */
enum access_role {
    ACCESS_ANYONE = 0, /* no credential */
    ACCESS_KIOSK,      /* 番号発券機 */
    ACCESS_BOARD,      /* 表示盤 */
    ACCESS_PRINTER,    /* 印字装置 */
    ACCESS_TERMINAL,   /* 呼出端末 of a counter */
    ACCESS_NOC,        /* 遠隔監視 */
    ACCESS_OPERATOR,   /* 係員 */
    ACCESS_SUPERVISOR, /* 窓口責任者 */
    ACCESS_ADMINISTRATOR, /* 管理者 */
    ACCESS_ENGINEER,   /* 保守員 */
    ACCESS_AUDITOR,    /* 監査 */
    ACCESS_LOCAL,      /* 号機の保守端末 */
    ACCESS_ROLE_END,
};

/* What may be asked; every request names one. NONE is what a request has that was forgotten: nobody may. */
enum access_right {
    ACCESS_RIGHT_NONE = 0,
    ACCESS_QUEUE_READ,     /* waiting, now serving, live events, the description of the interface */
    ACCESS_DAY_READ,
    ACCESS_TICKET_READ,    /* by its id, which is the visitor's credential, or by its number */
    ACCESS_TICKET_CANCEL,
    ACCESS_TICKET_ISSUE,
    ACCESS_TICKET_PRINTED,
    ACCESS_TICKET_REPRINT,
    ACCESS_PRINTER_USE,    /* test print, new roll */
    ACCESS_TICKET_PRESS,   /* hold, return, transfer */
    ACCESS_COUNTER_READ,
    ACCESS_COUNTER_PRESS,
    ACCESS_QUEUE_MANAGE,   /* acceptance, limits, running text */
    ACCESS_DAY_CHANGE,
    ACCESS_STATUS_READ,    /* status, ready */
    ACCESS_EXPLAIN_READ,
    ACCESS_CALENDAR_READ,
    ACCESS_METRICS_READ,
    ACCESS_STATISTICS_READ,
    ACCESS_LEDGER_READ,    /* audit, export */
    ACCESS_CONFIG_CHANGE,
    ACCESS_DUTY_CHANGE,    /* hand over, stop, resume, drills */
    ACCESS_UNIT_CHANGE,    /* approve, retire, restore: two people */
    ACCESS_FAULT,          /* failpoints */
    ACCESS_SIGN_IN,        /* also: show a pairing code, ask who one is */
    ACCESS_OWN,            /* sign out, own password, PIN, TOTP */
    ACCESS_CLERK_SIGN_IN,  /* by PIN, at a terminal or a ticket machine */
    ACCESS_PEOPLE_READ,    /* accounts, devices, sessions */
    ACCESS_PEOPLE_CHANGE,  /* accounts, pairing */
    ACCESS_PEOPLE_REVOKE,
    ACCESS_TICKET_FIND,    /* any ticket of today, by its number or in the list: who finds it has its id */
    ACCESS_TICKET_REGISTER, /* a number before arrival: where the site takes registrations */
    ACCESS_TICKET_ARRIVE,   /* by its number: only where the visitor stands before somebody */
    ACCESS_OWN_ARRIVE,      /* by its id; without a credential only where the site allows it */
    ACCESS_RIGHT_END,
};

enum access_grant {
    ACCESS_REFUSED,
    ACCESS_PUBLIC, /* where the site allows the public page */
    ACCESS_OWN_COUNTER,
    ACCESS_ALLOWED,
};

enum access_grant access_grant_of(enum access_right right, enum access_role role);
bool access_role_is_device(enum access_role role);
bool access_role_is_person(enum access_role role);
/* Of whom TOTP is asked beside the password. */
bool access_role_needs_totp(enum access_role role);
/* ABSOLUTE: from the beginning; IDLE: from the newest use. 0: without limit. */
uint64_t access_idle_ms(enum access_role role);
uint64_t access_absolute_ms(enum access_role role, bool program);
const char *access_role_code(enum access_role role); /* "kiosk", "administrator": of HTTP and `toban` */
const char *access_role_ja(enum access_role role);
enum access_role access_role_from_code(const char *code); /* ACCESS_ROLE_END: none of it */
const char *access_right_code(enum access_right right);
const char *access_right_ja(enum access_right right);
const char *access_right_en(enum access_right right);

/* ---- rows ------------------------------------------------------------------------------------------------ */

enum access_row_kind {
    ACCESS_ROW_ACCOUNT = 32, /* beyond those of the queue: one table of rows on disk */
    ACCESS_ROW_DEVICE = 33,
    ACCESS_ROW_SESSION = 34,
    ACCESS_ROW_THROTTLE = 35,
    ACCESS_ROW_ANSWER = 36,
};

struct access_account {
    uint16_t id;
    char name[ACCESS_NAME_BYTES];
    char title[ACCESS_TITLE_BYTES];
    uint8_t role;            /* enum access_role, a person's */
    uint8_t must_change;     /* the password was set by somebody else */
    uint8_t has_pin, has_totp;
    uint32_t revision;       /* of all above and of `secret`: raised by each change, only while PAIRED */
    uint32_t epoch;          /* sessions of an older one are over: new password, role, revocation */
    uint32_t revoked, restored; /* closed while revoked > restored; both only rise */
    uint16_t failures, pin_failures; /* since the newest success */
    int64_t failed_ms, pin_failed_ms;
    int64_t signed_in_ms;
    uint8_t address[ACCESS_ADDRESS_BYTES]; /* of the newest success: another address's failures do not delay it */
    uint64_t totp_step;      /* newest one used */
    uint16_t codes_used;     /* bit 0 the first */
    uint64_t changed_lsn;
    uint16_t secret_bytes;
    uint8_t secret[ACCESS_SECRET_BYTES_MAX];
};

struct access_device {
    uint16_t id;
    uint8_t role;            /* enum access_role, a machine's */
    uint16_t counter;        /* TERMINAL: its own; 0: every counter */
    char title[ACCESS_TITLE_BYTES];
    struct ids_hash token;   /* SHA-256 */
    uint8_t revoked;         /* for ever: it is paired anew */
    uint16_t by;             /* account; 0 root on the unit */
    int64_t paired_ms;
    uint64_t changed_lsn;
};

struct access_session {
    struct ids_hash token;   /* SHA-256 */
    uint16_t account;
    uint16_t device;         /* the terminal or ticket machine it was begun at; 0 none */
    uint8_t program;         /* granted by root to a program: no idle limit */
    uint8_t ended;
    uint32_t epoch;          /* the account's when it began */
    int64_t began_ms, seen_ms;
    uint64_t changed_lsn;
};

struct access_throttle {
    uint8_t who[ACCESS_ADDRESS_BYTES]; /* an address; or zeros, 1 and a device's id */
    uint16_t failures;
    int64_t failed_ms;
    uint64_t changed_lsn;
};

/* What was done for a request that had a key: asked again, of either unit, it is told so and does nothing. */
struct access_answer {
    struct ids_token key;    /* of the Idempotency-Key; never zero */
    uint64_t asked;          /* of who asked for what, without any secret: a password leaves no trace here */
    uint8_t action;          /* enum access_action */
    uint16_t subject;        /* account or device that it was about */
    uint64_t changed_lsn;
};

struct access_row {
    uint8_t kind; /* enum access_row_kind */
    uint8_t gone; /* taken out of the state */
    union {
        struct access_account account;
        struct access_device device;
        struct access_session session;
        struct access_throttle throttle;
        struct access_answer answer;
    };
};

enum access_action {
    ACCESS_SIGN_IN_PASSWORD = 1,
    ACCESS_SIGN_IN_PIN,
    ACCESS_SIGN_OUT,
    ACCESS_SEEN,            /* a session is in use: written now and then */
    ACCESS_ACCOUNT_ADD,
    ACCESS_ACCOUNT_CHANGE,  /* role, title */
    ACCESS_ACCOUNT_REVOKE,
    ACCESS_ACCOUNT_RESTORE,
    ACCESS_PASSWORD_RESET,  /* by another person: to be changed at the next sign-in; TOTP and codes go */
    ACCESS_PASSWORD_CHANGE, /* own */
    ACCESS_PIN_CHANGE,      /* own */
    ACCESS_TOTP_CHANGE,     /* own: key confirmed by a code, ten new one-use codes */
    ACCESS_GRANT,           /* root gives a program a session of an account */
    ACCESS_DEVICE_ADD,      /* a shown code is confirmed, or root adds one */
    ACCESS_DEVICE_REVOKE,
    ACCESS_SESSION_REVOKE,
    ACCESS_DENIED,          /* audit only: a right was refused */
    ACCESS_JOIN,            /* audit and rows: a meeting */
    ACCESS_IMAGE,           /* rows of the whole state, before a checkpoint */
    ACCESS_ACTION_END,
};

enum access_reason {
    ACCESS_OK = 0,
    ACCESS_WHO_ARE_YOU,     /* 401: no credential, or one that does not count (any more) */
    ACCESS_NOT_YOURS,       /* 403: this role may not */
    ACCESS_NOT_YOUR_COUNTER,/* 403 */
    ACCESS_CHANGE_FIRST,    /* 403: change the password, or set TOTP up, before anything else */
    ACCESS_WRONG,           /* 401: name, password, PIN or code: it is not said which */
    ACCESS_CODE_WANTED,     /* 401: the password fits, and a code is needed; told only with a right password */
    ACCESS_WAIT,            /* 429: too many failures */
    ACCESS_NOT_ALONE,       /* 409: only while both units are paired */
    ACCESS_NAME_TAKEN,      /* 409 */
    ACCESS_NO_SUCH,         /* 404: account, device or session */
    ACCESS_BAD_NAME,        /* 422 */
    ACCESS_BAD_ROLE,        /* 422 */
    ACCESS_BAD_SECRET,      /* 422 */
    ACCESS_LAST_ADMINISTRATOR, /* 409: nobody would be left who may */
    ACCESS_FULL,            /* 409 */
    ACCESS_NO_SUCH_CODE,    /* 404: of a pairing */
    ACCESS_KEY_REUSED,      /* 422: a remembered key came with another request */
    ACCESS_REASON_END,
};

struct access_command {
    enum access_action action;
    int64_t at_ms;
    bool alone;              /* DESIGN 3 rule 3 */
    bool local;              /* root on the unit: no token is asked for */
    struct ids_hash token;   /* SHA-256 of the token of who asks; zero none */
    uint8_t address[ACCESS_ADDRESS_BYTES];
    char name[ACCESS_NAME_BYTES];   /* whom it is about */
    uint16_t subject;        /* or account or device by its id; 0 none */
    char title[ACCESS_TITLE_BYTES];
    uint8_t role;
    uint16_t counter;
    /* Established by the engine, which has the keys: */
    bool proof;              /* password or PIN fits */
    uint64_t totp_step;      /* a code of this step fits; 0 none */
    uint8_t code;            /* the one-use code that fits, from 1; 0 none */
    bool code_given;         /* one was typed, right or wrong */
    struct ids_hash new_token; /* SHA-256 of the token drawn; SESSION_REVOKE: whose */
    uint8_t right;           /* DENIED: enum access_right that was asked for */
    uint16_t secret_bytes;   /* the account's new blob */
    uint8_t secret[ACCESS_SECRET_BYTES_MAX];
    uint64_t lsn;            /* of the entry that this becomes */
    struct ids_token key;    /* zero: nothing is remembered */
    uint64_t asked;          /* with key */
};

/* What an entry says: the audit record and the rows. */
struct access_change {
    uint8_t action;          /* enum access_action */
    uint8_t reason;          /* enum access_reason */
    uint8_t role;            /* of who asked */
    uint16_t by_account, by_device;
    uint16_t subject;        /* account or device it is about; 0: unknown, the name is not kept: people type
                              * passwords into the field of the name */
    uint8_t right;           /* DENIED */
    uint8_t address[ACCESS_ADDRESS_BYTES];
    uint8_t row_count;
    struct access_row rows[ACCESS_CHANGE_ROWS_MAX];
};

struct access_decision {
    enum access_reason reason;
    uint64_t wait_ms;        /* WAIT */
    bool write;              /* there is an entry to write: the change, also of a refusal */
    bool repeated;           /* OK, by an earlier request with this key, which change.subject is of: nothing is done */
    struct access_change change;
};

/* Who stands behind a token, now. */
struct access_who {
    enum access_role role;   /* ANYONE: nobody, or not any more */
    uint16_t account, device;
    uint16_t counter;        /* own counter; 0: every one, if any_counter */
    bool any_counter;
    bool limited;            /* signed in, but only ACCESS_OWN: password to change, TOTP to set up */
    bool seen_due;           /* ask for ACCESS_SEEN */
};

enum { ACCESS_INDEX_SLOTS = 2048 };

/* A device that shows a code: volatile, not of the ledger; a takeover makes it show another one. */
struct access_offer {
    struct ids_hash token;   /* SHA-256; zero: free */
    char code[ACCESS_PAIR_CODE_CHARACTERS + 1];
    uint8_t address[ACCESS_ADDRESS_BYTES];
    int64_t at_ms;
};

/* Visible so that tests and the simulator build it; only this folder writes it. */
struct access {
    uint16_t account_count, device_count, session_count, throttle_count, answer_count;
    struct access_account accounts[ACCESS_ACCOUNTS_MAX];
    struct access_device devices[ACCESS_DEVICES_MAX];
    struct access_session sessions[ACCESS_SESSIONS_MAX];
    struct access_throttle throttles[ACCESS_THROTTLES_MAX];
    struct access_answer answers[ACCESS_ANSWERS_MAX];
    /* Derived: by token: 0 free, else 1 + session, or 1 + ACCESS_SESSIONS_MAX + device. */
    uint16_t index[ACCESS_INDEX_SLOTS];
    uint64_t revocations;    /* rises with each row that took a right away: live streams are looked at again */
};

struct access_offers {
    struct access_offer list[ACCESS_OFFERS_MAX];
};

void access_init(struct access *access);
/* What may a token do? Never writes. A zero token is ANYONE. */
void access_identify(const struct access *access, const struct ids_hash *token, int64_t at_ms,
                     struct access_who *ret_who);
/* OK, WHO_ARE_YOU, NOT_YOURS, NOT_YOUR_COUNTER or CHANGE_FIRST. counter 0: none is named. */
enum access_reason access_check(const struct access_who *who, enum access_right right, uint16_t counter,
                                bool public_page);
/* Before a password is worked on: 0, or how long this address (or device) and this name have to wait. */
uint64_t access_wait_ms(const struct access *access, const char *name, bool pin,
                        const uint8_t address[ACCESS_ADDRESS_BYTES], uint16_t device, int64_t at_ms);
const struct access_account *access_account_by_name(const struct access *access, const char *name);
const struct access_account *access_account_by_id(const struct access *access, uint16_t id);
const struct access_device *access_device_by_id(const struct access *access, uint16_t id);
bool access_account_is_open(const struct access_account *account);

/* Never changes the state. */
void access_decide(const struct access *access, const struct access_command *command,
                   struct access_decision *decision);
/* before NULL: was not there; after NULL: is gone. */
typedef void access_touched_fn(void *context, const struct access_row *before,
                               const struct access_row *after);
/* False: there is no room, or a row is of no kind; nothing that decide or join gave. Then the state is not
 * changed at all. */
bool access_apply(struct access *access, const struct access_change *change, access_touched_fn *touched,
                  void *context);
void access_for_each_row(const struct access *access, access_touched_fn *each, void *context);

/* A meeting (DESIGN 3 rule 5): what the peer's row makes of ours; false: nothing. A second pass changes nothing. */
bool access_join(const struct access *access, const struct access_row *theirs, uint64_t lsn, int64_t at_ms,
                 struct access_change *ret_change);
uint64_t access_row_changed_lsn(const struct access_row *row);

size_t access_change_encode(const struct access_change *change, uint8_t *bytes, size_t capacity_bytes);
bool access_change_decode(const uint8_t *bytes, size_t len_bytes, struct access_change *ret_change);
size_t access_row_key(const struct access_row *row, uint8_t key[32]);
size_t access_row_encode(const struct access_row *row, uint8_t *bytes, size_t capacity_bytes);
bool access_row_decode(const uint8_t *bytes, size_t len_bytes, struct access_row *ret_row);

/* Pairing. `chance` is 8 random bytes; the code has no letter that looks like another. False: too many. */
bool access_offer(struct access_offers *offers, const struct ids_hash *token,
                  const uint8_t address[ACCESS_ADDRESS_BYTES], uint64_t chance, int64_t at_ms,
                  char code[ACCESS_PAIR_CODE_CHARACTERS + 1]);
/* The offer that shows this code, in any case of letters; NULL: none, or too old. */
const struct access_offer *access_offer_find(const struct access_offers *offers, const char *code,
                                             int64_t at_ms);
const struct access_offer *access_offer_of(const struct access_offers *offers, const struct ids_hash *token,
                                           int64_t at_ms);
/* It is used, or withdrawn. */
void access_offer_end(struct access_offers *offers, const struct ids_hash *token);

/* policy: OK or BAD_NAME / BAD_SECRET. A password: UTF-8, long enough, not the name, not one that everybody uses. */
enum access_reason access_judge_name(const char *name);
enum access_reason access_judge_password(const char *password, const char *name);
enum access_reason access_judge_pin(const char *pin);

const char *access_reason_code(enum access_reason reason);
const char *access_reason_ja(enum access_reason reason);
const char *access_reason_en(enum access_reason reason);
const char *access_action_code(enum access_action action);

#endif
