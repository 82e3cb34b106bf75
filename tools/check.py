#!/usr/bin/env python3
"""make check: the rules of docs/style.md and docs/architecture.md that a program can hold the sources to.

Each check yields lines "file:line: what is wrong"; one line per check says how it went, the last is the plain count.
"""
import fnmatch
import os
import re
import shutil
import subprocess
import sys
import tempfile

import gen_docs
from source import ROOT, comments, files, functions, header_block, rel, strip_code

MAX_FUNCTION, MAX_FILE, MAX_COLUMNS = 60, 1000, 120
CC = os.environ.get("CROSS_COMPILE", "") + "gcc"
CFLAGS = ("-std=gnu11 -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -Wall -Wextra -Wshadow "
          "-Wstrict-prototypes -Wmissing-prototypes -Wundef -Werror -fsyntax-only").split() + [f"-I{ROOT}"]


def tab_width(line):
    return len(line.expandtabs(8))


def include_rules():
    """The table "who may include whom" of docs/architecture.md: [(glob of files, [globs of headers])]."""
    text = (ROOT / "docs/architecture.md").read_text()
    table = text[text.index("| files |"):]
    for line in table.splitlines()[2:]:
        if not line.startswith("|"):
            return
        who, what = [re.findall(r"`([^`]+)`", cell) for cell in line.strip("|").split("|")[:2]]
        for glob in who:
            yield glob, what


def check_includes():
    rules = list(include_rules())
    for path in files(".c", ".h"):
        name = rel(path)
        allowed = next((what for glob, what in rules if fnmatch.fnmatchcase(name, glob)), None)
        if allowed is None:
            yield f"{name}:1: no row of the include table covers this file"
            continue
        for n, line in enumerate(path.read_text().splitlines(), 1):
            m = re.match(r'#include ["<]([^">]+)[">]', line)
            if not m:
                continue
            target = m.group(1)
            if target in ("stdbool.h", "stddef.h", "stdint.h", "stdarg.h"):
                continue
            own = os.path.dirname(target) == os.path.dirname(name)
            if not own and not any(fnmatch.fnmatchcase(target, g) and (g.count("/") == target.count("/")) for g in allowed):
                yield f"{name}:{n}: may not include {target}"


def check_headers():
    for path in files(".h"):
        with tempfile.NamedTemporaryFile("w", suffix=".c") as f:
            f.write(f'#include "{rel(path)}"\n')
            f.flush()
            r = subprocess.run([CC, *CFLAGS, f.name], capture_output=True, text=True)
        if r.returncode:
            yield f"{rel(path)}:1: does not compile alone: {next((e for e in r.stderr.splitlines() if 'error' in e), '')}"


def check_compile_fail():
    for path in sorted((ROOT / "tests/compile-fail").glob("*.c")):
        right = subprocess.run([CC, *CFLAGS, "-Wno-error", str(path)], capture_output=True)
        wrong = subprocess.run([CC, *CFLAGS, "-Wno-error", "-DMISUSE", str(path)], capture_output=True)
        if right.returncode:
            yield f"{rel(path)}:1: does not even compile in its right form"
        if not wrong.returncode:
            yield f"{rel(path)}:1: the misuse compiles"


def allowed_long():
    path = ROOT / "tools/fnlen.allow"
    return {line.split()[0] for line in path.read_text().splitlines() if line and not line.startswith("#")} if path.exists() else set()


def check_lengths():
    allow = allowed_long()
    for path in files(".c", dirs=("kernel", "net", "drivers", "fs", "user")):
        total = path.read_text().count("\n")
        if total > MAX_FILE:
            yield f"{rel(path)}:{MAX_FILE}: {total} lines; a file holds one concept in {MAX_FILE}"
        for name, line, length in functions(path):
            if length > MAX_FUNCTION and f"{rel(path)}:{name}" not in allow:
                yield f"{rel(path)}:{line}: {name} has {length} lines, at most {MAX_FUNCTION}"


WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|\bfor now\b|\bin a real (kernel|system)\b|\bnot implemented yet\b", re.I)


def check_words():
    for path in files(".c", ".h", ".asm", ".def", dirs=("kernel", "net", "drivers", "fs", "user", "tests")):
        for n, line in enumerate(path.read_text().splitlines(), 1):
            if WORDS.search(line):
                yield f"{rel(path)}:{n}: {WORDS.search(line).group(0)!r}: either it is done, or an error has a name"
            if line != line.rstrip():
                yield f"{rel(path)}:{n}: white space at the end of the line"
            if tab_width(line) > MAX_COLUMNS:
                yield f"{rel(path)}:{n}: {tab_width(line)} columns, at most {MAX_COLUMNS}"


def check_style():
    for path in files(".c", ".h"):
        name, text = rel(path), path.read_text()
        block = header_block(path)
        missing = [f for f in ("Linux", "Same", "Differs", "Locks", "Walk") if f not in block]
        if missing or not block.get("purpose", "").startswith(name + " - "):
            yield f"{name}:1: the opening comment lacks " + (", ".join(missing) or f'"{name} - purpose"')
        code = strip_code(text)
        for n, line in enumerate(code.splitlines(), 1):
            if path.suffix == ".c" and re.match(r"\s*#\s*(if|ifdef|ifndef)\b", line):
                yield f"{name}:{n}: #if in a .c file: use a constant, or a stub in the header"
            if re.search(r"\breturn\s+-\d", line):
                yield f"{name}:{n}: a bare number as an error"
            if path.suffix == ".c" and re.match(r"\s*extern\b", line):
                yield f"{name}:{n}: extern in a .c file"
            if re.search(r"\b(asm|__asm__)\b", line) and not re.match(
                    r"kernel/(x86/|io\.h|irqflags\.h|atomic\.h|barrier\.h|compiler\.h)", name):
                yield f"{name}:{n}: inline assembly outside its few places"
        if path.suffix == ".h" and "#pragma once" not in text:
            yield f"{name}:1: no #pragma once"


def check_comment_names():
    """Every name() in a comment must exist somewhere in the tree, or be a call of the system or of hardware."""
    known = set()
    for path in files(".c", ".h", ".asm", ".def", dirs=("kernel", "net", "drivers", "fs", "user", "tests", "tools")):
        known |= set(re.findall(r"\w+", strip_code(path.read_text()) if path.suffix in (".c", ".h") else path.read_text()))
    known |= {m for n in list(known) if n.startswith("sys_") for m in (n[4:],)}
    extra = ROOT / "tools/comment-names.allow"
    known |= set(extra.read_text().split()) if extra.exists() else set()
    for path in files(".c", ".h"):
        for line, text in comments(path.read_text()):
            for m in re.finditer(r"\b([a-zA-Z_]\w+)\(\)", text):
                if m.group(1) not in known:
                    yield f"{rel(path)}:{line + text.count(chr(10), 0, m.start())}: {m.group(0)} does not exist"


def check_docs():
    for path, text in gen_docs.documents():
        have = (ROOT / path).read_text() if (ROOT / path).exists() else ""
        if have != text:
            yield f"{path}:1: not what the sources say: run make docs"


def check_paths():
    """Nothing in the tree may depend on where it was written."""
    if not shutil.which("git"):
        return
    tracked = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, tracked):
        try:
            text = (ROOT / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        for n, line in enumerate(text.splitlines(), 1):
            if re.search(r"(^|[\s\"'=:(])/(work|home/\w+)/", line):
                yield f"{name}:{n}: a path of one machine"


def main():
    passed = failed = 0
    only = sys.argv[1:]
    for name, check in sorted(globals().items()):
        if not name.startswith("check_") or (only and name[6:] not in only):
            continue
        problems = list(check())
        print(f"{'not ok' if problems else 'ok'} {name[6:]}")
        for p in problems:
            print("  " + p)
        passed, failed = passed + (not problems), failed + bool(problems)
    print(f"{passed} passed, {failed} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
