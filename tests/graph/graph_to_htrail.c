/* graph_to_htrail.c - a .graph text (graph_text.h) as a snapshot, for the tests in other languages.
 *
 *     graph-to-htrail IN.graph OUT.htrail [NAME=NUMBER ...]     each sets a `let` of the text
 *     graph-to-htrail --address WORD ...                        prints the address of each, in decimal
 *
 * IN - is standard input. Prints one sentence and ends with 1 where the text is not one. */
#include <stdio.h>
#include <string.h>

#include "tests/graph/graph_text.h"

static char *read_all(const char *path)
{
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    size_t used = 0, cap = 1 << 16, got = 0;
    char *text = malloc(cap);
    if (in == NULL) {
        free(text);
        return NULL;
    }
    while ((got = fread(text + used, 1, cap - used - 1, in)) > 0) {
        used += got;
        if (cap - used < 2)
            text = realloc(text, cap *= 2);
    }
    text[used] = '\0';
    fclose(in);
    return text;
}

int main(int argc, char **argv)
{
    char message[512] = "", *text = NULL;
    htrail_writer *writer = NULL;
    graph_text graph = {0};
    int status = 1;
    if (argc > 1 && strcmp(argv[1], "--address") == 0) {
        for (int i = 2; i < argc; i++) {
            char *open = strchr(argv[i], '[');
            uint64_t copy = open != NULL ? strtoull(open + 1, NULL, 10) : 0;
            if (open != NULL)
                *open = '\0';
            printf("%llu\n", (unsigned long long)(graph_text_address(argv[i]) + copy * GRAPH_TEXT_STEP_BYTES));
        }
        return 0;
    }
    if (argc < 3) {
        fputs("usage: graph-to-htrail IN.graph OUT.htrail [NAME=NUMBER ...]\n", stderr);
        return 2;
    }
    for (int i = 3; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (equals == NULL || !graph_text_is_number(equals + 1)) {
            fprintf(stderr, "graph-to-htrail: '%s' is not NAME=NUMBER\n", argv[i]);
            goto done;
        }
        *equals = '\0';
        graph_text_let(&graph, argv[i], strtoull(equals + 1, NULL, 10));
    }
    text = read_all(argv[1]);
    if (text == NULL) {
        fprintf(stderr, "graph-to-htrail: cannot read '%s'\n", argv[1]);
        goto done;
    }
    if (htrail_writer_open_path(&writer, argv[2], NULL, message, sizeof message) != HTRAIL_OK) {
        fprintf(stderr, "graph-to-htrail: %s\n", message);
        goto done;
    }
    if (!graph_text_write(&graph, writer, text, message, sizeof message)) {
        fprintf(stderr, "graph-to-htrail: %s: %s\n", argv[1], message);
        goto done;
    }
    if (htrail_writer_finish(writer) != HTRAIL_OK) {
        fprintf(stderr, "graph-to-htrail: %s\n", htrail_writer_error(writer));
        goto done;
    }
    status = 0;
done:
    htrail_writer_free(writer);
    graph_text_release(&graph);
    free(text);
    return status;
}
