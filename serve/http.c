/* serve/http.c - see the header. The one file that knows libmicrohttpd. */
#include "serve/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>

enum { TOKEN_BYTES = 16, TOKEN_LETTERS = 2 * TOKEN_BYTES };

struct htrail__http {
    struct MHD_Daemon *daemon;
    htrail__http_handler handler;
    void *arg;
    char token[TOKEN_LETTERS + 1], by_number[32], by_name[32], address[96];
};

static void say_nothing(void *arg, const char *format, va_list values) { (void)arg, (void)format, (void)values; }

/* What any answer says to a browser: believe the type, keep nothing, show it in no other page, tell nobody the address. */
static void add_headers(struct MHD_Response *response, const char *kind)
{
    static const char *const headers[][2] = {
        {"X-Content-Type-Options", "nosniff"}, {"Cache-Control", "no-store"}, {"Referrer-Policy", "no-referrer"}, {"X-Frame-Options", "DENY"},
        {"Cross-Origin-Resource-Policy", "same-origin"}, {"Cross-Origin-Opener-Policy", "same-origin"},
    };
    bool is_page = strncmp(kind, "text/html", 9) == 0; /* it brings a policy of its own, which allows its script */
    MHD_add_response_header(response, "Content-Type", kind);
    MHD_add_response_header(response, "Content-Security-Policy", is_page ? "frame-ancestors 'none'" : "default-src 'none'; frame-ancestors 'none'");
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        MHD_add_response_header(response, headers[i][0], headers[i][1]);
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *sentence)
{
    char text[256];
    snprintf(text, sizeof text, "heaptrail: %s\n", sentence);
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    add_headers(response, "text/plain; charset=utf-8");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, "Allow", "GET, HEAD");
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

/* In a time that does not tell how much of it was right. */
static bool has_token(const htrail__http *http, const char *path)
{
    unsigned char differs = 0;
    if (path[0] != '/' || strlen(path + 1) < TOKEN_LETTERS)
        return false;
    for (size_t i = 0; i < TOKEN_LETTERS; i++)
        differs |= (unsigned char)(http->token[i] ^ path[1 + i]);
    return differs == 0 && (path[1 + TOKEN_LETTERS] == '\0' || path[1 + TOKEN_LETTERS] == '/');
}

static const char *parameter(const void *from, const char *name)
{
    return MHD_lookup_connection_value((struct MHD_Connection *)(uintptr_t)from, MHD_GET_ARGUMENT_KIND, name);
}

static enum MHD_Result answer(htrail__http *http, struct MHD_Connection *connection, const char *path)
{
    htrail__request request = {.path = path, .value = parameter, .from = connection};
    htrail__answer made = {.status = HTRAIL__ANSWER_OK, .kind = "application/json"};
    enum MHD_Result queued = MHD_NO;

    htrail__text_init(&made.text, HTRAIL__HTTP_ANSWER_BYTES_MAX);
    http->handler(http->arg, &request, &made);
    struct MHD_Response *response = made.text.failed || made.text.data == NULL ? NULL : MHD_create_response_from_buffer(made.text.len, made.text.data, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        htrail__text_release(&made.text);
        return refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "the answer is too large, or memory is out");
    }
    add_headers(response, made.kind);
    queued = MHD_queue_response(connection, made.status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method, const char *version, const char *upload,
                              size_t *upload_bytes, void **state)
{
    static char begun;
    htrail__http *http = arg;
    (void)version, (void)upload;

    /* Refused at the head of a request, before its body is read. */
    const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
    if (host == NULL || (strcmp(host, http->by_number) != 0 && strcasecmp(host, http->by_name) != 0))
        return refuse(connection, MHD_HTTP_FORBIDDEN, "the Host of this request is not this server: open the address that 'heaptrail serve' printed");
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "a snapshot is read, not changed: GET and HEAD alone");
    if (strcmp(url, "/favicon.ico") == 0)
        return refuse(connection, MHD_HTTP_NOT_FOUND, "there is no icon");
    if (!has_token(http, url))
        return refuse(connection, MHD_HTTP_FORBIDDEN, "the token in this address is missing or wrong: open the one that 'heaptrail serve' printed");
    if (*state == NULL) {
        *state = &begun;
        return MHD_YES;
    }
    if (*upload_bytes > 0) {
        *upload_bytes = 0; /* a body says nothing here */
        return MHD_YES;
    }
    const char *path = url + 1 + TOKEN_LETTERS;
    if (*path == '\0')
        return refuse(connection, MHD_HTTP_NOT_FOUND, "the address ends in a slash");
    return answer(http, connection, path + 1);
}

static bool make_token(char *token)
{
    unsigned char bytes[TOKEN_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

htrail_status htrail__http_start(htrail__http **out, uint16_t port, htrail__http_handler handler, void *arg, char *message, size_t cap)
{
    htrail__http *http = calloc(1, sizeof *http);
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    htrail_status status = HTRAIL_E_IO;

    *out = NULL;
    if (http == NULL || !make_token(http->token)) {
        snprintf(message, cap, "cannot make a token: %s", strerror(errno));
        goto done;
    }
    http->handler = handler;
    http->arg = arg;
    errno = 0;
    http->daemon = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ITC, port, NULL, NULL, handle, http,
                                    MHD_OPTION_EXTERNAL_LOGGER, say_nothing, NULL, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&place,
                                    MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTRAIL__HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTRAIL__HTTP_IDLE_SECONDS,
                                    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTRAIL__HTTP_REQUEST_BYTES_MAX, MHD_OPTION_END);
    const union MHD_DaemonInfo *bound = http->daemon == NULL ? NULL : MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    if (bound == NULL) {
        snprintf(message, cap, "cannot listen on 127.0.0.1 port %u: %s", port, errno != 0 ? strerror(errno) : "libmicrohttpd does not start");
        goto done;
    }
    snprintf(http->by_number, sizeof http->by_number, "127.0.0.1:%u", bound->port);
    snprintf(http->by_name, sizeof http->by_name, "localhost:%u", bound->port);
    snprintf(http->address, sizeof http->address, "http://%s/%s/", http->by_number, http->token);
    *out = http;
    http = NULL;
    status = HTRAIL_OK;
done:
    htrail__http_stop(http);
    return status;
}

const char *htrail__http_address(const htrail__http *http) { return http->address; }

void htrail__http_stop(htrail__http *http)
{
    if (http != NULL && http->daemon != NULL)
        MHD_stop_daemon(http->daemon);
    free(http);
}
