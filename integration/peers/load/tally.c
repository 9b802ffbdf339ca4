// Sockets, the clock, and the count of what came back.
#define _GNU_SOURCE
#include "load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

_Noreturn void die(const char *doing) {
  fprintf(stderr, "load: %s: %s\n", doing, strerror(errno));
  exit(1);
}

uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

int connected(int type, int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  struct timeval patience = {.tv_sec = 3};
  int fd = socket(AF_INET, type, 0), on = 1, size = 8 << 20;
  if (fd < 0)
    die("open a socket");
  // What the server answered must not be lost on this side.
  if (type == SOCK_DGRAM && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (type == SOCK_STREAM) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
    return fd;
  close(fd);
  return -1;
}

void nap(int fd, short events, uint64_t ns) {
  struct pollfd p = {.fd = fd, .events = events};
  struct timespec t = {ns / 1000000000, ns % 1000000000};
  ppoll(&p, 1, &t, NULL);
}

struct query *next_query(struct options *o) {
  static size_t asked;
  return &o->queries[((size_t)(o->offset * o->count) + asked++) % o->count];
}

int judge(struct tally *t, const unsigned char *reply, size_t size) {
  if (size < 12 || !(reply[2] & 0x80))
    return 0;
  switch (reply[3] & 0x0f) {
  case 0:
    if (reply[2] & 0x02) // truncated
      t->other++;
    else if (reply[6] | reply[7])
      t->hits++;
    else
      t->nodata++;
    break;
  case 3:
    t->nxdomain++;
    break;
  default:
    t->other++;
  }
  return 1;
}

uint64_t settled(const struct tally *t) { return t->hits + t->nodata + t->nxdomain + t->other; }

void stop(struct tally *t, uint64_t start) {
  t->asking = now() - start;
  t->in_time = settled(t);
}

// Buckets: durations below 32 ns have one each, each power of two above 32.
enum { FINE = 5, BUCKETS = (64 - FINE + 1) << FINE };
static uint64_t buckets[BUCKETS], recorded, longest;

static size_t bucket(uint64_t ns) {
  if (ns < 1 << FINE)
    return ns;
  int shift = 63 - __builtin_clzll(ns) - FINE;
  return ((size_t)(shift + 1) << FINE) + ((ns >> shift) & ((1 << FINE) - 1));
}

void latency(uint64_t ns) {
  buckets[bucket(ns)]++;
  recorded++;
  if (ns > longest)
    longest = ns;
}

uint64_t percentile(double p) {
  uint64_t before = 0;
  if (p >= 1)
    return longest;
  for (size_t i = 0; i < BUCKETS; i++) {
    before += buckets[i];
    if (before > p * recorded) {
      size_t shift = i >> FINE;
      return shift ? ((i & ((1 << FINE) - 1)) | 1 << FINE) << (shift - 1) : i;
    }
  }
  return 0;
}

void set_id(unsigned char *message, unsigned id) {
  message[0] = id >> 8;
  message[1] = id;
}

unsigned get_id(const unsigned char *message) { return message[0] << 8 | message[1]; }
