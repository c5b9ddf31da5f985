/* Prints rights x roles and the requests that need each right, from the tables that decide. */
#include "tools/checks/access_doc.h"

#include "appliance/access/access.h"
#include "appliance/engine/api.h"
#include "appliance/engine/api_right.h"
#include "appliance/gateway/route.h"
#include "base/check.h"

#include <stdio.h>
#include <string.h>

enum { MINUTE_MS = 60 * 1000 };

static const char *grant_text(enum access_grant grant)
{
    switch (grant) {
    case ACCESS_REFUSED:
        return "·";
    case ACCESS_PUBLIC:
        return "公開";
    case ACCESS_OWN_COUNTER:
        return "自窓口";
    case ACCESS_ALLOWED:
        return "○";
    }
    CHECK(!"no such grant");
}

static void print_rights(void)
{
    printf("## だれが何をできるか Rights and roles\n\n"
           "○ できる allowed. 自窓口 own counter only. 公開 where the site allows the public page. "
           "· 断る refused.\n\n| | |");
    for (int role = 0; role < ACCESS_ROLE_END; role++) {
        printf(" %s |", access_role_ja((enum access_role)role));
    }
    printf("\n|---|---|");
    for (int role = 0; role < ACCESS_ROLE_END; role++) {
        printf("---|");
    }
    printf("\n| | |");
    for (int role = 0; role < ACCESS_ROLE_END; role++) {
        printf(" %s |", access_role_code((enum access_role)role));
    }
    printf("\n");
    for (int right = 1; right < ACCESS_RIGHT_END; right++) {
        printf("| `%s` | %s<br>%s |", access_right_code((enum access_right)right),
               access_right_ja((enum access_right)right),
               access_right_en((enum access_right)right));
        for (int role = 0; role < ACCESS_ROLE_END; role++) {
            printf(" %s |",
                   grant_text(access_grant_of((enum access_right)right, (enum access_role)role)));
        }
        printf("\n");
    }
}

static enum access_right right_of(const struct route *route)
{
    struct api_request request = {0};

    switch (route->kind) {
    case ROUTE_COMMAND:
        request.type = API_COMMAND;
        request.command.action = route->code;
        request.command.counter = strstr(route->path, "{counter}") != NULL ? 1 : 0;
        request.command.number = strcmp(route->path, "/api/v1/arrivals") == 0 ? 1 : 0;
        break;
    case ROUTE_READ:
    case ROUTE_METRICS:
        request.type = API_READ;
        request.read.what = route->code;
        break;
    case ROUTE_CONTROL:
        request.type = API_CONTROL;
        request.control.what = route->code;
        break;
    case ROUTE_PEOPLE:
        request.type = API_ACCESS;
        request.access.what = route->code;
        break;
    case ROUTE_SITE:
        request.type = API_SITE;
        request.site.what = route->code;
        break;
    case ROUTE_EVENTS:
    case ROUTE_OPENAPI:
        return ACCESS_QUEUE_READ;
    case ROUTE_HEALTH:
        return ACCESS_RIGHT_NONE;
    }
    return api_right_of(&request);
}

static void print_requests(void)
{
    printf("\n## どの要求にどの権限が要るか Requests\n\n| right | requests |\n|---|---|\n");
    for (int right = 1; right < ACCESS_RIGHT_END; right++) {
        const char *between = "";
        bool any = false;

        for (size_t i = 0; i < route_count(); i++) {
            const struct route *route = route_at(i);

            if (right_of(route) != (enum access_right)right) {
                continue;
            }
            if (!any) {
                printf("| `%s` | ", access_right_code((enum access_right)right));
            }
            printf("%s`%s %s`", between, route->method, route->path);
            between = "<br>";
            any = true;
        }
        printf(any ? " |\n" : "");
    }
}

static void print_limits(void)
{
    printf("\n## ログインの期限 How long a session lasts\n\n"
           "| | 使わないと rest, minutes | 最長 at most, minutes | 第二要素 second factor |\n"
           "|---|---|---|---|\n");
    for (int role = 0; role < ACCESS_ROLE_END; role++) {
        if (access_role_is_person((enum access_role)role)) {
            printf("| %s %s | %llu | %llu | %s |\n", access_role_ja((enum access_role)role),
                   access_role_code((enum access_role)role),
                   (unsigned long long)access_idle_ms((enum access_role)role) / MINUTE_MS,
                   (unsigned long long)access_absolute_ms((enum access_role)role, false) /
                       MINUTE_MS,
                   access_role_needs_totp((enum access_role)role) ? "TOTP" : "·");
        }
    }
}

void access_doc_print(void)
{
    print_rights();
    print_requests();
    print_limits();
}
