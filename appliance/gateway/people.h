/*
 * appliance/gateway/people.h - signing in, accounts and devices under HTTP.
 *
 * Decides: what their bodies are, how long a password has to be before it troubles anybody, which cookies a browser
 * gets. Decides not: who may, or whether a password is right (toband, appliance/access).
 *
 * A password is worked on (scrypt) in one thread of its own, one at a time, PEOPLE_JOBS_MAX waiting; more are answered
 * 503. First toband is asked for the salt, and refuses whoever has to wait before any work is done. What was typed is
 * forgotten with the request. Tokens are drawn here: toband gets to know their hash, the browser the cookie
 * (__Host-, Secure, HttpOnly, SameSite=Strict), a program that asks for it ("token": true) the text.
 */
#ifndef APPLIANCE_GATEWAY_PEOPLE_H
#define APPLIANCE_GATEWAY_PEOPLE_H

#define PEOPLE_SESSION_COOKIE "__Host-toban"
#define PEOPLE_DEVICE_COOKIE "__Host-toban-device"

enum people_limit {
    PEOPLE_JOBS_MAX = 8,          /* waiting for the thread, or in it */
    PEOPLE_DEVICE_COOKIE_S = 366 * 24 * 60 * 60,
};

#endif
