/*
 * runc-within-bounds: runc for a dockerd whose own bounds are narrower than what it asks of containers.
 *
 * Where CAP_SYS_RESOURCE is not in the bounding set, runc refuses every container that is privileged ("unable to apply caps"), has a lower
 * oom_score_adj than its parent ("can't get final child's PID from pipe: EOF") or a higher hard limit ("error setting rlimit type 7"). This takes what
 * cannot be had out of the description of the container (create, run: config.json of --bundle) or of the process (exec: the file of --process), and then
 * becomes runc with the same arguments.
 *
 * The descriptions are as Go's encoding/json writes them: no white space, and a quote inside a string is escaped. A key with its colon can
 * therefore be found as text: inside a string its closing quote has a backslash before it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char CAPABILITY[] = "\"CAP_SYS_RESOURCE\"";

static const struct {
  const char *name;
  int number;
} LIMITS[] = {
    {"\"RLIMIT_AS\"", RLIMIT_AS},           {"\"RLIMIT_CORE\"", RLIMIT_CORE},       {"\"RLIMIT_CPU\"", RLIMIT_CPU},         {"\"RLIMIT_DATA\"", RLIMIT_DATA},
    {"\"RLIMIT_FSIZE\"", RLIMIT_FSIZE},     {"\"RLIMIT_LOCKS\"", RLIMIT_LOCKS},     {"\"RLIMIT_MEMLOCK\"", RLIMIT_MEMLOCK}, {"\"RLIMIT_MSGQUEUE\"", RLIMIT_MSGQUEUE},
    {"\"RLIMIT_NICE\"", RLIMIT_NICE},       {"\"RLIMIT_NOFILE\"", RLIMIT_NOFILE},   {"\"RLIMIT_NPROC\"", RLIMIT_NPROC},     {"\"RLIMIT_RSS\"", RLIMIT_RSS},
    {"\"RLIMIT_RTPRIO\"", RLIMIT_RTPRIO},   {"\"RLIMIT_RTTIME\"", RLIMIT_RTTIME},   {"\"RLIMIT_SIGPENDING\"", RLIMIT_SIGPENDING}, {"\"RLIMIT_STACK\"", RLIMIT_STACK},
};

static void die(const char *what) {
  fprintf(stderr, "runc-within-bounds: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* Overwrites what is between `from` and `to` with `text`, which is no longer than that, and spaces. */
static void put(char *from, char *to, const char *text) {
  size_t length = strlen(text);
  memset(from, ' ', to - from);
  memcpy(from, text, length);
}

/* Blanks the capability out of every list of the object at `from`, each time with a comma beside it. */
static void drop_capability(char *from) {
  char *end = strchr(from, '}');
  for (char *at = from; end != NULL && (at = strstr(at, CAPABILITY)) != NULL && at < end;) {
    char *after = at + sizeof CAPABILITY - 1;
    if (*after == ',') after++;
    else if (at[-1] == ',') at--;
    put(at, after, "");
    at = after;
  }
}

/* The score may not go below our own. What is asked of us (-998 and the like) has room for every score. */
static void raise_score(char *from) {
  FILE *file = fopen("/proc/self/oom_score_adj", "r");
  int own = 0;
  if (file != NULL) {
    if (fscanf(file, "%d", &own) != 1) own = 0;
    fclose(file);
  }
  char *end, text[16];
  long wanted = strtol(from, &end, 10);
  int length = snprintf(text, sizeof text, "%d", own);
  if (wanted < own && length <= end - from) put(from, end, text);
}

/* No number between `from` and `to` that follows `key` may be above `most`. */
static void lower(char *from, char *to, const char *key, rlim_t most) {
  char *at = strstr(from, key), *end, text[32];
  if (at == NULL || at > to) return;
  at += strlen(key);
  if (strtoull(at, &end, 10) <= most) return;
  snprintf(text, sizeof text, "%llu", (unsigned long long)most);
  put(at, end, text);
}

/* Each `{"type":"RLIMIT_NOFILE","hard":1048576,"soft":1048576}` of the list at `from`. */
static void lower_limits(char *from) {
  char *list_end = strchr(from, ']');
  for (char *at = from, *end; list_end != NULL && (at = strchr(at, '{')) != NULL && at < list_end && (end = strchr(at, '}')) != NULL; at = end) {
    for (size_t i = 0; i < sizeof LIMITS / sizeof *LIMITS; i++) {
      char *name = strstr(at, LIMITS[i].name);
      struct rlimit own;
      if (name == NULL || name > end || getrlimit(LIMITS[i].number, &own) != 0 || own.rlim_max == RLIM_INFINITY) continue;
      lower(at, end, "\"hard\":", own.rlim_max);
      lower(at, end, "\"soft\":", own.rlim_max);
    }
  }
}

static void each(char *text, const char *key, void (*change)(char *)) {
  for (char *at = text; (at = strstr(at, key)) != NULL;) {
    at += strlen(key);
    change(at - 1);
  }
}

static void mend(const char *path) {
  FILE *file = fopen(path, "r+");
  if (file == NULL) die(path);
  if (fseek(file, 0, SEEK_END) != 0) die(path);
  long size = ftell(file);
  char *text = malloc(size + 1);
  if (size < 0 || text == NULL) die(path);
  rewind(file);
  if (fread(text, 1, size, file) != (size_t)size) die(path);
  text[size] = '\0';
  each(text, "\"capabilities\":{", drop_capability);
  each(text, "\"oomScoreAdj\":-", raise_score);
  each(text, "\"rlimits\":[", lower_limits);
  rewind(file);
  if (fwrite(text, 1, size, file) != (size_t)size || fclose(file) != 0) die(path);
  free(text);
}

/* The value of the flag at `arguments`, as `--flag value` or `--flag=value`; NULL when it is another one. */
static const char *value(char **arguments, const char *flag) {
  size_t length = strlen(flag);
  if (strncmp(*arguments, flag, length) != 0) return NULL;
  if ((*arguments)[length] == '=') return *arguments + length + 1;
  return (*arguments)[length] == '\0' ? arguments[1] : NULL;
}

int main(int count, char **arguments) {
  const char *command = "", *bundle = ".", *process = NULL, *found;
  (void)count;
  for (char **at = arguments + 1; *at != NULL; at++) {
    if (*command == '\0' && (strcmp(*at, "create") == 0 || strcmp(*at, "run") == 0 || strcmp(*at, "exec") == 0)) command = *at;
    if ((found = value(at, "--bundle")) != NULL || (found = value(at, "-b")) != NULL) bundle = found;
    if ((found = value(at, "--process")) != NULL || (found = value(at, "-p")) != NULL) process = found;
  }
  if (strcmp(command, "create") == 0 || strcmp(command, "run") == 0) {
    char path[4096];
    snprintf(path, sizeof path, "%s/config.json", bundle);
    mend(path);
  } else if (strcmp(command, "exec") == 0 && process != NULL) {
    mend(process);
  }
  arguments[0] = (char *)"runc";
  execvp("runc", arguments);
  die("runc");
}
