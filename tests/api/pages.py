"""Documentation that is run: the `sh` blocks of a page in one shell, each compared with the
block of output behind it, where `...` stands for any text."""
# SPDX-License-Identifier: Apache-2.0
import json
import re
import subprocess

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
END = "----end-of-block----"


def blocks(text):
    """[(commands, expected or None)]: an `sh` block, and the `text` or `json` block that directly
    follows it (nothing but one line of words between)."""
    found = []
    fences = list(FENCE.finditer(text))
    for number, fence in enumerate(fences):
        if fence.group(1) != "sh":
            continue
        expected = None
        if number + 1 < len(fences):
            after = fences[number + 1]
            between = text[fence.end():after.start()].strip()
            if after.group(1) in ("text", "json") and between.count("\n") == 0:
                expected = (after.group(1), after.group(2))
        found.append((fence.group(2), expected))
    return found


def pattern_of(text):
    """A regular expression: `...` is any text, white space is any white space."""
    parts = [r"\s+".join(re.escape(word) for word in part.split())
             for part in text.strip().split("...")]
    return re.compile(r"\s*" + r"[\s\S]*?".join(
        (r"\s*" if part else "") + part + (r"\s*" if part else "") for part in parts) + r"\s*\Z")


def matches(kind, expected, output):
    if kind == "json":
        # Compared as text in one form, so that the page may break lines as it likes.
        output = json.dumps(json.loads(output), ensure_ascii=False)
        expected = re.sub(r"\s+", " ", expected.strip())
        expected = re.sub(r"([\[{]) | (?=[\]}])", lambda found: found.group(1) or "", expected)
    return pattern_of(expected).match(output) is not None


class Shell:
    """One bash that keeps its variables from block to block, as a reader's terminal does."""

    def __init__(self, directory, environment):
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"], cwd=directory, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        # as in a terminal: aliases and functions of an earlier block are known to a later one
        self.run("shopt -s expand_aliases")

    def run(self, commands):
        """The output of a block and the exit code of its last command."""
        self._process.stdin.write(f"{commands.rstrip()}\nprintf '\\n{END} %s\\n' \"$?\"\n")
        self._process.stdin.flush()
        output = ""
        for line in self._process.stdout:
            if line.startswith(END):
                return output.rstrip("\n"), int(line.split()[1])
            output += line
        raise AssertionError(f"the shell ended:\n{output}")

    def close(self):
        self._process.stdin.close()
        self._process.wait(10)


def run_page(text, shell, replace=()):
    """Runs all blocks; fails at the first that does not do what the page says. Returns how many."""
    count = 0
    for commands, expected in blocks(text):
        for old, new in replace:
            commands = commands.replace(old, new)
        output, code = shell.run(commands)
        assert code == 0, f"{commands}\nends with {code}:\n{output}"
        if expected:
            kind, wanted = expected
            for old, new in replace:
                wanted = wanted.replace(old, new)
            assert matches(kind, wanted, output), f"{commands}\nsays:\n{output}\nnot:\n{wanted}"
        count += 1
    return count
