/*
 * kernel/random.h - random numbers.
 *
 * Linux:   include/linux/random.h, drivers/char/random.c (6.1)
 * Same:    a ChaCha20 generator that erases its key after each use, seeded by RDRAND/RDSEED, the
 *          TSC's jitter and virtio-rng.
 * Differs: 1. one generator for all uses; "crng_seed=N" on the command line makes it repeatable in
 *             tests.
 * Locks:   RANDOM.
 * Walk:    initial sequence numbers, port choice, getrandom().
 */
#pragma once
#include "kernel/types.h"

/* get_random_bytes - fill @buf. Context: any. */
void get_random_bytes(void *buf, size_t len);
u32 get_random_u32(void);
u64 get_random_u64(void);
/* add_entropy - mix @len bytes from a device in. Context: any. */
void add_entropy(const void *buf, size_t len);
void random_init(void);
