"""The lint tools find what they are for: each test breaks one thing on purpose in a small tree."""
# SPDX-License-Identifier: Apache-2.0
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import c_scan  # noqa: E402
import lint_banned  # noqa: E402
import lint_budgets  # noqa: E402
import lint_includes  # noqa: E402
import lint_style  # noqa: E402
import lint_symbols  # noqa: E402

HEAD = "// Adds numbers for the tests of lint.\n// SPDX-License-Identifier: Apache-2.0\n"
TABLE = """# a table for the tests
base:    |
keys:    base | openssl
http:    base | uv
gateway: base http |
!never gateway: keys
"""
MESON = """folders = [
  ['base',    [],               []],
  ['keys',    ['base'],         ['openssl']],
  ['http',    ['base'],         ['uv']],
  ['gateway', ['base', 'http'], []],
]
"""


@pytest.fixture
def tree(tmp_path):
    """A tree in which every tool is content."""
    (tmp_path / "include-rules").write_text(TABLE)
    (tmp_path / "meson.build").write_text(MESON)
    for folder in ("base", "keys", "http", "gateway"):
        (tmp_path / "src" / folder).mkdir(parents=True)
        write(tmp_path, f"src/{folder}/{folder}.h", f"int {folder}_add(int a, int b);\n")
        write(tmp_path, f"src/{folder}/{folder}.c",
              f'#include "{folder}/{folder}.h"\n\nint {folder}_add(int a, int b)\n'
              "{\n    return a + b;\n}\n")
    (tmp_path / "tests").mkdir()
    return tmp_path


def write(tree, path, text):
    (tree / path).write_text(HEAD + text)


def rules_of(tool, tree):
    """The rules that a tool's findings name, in order."""
    return [finding.split(": ")[1] for finding in tool.run(tree).findings]


def test_lint__a_clean_tree_has_no_finding(tree):
    for tool in (lint_includes, lint_budgets, lint_banned, lint_style):
        assert tool.run(tree).findings == []


# -- the include table ----------------------------------------------------------------------------
def test_includes__a_folder_outside_its_row(tree):
    write(tree, "src/http/http.c", '#include "http/http.h"\n#include "keys/keys.h"\n')
    findings = lint_includes.run(tree).findings
    assert findings == ["src/http/http.c:4: include-folder: http may not include keys; "
                        "it may: base"]


def test_includes__a_library_outside_its_row(tree):
    write(tree, "src/gateway/gateway.c", "#include <openssl/evp.h>\n")
    assert rules_of(lint_includes, tree) == ["include-library"]


def test_includes__an_include_in_a_comment_is_none(tree):
    write(tree, "src/http/http.c", '/*\n#include "keys/keys.h"\n*/\n')
    assert lint_includes.run(tree).findings == []


def test_includes__an_include_with_spaces_and_in_a_header_and_def(tree):
    write(tree, "src/http/http.h", '#  include   "keys/keys.h"\n')
    write(tree, "src/http/http.def", '#include "gateway/gateway.h"\n')
    assert rules_of(lint_includes, tree) == ["include-folder", "include-folder"]


def test_includes__a_cycle_in_the_table(tree):
    (tree / "include-rules").write_text(TABLE.replace("base:    |", "base: http |"))
    assert "include-cycle" in rules_of(lint_includes, tree)


def test_includes__a_never_pair_let_in_directly(tree):
    (tree / "include-rules").write_text(TABLE.replace("gateway: base http", "gateway: base keys"))
    assert "include-never" in rules_of(lint_includes, tree)


def test_includes__a_never_pair_let_in_through_another(tree):
    (tree / "include-rules").write_text(TABLE.replace("http:    base |", "http: base keys |"))
    assert "include-never" in rules_of(lint_includes, tree)


def test_includes__meson_links_more_than_the_table_allows(tree):
    (tree / "meson.build").write_text(MESON.replace("['base', 'http']", "['base', 'http', 'keys']"))
    assert rules_of(lint_includes, tree) == ["meson-folders"]


def test_includes__meson_uses_a_library_that_the_table_denies(tree):
    (tree / "meson.build").write_text(MESON.replace("['base', 'http'], []",
                                                    "['base', 'http'], ['openssl']"))
    assert rules_of(lint_includes, tree) == ["meson-folders"]


@pytest.mark.parametrize("text", ['#include "keys.h"\n', '#include "../keys/keys.h"\n',
                                  "#include <base/base.h>\n"])
def test_includes__a_form_that_hides_the_folder(tree, text):
    write(tree, "src/http/http.c", text)
    assert "include-form" in rules_of(lint_includes, tree)


def test_includes__a_folder_without_a_row(tree):
    (tree / "src" / "extra").mkdir()
    write(tree, "src/extra/extra.c", "int extra;\n")
    assert rules_of(lint_includes, tree) == ["include-folder"]


# -- budgets --------------------------------------------------------------------------------------
def function(lines=1, branches=0, parameters="void"):
    body = "".join("    if (a && b) {\n    }\n" for _ in range(branches))
    body += "    a++;\n" * (lines - 3 - branches * 2)
    return f"static int f({parameters})\n{{\n{body}}}\n"


def test_budgets__at_the_limit_is_allowed(tree):
    write(tree, "src/base/base.c", function(lines=60, branches=7,
                                            parameters="int a, int b, int c, int d, int e, int f"))
    assert lint_budgets.run(tree).findings == []


@pytest.mark.parametrize("text, rule", [
    (function(lines=61), "function-length"),
    (function(lines=30, branches=8), "complexity"),
    (function(lines=3, parameters="int a, int b, int c, int d, int e, int f, int g"), "parameters"),
    ("int x;\n" * 499, "file-length")])
def test_budgets__one_over(tree, text, rule):
    write(tree, "src/base/base.c", text)
    assert rules_of(lint_budgets, tree) == [rule]


def test_budgets__generated_files_and_tables_are_exempt(tree):
    (tree / "src/base/table.c").write_text("// Generated by gen.py\n" + "int x;\n" * 600)
    write(tree, "src/base/base.def", "ROW(1)\n" * 600)
    assert lint_budgets.run(tree).findings == []


def test_scan__functions_after_tables_attributes_and_callbacks():
    text = ("static const struct row table[] = {{1, 2}, {3, 4}};\n"
            "struct thing { int a; };\n"
            "#define F(x) do { if (x) { } } while (0)\n"
            "static int (*pick(int a))(int b) { return 0; }\n"
            "__attribute__((noreturn)) void stop(const char *s, void (*done)(int, int)) { }\n"
            "struct thing *make(void)\n{\n    char c = '{';\n    const char *s = \"}\";\n}\n")
    found = c_scan.functions(c_scan.code(c_scan.tokenize(text)))
    assert [(f.name, f.parameters) for f in found][-2:] == [("stop", 2), ("make", 0)]
    assert (found[-1].line, found[-1].end) == (6, 10)


# -- banned functions -----------------------------------------------------------------------------
@pytest.mark.parametrize("call", sorted(lint_banned.BANNED) + sorted(lint_banned.ALLOCATORS))
def test_banned__each_function_is_found(tree, call):
    write(tree, "src/http/http.c", f"void f(void)\n{{\n    {call}(a, b);\n}}\n")
    assert [f.split(": ")[0] for f in lint_banned.run(tree).findings] == ["src/http/http.c:5"]


def test_banned__allocators_belong_to_base(tree):
    write(tree, "src/base/base.c", "void f(void)\n{\n    free(malloc(1));\n}\n")
    assert lint_banned.run(tree).findings == []


def test_banned__names_in_text_and_members_are_no_calls(tree):
    write(tree, "src/http/http.c",
          'void f(struct x *x)\n{\n    x->free(x);\n    log("strcpy(");\n    // strcpy(a, b)\n'
          "    int rand = 0;\n}\n")
    assert lint_banned.run(tree).findings == []


def test_banned__memcmp_of_a_secret(tree):
    write(tree, "src/http/http.c", "void f(void)\n{\n    memcmp(token_hash, given, 32);\n}\n")
    assert rules_of(lint_banned, tree) == ["banned"]


# -- style ----------------------------------------------------------------------------------------
def test_style__spdx_and_mission(tree):
    (tree / "src/base/base.c").write_text('#include "base/base.h"\n\nint x;\n')
    assert rules_of(lint_style, tree) == ["spdx", "mission"]


def test_style__own_header_first(tree):
    write(tree, "src/http/http.c", '#include "base/base.h"\n#include "http/http.h"\n')
    assert rules_of(lint_style, tree) == ["include-order"]


def test_style__system_headers_last(tree):
    write(tree, "src/http/http.c",
          '#include "http/http.h"\n#include <stdio.h>\n#include "base/base.h"\n')
    assert rules_of(lint_style, tree) == ["include-order"]


def test_style__paths_of_one_machine(tree):
    write(tree, "src/http/http.c", '#include "http/http.h"\nconst char *p = "/ho" "me";\n')
    assert lint_style.run(tree).findings == []
    write(tree, "src/http/http.c",
          '#include "http/http.h"\nconst char *p = "/' + 'home/me/x";\n')
    assert rules_of(lint_style, tree) == ["machine-path"]


def test_style__loose_ends(tree):
    write(tree, "src/http/http.c", '#include "http/http.h"\n// TO' + "DO: more\n")
    assert rules_of(lint_style, tree) == ["loose-end"]


# -- symbols --------------------------------------------------------------------------------------
def archive(tree, folder, text):
    """Compiles `text` into the static library of a folder, as the build names it."""
    source = tree / f"{folder}_part.c"
    source.write_text(text)
    subprocess.run(["gcc", "-c", "-O0", str(source), "-o", str(source.with_suffix(".o"))],
                   check=True)
    subprocess.run(["ar", "rc", str(tree / f"libfp_{folder}.a"), str(source.with_suffix(".o"))],
                   check=True)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_symbols__gateway_reaching_for_keys(tree):
    archive(tree, "keys", "int keys_open(void) { return 0; }\n")
    archive(tree, "http", "int http_send(void) { return 0; }\n")
    archive(tree, "gateway", "int http_send(void);\nint gateway_run(void) { return http_send(); }\n")
    assert lint_symbols.run(tree, tree).findings == []
    archive(tree, "gateway", "int keys_open(void);\nint gateway_run(void) { return keys_open(); }\n")
    findings = lint_symbols.run(tree, tree).findings
    assert len(findings) == 1 and "keys_open() of keys" in findings[0]


def test_symbols__a_build_without_libraries_is_no_pass(tree):
    assert lint_symbols.run(tree, tree).findings
