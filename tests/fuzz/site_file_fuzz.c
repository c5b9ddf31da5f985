/* The site file as people and editors leave it. Taken or refused with a sentence in both languages; what is
 * taken is a configuration that the queue accepts and that survives its own encoding. */
#include "appliance/adapters/site_cyaml.h"
#include "appliance/engine/site_reader.h"
#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct site site;
    static struct calendar calendar;
    static struct site_notice notices[SITE_NOTICES_MAX];
    static struct site_difference differences[SITE_DIFFERENCES_MAX];
    size_t pages_len_bytes = 0;
    char *pages;
    struct site_error error = {0};
    int r = site_load_bytes(data, size, &site, &error);

    if (r < 0) {
        CHECK(r == -EINVAL || r == -EFBIG);
        CHECK(error.text_en[0] != '\0' && error.text_ja[0] != '\0');
        CHECK(memchr(error.path, '\0', sizeof(error.path)) != NULL);
        return 0;
    }
    CHECK(queue_config_is_valid(&site.queue));
    CHECK(site.unit_count >= 1 && site.unit_count <= SITE_UNITS_MAX);
    CHECK(site.hours.override_count <= SITE_OVERRIDES_MAX);
    site_fill_calendar(&site, &calendar);
    CHECK(site_list_notices(&site, notices, SITE_NOTICES_MAX) <= SITE_NOTICES_MAX);
    CHECK(site_compare(&site, &site, differences, SITE_DIFFERENCES_MAX) == 0);
    CHECK(site_machines_are_equal(&site, &site));
    pages = site_pages_to_json(&site, &pages_len_bytes);
    CHECK(pages_len_bytes > 2 && pages[0] == '{' && pages[pages_len_bytes - 1] == '}');
    free(pages);
    return 0;
}
