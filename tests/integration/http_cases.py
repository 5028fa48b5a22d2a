"""Requests that a strict server refuses: the known classes of request smuggling, splitting and
desynchronisation, one row each, and the odd ones that it must accept.

Row: name, raw bytes, allowed status numbers. {T} in a row's bytes is where the target stands.
"""
# SPDX-License-Identifier: Apache-2.0
import os

H = b"Host: localhost\r\n"
GET = b"GET /here HTTP/1.1\r\n"
POST = b"POST /here HTTP/1.1\r\n" + H
TE = POST + b"Transfer-Encoding: chunked\r\n\r\n"
BAD = (400,)
CODING = (400, 501)

REFUSED = [
    # -- Host
    ("host_missing", GET + b"\r\n", BAD),
    ("host_twice", GET + H + H + b"\r\n", BAD),
    ("host_twice_other", GET + H + b"Host: other\r\n\r\n", BAD),
    ("host_twice_case", GET + H + b"hOST: other\r\n\r\n", BAD),
    ("host_empty", GET + b"Host:\r\n\r\n", BAD),
    ("host_blank_inside", GET + b"Host: a b\r\n\r\n", BAD),
    ("host_tab_inside", GET + b"Host: a\tb\r\n\r\n", BAD),
    ("host_list", GET + b"Host: a, b\r\n\r\n", BAD),
    ("host_path", GET + b"Host: a/b\r\n\r\n", BAD),
    ("host_user", GET + b"Host: user@localhost\r\n\r\n", BAD),
    ("host_port_too_large", GET + b"Host: localhost:65536\r\n\r\n", BAD),
    ("host_port_letters", GET + b"Host: localhost:80a\r\n\r\n", BAD),
    ("host_port_empty", GET + b"Host: localhost:\r\n\r\n", BAD),
    ("host_bracket_open", GET + b"Host: [::1\r\n\r\n", BAD),
    ("host_not_ascii", GET + b"Host: l\xc3\xb6cal\r\n\r\n", BAD),
    # -- Content-Length and Transfer-Encoding
    ("cl_te", POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BAD),
    ("te_cl", POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", BAD),
    ("te_cl_zero", POST + b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", BAD),
    ("cl_twice_same", POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", BAD),
    ("cl_twice_other", POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc", BAD),
    ("cl_list", POST + b"Content-Length: 2, 2\r\n\r\nab", BAD),
    ("cl_plus", POST + b"Content-Length: +2\r\n\r\nab", BAD),
    ("cl_minus", POST + b"Content-Length: -2\r\n\r\nab", BAD),
    ("cl_hex", POST + b"Content-Length: 0x2\r\n\r\nab", BAD),
    ("cl_blank_inside", POST + b"Content-Length: 2 2\r\n\r\nab", BAD),
    ("cl_empty", POST + b"Content-Length:\r\n\r\n", BAD),
    ("cl_letters", POST + b"Content-Length: 2a\r\n\r\nab", BAD),
    ("cl_overflow", POST + b"Content-Length: 18446744073709551618\r\n\r\nab", BAD),
    ("cl_overflow_20", POST + b"Content-Length: 99999999999999999999\r\n\r\nab", BAD),
    ("cl_not_ascii_digit", POST + b"Content-Length: \xef\xbc\x95\r\n\r\nabcde", BAD),
    ("cl_name_blank", POST + b"Content-Length : 2\r\n\r\nab", BAD),
    ("te_xchunked", POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", CODING),
    ("te_comma_before", POST + b"Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n", CODING),
    ("te_comma_behind", POST + b"Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", CODING),
    ("te_chunked_twice", POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", CODING),
    ("te_gzip_chunked", POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", CODING),
    ("te_chunked_identity", POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", CODING),
    ("te_identity", POST + b"Transfer-Encoding: identity\r\n\r\nab", CODING),
    ("te_gzip", POST + b"Transfer-Encoding: gzip\r\n\r\nab", CODING),
    ("te_two_headers", POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
     b"0\r\n\r\n", CODING),
    ("te_two_headers_other", POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"
     b"0\r\n\r\n", CODING),
    ("te_parameter", POST + b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", CODING),
    ("te_quoted", POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n', CODING),
    ("te_vertical_tab", POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", CODING),
    ("te_nul", POST + b"Transfer-Encoding: chunked\x00\r\n\r\n0\r\n\r\n", CODING),
    ("te_empty", POST + b"Transfer-Encoding:\r\n\r\n0\r\n\r\n", CODING),
    ("te_name_blank", POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", BAD),
    ("te_name_tab", POST + b"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", BAD),
    ("te_folded", POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", BAD),
    ("te_http10", b"POST /here HTTP/1.0\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     BAD),
    # -- chunks
    ("chunk_hex_prefix", TE + b"0x2\r\nab\r\n0\r\n\r\n", BAD),
    ("chunk_blank_behind", TE + b"2 \r\nab\r\n0\r\n\r\n", BAD),
    ("chunk_blank_before", TE + b" 2\r\nab\r\n0\r\n\r\n", BAD),
    ("chunk_plus", TE + b"+2\r\nab\r\n0\r\n\r\n", BAD),
    ("chunk_minus", TE + b"-2\r\nab\r\n0\r\n\r\n", BAD),
    ("chunk_underscore", TE + b"0_2\r\nab\r\n0\r\n\r\n", BAD),
    ("chunk_overflow", TE + b"10000000000000002\r\nab\r\n0\r\n\r\n", (400, 413)),
    ("chunk_overflow_f", TE + b"ffffffffffffffffffff\r\nab\r\n0\r\n\r\n", (400, 413)),
    ("chunk_size_empty", TE + b"\r\nab\r\n0\r\n\r\n", BAD),
    ("chunk_size_word", TE + b"two\r\nab\r\n0\r\n\r\n", BAD),
    ("chunk_size_lf", TE + b"2\nab\r\n0\r\n\r\n", BAD),
    ("chunk_size_cr", TE + b"2\rab\r\n0\r\n\r\n", BAD),
    ("chunk_data_lf", TE + b"2\r\nab\n0\r\n\r\n", BAD),
    ("chunk_data_no_end", TE + b"2\r\nabcd\r\n0\r\n\r\n", BAD),
    ("chunk_last_lf", TE + b"2\r\nab\r\n0\n\n", BAD),
    ("chunk_last_end_lf", TE + b"2\r\nab\r\n0\r\n\n", BAD),
    ("chunk_extension_lf", TE + b"2;a\nb\r\nab\r\n0\r\n\r\n", BAD),
    ("chunk_extension_nul", TE + b"2;a\x00b\r\nab\r\n0\r\n\r\n", BAD),
    ("chunk_extension_long", TE + b"2;" + b"a" * 300 + b"\r\nab\r\n0\r\n\r\n", BAD),
    ("chunk_extension_long_value", TE + b"2;a=" + b"b" * 300 + b"\r\nab\r\n0\r\n\r\n", BAD),
    ("chunk_extension_many", TE + b"2" + b";a" * 200 + b"\r\nab\r\n0\r\n\r\n", BAD),
    ("trailer_folded", TE + b"2\r\nab\r\n0\r\nX: a\r\n b\r\n\r\n", BAD),
    ("trailer_nul", TE + b"2\r\nab\r\n0\r\nX: a\x00b\r\n\r\n", BAD),
    ("trailer_lf", TE + b"2\r\nab\r\n0\r\nX: a\n\r\n", BAD),
    ("trailer_no_colon", TE + b"2\r\nab\r\n0\r\nGET / HTTP/1.1\r\n\r\n", BAD),
    ("trailer_large", TE + b"2\r\nab\r\n0\r\n" + b"X: abcdefgh\r\n" * 2000 + b"\r\n", (431,)),
    # -- header lines
    ("value_nul", GET + H + b"X: a\x00b\r\n\r\n", BAD),
    ("value_bare_cr", GET + H + b"X: a\rY: b\r\n\r\n", BAD),
    ("value_bare_cr_end", GET + H + b"X: a\r\r\n\r\n", BAD),
    ("value_control", GET + H + b"X: a\x01b\r\n\r\n", BAD),
    ("value_delete", GET + H + b"X: a\x7fb\r\n\r\n", BAD),
    ("value_form_feed", GET + H + b"X: a\x0cb\r\n\r\n", BAD),
    ("line_lf", GET + b"Host: localhost\n\r\n", BAD),
    ("all_lf", b"GET /here HTTP/1.1\nHost: localhost\n\n", BAD),
    ("request_line_lf", b"GET /here HTTP/1.1\n" + H + b"\r\n", BAD),
    ("request_line_cr", b"GET /here HTTP/1.1\r" + H + b"\r\n", BAD),
    ("end_lf", GET + H + b"\n", BAD),
    ("fold_blank", GET + H + b"X: a\r\n b\r\n\r\n", BAD),
    ("fold_tab", GET + H + b"X: a\r\n\tb\r\n\r\n", BAD),
    ("fold_first", GET + b" " + H + b"\r\n", BAD),
    ("fold_host", GET + b"Host:\r\n localhost\r\n\r\n", BAD),
    ("no_colon", GET + H + b"X\r\n\r\n", BAD),
    ("name_empty", GET + H + b": a\r\n\r\n", BAD),
    ("name_nul", GET + H + b"X\x00Y: a\r\n\r\n", BAD),
    ("name_blank", GET + H + b"X Y: a\r\n\r\n", BAD),
    ("name_blank_behind", GET + H + b"X : a\r\n\r\n", BAD),
    ("name_parenthesis", GET + H + b"X(Y): a\r\n\r\n", BAD),
    ("name_not_ascii", GET + H + b"X\xc3\xa4: a\r\n\r\n", BAD),
    # -- request line
    ("line_two_blanks", b"GET  /here HTTP/1.1\r\n" + H + b"\r\n", BAD),
    ("line_blank_behind", b"GET /here HTTP/1.1 \r\n" + H + b"\r\n", (400, 505)),
    ("line_tabs", b"GET\t/here\tHTTP/1.1\r\n" + H + b"\r\n", BAD),
    ("line_blank_before", b" GET /here HTTP/1.1\r\n" + H + b"\r\n", BAD),
    ("line_no_version", b"GET /here\r\n" + H + b"\r\n", (400, 505)),
    ("line_only_method", b"GET\r\n" + H + b"\r\n", BAD),
    ("version_09", b"GET /here HTTP/0.9\r\n" + H + b"\r\n", (400, 505)),
    ("version_12", b"GET /here HTTP/1.2\r\n" + H + b"\r\n", (400, 505)),
    ("version_20", b"GET /here HTTP/2.0\r\n" + H + b"\r\n", (400, 505)),
    ("version_long", b"GET /here HTTP/1.10\r\n" + H + b"\r\n", (400, 505)),
    ("version_11_11", b"GET /here HTTP/11.1\r\n" + H + b"\r\n", (400, 505)),
    ("version_lower", b"GET /here http/1.1\r\n" + H + b"\r\n", (400, 505)),
    ("version_other", b"GET /here ICE/1.0\r\n" + H + b"\r\n", (400, 505)),
    ("h2_preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
    ("method_lower", b"get /here HTTP/1.1\r\n" + H + b"\r\n", BAD),
    ("method_nul", b"GE\x00T /here HTTP/1.1\r\n" + H + b"\r\n", BAD),
    ("method_unknown", b"FROB /here HTTP/1.1\r\n" + H + b"\r\n", (400, 405, 501)),
    ("method_long", b"G" * 5000 + b" /here HTTP/1.1\r\n" + H + b"\r\n", (400, 405, 501)),
    ("connect", b"CONNECT localhost:80 HTTP/1.1\r\n" + H + b"\r\n", (400, 405)),
    ("two_empty_lines_before", b"\r\n\r\n" + GET + H + b"\r\n", BAD),
    ("lf_before", b"\n" + GET + H + b"\r\n", BAD),
    ("tls_hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64, BAD),
    ("target_fragment", b"GET /here#x HTTP/1.1\r\n" + H + b"\r\n", BAD),
    ("target_not_ascii", b"GET /h\xc3\xa4re HTTP/1.1\r\n" + H + b"\r\n", BAD),
    ("target_nul", b"GET /he\x00re HTTP/1.1\r\n" + H + b"\r\n", BAD),
    ("target_control", b"GET /he\x01re HTTP/1.1\r\n" + H + b"\r\n", BAD),
    ("target_percent", b"GET /he%2 HTTP/1.1\r\n" + H + b"\r\n", BAD),
    ("target_percent_bad", b"GET /he%zz HTTP/1.1\r\n" + H + b"\r\n", BAD),
    ("target_blank", b"GET /he re HTTP/1.1\r\n" + H + b"\r\n", (400, 505)),
    ("target_relative", b"GET here HTTP/1.1\r\n" + H + b"\r\n", BAD),
    ("target_star_get", b"GET * HTTP/1.1\r\n" + H + b"\r\n", BAD),
    ("absolute_other_host", b"GET http://other/here HTTP/1.1\r\n" + H + b"\r\n", BAD),
    ("absolute_other_port", b"GET http://localhost:81/here HTTP/1.1\r\n" + H + b"\r\n", BAD),
    ("absolute_user", b"GET http://a@localhost/here HTTP/1.1\r\n" + H + b"\r\n", BAD),
    ("absolute_scheme", b"GET ftp://localhost/here HTTP/1.1\r\n" + H + b"\r\n", BAD),
    ("absolute_no_host", b"GET http:///here HTTP/1.1\r\n" + H + b"\r\n", BAD),
    ("expect_other", POST + b"Expect: 200-ok\r\nContent-Length: 2\r\n\r\nab", (417,)),
    ("expect_list", POST + b"Expect: 100-continue, x\r\nContent-Length: 2\r\n\r\nab", (417,)),
]

ACCEPTED = [
    ("plain", GET + H + b"\r\n"),
    ("empty_line_before", b"\r\n" + GET + H + b"\r\n"),
    ("host_port", GET + b"Host: localhost:8443\r\n\r\n"),
    ("host_v6", GET + b"Host: [::1]:8443\r\n\r\n"),
    ("value_not_ascii", GET + H + b"X: \xc3\xa4\r\n\r\n"),
    ("value_empty", GET + H + b"X:\r\n\r\n"),
    ("value_blanks_around", GET + H + b"X: \t a \t\r\n\r\n"),
    ("absolute_same_host", b"GET http://localhost/here HTTP/1.1\r\n" + H + b"\r\n"),
    ("absolute_case", b"GET HTTP://LOCALHOST/here HTTP/1.1\r\n" + H + b"\r\n"),
    ("te_case_and_blanks", POST + b"transfer-ENCODING: \t CHUNKED \r\n\r\n2\r\nab\r\n0\r\n\r\n"),
    ("chunk_extension", TE + b'2;a=b;c="d e"\r\nab\r\n0\r\n\r\n'),
    ("chunk_leading_zero", TE + b"002\r\nab\r\n000\r\n\r\n"),
    ("chunk_hex_both_cases", TE + b"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"),
    ("trailer", TE + b"2\r\nab\r\n0\r\nX: y\r\n\r\n"),
    ("underscore_is_no_hyphen",
     POST + b"Transfer_Encoding: chunked\r\nContent-Length: 2\r\n\r\nab"),
    ("get_with_body", GET + H + b"Content-Length: 2\r\n\r\nab"),
    ("upgrade_ignored",
     GET + H + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
     b"HTTP2-Settings: AAMAAABk\r\n\r\n"),
    ("upgrade_websocket", GET + H + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    ("expect_continue_with_body", POST + b"Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nab"),
]


def mutated(random, count):
    """Valid requests with random damage, and plain noise: raw bytes, one after the other."""
    seeds = [raw for _, raw in ACCEPTED] + [raw for _, raw, _ in REFUSED]
    tokens = [b"\r\n", b"\n", b"\r", b"\x00", b" ", b":", b",", b"chunked", b"Content-Length: 7\r\n",
              b"Transfer-Encoding: chunked\r\n", b"\xff", b"0\r\n\r\n", b"ffffffff\r\n", b"%00", b"A" * 999]
    for number in range(count):
        if number % 10 == 0:
            yield os.urandom(random.randrange(1, 600))
            continue
        raw = bytearray(random.choice(seeds))
        for _ in range(random.randrange(1, 6)):
            at = random.randrange(len(raw) + 1)
            kind = random.randrange(4)
            if kind == 0 and at < len(raw):
                raw[at] = random.randrange(256)
            elif kind == 1:
                raw[at:at] = random.choice(tokens)
            elif kind == 2:
                del raw[at:at + random.randrange(1, 12)]
            else:
                raw[at:at] = raw[:random.randrange(len(raw) + 1)]
        yield bytes(raw)
