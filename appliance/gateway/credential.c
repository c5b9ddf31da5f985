/* Who sends a request: a token in Authorization (programs, tests), or in a cookie (browsers). toband gets its hash,
 * and where the request comes from; the token itself goes no further than this process. */
#include "appliance/gateway/internal.h"

#include "appliance/access/access.h"
#include "appliance/engine/api_right.h"
#include "appliance/gateway/people.h"

#include <netinet/in.h>
#include <string.h>
#include <strings.h>

enum { TOKEN_BYTES_MIN = 16, MAPPED_PREFIX_AT = 10, MAPPED_AT = 12 };

bool credential_take(const char *text, size_t len_bytes, char token[INTERNAL_TOKEN_BYTES])
{
    if (len_bytes < TOKEN_BYTES_MIN || len_bytes >= INTERNAL_TOKEN_BYTES) {
        return false;
    }
    for (size_t i = 0; i < len_bytes; i++) {
        bool plain = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'z') ||
                     (text[i] >= 'A' && text[i] <= 'Z') || text[i] == '-' || text[i] == '_';

        if (!plain) {
            return false;
        }
    }
    memcpy(token, text, len_bytes);
    token[len_bytes] = '\0';
    return true;
}

/* RFC 6265 5.4: "a=1; b=2". The first of a name counts, the prefix __Host- lets nobody else set one. */
static const char *find_cookie(const struct header *cookie, const char *name, size_t *ret_len_bytes)
{
    size_t name_bytes = strlen(name);

    for (const char *at = cookie->text; at != NULL && *at != '\0';) {
        size_t len_bytes = strcspn(at, ";");

        if (len_bytes > name_bytes && strncmp(at, name, name_bytes) == 0 && at[name_bytes] == '=') {
            *ret_len_bytes = len_bytes - name_bytes - 1;
            return at + name_bytes + 1;
        }
        at += len_bytes;
        at += strspn(at, "; ");
    }
    return NULL;
}

static void take_cookie(const struct headers *headers, const char *name,
                        char token[INTERNAL_TOKEN_BYTES])
{
    size_t len_bytes;
    const char *text =
        headers->cookie.count == 1 ? find_cookie(&headers->cookie, name, &len_bytes) : NULL;

    if (text != NULL) {
        (void)credential_take(text, len_bytes, token); /* one that is none counts as none */
    }
}

bool credential_read(const struct headers *headers, struct credential *ret_credential)
{
    static const char bearer[] = "Bearer ";
    const struct header *given = &headers->authorization;
    struct credential credential = {0};

    if (given->count > 1) {
        return false;
    }
    if (given->count == 1) {
        if (strncasecmp(given->text, bearer, sizeof(bearer) - 1) != 0 ||
            !credential_take(given->text + sizeof(bearer) - 1,
                             strlen(given->text) - sizeof(bearer) + 1, credential.token)) {
            return false;
        }
    } else {
        take_cookie(headers, PEOPLE_SESSION_COOKIE, credential.token);
        take_cookie(headers, PEOPLE_DEVICE_COOKIE, credential.device);
        credential.by_cookie = credential.token[0] != '\0' || credential.device[0] != '\0';
        if (credential.token[0] == '\0') {
            memcpy(credential.token, credential.device, sizeof(credential.token));
        }
    }
    *ret_credential = credential;
    return true;
}

static void put_address(const struct sockaddr *address, uint8_t bytes[API_ADDRESS_BYTES])
{
    /* Copied: the library's storage need not be aligned for either family. */
    struct sockaddr_in four;
    struct sockaddr_in6 six;

    memset(bytes, 0, API_ADDRESS_BYTES);
    if (address != NULL && address->sa_family == AF_INET6) {
        memcpy(&six, address, sizeof(six));
        memcpy(bytes, &six.sin6_addr, API_ADDRESS_BYTES);
    } else if (address != NULL && address->sa_family == AF_INET) {
        memcpy(&four, address, sizeof(four));
        bytes[MAPPED_PREFIX_AT] = bytes[MAPPED_PREFIX_AT + 1] = UINT8_MAX;
        memcpy(bytes + MAPPED_AT, &four.sin_addr, sizeof(four.sin_addr));
    }
}

void credential_put(struct request *request, struct api_request *api)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->http, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const char *token = request->credential.token;

    /* A clerk or a person signs in at a paired terminal: by its credential, whoever was there before. */
    if (api->type == API_ACCESS &&
        (api->access.what == API_ACCESS_SIGN_IN || api->access.what == API_ACCESS_SALT) &&
        request->credential.device[0] != '\0') {
        token = request->credential.device;
    }
    api->from = (struct api_from){.via = API_VIA_WEB};
    if (token[0] != '\0') {
        api->from.token = digest_of(request->gateway->digest, token, strlen(token));
    }
    put_address(info == NULL ? NULL : info->client_addr, api->from.address);
}

bool credential_is_enough(const struct request *request, const struct api_request *api)
{
    return request->credential.token[0] != '\0' ||
           access_grant_of(api_right_of(api), ACCESS_ANYONE) != ACCESS_REFUSED;
}
