"""The scripts that stand in for a review see what they are there to see."""
import os
import tempfile
import unittest

import make

OFFENCES = {  # file: (line, what is said of it)
    "format/a.c": ('#include "analyze/graph.h"', "format may include only format"),
    "format/b.c": ("#include <sqlite3.h>", "sqlite3 only in"),
    "format/c.c": ("#include <zstd.h>", "zstd only in"),
    "capture/agent/a.c": ('#include "analyze/graph.h"', "capture may include only capture|format"),
    "capture/agent/b.c": ("#include <Python.h>", "only in capture/python/"),
    "capture/process/a.c": ('#include "capture/pause/copy.h"', "capture/process may include only"),
    "capture/sample/a.c": ('#include "capture/python/walk.h"', "capture/sample may include only"),
    "capture/attach/a.c": ('#include "capture/agent/protocol.h"', "capture/attach may include only"),
    "capture/pause/a.c": ('#include "capture/python/walk.h"', "capture/pause may include only"),
    "capture/python/a.c": ('#include "capture/agent/take.h"', "capture/python may include only"),
    "capture/launch/a.c": ('#include "capture/pause/mode.h"', "capture/launch may include only"),
    "capture/agent/c.c": ('#include "capture/attach/task.h"', "capture/agent may include only"),
    "analyze/a.c": ('#include "capture/agent/client.h"', "analyze may include only"),
    "analyze/b.c": ("#include <graphviz/gvc.h>", "only in viz/dot"),
    "analyze/c.c": ("int x(void) { abort(); }", "does not print, exit or abort"),
    "viz/a.c": ('#include "cli/output.h"', "viz may include only"),
    "extension/a.c": ('#include "analyze/graph.h"', "extension may include only extension|format"),
    "serve/a.c": ('#include "cli/output.h"', "serve may include only serve|analyze|format"),
    "serve/b.c": ("#include <microhttpd.h>", "microhttpd only in serve/http"),
    "cli/a.c": ('#include "capture/agent/client.h"', "cli/a.c may include only"),
    "samples/a.c": ('#include "format/wire.h"', "samples may include only none"),
    "format/d.c": ("/* TO" "DO: later */", "without an issue"),
    "format/e.c": ("/* written 2026-01-" "02 */", "no dates or authors"),
    "format/f.c": ("int x; ", "blank at the end"),
    "format/g.c": ("\tint x;", "tab"),
    "format/h.h": ("int x;", "header without a guard"),
}
ALLOWED = {"format/block.c": "#include <zstd.h>", "cli/run.c": '#include "capture/agent/client.h"',
           "analyze/z.c": "#include <sqlite3.h>", "extension/z.c": "#include <sqlite3ext.h>", "viz/dot.c": "#include <graphviz/gvc.h>",
           "capture/python/z.c": "#include <Python.h>", "samples/embed.c": "#include <Python.h>",
           "capture/pause/z.c": '#include "capture/process/room.h"', "capture/agent/z.c": '#include "capture/pause/copy.h"',
           "format/z.c": "/* TO" "DO: see issue 7 */"}


class Checks(unittest.TestCase):
    def write(self, lines):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name, line in lines.items():
            path = os.path.join(folder.name, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as out:
                out.write(line + "\n")
        return folder.name

    def test_layers_sees_each_offence(self):
        for name, (line, said) in OFFENCES.items():
            with self.subTest(file=name, line=line):
                output = make.run("tools/check-layers.sh", self.write({name: line}), check=False)
                self.assertIn(said, output)
                self.assertIn(name, output)

    def test_layers_lets_pass_what_is_allowed(self):
        self.assertEqual(make.run("tools/check-layers.sh", self.write(ALLOWED)), "layers and style: fine\n")

    def test_headers_sees_one_that_needs_another(self):
        tree = make.copy_tree(self.write({}))
        with open(os.path.join(tree, "include/htrail/bad.h"), "w") as out:
            out.write("size_t htrail_bad(void);\n")
        self.assertIn("include/htrail/bad.h: not alone in c ", make.run("tools/check-headers.sh", cwd=tree, check=False))


if __name__ == "__main__":
    unittest.main()
