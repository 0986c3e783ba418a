"""What a command writes is there whole or not at all, whichever command it is; pipes and devices are written as they stand."""
import os, subprocess, sys, tempfile, threading, unittest

HEAPTRAIL = os.environ["HEAPTRAIL"]
COMMANDS = [("graph", "svg", ["type:module"], b"<svg"), ("graph", "dot", ["type:module"], b"digraph"), ("report", "html", [], b"<!DOCTYPE html>"),
            ("export", "csv", [], b"by,key"), ("export", "graphml", [], b"<?xml")]


class WholeFile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMP"))
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        subprocess.run([sys.executable, "-c", "import heaptrail; heaptrail.snapshot('a.htrail')"], cwd=cls.folder, check=True)

    def write(self, command, operands, out, *more, **keywords):
        return subprocess.run([HEAPTRAIL, command, "a.htrail", *operands, "-o", out, *more], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keywords)

    def path(self, name):
        return os.path.join(self.folder, name)

    def test_a_failure_leaves_what_was_there(self):
        for command, ending, operands, _ in COMMANDS:
            with self.subTest(command=command, ending=ending):
                out = "full." + ending
                with open(self.path(out), "wb") as file:
                    file.write(b"older")
                os.symlink("/dev/full", self.path(out + ".partial"))
                done = self.write(command, operands, out)
                self.assertEqual((done.returncode, done.stdout), (3, b""))
                self.assertRegex(done.stderr.decode(), "^heaptrail %s: cannot write 'full.%s': No space left on device\n$" % (command, ending))
                with open(self.path(out), "rb") as file:
                    self.assertEqual(file.read(), b"older")
                self.assertFalse(os.path.lexists(self.path(out + ".partial")))

    def test_a_folder_that_is_not_there_is_named_as_it_was_given(self):
        for command, ending, operands, _ in COMMANDS:
            done = self.write(command, operands, "nowhere/a." + ending)
            self.assertEqual((done.returncode, done.stderr.decode()), (3, "heaptrail %s: cannot write 'nowhere/a.%s': No such file or directory\n" % (command, ending)))

    def test_a_pipe_stays_a_pipe(self):
        for command, ending, operands, first in COMMANDS:
            out = self.path("pipe." + ending)
            os.mkfifo(out)
            read = []

            def reader():
                with open(out, "rb") as pipe:
                    read.append(pipe.read())
            thread = threading.Thread(target=reader, daemon=True)
            thread.start()
            self.assertEqual(self.write(command, operands, out).returncode, 0)
            thread.join(10)
            self.assertTrue(read and read[0].startswith(first), (command, read and read[0][:40]))
            self.assertEqual(os.listdir(self.folder).count("pipe.%s.partial" % ending), 0)

    def test_standard_output_gets_the_same_bytes_and_nothing_else(self):
        for command, ending, operands, _ in COMMANDS:
            self.assertEqual(self.write(command, operands, "same." + ending).returncode, 0)
            format = [] if command == "report" else ["--format", ending]
            with open(self.path("same." + ending), "rb") as file:
                self.assertEqual(self.write(command, operands, "-", *format).stdout, file.read())

    def test_a_full_standard_output_fails(self):
        for command, ending, operands, _ in COMMANDS:
            format = [] if command == "report" else ["--format", ending]
            with open("/dev/full", "wb") as full:
                done = subprocess.run([HEAPTRAIL, command, "a.htrail", *operands, "-o", "-", *format], cwd=self.folder, stdout=full, stderr=subprocess.PIPE)
            self.assertEqual((done.returncode, done.stderr.decode()), (3, "heaptrail %s: cannot write 'standard output': No space left on device\n" % command))


if __name__ == "__main__":
    unittest.main()
