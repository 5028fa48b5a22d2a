// Judging a request's head.
// SPDX-License-Identifier: Apache-2.0
#include "http/head.h"

size_t http_headers_find(const struct http_header *headers, size_t count, const char *name,
                         struct bytes *first_out)
{
    struct bytes wanted = bytes_of_text(name);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (headers[i].name.len == wanted.len && bytes_equal_nocase(headers[i].name, wanted)) {
            if (found == 0) {
                *first_out = headers[i].value;
            }
            found++;
        }
    }
    return found;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_hex(uint8_t c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool is_host_char(uint8_t c)
{
    return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

// Printable ASCII without blank and '#', percent signs only before two hex digits. Square brackets
// and the like pass: the filters of the API use them unescaped.
static bool target_chars_valid(struct bytes target)
{
    for (size_t i = 0; i < target.len; i++) {
        uint8_t c = target.ptr[i];
        if (c <= 0x20 || c >= 0x7f || c == '#') {
            return false;
        }
        if (c == '%' &&
            (target.len - i < 3 || !is_hex(target.ptr[i + 1]) || !is_hex(target.ptr[i + 2]))) {
            return false;
        }
    }
    return target.len != 0;
}

// Takes scheme and authority off the front of an absolute-form.
static bool target_cut_authority(struct bytes *target, struct bytes *authority_out)
{
    struct bytes scheme = BYTES("http://");
    size_t end = 0;
    if (target->len >= 8 && bytes_equal_nocase(bytes_slice(*target, 0, 8), BYTES("https://"))) {
        scheme = BYTES("https://");
    } else if (target->len < 7 || !bytes_equal_nocase(bytes_slice(*target, 0, 7), scheme)) {
        return false;
    }
    *target = bytes_slice(*target, scheme.len, target->len);
    while (end < target->len && target->ptr[end] != '/' && target->ptr[end] != '?') {
        end++;
    }
    *authority_out = bytes_slice(*target, 0, end);
    *target = bytes_slice(*target, end, target->len);
    return http_host_valid(*authority_out);
}

enum fp_error http_target_parse(struct bytes target, bool options, struct http_target *out)
{
    struct http_target found = {0};
    size_t mark = 0;
    if (!target_chars_valid(target)) {
        return FP_E_REQUEST_MALFORMED;
    }
    if (options && bytes_equal(target, BYTES("*"))) {
        out->path = target;
        out->query = (struct bytes){0};
        out->authority = (struct bytes){0};
        return FP_OK;
    }
    if (target.ptr[0] != '/' && !target_cut_authority(&target, &found.authority)) {
        return FP_E_REQUEST_MALFORMED;
    }
    found.path = target;
    if (bytes_find(target, '?', &mark)) {
        found.path = bytes_slice(target, 0, mark);
        found.query = bytes_slice(target, mark + 1, target.len);
    }
    if (found.path.len == 0) {
        found.path = BYTES("/"); // http://host is http://host/
    }
    *out = found;
    return FP_OK;
}

static bool port_valid(struct bytes port)
{
    uint64_t number = 0;
    return port.len <= 5 && bytes_to_u64(port, 65535, &number);
}

static bool bracket_host_valid(struct bytes host)
{
    size_t close = 0;
    if (!bytes_find(host, ']', &close) || close < 3) {
        return false;
    }
    for (size_t i = 1; i < close; i++) {
        if (!is_hex(host.ptr[i]) && host.ptr[i] != ':' && host.ptr[i] != '.') {
            return false;
        }
    }
    return close + 1 == host.len ||
           (host.ptr[close + 1] == ':' && port_valid(bytes_slice(host, close + 2, host.len)));
}

bool http_host_valid(struct bytes host)
{
    size_t end = 0;
    if (host.len != 0 && host.ptr[0] == '[') {
        return bracket_host_valid(host);
    }
    while (end < host.len && is_host_char(host.ptr[end])) {
        end++;
    }
    if (end == 0 || end > 255) {
        return false;
    }
    return end == host.len ||
           (host.ptr[end] == ':' && port_valid(bytes_slice(host, end + 1, host.len)));
}

// RFC 9112 6.1 and 6.3, without any of the repairs that they allow.
static enum fp_error head_framing(const struct http_header *headers, size_t count, unsigned minor,
                                  struct http_head_facts *facts)
{
    struct bytes coding = {0}, length = {0};
    size_t codings = http_headers_find(headers, count, "Transfer-Encoding", &coding);
    size_t lengths = http_headers_find(headers, count, "Content-Length", &length);
    if (lengths > 1 || (codings != 0 && (lengths != 0 || minor == 0))) {
        return FP_E_REQUEST_MALFORMED;
    }
    if (codings > 1 || (codings == 1 && !bytes_equal_nocase(coding, BYTES("chunked")))) {
        return FP_E_REQUEST_ENCODING_UNSUPPORTED;
    }
    if (lengths == 1 && (length.len > 19 || !bytes_to_u64(length, INT64_MAX, &facts->length))) {
        return FP_E_REQUEST_MALFORMED;
    }
    facts->framing = codings != 0                         ? HTTP_FRAMING_CHUNKED
                     : lengths != 0 && facts->length != 0 ? HTTP_FRAMING_LENGTH
                                                          : HTTP_FRAMING_NONE;
    return FP_OK;
}

// Connection options over all Connection headers.
static bool head_keeps_alive(const struct http_header *headers, size_t count, unsigned minor)
{
    bool close = false, keep = false;
    for (size_t i = 0; i < count; i++) {
        struct bytes rest = headers[i].value, option = {0};
        if (headers[i].name.len != 10 ||
            !bytes_equal_nocase(headers[i].name, BYTES("Connection"))) {
            continue;
        }
        while (bytes_split(&rest, ',', &option)) {
            option = bytes_trim(option);
            close = close || bytes_equal_nocase(option, BYTES("close"));
            keep = keep || bytes_equal_nocase(option, BYTES("keep-alive"));
        }
    }
    return !close && (minor >= 1 || keep);
}

enum fp_error http_head_judge(const struct http_header *headers, size_t count, unsigned minor,
                              struct http_head_facts *out)
{
    struct http_head_facts facts = {0};
    struct bytes value = {0};
    size_t hosts = http_headers_find(headers, count, "Host", &facts.host);
    size_t expectations = http_headers_find(headers, count, "Expect", &value);
    enum fp_error error = FP_OK;
    if (hosts > 1 || (hosts == 0 && minor >= 1) || (hosts == 1 && !http_host_valid(facts.host))) {
        return FP_E_REQUEST_HOST_INVALID;
    }
    error = head_framing(headers, count, minor, &facts);
    if (error != FP_OK) {
        return error;
    }
    if (expectations > 1 ||
        (expectations == 1 && !bytes_equal_nocase(value, BYTES("100-continue")))) {
        return FP_E_REQUEST_EXPECTATION_FAILED;
    }
    // RFC 9110 10.1.1: of HTTP/1.0 and without a body it means nothing
    facts.expects_continue = expectations == 1 && minor >= 1 && facts.framing != HTTP_FRAMING_NONE;
    facts.keep_alive = head_keeps_alive(headers, count, minor);
    if (http_headers_find(headers, count, "Accept-Encoding", &value) == 1) {
        facts.accepts_gzip = http_accepts_gzip(value);
    }
    *out = facts;
    return FP_OK;
}

// A weight as thousandths (RFC 9110 12.4.2); -1 when it is none.
static int weight_parse(struct bytes text)
{
    int weight = 0, scale = 100;
    if (text.len == 0 || text.len > 5 || (text.ptr[0] != '0' && text.ptr[0] != '1') ||
        (text.len > 1 && text.ptr[1] != '.')) {
        return -1;
    }
    weight = (text.ptr[0] - '0') * 1000;
    for (size_t i = 2; i < text.len; i++, scale /= 10) {
        if (!is_digit(text.ptr[i])) {
            return -1;
        }
        weight += (text.ptr[i] - '0') * scale;
    }
    return weight <= 1000 ? weight : -1;
}

// One element, "gzip;q=0.5": its weight, -1 when it is malformed.
static int coding_parse(struct bytes element, struct bytes *name_out)
{
    struct bytes rest = element, piece = {0};
    if (!bytes_split(&rest, ';', &piece)) {
        return -1;
    }
    *name_out = bytes_trim(piece);
    if (rest.ptr == NULL) {
        return 1000;
    }
    rest = bytes_trim(rest);
    if (rest.len < 2 || (rest.ptr[0] | 0x20) != 'q' || rest.ptr[1] != '=') {
        return -1;
    }
    return weight_parse(bytes_slice(rest, 2, rest.len));
}

bool http_accepts_gzip(struct bytes value)
{
    struct bytes rest = value, element = {0};
    int gzip = -1, any = -1, identity = -1;
    while (bytes_split(&rest, ',', &element)) {
        struct bytes name = {0};
        int weight = 0;
        element = bytes_trim(element);
        if (element.len == 0) {
            continue;
        }
        weight = coding_parse(element, &name);
        if (weight < 0) {
            return false;
        }
        if (bytes_equal_nocase(name, BYTES("gzip")) || bytes_equal_nocase(name, BYTES("x-gzip"))) {
            gzip = weight;
        } else if (bytes_equal(name, BYTES("*"))) {
            any = weight;
        } else if (bytes_equal_nocase(name, BYTES("identity"))) {
            identity = weight;
        }
    }
    gzip = gzip >= 0 ? gzip : any;
    return gzip > 0 && gzip >= identity;
}
