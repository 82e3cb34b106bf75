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
	   net/unix net/packet drivers/pci drivers/virtio drivers/net drivers/char
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

$O/%.asm.o: %.asm $O/kernel/x86/asm_offsets.inc $(wildcard kernel/*/*.inc) Makefile
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

# --- user programs and the initramfs -------------------------------------------------------------------------
USER    := $(patsubst user/%.c,$B/user/%,$(wildcard user/*.c))
ABI     := $(patsubst tests/abi/%.c,$B/abi/%,$(wildcard tests/abi/*.c))
PLAYED  := $(patsubst tests/%.c,$B/%,$(wildcard tests/races/*.c tests/walk/*.c tests/system/*.c tests/net/*.c))
UNIT    := $(patsubst tests/unit/%.c,$B/unit/%,$(wildcard tests/unit/*.c))
EVENT   := $(patsubst tests/libevent/%.c,$B/libevent/%,$(wildcard tests/libevent/*.c))
UCFLAGS := -std=gnu11 -O2 -g -static -pthread -Wall -Wextra $(if $(filter 1,$(WERROR)),-Werror,)
SERVERS := $B/services
HTTP_PORT ?= 8080
ECHO_PORT ?= 7007

$B/user/%: user/%.c Makefile
	@mkdir -p $(@D)
	@echo "  MUSL  $<"
	$(Q)$(MUSL_CC) $(UCFLAGS) -MMD -MP -MF $@.d $< -o $@

$B/abi/%: tests/abi/%.c Makefile
	@mkdir -p $(@D)
	@echo "  MUSL  $<"
	$(Q)$(MUSL_CC) $(UCFLAGS) -I. -MMD -MP -MF $@.d $< -o $@

$(PLAYED): $B/%: tests/%.c Makefile
	@mkdir -p $(@D)
	@echo "  MUSL  $<"
	$(Q)$(MUSL_CC) $(UCFLAGS) -MMD -MP -MF $@.d $< -o $@

$B/unit/%: tests/unit/%.c Makefile
	@mkdir -p $(@D)
	@echo "  HOST  $<"
	$(Q)gcc -std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -Wall -Wextra -I. -DPOLLUX_HOST=1 \
		-DPOLLUX_DEBUG=1 -MMD -MP -MF $@.d $< -o $@

# With glibc, as Debian's libevent is; the linker's warnings are about getaddrinfo(), which nothing here calls.
$B/libevent/%: tests/libevent/%.c Makefile
	@mkdir -p $(@D)
	@echo "  GLIBC $<"
	$(Q)gcc $(UCFLAGS) -I. -Wl,--no-warnings -MMD -MP -MF $@.d $< -o $@ -levent -levent_pthreads

-include $(EVENT:=.d) $(USER:=.d) $(ABI:=.d) $(PLAYED:=.d) $(UNIT:=.d)

$(SERVERS): Makefile
	@mkdir -p $(@D)
	$(Q)printf 'httpd_epoll 80 /www\necho_epoll 7\n' > $@

BASE_FILES = busybox=/bin/busybox $(foreach u,$(USER),/sbin/$(notdir $u)=$u) $(foreach f,$(wildcard user/www/*),/www/$(notdir $f)=$f) \
	/etc/services-to-start=$(SERVERS) /etc/passwd=user/etc/passwd /etc/group=user/etc/group /etc/hosts=user/etc/hosts \
	/etc/profile=user/etc/profile /init-\>/sbin/init /root/ /tmp/ /proc/ /dev/ /sys/ /mnt/ /var/

$B/initramfs.cpio: $(USER) $(SERVERS) $(wildcard user/www/* user/etc/*) tools/mkinitramfs.py Makefile
	@echo "  CPIO  $@"
	$(Q)$(PYTHON) tools/mkinitramfs.py $@ $(BASE_FILES)

# --- what people call ----------------------------------------------------------------------------------------
.PHONY: help run test check oracle iso run-iso gdb clean setup bench test-programs compile_commands docs
help:              ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

setup:             ## install the tools that are missing, and check versions
	@tools/setup run

run: setup         ## boot to a shell, with the demo servers reachable from this machine
	@$(MAKE) --no-print-directory $(KERNEL) $B/initramfs.cpio
	@$(PYTHON) tools/run --kernel $(KERNEL) $(RUN_ARGS)

test-programs: $(EVENT) $(ABI) $(PLAYED) $(UNIT) $B/initramfs.cpio $(KERNEL)
	@$(MAKE) --no-print-directory DEBUG=1 $B/pollux-debug.elf

test:              ## the whole suite; T=pattern for part of it, LIST=1 to list the names
	@tools/setup test
	@$(MAKE) --no-print-directory -j2 test-programs $(if $(LIST),>/dev/null,)
	@$(PYTHON) -m pytest -p no:cacheprovider $(if $(LIST),-p no:terminal --list-cases,-q) tests $(if $(T),--pattern='$(T)',) $(PYTEST_ARGS)

check:             ## style, includes, function lengths, headers, generated documents
	@tools/setup test
	@$(PYTHON) tools/check.py

oracle:            ## run the ABI tests on Debian's Linux kernel in the same QEMU
	@tools/setup test
	@tools/get-linux
	@$(MAKE) --no-print-directory -j2 $(ABI) $B/initramfs.cpio
	@$(PYTHON) -m pytest -q -p no:cacheprovider tests/test_abi.py --oracle $(if $(T),--pattern='$(T)',) $(PYTEST_ARGS)

bench: ## instructions for each operation, beside Linux's
	@tools/setup test
	@tools/get-linux
	@$(MAKE) --no-print-directory -j2 $(KERNEL) $B/initramfs.cpio
	@$(PYTHON) tools/bench.py

docs:              ## make the generated documents again
	@$(PYTHON) tools/gen_docs.py

iso: $B/pollux.iso ## a GRUB image that boots on BIOS and UEFI
$B/pollux.iso: $(KERNEL) $B/initramfs.cpio tools/mkiso
	@tools/setup test
	@tools/mkiso $(KERNEL) $B/initramfs.cpio $@

run-iso: iso       ## boot that image
	@$(PYTHON) tools/run --iso $B/pollux.iso $(RUN_ARGS)

gdb: setup         ## boot stopped, and wait for a gdb; says how to attach it
	@$(MAKE) --no-print-directory $(KERNEL) $B/initramfs.cpio
	@$(PYTHON) tools/run --kernel $(KERNEL) --gdb $(RUN_ARGS)

compile_commands.json: Makefile ## for clangd
	@$(PYTHON) tools/compile_commands.py "$(CC) $(CFLAGS)" $(CSRC) > $@

size:              ## lines of code by folder
	@for d in kernel net drivers fs user tools tests; do printf '%-8s %6d\n' $$d $$(find $$d -name '*.[ch]' -o -name '*.asm' -o -name '*.def' -o -name '*.py' | xargs cat | wc -l); done

clean:             ## remove all that was built
	rm -rf $B compile_commands.json
