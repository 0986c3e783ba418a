"""The module is built by the Makefile, for the interpreter that runs this; setuptools only packs it."""
import os
import re
import shutil
import subprocess
import sys

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


class MakeModule(build_ext):
    def build_extension(self, extension):
        target = os.path.abspath(self.get_ext_fullpath(extension.name))
        build = os.path.abspath(os.path.join(self.build_temp, "make"))
        subprocess.check_call(["make", "B=" + build, "PYTHON=" + sys.executable, "modules"])
        built = os.path.join(build, "python%d.%d" % sys.version_info[:2], os.path.basename(target))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(built, target)
        # Starts the agent where HEAPTRAIL=... is set.
        shutil.copyfile("capture/launch/heaptrail.pth", os.path.join(os.path.dirname(target), "heaptrail.pth"))


# Nothing is written beside the sources.
os.makedirs("build", exist_ok=True)
with open("Makefile") as text:
    version = re.search(r"^VERSION := (.*)$", text.read(), re.M)[1]
setup(version=version,
      options={"egg_info": {"egg_base": "build"}},
      ext_modules=[Extension("heaptrail", sources=[])],
      cmdclass={"build_ext": MakeModule})
