/*
 * appliance/engine/api_right.h - which right a request needs: the one place where requests of the socket are
 * translated into rights of appliance/access. toband asks it for every request, the gateway before it troubles
 * toband. A request that is forgotten here needs ACCESS_RIGHT_NONE, which nobody has. Pure.
 */
#ifndef APPLIANCE_ENGINE_API_RIGHT_H
#define APPLIANCE_ENGINE_API_RIGHT_H

#include "appliance/access/access.h"
#include "appliance/engine/api.h"

enum access_right api_right_of(const struct api_request *request);

#endif
