#!/usr/bin/env python3
"""The kernel's symbol table, as assembly: `nm -n kernel.elf | kallsyms.py - > kallsyms.asm`.

Functions only, in order of address. With an empty input (the first of the two links) the tables are empty. Read by
kernel/debug/kallsyms.c; the section lies behind everything it names (kernel/boot/kernel.ld).
"""
import sys

KERNEL_BASE = 0xFFFFFFFF80000000
GCC_SUFFIXES = ("isra", "part", "constprop", "cold", "lto_priv", "localalias")


def functions(lines):
    last = None
    for line in lines:
        fields = line.split()
        if len(fields) != 3 or fields[1] not in "tTwW":
            continue
        address, name = int(fields[0], 16), fields[2]
        # Marks of the linker script, local labels of assembly code (what gcc splits off a function has a dot in its
        # name too), and second names of one address are no functions of their own.
        if address < KERNEL_BASE or address == last or name.startswith("__") and name.endswith(("_start", "_end")):
            continue
        if "." in name and name.split(".")[1] not in GCC_SUFFIXES:
            continue
        last = address
        yield address - KERNEL_BASE, name


def main():
    source = sys.stdin if sys.argv[1] == "-" else open(sys.argv[1], encoding="ascii")
    symbols = list(functions(source))
    out = ["section .kallsyms progbits alloc noexec nowrite align=8"]
    out.append("global kallsyms_count, kallsyms_addresses, kallsyms_names_offsets, kallsyms_names")
    out += ["kallsyms_count:", f"\tdd {len(symbols)}", "kallsyms_addresses:"]
    out += [f"\tdd {address:#x}" for address, _ in symbols]
    out.append("kallsyms_names_offsets:")
    offset = 0
    for _, name in symbols:
        out.append(f"\tdd {offset}")
        offset += len(name) + 1
    out.append("kallsyms_names:")
    out += [f'\tdb "{name}", 0' for _, name in symbols]
    print("\n".join(out))


main()
