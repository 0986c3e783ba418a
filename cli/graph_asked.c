/* cli/graph_asked.c - see the header. */
#include <stdlib.h>
#include <string.h>

#include "analyze/identity.h"
#include "analyze/text.h"
#include "cli/graph.h"
#include "cli/query.h"

/* Which objects are in the later snapshot alone (docs/identity.md says how surely that can be told). */
static int open_fresh(cli_graph_page *g, const char *before)
{
    char message[HTRAIL__MESSAGE_BYTES] = "";
    const char *after = cli_operands(g->arguments)[0];
    htrail__store *store = NULL;
    sqlite3 *db = NULL;
    int result;

    if ((result = cli_open_heap(g->arguments, before, &store)) != CLI_EXIT_OK || (result = cli_open_pair(g->arguments, store, g->store, &db)) != CLI_EXIT_OK)
        goto done;
    if (htrail__identity_check(db, before, after, message, sizeof message) != HTRAIL_OK) {
        result = cli_fail(g->arguments, "%s", message);
        goto done;
    }
    htrail_status status = htrail__fresh_open(&g->asked.fresh, db);
    if (status != HTRAIL_OK)
        result = cli_fail(g->arguments, "cannot tell what is new since '%s': %s", before, htrail_status_text(status));
done:
    sqlite3_close(db);
    htrail__store_free(store);
    return result;
}

static int open_expression(cli_graph_page *g, const char *option, const char *expression, htrail__object_query **out)
{
    char message[HTRAIL__MESSAGE_BYTES];
    if (expression == NULL)
        return CLI_EXIT_OK;
    htrail_status status = htrail__object_query_open(out, htrail__store_db(g->store), expression, message, sizeof message);
    if (status == HTRAIL_E_MISUSE)
        return cli_usage(g->arguments, "--%s: %s", option, message);
    return status == HTRAIL_OK ? CLI_EXIT_OK : cli_fail(g->arguments, "%s", message);
}

/* NAME=SQL */
static int open_attribute(cli_graph_page *g, const char *text)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz", rest[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    cli_graph_asked *a = &g->asked;
    const char *equals = strchr(text, '=');
    size_t len = equals == NULL ? 0 : (size_t)(equals - text);
    if (len == 0 || strchr(first, text[0]) == NULL || strspn(text, rest) != len)
        return cli_usage(g->arguments, "--attr takes NAME=SQL, with a name in small letters, not '%s'", text);
    if (a->attribute_count == CLI_GRAPH_ATTRIBUTES_MAX)
        return cli_usage(g->arguments, "there are more than %d --attr", CLI_GRAPH_ATTRIBUTES_MAX);
    for (size_t i = 0; i < a->attribute_count; i++)
        if (strlen(a->attribute_names[i]) == len && memcmp(a->attribute_names[i], text, len) == 0)
            return cli_usage(g->arguments, "--attr %s is there twice", a->attribute_names[i]);
    a->attribute_names[a->attribute_count] = strndup(text, len);
    if (a->attribute_names[a->attribute_count] == NULL)
        return cli_fail(g->arguments, "out of memory");
    return open_expression(g, "attr", equals + 1, &a->attributes[a->attribute_count++]);
}

static int open_ignored(cli_graph_page *g, const char *text)
{
    char message[HTRAIL__MESSAGE_BYTES];
    htrail__selector selector;
    htrail__selection selection = {0};
    htrail_status status = htrail__selector_parse(&selector, text, message, sizeof message);
    if (status == HTRAIL_OK)
        status = htrail__select(&selection, htrail__store_db(g->store), &selector, message, sizeof message);
    int result = status == HTRAIL_OK               ? CLI_EXIT_OK
                 : status == HTRAIL_E_NOT_FOUND    ? CLI_EXIT_OK /* nothing to ignore */
                 : status == HTRAIL_E_MISUSE ? cli_usage(g->arguments, "--extra-ignore: %s", message)
                                             : cli_fail(g->arguments, "'%s': %s", cli_operands(g->arguments)[0], message);
    for (size_t i = 0; i < selection.count && result == CLI_EXIT_OK; i++)
        if (htrail__id_set_add(&g->asked.ignored, selection.ids[i]) != HTRAIL_OK)
            result = cli_fail(g->arguments, "out of memory");
    g->asked.has_ignored = true;
    htrail__selection_release(&selection);
    return result;
}

int cli_graph_asked_open(cli_graph_page *g)
{
    const cli_arguments *arguments = g->arguments;
    const char *text;
    int result;
    if ((result = open_expression(g, "highlight", cli_option_value(arguments, "highlight"), &g->asked.highlight)) != CLI_EXIT_OK ||
        (result = open_expression(g, "info", cli_option_value(arguments, "info"), &g->asked.info)) != CLI_EXIT_OK ||
        (result = open_expression(g, "filter", cli_option_value(arguments, "filter"), &g->asked.filter)) != CLI_EXIT_OK)
        return result;
    for (size_t i = 0; (text = cli_option_repeated(arguments, "attr", i)) != NULL; i++)
        if ((result = open_attribute(g, text)) != CLI_EXIT_OK)
            return result;
    for (size_t i = 0; (text = cli_option_repeated(arguments, "extra-ignore", i)) != NULL; i++)
        if ((result = open_ignored(g, text)) != CLI_EXIT_OK)
            return result;
    return cli_option_given(arguments, "since") ? open_fresh(g, cli_option_value(arguments, "since")) : CLI_EXIT_OK;
}

int cli_graph_asked_check(const cli_graph_page *g)
{
    const cli_graph_asked *a = &g->asked;
    htrail__object_query *const queries[] = {a->highlight, a->info, a->filter};
    for (size_t i = 0; i < sizeof queries / sizeof *queries + a->attribute_count; i++) {
        const htrail__object_query *query = i < sizeof queries / sizeof *queries ? queries[i] : a->attributes[i - sizeof queries / sizeof *queries];
        const char *failure = query != NULL ? htrail__object_query_failed(query) : NULL;
        if (failure != NULL)
            return cli_fail(g->arguments, "cannot ask '%s': %s", htrail__store_path(g->store), failure);
    }
    return CLI_EXIT_OK;
}

void cli_graph_asked_release(cli_graph_asked *a)
{
    htrail__object_query_free(a->highlight);
    htrail__object_query_free(a->info);
    htrail__object_query_free(a->filter);
    for (size_t i = 0; i < a->attribute_count; i++) {
        htrail__object_query_free(a->attributes[i]);
        free(a->attribute_names[i]);
    }
    htrail__fresh_free(a->fresh);
    htrail__id_set_release(&a->ignored);
    for (size_t i = 0; i < sizeof a->left_out / sizeof *a->left_out; i++)
        htrail__id_set_release(&a->left_out[i]);
}

htrail__cards_opts cli_graph_cards_opts(const cli_graph_page *g)
{
    enum { LONG_COLUMNS = 1000 }; /* what is no name any more */
    const cli_graph_asked *a = &g->asked;
    const char *since = cli_option_value(g->arguments, "since"), *slash = since != NULL ? strrchr(since, '/') : NULL;
    return (htrail__cards_opts){
        .earlier = slash != NULL ? slash + 1 : since,
        .fresh = a->fresh, .highlight = a->highlight, .info = a->info, .attributes = a->attributes,
        .attribute_names = (const char *const *)a->attribute_names, .attribute_count = a->attribute_count,
        .refcounts = cli_option_given(g->arguments, "refcounts"), .columns = cli_option_given(g->arguments, "long-names") ? LONG_COLUMNS : 0};
}

bool cli_graph_admits(void *arg, uint64_t id)
{
    cli_graph_asked *a = arg;
    bool ignored = a->has_ignored && htrail__id_set_has(&a->ignored, id);
    if (!ignored && (a->filter == NULL || (htrail__object_query_ask(a->filter, id) && htrail__object_query_truth(a->filter))))
        return true;
    a->failed |= htrail__id_set_add(&a->left_out[ignored], id) != HTRAIL_OK;
    return false;
}
