/* Prints the addresses that the C library finds for a name, one a line. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct addrinfo hints, *found;
	char text[INET6_ADDRSTRLEN];
	int err;

	if (argc != 2)
		return 2;
	memset(&hints, 0, sizeof hints);
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	err = getaddrinfo(argv[1], NULL, &hints, &found);
	if (err != 0) {
		fprintf(stderr, "%s: %s\n", argv[1], gai_strerror(err));
		return 1;
	}
	for (struct addrinfo *a = found; a != NULL; a = a->ai_next) {
		void *addr = a->ai_family == AF_INET
			? (void *)&((struct sockaddr_in *)a->ai_addr)->sin_addr
			: (void *)&((struct sockaddr_in6 *)a->ai_addr)->sin6_addr;
		puts(inet_ntop(a->ai_family, addr, text, sizeof text));
	}
	freeaddrinfo(found);
	return 0;
}
