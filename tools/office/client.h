/*
 * tools/office/client.h - inside of the commands: speaking to the keeper and to the units.
 */
#ifndef TOOLS_OFFICE_CLIENT_H
#define TOOLS_OFFICE_CLIENT_H

#include "appliance/engine/api.h"
#include "tools/office/office.h"

#include <jansson.h>

/* Sends a request (taken) and waits for the reply. -ENOENT, -ECONNREFUSED: no office of this name.
 */
int client_ask(const struct office *office, json_t *request, json_t **ret_reply);
/* GET status of a unit from toband itself. -ENOENT, -ECONNREFUSED, -ETIMEDOUT, -EPROTO. */
int client_engine_status(const char *socket_path, json_t **ret_status);
/* Any request of api.h; a refusal is an answer as well. Errors as above. */
int client_engine_ask(const char *socket_path, const struct api_request *request, uint16_t *ret_status,
                      json_t **ret_body);
/* For each role a credential, drawn here and known by nobody else: run_dir/credentials.json, which `info` shows.
 * Nothing is done twice. -EAGAIN: no unit serves (a lone one, while the office is closed). */
int client_found_credentials(const struct office *office);
/* One of two sentences, by the reader's language. */
const char *client_text(const struct office *office, const char *ja, const char *en);
/* A sentence for people on stderr, or {"ok":false,...} on stdout with --json; returns `status`. */
int client_fail(const struct office *office, const struct office_options *options, int status,
                const char *code, const char *ja, const char *en);
void client_print_json(const json_t *json);

enum client_wait { CLIENT_READY, CLIENT_NOT_YET, CLIENT_GONE };
/* Whether every unit is ready; what is awaited goes to `awaited` for people. */
enum client_wait client_readiness(const struct office *office, char *awaited,
                                  size_t capacity_bytes);

#endif
