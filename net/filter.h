/*
 * net/filter.h - classic BPF: small programs that say how much of a packet a socket wants.
 *
 * Linux:   include/linux/filter.h, uapi/linux/filter.h (6.1)
 * Same:    struct sock_filter, sock_fprog; SO_ATTACH_FILTER.
 * Differs: 1. no eBPF, no just-in-time compiler.
 * Locks:   the sock's owner to change; a filter is replaced while its readers hold SKQUEUE or the receive section.
 * Walk:    sys_setsockopt -> sock_setsockopt() -> bpf_prog_create();  packet_rcv() -> bpf_run().
 */
#pragma once
#include "net/sock.h"

struct sock_filter { u16 code; u8 jt, jf; u32 k; };
static_assert(sizeof(struct sock_filter) == 8, "ABI");
struct sock_fprog { u16 len; uptr filter; };
static_assert(sizeof(struct sock_fprog) == 16, "ABI");
enum { BPF_MAXINSNS = 4096, BPF_MEMWORDS = 16 };

struct sk_filter {
	u16 len;
	struct sock_filter insns[];
};
/*
 * bpf_prog_create - copy the user's program @optval (a struct sock_fprog of @optlen bytes) and prove that it ends, and
 * touches nothing but its registers, its memory and the packet. Return: the filter, for kfree(), or ERR_PTR(-EINVAL,
 * -EFAULT, -ENOMEM). Context: task.
 */
struct sk_filter *bpf_prog_create(uptr optval, unsigned int optlen);
/* bpf_run - Return: how many bytes of @skb (from its data on) are wanted; 0: none of it. Context: any. */
u32 bpf_run(const struct sk_filter *filter, const struct sk_buff *skb, const struct net_device *dev);
