"""Kernels with one line of epoll, or of what it stands on, made wrong: (name, what is wrong, file, right text, wrong text).

The right text must stand in the file exactly once, so a mutant cannot go stale unseen.
"""
EP = "fs/eventpoll.c"

MUTANTS = [
    ("ovflist_lost", "what became ready during a scan is forgotten", EP,
     "\t\tif (!ep_is_linked(epi))\n\t\t\tlist_add(&epi->rdllink, &ep->rdllist);\n\t}\n", "\t}\n"),
    ("ovflist_unused", "a callback during a scan puts its item on the list that the scan will overwrite", EP,
     "\t\tepi->next = ep->ovflist;\n\t\tep->ovflist = epi;\n", ""),
    ("mod_asks_not", "EPOLL_CTL_MOD does not ask whether the file is ready", EP,
     "\tif (ep_item_poll(epi, &pt, 1))\n\t\tep_queue_ready(ep, epi);\n}", "}"),
    ("mod_asks_first", "EPOLL_CTL_MOD asks before the new events are written", EP,
     "\tinit_poll_funcptr(&pt, NULL);\n\tspin_lock_irq(&ep->lock);\n\tepi->event = *event;\n\tspin_unlock_irq(&ep->lock);\n"
     "\trace_point(ep_modified);\n\tif (ep_item_poll(epi, &pt, 1))\n\t\tep_queue_ready(ep, epi);\n",
     "\tstruct epitem asked = *epi;\n\tasked.event = *event;\n\tinit_poll_funcptr(&pt, NULL);\n\tbool ready = ep_item_poll(&asked, &pt, 1);\n"
     "\trace_point(ep_modified);\n\tspin_lock_irq(&ep->lock);\n\tepi->event = *event;\n\tspin_unlock_irq(&ep->lock);\n"
     "\tif (ready)\n\t\tep_queue_ready(ep, epi);\n"),
    ("wakes_all", "one event wakes every task in epoll_wait()", EP,
     "__add_wait_queue_exclusive(&ep->wq, &wait)", "__add_wait_queue(&ep->wq, &wait)"),
    ("wakes_none_if_listed", "a callback wakes nobody if its item is listed already", EP,
     "\tif (outcome != WAKE_DISARMED && outcome != WAKE_MASK) {", "\tif (outcome == WAKE_LISTED || outcome == WAKE_OVERFLOW) {"),
    ("first_close_removes", "the first close of a file ends its membership, not the last", "fs/file.c",
     "\tfput_now(file);\n\treturn err;\n", "\teventpoll_release_file(file);\n\tfput_now(file);\n\treturn err;\n"),
    ("last_close_removes_not", "a file's end leaves its items behind", "fs/file_table.c", "\teventpoll_release(f);\n", ""),
    ("level_not_readded", "a level-triggered item is reported once", EP,
     "\telse if (!(epi->event.events & EPOLLET))\n\t\t/* Level-triggered: asked again next time, after all others that are ready. */\n"
     "\t\tlist_add_tail(&epi->rdllink, &ep->rdllist);\n", ""),
    ("level_not_rotated", "what was not reported stands behind what was", EP,
     "\tlist_splice(txlist, &ep->rdllist);\n",
     "\twhile (!list_empty(txlist))\n\t\tlist_move_tail(txlist->next, &ep->rdllist);\n"),
    ("rest_dropped", "what maxevents left over is forgotten", EP,
     "\tlist_splice(txlist, &ep->rdllist);\n", "\twhile (!list_empty(txlist))\n\t\tlist_del_init(txlist->next);\n"),
    ("edge_like_level", "EPOLLET means nothing", EP, "\telse if (!(epi->event.events & EPOLLET))\n", "\telse\n"),
    ("exclusive_ignored", "EPOLLEXCLUSIVE entries stand among those that are all called", EP,
     "\t\tadd_wait_queue_exclusive(whead, &pwq->wait);", "\t\tadd_wait_queue(whead, &pwq->wait);"),
    ("exclusive_always_satisfied", "an exclusive item takes the event though nobody waits for it", EP,
     "\treturn ewake || !(events & EPOLLEXCLUSIVE);", "\treturn 1;"),
    ("exclusive_never_satisfied", "an exclusive item that woke somebody lets the event go on to the next", EP,
     "\treturn ewake || !(events & EPOLLEXCLUSIVE);", "\treturn !(events & EPOLLEXCLUSIVE);"),
    ("oneshot_armed", "EPOLLONESHOT does not disarm", EP,
     "epi->event.events & EP_PRIVATE_BITS);", "epi->event.events);"),
    ("add_asks_first", "EPOLL_CTL_ADD asks, then registers: an event in between is lost", EP,
     "\t__poll_t revents = ep_item_poll(epi, &epq.pt, 1);\n\n\tif (unlikely(!epq.epi))",
     "\tpoll_table none;\n\tinit_poll_funcptr(&none, NULL);\n\t__poll_t revents = ep_item_poll(epi, &none, 1);\n"
     "\trace_point(ep_registered);\n\t(void)ep_item_poll(epi, &epq.pt, 1);\n\n\tif (unlikely(!epq.epi))"),
    ("add_wakes_not", "EPOLL_CTL_ADD of a ready file wakes nobody", EP,
     "\t\tlist_add_tail(&epi->rdllink, &ep->rdllist);\n\t\tif (waitqueue_active(&ep->wq))\n\t\t\twake_up(&ep->wq);\n",
     "\t\tlist_add_tail(&epi->rdllink, &ep->rdllist);\n"),
    ("nested_not_told", "a callback does not tell those who poll the epoll", EP,
     "\tspin_unlock(&ep->lock);\n\tif (pwake)\n\t\tep_poll_safewake(ep, epi);\n", "\tspin_unlock(&ep->lock);\n"),
    ("nested_not_told_by_add", "an ADD or MOD does not tell those who poll the epoll", EP,
     "\tif (pwake)\n\t\tep_poll_safewake(ep, NULL);\n", ""),
    ("nested_always_ready", "an epoll is readable when its list is not empty, whatever is on it", EP,
     "\treturn ready ? EPOLLIN | EPOLLRDNORM : 0;", "\treturn ready || 1 ? EPOLLIN | EPOLLRDNORM : 0;"),
    ("others_not_woken", "a scan that leaves something does not wake the next task", EP,
     "\tif (!list_empty(&ep->rdllist) && waitqueue_active(&ep->wq))\n\t\twake_up(&ep->wq);\n\tspin_unlock_irq(&ep->lock);\n}\n\nstatic __poll_t",
     "\tspin_unlock_irq(&ep->lock);\n}\n\nstatic __poll_t"),
    ("timeout_swallows", "a task that was chosen as its time ran out keeps the event", EP,
     "\tif (eavail || list_empty_careful(&wait.entry))\n"
     "\t\treturn true;\n"
     "\trace_point(ep_woken);\n"
     "\tspin_lock_irq(&ep->lock);\n"
     "\t/*\n"
     "\t * Off the queue by now: a wake-up chose us as the time ran out, and nobody else will come for its event.\n"
     "\t * Still on it: woken by a signal, or by the time, and then there is nothing for us.\n"
     "\t */\n"
     "\teavail = !*timed_out || list_empty(&wait.entry);",
     "\tif (eavail)\n"
     "\t\treturn true;\n"
     "\trace_point(ep_woken);\n"
     "\tspin_lock_irq(&ep->lock);\n"
     "\teavail = !*timed_out;"),
    ("sleeps_unasked", "epoll_wait() does not look once more before it sleeps", EP,
     "\teavail = ep_events_available(ep);\n\tif (!eavail)\n\t\t__add", "\teavail = false;\n\tif (!eavail)\n\t\t__add"),
    ("stays_listed", "a removed item stays on the ready list", EP,
     "\tif (ep_is_linked(epi)) {\n\t\tspin_lock_irq(&ep->lock);\n\t\tlist_del(&epi->rdllink);", 
     "\tif (ep_is_linked(epi)) {\n\t\tspin_lock_irq(&ep->lock);"),
    ("fault_loses_event", "an event that could not be copied out is forgotten", EP,
     "\t\tlist_add(&epi->rdllink, txlist);\n\t\treturn -EFAULT;", "\t\treturn -EFAULT;"),
    ("hangup_masked_by_mod", "EPOLL_CTL_MOD forgets that errors are always reported", EP,
     "\tcase EPOLL_CTL_MOD:\n\t\tevent->events |= EPOLLERR | EPOLLHUP;\n", "\tcase EPOLL_CTL_MOD:\n"),
    ("dying_ignored", "the epoll's end frees an item that its file's end has claimed", EP,
     "\tif (unlikely(epi->dying && !by_file)) {", "\tif (false && by_file) {"),
    ("watches_never_end", "a watch that is over still counts", EP,
     "\tatomic_long_dec(&ep->user->watches);\n\tkmem_cache_free(epi_cache, epi);", "\tkmem_cache_free(epi_cache, epi);"),
    ("signal_first", "epoll_wait() says EINTR though something is ready", EP,
     "\tfor (;;) {\n\t\tif (eavail) {\n", "\tfor (;;) {\n\t\tif (signal_pending(current))\n\t\t\treturn -EINTR;\n\t\tif (eavail) {\n"),
    ("interrupted_swallows", "a task that was chosen and interrupted does not look at the list", EP,
     "\t\tif (signal_pending(current))\n\t\t\treturn -EINTR;\n\t\teavail = ep_wait(ep, deadline_ns, &timed_out);\n",
     "\t\tif (signal_pending(current))\n\t\t\treturn -EINTR;\n\t\teavail = ep_wait(ep, deadline_ns, &timed_out);\n"
     "\t\tif (signal_pending(current))\n\t\t\treturn -EINTR;\n"),
    ("eventfd_asks_first", "eventfd tells its state before poll_wait()", "fs/eventfd.c",
     "\tpoll_wait(file, &ctx->wqh, wait);\n\tu64 count = READ_ONCE(ctx->count);\n",
     "\tu64 count = READ_ONCE(ctx->count);\n\tpoll_wait(file, &ctx->wqh, wait);\n"),
    ("one_item_for_all_fds", "two numbers of one file are one item", EP, "\treturn a->fd - fd;\n", "\treturn fd - fd;\n"),
    ("wake_up_never_ends", "a wake-up calls every exclusive waiter", "kernel/sched/wait.c",
     "\t\tif (woken && (flags & WQ_FLAG_EXCLUSIVE) && --nr_exclusive == 0)\n\t\t\tbreak;\n", ""),
]
