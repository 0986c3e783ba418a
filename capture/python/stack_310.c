/* stack_310.c - see stack.h; CPython 3.6 to 3.10. As in stack_311.c the depth at an instruction follows
 * from the ones before it, but what an exception pushes is said by blocks: a handler finds
 * six items more than the block that led to it had. Up to 3.8 the body of a finally is a
 * handler that is also entered without an exception, with one item; the frame's own stack
 * of blocks tells which of the handlers that an instruction lies in were entered by one. */
#include "capture/python/stack.h"

#if PY_VERSION_HEX >= 0x03060000 && PY_VERSION_HEX < 0x030b0000

#include <opcode.h>

#include "capture/python/layout.h"

enum {
    UNKNOWN = -1,
    PASSES = 8,
    HANDLERS_MAX = 31,
    DEPTH_BITS = 10, /* of an entry; above them the handler that the instruction lies in, 0: none */
    PUSHED = 6,      /* by an exception: three of the one that was handled, three of itself */
    EXCEPT_HANDLER_BLOCK = 257 /* Python/ceval.c: EXCEPT_HANDLER */
};

typedef struct handler {
    int target, outer;
    int level;     /* of the stack when its block began */
    int leaves;    /* of PUSHED, where it was left without an exception or entered without */
} handler;

typedef struct analysis {
    int16_t *state;
    int count, handler_count;
    bool changed;
    handler handlers[HANDLERS_MAX + 1];
} analysis;

/* Is it a jump, and where to? In units of instructions. */
static bool jump(int opcode, int next, int oparg, int *target)
{
    const int units = PY_VERSION_HEX >= 0x030a0000 ? oparg : oparg / (int)sizeof(uint16_t);
    switch (opcode) {
    case JUMP_FORWARD: case FOR_ITER: case SETUP_FINALLY: case SETUP_WITH: case SETUP_ASYNC_WITH:
#ifdef SETUP_LOOP
    case SETUP_LOOP: case SETUP_EXCEPT:
#endif
        *target = next + units;
        return true;
    case JUMP_IF_FALSE_OR_POP: case JUMP_IF_TRUE_OR_POP: case JUMP_ABSOLUTE: case POP_JUMP_IF_FALSE: case POP_JUMP_IF_TRUE:
#ifdef JUMP_IF_NOT_EXC_MATCH
    case JUMP_IF_NOT_EXC_MATCH:
#endif
        *target = units;
        return true;
    default:
        return false;
    }
}

static bool ends_block(int opcode)
{
    switch (opcode) {
    case RETURN_VALUE: case RAISE_VARARGS: case JUMP_FORWARD: case JUMP_ABSOLUTE:
#ifdef RERAISE
    case RERAISE:
#endif
#ifdef BREAK_LOOP
    case BREAK_LOOP: case CONTINUE_LOOP:
#endif
        return true;
    default:
        return false;
    }
}

static bool begins_handled(int opcode)
{
#ifdef SETUP_EXCEPT
    if (opcode == SETUP_EXCEPT)
        return true;
#endif
    return opcode == SETUP_FINALLY || opcode == SETUP_WITH || opcode == SETUP_ASYNC_WITH;
}

/* Of a handler that is left, on the way on: its items are gone. */
static bool leaves_handler(int opcode)
{
#ifdef END_FINALLY
    if (opcode == END_FINALLY)
        return true;
#endif
#ifdef POP_FINALLY
    if (opcode == POP_FINALLY)
        return true;
#endif
    return opcode == POP_EXCEPT;
}

#if PY_VERSION_HEX >= 0x03080000
static int effect(int opcode, int oparg, bool jumps)
{
    return PyCompile_OpcodeStackEffectWithJump(opcode, oparg, jumps);
}
#else
/* The compiler's function knows one effect of each instruction, the greatest. */
static int effect(int opcode, int oparg, bool jumps)
{
    switch (opcode) {
    case FOR_ITER: return jumps ? -1 : 1;
    case JUMP_IF_FALSE_OR_POP: case JUMP_IF_TRUE_OR_POP: return jumps ? 0 : -1;
    case SETUP_EXCEPT: case SETUP_FINALLY: return jumps ? PUSHED : 0;
    case SETUP_WITH: return jumps ? PUSHED : 1;
    case SETUP_ASYNC_WITH: return jumps ? PUSHED - 1 : 0; /* from the level below the awaited value */
    case WITH_CLEANUP_START: return 2;
    case WITH_CLEANUP_FINISH: return -3;
    case END_FINALLY: return -PUSHED;
    case POP_EXCEPT: return -3;
    case EXTENDED_ARG: return 0;
    default: return PyCompile_OpcodeStackEffect(opcode, oparg);
    }
}
#endif

/* false: this is not code that the compiler makes, or more of it than there is room for. */
static bool set(analysis *a, int at, int depth, int in)
{
    if (at < 0 || at >= a->count || depth < 0 || depth >= 1 << DEPTH_BITS)
        return false;
    if (a->state[at] == UNKNOWN) {
        a->state[at] = (int16_t)(in << DEPTH_BITS | depth);
        a->changed = true;
    }
    return true;
}

/* The handler at target, whose block begins at the level. */
static int handler_at(analysis *a, int opcode, int target, int level, int outer)
{
    for (int i = 1; i <= a->handler_count; i++)
        if (a->handlers[i].target == target)
            return i;
    if (a->handler_count == HANDLERS_MAX)
        return -1;
    handler *h = &a->handlers[++a->handler_count];
    *h = (handler){.target = target, .outer = outer, .level = level, .leaves = 1};
#ifdef SETUP_EXCEPT
    if (opcode == SETUP_EXCEPT)
        h->leaves = 0;
#endif
    (void)opcode;
    return a->handler_count;
}

static bool follow(analysis *a, int at, int next, int opcode, int oparg)
{
    const int depth = a->state[at] & ((1 << DEPTH_BITS) - 1), in = a->state[at] >> DEPTH_BITS;
    int target;
    if (jump(opcode, next, oparg, &target)) {
        int by = effect(opcode, oparg, true), to = in;
        if (begins_handled(opcode) && (to = handler_at(a, opcode, target, depth + by - PUSHED, in)) < 0)
            return false;
        if (by == PY_INVALID_STACK_EFFECT || !set(a, target, depth + by, to))
            return false;
    }
    if (ends_block(opcode))
        return true;
    int by = effect(opcode, oparg, false);
    return by != PY_INVALID_STACK_EFFECT && set(a, next, depth + by, leaves_handler(opcode) ? a->handlers[in].outer : in);
}

/* Was the handler entered by an exception, which lies there still? */
static bool is_active(const PyFrameObject *frame, int level)
{
    for (int i = 0; i < frame->f_iblock && i < CO_MAXBLOCKS; i++)
        if (frame->f_blockstack[i].b_type == EXCEPT_HANDLER_BLOCK && frame->f_blockstack[i].b_level == level)
            return true;
    return false;
}

/* What is on the stack less than the depth says, because of handlers without their exception. */
static int missing(const analysis *a, const PyFrameObject *frame, int depth, int in)
{
    int chain[HANDLERS_MAX], count = 0, less = 0;
    if (PY_VERSION_HEX >= 0x03090000)
        return 0;
    for (; in && count < HANDLERS_MAX; in = a->handlers[in].outer)
        chain[count++] = in;
    while (count-- > 0) { /* outermost first */
        const handler *h = &a->handlers[chain[count]];
        if (is_active(frame, h->level - less))
            continue;
        int above = (count > 0 ? a->handlers[chain[count - 1]].level : depth) - h->level;
        less += (above < PUSHED ? above : PUSHED) - h->leaves;
    }
    return less;
}

int htrail__stack_depth(htrail__walk *k, const PyFrameObject *frame)
{
    PyCodeObject *code = frame->f_code;
    if (!code->co_code || !PyBytes_Check(code->co_code))
        return 0;
    const uint8_t *bytes = (const uint8_t *)PyBytes_AS_STRING(code->co_code);
    analysis a = {.state = k->depths, .count = (int)(Py_SIZE(code->co_code) / 2), .changed = true};
    const int wanted = PY_VERSION_HEX >= 0x030a0000 ? frame->f_lasti : frame->f_lasti / 2;
    if (a.count > STACK_UNITS_MAX || frame->f_lasti < 0 || wanted >= a.count)
        return 0;
    for (int i = 0; i < a.count; i++)
        a.state[i] = UNKNOWN;
    const bool begins_with_sent = PY_VERSION_HEX >= 0x030a0000 && code->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR);
    set(&a, 0, begins_with_sent, 0);
    for (int pass = 0; pass < PASSES && a.changed && a.state[wanted] == UNKNOWN; pass++) {
        unsigned oparg = 0;
        a.changed = false;
        for (int i = 0; i < a.count; i++) {
            int opcode = bytes[2 * i];
            oparg = oparg << 8 | bytes[2 * i + 1];
            if (a.state[i] != UNKNOWN && !follow(&a, i, i + 1, opcode, (int)oparg))
                return 0;
            if (opcode != EXTENDED_ARG)
                oparg = 0;
        }
    }
    if (a.state[wanted] == UNKNOWN)
        return 0;
    int depth = a.state[wanted] & ((1 << DEPTH_BITS) - 1);
    depth -= missing(&a, frame, depth, a.state[wanted] >> DEPTH_BITS);
    return depth >= 0 && depth <= code->co_stacksize ? depth : 0;
}

#endif
