/*
 * fs/tty.h - what processes need of terminals: the controlling terminal of a session.
 *
 * Linux:   include/linux/tty.h (6.1)
 * Same:    signal->tty names the terminal.
 * Differs: 1. only what crosses the boundary stands here; the rest is drivers/char/tty.h.
 * Locks:   PIDTAB keeps signal->tty, and so @tty, alive.
 * Walk:    /proc/PID/stat -> tty_devnum(). Exit's half, disassociate_ctty(), is declared in kernel/task.h.
 */
#pragma once
#include "kernel/types.h"

struct tty_struct;

/*
 * tty_devnum - the device number (0: @tty is NULL), tty_pgrp_of - the foreground group (-1: none). Context:
 * any.
 */
dev_t tty_devnum(const struct tty_struct *tty);
pid_t tty_pgrp_of(const struct tty_struct *tty);
