/* What each stage does with each event, and the words for both. */
#include "watchdog/pet/pet.h"

#include "base/check.h"

#define H PET_HANDLED
#define I PET_IGNORED

/* Proofs are taken in every stage that can still recover or that waits; a stage that is over hears nothing but time. */
static const enum pet_cell cells[PET_STAGE_COUNT][PET_EVENT_COUNT] = {
    /*                  TICK TOBAND NET INIT ENDED DEVICE NOTED SHUTDOWN */
    [PET_WATCHING] = {H, H, H, H, H, H, I, H}, [PET_RESTARTING] = {H, H, H, H, H, H, I, H},
    [PET_YIELDING] = {H, H, H, H, H, H, I, H}, [PET_NOTING] = {H, I, I, I, I, H, H, I},
    [PET_STARVING] = {H, I, I, I, I, I, I, I}, [PET_ENDURING] = {H, H, H, H, H, H, I, H},
    [PET_LEAVING] = {I, I, I, I, I, I, I, I},
};

enum pet_cell pet_cell(enum pet_stage stage, enum pet_event_kind kind)
{
    CHECK(stage < PET_STAGE_COUNT && kind < PET_EVENT_COUNT);
    return cells[stage][kind];
}

const char *pet_stage_code(enum pet_stage stage)
{
    static const char *const codes[PET_STAGE_COUNT] = {
        "WATCHING", "RESTARTING", "YIELDING", "NOTING", "STARVING", "ENDURING", "LEAVING"};

    CHECK(stage < PET_STAGE_COUNT);
    return codes[stage];
}

const char *pet_event_code(enum pet_event_kind kind)
{
    static const char *const codes[PET_EVENT_COUNT] = {
        "TICK", "TOBAND_SAID", "NET_SAID", "INIT_SAID", "ENDED", "DEVICE", "NOTED", "SHUTDOWN"};

    CHECK(kind < PET_EVENT_COUNT);
    return codes[kind];
}

struct words {
    const char *code, *ja, *en;
};

static const struct words *words_of(enum pet_part part)
{
    static const struct words words[PET_PART_COUNT] = {
        [PET_LOOP] = {"LOOP", "制御プログラムが動いていません",
                      "The controller program makes no progress"},
        [PET_STORE] = {"STORE", "ディスクへの書き込みが終わりません",
                       "The disk completes no write"},
        [PET_COROSYNC] = {"COROSYNC", "号機間の連絡プログラムが応答しません",
                          "Corosync does not answer"},
        [PET_NET] = {"NET", "通信アドレスの管理プログラムが動いていません",
                     "The address helper makes no progress"},
        [PET_ADDRESS] = {"ADDRESS", "当番でないのに通信アドレスを持ち続けています",
                         "The floating address is held although this unit is not on duty"},
        [PET_INIT] = {"INIT", "OSの基本プログラムが応答しません",
                      "The system's first process does not answer"},
    };

    CHECK(part < PET_PART_COUNT);
    return &words[part];
}

const char *pet_part_code(enum pet_part part)
{
    return words_of(part)->code;
}

const char *pet_part_ja(enum pet_part part)
{
    return words_of(part)->ja;
}

const char *pet_part_en(enum pet_part part)
{
    return words_of(part)->en;
}
