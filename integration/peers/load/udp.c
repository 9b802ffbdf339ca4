// The ways to ask by UDP.
#define _GNU_SOURCE
#include "load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { BATCH = 32 };

// flight is one socket and the queries that are in flight on it. A message ID
// is the number of a slot and, above it, how often the slot has been used, so
// that a reply that comes too late is not taken for another's.
struct flight {
  int fd;
  int slots;
  uint64_t since[MOST]; // when it was sent; 0: the slot is free
  unsigned char used[MOST];
  int free[MOST], frees;
};

enum { SLOT_BITS = 12 };

static struct flight *take_off(struct options *o, int slots) {
  struct flight *f = calloc(1, sizeof *f);
  if (!f)
    die("hold a socket's queries");
  f->fd = connected(SOCK_DGRAM, o->port);
  if (f->fd < 0)
    die("connect");
  f->slots = slots;
  for (int i = slots - 1; i >= 0; i--)
    f->free[f->frees++] = i;
  return f;
}

// fill takes a slot and writes the next query with its ID. It returns the size.
static size_t fill(struct options *o, struct flight *f, uint64_t at, unsigned char *message) {
  int slot = f->free[--f->frees];
  struct query *q = next_query(o);
  f->used[slot]++;
  f->since[slot] = at;
  memcpy(message, q->bytes, q->size);
  set_id(message, (f->used[slot] << SLOT_BITS | slot) & 0xffff);
  return q->size;
}

// ask sends up to n queries, as many as there are free slots.
static void ask(struct options *o, struct tally *t, struct flight *f, int n) {
  static unsigned char bytes[BATCH][MOST];
  struct mmsghdr messages[BATCH];
  struct iovec vectors[BATCH];
  while (n > 0 && f->frees > 0) {
    int batch = 0;
    for (uint64_t at = now(); batch < BATCH && batch < n && f->frees > 0; batch++) {
      vectors[batch] = (struct iovec){bytes[batch], fill(o, f, at, bytes[batch])};
      messages[batch] = (struct mmsghdr){.msg_hdr = {.msg_iov = &vectors[batch], .msg_iovlen = 1}};
    }
    for (int sent = 0; sent < batch;) {
      int s = sendmmsg(f->fd, messages + sent, batch - sent, 0);
      if (s < 0 && errno != EINTR && errno != EAGAIN && errno != ENOBUFS)
        die("send");
      if (s > 0)
        sent += s;
    }
    t->sent += batch;
    n -= batch;
  }
}

// collect takes what replies there are.
static void collect(struct tally *t, struct flight *f, int flags) {
  static unsigned char bytes[BATCH][MOST];
  static struct iovec vectors[BATCH];
  static struct mmsghdr messages[BATCH];
  if (!vectors[0].iov_base)
    for (int i = 0; i < BATCH; i++) {
      vectors[i] = (struct iovec){bytes[i], MOST};
      messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
    }
  int n = recvmmsg(f->fd, messages, BATCH, flags, NULL);
  if (n < 0 && errno != EINTR && errno != EAGAIN)
    die("receive");
  uint64_t at = now();
  for (int i = 0; i < n; i++) {
    unsigned id = messages[i].msg_len < 12 ? 0xffff : get_id(bytes[i]), slot = id & (MOST - 1);
    if (messages[i].msg_len < 12 || slot >= (unsigned)f->slots || !f->since[slot] ||
        ((id ^ f->used[slot] << SLOT_BITS) & 0xffff) >> SLOT_BITS || !judge(t, bytes[i], messages[i].msg_len)) {
      t->late++;
      continue;
    }
    latency(at - f->since[slot]);
    f->since[slot] = 0;
    f->free[f->frees++] = slot;
  }
}

// give_up frees the slots whose reply is overdue.
static void give_up(struct tally *t, struct flight *f, uint64_t patience) {
  uint64_t at = now();
  for (int i = 0; i < f->slots; i++)
    if (f->since[i] && at - f->since[i] >= patience) {
      f->since[i] = 0;
      f->free[f->frees++] = i;
      t->lost++;
    }
}

// drain waits for what is still in flight.
static void drain(struct tally *t, struct flight *f) {
  for (uint64_t end = now() + PATIENCE; f->frees < f->slots && now() < end;) {
    nap(f->fd, POLLIN, 10000000);
    collect(t, f, MSG_DONTWAIT);
  }
  give_up(t, f, 0);
}

static void set_timeout(int fd, long us) {
  struct timeval t = {.tv_usec = us};
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) < 0)
    die("set the timeout");
}

// await waits until one of several sockets has a reply.
static void await(struct flight **all, int n) {
  struct pollfd fds[n];
  for (int i = 0; i < n; i++)
    fds[i] = (struct pollfd){.fd = all[i]->fd, .events = POLLIN};
  poll(fds, n, 100);
}

// run_window answers each reply by a new query. The sockets are several for a
// server that has several too.
void run_window(struct options *o, struct tally *t) {
  struct flight *all[o->sockets];
  int each = o->window / o->sockets, flags = o->sockets == 1 ? MSG_WAITFORONE : MSG_DONTWAIT;
  for (int i = 0; i < o->sockets; i++) {
    all[i] = take_off(o, each ? each : 1);
    set_timeout(all[i]->fd, 100000);
  }
  uint64_t start = now(), end = start + o->seconds * 1e9, checked = start;
  for (int i = 0; i < o->sockets; i++)
    ask(o, t, all[i], all[i]->frees);
  for (uint64_t at = start; at < end; at = now()) {
    int overdue = at - checked > PATIENCE / 10;
    if (overdue)
      checked = at;
    if (o->sockets > 1)
      await(all, o->sockets);
    for (int i = 0; i < o->sockets; i++) {
      collect(t, all[i], flags);
      if (overdue)
        give_up(t, all[i], PATIENCE);
      ask(o, t, all[i], all[i]->frees);
    }
  }
  stop(t, start);
  for (int i = 0; i < o->sockets; i++)
    drain(t, all[i]);
}

// run_rate sends what is due, whether or not replies came. One that is due
// while all slots are taken is counted as lost.
void run_rate(struct options *o, struct tally *t) {
  struct flight *f = take_off(o, MOST);
  uint64_t start = now(), end = start + o->seconds * 1e9, checked = start, asked = 0;
  double gap = 1e9 / o->rate;
  for (uint64_t at = start; at < end; at = now()) {
    uint64_t due = (at - start) / gap + 1;
    int n = due - asked, room = f->frees;
    ask(o, t, f, n);
    if (n > room) {
      t->sent += n - room;
      t->lost += n - room;
    }
    asked = due;
    collect(t, f, MSG_DONTWAIT);
    if (at - checked > PATIENCE / 10) {
      give_up(t, f, PATIENCE);
      checked = at;
    }
    uint64_t then = start + due * gap, after = now();
    if (then > after)
      nap(f->fd, POLLIN, then - after);
  }
  stop(t, start);
  drain(t, f);
}

void run_single(struct options *o, struct tally *t) {
  struct flight *f = take_off(o, 1);
  set_timeout(f->fd, 100000);
  uint64_t start = now(), end = start + o->seconds * 1e9;
  while (now() < end) {
    ask(o, t, f, 1);
    collect(t, f, MSG_WAITFORONE);
    give_up(t, f, PATIENCE);
  }
  stop(t, start);
  drain(t, f);
}

// data_of finds the data of the first record of an answer to one question, if
// it is an IPv4 address.
static const unsigned char *data_of(const unsigned char *reply, int size) {
  int at = 12;
  for (int names = 0; names < 2; names++) {
    while (at < size && reply[at] && reply[at] < 0xc0)
      at += reply[at] + 1;
    if (at >= size)
      return NULL;
    at += reply[at] ? 2 : 1;
    at += names ? 8 : 4; // type, class and TTL, or type and class
  }
  return at + 6 <= size && reply[at + 1] == 4 ? reply + at + 2 : NULL;
}

// run_watch says "watching" when the first answer came. The first that has the
// wanted address ends it; what it prints first is when that was, on the clock
// of the machine, and the longest time between two answers.
void run_watch(struct options *o, struct tally *t) {
  unsigned char reply[MOST], want[4];
  int fd = connected(SOCK_DGRAM, o->port), seen = 0;
  uint64_t last = 0, gap = 0;
  struct query *q = next_query(o);
  if (fd < 0)
    die("connect");
  set_timeout(fd, 20000);
  if (inet_pton(AF_INET, o->want, want) != 1)
    die("read the address");
  for (uint64_t end = now() + o->seconds * 1e9; now() < end && !seen;) {
    set_id(q->bytes, t->sent++ & 0xffff);
    if (send(fd, q->bytes, q->size, 0) < 0 && errno != ECONNREFUSED)
      die("send");
    ssize_t n = recv(fd, reply, sizeof reply, 0);
    if (n < 12)
      continue; // no reply in time; one that comes later is as good as the next
    const unsigned char *data = reply[6] | reply[7] ? data_of(reply, n) : NULL;
    if (!data)
      continue;
    uint64_t at = now();
    if (!last) {
      printf("watching\n");
      fflush(stdout);
    } else if (at - last > gap)
      gap = at - last;
    last = at;
    seen = !memcmp(data, want, 4);
  }
  printf("{\"seen\":%lu,\"gap\":%lu}\n", seen ? last : 0, gap);
}
