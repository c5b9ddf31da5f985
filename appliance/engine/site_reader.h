/*
 * appliance/engine/site_reader.h - the site file's texts for the engine: by YAML (site_cyaml.h) and the Cabinet
 * Office's CSV (holidays_csv.h). Decides nothing: translates between those readers and struct engine_site_reader.
 * Each call reads its text anew and keeps nothing; a file of 64 KiB takes some milliseconds.
 */
#ifndef APPLIANCE_ENGINE_SITE_READER_H
#define APPLIANCE_ENGINE_SITE_READER_H

#include "appliance/engine/engine.h"

struct site;

extern const struct engine_site_reader site_reader;
/* For GET /api/v1/site: one JSON object in which every text is there in every language. The caller frees it; the
 * same site gives the same bytes. */
char *site_pages_to_json(const struct site *site, size_t *ret_len_bytes);

#endif
