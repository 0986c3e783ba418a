/* collecting.h - is a garbage collection under way? From 3.7 on the collector's state says so;
 * before, only a static variable of Modules/gcmodule.c does. */
#ifndef HTRAIL_COLLECTING_H
#define HTRAIL_COLLECTING_H

#include <stdbool.h>

bool htrail__collecting(void);

#endif
