"""Tokens as text, made the way docs/tokens.md says, and spoilt in the ways that people spoil
them."""
# SPDX-License-Identifier: Apache-2.0
import re
import secrets
import zlib

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SCANNER = re.compile(r"(fp|fpa|fprt)_(live|test)_[0-9A-Za-z]{49}|(fps|fpac|fplink)_[0-9A-Za-z]{49}")


def checksum(random):
    number, text = zlib.crc32(random.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        text = ALPHABET[digit] + text
    return text


def never_issued(prefix="fp_test_"):
    """A well-formed token with a checksum that fits, which no server ever gave out."""
    random = "".join(secrets.choice(ALPHABET) for _ in range(42))
    random = "0" + random  # 43 digits of base 62 hold 256 bits only below a certain first digit
    return prefix + random + checksum(random)


def is_well_formed(token):
    """By the published pattern and the checksum, as a secret scanner would decide."""
    body = token.rsplit("_", 1)[1]
    return bool(SCANNER.fullmatch(token)) and checksum(body[:43]) == body[43:]


def spoilt(token):
    """{how: text} of what a person makes of a token by accident; none is the token."""
    body = token.rsplit("_", 1)[1]
    prefix = token[:-len(body)]
    other = "A" if body[20] != "A" else "B"
    digit = "0" if token[-1] != "0" else "1"
    middle = len(prefix) + 10
    return {
        "checksum": token[:-1] + digit,
        "one character": prefix + body[:20] + other + body[21:],
        "cut": token[:-1],
        "cut in half": token[:len(token) // 2],
        "cut to the prefix": prefix,
        "longer": token + "a",
        "twice": token + token,
        "swapped case": prefix + body.swapcase(),
        "upper case": token.upper(),
        "other prefix": "ghp_" + body,
        "prefix of a secret": "fps_" + body[:-6] + "000000",
        "quoted": f'"{token}"',
        "blank within": token[:middle] + " " + token[middle:],
        "comma": token + ",",
        "dash for underscore": token.replace("_", "-"),
        "two tokens": f"{token}, {token}",
    }
