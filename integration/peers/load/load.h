// What the parts of the load share: the queries, the clock, the tally.
#ifndef LOAD_H
#define LOAD_H

#include <stddef.h>
#include <stdint.h>

// query is one message, as it goes over UDP.
struct query {
  unsigned char *bytes;
  size_t size;
};

// options are the command line.
struct options {
  int port;
  int window;      // queries in flight, over all sockets or by connection
  int sockets;     // UDP sockets or TCP connections
  double offset;   // of the first query, as a part of all
  double rate;     // queries a second
  double seconds;  // for how long
  const char *want; // the address that is waited for
  struct query *queries;
  size_t count;
};

// tally is what came back.
struct tally {
  uint64_t sent, hits, nodata, nxdomain, other; // by what the reply says
  uint64_t asking;     // ns from the first query until no more are sent
  uint64_t in_time;    // replies until then
  uint64_t lost;       // no reply within PATIENCE
  uint64_t late;       // replies after that, or to nothing
  uint64_t reconnects; // connections that the server closed
  uint64_t connections; // of those wanted, by TCP
};

// MOST is the largest message that is received, and the number of queries that
// can be in flight on one socket; MOST_ASKED the largest that is sent.
enum { MOST = 4096, MOST_ASKED = 500 };
#define PATIENCE 1000000000ull // ns

_Noreturn void die(const char *doing);
uint64_t now(void); // ns, CLOCK_MONOTONIC
int connected(int type, int port); // -1: refused, or not within 3 s
void nap(int fd, short events, uint64_t ns); // until an event or the time

// next_query is the next one of the file, round and round.
struct query *next_query(struct options *o);
// judge counts a reply by what it says, and returns whether it is one at all.
int judge(struct tally *t, const unsigned char *reply, size_t size);
// settled is the number of replies.
uint64_t settled(const struct tally *t);
// stop notes that no more queries are sent.
void stop(struct tally *t, uint64_t start);

// latency keeps durations in buckets that are at most 1/32 wide.
void latency(uint64_t ns);
uint64_t percentile(double p); // ns

void set_id(unsigned char *message, unsigned id);
unsigned get_id(const unsigned char *message);

// The ways to ask; each returns when its time is over.
void run_window(struct options *o, struct tally *t);
void run_rate(struct options *o, struct tally *t);
void run_single(struct options *o, struct tally *t);
void run_tcp(struct options *o, struct tally *t);
void run_idle(struct options *o, struct tally *t);
void run_watch(struct options *o, struct tally *t);

#endif
