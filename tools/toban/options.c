#include "tools/toban/toban.h"

#include <stdlib.h>
#include <string.h>

bool options_locale_is_japanese(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);

        if (value != NULL && value[0] != '\0') {
            return strncmp(value, "ja", 2) == 0;
        }
    }
    return false;
}

bool options_parse_number(const char *text, uint32_t first, uint32_t last, uint32_t *ret_number)
{
    uint64_t number = 0;

    if (text == NULL || text[0] == '\0') {
        return false;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(*at - '0');
        if (number > last) {
            return false;
        }
    }
    if (number < first) {
        return false;
    }
    *ret_number = (uint32_t)number;
    return true;
}

static void drop(int *argc, char **argv, int at, int count)
{
    for (int i = at; i + count < *argc; i++) {
        argv[i] = argv[i + count];
    }
    *argc -= count;
}

/* Whether argv[at] is --NAME, with its value after "=" or in the next word. */
static int match_value(int argc, char **argv, int at, const char *name, const char **ret_value)
{
    size_t len = strlen(name);

    if (strncmp(argv[at], "--", 2) != 0 || strncmp(argv[at] + 2, name, len) != 0) {
        return 0;
    }
    if (argv[at][2 + len] == '=') {
        *ret_value = argv[at] + 2 + len + 1;
        return 1;
    }
    if (argv[at][2 + len] != '\0') {
        return 0;
    }
    if (at + 1 >= argc) {
        return -1;
    }
    *ret_value = argv[at + 1];
    return 2;
}

int options_take_value(int *argc, char **argv, const char *name, const char **ret_value)
{
    for (int i = 0; i < *argc; i++) {
        int words = match_value(*argc, argv, i, name, ret_value);

        if (words < 0) {
            return -1;
        }
        if (words > 0) {
            drop(argc, argv, i, words);
            return 1;
        }
    }
    return 0;
}

bool options_take_flag(int *argc, char **argv, const char *name)
{
    for (int i = 0; i < *argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, name) == 0) {
            drop(argc, argv, i, 1);
            return true;
        }
    }
    return false;
}

static bool refuse(const struct toban *toban, const char *word, const char *ja, const char *en)
{
    (void)fprintf(toban->err, "toban: %s: %s\n", word, text_choose(toban, ja, en));
    return false;
}

/* One of the options with a value: 0 none of them, else the words used; -1 refused. */
static int take_one(struct toban *toban, int argc, char **argv, int at)
{
    static const char *const names[] = {"name", "socket", "unit", "lang"};
    const char *value = NULL;
    int words = 0;
    size_t which = 0;

    for (which = 0; which < sizeof(names) / sizeof(names[0]) && words == 0; which++) {
        words = match_value(argc, argv, at, names[which], &value);
    }
    if (words == 0) {
        return 0;
    }
    if (words < 0 || value[0] == '\0') {
        (void)refuse(toban, argv[at], "値がありません。", "its value is missing.");
        return -1;
    }
    if (which == 1) {
        toban->name = value;
    } else if (which == 2) {
        toban->socket = value;
    } else if (which == 3) {
        if (!options_parse_number(value, 1, IDS_UNIT_ID_MAX, &toban->unit)) {
            (void)refuse(toban, value, "号機は1以上の番号です。", "a unit is a number from 1.");
            return -1;
        }
    } else if (strcmp(value, "ja") == 0 || strcmp(value, "en") == 0) {
        toban->japanese = value[0] == 'j';
    } else {
        (void)refuse(toban, value, "ことばは ja か en です。", "the language is ja or en.");
        return -1;
    }
    return words;
}

bool options_take(struct toban *toban, int *argc, char **argv, bool pass_on)
{
    int at = 0;

    while (at < *argc && !(pass_on && argv[at][0] != '-')) {
        int words;

        if (strcmp(argv[at], "--") == 0) {
            drop(argc, argv, at, 1);
            return true;
        }
        words = take_one(toban, *argc, argv, at);
        if (words < 0) {
            return false;
        }
        if (words == 0 && strcmp(argv[at], "--json") == 0) {
            toban->json = true;
            words = 1;
        } else if (words == 0 && (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0)) {
            toban->help = true;
            words = 1;
        } else if (words == 0 && pass_on) {
            return refuse(toban, argv[at], "この選択肢はありません。", "there is no such option.");
        }
        drop(argc, argv, at, words);
        at += words == 0;
    }
    return true;
}
