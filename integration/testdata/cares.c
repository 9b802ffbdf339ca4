/* Prints the addresses that c-ares finds for a name by DNS, one a line. */
#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>

static int status = -1;

static void print(void *name, int outcome, int timeouts, struct ares_addrinfo *found)
{
	char text[INET6_ADDRSTRLEN];

	(void)timeouts;
	status = outcome;
	if (outcome != ARES_SUCCESS) {
		fprintf(stderr, "%s: %s\n", (char *)name, ares_strerror(outcome));
		return;
	}
	for (struct ares_addrinfo_node *n = found->nodes; n != NULL; n = n->ai_next) {
		void *addr = n->ai_family == AF_INET
			? (void *)&((struct sockaddr_in *)n->ai_addr)->sin_addr
			: (void *)&((struct sockaddr_in6 *)n->ai_addr)->sin6_addr;
		puts(inet_ntop(n->ai_family, addr, text, sizeof text));
	}
	ares_freeaddrinfo(found);
}

int main(int argc, char **argv)
{
	struct ares_options options;
	struct ares_addrinfo_hints hints;
	ares_channel channel;

	if (argc != 2)
		return 2;
	memset(&options, 0, sizeof options);
	options.lookups = "b";
	memset(&hints, 0, sizeof hints);
	hints.ai_family = AF_UNSPEC;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
	    ares_init_options(&channel, &options, ARES_OPT_LOOKUPS) != ARES_SUCCESS)
		return 3;
	ares_getaddrinfo(channel, argv[1], NULL, &hints, print, argv[1]);
	for (;;) {
		fd_set readers, writers;
		struct timeval pause;

		FD_ZERO(&readers);
		FD_ZERO(&writers);
		int nfds = ares_fds(channel, &readers, &writers);
		if (nfds == 0)
			break;
		select(nfds, &readers, &writers, NULL, ares_timeout(channel, NULL, &pause));
		ares_process(channel, &readers, &writers);
	}
	ares_destroy(channel);
	return status == ARES_SUCCESS ? 0 : 1;
}
