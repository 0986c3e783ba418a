/* refs_datetime.c - datetime and time keep their time zone, and a timezone its offset, in
 * objects that are not the collector's. */
#include "capture/python/refs.h"
#include "capture/python/structures.h"

static void field(htrail__walk *k, PyObject *target, htrail__label_name label)
{
    if (target)
        htrail__push(k, target, htrail__label(k, label), HTRAIL_REF_FIELD);
}

/* Without a zone the object is shorter: the field must not be read. */
uint64_t htrail__refs_datetime(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)cursor, (void)info;
    if (((htrail__datetime *)o)->hastzinfo)
        field(k, ((htrail__datetime *)o)->tzinfo, L_tzinfo);
    return 0;
}

uint64_t htrail__refs_time(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)cursor, (void)info;
    if (((htrail__time *)o)->hastzinfo)
        field(k, ((htrail__time *)o)->tzinfo, L_tzinfo);
    return 0;
}

uint64_t htrail__refs_timezone(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint64_t cursor)
{
    (void)cursor, (void)info;
    field(k, ((htrail__timezone *)o)->offset, L_offset);
    field(k, ((htrail__timezone *)o)->name, L_zone_name);
    return 0;
}
