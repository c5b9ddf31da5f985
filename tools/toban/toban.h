/*
 * tools/toban/toban.h - the command line of Toban: what every subcommand shares.
 *
 * Decides: how people's words become requests to a unit, and how its answers become words, in Japanese
 * or English, or stay JSON. Decides not: anything about numbers, duty or days; the unit does. One file
 * per subcommand, one table of them in main.c.
 *
 * Where the unit is: --socket, or TOBAN_SOCKET, or this machine's own unit, or an office on this machine
 * (toban-office info). Without --unit the unit on duty is asked. Exit status: enum toban_exit.
 */
#ifndef TOOLS_TOBAN_TOBAN_H
#define TOOLS_TOBAN_TOBAN_H

#include "appliance/engine/api.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum toban_exit {
    TOBAN_OK = 0,
    TOBAN_NO = 1,          /* asked and answered: no, or not now */
    TOBAN_USAGE = 2,       /* not understood; nothing was asked */
    TOBAN_UNREACHABLE = 3, /* no unit could be asked */
};

enum toban_limit {
    TOBAN_TARGETS_MAX = 8,
    TOBAN_PATH_BYTES = 256,
    TOBAN_ANSWER_WAIT_MS = 15000, /* longer than a request is held during a change of duty */
    TOBAN_INFO_BYTES_MAX = 64 * 1024,
    TOBAN_ARGUMENTS_MAX = 32,
};

#define TOBAN_UNIT_SOCKET "/run/toban/toband.sock"

struct toban {
    bool json;
    bool japanese;
    bool help;
    const char *name;   /* an office on this machine; NULL: not said */
    const char *socket; /* NULL: not said */
    unsigned unit;      /* 0: the unit on duty */
    const char *program; /* argv[0], to find toban-office beside it */
    FILE *out, *err;
};

struct toban_command {
    const char *name;
    const char *usage; /* after the name */
    const char *purpose_ja, *purpose_en;
    const char *more_ja, *more_en; /* of --help; may be NULL */
    int (*run)(struct toban *toban, int argc, char **argv); /* argv[0] is the first word after the name */
};

/* options.c. Takes the options that every subcommand has out of argv, wherever they stand, up to "--" or
 * (pass_on) up to the first word. false: not understood, told on err. */
bool options_take(struct toban *toban, int *argc, char **argv, bool pass_on);
bool options_locale_is_japanese(void);
/* Takes "--NAME VALUE" or "--NAME=VALUE" out of argv: 1 found, 0 not there, -1 without a value. */
int options_take_value(int *argc, char **argv, const char *name, const char **ret_value);
bool options_take_flag(int *argc, char **argv, const char *name);
/* A whole decimal number within bounds. */
bool options_parse_number(const char *text, uint32_t first, uint32_t last, uint32_t *ret_number);
const struct toban_command *command_find(const char *name);
void command_help(const struct toban *toban, const struct toban_command *command, FILE *out);
/* Usage error: says what is wrong and how it is written. Returns TOBAN_USAGE. */
int command_misused(const struct toban *toban, const char *name, const char *ja, const char *en);

/* text.c */
const char *text_choose(const struct toban *toban, const char *ja, const char *en);
/* Columns on a terminal: Japanese letters are two wide. */
size_t text_width(const char *text);
/* Writes text and blanks up to `width` columns. */
void text_put_padded(FILE *out, const char *text, size_t width);
/* 48213 as "48,213". */
void text_number(int64_t number, char text[32]);
/* "2026-11-25T08:30:00.000+09:00" as "2026-11-25 08:30"; anything else as it is. */
void text_moment(const char *iso, char text[32]);
/* "106", "106B2": false when it is not a number with its letter. */
bool text_parse_display(const char *text, uint16_t *ret_number, char series[IDS_SERIES_TEXT_BYTES]);
/* Member `name` followed by _ja or _en as the language wants, else `name` itself, else NULL. */
const char *text_member(const struct toban *toban, const json_t *object, const char *name);

/* targets.c - which units there are, and where */
struct target {
    unsigned unit; /* 0: not known */
    char socket[TOBAN_PATH_BYTES];
    char data_dir[TOBAN_PATH_BYTES]; /* "" not known */
    char record_dir[TOBAN_PATH_BYTES];
};

struct targets {
    size_t count;
    struct target list[TOBAN_TARGETS_MAX];
};

/* TOBAN_OK, or what to exit with, told on err. With --unit only that unit. */
int targets_find(const struct toban *toban, struct targets *ret_targets);
/* From the JSON of `toban-office info --json`; false: not such a text. */
bool targets_from_info(const char *text, size_t len_bytes, struct targets *ret_targets);
bool targets_office_program(char path[TOBAN_PATH_BYTES]);

/* client.c - one connection to a unit's engine */
struct client {
    int fd;
    bool serving; /* by the unit's own word on connecting */
    uint32_t next_id;
    uint8_t *bytes;
    size_t len_bytes, capacity_bytes;
};

struct answer {
    uint16_t status;
    uint64_t lsn;
    char *body; /* zero-terminated; answer_free */
    size_t body_len_bytes;
};

/* 0 or negative errno: -ETIMEDOUT, -EPROTO (not our language), -ECONNRESET, or that of connect(). */
int client_open(const char *path, unsigned wait_ms, struct client *ret_client);
int client_ask(struct client *client, struct api_request *request, unsigned wait_ms,
               struct answer *ret_answer);
void client_close(struct client *client);
void answer_free(struct answer *answer);

/* ask.c */
/* Asks the unit on duty (or --unit), again with the same key when the connection breaks meanwhile.
 * TOBAN_OK: answered, whatever the status; else told on err. */
int ask_unit(struct toban *toban, struct api_request *request, struct answer *ret_answer);
/* The same for an answer that is no JSON: a problem is told. The answer is the caller's, also then. */
int ask_text(struct toban *toban, struct api_request *request, struct answer *ret_answer);
/* The exit status that an answer stands for; tells the problem when it is one. With --json the body
 * goes to out as it came. ret_body: the parsed body when the answer is good and words are wanted. */
int ask_and_parse(struct toban *toban, struct api_request *request, json_t **ret_body);
/* A new key, and the body hash that belongs to these words. */
void ask_seal_command(struct api_request *request);

/* status.c. Written to out; returns the exit status. */
int status_write(const struct toban *toban, const json_t *status);
const char *status_day_word(const struct toban *toban, const char *state);
bool status_unit_serves(const json_t *status, unsigned unit);

/* ticket.c */
void ticket_write(const struct toban *toban, const json_t *ticket);
bool ticket_request(int argc, char **argv, struct api_request *ret_request);
bool counter_request(int argc, char **argv, struct api_request *ret_request);

/* visit.c. Each takes its options out of argv; false: not understood. */
bool visit_take_issue(int *argc, char **argv, struct api_more *more);
bool visit_take_hold(int *argc, char **argv, struct api_more *more);
bool visit_take_place(int *argc, char **argv, struct api_more *more);
bool visit_take_transfer(int *argc, char **argv, struct api_more *more);
bool visit_take_note(int *argc, char **argv, struct api_more *more);
bool visit_parse_services(const char *text, struct api_more *more);
bool visit_parse_note(const char *text, struct api_more *more);
bool acceptance_request(int argc, char **argv, struct api_request *ret_request);

/* manage.c: slip, hours and notice of `toban day`. False: none of these. */
bool manage_day(struct toban *toban, int argc, char **argv, int *ret_status);
bool manage_request(int argc, char **argv, struct api_request *ret_request);

int command_status(struct toban *toban, int argc, char **argv);
int command_ready(struct toban *toban, int argc, char **argv);
int command_printer(struct toban *toban, int argc, char **argv);
int command_explain(struct toban *toban, int argc, char **argv);
int command_day(struct toban *toban, int argc, char **argv);
int command_duty(struct toban *toban, int argc, char **argv);
int command_unit(struct toban *toban, int argc, char **argv);
int command_user(struct toban *toban, int argc, char **argv);
int command_device(struct toban *toban, int argc, char **argv);
int command_config(struct toban *toban, int argc, char **argv);
int command_calendar(struct toban *toban, int argc, char **argv);
int command_ticket(struct toban *toban, int argc, char **argv);
int command_counter(struct toban *toban, int argc, char **argv);
int command_acceptance(struct toban *toban, int argc, char **argv);
int command_certificate(struct toban *toban, int argc, char **argv);
int command_ledger(struct toban *toban, int argc, char **argv);
int command_stats(struct toban *toban, int argc, char **argv);
int command_metrics(struct toban *toban, int argc, char **argv);
int command_replay(struct toban *toban, int argc, char **argv);
int command_office(struct toban *toban, int argc, char **argv);
int command_show_help(struct toban *toban, int argc, char **argv);

#endif
