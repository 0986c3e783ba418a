# The totals that are printed are not those of the object table.
# file: analyze/load_sums.c
# test: tests/rules/test_rule_6_figures_in_sql.py
s/add_sums\(&l->type_sums\[o->type\], o->size_bytes\)/add_sums(\&l->type_sums[o->type], o->size_bytes + 16)/
