/*
 * kernel/x86/fpu.c - the extended registers (x87, SSE, AVX): kept by who uses them, when he uses them.
 *
 * Linux:   arch/x86/kernel/fpu/{core,signal,xstate}.c (6.1)
 * Same:    the signal frame's layout, with its magic numbers and the list of components.
 * Differs: 1. lazy: a task that does not touch these registers never pays for them. CR0.TS is set at each switch;
 *             the first use traps (#NM) and loads. Saving and loading costs as much as a short system call. (Linux
 *             gave it up for processors that leak the registers by speculation.)
 *          2. components are x87, SSE, AVX and AVX-512: no protection keys.
 * Locks:   none: current's state, with preemption off where registers and image may differ.
 * Walk:    arch_switch_to() -> fpu_switch_out();  #NM -> do_trap() -> fpu_device_not_available().
 *
 * States: fpu.used: the registers are current's and newer than the image, TS is clear. Not used: the image is all
 * there is, TS is set. A task without image is in the initial state. fpu_owner remembers whose image the registers
 * of this CPU equal, so that a task that comes back finds them without loading.
 */
#include "kernel/errno.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/uaccess.h"
#include "kernel/x86/x86.h"

enum {
	FXSAVE_SIZE = 512, XSAVE_HEADER_SIZE = 64, XSAVE_MIN = FXSAVE_SIZE + XSAVE_HEADER_SIZE, XSAVE_ALIGN = 64,
	XFEATURE_X87 = 1, XFEATURE_SSE = 2, XFEATURE_AVX = 4, XFEATURE_AVX512 = 0xe0,
	MXCSR_DEFAULT = 0x1f80, FCW_DEFAULT = 0x37f,
	SW_BYTES = 464,	/* the last 48 bytes of the FXSAVE image are software's: struct _fpx_sw_bytes of the ABI */
};
#define FP_XSTATE_MAGIC1 0x46505853U
#define FP_XSTATE_MAGIC2 0x46505845U
struct fpx_sw_bytes { u32 magic1, extended_size; u64 xfeatures; u32 xstate_size, padding[7]; };
static_assert(sizeof(struct fpx_sw_bytes) == FXSAVE_SIZE - SW_BYTES, "ABI");

/* SDM vol. 1, table 10-2 and 13.4. */
struct fpu_image {
	u16 fcw, fsw; u8 ftw, pad0; u16 fop; u64 rip, rdp; u32 mxcsr, mxcsr_mask; u8 regs[SW_BYTES - 32];
	struct fpx_sw_bytes sw;
	u64 xstate_bv, xcomp_bv, reserved[6];
};
static_assert(sizeof(struct fpu_image) == XSAVE_MIN, "SDM");

static size_t image_size = XSAVE_MIN;	/* of an image in memory; the header exists also without XSAVE, as zeros */
static size_t user_size = FXSAVE_SIZE;	/* of it in a signal frame, without the second magic number */
static u32 mxcsr_mask = 0xffbf;		/* SDM vol. 1, 11.6.6: the mask of a CPU that reports 0 */
static struct kmem_cache *fpu_cache;
static struct fpu_image init_image = { .fcw = FCW_DEFAULT, .mxcsr = MXCSR_DEFAULT };
static DEFINE_PER_CPU(struct task_struct *, fpu_owner);

static void set_ts(void) { write_cr0(read_cr0() | CR0_TS); }

static void save_registers(void *image)
{
	if (cpu_has.xsave)
		xsave(image, cpu_has.xfeatures);
	else
		fxsave(image);
}

static void load_registers(const void *image)
{
	if (cpu_has.xsave)
		xrstor(image, cpu_has.xfeatures);
	else
		fxrstor(image);
}

void fpu_init_cpu(void)
{
	if (!cpu_has.xsave)
		return;
	if (!cpu_has.xfeatures) {
		struct cpuid_regs all = cpuid(0xd, 0);
		u64 have = (u64)all.edx << 32 | all.eax;

		cpu_has.xfeatures = XFEATURE_X87 | XFEATURE_SSE;
		if (have & XFEATURE_AVX)
			cpu_has.xfeatures |= XFEATURE_AVX;
		if ((have & XFEATURE_AVX) && (have & XFEATURE_AVX512) == XFEATURE_AVX512)
			cpu_has.xfeatures |= XFEATURE_AVX512;
	}
	xsetbv(0, cpu_has.xfeatures);
}

void fpu_init(void)
{
	if (cpu_has.xsave) {
		image_size = cpuid(0xd, 0).ebx; /* for what xsetbv enabled */
		user_size = image_size;
	}
	fpu_cache = kmem_cache_create("fpu_state", ALIGN(image_size, (size_t)XSAVE_ALIGN), XSAVE_ALIGN);
}

static struct fpu_image *alloc_image(void)
{
	struct fpu_image *image = kmem_cache_alloc(fpu_cache, GFP_KERNEL | __GFP_ZERO);

	if (image)
		memcpy(image, &init_image, sizeof(init_image));
	return image;
}

void fpu_switch_out(struct task_struct *prev)
{
	if (!prev->thread.fpu.used)
		return;
	save_registers(prev->thread.fpu.image);
	prev->thread.fpu.used = false;
	set_ts();
}

int fpu_device_not_available(void)
{
	struct fpu_state *fpu = &current->thread.fpu;

	if (!fpu->image) {
		fpu->image = (u8 *)alloc_image();
		if (!fpu->image)
			return -ENOMEM;
	}
	preempt_disable();
	if (!fpu->used) {
		clts();
		/* After a use on another CPU the registers here are old, although fpu_owner still names the task. */
		if (this_cpu_read(fpu_owner) != current || fpu->cpu != smp_processor_id())
			load_registers(fpu->image);
		this_cpu_write(fpu_owner, current);
		fpu->cpu = smp_processor_id();
		fpu->used = true;
	}
	preempt_enable();
	return 0;
}

/* The image becomes the truth: up to date, registers forgotten or kept. */
static void sync_image(struct fpu_state *fpu)
{
	preempt_disable();
	if (fpu->used)
		save_registers(fpu->image);
	preempt_enable();
}

static void forget_registers(struct fpu_state *fpu)
{
	preempt_disable();
	if (fpu->used)
		set_ts();
	fpu->used = false;
	fpu->cpu = -1;
	preempt_enable();
}

int fpu_copy(struct task_struct *dst)
{
	struct fpu_state *src = &current->thread.fpu;

	dst->thread.fpu = (struct fpu_state){ .cpu = -1 };
	if (!src->image)
		return 0;
	dst->thread.fpu.image = kmem_cache_alloc(fpu_cache, GFP_KERNEL);
	if (!dst->thread.fpu.image)
		return -ENOMEM;
	sync_image(src);
	memcpy(dst->thread.fpu.image, src->image, image_size);
	return 0;
}

/* A new task may get a dead one's address: its fpu->cpu, -1 at birth, keeps a stale fpu_owner from matching. */
void fpu_free(struct task_struct *p)
{
	if (p->thread.fpu.image)
		kmem_cache_free(fpu_cache, p->thread.fpu.image);
	p->thread.fpu = (struct fpu_state){ .cpu = -1 };
}

void fpu_flush(void)
{
	forget_registers(&current->thread.fpu);
	fpu_free(current);
}

size_t arch_fpu_frame_size(void) { return cpu_has.xsave ? user_size + sizeof(FP_XSTATE_MAGIC2) : user_size; }

int arch_fpu_save_user(uptr frame)
{
	struct fpu_state *fpu = &current->thread.fpu;
	struct fpx_sw_bytes sw = {
		.magic1 = FP_XSTATE_MAGIC1, .extended_size = (u32)arch_fpu_frame_size(),
		.xfeatures = cpu_has.xfeatures, .xstate_size = (u32)user_size,
	};

	if (!fpu->image) {
		fpu->image = (u8 *)alloc_image();
		if (!fpu->image)
			return -EFAULT;
	}
	sync_image(fpu);
	if (copy_to_user(frame, fpu->image, user_size))
		return -EFAULT;
	if (!cpu_has.xsave)
		return 0;
	if (copy_to_user(uptr_add(frame, SW_BYTES), &sw, sizeof(sw)))
		return -EFAULT;
	return put_user(FP_XSTATE_MAGIC2, uptr_add(frame, user_size));
}

/* What a program may not put into the registers would fault in the kernel (SDM vol. 1, 13.8.1). */
static bool image_is_valid(struct fpu_image *image, bool extended)
{
	if (image->mxcsr & ~mxcsr_mask)
		return false;
	if (!cpu_has.xsave)
		return true;
	if (!extended) {
		image->xstate_bv = XFEATURE_X87 | XFEATURE_SSE;
		image->xcomp_bv = 0;
		memset(image->reserved, 0, sizeof(image->reserved));
		return true;
	}
	if (image->xstate_bv & ~cpu_has.xfeatures || image->xcomp_bv)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(image->reserved); i++)
		if (image->reserved[i])
			return false;
	return true;
}

/* Does the frame hold more than the FXSAVE image? Its two magic numbers say so. */
static int frame_is_extended(uptr frame, bool *extended)
{
	struct fpx_sw_bytes sw;
	u32 magic2;

	*extended = false;
	if (!cpu_has.xsave)
		return 0;
	if (copy_from_user(&sw, uptr_add(frame, SW_BYTES), sizeof(sw)))
		return -EFAULT;
	if (sw.magic1 != FP_XSTATE_MAGIC1 || sw.xstate_size != user_size)
		return 0;
	if (get_user(magic2, uptr_add(frame, user_size)))
		return -EFAULT;
	*extended = magic2 == FP_XSTATE_MAGIC2;
	return 0;
}

int arch_fpu_restore_user(uptr frame)
{
	struct fpu_state *fpu = &current->thread.fpu;
	bool extended;

	if (uptr_is_null(frame)) {
		fpu_flush();
		return 0;
	}
	if (!fpu->image) {
		fpu->image = (u8 *)alloc_image();
		if (!fpu->image)
			return -EFAULT;
	}
	if (frame_is_extended(frame, &extended))
		return -EFAULT;
	forget_registers(fpu); /* from here on a switch must not write into the image */
	if (copy_from_user(fpu->image, frame, extended ? user_size : FXSAVE_SIZE) ||
	    !image_is_valid((struct fpu_image *)fpu->image, extended)) {
		fpu_flush();
		return -EFAULT;
	}
	return 0;
}

/* SDM vol. 1, 8.1.3 and 10.2.3: flags of what happened, masks in the control words. */
int fpu_exception_code(bool simd)
{
	struct fpu_state *fpu = &current->thread.fpu;
	const struct fpu_image *image;
	u32 pending;

	if (!fpu->image)
		return 0;
	sync_image(fpu);
	image = (const struct fpu_image *)fpu->image;
	pending = simd ? image->mxcsr & ~(image->mxcsr >> 7) : image->fsw & ~(u32)image->fcw;
	if (pending & 1)
		return FPE_FLTINV;
	if (pending & 4)
		return FPE_FLTDIV;
	if (pending & 8)
		return FPE_FLTOVF;
	if (pending & (2 | 16))
		return FPE_FLTUND;
	return pending & 32 ? FPE_FLTRES : 0;
}
