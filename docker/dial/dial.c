/*
 * dial: connects to ports inside the networks of pods, for port-forwarding. Node.js cannot enter a network namespace.
 *
 * On its standard input it gets the path of a Unix socket in a folder that is there for nothing else, makes it and says so with a newline. It ends when its
 * input ends, also because who started it was killed, and takes socket and folder with it. Who connects there sends a request, gets two bytes of answer and
 * then talks to the port; each side may end its half of the connection by itself, and when the client has closed all of it the port's side is closed too. A
 * process for each connection enters the namespace, two carry the bytes: a copy that waits for one direction never holds up the other. A Unix socket with a
 * path is the same in every network namespace.
 *
 * The order of tries is 127.0.0.1, ::1 and the pod's own address, for servers that listen on one of them only.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* All numbers in network order. */
struct request {
  uint32_t pid;     /* a process in the namespace */
  uint32_t address; /* the pod's IPv4 address, or 0 */
  uint16_t port;
} __attribute__((packed));

/* First byte of the answer; the second is errno. */
enum { CONNECTED = 0, NO_NAMESPACE = 1, NOT_CONNECTED = 2 };

static void answer(int client, unsigned char what, int error) {
  unsigned char bytes[2] = {what, (unsigned char)error};
  if (write(client, bytes, sizeof bytes) != sizeof bytes) _exit(1);
}

static int try_address(const struct sockaddr *address, socklen_t length) {
  int target = socket(address->sa_family, SOCK_STREAM, 0);
  if (target < 0) return -1;
  if (connect(target, address, length) == 0) return target;
  int error = errno;
  close(target);
  errno = error;
  return -1;
}

static int try_ipv4(uint32_t address, uint16_t port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = address};
  return try_address((const struct sockaddr *)&to, sizeof to);
}

static int try_loopback6(uint16_t port) {
  struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = port, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  return try_address((const struct sockaddr *)&to, sizeof to);
}

/* The error that is told is that of 127.0.0.1: the others are second chances. */
static int connect_to(const struct request *request) {
  int target = try_ipv4(htonl(INADDR_LOOPBACK), request->port);
  if (target >= 0) return target;
  int error = errno;
  target = try_loopback6(request->port);
  if (target < 0 && request->address != 0) target = try_ipv4(request->address, request->port);
  errno = error;
  return target;
}

/* False when it took not all: it takes no more. */
static int write_all(int to, const char *bytes, ssize_t length) {
  for (ssize_t put = 0; put < length;) {
    ssize_t now = write(to, bytes + put, length - put);
    if (now >= 0) put += now;
    else if (errno != EINTR) return 0;
  }
  return 1;
}

/* Until the client ends; then the target hears of it. When that takes no more, the rest is read and dropped: the other direction may go on. */
static void copy_to_target(int client, int target) {
  static char block[64 * 1024];
  int open = 1;
  for (;;) {
    ssize_t got = read(client, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    if (open) open = write_all(target, block, got);
  }
  shutdown(target, SHUT_WR);
}

/*
 * Until the target ends; then the client hears of it. Or until the client is gone: one that has only said all that it will say still reads, and who has closed
 * its socket takes no more and shows as POLLHUP, also to a target that says nothing. Then nobody holds the target any more, and who writes there learns it.
 */
static void copy_to_client(int target, int client) {
  static char block[64 * 1024];
  for (;;) {
    struct pollfd waiting[] = {{.fd = target, .events = POLLIN}, {.fd = client}};
    if (poll(waiting, 2, -1) < 0) continue;
    if (waiting[1].revents != 0) return;
    ssize_t got = read(target, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    if (!write_all(client, block, got)) return;
  }
  shutdown(client, SHUT_WR);
}

static void serve(int client) {
  struct request request;
  char path[64];
  if (recv(client, &request, sizeof request, MSG_WAITALL) != sizeof request) return;
  snprintf(path, sizeof path, "/proc/%u/ns/net", ntohl(request.pid));
  int space = open(path, O_RDONLY | O_CLOEXEC);
  if (space < 0 || setns(space, CLONE_NEWNET) != 0) return answer(client, NO_NAMESPACE, errno);
  close(space);
  int target = connect_to(&request);
  if (target < 0) return answer(client, NOT_CONNECTED, errno);
  int on = 1;
  setsockopt(target, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  pid_t other = fork();
  if (other < 0) return answer(client, NOT_CONNECTED, errno);
  if (other == 0) {
    copy_to_target(client, target);
    return;
  }
  answer(client, CONNECTED, 0);
  copy_to_client(target, client);
}

int main(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (read(0, address.sun_path, sizeof address.sun_path - 1) <= 0) return 1;
  signal(SIGCHLD, SIG_IGN); /* nobody waits for them */
  signal(SIGPIPE, SIG_IGN);
  umask(0177);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 512) != 0 || write(1, "\n", 1) != 1) {
    perror("dial");
    return 1;
  }
  struct pollfd waiting[] = {{.fd = 0, .events = POLLIN}, {.fd = listener, .events = POLLIN}};
  for (;;) {
    if (poll(waiting, 2, -1) < 0) continue;
    if (waiting[0].revents != 0) {
      unlink(address.sun_path);
      rmdir(dirname(address.sun_path));
      return 0;
    }
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0) continue;
    if (fork() == 0) {
      close(0);
      close(1);
      close(listener);
      serve(client);
      _exit(0);
    }
    close(client);
  }
}
