/* cli/report.h - the page of the report, for the command that writes it to a file and for the one that serves it. */
#ifndef HTRAIL_CLI_REPORT_H
#define HTRAIL_CLI_REPORT_H

#include "analyze/store.h"
#include "analyze/text.h"
#include "cli/command.h"

/* The operands of a command as stores, in an array of HTRAIL__LEAKS_SNAPSHOTS_MAX that holds NULL; the caller frees them, on failure
 * too. Both return CLI_EXIT_OK or what to return from main, said. */
int cli_report_open(const cli_arguments *arguments, htrail__store **stores);
/* Adds the page of those to page. For a server that is to answer at once: without what takes long (verdicts, tree, waste). */
typedef enum cli_report_page_kind { CLI_REPORT_FILE, CLI_REPORT_SERVED, CLI_REPORT_SERVED_AT_ONCE } cli_report_page_kind;
int cli_report_page(const cli_arguments *arguments, htrail__store *const *stores, unsigned count, cli_report_page_kind kind, htrail__text *page);

#endif
