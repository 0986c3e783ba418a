# What --show-sql prints of two snapshots does not say where they are.
# file: cli/query.c
# test: tests/rules/test_rule_6_show_sql.py
s/^    show_attached\(sqlite3_db_handle\(statement\)\);$//
