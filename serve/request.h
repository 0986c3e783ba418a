/* serve/request.h - what is asked of the explorer and what it answers, whatever carries it. */
#ifndef HTRAIL_SERVE_REQUEST_H
#define HTRAIL_SERVE_REQUEST_H

#include "analyze/text.h"

typedef struct htrail__request {
    const char *path; /* behind the token: "" is the page, "object" a question */
    const char *(*value)(const void *from, const char *name); /* of a parameter; NULL: it was not given */
    const void *from;
} htrail__request;

/* HTTP's numbers. */
enum { HTRAIL__ANSWER_OK = 200, HTRAIL__ANSWER_BAD = 400, HTRAIL__ANSWER_NONE = 404, HTRAIL__ANSWER_FAILED = 500, HTRAIL__ANSWER_LATER = 503 };

typedef struct htrail__answer {
    unsigned status;
    const char *kind; /* the media type */
    htrail__text text;
} htrail__answer;

/* The answer is one sentence: what was wrong with the question. */
void htrail__answer_refuse(htrail__answer *answer, unsigned status, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
