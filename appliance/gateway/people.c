#include "appliance/gateway/people.h"

#include "appliance/access/access.h"
#include "appliance/adapters/derive.h"
#include "appliance/gateway/answer.h"
#include "appliance/gateway/internal.h"
#include "appliance/gateway/people_body.h"
#include "base/check.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { TOKEN_RANDOM_BYTES = 32, COOKIE_BYTES = 256 };

enum stage { STAGE_SALT, STAGE_DERIVE, STAGE_ASK };

struct people_job {
    TAILQ_ENTRY(people_job) queue;
    struct request *request;
    enum stage stage;
    struct people_body body;
    struct api_access access;
    char token[INTERNAL_TOKEN_BYTES]; /* drawn here, or brought; "": none */
    bool entering;                    /* a browser brings a credential, and is to keep it */
    int result;
};

TAILQ_HEAD(job_list, people_job);

struct people {
    struct gateway *gateway;
    pthread_t thread;
    bool started;
    sd_event_source *done_source;
    int done_fd;
    /* Below: under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job_list waiting, done;
    uint32_t count;
    bool stopping;
};

/* ---- the thread that works on passwords ------------------------------------------------------------ */

static int derive(struct people_job *job)
{
    struct people_body *body = &job->body;
    int r = 0;

    if (body->proof[0] != '\0') {
        r = derive_password(body->proof, job->access.salt, job->access.proof);
    }
    if (r == 0 && body->fresh[0] != '\0') {
        r = derive_random(job->access.salt, sizeof(job->access.salt));
        r = r < 0 ? r : derive_password(body->fresh, job->access.salt, job->access.fresh);
    }
    derive_forget(body->proof, sizeof(body->proof));
    derive_forget(body->fresh, sizeof(body->fresh));
    return r;
}

static void *work(void *context)
{
    struct people *people = context;
    const uint64_t one = 1;

    (void)pthread_mutex_lock(&people->lock);
    while (!people->stopping) {
        struct people_job *job = TAILQ_FIRST(&people->waiting);

        if (job == NULL) {
            (void)pthread_cond_wait(&people->wake, &people->lock);
            continue;
        }
        TAILQ_REMOVE(&people->waiting, job, queue);
        (void)pthread_mutex_unlock(&people->lock);
        job->result = derive(job);
        (void)pthread_mutex_lock(&people->lock);
        TAILQ_INSERT_TAIL(&people->done, job, queue);
        (void)!write(people->done_fd, &one, sizeof(one));
    }
    (void)pthread_mutex_unlock(&people->lock);
    return NULL;
}

static void send_on(struct people_job *job)
{
    struct request *request = job->request;

    job->stage = STAGE_ASK;
    request->api = (struct api_request){.type = API_ACCESS, .access = job->access};
    request->at_once = job->access.what == API_ACCESS_WHO || job->access.what == API_ACCESS_LIST;
    forward_request(request);
}

static int on_done(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct people *people = userdata;
    struct job_list done = TAILQ_HEAD_INITIALIZER(done);
    struct people_job *job;
    uint64_t times;

    (void)source;
    (void)revents;
    (void)!read(fd, &times, sizeof(times));
    (void)pthread_mutex_lock(&people->lock);
    TAILQ_CONCAT(&done, &people->done, queue);
    (void)pthread_mutex_unlock(&people->lock);
    while ((job = TAILQ_FIRST(&done)) != NULL) {
        TAILQ_REMOVE(&done, job, queue);
        people->count--;
        if (job->result < 0) {
            server_answer_problem(job->request, PROBLEM_OVERLOAD, NULL, NULL);
        } else {
            send_on(job);
        }
    }
    return 0;
}

/* A bounded queue: who floods it waits behind himself, and toband's delays come before it. */
static void derive_later(struct people_job *job)
{
    struct request *request = job->request;
    struct people *people = request->gateway->people;

    if (people->count >= PEOPLE_JOBS_MAX || request->gateway->stopping) {
        request->gateway->counters.overloads++;
        server_answer_problem(request, PROBLEM_OVERLOAD, NULL, NULL);
        return;
    }
    people->count++;
    job->stage = STAGE_DERIVE;
    request->phase = REQUEST_DERIVING;
    (void)pthread_mutex_lock(&people->lock);
    TAILQ_INSERT_TAIL(&people->waiting, job, queue);
    (void)pthread_cond_signal(&people->wake);
    (void)pthread_mutex_unlock(&people->lock);
}

int people_create(struct gateway *gateway, struct people **ret_people)
{
    struct people *people = calloc(1, sizeof(*people));
    int r;

    if (people == NULL) {
        return -ENOMEM;
    }
    *ret_people = people; /* destroyed with the gateway, however far it came */
    people->gateway = gateway;
    TAILQ_INIT(&people->waiting);
    TAILQ_INIT(&people->done);
    (void)pthread_mutex_init(&people->lock, NULL);
    (void)pthread_cond_init(&people->wake, NULL);
    people->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (people->done_fd < 0) {
        return -errno;
    }
    r = sd_event_add_io(gateway->event, &people->done_source, people->done_fd, EPOLLIN, on_done,
                        people);
    if (r < 0) {
        return r;
    }
    r = pthread_create(&people->thread, NULL, work, people);
    people->started = r == 0;
    return -r;
}

static void give_up(struct job_list *jobs)
{
    struct people_job *job;

    while ((job = TAILQ_FIRST(jobs)) != NULL) {
        TAILQ_REMOVE(jobs, job, queue);
        server_answer_problem(job->request, PROBLEM_ENGINE_AWAY, NULL, NULL);
    }
}

void people_destroy(struct people *people)
{
    if (people == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&people->lock);
    people->stopping = true;
    (void)pthread_cond_signal(&people->wake);
    (void)pthread_mutex_unlock(&people->lock);
    if (people->started) {
        (void)pthread_join(people->thread, NULL);
    }
    give_up(&people->waiting);
    give_up(&people->done);
    (void)sd_event_source_disable_unref(people->done_source);
    if (people->done_fd >= 0) {
        (void)close(people->done_fd);
    }
    (void)pthread_cond_destroy(&people->wake);
    (void)pthread_mutex_destroy(&people->lock);
    free(people);
}

void people_job_destroy(struct people_job *job)
{
    if (job != NULL) {
        derive_forget(job, sizeof(*job));
        free(job);
    }
}

/* ---- requests ---------------------------------------------------------------------------------------- */

static enum problem judge_fresh(const struct people_job *job)
{
    enum access_reason reason = ACCESS_OK;

    if (job->body.fresh[0] != '\0') {
        reason = job->access.what == API_ACCESS_PIN
                     ? access_judge_pin(job->body.fresh)
                     : access_judge_password(job->body.fresh, job->access.name);
    }
    return reason == ACCESS_OK ? PROBLEM_NONE : PROBLEM_BAD_SECRET;
}

/* A device that asks again keeps the token that its code stands for. */
static enum problem draw_token(struct people_job *job)
{
    const struct request *request = job->request;
    uint8_t chance[TOKEN_RANDOM_BYTES];

    if (job->access.what == API_ACCESS_OFFER && request->credential.device[0] != '\0') {
        memcpy(job->token, request->credential.device, sizeof(job->token));
    } else if (job->access.what == API_ACCESS_SIGN_IN || job->access.what == API_ACCESS_OFFER) {
        if (derive_random(chance, sizeof(chance)) < 0) {
            return PROBLEM_OVERLOAD;
        }
        for (size_t i = 0; i < sizeof(chance); i++) {
            (void)snprintf(job->token + 2 * i, 3, "%02x", chance[i]);
        }
        derive_forget(chance, sizeof(chance));
    }
    if (job->token[0] != '\0') {
        job->access.token = digest_of(request->gateway->digest, job->token, strlen(job->token));
    }
    return PROBLEM_NONE;
}

/* From here on the request comes by what its body brought; it grants nothing beyond that. */
static enum problem take_credential(struct people_job *job, const char **ret_member)
{
    struct request *request = job->request;
    const char *text = job->body.credential;

    if (!job->entering) {
        return text[0] == '\0' ? PROBLEM_NONE : PROBLEM_UNKNOWN_MEMBER;
    }
    *ret_member = "credential";
    if (text[0] == '\0') {
        return PROBLEM_MISSING_MEMBER;
    }
    if (!credential_take(text, strlen(text), job->token)) {
        return PROBLEM_BAD_MEMBER;
    }
    memcpy(request->credential.token, job->token, sizeof(job->token));
    return PROBLEM_NONE;
}

static void begin(struct people_job *job)
{
    struct request *request = job->request;

    if (job->body.proof[0] != '\0') { /* toband first: whoever has to wait costs no work */
        job->stage = STAGE_SALT;
        request->api = (struct api_request){.type = API_ACCESS, .access = job->access};
        request->api.access.what = API_ACCESS_SALT;
        request->at_once = true;
        forward_request(request);
    } else if (job->body.fresh[0] != '\0') {
        derive_later(job);
    } else {
        send_on(job);
    }
}

void people_dispatch(struct request *request, const struct route_match *match)
{
    struct people_job *job = calloc(1, sizeof(*job));
    struct api_request asked = {.type = API_ACCESS};
    enum problem problem = PROBLEM_NONE;
    const char *member = NULL;

    if (job == NULL) {
        server_answer_problem(request, PROBLEM_OVERLOAD, NULL, NULL);
        return;
    }
    request->people = job;
    job->request = request;
    job->access.what = match->route->code;
    asked.access.what = match->route->code;
    if (strcmp(match->route->method, "POST") == 0) {
        problem = dispatch_check_post(request);
        job->entering = match->route->code == API_ACCESS_WHO;
    }
    if (problem == PROBLEM_NONE && !credential_is_enough(request, &asked)) {
        problem = PROBLEM_SIGN_IN;
    }
    if (problem == PROBLEM_NONE) {
        problem = people_body_parse(request->body, request->body_len_bytes, &job->access,
                                    &job->body, &member);
    }
    derive_forget(request->body, request->body_len_bytes); /* what was typed is in the job alone */
    if (problem == PROBLEM_NONE && request->headers.key.count == 1) {
        job->access.key = digest_key(request->gateway->digest, request->headers.key.text,
                                     request->headers.key.len_bytes);
    }
    if (problem == PROBLEM_NONE) {
        problem = judge_fresh(job);
    }
    if (problem == PROBLEM_NONE) {
        problem = take_credential(job, &member);
    }
    if (problem == PROBLEM_NONE) {
        problem = draw_token(job);
    }
    if (problem != PROBLEM_NONE) {
        server_answer_problem(request, problem, member == NULL ? NULL : "member", member);
        return;
    }
    begin(job);
}

/* ---- replies ------------------------------------------------------------------------------------------- */

static bool take_salt(const struct api_reply *reply, struct people_job *job)
{
    json_t *body = json_loadb((const char *)reply->body, reply->body_len_bytes, 0, NULL);
    const char *text = json_string_value(json_object_get(body, "salt"));
    struct ids_token bytes = {0};
    bool good = text != NULL && ids_token_from_text(text, strlen(text), &bytes) &&
                json_integer_value(json_object_get(body, "derive")) == API_DERIVE_SCRYPT;

    _Static_assert((int)API_SALT_BYTES == (int)IDS_TOKEN_BYTES, "a salt is written as a token");
    memcpy(job->access.salt, bytes.bytes, sizeof(bytes.bytes));
    text = json_string_value(json_object_get(body, "name"));
    if (good && text != NULL && strlen(text) < sizeof(job->access.name)) {
        memcpy(job->access.name, text, strlen(text) + 1);
    }
    json_decref(body);
    return good;
}

static void add_cookie(struct MHD_Response *response, const char *name, const char *value,
                       int max_age_s)
{
    char cookie[COOKIE_BYTES];

    (void)snprintf(cookie, sizeof(cookie), "%s=%s; Path=/; Secure; HttpOnly; SameSite=Strict%s",
                   name, value, max_age_s == 0 ? "; Max-Age=0" : "");
    if (max_age_s > 0) {
        (void)snprintf(cookie + strlen(cookie), sizeof(cookie) - strlen(cookie), "; Max-Age=%d",
                       max_age_s);
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_SET_COOKIE, cookie);
    derive_forget(cookie, sizeof(cookie));
}

/* For a program, which keeps no cookies. */
static struct MHD_Response *with_token(const struct people_job *job, const struct api_reply *reply)
{
    json_t *body = json_loadb((const char *)reply->body, reply->body_len_bytes, 0, NULL);
    struct MHD_Response *response = NULL;
    char *text;

    (void)json_object_set_new(body, "token", json_string(job->token));
    text = json_dumps(body, JSON_COMPACT);
    if (text != NULL) {
        response = answer_json(reply->status, text, strlen(text), 0);
        derive_forget(text, strlen(text));
        free(text);
    }
    json_decref(body);
    return response;
}

/* A person's answer has a name; a machine's has none. */
static bool is_person(const struct api_reply *reply)
{
    json_t *body = json_loadb((const char *)reply->body, reply->body_len_bytes, 0, NULL);
    bool person = json_object_get(body, "name") != NULL;

    json_decref(body);
    return person;
}

static struct MHD_Response *render(const struct people_job *job, const struct api_reply *reply)
{
    bool done = reply->status == MHD_HTTP_OK || reply->status == MHD_HTTP_CREATED;
    struct MHD_Response *response;

    if (done && job->body.token_wanted && job->token[0] != '\0') {
        return with_token(job, reply);
    }
    response = answer_json(reply->status, reply->body, reply->body_len_bytes, reply->retry_after_s);
    if (response == NULL) {
        return NULL;
    }
    if (done && (job->access.what == API_ACCESS_SIGN_IN || (job->entering && is_person(reply)))) {
        add_cookie(response, PEOPLE_SESSION_COOKIE, job->token, -1); /* with the browser it ends */
    } else if (done && (job->access.what == API_ACCESS_OFFER || job->entering)) {
        add_cookie(response, PEOPLE_DEVICE_COOKIE, job->token, PEOPLE_DEVICE_COOKIE_S);
    } else if (job->access.what == API_ACCESS_SIGN_OUT) {
        add_cookie(response, PEOPLE_SESSION_COOKIE, "",
                   0); /* also one that does not count any more */
    }
    return response;
}

void people_reply(struct request *request, const struct api_reply *reply)
{
    struct people_job *job = request->people;

    if (job->stage == STAGE_SALT && reply->status == MHD_HTTP_OK) {
        if (!take_salt(reply, job)) {
            server_answer_problem(request, PROBLEM_ENGINE_SILENT, NULL, NULL);
        } else if (judge_fresh(job) != PROBLEM_NONE) {
            server_answer_problem(request, PROBLEM_BAD_SECRET, NULL, NULL);
        } else {
            derive_later(job);
        }
    } else if (reply->status < 200 || reply->status > 599) {
        server_answer_problem(request, PROBLEM_ENGINE_SILENT, NULL, NULL);
    } else {
        server_answer(request, reply->status, render(job, reply));
    }
}
