"""Refuses functions that the house style bans, each with what to use instead. The allocators are
banned outside src/base only, comparison of secrets by memcmp only where a secret's name is near.
Usage: lint_banned.py [ROOT]
"""
# SPDX-License-Identifier: Apache-2.0
import re
import sys
from pathlib import Path

import c_scan

BUFFER = "use struct buf (base/buf.h) or snprintf with the size of the target"
BANNED = {
    "strcpy": BUFFER, "stpcpy": BUFFER, "strcat": BUFFER, "strncpy": BUFFER, "strncat": BUFFER,
    "sprintf": BUFFER, "vsprintf": BUFFER,
    "strtok": "cut with struct bytes (base/bytes.h)",
    "strtok_r": "cut with struct bytes (base/bytes.h)",
    "atoi": "use a parser that reports an error (base/bytes.h)",
    "atol": "use a parser that reports an error (base/bytes.h)",
    "atoll": "use a parser that reports an error (base/bytes.h)",
    "atof": "use a parser that reports an error (base/bytes.h)",
    "gets": "use read with a limit", "scanf": "write a parser", "sscanf": "write a parser",
    "fscanf": "write a parser",
    "alloca": "use an arena (base/arena.h)", "strdupa": "use an arena (base/arena.h)",
    "system": "nothing here starts a shell", "popen": "nothing here starts a shell",
    "rand": "use crypto/random.h", "srand": "use crypto/random.h", "random": "use crypto/random.h",
    "srandom": "use crypto/random.h", "drand48": "use crypto/random.h",
    "tmpnam": "use mkostemp", "mktemp": "use mkostemp", "tempnam": "use mkostemp",
    "asctime": "use base/clock.h", "ctime": "use base/clock.h", "localtime": "use base/clock.h",
    "gmtime": "use gmtime_r",
    "setjmp": "return an enum fp_error", "longjmp": "return an enum fp_error",
}
# Words are parsed by our own code; a test may read /proc as it likes.
FINE_IN_TESTS = {"scanf", "sscanf", "fscanf", "setjmp", "longjmp"}
ALLOCATORS = {"malloc", "calloc", "realloc", "reallocarray", "free", "strdup", "strndup",
              "asprintf", "vasprintf", "aligned_alloc", "posix_memalign"}
ALLOCATORS_INSTEAD = "outside src/base use base/mem.h, an arena or a struct buf"
EXITS = {"exit", "_exit", "_Exit", "quick_exit"}
EXITS_ALLOWED = {"supervisor", "gateway", "vault", "egress", "console", "room", "cli", "main"}
# A canary beside a secret is none itself.
SECRET = re.compile(r"^(?!.*canary).*(?:secret|password|passphrase|\bkey\b|_key\b|token|mac\b|"
                    r"digest|hmac)", re.I)


def check_call(path, tokens, i, folder, report):
    """tokens[i] is a name that is called here."""
    token, name = tokens[i], tokens[i].text
    if name in BANNED and not (folder == "tests" and name in FINE_IN_TESTS):
        report.add(path, token.line, "banned", f"{name}(): {BANNED[name]}")
    elif name in ALLOCATORS and folder not in ("base", "tests"):
        report.add(path, token.line, "banned", f"{name}(): {ALLOCATORS_INSTEAD}")
    elif name in EXITS and folder not in EXITS_ALLOWED and folder not in ("base", "tests"):
        report.add(path, token.line, "banned", f"{name}(): only rooms, cli and main end a process")
    elif name == "memcmp" and folder != "tests":
        close = c_scan.matching(tokens, i + 1, "(", ")")
        arguments = " ".join(t.text for t in tokens[i + 2:close])
        if SECRET.search(arguments):
            report.add(path, token.line, "banned",
                       "memcmp() of what looks like a secret: compare in constant time "
                       "(crypto/, rename what is none)")


def check_file(path, text, folder, report):
    tokens = c_scan.code(c_scan.tokenize(text))
    for i, token in enumerate(tokens[:-1]):
        if token.kind != "name" or tokens[i + 1].text != "(":
            continue
        before = tokens[i - 1].text if i else ""
        # A member of that name (x->free(...)) is no call of the C library.
        if before not in ("->", "."):
            check_call(path, tokens, i, folder, report)


def run(root):
    root = Path(root)
    report = c_scan.Report(root)
    for path in c_scan.files(root, "src", "tests", suffixes=(".c", ".h", ".def")):
        parts = path.relative_to(root).parts
        folder = "tests" if parts[0] == "tests" else parts[1]
        check_file(path, path.read_text(errors="replace"), folder, report)
    return report


if __name__ == "__main__":
    sys.exit(run(sys.argv[1] if len(sys.argv) > 1 else ".").finish("banned functions"))
