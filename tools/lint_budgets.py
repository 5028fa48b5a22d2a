"""Enforces the size budgets of C sources: a file has at most 500 lines, a function at most 60 lines,
a cyclomatic complexity of at most 15 and at most 6 parameters. Tables (*.def) and generated files
are exempt, and in tests the rows of a table within a function.
Usage: lint_budgets.py [ROOT]
"""
# SPDX-License-Identifier: Apache-2.0
import sys
from pathlib import Path

import c_scan

FILE_LINES = 500
FUNCTION_LINES = 60
COMPLEXITY = 15
PARAMETERS = 6


def check_file(path, text, report, tables_count=True):
    lines = text.count("\n") + (not text.endswith("\n"))
    if lines > FILE_LINES:
        report.add(path, FILE_LINES + 1, "file-length",
                   f"{lines} lines, {FILE_LINES} allowed: split it by idea")
    for function in c_scan.functions(c_scan.code(c_scan.tokenize(text))):
        name = f"{function.name}()"
        length = function.length - (0 if tables_count else function.table_lines)
        if length > FUNCTION_LINES:
            report.add(path, function.line, "function-length",
                       f"{name} has {length} lines, {FUNCTION_LINES} allowed")
        if function.complexity > COMPLEXITY:
            report.add(path, function.line, "complexity",
                       f"{name} has complexity {function.complexity}, {COMPLEXITY} allowed")
        if function.parameters > PARAMETERS:
            report.add(path, function.line, "parameters",
                       f"{name} has {function.parameters} parameters, {PARAMETERS} allowed: "
                       "pass a struct")


def run(root):
    root = Path(root)
    report = c_scan.Report(root)
    for path in c_scan.files(root, "src", "tests"):
        text = path.read_text(errors="replace")
        if not c_scan.generated(path, text):
            check_file(path, text, report, tables_count=path.is_relative_to(root / "src"))
    return report


if __name__ == "__main__":
    sys.exit(run(sys.argv[1] if len(sys.argv) > 1 else ".").finish("budgets"))
