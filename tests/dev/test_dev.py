"""The one script: what it lists, what it refuses, and that set-up costs nothing once it is done."""
# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import run_tests  # noqa: E402

VERBS = ["run", "test", "build", "lint", "fmt", "bench", "fuzz", "clean"]


def dev(*arguments, root=ROOT, **options):
    return subprocess.run([str(root / "dev"), *arguments], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, check=False, timeout=120, **options)


@pytest.fixture
def copy(tmp_path):
    """The script alone in a folder of its own, so that a test leaves this tree as it is."""
    shutil.copy(ROOT / "dev", tmp_path / "dev")
    return tmp_path


def test_dev__alone_lists_its_verbs():
    done = dev()
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()
            if line.startswith("  ")] == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_dev__each_verb_has_help(verb):
    done = dev(verb, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: ./dev {verb}")


@pytest.mark.parametrize("arguments", [["nope"], ["build", "--nope"], ["clean", "nope"],
                                       ["fmt", "nope"], ["test", "nope"], ["lint", "nope"]])
def test_dev__what_it_does_not_know_exits_2(arguments):
    done = dev(*arguments)
    assert done.returncode == 2
    assert done.stderr or done.stdout


def test_dev__works_from_any_folder(tmp_path):
    assert dev("build", "--help", cwd=tmp_path).returncode == 0


def test_dev__set_up_again_is_quick(copy):
    """dpkg knows everything already; with the stamp not even dpkg is asked."""
    environment = {**os.environ, "PATH": f"{copy}:{os.environ['PATH']}"}
    for name in ("meson", "ninja"):
        (copy / name).write_text("#!/bin/sh\nmkdir -p build/release\n")
        (copy / name).chmod(0o755)
    for _ in range(2):
        start = time.monotonic()
        done = dev("build", "--release", root=copy, env=environment)
        seconds = time.monotonic() - start
        assert done.returncode == 0, done.stderr
    assert (copy / ".dev" / "setup-build").read_text().split().count("libuv1-dev") == 1
    assert seconds < 1.0


def test_dev__clean_leaves_the_caches(copy):
    for name in ("build/release", ".dev/tryton"):
        (copy / name).mkdir(parents=True)
    assert dev("clean", root=copy).returncode == 0
    assert not (copy / "build").exists() and (copy / ".dev" / "tryton").exists()
    assert dev("clean", "--all", root=copy).returncode == 0
    assert not (copy / ".dev").exists()


# -- how results are counted ----------------------------------------------------------------------
@pytest.mark.parametrize("result, counts", [
    ({"result": "OK", "stderr": "[  PASSED  ] 12 test(s).\n"}, (12, 0)),
    ({"result": "FAIL", "stderr": "[  PASSED  ] 3 test(s).\n[  FAILED  ] tests: 2 test(s), "
                                  "listed below:\n[  FAILED  ] test_a\n"}, (3, 2)),
    ({"result": "FAIL", "stdout": "ERROR: AddressSanitizer"}, (0, 1)),
    ({"result": "TIMEOUT", "stderr": "[  PASSED  ] 3 test(s).\n"}, (3, 1)),
    ({"result": "OK"}, (0, 0))])
def test_run_tests__cmocka_is_counted(result, counts):
    assert run_tests.count_cmocka(result) == counts
