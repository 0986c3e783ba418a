# The search from the roots calls itself for each object.
# file: analyze/reach.c
# test: tests/rules/test_rule_7_nothing_recursive.py
/^static uint32_t search\(/,/^\}/{
s/^    for \(; (place < .* < depth_max); place\+\+\) \{/    volatile char frame[16] = {0};\
    if (\1) {/
s/^    return place;/    if (place < reach->reached_count \&\& reach->depth[place] < depth_max)\
        place = search(reach, graph, place + 1, depth_max) + (uint32_t)frame[3];\
    return place;/
}
