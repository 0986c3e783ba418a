"""An independent answer to what a snapshot must hold: runs in the program that is recorded,
asks Python (gc.get_objects closed over gc.get_referents, sys.getsizeof, len, id), knows
nothing of the walker. Everything is collected before the snapshot is taken, and asked after."""
import gc
import sys
import types

# Sizes and lengths of these come from code of their own that docs/capture.md names.
ODD_SIZES = ("builtins.StgDict", "_ctypes.PyC", "_ctypes.UnionType", "_ctypes.CType_Type", "ctypes._endian._swapped_", "numpy.")
if sys.version_info[0] == 2:
    ODD_SIZES += ("array.array", "builtins.Element")
OLD_STYLE = getattr(types, "InstanceType", None)  # of Python 2


def closure():
    """Every object that the collector can lead to, but for those of this function."""
    seen, stack, order = set(), gc.get_objects(), []
    seen.update(map(id, stack))
    mine = {id(seen), id(stack), id(order), id(sys._getframe())}
    while stack:
        o = stack.pop()
        if id(o) in mine:
            continue
        order.append(o)
        for target in gc.get_referents(o):
            if id(target) not in seen:
                seen.add(id(target))
                stack.append(target)
    return order


def static_length(o):
    """len(), where it is not a class statement's."""
    if type(o) is OLD_STYLE:
        return None
    for base in type(o).__mro__ or ():
        if "__len__" in base.__dict__:
            if base.__flags__ & 1 << 9 and isinstance(base.__dict__["__len__"], types.FunctionType):
                return None
            try:
                return len(o)
            except Exception:
                return None
    return None


def described(order):
    """address -> what must be in the file: [type, size, length, targets, kind of type]."""
    result = {}
    for o in order:
        kind = o.__class__ if type(o) is OLD_STYLE else type(o)
        name = "%s.%s" % (kind.__module__, getattr(kind, "__qualname__", kind.__name__))
        name = name.replace("__builtin__.", "builtins.")
        size = None if name.startswith(ODD_SIZES) or "numpy" in str(getattr(kind, "__mro__", "")) else sys.getsizeof(o)
        result[id(o)] = [id(kind), size, static_length(o), [id(t) for t in gc.get_referents(o)], name,
                         isinstance(o, type)]
    return result
