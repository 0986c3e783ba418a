/* stack_311.c - see stack.h. While a frame runs, how deep its stack is stands in a register of
 * the processor. But every instruction of a code object always finds the stack equally deep,
 * and the compiler's own function says what each adds and takes: so the depth at an
 * instruction follows from the ones before it. Without this, what a for loop goes over is
 * held by nobody while the loop's body waits in C code. */
#include "capture/python/cpython.h"

#if PY_VERSION_HEX >= 0x030b0000

#include "capture/python/layout.h"
#include "capture/python/stack.h"

#include <opcode.h>

/* The header defines tables; they are to be ours by name too. */
#define _PyOpcode_Caches htrail__opcode_caches
#define _PyOpcode_Deopt htrail__opcode_deopt
#define NEED_OPCODE_TABLES
#define NEED_OPCODE_METADATA
#if PY_VERSION_HEX >= 0x030d0000
#include <internal/pycore_opcode_metadata.h>
#else
#include <internal/pycore_opcode.h>
#endif

enum { UNKNOWN = -1, PASSES = 8 };

/* Objects/exception_handling_notes.txt: 6 bits a byte, most significant first, 0x40: more. */
static const uint8_t *read_varint(const uint8_t *p, const uint8_t *end, unsigned *value)
{
    *value = 0;
    while (p < end) {
        *value = *value << 6 | (*p & 63);
        if (!(*p++ & 64))
            break;
    }
    return p;
}

/* Where an exception leads to, the stack is as deep as the table says. */
static void set_handlers(int16_t *depth, int count, PyCodeObject *code)
{
    if (!code->co_exceptiontable || !PyBytes_CheckExact(code->co_exceptiontable))
        return;
    const uint8_t *p = (const uint8_t *)PyBytes_AS_STRING(code->co_exceptiontable), *end = p + Py_SIZE(code->co_exceptiontable);
    while (p < end) {
        unsigned start, size, target, depth_lasti;
        p = read_varint(p, end, &start);
        p = read_varint(p, end, &size);
        p = read_varint(p, end, &target);
        p = read_varint(p, end, &depth_lasti);
        if (target < (unsigned)count)
            depth[target] = (int16_t)((depth_lasti >> 1) + (depth_lasti & 1) + 1);
    }
}

/* Is it a jump, and where to? */
static bool jump(int opcode, int next, int oparg, int *target)
{
    switch (opcode) {
    case JUMP_FORWARD: case FOR_ITER: case SEND:
#if PY_VERSION_HEX >= 0x030c0000
    case POP_JUMP_IF_FALSE: case POP_JUMP_IF_TRUE: case POP_JUMP_IF_NONE: case POP_JUMP_IF_NOT_NONE:
#else
    case JUMP_IF_FALSE_OR_POP: case JUMP_IF_TRUE_OR_POP:
    case POP_JUMP_FORWARD_IF_FALSE: case POP_JUMP_FORWARD_IF_TRUE: case POP_JUMP_FORWARD_IF_NONE: case POP_JUMP_FORWARD_IF_NOT_NONE:
#endif
        *target = next + oparg;
        return true;
    case JUMP_BACKWARD: case JUMP_BACKWARD_NO_INTERRUPT:
#if PY_VERSION_HEX < 0x030c0000
    case POP_JUMP_BACKWARD_IF_FALSE: case POP_JUMP_BACKWARD_IF_TRUE: case POP_JUMP_BACKWARD_IF_NONE: case POP_JUMP_BACKWARD_IF_NOT_NONE:
#endif
        *target = next - oparg;
        return true;
    default:
        return false;
    }
}

static bool ends_block(int opcode)
{
#if PY_VERSION_HEX >= 0x030c0000
    if (opcode == RETURN_CONST || opcode == INTERPRETER_EXIT)
        return true;
#endif
    return opcode == RETURN_VALUE || opcode == RAISE_VARARGS || opcode == RERAISE || opcode == JUMP_FORWARD ||
           opcode == JUMP_BACKWARD || opcode == JUMP_BACKWARD_NO_INTERRUPT;
}

/* The instruction that the compiler made, which the interpreter may have specialised or, for those who
 * watch (sys.monitoring, debuggers, coverage), instrumented. */
static int base_opcode(const PyCodeObject *code, const _Py_CODEUNIT *units, int i)
{
#if PY_VERSION_HEX >= 0x030c0000
    int opcode = units[i].op.code;
    const _PyCoMonitoringData *watched = code->_co_monitoring;
    if (opcode == INSTRUMENTED_LINE && watched && watched->lines)
        opcode = watched->lines[i].original_opcode;
    if (opcode == INSTRUMENTED_INSTRUCTION && watched && watched->per_instruction_opcodes)
        opcode = watched->per_instruction_opcodes[i];
    switch (opcode) {
#define X(name) case INSTRUMENTED_##name: return name;
    X(RESUME) X(RETURN_VALUE) X(RETURN_CONST) X(CALL) X(CALL_FUNCTION_EX) X(YIELD_VALUE) X(LOAD_SUPER_ATTR) X(JUMP_FORWARD)
    X(JUMP_BACKWARD) X(POP_JUMP_IF_FALSE) X(POP_JUMP_IF_TRUE) X(POP_JUMP_IF_NONE) X(POP_JUMP_IF_NOT_NONE) X(FOR_ITER)
    X(END_FOR) X(END_SEND)
#if PY_VERSION_HEX >= 0x030d0000
    X(CALL_KW)
#endif
#undef X
    default: return htrail__opcode_deopt[opcode];
    }
#else
    (void)code;
    return htrail__opcode_deopt[_Py_OPCODE(units[i])];
#endif
}

/* false: this is not code that the compiler makes. */
static bool set(int16_t *depth, int count, int at, int value, bool *changed)
{
    if (at < 0 || at >= count || value < 0 || value > INT16_MAX)
        return false;
    if (depth[at] == UNKNOWN) {
        depth[at] = (int16_t)value;
        *changed = true;
    }
    return true;
}

int htrail__stack_depth(htrail__walk *k, const _PyInterpreterFrame *frame)
{
    PyCodeObject *code = htrail__layout_frame_code(frame);
    const _Py_CODEUNIT *units = _PyCode_CODE(code);
    int count = (int)Py_SIZE(code), wanted = (int)htrail__layout_frame_unit(frame), current = 0;
    int16_t *depth = k->depths;
    if (count > STACK_UNITS_MAX || wanted < 0 || wanted >= count)
        return 0;
    for (int i = 0; i < count; i++)
        depth[i] = UNKNOWN;
    set_handlers(depth, count, code);
    depth[0] = PY_VERSION_HEX < 0x030d0000 && code->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR) ? 1 : 0;
    bool changed = true;
    for (int pass = 0; pass < PASSES && changed && depth[wanted] == UNKNOWN; pass++) {
        unsigned oparg = 0;
        changed = false;
        for (int i = 0; i < count; i = current) {
            int opcode = base_opcode(code, units, i), target;
            oparg = oparg << 8 | _Py_OPARG(units[i]);
            current = i + 1 + htrail__opcode_caches[opcode];
            if (depth[i] != UNKNOWN) {
                int before = depth[i];
                if (jump(opcode, current, (int)oparg, &target)) {
                    int effect = PyCompile_OpcodeStackEffectWithJump(opcode, (int)oparg, 1);
                    if (effect == PY_INVALID_STACK_EFFECT || !set(depth, count, target, before + effect, &changed))
                        return 0;
                }
                if (!ends_block(opcode)) {
                    int effect = PyCompile_OpcodeStackEffectWithJump(opcode, (int)oparg, 0);
                    if (effect == PY_INVALID_STACK_EFFECT || !set(depth, count, current, before + effect, &changed))
                        return 0;
                }
            }
            if (opcode != EXTENDED_ARG)
                oparg = 0;
        }
    }
    if (depth[wanted] == UNKNOWN)
        return 0;
    int found = depth[wanted];
#if PY_VERSION_HEX < 0x030c0000
    /* The compiler lets PRECALL take the arguments; they lie there until CALL is done. */
    if (htrail__opcode_deopt[_Py_OPCODE(units[wanted])] == CALL) {
        unsigned oparg = _Py_OPARG(units[wanted]);
        for (int i = wanted - 1, shift = 8; i >= 0 && shift < 32 && htrail__opcode_deopt[_Py_OPCODE(units[i])] == EXTENDED_ARG; i--, shift += 8)
            oparg |= (unsigned)_Py_OPARG(units[i]) << shift;
        found += (int)oparg;
    }
#endif
    return found <= code->co_stacksize ? found : 0;
}

#endif
