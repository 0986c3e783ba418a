"""pip install --no-build-isolation . works offline in a virtual environment of the system's Python."""
import os
import tempfile
import unittest

import make


class Pip(unittest.TestCase):
    def test_install_import_snapshot_uninstall(self):
        with tempfile.TemporaryDirectory() as folder:
            tree = make.copy_tree(os.path.join(folder, "tree"))
            before = make.files_below(tree)
            make.run("/usr/bin/python3", "-m", "venv", "--system-site-packages", "venv", cwd=folder)
            python = os.path.join(folder, "venv/bin/python")
            offline = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "https_proxy": "http://127.0.0.1:9"}
            make.run(python, "-m", "pip", "install", "--no-build-isolation", ".", cwd=tree, **offline)
            said = make.run(python, "-c", "import heaptrail; heaptrail.snapshot('a.htrail'); print(heaptrail.__file__)",
                            cwd=folder)
            self.assertTrue(said.startswith(os.path.join(folder, "venv/lib/")), said)
            make.run(os.path.join(make.BUILD, "heaptrail"), "check", "a.htrail", cwd=folder)
            make.run(python, "-m", "pip", "uninstall", "-y", "heaptrail", cwd=folder)
            self.assertIn("ModuleNotFoundError", make.run(python, "-c", "import heaptrail", cwd=folder, check=False))
            beside = [name for name in make.files_below(tree) if name not in before and not name.startswith("build/")]
            self.assertEqual(beside, [], "written beside the sources")


if __name__ == "__main__":
    unittest.main()
