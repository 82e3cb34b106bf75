#!/usr/bin/env python3
"""The kernel's symbol table, as assembly: `nm -n kernel.elf | kallsyms.py - > kallsyms.asm`.

Functions only, in order of address. With an empty input (the first of the two links) the tables are empty. Read by
kernel/x86/backtrace.c; the section lies behind everything it names (kernel/boot/kernel.ld).
"""
import sys

KERNEL_BASE = 0xFFFFFFFF80000000
GCC_SUFFIXES = ("isra", "part", "constprop", "cold", "lto_priv", "localalias")


def functions(lines):
    last = None
    for line in lines:
        fields = line.split()
        if len(fields) != 3 or fields[1] not in "tT":
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
    table, names, offset = [], [], 0
    for address, name in functions(source):
        table.append(f"\tdd {address:#x}, {offset}")
        names.append(f'\tdb "{name}", 0')
        offset += len(name) + 1
    print("section .kallsyms progbits alloc noexec nowrite align=8")
    print("global kallsyms_table, kallsyms_table_end, kallsyms_names")
    print("\n".join(["kallsyms_table:", *table, "kallsyms_table_end:", "kallsyms_names:", *names]))


main()
