// The ways to ask by TCP.
#define _GNU_SOURCE
#include "load.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 1 << 16, PIPELINE = 64, FRAME = MOST_ASKED + 2 };

// line is a connection and what is on its way on it. The message ID of a query
// is its slot's number.
struct line {
  int fd;
  uint64_t since[PIPELINE]; // 0: the slot is free
  unsigned char in[ROOM], out[PIPELINE * FRAME];
  size_t in_size, out_size;
};

// put appends a query to what is to be sent, where each slot has room for one.
static void put(struct options *o, struct tally *t, struct line *l, int slot) {
  struct query *q = next_query(o);
  unsigned char *frame = l->out + l->out_size;
  set_id(frame, q->size);
  memcpy(frame + 2, q->bytes, q->size);
  set_id(frame + 2, slot);
  l->out_size += q->size + 2;
  l->since[slot] = now();
  t->sent++;
}

static void flush(struct line *l) {
  ssize_t n = l->out_size ? write(l->fd, l->out, l->out_size) : 0;
  if (n <= 0)
    return; // a broken connection is noticed by the read
  l->out_size -= n;
  memmove(l->out, l->out + n, l->out_size);
}

// open_line makes the connection, again if there was one. It returns whether
// the server takes one more.
static int open_line(struct options *o, struct line *l, int poller) {
  l->fd = connected(SOCK_STREAM, o->port);
  if (l->fd < 0)
    return 0;
  fcntl(l->fd, F_SETFL, O_NONBLOCK);
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = l};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, l->fd, &e) < 0)
    die("watch a connection");
  l->in_size = l->out_size = 0;
  return 1;
}

static void begin(struct options *o, struct tally *t, struct line *l) {
  for (int i = 0; i < o->window; i++)
    put(o, t, l, i);
  flush(l);
}

// lose counts what was in flight on a connection as lost.
static void lose(struct options *o, struct tally *t, struct line *l) {
  for (int i = 0; i < o->window; i++)
    if (l->since[i]) {
      t->lost++;
      l->since[i] = 0;
    }
}

// take reads replies; with more set, each makes room for a new query. It
// returns whether the connection still stands.
static int take(struct options *o, struct tally *t, struct line *l, int more) {
  ssize_t n = read(l->fd, l->in + l->in_size, ROOM - l->in_size);
  if (n <= 0)
    return n < 0 && (errno == EAGAIN || errno == EINTR);
  l->in_size += n;
  size_t at = 0;
  for (uint64_t then = now(); l->in_size - at >= 2 && l->in_size - at >= 2 + get_id(l->in + at);) {
    unsigned char *reply = l->in + at + 2;
    size_t size = get_id(l->in + at), slot = size < 12 ? PIPELINE : get_id(reply);
    at += 2 + size;
    if (slot >= (size_t)o->window || !l->since[slot] || !judge(t, reply, size)) {
      t->late++;
      continue;
    }
    latency(then - l->since[slot]);
    l->since[slot] = 0;
    if (more)
      put(o, t, l, slot);
  }
  l->in_size -= at;
  memmove(l->in, l->in + at, l->in_size);
  flush(l);
  return 1;
}

void run_tcp(struct options *o, struct tally *t) {
  struct epoll_event ready[64];
  struct line *lines = calloc(o->sockets, sizeof *lines);
  int poller = epoll_create1(0);
  if (!lines || poller < 0)
    die("make the connections");
  if (o->window > PIPELINE)
    o->window = PIPELINE;
  while (t->connections < (uint64_t)o->sockets && open_line(o, &lines[t->connections], poller))
    t->connections++;
  uint64_t start = now(), end = start + o->seconds * 1e9;
  for (size_t i = 0; i < t->connections; i++)
    begin(o, t, &lines[i]);
  while (now() < end) {
    int n = epoll_wait(poller, ready, 64, 100);
    for (int i = 0; i < n; i++) {
      struct line *l = ready[i].data.ptr;
      if (take(o, t, l, 1))
        continue;
      lose(o, t, l);
      close(l->fd);
      t->reconnects++;
      // It may take seconds to be refused.
      if (now() < end && open_line(o, l, poller))
        begin(o, t, l);
    }
  }
  stop(t, start);
  // What is still in flight is waited for, since only what is not answered at
  // all is lost.
  for (uint64_t end = now() + PATIENCE; settled(t) + t->lost < t->sent && now() < end;) {
    int n = epoll_wait(poller, ready, 64, 10);
    for (int i = 0; i < n; i++)
      if (!take(o, t, ready[i].data.ptr, 0))
        epoll_ctl(poller, EPOLL_CTL_DEL, ((struct line *)ready[i].data.ptr)->fd, NULL);
  }
  for (int i = 0; i < o->sockets; i++)
    lose(o, t, &lines[i]);
}

// whole reads until a reply is complete. Some send its length apart, and the
// rest only when that is acknowledged, which is to be at once.
static ssize_t whole(int fd, unsigned char *frame, size_t room) {
  size_t got = 0;
  for (uint64_t end = now() + PATIENCE / 4; now() < end;) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    nap(fd, POLLIN, PATIENCE / 4);
    ssize_t n = recv(fd, frame + got, room - got, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN))
      return -1;
    got += n > 0 ? n : 0;
    if (got >= 2 && got >= 2 + get_id(frame))
      return got;
  }
  return -1;
}

// asked sends one query on a fresh connection and waits for its reply.
static int asked(struct options *o, struct tally *t, int fd) {
  unsigned char frame[FRAME];
  struct query *q = next_query(o);
  set_id(frame, q->size);
  memcpy(frame + 2, q->bytes, q->size);
  t->sent++;
  if (write(fd, frame, q->size + 2) < 0)
    return 0;
  ssize_t n = whole(fd, frame, sizeof frame);
  return n > 2 && judge(t, frame + 2, n - 2);
}

// alive counts the connections that the server has not closed.
static int alive(const int *fds, int n) {
  int count = 0;
  for (int i = 0; i < n; i++) {
    char c;
    ssize_t got = recv(fds[i], &c, 1, MSG_DONTWAIT | MSG_PEEK);
    count += got > 0 || (got < 0 && errno == EAGAIN);
  }
  return count;
}

// run_idle gives up at the tenth connection in a row that is not answered:
// the server holds no more.
void run_idle(struct options *o, struct tally *t) {
  int *fds = calloc(o->sockets, sizeof *fds), n = 0, refused = 0;
  if (!fds)
    die("hold the connections");
  for (uint64_t end = now() + o->seconds * 1e9; n < o->sockets && refused < 10 && now() < end;) {
    fds[n] = connected(SOCK_STREAM, o->port);
    if (fds[n] >= 0 && asked(o, t, fds[n])) {
      n++;
      refused = 0;
      continue;
    }
    if (fds[n] >= 0)
      close(fds[n]);
    refused++;
  }
  printf("{\"held\":%d}\n", alive(fds, n));
  fflush(stdout);
  while (getchar() != EOF)
    ;
}
