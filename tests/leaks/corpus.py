"""The whole corpus: programs(seeds) gives every program with each of these seeds; run() gives the snapshots of one."""
import os
import subprocess

import clean
import leaking
from program import Draw

SNAPSHOTS = 4


def generate(kind, generator, seed, noise=True):
    draw = Draw(kind, generator.__name__, seed)
    if not noise:
        draw.load = 0
    return generator(draw)


def programs(seeds, names=(), noise=True):
    """(kind, program)"""
    for kind, found in ("leaking", leaking.GENERATORS), ("clean", clean.GENERATORS):
        for generator in found:
            if not names or generator.__name__ in names:
                for seed in seeds:
                    yield kind, generate(kind, generator, seed, noise)


def runs_on(program, version):
    return program.since <= version < program.until


def run(program, python, module, folder, timeout_s=120):
    """Run it in that interpreter; the paths of its snapshots, all in folder."""
    script = os.path.join(folder, "app.py")
    with open(script, "w") as file:
        file.write(program.source)
    path = os.path.join(folder, "%d.htrail")
    done = subprocess.run([python, script, path, str(program.seed)], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ, PYTHONPATH=module, PYTHONHASHSEED=str(program.seed), PYTHONDONTWRITEBYTECODE="1"), timeout=timeout_s)
    if done.returncode != 0:
        raise RuntimeError("%s, seed %d, on %s ended with %d:\n%s" % (program.name, program.seed, python, done.returncode, done.stdout.decode("utf-8", "replace")[-3000:]))
    return [path % i for i in range(SNAPSHOTS)]
