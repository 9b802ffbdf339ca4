// Load asks a DNS server on loopback and prints one line of JSON on what came
// back. The queries are those of a file, each behind two bytes of its length,
// in the file's order, round and round.
//
// usage: load MODE -p PORT -f FILE [-o OFFSET] [-t SECONDS] [-w WINDOW]
//                  [-c SOCKETS] [-r RATE] [-a ADDRESS]
//
// OFFSET, from 0 to 1, is where in the file the first query is.
//
//	window  closed loop: WINDOW queries in flight, in batches
//	rate    open loop: RATE queries a second, whatever comes back
//	single  one query in flight
//	tcp     SOCKETS connections with WINDOW queries in flight on each
//	idle    SOCKETS connections, each of which asked once and then rests until
//	        the input ends
//	watch   one query in flight until the answer is ADDRESS
//
// The last two print a line on what they are about before that.
#define _GNU_SOURCE
#include "load.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static void read_queries(struct options *o, const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f)
    die(path);
  if (fseek(f, 0, SEEK_END) < 0)
    die("find the end of the queries");
  long size = ftell(f);
  rewind(f);
  unsigned char *bytes = malloc(size);
  if (!bytes || fread(bytes, 1, size, f) != (size_t)size)
    die("read the queries");
  fclose(f);
  size_t room = size / 14 + 1;
  o->queries = malloc(room * sizeof *o->queries);
  if (!o->queries)
    die("hold the queries");
  for (unsigned char *p = bytes; p + 2 < bytes + size; p += 2 + get_id(p)) {
    if (get_id(p) < 12 || get_id(p) > MOST_ASKED || p + 2 + get_id(p) > bytes + size) {
      fprintf(stderr, "load: query %zu of %s is of no fitting size\n", o->count, path);
      exit(1);
    }
    o->queries[o->count++] = (struct query){p + 2, get_id(p)};
  }
}

static void print(const struct tally *t) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  double cpu = u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
  printf("{\"sent\":%lu,\"answered\":%lu,\"hits\":%lu,\"nodata\":%lu,\"nxdomain\":%lu,\"other\":%lu,"
         "\"lost\":%lu,\"late\":%lu,\"reconnects\":%lu,\"connections\":%lu,\"in_time\":%lu,\"seconds\":%.6f,\"load_cpu\":%.6f,"
         "\"p50\":%lu,\"p90\":%lu,\"p99\":%lu,\"max\":%lu}\n",
         t->sent, settled(t), t->hits, t->nodata, t->nxdomain, t->other, t->lost, t->late, t->reconnects,
         t->connections, t->in_time, t->asking / 1e9, cpu, percentile(0.5), percentile(0.9), percentile(0.99), percentile(1));
}

static const struct {
  const char *name;
  void (*run)(struct options *, struct tally *);
} modes[] = {
    {"window", run_window}, {"rate", run_rate}, {"single", run_single},
    {"tcp", run_tcp},       {"idle", run_idle}, {"watch", run_watch},
};

int main(int argc, char **argv) {
  struct options o = {.window = 128, .sockets = 1, .rate = 10000, .seconds = 1, .want = "0.0.0.0"};
  void (*run)(struct options *, struct tally *) = NULL;
  for (size_t i = 0; argc > 1 && i < sizeof modes / sizeof *modes; i++)
    if (!strcmp(argv[1], modes[i].name))
      run = modes[i].run;
  optind = 2;
  for (int c; run && (c = getopt(argc, argv, "p:f:o:t:w:c:r:a:")) != -1;) {
    switch (c) {
    case 'p': o.port = atoi(optarg); break;
    case 'f': read_queries(&o, optarg); break;
    case 'o': o.offset = atof(optarg); break;
    case 't': o.seconds = atof(optarg); break;
    case 'w': o.window = atoi(optarg); break;
    case 'c': o.sockets = atoi(optarg); break;
    case 'r': o.rate = atof(optarg); break;
    case 'a': o.want = optarg; break;
    default: run = NULL;
    }
  }
  if (!run || !o.port || !o.count || o.window < 1 || o.window > MOST || o.sockets < 1 || o.offset < 0 || o.rate <= 0) {
    fprintf(stderr, "usage: load MODE -p PORT -f FILE [-o OFFSET] [-t SECONDS] [-w WINDOW] [-c SOCKETS] [-r RATE] [-a ADDRESS]\n");
    return 2;
  }
  // A connection that the server closed is noticed by the read.
  signal(SIGPIPE, SIG_IGN);
  // A sleep ends when it should, not up to 50 µs later.
  prctl(PR_SET_TIMERSLACK, 1ul);
  struct tally t = {0};
  run(&o, &t);
  print(&t);
  return 0;
}
