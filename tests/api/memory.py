"""Looks for texts in files and in the memory of processes, in every form that a copy may have."""
# SPDX-License-Identifier: Apache-2.0
import base64
import os
from pathlib import Path

BLOCK = 16 << 20


def forms(text):
    """{form: bytes}: as it is, in hexadecimal, in base64 at each alignment, in UTF-16."""
    raw = text.encode()
    found = {"as it is": raw, "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode(),
             "UTF-16": text.encode("utf-16-le"), "reversed": raw[::-1]}
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw)
        # whole groups only: the first and the last hold bits of the neighbours
        begin = 4 if shift else 0
        found[f"base64 +{shift}"] = coded[begin:len(coded) // 4 * 4 - 4]
    return found


class Needles:
    """What must not be found: {name: text}."""

    def __init__(self, texts):
        self.parts = [(f"{name}, {form}", part) for name, text in texts.items()
                      for form, part in forms(text).items()]
        self.longest = max(len(part) for _, part in self.parts)

    def within(self, data):
        return [name for name, part in self.parts if part in data]

    def in_file(self, path):
        """In all bytes of a file, which may be large."""
        found, rest = set(), b""
        with open(path, "rb") as file:
            while block := file.read(BLOCK):
                found |= set(self.within(rest + block))
                rest = block[-self.longest:]
        return sorted(found)

    def in_folder(self, folder):
        """[(path, name)] for all files below, also those without a reader's right for others."""
        return [(str(path), name) for path in sorted(Path(folder).rglob("*")) if path.is_file()
                for name in self.in_file(path)]

    def in_memory(self, pid):
        """[(mapping, name)] of a living process; needs root (or the right to trace it)."""
        found = []
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for line in maps:
                span, mode, *_rest = line.split(None, 5)
                name = line.split(None, 5)[5].strip() if len(line.split(None, 5)) > 5 else ""
                if "r" not in mode or name in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                    continue
                begin, end = (int(part, 16) for part in span.split("-"))
                found += [(f"{span} {name}", needle)
                          for needle in self._in_span(memory, begin, end)]
        return found

    def _in_span(self, memory, begin, end):
        found, rest, position = set(), b"", begin
        while position < end:
            size = min(BLOCK, end - position)
            try:
                block = os.pread(memory.fileno(), size, position)
            except OSError:  # memory that not even root may read: memfd_secret, device memory
                break
            if not block:
                break
            found |= set(self.within(rest + block))
            rest = block[-self.longest:]
            position += len(block)
        return sorted(found)
