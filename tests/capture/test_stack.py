"""What the value stack of a frame that waits in C code holds: exactly the operands, at every kind of call."""
import unittest

import interpreters
import snapshot
from snapshot import FRAME, STACK

PROGRAM = """
import functools, operator
def tag(name): made[name] = [name]; return made[name]
made = {}
class Context(object):
    def __enter__(self): return self
    def __exit__(self, *a): pass
def straight(): heaptrail.snapshot(path)
def loop():
    for item in iter(tag("looped")): heaptrail.snapshot(path)
def nested():
    for a in iter(tag("outer")):
        for b in iter(tag("inner")): heaptrail.snapshot(path, hashes=False)
def operands(): return [tag("first"), tag("second"), heaptrail.snapshot(path), 1]
def keyword(): return dict(zip([1], tag("zipped")), z=heaptrail.snapshot(path))
def arguments(): return print(tag("argument"), heaptrail.snapshot(path), sep=None)  # since 3.0
def arguments(): return max(tag("argument"), heaptrail.snapshot(path))  # until 2.7
def handler():
    try: raise KeyError
    except KeyError as e:
        for x in iter(tag("handled")): heaptrail.snapshot(path)
def within():
    with Context():
        for x in iter(tag("within")): heaptrail.snapshot(path)
def ended():
    many = [%(stale)s]
    try: pass
    finally:
        for x in iter(tag("ended")): heaptrail.snapshot(path)
def raised():
    many = [%(stale)s]
    try:
        try: raise KeyError
        finally:
            for x in iter(tag("raised")): heaptrail.snapshot(path)
    except KeyError: pass
def finally_():
    try: return tag("returned")
    finally: heaptrail.snapshot(path)
def comprehension(): return [heaptrail.snapshot(path) for x in tag("comprehended")]
def condition(): return (tag("chosen"), heaptrail.snapshot(path) if made else None, 1)
def extended():
    many = [%(many)s]
    for x in iter(tag("extended")): heaptrail.snapshot(path)
def star(): return heaptrail.snapshot(*tag("starred")[:0], *[path], **{})  # since 3.5
def star(): return heaptrail.snapshot(*[path], **{})  # until 2.7
def attribute(): return [tag("before"), operator.contains({}, Item())]
class Item(object):
    def __hash__(self): heaptrail.snapshot(path); return 1
def generating():
    for x in iter(tag("generated")): heaptrail.snapshot(path); yield x
def generator():
    for x in generating(): break
async def awaiting():  # since 3.5
    for x in iter(tag("awaited")): heaptrail.snapshot(path)  # since 3.5
def coroutine():
    try: awaiting().send(None)
    except StopIteration: pass
watched = {"line": 0, "opcode": 0}
def watch(frame, event, argument):
    if sys.version_info >= (3, 7): frame.f_trace_opcodes = watching == "opcode"
    watched[event] = watched.get(event, 0) + 1
    return watch
watching = sys.argv[2] if len(sys.argv) > 2 else None
if watching == "opcode" and sys.version_info >= (3, 7): sys._getframe().f_trace_opcodes = True  # 3.12 has to know beforehand
if watching: sys.settrace(watch)
try: globals()[sys.argv[1]]()
finally: sys.settrace(None)
tell("watched", watched)
tell("made", {k: id(v) for k, v in made.items()})
""".replace("%(many)s", ", ".join("tag('x%d')" % i for i in range(300))).replace("%(stale)s", ", ".join("tag('stale%d')" % i for i in range(12)))


@interpreters.for_each()
class Stack(snapshot.OnInterpreter):
    @classmethod
    def setUpClass(cls):
        cls.answers = {}

    def held(self, function, watched=None):
        """What the function's frame holds on its stack: names of tagged lists, or types, bottom first."""
        if (function, watched) in self.answers:
            return self.answers[function, watched]
        taken, told, _ = self.run_program(PROGRAM, function, *([watched] if watched else []))
        if watched:
            self.assertGreater(told["watched"][watched], 0)
        name = {"generator": "generating", "coroutine": "awaiting"}.get(function, function)
        if function == "comprehension" and self.since(3) and not self.since(3, 12):
            name = "comprehension.<locals>.<listcomp>" if self.since(3, 11) else "<listcomp>"
        [frame] = [r.object for r in taken.roots if r.kind == FRAME and r.name.split(" at ")[0] == name]
        tags = {v: k for k, v in told["made"].items()}
        result = []
        for r in taken.objects[frame].refs:
            if r.kind == STACK:
                inside = [tags[x.target] for x in taken.objects[r.target].refs if x.target in tags]
                result.append(tags.get(r.target) or (inside[0] if inside else taken.type_name(r.target)))
        self.answers[function, watched] = result
        return result

    def test_only_the_call_itself_is_on_the_stack_of_a_plain_call(self):
        self.assertEqual(self.held("straight"), ["builtin_function_or_method", "str"])

    def test_what_loops_go_over_is_held_by_the_frame(self):
        self.assertEqual(self.held("loop")[0], "looped")
        self.assertEqual(self.held("nested")[:2], ["outer", "inner"])
        self.assertEqual(self.held("handler")[-3], "handled")
        self.assertIn("within", self.held("within"))
        self.assertIn("list" if self.since(3) and not self.since(3, 12) else "comprehended", self.held("comprehension"))

    def test_operands_that_wait_for_their_instruction_are_held(self):
        self.assertEqual(self.held("operands")[:2], ["first", "second"])
        self.assertEqual(self.held("arguments")[:2], ["builtin_function_or_method", "argument"])
        self.assertEqual(self.held("keyword")[1], "zip" if self.since(3) else "list")
        self.assertEqual(self.held("condition")[0], "chosen")
        self.assertEqual(self.held("finally_")[0], "returned")
        if not self.since(3):  # what is returned, and why: one item more than where nothing is
            self.assertEqual(self.held("finally_"), ["returned", "int", "builtin_function_or_method", "str"])
        self.assertEqual(self.held("attribute")[0], "before")

    def test_long_arguments_and_calls_with_stars_are_understood(self):
        self.assertEqual(self.held("extended")[0], "extended")
        self.assertEqual(self.held("star")[0], "builtin_function_or_method")

    def test_a_generator_or_coroutine_that_runs_holds_what_it_goes_over(self):
        self.assertEqual(self.held("generator")[0], "generated")
        if self.since(3, 5):
            self.assertEqual(self.held("coroutine")[0], "awaited")

    def test_a_debugger_that_looks_on_changes_nothing(self):
        for watched in ("line", "opcode") if self.since(3, 7) else ("line",):
            self.assertEqual(self.held("nested", watched)[:2], ["outer", "inner"])
            self.assertEqual(self.held("operands", watched)[:2], ["first", "second"])
            self.assertEqual(self.held("generator", watched)[0], "generated")

    def test_a_finally_holds_the_same_whether_an_exception_led_to_it_or_not(self):
        """What earlier instructions left above the stack is there still, and alive."""
        for function in ("ended", "raised"):
            held = self.held(function)
            self.assertIn(function, held)
            self.assertEqual([name for name in held if name.startswith("stale")], [], function)

    def test_nothing_above_the_operands_is_taken_for_one(self):
        for function in ("straight", "loop", "nested", "operands", "finally_", "star"):
            self.assertLessEqual(len(self.held(function)), 5 if self.since(3, 11) and not self.since(3, 13) else 6, function)  # with names of keywords


if __name__ == "__main__":
    unittest.main()
