/* The list of holidays as somebody uploads it. Every line or none; what is taken travels to the other unit
 * and comes back the same. */
#include "appliance/adapters/holidays_csv.h"
#include "base/check.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct calendar_import import, second;
    static uint8_t bytes[256 * 1024];
    struct holidays_csv_error error = {0};
    int r = holidays_csv_parse(data, size, NULL, &import, &error);

    if (r < 0) {
        CHECK(r == -EINVAL && error.text_en[0] != '\0' && error.text_ja[0] != '\0');
        return 0;
    }
    size_t len_bytes = calendar_import_encode(&import, bytes, sizeof(bytes));
    CHECK(len_bytes > 0);
    CHECK(calendar_import_decode(bytes, len_bytes, &second));
    return 0;
}
