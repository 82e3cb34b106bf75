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
	MXCSR_MASK_DEFAULT = 0xffbf,
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
static u32 mxcsr_mask = MXCSR_MASK_DEFAULT;
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

/* The bits of MXCSR that this CPU knows; it tells them in a saved image (SDM vol. 1, 11.6.6). */
static void find_mxcsr_mask(void)
{
	static struct fpu_image image __aligned(XSAVE_ALIGN);

	clts();
	fxsave(&image);
	set_ts();
	if (image.mxcsr_mask)
		mxcsr_mask = image.mxcsr_mask;
}

void fpu_init(void)
{
	if (cpu_has.xsave) {
		image_size = cpuid(0xd, 0).ebx; /* for what xsetbv enabled */
		user_size = image_size;
		init_image.sw = (struct fpx_sw_bytes){
			.magic1 = FP_XSTATE_MAGIC1, .extended_size = (u32)arch_fpu_frame_size(),
			.xfeatures = cpu_has.xfeatures, .xstate_size = (u32)user_size,
		};
	}
	find_mxcsr_mask();
	fpu_cache = kmem_cache_create("fpu_state", ALIGN(image_size, (size_t)XSAVE_ALIGN), XSAVE_ALIGN);
}

static struct fpu_image *alloc_image(void)
{
	struct fpu_image *image = kmem_cache_alloc(fpu_cache, GFP_KERNEL | __GFP_ZERO);

	if (image)
		memcpy(image, &init_image, sizeof(init_image));
	return image;
}

/* Current's image, made if it has none yet. NULL: out of memory. */
static struct fpu_image *need_image(struct fpu_state *fpu)
{
	if (!fpu->image)
		fpu->image = (u8 *)alloc_image();
	return (struct fpu_image *)fpu->image;
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

	if (!need_image(fpu))
		return -ENOMEM;
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
	struct fpu_image *image = need_image(fpu);

	if (!image)
		return -EFAULT;
	sync_image(fpu);
	if (copy_to_user(frame, image, user_size))
		return -EFAULT;
	return cpu_has.xsave ? put_user(FP_XSTATE_MAGIC2, uptr_add(frame, user_size)) : 0;
}

/* What a program may not put into the registers would fault in the kernel (SDM vol. 1, 13.8.1). */
static bool image_is_valid(const struct fpu_image *image)
{
	if (image->mxcsr & ~mxcsr_mask || image->xstate_bv & ~cpu_has.xfeatures || image->xcomp_bv)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(image->reserved); i++)
		if (image->reserved[i])
			return false;
	return true;
}

/*
 * The FXSAVE image, then what follows it, if both magic numbers say that something does; without them, only x87 and
 * SSE are restored, as on Linux. The CPU never reads the bytes that are software's: they are put right again.
 */
static int read_frame(struct fpu_image *image, uptr frame)
{
	bool extended;
	u32 magic2 = 0;

	if (copy_from_user(image, frame, FXSAVE_SIZE))
		return -EFAULT;
	if (!cpu_has.xsave)
		return 0;
	extended = image->sw.magic1 == FP_XSTATE_MAGIC1 && image->sw.xstate_size == user_size;
	if (extended && get_user(magic2, uptr_add(frame, user_size)))
		return -EFAULT;
	image->sw = init_image.sw;
	if (magic2 == FP_XSTATE_MAGIC2)
		return copy_from_user((u8 *)image + FXSAVE_SIZE, uptr_add(frame, FXSAVE_SIZE),
				      user_size - FXSAVE_SIZE)
			       ? -EFAULT
			       : 0;
	memset(&image->xstate_bv, 0, XSAVE_HEADER_SIZE);
	image->xstate_bv = XFEATURE_X87 | XFEATURE_SSE;
	return 0;
}

int arch_fpu_restore_user(uptr frame)
{
	struct fpu_state *fpu = &current->thread.fpu;
	struct fpu_image *image;

	if (uptr_is_null(frame)) {
		fpu_flush();
		return 0;
	}
	image = need_image(fpu);
	if (!image)
		return -EFAULT;
	forget_registers(fpu); /* from here on a switch must not write into the image */
	if (read_frame(image, frame) || !image_is_valid(image)) {
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
