/*
 * appliance/gateway/files.h - the static pages: read once at start, served from memory.
 *
 * Decides: which files exist for clients. NAME.html of the directory is /NAME; regular files below its
 * assets/ are /assets/...; nothing else, no symbolic link, nothing hidden, nothing that appears after
 * start. A request's path is only ever compared with that list, so no path leaves the directory.
 * Limits: GATEWAY_FILES_MAX, GATEWAY_FILES_BYTES_MAX; more is an error at start.
 */
#ifndef APPLIANCE_GATEWAY_FILES_H
#define APPLIANCE_GATEWAY_FILES_H

#include "appliance/gateway/digest.h"

#include <microhttpd.h>
#include <stddef.h>

enum files_limit { FILES_PATH_BYTES = 128, FILES_TAG_BYTES = 40, FILES_DEPTH_MAX = 4 };

struct file {
    char path[FILES_PATH_BYTES];           /* as in the request */
    char tag[FILES_TAG_BYTES];             /* strong entity tag, with its quotes */
    struct MHD_Response *response;         /* 200 */
    struct MHD_Response *not_modified;     /* 304 */
};

struct files;

int files_create(struct digest *digest, struct files **ret_files);
void files_destroy(struct files *files);
/* Adds the pages of a folder. -E2BIG: beyond the limits. */
int files_load(struct files *files, const char *folder);
/* Adds bytes of the program itself. */
int files_add(struct files *files, const char *path, const char *content_type, const void *bytes,
              size_t len_bytes);
/* The same, for what never changes under its path: browsers need not ask again. */
int files_add_lasting(struct files *files, const char *path, const char *content_type, const void *bytes,
                      size_t len_bytes);
/* By the name's ending; NULL: not served. */
const char *files_type_of(const char *name);
/* NULL: no such file. */
const struct file *files_find(const struct files *files, const char *path);
size_t files_count(const struct files *files);

#endif
