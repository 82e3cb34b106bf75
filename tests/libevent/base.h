/* tests/libevent/base.h - an event base on the back end that the command line names, or the end of the program. */
#pragma once
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline struct event_base *base_on(const char *backend)
{
	const char **methods = event_get_supported_methods();
	struct event_config *config = event_config_new();

	for (int i = 0; methods[i]; i++)
		if (strcmp(methods[i], backend) != 0)
			event_config_avoid_method(config, methods[i]);
	/* Otherwise libevent reads a clock of 4 ms, and Linux's timers seem to come early. */
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	struct event_base *base = event_base_new_with_config(config);

	event_config_free(config);
	if (!base || strcmp(event_base_get_method(base), backend) != 0) {
		fprintf(stderr, "libevent has no back end %s here\n", backend);
		exit(1);
	}
	return base;
}
