"""A heap written as text, as a snapshot: for tests in Python. The form of the text is described in
tests/graph/graph_text.h; the files are tests/graph/*.graph.

    import graph_file
    path = graph_file.snapshot("list.graph", folder, n=2000)    # a file beside this one
    path = graph_file.snapshot(TEXT, folder, "before")          # or the text itself
    graph_file.address("record[7]")                             # of an object, the same in every file

`make unit` builds what this runs, build/release/graph-to-htrail."""
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
TOOL = os.path.join(os.environ.get("B") or os.path.join(HERE, "../../build/release"), "graph-to-htrail")


def snapshot(graph, folder, name=None, **lets):
    """Writes FOLDER/NAME.htrail of a .graph file or of text; lets: numbers for its `let` lines."""
    if "\n" in graph:
        source, text, name = "-", graph, name or "graph"
    else:
        source, text, name = os.path.join(HERE, graph), None, name or os.path.basename(graph).split(".")[0]
    path = os.path.join(folder, name + ".htrail")
    done = subprocess.run([TOOL, source, path] + ["%s=%d" % item for item in sorted(lets.items())], input=text,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    if done.returncode != 0:
        raise ValueError(done.stderr.strip())
    return path


def address(*words):
    """The address of an object, or of each of several in a list."""
    numbers = [int(line) for line in subprocess.check_output([TOOL, "--address"] + list(words)).split()]
    return numbers[0] if len(words) == 1 else numbers
