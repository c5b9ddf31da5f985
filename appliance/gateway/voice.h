/*
 * appliance/gateway/voice.h - the voice pack that boards and kiosks play: a folder with a manifest, served from memory.
 *
 * Decides: which pack is served, the built-in one (web folder, voice/) or the one of --voice; whether a pack is
 * whole. A pack is read and judged whole before one byte of it is served: every file is there and has the SHA-256
 * of its line, no id stands twice, and a pack that takes the built-in one's place has every clip that the
 * built-in has. One that is not so is refused by a sentence in two languages, and the built-in stays.
 * Decides not: what is said (readings.js), how it sounds.
 *
 * /voice/pack.json names the pack: {"pack":NAME,"base":"/voice/NAME.HASH/"}. HASH is of the manifest, so what lies
 * below the base never changes and may be kept by browsers for ever. Format: docs/VOICE.md.
 */
#ifndef APPLIANCE_GATEWAY_VOICE_H
#define APPLIANCE_GATEWAY_VOICE_H

#include "appliance/gateway/files.h"

enum voice_limit {
    VOICE_FORMAT = 1,
    VOICE_CLIPS_MAX = 600,
    VOICE_MANIFEST_BYTES_MAX = 512 * 1024,
    VOICE_BYTES_MAX = 12 * 1024 * 1024,   /* of all clips; GATEWAY_FILES_BYTES_MAX holds for pages and clips together */
    VOICE_CLIP_MS_MAX = 20000,
    VOICE_NAME_BYTES = 33,                /* of a pack, with the closing zero: letters, digits, . _ - */
    VOICE_ID_BYTES = 49,                  /* of a clip or a file of it, likewise */
    VOICE_WHY_BYTES = 1024,
};

/* Adds the pack to the files. web_dir NULL: there is no built-in one; folder NULL: no other is wanted. A refusal is
 * no error: why says it, else it is empty. -E2BIG, -ENOMEM: not even the pack that was taken fits. */
int voice_add(struct files *files, struct digest *digest, const char *web_dir, const char *folder,
              char why[VOICE_WHY_BYTES]);

#endif
