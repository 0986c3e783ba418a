# Lengths of 32 bits come out of the file.
# file: format/decode_object.c
# test: tests/rules/test_rule_3_no_ceilings.py
s/object->length = flags & HTRAIL_OBJECT_LENGTH \? htrail__next_varint\(in\)/object->length = flags \& HTRAIL_OBJECT_LENGTH ? (uint32_t)htrail__next_varint(in)/
