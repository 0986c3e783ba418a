/* viz/render.c - the layout, in a child process that sends the places back. Only the dot
 * plugin is linked: no fonts, no pango, the same result on every machine. */
#include "viz/render.h"

#include <errno.h>
#include <fcntl.h>
#include <graphviz/gvc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "viz/dot.h"

extern gvplugin_library_t gvplugin_dot_layout_LTX_library;

enum { LAYOUT_CPU_SECONDS = 2, POINTS_MAX = 4096 };

static bool write_all(int fd, const void *data, size_t len)
{
    for (const char *at = data; len > 0;) {
        ssize_t written = write(fd, at, len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        at += written;
        len -= (size_t)written;
    }
    return true;
}

static bool read_all(int fd, void *data, size_t len)
{
    for (char *at = data; len > 0;) {
        ssize_t got = read(fd, at, len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        len -= (size_t)got;
    }
    return true;
}

static bool send_number(int fd, double number)
{
    return write_all(fd, &number, sizeof number);
}

static int be_silent(char *message)
{
    (void)message;
    return 0;
}

static bool send_edge(int fd, Agedge_t *edge, double top)
{
    const splines *spline = ED_spl(edge);
    if (spline == NULL || spline->size < 1)
        return false;
    const bezier *curve = &spline->list[0];
    /* The curve, then, where an arrow head was cut off, on to its tip in one straight piece. */
    bool tip = curve->eflag != 0;
    if (!send_number(fd, curve->size + (tip ? 3 : 0)))
        return false;
    for (size_t i = 0; i < (size_t)curve->size; i++)
        if (!send_number(fd, curve->list[i].x) || !send_number(fd, top - curve->list[i].y))
            return false;
    for (int i = 1; tip && i <= 3; i++) {
        pointf from = curve->list[curve->size - 1], to = curve->ep;
        if (!send_number(fd, from.x + (to.x - from.x) * i / 3) || !send_number(fd, top - (from.y + (to.y - from.y) * i / 3)))
            return false;
    }
    const textlabel_t *label = ED_label(edge);
    return send_number(fd, label ? label->pos.x : 0) && send_number(fd, label ? top - label->pos.y : 0);
}

/* In the child: everything that it does is lost with it, but what goes to fd. */
static bool layout_and_send(const htrail__picture *picture, int fd)
{
    lt_symlist_t plugins[] = {{"gvplugin_dot_layout_LTX_library", &gvplugin_dot_layout_LTX_library}, {0, 0}};
    char name[32];
    agseterrf(be_silent);
    GVC_t *context = gvContextPlugins(plugins, 0);
    Agraph_t *graph = context == NULL ? NULL : htrail__dot_boxes(picture);
    if (graph == NULL || gvLayout(context, graph, "dot") != 0)
        return false;
    double top = GD_bb(graph).UR.y, left = GD_bb(graph).LL.x;
    if (left != 0 || !send_number(fd, GD_bb(graph).UR.x) || !send_number(fd, top - GD_bb(graph).LL.y))
        return false;
    for (size_t i = 0; i < picture->card_count; i++) {
        snprintf(name, sizeof name, "n%zu", i);
        Agnode_t *node = agnode(graph, name, 0);
        if (!send_number(fd, ND_coord(node).x) || !send_number(fd, top - ND_coord(node).y))
            return false;
    }
    for (size_t i = 0; i < picture->arrow_count; i++) {
        char from[32], to[32];
        snprintf(name, sizeof name, "e%zu", i);
        snprintf(from, sizeof from, "n%zu", picture->arrows[i].from);
        snprintf(to, sizeof to, "n%zu", picture->arrows[i].to);
        Agedge_t *edge = agedge(graph, agnode(graph, from, 0), agnode(graph, to, 0), name, 0);
        if (edge == NULL || !send_edge(fd, edge, top))
            return false;
    }
    return true;
}

/* What layout_and_send sent. The child is our own code on bounded input, but may end anywhere. */
static htrail_status receive(htrail__picture *picture, int fd)
{
    double size[2], at[2], count;
    if (!read_all(fd, size, sizeof size))
        return HTRAIL_E_LIMIT;
    for (size_t i = 0; i < picture->card_count; i++) {
        htrail__card *card = &picture->cards[i];
        if (!read_all(fd, at, sizeof at))
            return HTRAIL_E_LIMIT;
        card->x = at[0] - card->width / 2;
        card->y = at[1] - card->height / 2;
    }
    for (size_t i = 0; i < picture->arrow_count; i++) {
        htrail__arrow *arrow = &picture->arrows[i];
        if (!read_all(fd, &count, sizeof count) || !(count >= 4 && count <= POINTS_MAX))
            return HTRAIL_E_LIMIT;
        free(arrow->points);
        arrow->point_count = (size_t)count;
        arrow->points = malloc(arrow->point_count * sizeof *arrow->points);
        if (arrow->points == NULL) {
            arrow->point_count = 0;
            return HTRAIL_E_NOMEM;
        }
        if (!read_all(fd, arrow->points, arrow->point_count * sizeof *arrow->points) || !read_all(fd, at, sizeof at))
            return HTRAIL_E_LIMIT;
        arrow->label_x = at[0];
        arrow->label_y = at[1];
    }
    picture->width = size[0];
    picture->height = size[1];
    return HTRAIL_OK;
}

htrail_status htrail__render_layout(htrail__picture *picture)
{
    htrail_status status = HTRAIL_E_IO;
    int ends[2] = {-1, -1}, exit_state = 0;
    pid_t child = -1;

    if (picture->card_count == 0)
        return HTRAIL_OK;
    if (pipe2(ends, O_CLOEXEC) != 0)
        goto done;
    fflush(NULL);
    child = fork();
    if (child == 0) {
        struct rlimit limit = {LAYOUT_CPU_SECONDS, LAYOUT_CPU_SECONDS + 1}, no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        _exit(setrlimit(RLIMIT_CPU, &limit) == 0 && layout_and_send(picture, ends[1]) ? 0 : 1);
    }
    close(ends[1]);
    ends[1] = -1;
    if (child < 0)
        goto done;
    status = receive(picture, ends[0]);
done:
    if (ends[0] >= 0)
        close(ends[0]);
    if (ends[1] >= 0)
        close(ends[1]);
    while (child > 0 && waitpid(child, &exit_state, 0) < 0 && errno == EINTR)
        ;
    return status;
}
