/* analyze/waste_role.h - in SQL, over a row of `type`: what a type is to the search for waste. */
#ifndef HTRAIL_ANALYZE_WASTE_ROLE_H
#define HTRAIL_ANALYZE_WASTE_ROLE_H

/* Containers (1), tuples and what is made of them (2), instances (4). */
#define HTRAIL__WASTE_PARTS                                                                                                                                          \
    "CASE WHEN name IN ('dict', 'list', 'set', 'frozenset', 'bytearray', 'collections.deque', 'collections.defaultdict', 'collections.OrderedDict') THEN 1 ELSE 0 END +\n" \
    "  CASE WHEN name = 'tuple' OR base = (SELECT object FROM type WHERE name = 'tuple') THEN 2 ELSE 0 END +\n"                                                      \
    "  CASE WHEN is_heap AND objects > 1 AND item_size = 0 THEN 4 ELSE 0 END"

/* Numbers are compared within tuples alone: each is a few bytes, equal ones come about by chance, and a program has no way to share them. */
#define HTRAIL__WASTE_IS_NUMBER(name) name " IN ('int', 'long', 'float', 'complex')"

#endif
