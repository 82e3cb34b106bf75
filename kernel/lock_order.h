/*
 * kernel/lock_order.h - every lock class of the kernel, outermost first: this list is the lock order.
 *
 * Linux:   none; Documentation/locking and the essays in its sources
 * Same:    nothing.
 * Differs: 1. the order is stated once, and this list is also the input of the run-time checker
 *             (kernel/locking/lockdep.c) and of docs/locking.md: a lock may only be taken while every lock
 *             already held stands before it, or is the same class at a smaller depth.
 * Locks:   all.
 * Walk:    included by kernel/spinlock.h and kernel/mutex.h.
 *
 * LOCK_CLASS(name, depths, context, what it protects)
 *   depths   how many locks of the class may be held at once, each at its own depth (*_lock_nested)
 *   context  TASK    sleeping lock, task context only
 *            PREEMPT spinlock taken in task context only
 *            SOFTIRQ spinlock also taken in softirqs: elsewhere softirqs are off while it is held
 *            HARDIRQ spinlock also taken in interrupts: interrupts are off while it is held
 * An interrupt may come while any lock that leaves interrupts on is held, and what it takes is then taken under that
 * lock: so a class that interrupts use (a timer's signal takes PIDTAB and SIGHAND) stands behind all of those.
 */
#define LOCK_CLASSES(LOCK_CLASS)									\
	LOCK_CLASS(EPNEST,	1, TASK,    "epoll: the graph of epolls that watch epolls")		\
	LOCK_CLASS(EP_MTX,	6, TASK,    "epoll: the interest set of one epoll; depth = nesting")	\
	LOCK_CLASS(CRED_GUARD,	1, TASK,    "process: one execve at a time in a process")		\
	LOCK_CLASS(FPOS,	1, TASK,    "file: f_pos of one open file")				\
	LOCK_CLASS(UNIX_BIND,	1, TASK,    "unix: one bind of a socket at a time")			\
	LOCK_CLASS(TTY_MTX,	2, TASK,    "tty: settings and the reader of a terminal")		\
	LOCK_CLASS(RENAME_MTX,	1, TASK,    "vfs: one rename between directories at a time")		\
	LOCK_CLASS(INODE_MTX,	5, TASK,    "inode: content and children; parent before child")		\
	LOCK_CLASS(PIPE_MTX,	2, TASK,    "pipe: the ring of buffers")				\
	LOCK_CLASS(RTNL,	1, TASK,    "net: configuration of devices, addresses and routes")	\
	LOCK_CLASS(SOCK_OWNER,	2, TASK,    "sock: the owner flag as a lock (lock_sock)")		\
	LOCK_CLASS(UNIX_IO,	1, TASK,    "unix: one reader of a socket at a time")			\
	LOCK_CLASS(MMAP_MTX,	2, TASK,    "mm: the VMAs of one address space; fork holds two")	\
	LOCK_CLASS(MAPPING_MTX,	1, TASK,    "inode: the pages that hold its content")			\
	LOCK_CLASS(TASK_MTX,	1, TASK,    "any leaf mutex with no other lock under it but spinlocks")	\
	LOCK_CLASS(FDTABLE,	2, PREEMPT, "files_struct: the fd table; fork holds two")		\
	LOCK_CLASS(FILE_F,	5, PREEMPT, "file: f_flags and the list of epitems; depth = nesting")	\
	LOCK_CLASS(FS_STRUCT,	1, PREEMPT, "fs_struct: root and working directory")			\
	LOCK_CLASS(DCACHE,	3, PREEMPT, "dentry cache: tree, hash, names, mounts")			\
	LOCK_CLASS(INODE_LOCK,	1, PREEMPT, "inode: size, times and counts of one inode")		\
	LOCK_CLASS(PAGETABLE,	2, PREEMPT, "mm: the page tables of one address space")			\
	LOCK_CLASS(VMALLOC,	1, PREEMPT, "mm: the kernel's mapped area (stacks, MMIO)")		\
	LOCK_CLASS(FUTEX,	2, PREEMPT, "futex: one hash bucket; requeue holds two")		\
	LOCK_CLASS(PACKET_TAB,	1, PREEMPT, "packet: the list of sockets")				\
	LOCK_CLASS(UNIX_TAB,	1, PREEMPT, "unix: the tables of sockets and of names")			\
	LOCK_CLASS(UNIX_STATE,	2, PREEMPT, "unix: state, name and peer of one socket; connect holds two") \
	LOCK_CLASS(UNIX_GC,	1, PREEMPT, "unix: sockets whose descriptors are in flight")		\
	LOCK_CLASS(SLOCK,	2, SOFTIRQ, "sock: short holds, softirq against task (sk_lock.slock)")	\
	LOCK_CLASS(LISTENQ,	1, SOFTIRQ, "tcp: the request and accept queues of a listener")		\
	LOCK_CLASS(BHASH,	1, SOFTIRQ, "inet: one bucket of bound ports")				\
	LOCK_CLASS(EHASH,	2, SOFTIRQ, "inet: one bucket of connections or listeners")		\
	LOCK_CLASS(TXQ,		1, SOFTIRQ, "net: one transmit queue")					\
	LOCK_CLASS(SKQUEUE,	2, HARDIRQ, "sk_buff_head: one queue of packets")			\
	LOCK_CLASS(IPFRAG,	1, SOFTIRQ, "ip: datagrams whose fragments are being collected")	\
	LOCK_CLASS(NEIGH,	1, SOFTIRQ, "arp: the neighbour table")					\
	LOCK_CLASS(ROUTE,	1, SOFTIRQ, "ip: the routing table and addresses")			\
	LOCK_CLASS(NETDEV,	1, SOFTIRQ, "net: the list of devices and protocols")			\
	LOCK_CLASS(PIDTAB,	1, HARDIRQ, "process: the tree of tasks, pids, groups, sessions")	\
	LOCK_CLASS(SIGHAND,	2, HARDIRQ, "process: handlers and pending signals of one process")	\
	LOCK_CLASS(VIRTQ,	1, HARDIRQ, "virtio: one virtqueue used from several contexts")		\
	LOCK_CLASS(HRTIMER_CB,	1, HARDIRQ, "timerfd: the list of timers that follow the wall clock")	\
	LOCK_CLASS(TTY_BUF,	1, HARDIRQ, "tty: input between the interrupt and the reader")		\
	LOCK_CLASS(UNIX_PEERQ,	1, HARDIRQ, "unix: who waits for room in a socket's queue")		\
	LOCK_CLASS(WAITQ,	6, HARDIRQ, "wait queue of a target; those of epolls at depth = nesting")	\
	LOCK_CLASS(EP_LOCK,	5, HARDIRQ, "epoll: ready list and overflow list; taken in callbacks")	\
	LOCK_CLASS(EP_WAITQ,	5, HARDIRQ, "epoll: tasks in epoll_wait")				\
	LOCK_CLASS(MUTEX_WAIT,	1, HARDIRQ, "mutex: its waiters")					\
	LOCK_CLASS(WORKQ,	1, HARDIRQ, "workqueue: the list of work")				\
	LOCK_CLASS(TASK_PI,	1, HARDIRQ, "task: state against wake-up (try_to_wake_up)")		\
	LOCK_CLASS(RUNQUEUE,	2, HARDIRQ, "sched: one run queue; balancing holds two")		\
	LOCK_CLASS(TIMER,	1, HARDIRQ, "time: one CPU's timer wheel or hrtimer tree")		\
	LOCK_CLASS(TIMEKEEPER,	1, HARDIRQ, "time: the wall clock's offset")				\
	LOCK_CLASS(IRQ_DESC,	1, HARDIRQ, "irq: vectors and their handlers")				\
	LOCK_CLASS(PCI_CFG,	1, HARDIRQ, "pci: the configuration ports")				\
	LOCK_CLASS(SLAB,	1, HARDIRQ, "slab: one object cache")					\
	LOCK_CLASS(PAGEALLOC,	1, HARDIRQ, "mm: the buddy lists")					\
	LOCK_CLASS(TLB,		1, HARDIRQ, "x86: one cross-CPU TLB flush or call at a time")		\
	LOCK_CLASS(RANDOM,	1, HARDIRQ, "random: the generator's key")				\
	LOCK_CLASS(TRACE,	1, HARDIRQ, "trace: switches and readers of the rings")			\
	LOCK_CLASS(PRINTK,	1, HARDIRQ, "printk: the log ring")					\
	LOCK_CLASS(UART,	1, HARDIRQ, "serial: the registers of one port")			\
	LOCK_CLASS(LEAF,	1, HARDIRQ, "any spinlock under which no other lock is taken")
#pragma once

#define __LOCK_ENUM(name, depths, ctx, what) LC_##name,
enum lock_class { LC_NONE, LOCK_CLASSES(__LOCK_ENUM) LC_NR };
#undef __LOCK_ENUM
