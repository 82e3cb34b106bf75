/*
 * net/core/filter.c - the machine of McCanne and Jacobson's packet filter: an accumulator, an index, sixteen words.
 *
 * Linux:   net/core/filter.c (6.1); Steven McCanne, Van Jacobson: The BSD Packet Filter (USENIX 1993)
 * Same:    what a program may contain, what it means; a load beyond the packet ends it with 0; the ancillary loads
 *          of protocol, packet type and device.
 * Differs: 1. interpreted as it is: Linux translates it first. 2. of the ancillary loads those three only.
 * Locks:   none: a program does not change.
 * Walk:    packet_rcv() -> bpf_run().
 */
#include "kernel/slab.h"
#include "kernel/string.h"
#include "kernel/uaccess.h"
#include "net/filter.h"
#include "net/netdevice.h"

/* The fields of a code. */
enum { BPF_LD, BPF_LDX, BPF_ST, BPF_STX, BPF_ALU, BPF_JMP, BPF_RET, BPF_MISC };
enum { BPF_W = 0x00, BPF_H = 0x08, BPF_B = 0x10 };
enum { BPF_IMM = 0x00, BPF_ABS = 0x20, BPF_IND = 0x40, BPF_MEM = 0x60, BPF_LEN = 0x80, BPF_MSH = 0xa0 };
enum {
	BPF_ADD = 0x00, BPF_SUB = 0x10, BPF_MUL = 0x20, BPF_DIV = 0x30, BPF_OR = 0x40, BPF_AND = 0x50, BPF_LSH = 0x60,
	BPF_RSH = 0x70, BPF_NEG = 0x80, BPF_MOD = 0x90, BPF_XOR = 0xa0,
};
enum { BPF_JA = 0x00, BPF_JEQ = 0x10, BPF_JGT = 0x20, BPF_JGE = 0x30, BPF_JSET = 0x40 };
enum { BPF_X = 0x08, BPF_A = 0x10, BPF_TAX = 0x00, BPF_TXA = 0x80 };
/* Offsets that are no place in the packet. */
#define SKF_AD_OFF	((u32)-0x1000)
#define SKF_NET_OFF	((u32)-0x100000)
#define SKF_LL_OFF	((u32)-0x200000)
enum { SKF_AD_PROTOCOL = 0, SKF_AD_PKTTYPE = 4, SKF_AD_IFINDEX = 8 };

/* --- checking ------------------------------------------------------------------------------------- */

static bool bpf_load_is_valid(const struct sock_filter *f)
{
	u16 mode = f->code & 0xe0, size = f->code & 0x18;

	if (size == 0x18 || f->code > 0xff)
		return false;
	if ((f->code & 7) == BPF_LDX)
		return (size == BPF_W && (mode == BPF_IMM || mode == BPF_LEN)) || (size == BPF_B && mode == BPF_MSH) ||
		       (size == BPF_W && mode == BPF_MEM && f->k < BPF_MEMWORDS);
	switch (mode) {
	case BPF_ABS:
		return f->k < SKF_AD_OFF || f->k == SKF_AD_OFF + SKF_AD_PROTOCOL ||
		       f->k == SKF_AD_OFF + SKF_AD_PKTTYPE || f->k == SKF_AD_OFF + SKF_AD_IFINDEX;
	case BPF_IND:
		return true;
	case BPF_IMM:
	case BPF_LEN:
		return size == BPF_W;
	case BPF_MEM:
		return size == BPF_W && f->k < BPF_MEMWORDS;
	default:
		return false;
	}
}

static bool bpf_alu_is_valid(const struct sock_filter *f)
{
	u16 op = f->code & 0xf0;

	if (f->code > 0xff || op > BPF_XOR)
		return false;
	if (f->code & BPF_X)
		return op != BPF_NEG;
	if (op == BPF_DIV || op == BPF_MOD)
		return f->k != 0;
	return (op != BPF_LSH && op != BPF_RSH) || f->k < 32;
}

/* Jumps go forward only, so every program ends. @left: instructions behind this one. */
static bool bpf_jump_is_valid(const struct sock_filter *f, u32 left)
{
	u16 op = f->code & 0xf0;

	if (f->code > 0xff || op > BPF_JSET)
		return false;
	if (op == BPF_JA)
		return f->code == (BPF_JMP | BPF_JA) && f->k < left;
	return f->jt < left && f->jf < left;
}

static bool bpf_insn_is_valid(const struct sock_filter *f, u32 left)
{
	switch (f->code & 7) {
	case BPF_LD:
	case BPF_LDX:
		return bpf_load_is_valid(f);
	case BPF_ST:
	case BPF_STX:
		return (f->code & ~7) == 0 && f->k < BPF_MEMWORDS;
	case BPF_ALU:
		return bpf_alu_is_valid(f);
	case BPF_JMP:
		return bpf_jump_is_valid(f, left);
	case BPF_RET:
		return f->code == BPF_RET || f->code == (BPF_RET | BPF_A);
	default:
		return f->code == (BPF_MISC | BPF_TAX) || f->code == (BPF_MISC | BPF_TXA);
	}
}

static bool bpf_is_valid(const struct sk_filter *p)
{
	for (u32 i = 0; i < p->len; i++)
		if (!bpf_insn_is_valid(&p->insns[i], p->len - 1U - i))
			return false;
	return (p->insns[p->len - 1].code & 7) == BPF_RET;
}

struct sk_filter *bpf_prog_create(uptr optval, unsigned int optlen)
{
	struct sock_fprog prog;

	if (optlen != sizeof(prog))
		return ERR_PTR(-EINVAL);
	if (copy_from_user(&prog, optval, sizeof(prog)))
		return ERR_PTR(-EFAULT);
	if (!prog.len || prog.len > BPF_MAXINSNS || uptr_is_null(prog.filter))
		return ERR_PTR(-EINVAL);
	size_t bytes = prog.len * sizeof(struct sock_filter);
	struct sk_filter *p = kmalloc(sizeof(*p) + bytes, GFP_KERNEL);

	if (!p)
		return ERR_PTR(-ENOMEM);
	p->len = prog.len;
	int err = copy_from_user(p->insns, prog.filter, bytes) ? -EFAULT : bpf_is_valid(p) ? 0 : -EINVAL;

	if (!err)
		return p;
	kfree(p);
	return ERR_PTR(err);
}

/* --- running ---------------------------------------------------------------------------------------- */

struct bpf_machine {
	const struct sk_buff *skb;
	const struct net_device *dev;
	u32 a, x, mem[BPF_MEMWORDS];
};

static bool bpf_ancillary(const struct bpf_machine *m, u32 what, u32 *out)
{
	switch (what) {
	case SKF_AD_PROTOCOL:
		*out = be16_to_cpu(m->skb->protocol);
		return true;
	case SKF_AD_PKTTYPE:
		*out = m->skb->pkt_type;
		return true;
	case SKF_AD_IFINDEX:
		*out = m->dev ? (u32)m->dev->ifindex : 0;
		return m->dev != NULL;
	default:
		return false;
	}
}

/* @size bytes at @off, big-endian. False: not in the packet, and the program is over. */
static bool bpf_load(const struct bpf_machine *m, u32 off, u32 size, u32 *out)
{
	const unsigned char *from = m->skb->data;
	u8 b[4];

	if (off >= SKF_AD_OFF)
		return bpf_ancillary(m, off - SKF_AD_OFF, out);
	if (off >= SKF_NET_OFF) {
		off -= SKF_NET_OFF;
		from = skb_network_header(m->skb);
	} else if (off >= SKF_LL_OFF) {
		off -= SKF_LL_OFF;
		from = skb_mac_header(m->skb);
	}
	s64 at = (s64)off + (from - m->skb->data);

	/* Headers in front of the data are linear. */
	if (at < 0) {
		if (at + size > 0 || from + off < m->skb->head)
			return false;
		memcpy(b, from + off, size);
	} else if (at > U32_MAX || skb_copy_bits(m->skb, (u32)at, b, size)) {
		return false;
	}
	*out = 0;
	for (u32 i = 0; i < size; i++)
		*out = *out << 8 | b[i];
	return true;
}

static u32 bpf_size(u16 code) { return (code & 0x18) == BPF_W ? 4 : (code & 0x18) == BPF_H ? 2 : 1; }

static bool bpf_exec_load(struct bpf_machine *m, const struct sock_filter *f)
{
	bool to_x = (f->code & 7) == BPF_LDX;
	u32 v = 0;

	switch (f->code & 0xe0) {
	case BPF_ABS:
		if (!bpf_load(m, f->k, bpf_size(f->code), &v))
			return false;
		break;
	case BPF_IND:
		if (!bpf_load(m, m->x + f->k, bpf_size(f->code), &v))
			return false;
		break;
	case BPF_MSH:	/* the length of an IP header whose first byte is there */
		if (!bpf_load(m, f->k, 1, &v))
			return false;
		v = (v & 0xf) << 2;
		break;
	case BPF_MEM:
		v = m->mem[f->k];
		break;
	case BPF_LEN:
		v = m->skb->len;
		break;
	default:
		v = f->k;
	}
	*(to_x ? &m->x : &m->a) = v;
	return true;
}

static bool bpf_exec_alu(struct bpf_machine *m, const struct sock_filter *f)
{
	u32 v = f->code & BPF_X ? m->x : f->k, op = f->code & 0xf0;

	if (!v && (op == BPF_DIV || op == BPF_MOD))
		return false;
	switch (op) {
	case BPF_ADD: m->a += v; break;
	case BPF_SUB: m->a -= v; break;
	case BPF_MUL: m->a *= v; break;
	case BPF_DIV: m->a /= v; break;
	case BPF_MOD: m->a %= v; break;
	case BPF_OR:  m->a |= v; break;
	case BPF_AND: m->a &= v; break;
	case BPF_XOR: m->a ^= v; break;
	case BPF_LSH: m->a <<= v & 31; break;
	case BPF_RSH: m->a >>= v & 31; break;
	default:      m->a = -m->a;
	}
	return true;
}

static u32 bpf_exec_jump(const struct bpf_machine *m, const struct sock_filter *f)
{
	u32 v = f->code & BPF_X ? m->x : f->k;

	switch (f->code & 0xf0) {
	case BPF_JEQ:  return m->a == v ? f->jt : f->jf;
	case BPF_JGT:  return m->a > v ? f->jt : f->jf;
	case BPF_JGE:  return m->a >= v ? f->jt : f->jf;
	case BPF_JSET: return m->a & v ? f->jt : f->jf;
	default:       return f->k;
	}
}

u32 bpf_run(const struct sk_filter *filter, const struct sk_buff *skb, const struct net_device *dev)
{
	struct bpf_machine m = { .skb = skb, .dev = dev };
	const struct sock_filter *f = filter->insns;

	for (;; f++) {
		switch (f->code & 7) {
		case BPF_LD:
		case BPF_LDX:
			if (!bpf_exec_load(&m, f))
				return 0;
			break;
		case BPF_ST:
			m.mem[f->k] = m.a;
			break;
		case BPF_STX:
			m.mem[f->k] = m.x;
			break;
		case BPF_ALU:
			if (!bpf_exec_alu(&m, f))
				return 0;
			break;
		case BPF_JMP:
			f += bpf_exec_jump(&m, f);
			break;
		case BPF_RET:
			return f->code & BPF_A ? m.a : f->k;
		default:
			if (f->code == (BPF_MISC | BPF_TXA))
				m.a = m.x;
			else
				m.x = m.a;
		}
	}
}
