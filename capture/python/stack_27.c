/* stack_27.c - see stack.h and stack_311.c, for CPython 2.7, whose compiler has no function that
 * says what an instruction adds and takes: that is the table here, after Python/ceval.c. A
 * clause `finally` begins with one item on the stack (None) where the clause before it came to
 * its end, and with two or three where it returned or raised; which, its items tell. */
#include "capture/python/stack.h"

#if PY_MAJOR_VERSION < 3

#include <opcode.h>

#include "capture/python/layout.h"

enum {
    UNKNOWN = -1,
    PASSES = 8,
    OPEN_MAX = CO_MAXBLOCKS * 4,
    ENDS = -1000,    /* what follows is not reached from here */
    RETURNING = 8,   /* Python/ceval.c: WHY_RETURN, WHY_CONTINUE */
    CONTINUING = 32
};

typedef struct instruction {
    int opcode, argument, size;
} instruction;

static instruction read_instruction(const uint8_t *code, int at, int bytes)
{
    instruction result = {code[at], 0, 1};
    if (result.opcode < HAVE_ARGUMENT)
        return result;
    if (at + 3 > bytes)
        return (instruction){STOP_CODE, 0, bytes - at};
    result.argument = code[at + 1] | code[at + 2] << 8;
    result.size = 3;
    if (result.opcode == EXTENDED_ARG && at + 6 <= bytes) {
        result.opcode = code[at + 3];
        result.argument = (int)((unsigned)result.argument << 16 | code[at + 4] | (unsigned)code[at + 5] << 8);
        result.size = 6;
    }
    return result;
}

/* Items more on the stack afterwards, where the next instruction follows. */
static int effect_of(instruction i)
{
    int arg = i.argument, passed = (arg & 0xff) + 2 * (arg >> 8 & 0xff);
    switch (i.opcode) {
    case STOP_CODE: case RETURN_VALUE: case RAISE_VARARGS: case BREAK_LOOP: case CONTINUE_LOOP: case JUMP_FORWARD: case JUMP_ABSOLUTE:
        return ENDS;
    case DUP_TOP: case LOAD_LOCALS: case FOR_ITER: case LOAD_CONST: case LOAD_NAME: case BUILD_MAP: case IMPORT_FROM: case LOAD_GLOBAL:
    case LOAD_FAST: case LOAD_CLOSURE: case LOAD_DEREF: case SETUP_WITH:
        return 1;
    case ROT_TWO: case ROT_THREE: case ROT_FOUR: case NOP: case UNARY_POSITIVE: case UNARY_NEGATIVE: case UNARY_NOT: case UNARY_CONVERT:
    case UNARY_INVERT: case SLICE: case GET_ITER: case PRINT_NEWLINE: case YIELD_VALUE: case POP_BLOCK: case DELETE_NAME: case DELETE_GLOBAL:
    case LOAD_ATTR: case DELETE_FAST: case SETUP_LOOP: case SETUP_EXCEPT: case SETUP_FINALLY:
        return 0;
    case DELETE_SLICE + 0: case POP_TOP: case SLICE + 1: case SLICE + 2: case PRINT_EXPR: case PRINT_ITEM: case PRINT_NEWLINE_TO: case IMPORT_STAR:
    case STORE_NAME: case LIST_APPEND: case SET_ADD: case DELETE_ATTR: case STORE_GLOBAL: case COMPARE_OP: case IMPORT_NAME:
    case JUMP_IF_FALSE_OR_POP: case JUMP_IF_TRUE_OR_POP: case POP_JUMP_IF_FALSE: case POP_JUMP_IF_TRUE: case STORE_FAST: case STORE_DEREF:
    case WITH_CLEANUP: case END_FINALLY:
        return -1;
    case SLICE + 3: case STORE_SLICE + 0: case DELETE_SLICE + 1: case DELETE_SLICE + 2: case STORE_MAP: case DELETE_SUBSCR: case PRINT_ITEM_TO:
    case BUILD_CLASS: case STORE_ATTR: case MAP_ADD:
        return -2;
    case STORE_SLICE + 1: case STORE_SLICE + 2: case DELETE_SLICE + 3: case STORE_SUBSCR: case EXEC_STMT:
        return -3;
    case STORE_SLICE + 3:
        return -4;
    case UNPACK_SEQUENCE:
        return arg - 1;
    case DUP_TOPX:
        return arg;
    case BUILD_TUPLE: case BUILD_LIST: case BUILD_SET:
        return 1 - arg;
    case CALL_FUNCTION:
        return -passed;
    case CALL_FUNCTION_VAR: case CALL_FUNCTION_KW:
        return -passed - 1;
    case CALL_FUNCTION_VAR_KW:
        return -passed - 2;
    case MAKE_FUNCTION:
        return -arg;
    case MAKE_CLOSURE:
        return -arg - 1;
    case BUILD_SLICE:
        return arg == 3 ? -2 : -1;
    default: /* operators: two become one */
        return -1;
    }
}

/* Where else it leads to, and how many items more are there; false: nowhere. */
static bool jump_of(instruction i, int next, int *target, int *effect)
{
    *effect = 0;
    switch (i.opcode) {
    case FOR_ITER: case POP_JUMP_IF_FALSE: case POP_JUMP_IF_TRUE:
        *effect = -1;
        break;
    case SETUP_EXCEPT:
        *effect = 3;
        break;
    case SETUP_FINALLY: case SETUP_WITH:
        *effect = 1;
        break;
    case JUMP_FORWARD: case JUMP_ABSOLUTE: case JUMP_IF_FALSE_OR_POP: case JUMP_IF_TRUE_OR_POP: case SETUP_LOOP:
        break;
    default:
        return false;
    }
    bool absolute = i.opcode == POP_JUMP_IF_FALSE || i.opcode == POP_JUMP_IF_TRUE || i.opcode == JUMP_ABSOLUTE ||
                    i.opcode == JUMP_IF_FALSE_OR_POP || i.opcode == JUMP_IF_TRUE_OR_POP;
    *target = absolute ? i.argument : next + i.argument;
    return true;
}

static bool set(int16_t *depth, int bytes, int at, int value, bool *changed)
{
    if (at < 0 || at >= bytes || value < 0 || value > INT16_MAX)
        return false;
    if (depth[at] == UNKNOWN) {
        depth[at] = (int16_t)value;
        *changed = true;
    }
    return true;
}

/* A clause that was entered with more than None on the stack. Its items are looked at only where the
 * walk has met them. */
static int more_than_none(const htrail__walk *k, const PyFrameObject *frame, int level)
{
    PyObject *first = frame->f_valuestack[level], *second = frame->f_valuestack[level + 1];
    if (!first || first == Py_None || !(htrail__seen_bits(&k->seen, (uintptr_t)first) & SEEN_MET))
        return 0;
    if (PyTraceBack_Check(first)) /* traceback, value, type of an exception */
        return 2;
    if (!second || !(htrail__seen_bits(&k->seen, (uintptr_t)second) & SEEN_MET) || !PyInt_CheckExact(second))
        return 0;
    long why = ((PyIntObject *)second)->ob_ival;
    return why == RETURNING || why == CONTINUING ? 1 : 0; /* what is returned, and why */
}

int htrail__stack_depth(htrail__walk *k, const PyFrameObject *frame)
{
    PyCodeObject *code = frame->f_code;
    if (!PyString_CheckExact(code->co_code) || PyString_GET_SIZE(code->co_code) > STACK_UNITS_MAX)
        return 0;
    const uint8_t *text = (const uint8_t *)PyString_AS_STRING(code->co_code);
    int bytes = (int)PyString_GET_SIZE(code->co_code), wanted = frame->f_lasti;
    int16_t *depth = k->depths;
    if (wanted < 0 || wanted >= bytes)
        return 0;
    for (int i = 0; i < bytes; i++)
        depth[i] = UNKNOWN;
    depth[0] = 0;
    bool changed = true;
    for (int pass = 0; pass < PASSES && changed && depth[wanted] == UNKNOWN; pass++) {
        struct { int opcode, at, target; } open[OPEN_MAX]; /* a clause of each ends in its END_FINALLY */
        int open_count = 0;
        changed = false;
        for (int i = 0, next; i < bytes; i = next) {
            instruction in = read_instruction(text, i, bytes);
            int target = 0, more, effect = effect_of(in);
            next = i + in.size;
            bool jumps = jump_of(in, next, &target, &more);
            if (in.opcode == SETUP_EXCEPT || in.opcode == SETUP_FINALLY || in.opcode == SETUP_WITH) {
                if (open_count == OPEN_MAX)
                    return 0;
                open[open_count].opcode = in.opcode;
                open[open_count].at = i;
                open[open_count++].target = target;
            } else if (in.opcode == END_FINALLY) {
                if (open_count == 0)
                    return 0;
                if (open[--open_count].opcode == SETUP_EXCEPT)
                    effect = ENDS; /* reached by an exception that no clause wanted */
            }
            if (depth[i] == UNKNOWN)
                continue;
            if (jumps && !set(depth, bytes, target, depth[i] + more, &changed))
                return 0;
            if (effect != ENDS && next < bytes && !set(depth, bytes, next, depth[i] + effect, &changed))
                return 0;
            if (i != wanted)
                continue;
            int found = depth[i], shift = 0;
            for (int n = 0; n < open_count; n++) {
                int level = depth[open[n].at] + shift - (in.opcode == WITH_CLEANUP && n == open_count - 1);
                if (open[n].opcode != SETUP_EXCEPT && open[n].target <= wanted && depth[open[n].at] != UNKNOWN && level >= 0 &&
                    level + 1 < code->co_stacksize)
                    shift += more_than_none(k, frame, level);
            }
            found += shift - (in.opcode == WITH_CLEANUP); /* which has taken __exit__ from below the others */
            return found >= 0 && found <= code->co_stacksize ? found : 0;
        }
    }
    return 0;
}

#endif
