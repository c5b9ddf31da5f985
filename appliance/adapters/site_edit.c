/*
 * One number of a site file is changed in its text: where libyaml says that it stands, so that comments, order and
 * spacing stay as people wrote them. What comes out is read again and held against what went in; a text that would change
 * in any other way is refused.
 */
#include "appliance/adapters/site_raw.h"
#include "base/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { NUMBER_BYTES = 8, MS_PER_MINUTE = 60 * 1000 };

static const char target_key[] = "wait_limit_minutes";

/* What is put in place of `removed_bytes` bytes from `at_byte` on. */
struct splice {
    size_t at_byte, removed_bytes;
    char text[NUMBER_BYTES];
};

struct editing {
    const char *bytes;
    size_t len_bytes;
    yaml_document_t document;
};

/* libyaml counts characters, behind a byte order mark. */
static size_t byte_of(const struct editing *editing, const yaml_mark_t *mark)
{
    bool marked = editing->len_bytes >= 3 && memcmp(editing->bytes, "\xef\xbb\xbf", 3) == 0;
    size_t at = marked ? 3 : 0;

    for (size_t characters = 0; at < editing->len_bytes; at++) {
        if (((unsigned char)editing->bytes[at] & 0xc0U) != 0x80 && characters++ == mark->index) {
            break;
        }
    }
    return at;
}

static yaml_node_t *value_of(struct editing *editing, const yaml_node_t *mapping, const char *name)
{
    yaml_node_t *found = NULL;

    if (mapping == NULL || mapping->type != YAML_MAPPING_NODE) {
        return NULL;
    }
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(&editing->document, pair->key);

        if (key->type == YAML_SCALAR_NODE && strcmp((char *)key->data.scalar.value, name) == 0) {
            found = yaml_document_get_node(&editing->document, pair->value);
        }
    }
    return found;
}

static bool says_number(const yaml_node_t *node, uint16_t number)
{
    char *end = NULL;

    return node != NULL && node->type == YAML_SCALAR_NODE &&
           strtoul((char *)node->data.scalar.value, &end, 10) == number && *end == '\0';
}

static yaml_node_t *find_category(struct editing *editing, uint16_t category)
{
    yaml_node_t *list =
        value_of(editing, yaml_document_get_root_node(&editing->document), "categories");

    if (list == NULL || list->type != YAML_SEQUENCE_NODE) {
        return NULL;
    }
    for (yaml_node_item_t *item = list->data.sequence.items.start;
         item < list->data.sequence.items.top; item++) {
        yaml_node_t *each = yaml_document_get_node(&editing->document, *item);

        if (says_number(value_of(editing, each, "id"), category)) {
            return each;
        }
    }
    return NULL;
}

static bool find_place(struct editing *editing, uint16_t category, uint16_t minutes,
                       struct splice *ret_splice)
{
    const yaml_node_t *found = find_category(editing, category);
    const yaml_node_t *value = value_of(editing, found, target_key);

    if (value == NULL) {
        return false;
    }
    ret_splice->at_byte = byte_of(editing, &value->start_mark);
    ret_splice->removed_bytes = byte_of(editing, &value->end_mark) - ret_splice->at_byte;
    (void)snprintf(ret_splice->text, sizeof(ret_splice->text), "%u", minutes);
    return true;
}

static int locate(const char *bytes, size_t len_bytes, uint16_t category, uint16_t minutes,
                  struct splice *ret_splice)
{
    struct editing editing = {.bytes = bytes, .len_bytes = len_bytes};
    yaml_parser_t parser;
    int r = -ENOMEM;

    if (!yaml_parser_initialize(&parser)) {
        return r;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, len_bytes);
    if (yaml_parser_load(&parser, &editing.document)) {
        r = find_place(&editing, category, minutes, ret_splice) ? 0 : -ENOENT;
        yaml_document_delete(&editing.document);
    } else {
        r = -EINVAL;
    }
    yaml_parser_delete(&parser);
    return r;
}

/* The same site but for this one number. */
static bool differs_there_alone(const struct site *before, struct site *after, uint16_t category,
                                uint16_t minutes)
{
    for (size_t i = 0; i < after->queue.category_count; i++) {
        if (after->queue.categories[i].id == category) {
            bool said =
                after->queue.categories[i].wait_ms_limit == (uint32_t)minutes * MS_PER_MINUTE;

            after->queue.categories[i].wait_ms_limit = before->queue.categories[i].wait_ms_limit;
            return said && memcmp(before, after, sizeof(*before)) == 0;
        }
    }
    return false;
}

/* Takes `text` apart by reading it as everybody will. */
static int judge(const char *before, size_t before_len_bytes, const char *text, size_t len_bytes,
                 uint16_t category, uint16_t minutes, struct site_error *ret_error)
{
    struct site *sites = calloc(2, sizeof(*sites));
    int r =
        sites == NULL ? -ENOMEM : site_load_bytes(before, before_len_bytes, &sites[0], ret_error);

    if (r == 0) {
        r = site_load_bytes(text, len_bytes, &sites[1], ret_error);
    }
    if (r == 0 && !differs_there_alone(&sites[0], &sites[1], category, minutes)) {
        r = site_refuse(NULL, target_key,
                        "この書き方の設定ファイルは、画面からは変えられません。設定ファイルを直して"
                        "「toban config apply」で適用してください。",
                        "A file written this way cannot be changed from a page. Edit it and use "
                        "\"toban config apply\".",
                        ret_error);
    }
    free(sites);
    return r;
}

int site_edit_wait_limit(const void *bytes, size_t len_bytes, uint16_t category, uint16_t minutes,
                         char **ret_text, size_t *ret_len_bytes, struct site_error *ret_error)
{
    struct splice splice = {0};
    size_t text_bytes, new_len_bytes;
    char *text;
    int r = locate(bytes, len_bytes, category, minutes, &splice);

    if (r < 0) {
        (void)site_refuse(NULL, "categories", "その業務は設定ファイルにありません。",
                          "The site file has no such category.", ret_error);
        return r;
    }
    text_bytes = strlen(splice.text);
    new_len_bytes = len_bytes - splice.removed_bytes + text_bytes;
    text = malloc(new_len_bytes + 1);
    if (text == NULL) {
        return -ENOMEM;
    }
    memcpy(text, bytes, splice.at_byte);
    memcpy(text + splice.at_byte, splice.text, text_bytes);
    memcpy(text + splice.at_byte + text_bytes,
           (const char *)bytes + splice.at_byte + splice.removed_bytes,
           len_bytes - splice.at_byte - splice.removed_bytes);
    text[new_len_bytes] = '\0';
    r = judge(bytes, len_bytes, text, new_len_bytes, category, minutes, ret_error);
    if (r < 0) {
        free(text);
        return r;
    }
    *ret_text = text;
    *ret_len_bytes = new_len_bytes;
    return 0;
}
