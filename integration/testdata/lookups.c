/*
 * Looks up names in turn, a number of times in all, and prints how many
 * nanoseconds each getaddrinfo took, one a line.
 */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv)
{
	struct addrinfo hints, *found;
	long times = argc > 2 ? atol(argv[1]) : 0;

	memset(&hints, 0, sizeof hints);
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	for (long i = 0; i < times; i++) {
		const char *name = argv[2 + i % (argc - 2)];
		long long start = now();
		int err = getaddrinfo(name, NULL, &hints, &found);

		if (err != 0) {
			fprintf(stderr, "%s: %s\n", name, gai_strerror(err));
			return 1;
		}
		printf("%lld\n", now() - start);
		freeaddrinfo(found);
	}
	return 0;
}
