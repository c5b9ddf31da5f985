/*
 * Site file, first step: the YAML tree and the line of each of its parts. libcyaml keeps no lines
 * once it has loaded, and an error that only its numbers know helps nobody; so the tree is read
 * here too.
 */
#include "appliance/adapters/site_raw.h"
#include "base/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct site_lines {
    yaml_document_t document;
};

int site_refuse(const struct site_lines *lines, const char *path, const char *text_ja,
                const char *text_en, struct site_error *ret_error)
{
    CHECK(path != NULL && text_ja != NULL && text_en != NULL);
    memset(ret_error, 0, sizeof(*ret_error));
    ret_error->line = lines == NULL ? 0 : site_lines_find(lines, path);
    (void)snprintf(ret_error->path, sizeof(ret_error->path), "%s", path);
    (void)snprintf(ret_error->text_ja, sizeof(ret_error->text_ja), "%s", text_ja);
    (void)snprintf(ret_error->text_en, sizeof(ret_error->text_en), "%s", text_en);
    return -EINVAL;
}

static int refuse_at(size_t line_index, const char *text_ja, const char *text_en,
                     struct site_error *ret_error)
{
    (void)site_refuse(NULL, "", text_ja, text_en, ret_error);
    ret_error->line = (uint32_t)line_index + 1;
    return -EINVAL;
}

static int refuse_syntax(const yaml_parser_t *parser, struct site_error *ret_error)
{
    char en[SITE_ERROR_TEXT_BYTES];

    if (parser->error == YAML_MEMORY_ERROR) {
        (void)site_refuse(NULL, "", "メモリが足りません。", "Out of memory.", ret_error);
        return -ENOMEM;
    }
    (void)snprintf(en, sizeof(en), "This is not YAML: %s. Check indentation, quotes and brackets.",
                   parser->problem == NULL ? "unreadable" : parser->problem);
    if (parser->error == YAML_READER_ERROR) {
        return site_refuse(
            NULL, "", "UTF-8 として読めない文字があります。UTF-8 で保存し直してください。",
            "There is a character that is not UTF-8. Save the file as UTF-8.", ret_error);
    }
    return refuse_at(parser->problem_mark.line,
                     "YAML として読めません。字下げ、引用符、かっこを確かめてください。", en,
                     ret_error);
}

/* Control characters have no place in a name that boards and printers will show. */
static bool text_is_printable(const yaml_char_t *text, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++) {
        if (text[i] < 0x20 || text[i] == 0x7f ||
            (text[i] == 0xc2 && i + 1 < len_bytes && text[i + 1] < 0xa0)) {
            return false;
        }
    }
    return true;
}

static int check_scalars(const yaml_document_t *document, struct site_error *ret_error)
{
    for (const yaml_node_t *node = document->nodes.start; node < document->nodes.top; node++) {
        if (node->type == YAML_SCALAR_NODE &&
            !text_is_printable(node->data.scalar.value, node->data.scalar.length)) {
            return refuse_at(node->start_mark.line,
                             "改行などの制御文字は使えません。一行の文字だけにしてください。",
                             "Control characters are not allowed. Use plain text on one line.",
                             ret_error);
        }
    }
    return 0;
}

static int check_single(yaml_parser_t *parser, struct site_error *ret_error)
{
    yaml_document_t second;
    const yaml_node_t *root = NULL;
    int r = 0;

    if (!yaml_parser_load(parser, &second)) {
        return refuse_syntax(parser, ret_error);
    }
    root = yaml_document_get_root_node(&second);
    if (root != NULL) {
        r = refuse_at(root->start_mark.line,
                      "文書は一つだけにしてください（「---」で区切れません）。",
                      "Write one document only (no second part after \"---\").", ret_error);
    }
    yaml_document_delete(&second);
    return r;
}

static int load_document(yaml_parser_t *parser, struct site_lines *lines,
                         struct site_error *ret_error)
{
    int r = 0;

    if (!yaml_parser_load(parser, &lines->document)) {
        /* libyaml leaves the document empty or undefined here: never delete it. */
        memset(&lines->document, 0, sizeof(lines->document));
        return refuse_syntax(parser, ret_error);
    }
    if (yaml_document_get_root_node(&lines->document) == NULL) {
        return site_refuse(
            NULL, "", "ファイルが空です。image/site-default.yaml を写して始めてください。",
            "The file is empty. Start from a copy of image/site-default.yaml.", ret_error);
    }
    r = check_scalars(&lines->document, ret_error);
    return r < 0 ? r : check_single(parser, ret_error);
}

int site_lines_create(const void *bytes, size_t len_bytes, struct site_lines **ret_lines,
                      struct site_error *ret_error)
{
    struct site_lines *lines = calloc(1, sizeof(*lines));
    yaml_parser_t parser;
    int r = 0;

    if (lines == NULL || !yaml_parser_initialize(&parser)) {
        free(lines);
        (void)site_refuse(NULL, "", "メモリが足りません。", "Out of memory.", ret_error);
        return -ENOMEM;
    }
    yaml_parser_set_input_string(&parser, bytes, len_bytes);
    r = load_document(&parser, lines, ret_error);
    yaml_parser_delete(&parser);
    if (r < 0) {
        site_lines_destroy(lines);
        return r;
    }
    *ret_lines = lines;
    return 0;
}

void site_lines_destroy(struct site_lines *lines)
{
    if (lines != NULL) {
        yaml_document_delete(&lines->document);
        free(lines);
    }
}

static const yaml_node_t *node_at(const struct site_lines *lines, int index)
{
    /* libyaml's reader takes a document that is not const, and changes nothing. */
    return yaml_document_get_node((yaml_document_t *)(uintptr_t)&lines->document, index);
}

static const yaml_node_t *find_field(const struct site_lines *lines, const yaml_node_t *mapping,
                                     const char *name, size_t name_len, uint32_t *line)
{
    const yaml_node_t *found = NULL;

    if (mapping->type != YAML_MAPPING_NODE) {
        return NULL;
    }
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_at(lines, pair->key);

        if (key != NULL && key->type == YAML_SCALAR_NODE && key->data.scalar.length == name_len &&
            memcmp(key->data.scalar.value, name, name_len) == 0) {
            *line = (uint32_t)key->start_mark.line + 1;
            found = node_at(lines, pair->value);
        }
    }
    return found;
}

static const yaml_node_t *find_entry(const struct site_lines *lines, const yaml_node_t *sequence,
                                     size_t index, uint32_t *line)
{
    const yaml_node_t *found = NULL;

    if (sequence->type != YAML_SEQUENCE_NODE ||
        index >=
            (size_t)(sequence->data.sequence.items.top - sequence->data.sequence.items.start)) {
        return NULL;
    }
    found = node_at(lines, sequence->data.sequence.items.start[index]);
    if (found != NULL) {
        *line = (uint32_t)found->start_mark.line + 1;
    }
    return found;
}

uint32_t site_lines_find(const struct site_lines *lines, const char *path)
{
    const yaml_node_t *node = node_at(lines, 1);
    uint32_t line = node == NULL ? 0 : (uint32_t)node->start_mark.line + 1;

    while (node != NULL && *path != '\0') {
        if (*path == '[') {
            char *end = NULL;
            size_t index = strtoul(path + 1, &end, 10);

            node = find_entry(lines, node, index, &line);
            path = *end == ']' ? end + 1 : end + strlen(end);
        } else {
            size_t len = 0;

            path += *path == '.';
            len = strcspn(path, ".[");
            node = find_field(lines, node, path, len, &line);
            path += len;
        }
    }
    return line;
}
