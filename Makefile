# Pollux: "make help" lists what this file can do.

# --- tools ---------------------------------------------------------------------------------------------------
CROSS_COMPILE ?=
CC      := $(CROSS_COMPILE)gcc
LD      := $(CROSS_COMPILE)ld
NM      := $(CROSS_COMPILE)nm
OBJCOPY := $(CROSS_COMPILE)objcopy
NASM    ?= nasm
PYTHON  ?= /usr/bin/python3
MUSL_CC ?= musl-gcc
V       ?= 0
Q       := $(if $(filter 1,$(V)),,@)
DEBUG   ?= 0
WERROR  ?= $(if $(CI),1,0)

# --- places and flags ----------------------------------------------------------------------------------------
B       := build
O       := $(B)/$(if $(filter 1,$(DEBUG)),debug,release)
KERNEL  := $(B)/pollux$(if $(filter 1,$(DEBUG)),-debug,).elf

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Wimplicit-fallthrough \
	   -Wframe-larger-than=1024 $(if $(filter 1,$(WERROR)),-Werror,)
CFLAGS  := -std=gnu11 -O2 -g -ffreestanding -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
	   -fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-strict-aliasing -fno-strict-overflow \
	   -fno-delete-null-pointer-checks -fno-common -fno-stack-protector -fcf-protection=none \
	   -fno-asynchronous-unwind-tables -mno-avx -fno-tree-vectorize -I. -DPOLLUX_DEBUG=$(DEBUG) $(WARN)
LDFLAGS := -nostdlib -static -z noexecstack -z max-page-size=4096 --no-warn-rwx-segments

# --- sources: whatever stands in these folders ---------------------------------------------------------------
DIRS    := kernel kernel/boot kernel/init kernel/x86 kernel/mm kernel/locking kernel/sched kernel/time kernel/process \
	   kernel/syscall kernel/lib kernel/debug fs fs/ramfs fs/devfs fs/proc net net/wire net/core net/ethernet net/ipv4 \
	   net/unix drivers/pci drivers/virtio drivers/net drivers/char
CSRC    := $(filter-out kernel/x86/asm_offsets.c,$(foreach d,$(DIRS),$(wildcard $d/*.c)))
ASRC    := $(foreach d,$(DIRS),$(wildcard $d/*.asm))
OBJS    := $(CSRC:%.c=$O/%.o) $(ASRC:%.asm=$O/%.asm.o)

.PHONY: all
all: $(KERNEL)

$O/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$O/kernel/x86/asm_offsets.inc: kernel/x86/asm_offsets.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -MT $@ -MF $(@:.inc=.d) -S $< -o - | sed -n 's/^.*->\([A-Z0-9_]*\) [$$]*\(-*[0-9]*\).*/%define \1 \2/p' > $@

$O/%.asm.o: %.asm $O/kernel/x86/asm_offsets.inc Makefile
	@mkdir -p $(@D)
	@echo "  NASM  $<"
	$(Q)$(NASM) -f elf64 -g -F dwarf -I. -I$O/ $< -o $@

# Linked twice: the symbol table for back-traces is made from the first link and has the same size in the second.
$(KERNEL): $(OBJS) kernel/boot/kernel.ld tools/kallsyms.py
	@echo "  LD    $@"
	$(Q)$(PYTHON) tools/kallsyms.py /dev/null > $O/kallsyms0.asm
	$(Q)$(NASM) -f elf64 $O/kallsyms0.asm -o $O/kallsyms0.o
	$(Q)$(LD) $(LDFLAGS) -T kernel/boot/kernel.ld $(OBJS) $O/kallsyms0.o -o $O/first.elf
	$(Q)$(NM) -n $O/first.elf | $(PYTHON) tools/kallsyms.py - > $O/kallsyms.asm
	$(Q)$(NASM) -f elf64 $O/kallsyms.asm -o $O/kallsyms.o
	$(Q)$(LD) $(LDFLAGS) -T kernel/boot/kernel.ld $(OBJS) $O/kallsyms.o -o $@

-include $(OBJS:.o=.d) $O/kernel/x86/asm_offsets.d
