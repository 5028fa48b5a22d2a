// Questions of the command line about webhooks.
// SPDX-License-Identifier: Apache-2.0
#include "registry/control_webhook.h"

#include "registry/webhooks.h"

struct webhook_question {
    struct registry *registry;            // where
    const struct registry_caller *caller; // who
    struct bytes body;                    // of the frame
    registry_done *done;                  // tells
    void *ctx;                            // whom
};

static enum fp_error question_add(const struct webhook_question *q)
{
    struct link_webhook_add in = {0};
    enum fp_error error = link_get_webhook_add(q->body, &in);
    if (error == FP_OK) {
        struct webhook_plan plan = {in.application, in.url, in.events};
        registry_webhook_create(q->registry, q->caller, &plan, q->done, q->ctx);
    }
    return error;
}

static enum fp_error question_list(const struct webhook_question *q)
{
    struct link_webhook_list in = {0};
    enum fp_error error = link_get_webhook_list(q->body, &in);
    if (error == FP_OK) {
        struct webhook_list list = {in.application, in.after};
        registry_webhook_list(q->registry, q->caller, &list, q->done, q->ctx);
    }
    return error;
}

static enum fp_error question_delete(const struct webhook_question *q)
{
    struct link_webhook_delete in = {0};
    enum fp_error error = link_get_webhook_delete(q->body, &in);
    if (error == FP_OK) {
        struct webhook_pick pick = {.webhook = in.webhook};
        registry_webhook_delete(q->registry, q->caller, &pick, q->done, q->ctx);
    }
    return error;
}

static enum fp_error question_test(const struct webhook_question *q)
{
    struct link_webhook_test in = {0};
    enum fp_error error = link_get_webhook_test(q->body, &in);
    if (error == FP_OK) {
        struct webhook_pick pick = {.webhook = in.webhook};
        registry_webhook_test(q->registry, q->caller, &pick, q->done, q->ctx);
    }
    return error;
}

static enum fp_error question_deliveries(const struct webhook_question *q)
{
    struct link_webhook_deliveries in = {0};
    enum fp_error error = link_get_webhook_deliveries(q->body, &in);
    if (error == FP_OK) {
        struct webhook_pick pick = {.webhook = in.webhook};
        registry_webhook_deliveries(q->registry, q->caller, &pick, q->done, q->ctx);
    }
    return error;
}

static enum fp_error question_redeliver(const struct webhook_question *q)
{
    struct link_webhook_redeliver in = {0};
    enum fp_error error = link_get_webhook_redeliver(q->body, &in);
    if (error == FP_OK) {
        struct webhook_pick pick = {.delivery = in.delivery};
        registry_webhook_redeliver(q->registry, q->caller, &pick, q->done, q->ctx);
    }
    return error;
}

enum fp_error control_webhook(struct registry *registry, const struct registry_caller *caller,
                              const struct link_frame *frame, registry_done *done, void *ctx)
{
    static const struct {
        enum link_number number;                                   // of the question
        enum fp_error (*answer)(const struct webhook_question *q); // what answers it
    } rows[] = {
        {LINK_WEBHOOK_ADD, question_add},
        {LINK_WEBHOOK_LIST, question_list},
        {LINK_WEBHOOK_DELETE, question_delete},
        {LINK_WEBHOOK_TEST, question_test},
        {LINK_WEBHOOK_DELIVERIES, question_deliveries},
        {LINK_WEBHOOK_REDELIVER, question_redeliver},
    };
    struct webhook_question q = {registry, caller, frame->body, done, ctx};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].number == frame->number) {
            return rows[i].answer(&q);
        }
    }
    return FP_E_MESSAGE_INVALID;
}
