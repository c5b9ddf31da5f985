/* cluster/adapters/tls_openssl.c: two sessions in memory, nothing between them but this test. */
#include "cluster/adapters/tls_openssl.h"

#include "tests/lib/site_ca.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PLAIN_BYTES_MAX = 200000, ROUNDS_MAX = 10 };

struct side {
    struct tls_identity *identity;
    struct tls_session *session;
    int result;
    struct tls_reason reason;
};

static char folder[] = "/tmp/toban-tls-test-XXXXXX";
static uint8_t plain[PLAIN_BYTES_MAX];

static struct side make_side(const struct site_ca_files *files, const char *own, const char *peer,
                             bool client, const char *protocol)
{
    struct side side = {.result = 0};
    const struct tls_identity_options options = {.ca_path = files->ca,
                                                 .certificate_path = files->certificate,
                                                 .key_path = files->key,
                                                 .own_name = own,
                                                 .peer_name = peer,
                                                 .records_per_key = 8};

    assert_int_equal(tls_identity_create(&options, &side.identity), 0);
    assert_int_equal(tls_session_create(side.identity, client, protocol, &side.session), 0);
    return side;
}

static void end_side(struct side *side)
{
    tls_session_destroy(side->session);
    tls_identity_destroy(side->identity);
}

static void carry(struct side *from, struct side *to)
{
    size_t len_bytes;
    const uint8_t *bytes = tls_output(from->session, &len_bytes);

    assert_int_equal(tls_feed(to->session, bytes, len_bytes), 0);
    tls_output_done(from->session);
}

static void step(struct side *side, struct side *other)
{
    if (side->result == 0) {
        side->result = tls_handshake(side->session);
        tls_get_reason(side->session, &side->reason);
    }
    carry(side, other);
}

static void shake_hands(struct side *client, struct side *server)
{
    for (int i = 0; i < ROUNDS_MAX; i++) {
        step(client, server);
        step(server, client);
    }
}

static int open_all(struct side *side, size_t *ret_len_bytes)
{
    return tls_open(side->session, plain, sizeof(plain), ret_len_bytes);
}

static void make_pair(struct side *a, struct side *b)
{
    struct site_ca_files files[2];

    site_ca_make(folder, "site", "unit-1", false, &files[0]);
    site_ca_make(folder, "site", "unit-2", false, &files[1]);
    *a = make_side(&files[0], "unit-1", "unit-2", true, "p");
    *b = make_side(&files[1], "unit-2", "unit-1", false, "p");
}

static void two_units_of_a_site_meet_and_agree_on_a_number(void **state)
{
    struct side a;
    struct side b;
    struct side c;
    struct side d;

    (void)state;
    make_pair(&a, &b);
    shake_hands(&a, &b);
    assert_int_equal(a.result, 1);
    assert_int_equal(b.result, 1);
    assert_true(tls_number(a.session) == tls_number(b.session));
    make_pair(&c, &d);
    shake_hands(&c, &d);
    assert_true(tls_number(a.session) != tls_number(c.session));
    end_side(&a);
    end_side(&b);
    end_side(&c);
    end_side(&d);
}

static void bytes_of_any_length_arrive_whole_also_across_new_keys(void **state)
{
    static uint8_t sent[PLAIN_BYTES_MAX];
    struct side a;
    struct side b;

    (void)state;
    make_pair(&a, &b);
    shake_hands(&a, &b);
    for (size_t i = 0; i < sizeof(sent); i++) {
        sent[i] = (uint8_t)(i * 7 + i / 256);
    }
    for (size_t round = 1; round <= 64; round++) {
        size_t len_bytes = round * round * 37 % 150000 + 1;
        size_t got_bytes = 0;
        struct side *from = round % 2 == 0 ? &a : &b;
        struct side *to = round % 2 == 0 ? &b : &a;

        assert_int_equal(tls_seal(from->session, sent, len_bytes), 0);
        carry(from, to);
        assert_int_equal(open_all(to, &got_bytes), 0);
        assert_int_equal(got_bytes, len_bytes);
        assert_memory_equal(plain, sent, len_bytes);
    }
    end_side(&a);
    end_side(&b);
}

static void more_than_the_buffer_takes_is_refused(void **state)
{
    struct side a;
    struct side b;
    size_t len_bytes = 0;

    (void)state;
    make_pair(&a, &b);
    shake_hands(&a, &b);
    assert_int_equal(tls_seal(a.session, (const uint8_t *)"0123456789", 10), 0);
    carry(&a, &b);
    assert_int_equal(tls_open(b.session, plain, 9, &len_bytes), -EMSGSIZE);
    end_side(&a);
    end_side(&b);
}

static void assert_refused(const struct site_ca_files *client, const char *client_name,
                           const struct site_ca_files *server, const char *server_name,
                           const char *client_protocol, bool client_refuses)
{
    struct side a = make_side(client, client_name, "unit-2", true, client_protocol);
    struct side b = make_side(server, server_name, "unit-1", false, "p");
    size_t len_bytes;
    const struct side *refusing = client_refuses ? &a : &b;

    shake_hands(&a, &b);
    assert_int_not_equal(b.result, 1);
    assert_int_equal(refusing->result, -EPROTO);
    assert_true(refusing->reason.en[0] != '\0' && refusing->reason.ja[0] != '\0');
    if (a.result == 1) { /* TLS 1.3: the client believes until it hears the alert */
        assert_int_equal(open_all(&a, &len_bytes), -EPROTO);
        tls_get_reason(a.session, &a.reason);
    }
    assert_true(a.reason.certificate);
    end_side(&a);
    end_side(&b);
}

static void a_certificate_of_another_ca_is_refused_on_either_side(void **state)
{
    struct site_ca_files one;
    struct site_ca_files two;
    struct site_ca_files other;

    (void)state;
    site_ca_make(folder, "site", "unit-1", false, &one);
    site_ca_make(folder, "site", "unit-2", false, &two);
    site_ca_make(folder, "elsewhere", "unit-1", false, &other);
    (void)snprintf(other.ca, sizeof(other.ca), "%s", one.ca);
    assert_refused(&other, "unit-1", &two, "unit-2", "p", false);
    site_ca_make(folder, "elsewhere", "unit-2", false, &other);
    (void)snprintf(other.ca, sizeof(other.ca), "%s", one.ca);
    assert_refused(&one, "unit-1", &other, "unit-2", "p", true);
}

static void a_certificate_of_another_unit_is_refused_on_either_side(void **state)
{
    static const char *const names[] = {"unit-3", "unit-22", "unit-", "unit-2 ", "Unit-2"};
    struct site_ca_files one;
    struct site_ca_files two;
    struct site_ca_files other;

    (void)state;
    site_ca_make(folder, "site", "unit-1", false, &one);
    site_ca_make(folder, "site", "unit-2", false, &two);
    site_ca_make(folder, "site", "unit-11", false, &other);
    assert_refused(&other, "unit-11", &two, "unit-2", "p", false);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        site_ca_make(folder, "site", names[i], false, &other);
        assert_refused(&one, "unit-1", &other, names[i], "p", true);
    }
}

static void a_link_does_not_meet_another_link(void **state)
{
    struct site_ca_files one;
    struct site_ca_files two;
    struct side a;
    struct side b;

    (void)state;
    site_ca_make(folder, "site", "unit-1", false, &one);
    site_ca_make(folder, "site", "unit-2", false, &two);
    a = make_side(&one, "unit-1", "unit-2", true, "service");
    b = make_side(&two, "unit-2", "unit-1", false, "direct");
    shake_hands(&a, &b);
    assert_true(a.result < 0);
    assert_true(b.result < 0);
    end_side(&a);
    end_side(&b);
}

/* A unit whose clock is years off, or a spare taken from the shelf, must still meet its peer. */
static void the_dates_of_a_certificate_keep_nobody_apart(void **state)
{
    struct site_ca_files one;
    struct site_ca_files two;
    struct side a;
    struct side b;

    (void)state;
    site_ca_make(folder, "site", "unit-1", true, &one);
    site_ca_make(folder, "site", "unit-2", true, &two);
    a = make_side(&one, "unit-1", "unit-2", true, "p");
    b = make_side(&two, "unit-2", "unit-1", false, "p");
    shake_hands(&a, &b);
    assert_int_equal(a.result, 1);
    assert_int_equal(b.result, 1);
    end_side(&a);
    end_side(&b);
}

static void every_flipped_byte_of_a_record_is_found(void **state)
{
    uint8_t wire[512];
    size_t wire_bytes = 0;

    (void)state;
    for (size_t at = 0; at == 0 || at < wire_bytes; at++) {
        struct side a;
        struct side b;
        const uint8_t *bytes;
        size_t len_bytes = 0;
        int r;

        make_pair(&a, &b);
        shake_hands(&a, &b);
        assert_int_equal(tls_seal(a.session, (const uint8_t *)"ticket", 6), 0);
        bytes = tls_output(a.session, &wire_bytes);
        assert_true(wire_bytes < sizeof(wire));
        memcpy(wire, bytes, wire_bytes);
        wire[at] ^= 0x40;
        assert_int_equal(tls_feed(b.session, wire, wire_bytes), 0);
        r = open_all(&b, &len_bytes);
        /* A length made longer waits for more; nothing is ever given out. */
        assert_true(r == -EBADMSG || (r == 0 && len_bytes == 0));
        end_side(&a);
        end_side(&b);
    }
}

static void a_missing_or_repeated_record_is_found(void **state)
{
    uint8_t wire[64];
    size_t wire_bytes;
    size_t len_bytes = 0;
    struct side a;
    struct side b;

    (void)state;
    make_pair(&a, &b);
    shake_hands(&a, &b);
    assert_int_equal(tls_seal(a.session, (const uint8_t *)"1", 1), 0);
    memcpy(wire, tls_output(a.session, &wire_bytes), 23);
    assert_int_equal(wire_bytes, 23);
    carry(&a, &b);
    assert_int_equal(open_all(&b, &len_bytes), 0);
    assert_int_equal(tls_feed(b.session, wire, wire_bytes), 0);
    assert_int_equal(open_all(&b, &len_bytes), -EBADMSG);
    end_side(&a);
    end_side(&b);
    make_pair(&a, &b);
    shake_hands(&a, &b);
    assert_int_equal(tls_seal(a.session, (const uint8_t *)"1", 1), 0);
    tls_output_done(a.session); /* lost */
    assert_int_equal(tls_seal(a.session, (const uint8_t *)"2", 1), 0);
    carry(&a, &b);
    assert_int_equal(open_all(&b, &len_bytes), -EBADMSG);
    end_side(&a);
    end_side(&b);
}

static void a_goodbye_is_heard(void **state)
{
    struct side a;
    struct side b;
    size_t len_bytes = 0;

    (void)state;
    make_pair(&a, &b);
    shake_hands(&a, &b);
    tls_close(a.session);
    carry(&a, &b);
    assert_int_equal(open_all(&b, &len_bytes), -ECONNRESET);
    end_side(&a);
    end_side(&b);
}

static void a_handshake_fed_with_noise_fails_and_crashes_nothing(void **state)
{
    (void)state;
    srandom(20261123);
    for (int round = 0; round < 500; round++) {
        struct side a;
        struct side b;
        uint8_t noise[600];
        size_t len_bytes = (size_t)random() % sizeof(noise);

        make_pair(&a, &b);
        a.result = tls_handshake(a.session);
        if (round % 2 == 0) { /* a real hello with damage */
            const uint8_t *hello = tls_output(a.session, &len_bytes);

            assert_true(len_bytes < sizeof(noise));
            memcpy(noise, hello, len_bytes);
            /* Behind the record's header, whose version field nobody looks at (RFC 8446 5.1). */
            noise[5 + (size_t)random() % (len_bytes - 5)] ^= (uint8_t)(1 << random() % 8);
        } else {
            for (size_t i = 0; i < len_bytes; i++) {
                noise[i] = (uint8_t)random();
            }
        }
        assert_int_equal(tls_feed(b.session, noise, len_bytes), 0);
        for (int i = 0; i < ROUNDS_MAX && b.result == 0; i++) {
            step(&b, &a);
            step(&a, &b);
        }
        assert_int_not_equal(b.result, 1);
        end_side(&a);
        end_side(&b);
    }
}

static void files_that_do_not_fit_are_told_apart(void **state)
{
    struct site_ca_files one;
    struct site_ca_files two;
    struct tls_identity *identity = NULL;
    struct tls_identity_options options = {.own_name = "unit-1", .peer_name = "unit-2"};

    (void)state;
    site_ca_make(folder, "site", "unit-1", false, &one);
    site_ca_make(folder, "site", "unit-2", false, &two);
    options.ca_path = one.ca;
    options.certificate_path = one.certificate;
    options.key_path = "/nowhere/key";
    assert_int_equal(tls_identity_create(&options, &identity), -ENOENT);
    options.key_path = two.key;
    assert_int_equal(tls_identity_create(&options, &identity), -EKEYREJECTED);
    options.key_path = one.certificate;
    assert_int_equal(tls_identity_create(&options, &identity), -EBADMSG);
    options.certificate_path = two.certificate;
    options.key_path = two.key;
    assert_int_equal(tls_identity_create(&options, &identity), -EKEYREJECTED);
    options.certificate_path = "/dev/null";
    assert_int_equal(tls_identity_create(&options, &identity), -EBADMSG);
    assert_null(identity);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    site_ca_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_units_of_a_site_meet_and_agree_on_a_number),
        cmocka_unit_test(bytes_of_any_length_arrive_whole_also_across_new_keys),
        cmocka_unit_test(more_than_the_buffer_takes_is_refused),
        cmocka_unit_test(a_certificate_of_another_ca_is_refused_on_either_side),
        cmocka_unit_test(a_certificate_of_another_unit_is_refused_on_either_side),
        cmocka_unit_test(a_link_does_not_meet_another_link),
        cmocka_unit_test(the_dates_of_a_certificate_keep_nobody_apart),
        cmocka_unit_test(every_flipped_byte_of_a_record_is_found),
        cmocka_unit_test(a_missing_or_repeated_record_is_found),
        cmocka_unit_test(a_goodbye_is_heard),
        cmocka_unit_test(a_handshake_fed_with_noise_fails_and_crashes_nothing),
        cmocka_unit_test(files_that_do_not_fit_are_told_apart),
    };

    return cmocka_run_group_tests_name("tls", tests, make_folder, remove_folder);
}
