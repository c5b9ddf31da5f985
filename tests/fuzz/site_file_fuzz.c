/* The site file as people and editors leave it. Taken or refused with a sentence in both languages; what is
 * taken is a configuration that the queue accepts and that survives its own encoding. */
#include "appliance/adapters/site_cyaml.h"
#include "base/check.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct site site;
    static struct calendar calendar;
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
    return 0;
}
