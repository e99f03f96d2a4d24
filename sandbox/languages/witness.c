/* The witness of C++ and Rust programs, in a unit of its own, linked first.
 *
 * It takes the secret before any constructor of the program runs, stands in for `main`, runs the tests, and writes the
 * secret only if they return 0. System calls are made directly: a program may define `read` or `write` itself. Until
 * then the secret is masked, so that a search of the memory finds nothing that looks like one.
 */
#if defined(__x86_64__)
enum { READ = 0, WRITE = 1, CLOSE = 3, EXIT = 231, RANDOM = 318 };
static long call(long number, long first, long second, long third) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(first), "S"(second), "d"(third) : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
enum { READ = 63, WRITE = 64, CLOSE = 57, EXIT = 94, RANDOM = 278 };
static long call(long number, long first, long second, long third) {
  register long x8 __asm__("x8") = number, x0 __asm__("x0") = first, x1 __asm__("x1") = second, x2 __asm__("x2") = third;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  return x0;
}
#endif

static char secret[256], mask[256];
static long length;

static void turn(void) {
  for (long at = 0; at < length; at++) secret[at] ^= mask[at];
}

static void take(void) {
  length = call(READ, 3, (long)secret, sizeof secret);
  call(CLOSE, 3, 0, 0);
  call(RANDOM, (long)mask, sizeof mask, 0);
  turn();
}
__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = take;

extern int tests_TAG(void);
extern int fflush(void *);

int failed_TAG(int line) {
  char words[] = "fail: line 0000000";
  for (int place = sizeof words - 2; line > 0; line /= 10) words[place--] = '0' + line % 10;
  call(WRITE, 4, (long)words, sizeof words - 1);
  call(EXIT, 1, 0, 0);
  return 0;
}

int __wrap_main(void) {
  if (tests_TAG() != 0) failed_TAG(0);
  fflush(0);
  turn();
  call(WRITE, 4, (long)secret, length);
  call(EXIT, 0, 0, 0);
  return 0;
}
