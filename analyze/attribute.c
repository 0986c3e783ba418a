/* analyze/attribute.c - see the header. */
#include "analyze/attribute.h"

#include "analyze/str.h"

enum { REFERENCES_MAX = 100000 };

/* What object has under a field of this name; 0: nothing. */
static htrail_status find_field(htrail__lookup *lookup, uint64_t object, const char *name, uint64_t *out)
{
    const htrail__found_holder *references;
    size_t count;
    bool more;
    htrail_status status = htrail__lookup_references(lookup, object, REFERENCES_MAX, &references, &count, &more);
    *out = 0;
    for (size_t i = 0; i < count && status == HTRAIL_OK && *out == 0; i++)
        if (references[i].kind == HTRAIL_REF_FIELD && htrail__str_is(htrail__texts_get(htrail__lookup_texts(lookup), references[i].label), name))
            *out = references[i].id;
    return status;
}

htrail_status htrail__mro_of(htrail__mro *out, htrail__lookup *lookup, uint64_t object)
{
    const htrail__found_holder *references;
    uint64_t class_id, tuple;
    size_t count;
    bool more;

    *out = (htrail__mro){0};
    htrail_status status = htrail__lookup_class(lookup, object, &class_id);
    if (status != HTRAIL_OK || class_id == 0 || (status = find_field(lookup, class_id, "__mro__", &tuple)) != HTRAIL_OK || tuple == 0)
        return status;
    status = htrail__lookup_references(lookup, tuple, HTRAIL__MRO_MAX, &references, &count, &more);
    if (status != HTRAIL_OK || more) /* so many bases: not looked into */
        return status;
    for (size_t i = 0; i < count; i++)
        if (references[i].kind == HTRAIL_REF_INDEX && references[i].position < count)
            out->classes[references[i].position] = references[i].id;
    for (size_t i = 0; i < count; i++)
        if (out->classes[i] == 0)
            return HTRAIL_OK;
    out->count = count;
    return HTRAIL_OK;
}

htrail_status htrail__mro_find(const htrail__mro *mro, size_t count, htrail__lookup *lookup, uint32_t name, bool *found, uint32_t *type)
{
    *found = false;
    *type = 0;
    for (size_t i = 0; i < count && i < mro->count && !*found; i++) {
        const htrail__found_holder *references;
        htrail__found_object value;
        uint64_t dict;
        size_t reference_count;
        bool more;
        htrail_status status = find_field(lookup, mro->classes[i], "__dict__", &dict);
        if (status == HTRAIL_OK && dict != 0)
            status = htrail__lookup_references(lookup, dict, REFERENCES_MAX, &references, &reference_count, &more);
        if (status != HTRAIL_OK)
            return status;
        for (size_t k = 0; dict != 0 && k < reference_count && !*found; k++) {
            if (references[k].kind != HTRAIL_REF_VALUE || references[k].label != name)
                continue;
            if ((status = htrail__lookup_object(lookup, references[k].id, &value)) != HTRAIL_OK)
                return status;
            *found = true;
            *type = value.type;
        }
    }
    return HTRAIL_OK;
}

htrail_status htrail__mro_place(const htrail__mro *mro, htrail__lookup *lookup, const char *const *names, size_t *place, const char **name)
{
    *name = NULL;
    for (*place = 0; *place < mro->count; ++*place) {
        htrail__found_object of;
        htrail_status status = htrail__lookup_object(lookup, mro->classes[*place], &of);
        if (status != HTRAIL_OK)
            return status;
        for (size_t i = 0; names[i] != NULL; i++) {
            if (htrail__str_is(htrail__texts_get(htrail__lookup_texts(lookup), of.name), names[i])) {
                *name = names[i];
                return HTRAIL_OK;
            }
        }
    }
    return HTRAIL_OK;
}
