"""What the tests of the build share: make as a user calls it, free of the make that runs the tests."""
import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("B", os.path.join(ROOT, "build/release"))
SANITIZED = "SANITIZER_PRELOAD" in os.environ
OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "B", "CFLAGS", "CPPFLAGS", "LDFLAGS", "SANITIZE",
           "PREFIX", "DESTDIR", "TESTS", "JOBS", "V", "DEV", "EDGE", "PYTHONPATH")


def environment(**changes):
    environ = {key: value for key, value in os.environ.items() if key not in OF_MAKE}
    environ.update(changes)
    return environ


def run(*command, cwd=ROOT, check=True, env=None, **changes):
    """Output of a command, both streams; AssertionError with it when the command fails."""
    done = subprocess.run(command, cwd=cwd, env=env or environment(**changes), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and done.returncode != 0:
        raise AssertionError("%s: exit %d\n%s" % (" ".join(command), done.returncode, done.stdout))
    return done.stdout


def copy_tree(target):
    """The sources as git knows them and as they are now, without what was built."""
    for name in run("git", "ls-files", "-co", "--exclude-standard").splitlines():
        if os.path.exists(os.path.join(ROOT, name)):
            os.makedirs(os.path.dirname(os.path.join(target, name)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, name), os.path.join(target, name))
    return target


def files_below(folder):
    return sorted(os.path.relpath(os.path.join(path, name), folder)
                  for path, _, names in os.walk(folder) for name in names)
