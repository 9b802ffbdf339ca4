// Echo is the bound of what a server of small UDP messages can do: it receives
// and sends batches of 32 by one system call each, knows nothing of DNS, and
// answers with what it got and as many bytes more as an answer has. Only the
// bit that marks a response is set, so that the load takes it for one.
//
// usage: echo PORT EXTRA
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 32, SIZE = 2048 };

static void die(const char *doing) {
  fprintf(stderr, "echo: %s: %s\n", doing, strerror(errno));
  exit(1);
}

static int bound(int port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0)
    die("open a socket");
  if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0)
    die("bind the port");
  return fd;
}

int main(int argc, char **argv) {
  static unsigned char bytes[BATCH][SIZE];
  static struct sockaddr_in peers[BATCH];
  static struct iovec vectors[BATCH];
  static struct mmsghdr messages[BATCH];

  if (argc != 3) {
    fprintf(stderr, "usage: echo PORT EXTRA\n");
    return 2;
  }
  int fd = bound(atoi(argv[1]));
  size_t extra = atoi(argv[2]);
  for (int i = 0; i < BATCH; i++) {
    messages[i].msg_hdr.msg_name = &peers[i];
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  for (;;) {
    for (int i = 0; i < BATCH; i++) {
      messages[i].msg_hdr.msg_namelen = sizeof peers[i];
      vectors[i] = (struct iovec){bytes[i], SIZE - extra};
    }
    int n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
    if (n < 0 && errno != EINTR && errno != ECONNREFUSED)
      die("receive");
    for (int i = 0; i < n; i++) {
      bytes[i][2] |= 0x80;
      vectors[i].iov_len = messages[i].msg_len + extra;
    }
    for (int sent = 0; sent < n;) {
      int s = sendmmsg(fd, messages + sent, n - sent, 0);
      if (s < 0 && errno != EINTR)
        die("send");
      if (s > 0)
        sent += s;
    }
  }
}
