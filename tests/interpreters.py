"""The interpreters that modules were built for, and one test class for each of them.

    import interpreters
    @interpreters.for_each()                     # or for_each("3.8", "3.11"), or for_each(since=(3, 6)): those of
                                                 # them that were found
    class Roots:
        python: the interpreter's path; version: "3.11"; module: the folder that holds its heaptrail module

A class becomes Roots_3_11 and so on; where a version has several interpreters (Debian's and another), the
first one stands for it. `make` says which were found (tools/pythons.sh)."""
import glob
import os
import sys
import unittest

BUILD = os.path.abspath(os.environ.get("B") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../build/release"))


def number(version):
    return tuple(map(int, version.split(".")))


def found():
    """version -> its interpreters"""
    result = {}
    for path in glob.glob(os.path.join(BUILD, "python*/interpreters")):
        with open(path) as lines:
            result[os.path.basename(os.path.dirname(path))[len("python"):]] = lines.read().split()
    return {version: result[version] for version in sorted(result, key=number)}


def module_of(version):
    return os.path.join(BUILD, "python" + version)


def for_each(*versions, since=(2, 7)):
    def expand(template):
        scope = sys.modules[template.__module__].__dict__
        chosen = [v for v in found() if (not versions or v in versions) and number(v) >= since]
        for version in chosen:
            name = "%s_%s" % (template.__name__, version.replace(".", "_"))
            scope[name] = type(name, (template, unittest.TestCase), {
                "version": version, "number": number(version), "python": found()[version][0], "module": module_of(version),
                "__module__": template.__module__, "__doc__": template.__doc__})
        if not chosen and versions:  # seen as a skip, and not as a file without a test
            scope[template.__name__ + "_none"] = unittest.skip("no interpreter of %s was found" % ", ".join(versions))(
                type(template.__name__ + "_none", (template, unittest.TestCase), {"__module__": template.__module__}))
        elif not chosen:
            raise RuntimeError("no interpreter of %s was found in %s" % (", ".join(versions) or "any version", BUILD))
        return None  # the template itself is no test
    return expand
