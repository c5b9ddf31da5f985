#include "appliance/engine/watching.h"

#include "base/check.h"
#include "watchdog/adapters/canary.h"
#include "watchdog/adapters/proofs.h"

#include <stdlib.h>
#include <time.h>

enum { US_PER_MS = 1000, MS_PER_S = 1000, NS_PER_MS = 1000000 };

struct watching {
    struct watching_options options;
    struct proof_sender *sender;
    struct canary *canary;
    sd_event_source *timer;
    uint64_t turns, store_begun_ms;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * MS_PER_S + (uint64_t)now.tv_nsec / NS_PER_MS;
}

static void on_facts(void *context, const struct pet_facts *facts)
{
    const struct watching *watching = context;

    watching->options.told(watching->options.context, facts);
}

static uint32_t store_age_ms(const struct watching *watching)
{
    uint64_t begun_ms = watching->store_begun_ms, now = now_ms();
    uint64_t ledger_ms = begun_ms != 0 && now > begun_ms ? now - begun_ms : 0;
    uint32_t canary_ms = canary_overdue_ms(watching->canary);

    return ledger_ms > canary_ms ? (uint32_t)(ledger_ms > UINT32_MAX ? UINT32_MAX : ledger_ms)
                                 : canary_ms;
}

static int on_tick(sd_event_source *source, uint64_t time_us, void *context)
{
    struct watching *watching = context;
    struct pet_toband proof = {.turns = ++watching->turns, .store_age_ms = store_age_ms(watching)};
    uint8_t bytes[PET_PROOF_BYTES_MAX];

    (void)time_us;
    proof.address_wanted = *watching->options.address_wanted;
    if (*watching->options.membership != NULL) {
        struct membership_state state;

        membership_get_state(*watching->options.membership, &state);
        proof.corosync_expected = true;
        proof.corosync_age_ms =
            state.answer_age_ms >= PET_NEVER ? PET_NEVER : (uint32_t)state.answer_age_ms;
    }
    proof_sender_say(watching->sender, bytes, pet_encode_toband(&proof, bytes, sizeof(bytes)));
    (void)sd_event_source_set_time_relative(source, (uint64_t)PET_TICK_MS * US_PER_MS);
    (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    return 0;
}

int watching_create(const struct watching_options *options, struct watching **ret_watching)
{
    struct watching *watching = calloc(1, sizeof(*watching));
    int r;

    CHECK_GIVEN(watching != NULL);
    watching->options = *options;
    r = canary_start(options->data_dir, &watching->canary);
    if (r >= 0) {
        r = proof_sender_create(options->event, options->socket_path, on_facts, watching,
                                &watching->sender);
    }
    if (r >= 0) {
        r = sd_event_add_time_relative(options->event, &watching->timer, CLOCK_MONOTONIC, 0,
                                       US_PER_MS, on_tick, watching);
    }
    if (r < 0) {
        watching_destroy(watching);
        return r;
    }
    *ret_watching = watching;
    return 0;
}

void watching_destroy(struct watching *watching)
{
    if (watching != NULL) {
        (void)sd_event_source_disable_unref(watching->timer);
        proof_sender_destroy(watching->sender);
        canary_stop(watching->canary);
        free(watching);
    }
}

void watching_store_begun(struct watching *watching, uint64_t now)
{
    if (watching != NULL) {
        watching->store_begun_ms = now;
    }
}

void watching_stored(struct watching *watching)
{
    if (watching != NULL) {
        watching->store_begun_ms = 0;
    }
}
