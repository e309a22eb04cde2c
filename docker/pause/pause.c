/*
 * pause: the process that holds a pod's namespaces open.
 *
 * It is PID 1 of the sandbox, and of the whole pod when the pod shares its process namespace, so it reaps whatever
 * is orphaned to it. It ends at once on SIGTERM and SIGINT. No libc: three system calls are all it needs, and every
 * pod of a node carries one of these in memory.
 *
 * All signals are blocked and taken synchronously. A blocked signal is queued even for PID 1 and even where its
 * default action would be to ignore it (SIGCHLD), so there is no handler and no race between looking and sleeping.
 */

#define SIGINT 2
#define SIGTERM 15
#define SIGCHLD 17
#define SIG_BLOCK 0
#define WNOHANG 1

#if defined(__x86_64__)
#define SYS_rt_sigprocmask 14
#define SYS_wait4 61
#define SYS_rt_sigtimedwait 128
#define SYS_exit_group 231

static long system_call(long number, long a, long b, long c, long d) {
  long result;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
#define SYS_exit_group 94
#define SYS_rt_sigprocmask 135
#define SYS_rt_sigtimedwait 137
#define SYS_wait4 260

static long system_call(long number, long a, long b, long c, long d) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory", "cc");
  return x0;
}
#else
#error "pause knows the system calls of x86_64 and aarch64 only"
#endif

/* The kernel's own signal set: 64 bits, whatever a libc makes of it. */
typedef unsigned long signal_set;

void _start(void) {
  static const signal_set every_signal = ~0UL;
  system_call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&every_signal, 0, sizeof every_signal);
  for (;;) {
    long signal = system_call(SYS_rt_sigtimedwait, (long)&every_signal, 0, 0, sizeof every_signal);
    if (signal == SIGTERM || signal == SIGINT) system_call(SYS_exit_group, 0, 0, 0, 0);
    /* One SIGCHLD may stand for several children. */
    if (signal == SIGCHLD) {
      while (system_call(SYS_wait4, -1, 0, WNOHANG, 0) > 0) continue;
    }
  }
}
