// Webhooks: one attempt to deliver each, as the vault signed it. A receiver is treated like a
// source: the same address policy, its answer bounded and thrown away, redirects not followed.
// SPDX-License-Identifier: Apache-2.0
#include "egress/egress_int.h"

#include "base/log.h"
#include "base/mem.h"

#define NOTICE_ARENA   (64u * 1024)
#define NOTICE_HEADERS 4
#define NOTICE_REASON  256 // bytes, as link.def says

struct egress_notice {
    struct egress_notice *next;                   // under way
    struct egress *egress;                        // the room
    struct arena *arena;                          // everything of the message
    uint64_t number;                              // on the link
    struct client_call *client;                   // under way
    struct client_request request;                // views into the arena
    struct client_header headers[NOTICE_HEADERS]; // of request
    struct networks networks;                     // that may be reached
};

static void notice_free(struct egress_notice *notice)
{
    struct egress *e = notice->egress;
    struct egress_notice **at = &e->notices;
    while (*at != NULL && *at != notice) {
        at = &(*at)->next;
    }
    if (*at == notice) {
        *at = notice->next;
        e->notice_count--;
    }
    client_cancel(notice->client);
    arena_free(notice->arena);
    mem_free(notice);
}

static void notice_report(struct egress *e, const struct link_notified *news)
{
    struct buf *vault = room_out(e->room, LINK_ROOM_VAULT);
    if (vault != NULL && link_put_notified(vault, news) != FP_OK) {
        log_event(LOG_WARNING, "notified_lost", "The link to the vault is full.");
    }
}

static uint32_t notice_retry_after(const struct client_answer *answer)
{
    struct bytes value = {0};
    uint64_t seconds = 0;
    return client_answer_header(answer, "retry-after", &value) &&
                   bytes_to_u64(bytes_trim(value), FP_LIMIT_WEBHOOK_GIVE_UP, &seconds)
               ? (uint32_t)seconds
               : 0;
}

static void on_notice_answer(void *ctx, struct client_answer *answer)
{
    struct egress_notice *notice = ctx;
    struct link_notified news = {
        .call = notice->number, .error = (uint16_t)answer->error, .ms = answer->ms};
    notice->client = NULL;
    if (answer->error == FP_OK) {
        news.status = (uint16_t)answer->status;
        news.retry_after_s = notice_retry_after(answer);
    } else {
        news.reason = bytes_slice(bytes_of_text(answer->note.text), 0, NOTICE_REASON);
    }
    notice_report(notice->egress, &news);
    notice_free(notice);
}

static bool notice_header(struct egress_notice *notice, const char *name, struct bytes value)
{
    struct client_header *header = &notice->headers[notice->request.header_count++];
    header->name = bytes_of_text(name);
    header->value = arena_copy(notice->arena, value);
    return header->value.ptr != NULL;
}

static enum fp_error notice_fill(struct egress_notice *notice, const struct link_notify *in)
{
    const struct networks *common = &notice->egress->networks;
    struct fp_note note = {0};
    struct buf stamp;
    bool good = true;
    enum fp_error error = networks_parse(in->networks, &notice->networks, &note);
    for (size_t i = 0; error == FP_OK && i < common->count; i++) {
        if (notice->networks.count < FP_LIMIT_SOURCE_NETWORKS) {
            notice->networks.items[notice->networks.count++] = common->items[i];
        }
    }
    buf_init(&stamp, 32);
    buf_append_u64(&stamp, in->timestamp_s);
    notice->request = (struct client_request){.method = BYTES("POST"),
                                              .url = arena_copy(notice->arena, in->url),
                                              .headers = notice->headers,
                                              .body = arena_copy(notice->arena, in->body),
                                              .timeout_ms = FP_LIMIT_WEBHOOK_TIMEOUT,
                                              .connect_timeout_ms = FP_LIMIT_SOURCE_CONNECT_TIMEOUT,
                                              .max_answer = FP_LIMIT_WEBHOOK_ANSWER};
    good = notice_header(notice, "Content-Type", BYTES("application/json"));
    good = notice_header(notice, "webhook-id", in->id) && good;
    good = notice_header(notice, "webhook-timestamp", buf_bytes(&stamp)) && good;
    good = notice_header(notice, "webhook-signature", in->signature) && good;
    good = good && notice->request.url.ptr != NULL && notice->request.body.ptr != NULL;
    buf_done(&stamp);
    return error != FP_OK ? FP_E_CONFIG_INVALID : good ? FP_OK : FP_E_NO_MEMORY;
}

static struct egress_notice *notice_create(struct egress *e, uint64_t number)
{
    struct egress_notice *notice = e->draining || e->notice_count >= FP_LIMIT_WEBHOOKS_IN_FLIGHT
                                       ? NULL
                                       : mem_alloc(1, sizeof *notice);
    if (notice == NULL) {
        return NULL;
    }
    notice->arena = arena_create(NOTICE_ARENA, true);
    if (notice->arena == NULL) {
        mem_free(notice);
        return NULL;
    }
    notice->egress = e;
    notice->number = number;
    notice->next = e->notices;
    e->notices = notice;
    e->notice_count++;
    return notice;
}

void egress_on_notify(struct egress *e, struct bytes body)
{
    struct link_notify in = {0};
    struct link_notified news = {.error = FP_E_SERVICE_UNAVAILABLE};
    struct fp_note note = {0};
    struct egress_notice *notice = NULL;
    if (link_get_notify(body, &in) != FP_OK) {
        room_fail(e->room, "notify_invalid", FP_E_MESSAGE_INVALID);
    }
    notice = notice_create(e, in.call);
    if (notice != NULL) {
        struct client_policy policy = {.networks = &notice->networks};
        struct client_begin begin = {&notice->request, &policy, on_notice_answer, notice};
        enum fp_error error = notice_fill(notice, &in);
        error = error != FP_OK ? error : client_send(e->client, &begin, &notice->client, &note);
        if (error == FP_OK) {
            return;
        }
        news.error = (uint16_t)error;
        notice_free(notice);
    }
    news.call = in.call;
    news.reason = bytes_slice(bytes_of_text(note.text), 0, NOTICE_REASON);
    notice_report(e, &news);
}

bool egress_notify_stop(struct egress *e, uint64_t number)
{
    for (struct egress_notice *notice = e->notices; notice != NULL; notice = notice->next) {
        if (notice->number == number) {
            notice_free(notice);
            return true;
        }
    }
    return false;
}

void egress_notify_end(struct egress *e)
{
    while (e->notices != NULL) {
        notice_free(e->notices);
    }
}
