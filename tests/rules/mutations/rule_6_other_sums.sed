# The totals that are printed are not those of the object table.
# file: analyze/load_sums.c
# test: tests/rules/test_rule_6_figures_in_sql.py
s/htrail__sums_add\(sums\.type_name, o->size_bytes,/htrail__sums_add(sums.type_name, o->size_bytes + 16,/
