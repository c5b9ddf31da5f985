/*
 * tests/lib/site_ca.h - certificate authorities and unit certificates for a test, as PEM files
 * (P-256).
 */
#ifndef TESTS_LIB_SITE_CA_H
#define TESTS_LIB_SITE_CA_H

#include <stdbool.h>

enum { SITE_CA_PATH_BYTES = 256 };

struct site_ca_files {
    char ca[SITE_CA_PATH_BYTES];
    char certificate[SITE_CA_PATH_BYTES];
    char key[SITE_CA_PATH_BYTES];
};

/* Writes FOLDER/NAME.{ca,crt,key}: an own CA called ca_name (kept in FOLDER/ca_name.* and used
 * again for the same name) and a certificate for that common name. expired: its dates lie in the
 * past. Fails the test when it cannot. */
void site_ca_make(const char *folder, const char *ca_name, const char *common_name, bool expired,
                  struct site_ca_files *ret_files);
/* Removes what was written there and the folder. */
void site_ca_remove(const char *folder);

#endif
