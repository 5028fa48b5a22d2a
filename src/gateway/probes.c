// Health, readiness and metrics.
// SPDX-License-Identifier: Apache-2.0
#include "gateway/gateway_int.h"

#include "auth/json_in.h"

#define PROBES_METRICS 1048576 // bytes

bool gateway__is_ready(const struct gateway *g)
{
    return !g->draining && !g->sealed && !g->store_away &&
           room_link_is_up(g->room, LINK_ROOM_VAULT) && room_link_is_up(g->room, LINK_ROOM_EGRESS);
}

static const char *probe_state(const struct gateway *g)
{
    return gateway__is_ready(g) ? "ready"
           : g->draining        ? "draining"
           : g->sealed          ? "sealed"
           : g->store_away      ? "store_unavailable"
                                : "starting";
}

static void probe_ready(struct gateway *g, struct gateway_exchange *x)
{
    static const enum link_room peers[] = {LINK_ROOM_VAULT, LINK_ROOM_EGRESS};
    struct buf body;
    struct json_out j = json_out_start(&body);
    bool ready = gateway__is_ready(g);
    buf_init(&body, 256);
    json_begin_object(&j);
    json_member_text_c(&j, "status", probe_state(g));
    json_name(&j, "waiting_for");
    json_begin_array(&j);
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        if (!room_link_is_up(g->room, peers[i])) {
            json_text_c(&j, link_room_name(peers[i]));
        }
    }
    if (g->sealed) {
        json_text_c(&j, "unseal");
    }
    if (g->store_away) {
        json_text_c(&j, "store");
    }
    json_end_array(&j);
    json_end_object(&j);
    gateway__answer_json(g, x, ready ? 200 : 503, buf_bytes(&body));
    buf_done(&body);
}

static void metrics_of_links(struct gateway *g, struct buf *out)
{
    static const enum link_room peers[] = {LINK_ROOM_VAULT, LINK_ROOM_EGRESS};
    buf_append_text(out, "# HELP fishplate_link_up Whether the link to the room works.\n"
                         "# TYPE fishplate_link_up gauge\n");
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        buf_printf(out, "fishplate_link_up{peer=\"%s\"} %d\n", link_room_name(peers[i]),
                   room_link_is_up(g->room, peers[i]) ? 1 : 0);
    }
    buf_append_text(out, "# HELP fishplate_link_queue_bytes Waiting to be written.\n"
                         "# TYPE fishplate_link_queue_bytes gauge\n");
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        const struct buf *queue = room_out(g->room, peers[i]);
        buf_printf(out, "fishplate_link_queue_bytes{peer=\"%s\"} %zu\n", link_room_name(peers[i]),
                   queue != NULL ? queue->len : 0);
    }
}

// From the supervisor's overview: state and number of starts of each room.
static void metrics_of_rooms(struct gateway *g, struct buf *out)
{
    struct fp_note note = {0};
    yyjson_val *rooms = NULL, *room = NULL;
    size_t index = 0, count = 0;
    if (json_in_parse(room_overview(g->room), g->arena, &note, &rooms) != FP_OK) {
        return;
    }
    buf_append_text(out, "# HELP fishplate_room_up Whether the room serves.\n"
                         "# TYPE fishplate_room_up gauge\n");
    yyjson_arr_foreach(rooms, index, count, room)
    {
        const char *name = yyjson_get_str(yyjson_obj_get(room, "name"));
        const char *state = yyjson_get_str(yyjson_obj_get(room, "state"));
        if (name != NULL && state != NULL) {
            buf_printf(out, "fishplate_room_up{room=\"%s\"} %d\n", name,
                       bytes_equal_text(bytes_of_text(state), "ready") ? 1 : 0);
        }
    }
    buf_append_text(out, "# HELP fishplate_room_starts_total How often the room was started.\n"
                         "# TYPE fishplate_room_starts_total counter\n");
    yyjson_arr_foreach(rooms, index, count, room)
    {
        const char *name = yyjson_get_str(yyjson_obj_get(room, "name"));
        if (name != NULL) {
            buf_printf(out, "fishplate_room_starts_total{room=\"%s\"} %llu\n", name,
                       (unsigned long long)yyjson_get_uint(yyjson_obj_get(room, "starts")));
        }
    }
}

static void probe_metrics(struct gateway *g, struct gateway_exchange *x)
{
    struct http_statistics s = {0};
    struct buf body;
    buf_init(&body, PROBES_METRICS);
    http_server_statistics(g->server, &s);
    metrics_write(g->metrics, &body);
    metrics_write_number(&body, "fishplate_requests_in_flight", "gauge",
                         "Requests whose answer is not complete.", s.unanswered);
    metrics_write_number(&body, "fishplate_calls_in_flight", "gauge",
                         "Calls under way in the other rooms.", g->in_flight);
    metrics_write_number(&body, "fishplate_connections", "gauge", "Open client connections.",
                         s.connections);
    metrics_write_number(&body, "fishplate_connections_total", "counter",
                         "Client connections accepted.", s.accepted);
    metrics_write_number(&body, "fishplate_connections_turned_away_total", "counter",
                         "Client connections over a limit.", s.turned_away);
    metrics_write_number(&body, "fishplate_tls_handshakes_failed_total", "counter",
                         "TLS handshakes that failed.", s.handshakes_failed);
    metrics_write_number(&body, "fishplate_requests_refused_total", "counter",
                         "Requests that were not valid HTTP or over a limit.", s.refusals);
    metrics_write_number(&body, "fishplate_sealed", "gauge",
                         "1: the vault waits for its passphrase, calls are answered SEALED.",
                         g->sealed ? 1 : 0);
    metrics_of_links(g, &body);
    metrics_of_rooms(g, &body);
    gateway__answer_text(g, x, BYTES("text/plain; version=0.0.4; charset=utf-8"), buf_bytes(&body));
    buf_done(&body);
}

bool gateway__probe(struct gateway *g, struct gateway_exchange *x,
                    const struct http_request *request)
{
    bool health = bytes_equal(request->path, BYTES("/healthz"));
    bool ready = bytes_equal(request->path, BYTES("/readyz"));
    bool metrics = request->tag == GATEWAY_METRICS && bytes_equal(request->path, BYTES("/metrics"));
    if (!health && !ready && !metrics) {
        return false;
    }
    x->quiet = true;
    x->allowed = 1u << MODEL_METHOD_GET;
    if (bytes_equal(request->method, BYTES("OPTIONS"))) {
        gateway__answer_options(g, x, x->allowed, false);
    } else if (!request->head && !bytes_equal(request->method, BYTES("GET"))) {
        gateway__answer_error(g, x, FP_E_METHOD_NOT_ALLOWED, NULL);
    } else if (health) {
        // alive all the same: to restart it would not help
        gateway__answer_json(
            g, x, 200, g->sealed ? BYTES("{\"status\":\"sealed\"}") : BYTES("{\"status\":\"ok\"}"));
    } else if (ready) {
        probe_ready(g, x);
    } else {
        probe_metrics(g, x);
    }
    return true;
}
