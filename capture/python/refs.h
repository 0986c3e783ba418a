/* refs.h - the kinds of objects: what each refers to. */
#ifndef HTRAIL_REFS_H
#define HTRAIL_REFS_H

#include "capture/python/fields.h"

/* refs_container.c */
htrail__refs htrail__refs_dict, htrail__refs_list, htrail__refs_tuple, htrail__refs_struct_sequence, htrail__refs_set, htrail__refs_deque,
    htrail__refs_odict, htrail__refs_element;
/* refs_datetime.c */
htrail__refs htrail__refs_datetime, htrail__refs_time, htrail__refs_timezone;
/* ndarray.c */
htrail__refs htrail__refs_ndarray;
/* refs_instance.c: of a class that a class statement made; then what its base lays out */
htrail__refs htrail__refs_instance;
/* What stands beside an instance: attributes by name, and its dict. */
void htrail__push_attributes(htrail__walk *k, PyObject *o, PyTypeObject *type, bool dict_too);
/* refs_fields.c: by a table alone; by tp_traverse, labelled by table, tp_members or offset */
htrail__refs htrail__refs_fields, htrail__refs_traverse, htrail__refs_class_only, htrail__refs_members;
bool htrail__has_members(PyTypeObject *type);
/* refs_code.c */
htrail__refs htrail__refs_code, htrail__refs_type, htrail__refs_builtin, htrail__refs_weakref, htrail__refs_module,
    htrail__refs_dict_subtype, htrail__refs_metatype;
/* refs_frame.c, and refs_frame_object.c up to 3.10 */
htrail__refs htrail__refs_frame, htrail__refs_generator;

/* refs_27.c */
bool htrail__is_struct_sequence(PyTypeObject *type);

/* The name of the member at this offset; 0: none. */
htrail_label htrail__label_member(htrail__walk *k, PyTypeObject *type, size_t offset);
void htrail__push_table(htrail__walk *k, PyObject *o, const htrail__field *fields);
/* What base->tp_traverse visits, but for targets that are in k->refs from `from` on; rest labels what lies
 * in memory that the object only points to. */
void htrail__push_traversed(htrail__walk *k, PyObject *o, const htrail__type_info *info, uint32_t from, htrail__label_name rest);
/* What it visits that stands in the words [first, words) of the object: the part behind a
 * part that another kind pushes. */
void htrail__push_beyond(htrail__walk *k, PyObject *o, const htrail__type_info *info, size_t first, size_t words);
void htrail__push_keys(htrail__walk *k, PyDictKeysObject *keys);
#if PY_VERSION_HEX >= 0x030b0000
void htrail__push_interpreter_frame(htrail__walk *k, struct _PyInterpreterFrame *frame);
void htrail__push_running_stack(htrail__walk *k, struct _PyInterpreterFrame *frame);
#endif

#endif
