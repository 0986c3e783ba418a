"""make install puts everything where it is asked to, make uninstall leaves nothing, and a program
that embeds Python builds with pkg-config against what was installed, and takes a snapshot."""
import os
import subprocess
import sysconfig
import tempfile
import unittest

import make

SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
VERSION = sysconfig.get_config_var("py_version_short")
EMBEDDING = r"""
#include <stdio.h>
#include <Python.h>
#include <htrail/capture.h>
int main(int argc, char **argv)
{
    (void)argc;
    Py_Initialize();
    PyRun_SimpleString("kept = [bytearray(1000) for i in range(100)]");
    char message[256] = "";
    htrail_snapshot_info info;
    htrail_status status = htrail_snapshot_cpython(argv[1], NULL, NULL, &info, message, sizeof message);
    printf("%s; %s; %d\n", htrail_status_text(status), message, info.objects > 1000 && info.refs > info.objects);
    Py_Finalize();
    return 0;
}
"""


class Install(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.destination = os.path.join(folder.name, "destination")
        os.mkdir(self.destination)

    def make(self, goal, *variables):
        # What is installed is what was built for the tests: "all" is taken as done.
        return make.run("make", "-o", "all", goal, "PYTHON=/usr/bin/python3", "B=" + make.BUILD, "DESTDIR=" + self.destination, *variables)

    def expected(self, prefix="usr/local", bin="bin", lib="lib", include="include", packages=None):
        headers = [name for name in os.listdir(os.path.join(make.ROOT, "include/htrail")) if name.endswith(".h")]
        packages = packages or "lib/python%s/dist-packages" % VERSION
        return sorted(os.path.join(prefix, path) for path in [
            bin + "/heaptrail", lib + "/libhtrail.a", lib + "/htrail.so", lib + "/libhtrail-capture.so", lib + "/libhtrail-capture.so.0",
            lib + "/heaptrail/heaptrail-agent.so", lib + "/pkgconfig/htrail.pc", lib + "/pkgconfig/htrail-capture.pc",
            "%s/heaptrail/python%s/heaptrail%s" % (lib, VERSION, SUFFIX), packages + "/heaptrail" + SUFFIX,
            packages + "/heaptrail.pth",
        ] + ["%s/htrail/%s" % (include, name) for name in headers])

    def assert_nothing_left(self):
        self.assertEqual(make.files_below(self.destination), [])
        ours = [path for path, _, _ in os.walk(self.destination) if os.path.basename(path) in ("htrail", "heaptrail")]
        self.assertEqual(ours, [])

    def test_default_prefix(self):
        self.make("install")
        self.assertEqual(make.files_below(self.destination), self.expected())
        self.make("uninstall")
        self.assert_nothing_left()

    def test_prefix_usr_is_where_debian_looks(self):
        self.make("install", "PREFIX=/usr")
        self.assertEqual(make.files_below(self.destination),
                         self.expected("usr", packages="lib/python3/dist-packages"))
        self.make("uninstall", "PREFIX=/usr")
        self.assert_nothing_left()

    def test_every_directory_variable(self):
        variables = ["PREFIX=/p", "BINDIR=/p/b", "LIBDIR=/p/l", "INCLUDEDIR=/p/i", "PYTHONDIR=/p/y"]
        self.make("install", *variables)
        self.assertEqual(make.files_below(self.destination), self.expected("p", "b", "l", "i", "y"))
        self.make("uninstall", *variables)
        self.assert_nothing_left()

    def test_uninstall_leaves_the_files_of_others(self):
        self.make("install")
        other = os.path.join(self.destination, "usr/local/lib/other")
        open(other, "w").close()
        self.make("uninstall")
        self.assertEqual(make.files_below(self.destination), ["usr/local/lib/other"])

    def test_installed_module_is_imported_and_installed_command_runs(self):
        self.make("install")
        packages = os.path.join(self.destination, "usr/local/lib/python%s/dist-packages" % VERSION)
        said = make.run("/usr/bin/python3", "-c", "import heaptrail; print(heaptrail.__file__)", PYTHONPATH=packages)
        self.assertEqual(said.strip(), os.path.join(packages, "heaptrail" + SUFFIX))
        command = os.path.join(self.destination, "usr/local/bin/heaptrail")
        out = os.path.join(self.folder, "snapshots")
        make.run(command, "run", "-o", out, "--", "/usr/bin/python3", "-c",
                 "import heaptrail; heaptrail.snapshot(%r)" % (self.folder + "/a.htrail"))
        self.assertTrue(os.path.getsize(self.folder + "/a.htrail") > 1000)

    def test_a_program_that_embeds_python_takes_a_snapshot(self):
        self.make("install", "PREFIX=/opt/h")
        with open(os.path.join(self.folder, "program.c"), "w") as source:
            source.write(EMBEDDING)
        packages = os.path.join(self.destination, "opt/h/lib/pkgconfig")
        flags = make.run("pkg-config", "--cflags", "--libs", "htrail-capture", PKG_CONFIG_PATH=packages,
                         PKG_CONFIG_SYSROOT_DIR=self.destination).split()
        flags += make.run("pkg-config", "--cflags", "--libs", "python3-embed").split()
        make.run("gcc", "-Wall", "-Werror", "-o", "program", "program.c", *flags, cwd=self.folder, LD_PRELOAD="")
        said = make.run("./program", "a.htrail", cwd=self.folder,
                        LD_LIBRARY_PATH=os.path.join(self.destination, "opt/h/lib"))
        self.assertEqual(said, "ok; ; 1\n")
        make.run(os.path.join(make.BUILD, "heaptrail"), "check", os.path.join(self.folder, "a.htrail"))

    def test_a_program_that_reads_links_the_static_library(self):
        self.make("install", "PREFIX=/opt/h")
        with open(os.path.join(self.folder, "program.c"), "w") as source:
            source.write('#include <stdio.h>\n#include <htrail/reader.h>\n'
                         'int main(void) { htrail_reader *r; char why[200];\n'
                         'int s = htrail_reader_open_memory(&r, "x", 1, "it", NULL, why, sizeof why);\n'
                         'printf("%d %d\\n", s < 0, r == NULL); htrail_reader_free(r); return 0; }\n')
        flags = make.run("pkg-config", "--static", "--cflags", "--libs", "htrail",
                         PKG_CONFIG_PATH=os.path.join(self.destination, "opt/h/lib/pkgconfig"))
        flags = flags.replace("/opt/h", self.destination + "/opt/h").split()
        sanitize = ["-fsanitize=address,undefined"] if make.SANITIZED else []
        make.run("gcc", "-o", "program", "program.c", *flags, *sanitize, cwd=self.folder, LD_PRELOAD="")
        self.assertEqual(make.run("./program", cwd=self.folder), "1 1\n")


class Shown(unittest.TestCase):
    """What the libraries show to the process that they are in."""

    def exported(self, path):
        lines = subprocess.check_output(["nm", "-D", "--defined-only", path], text=True, env=make.environment(LD_PRELOAD=""))
        return [line.split()[-1] for line in lines.splitlines()]

    def test_the_module_shows_only_how_it_is_started(self):
        module = os.path.join(make.BUILD, "python" + VERSION, "heaptrail" + SUFFIX)
        self.assertEqual(self.exported(module), ["PyInit_heaptrail", "heaptrail_agent_attach"])

    def test_the_capture_library_shows_only_its_prefix(self):
        names = self.exported(os.path.join(make.BUILD, "libhtrail-capture.so"))
        self.assertIn("htrail_snapshot_cpython", names)
        self.assertIn("htrail_writer_finish", names)
        self.assertEqual([name for name in names if not name.startswith("htrail_") or name.startswith("htrail__")], [])


if __name__ == "__main__":
    unittest.main()
