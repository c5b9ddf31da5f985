/*
 * The site file changes: now and then an administrator applies a version at whoever holds the address, or an older
 * text again, and asks once more when no answer comes; pages ask both units which version is in force, whoever serves.
 * Oracles, by what was answered and by what befell the disks since:
 *
 *   a version whose taking force was answered is never followed by an older one, at a unit that knows of it: after
 *   takeover, restart, meeting and refill as well; both know it, because alone it is refused;
 *   one version is one text, whoever shows it, and all of it: name, categories and page are of one text;
 *   alone nothing is taken.
 *
 * Draws from a generator of its own, so that the rest of a seed stays what it was.
 */
#include "tests/sim/sim_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_BYTES = 48000,
    SHORT_TEXT_BYTES = 64,
    PAGE_BYTES = 64,
    KNOWN_BY_BOTH = (1 << SIM_UNITS) - 1,
    ANSWER_WITHIN_MS = 6000,
    CHANGE_ONE_IN = 12,
    OPENING_ONE_IN = 4,
    STATUS_OK = 200,
    STATUS_CREATED = 201,
    STATUS_UNAVAILABLE = 503,
    DECIMAL = 10,
};

/* ---- the texts of this world ------------------------------------------------------------------------- */

/* "n extra", and blanks: some texts are so long that they take several entries. */
static int read_text(void *context, const uint8_t *text, size_t len_bytes,
                     struct engine_site_form *ret_form, struct engine_site_error *ret_error)
{
    struct sim *sim = context;
    char start[SHORT_TEXT_BYTES] = {0}, *at = start;
    struct queue_config *queue = &ret_form->queue;
    unsigned long n, extra;

    memcpy(start, text, len_bytes < sizeof(start) - 1 ? len_bytes : sizeof(start) - 1);
    n = strtoul(at, &at, DECIMAL);
    extra = strtoul(at, &at, DECIMAL);
    if (at == start || extra > 1) {
        *ret_error = (struct engine_site_error){.line = 1};
        return -EINVAL;
    }
    *queue = sim->config;
    ret_form->keep_visits_days = sim_keeps_visits(sim) ? SIM_KEEP_VISITS_DAYS : 0;
    (void)snprintf(queue->site_ja, sizeof(queue->site_ja), "sim %lu", n);
    if (extra != 0) {
        struct queue_category_config *category = &queue->categories[queue->category_count++];

        *category = queue->categories[0];
        category->id = CATEGORIES + 1;
        category->manual_first = category->manual_last = 0;
        category->number_first = category->number_last = NUMBERS_OF_CATEGORY; /* nobody else's */
    }
    ret_form->calendar_len_bytes =
        calendar_site_encode(&sim->calendar, ret_form->calendar, sizeof(ret_form->calendar));
    ret_form->pages = malloc(PAGE_BYTES);
    CHECK(ret_form->pages != NULL);
    ret_form->pages_len_bytes =
        (size_t)snprintf(ret_form->pages, PAGE_BYTES, "{\"n\":%lu,\"extra\":%lu}", n, extra);
    return 0;
}

static int preview(void *context, const uint8_t *before, size_t before_len_bytes,
                   const uint8_t *after, size_t after_len_bytes, char **ret_changes,
                   char **ret_notices, bool *ret_machines)
{
    (void)context;
    (void)before;
    (void)before_len_bytes;
    (void)after;
    (void)after_len_bytes;
    *ret_changes = strdup("[]");
    *ret_notices = strdup("[]");
    *ret_machines = false;
    return 0;
}

void sim_site_prepare(struct sim *sim)
{
    sim->site_reader =
        (struct engine_site_reader){.context = sim, .read = read_text, .preview = preview};
    sim->site_random = sim->options.seed * 0x9E3779B97F4A7C15ULL + 0x51e;
}

const char *sim_site_first_text(void)
{
    return "0 0";
}

static uint64_t draw(struct sim *sim)
{
    sim->site_random ^= sim->site_random << 13;
    sim->site_random ^= sim->site_random >> 7;
    sim->site_random ^= sim->site_random << 17;
    return sim->site_random * 2685821657736338717ULL >> 11;
}

/* ---- asking ---------------------------------------------------------------------------------------------- */

static bool reaches(const struct sim *sim, int index)
{
    return sim->units[index].up && sim->units[index].paused_until_ms <= sim->now_ms;
}

static void send(struct sim *sim, int index, uint64_t client, const struct api_request *request)
{
    static uint8_t frame[API_SITE_REQUEST_BYTES_MAX];
    struct engine_event event = {.kind = ENGINE_REQUEST};

    event.request.client = client;
    event.request.bytes = frame;
    event.request.len_bytes = api_request_encode(request, frame, sizeof(frame));
    CHECK(event.request.len_bytes > 0);
    sim_deliver(sim, index, &event);
}

static void ask(struct sim *sim, enum api_site_what what)
{
    struct sim_site *site = &sim->site;
    struct api_request request = {.type = API_SITE,
                                  .id = ++site->request_id,
                                  .site = {.what = (uint8_t)what, .version = site->base}};
    char *text = NULL;

    site->asked_ms = sim->now_ms;
    site->due = false;
    if (what == API_SITE_APPLY) {
        text = malloc(TEXT_BYTES);
        CHECK(text != NULL);
        memset(text, ' ', TEXT_BYTES);
        request.site.text_len_bytes =
            (uint32_t)snprintf(text, TEXT_BYTES, "%u %u", site->n, site->n / 4 % 2);
        if (site->is_long) {
            text[request.site.text_len_bytes] = ' ';
            request.site.text_len_bytes = TEXT_BYTES;
        }
        request.site.text = (const uint8_t *)text;
        request.site.when = site->at_opening ? API_SITE_AT_OPENING : API_SITE_NOW;
    }
    for (int i = 0; i < SIM_UNITS; i++) {
        if (reaches(sim, i) && sim->units[i].holds) {
            send(sim, i, SIM_SITE_CLIENT, &request);
            break;
        }
    }
    free(text);
}

void sim_site_turn(struct sim *sim)
{
    struct sim_site *site = &sim->site;
    struct api_request page = {.type = API_READ, .id = 1, .read = {.what = API_READ_SITE}};

    for (int i = 0; i < SIM_UNITS && !sim->result->failed; i++) {
        if (reaches(sim, i) && draw(sim) % SIM_UNITS == 0) {
            send(sim, i, SIM_SITE_CLIENT + 1, &page);
        }
    }
    if (site->step == SIM_SITE_IDLE && draw(sim) % CHANGE_ONE_IN == 0) {
        site->n = draw(sim) % 3 == 0 && site->newest_n > 0 ? (unsigned)(draw(sim) % site->newest_n)
                                                           : ++site->newest_n;
        site->at_opening = draw(sim) % OPENING_ONE_IN == 0;
        site->is_long = draw(sim) % 4 == 0;
        site->step = SIM_SITE_LOOKING;
        site->base = 0;
        ask(sim, API_SITE_HISTORY);
    } else if (site->step != SIM_SITE_IDLE &&
               (site->due || sim->now_ms - site->asked_ms > ANSWER_WITHIN_MS)) {
        ask(sim, site->step == SIM_SITE_LOOKING ? API_SITE_HISTORY : API_SITE_APPLY);
    }
}

/* ---- what is answered -------------------------------------------------------------------------------------- */

static unsigned number_of(const char *body, const char *name)
{
    const char *at = strstr(body, name);

    return at == NULL ? 0 : (unsigned)strtoul(at + strlen(name), NULL, DECIMAL);
}

static void judge_text(struct sim *sim, unsigned version, unsigned n)
{
    struct sim_site *site = &sim->site;

    if (version >= SIM_SITE_VERSIONS || site->known_by == 0) {
        return;
    }
    if (site->texts[version] != 0 && site->texts[version] != n + 1) {
        sim_fail(sim, "site: version %u is text %u, and was answered as text %u", version, n,
                 site->texts[version] - 1);
    }
    site->texts[version] = n + 1;
}

/* Shown by a page, or by the queue that boards show: they are of one text. */
static void judge_shown(struct unit *unit, unsigned version, unsigned n, bool ordered)
{
    struct sim *sim = unit->sim;
    struct sim_site *site = &sim->site;

    if (ordered && (site->known_by >> unit->index & 1U) != 0 && version < site->in_force) {
        sim_fail(sim, "site: unit %d shows version %u, and version %u was answered to be in force",
                 unit->index + 1, version, site->in_force);
    }
    if ((site->known_by >> unit->index & 1U) != 0) {
        judge_text(sim, version, n);
    }
    sim->result->site_pages++;
}

static void judge_page(struct unit *unit, const char *body, uint64_t lsn)
{
    judge_leaves(unit, lsn, false, "the site");
    judge_shown(unit, number_of(body, "\"version\":"), number_of(body, "\"n\":"), true);
}

void sim_site_event(struct unit *unit, const char *body)
{
    judge_shown(unit, number_of(body, "\"site_version\":"), number_of(body, "\"site_ja\":\"sim "),
                false); /* it may have been taken before the newest answer, and is behind it */
}

static void applied(struct unit *unit, const char *body, uint64_t lsn)
{
    struct sim *sim = unit->sim;
    struct sim_site *site = &sim->site;
    bool paired = engine_duty(unit->engine)->state == DUTY_PAIRED_DUTY ||
                  engine_duty(unit->engine)->state == DUTY_HANDING_OVER ||
                  engine_duty(unit->engine)->state == DUTY_PAIRED_SPARE;
    unsigned version = number_of(body, "\"version\":");

    judge_leaves(unit, lsn, true, "a version of the site");
    if (duty_serves(engine_duty(unit->engine)) == DUTY_SERVE_LETTER) {
        sim_fail(sim, "rule 3: unit %d took version %u of the site while it served alone",
                 unit->index + 1, version);
    }
    if (paired && sim->units[1 - unit->index].lost_ms <= sim->held_paired_ms) {
        site->known_by = KNOWN_BY_BOTH;
        if (strstr(body, "\"in_force\":true") != NULL && version > site->in_force) {
            site->in_force = version;
        }
        judge_text(sim, version, site->n);
    }
    sim->result->site_versions++;
}

void sim_site_reply(struct unit *unit, uint64_t client, uint32_t id, uint16_t status, uint64_t lsn,
                    const char *body)
{
    struct sim *sim = unit->sim;
    struct sim_site *site = &sim->site;

    if (client != SIM_SITE_CLIENT) {
        if (status == STATUS_OK) {
            judge_page(unit, body, lsn);
        }
        return;
    }
    if (id != site->request_id || status == STATUS_UNAVAILABLE) {
        return; /* asked again later */
    }
    if (site->step == SIM_SITE_LOOKING && status == STATUS_OK) {
        site->base = number_of(body, "\"newest\":");
        site->step = SIM_SITE_APPLYING;
        site->due = true; /* not from within an answer */
        return;
    }
    if (site->step == SIM_SITE_APPLYING && (status == STATUS_CREATED || status == STATUS_OK)) {
        applied(unit, body, lsn);
    }
    site->step = SIM_SITE_IDLE;
}

/* ---- who knows ----------------------------------------------------------------------------------------------- */

static void forgotten(struct sim *sim)
{
    if (sim->site.known_by == 0) {
        sim->site.in_force = 0;
        memset(sim->site.texts, 0, sizeof(sim->site.texts));
    }
}

void sim_site_held_paired(struct sim *sim)
{
    sim->site.known_by = sim->site.known_by != 0 ? KNOWN_BY_BOTH : 0;
}

void sim_site_held_lost(struct sim *sim, int index)
{
    sim->site.known_by &= (uint8_t) ~(1U << index);
    forgotten(sim);
}

void sim_site_held_given(struct sim *sim, int index)
{
    sim->site.known_by = sim->site.known_by != 0 ? (uint8_t)(1U << (1 - index)) : 0;
}

void sim_site_exchanged(struct sim *sim)
{
    sim->site.known_by = (uint8_t)((sim->site.known_by & 1U) << 1 | (sim->site.known_by >> 1 & 1U));
}
