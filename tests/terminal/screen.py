"""A real terminal: tmux, one server for all screens of a test. What a command prints is what the screen shows then.

    terminal = screen.Terminal(folder)
    terminal.show("heaptrail top a.htrail", columns=80, lines=24)
    terminal.show("heaptrail top a.htrail", columns=80, lines=24, colors=True, NO_COLOR="1")
"""
import os
import shlex
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
B = os.environ.get("B") or os.path.join(HERE, "../../build/release")


class Terminal:
    def __init__(self, folder):
        self.folder, self.socket = folder, os.path.join(tempfile.mkdtemp(prefix="heaptrail-tmux-"), "s")
        # A shell for each screen, so that it has an environment of its own and begins at the top.
        kept = {name: value for name, value in os.environ.items() if name not in ("TMUX", "NO_COLOR", "COLUMNS", "LINES", "LANG", "LC_ALL", "LC_CTYPE")}
        self.environment = dict(kept, LC_ALL="C.UTF-8", TERM="xterm-256color", HOME=folder, XDG_CACHE_HOME=os.path.join(folder, "cache"))
        with open(self.socket + ".conf", "w") as settings:
            settings.write("set -g status off\nset -g default-terminal tmux-256color\n")
        self.panes = {}  # by size: one that changes its size may do so too late

    def tmux(self, *words):
        return subprocess.run(["tmux", "-S", self.socket, "-u"] + list(words), env=self.environment, stdout=subprocess.PIPE,
                              check=True, universal_newlines=True, timeout=60).stdout

    def show(self, command, columns=80, lines=24, colors=False, **environment):
        """The lines of the screen when command has ended, without those that are empty at its end."""
        # The terminal answers where its cursor is when it has drawn what came before that question.
        script = "cd %s; heaptrail() { %s \"$@\"; }; %s\n stty -echo; printf '\\033[6n'; read -rsd R; tmux -S %s wait-for -S done; exec cat" % (
            shlex.quote(self.folder), shlex.quote(os.path.join(B, "heaptrail")), command, shlex.quote(self.socket))
        words = ["respawn-pane", "-k", "-t", self.pane(columns, lines)]
        for name, value in environment.items():
            words += ["-e", "%s=%s" % (name, value)]
        words += ["bash", "-c", script, ";", "wait-for", "done", ";", "capture-pane", "-p", "-t", self.pane(columns, lines)] + (["-e"] if colors else [])
        return self.tmux(*words).rstrip("\n") + "\n"

    def pane(self, columns, lines):
        name = "%dx%d" % (columns, lines)
        if name not in self.panes:
            self.panes[name] = name + ":"
            self.tmux("-f", self.socket + ".conf", "new-session", "-d", "-s", name, "-x", str(columns), "-y", str(lines), "cat")
        return self.panes[name]

    def close(self):
        if self.panes:
            self.tmux("kill-server")
        shutil.rmtree(os.path.dirname(self.socket), True)
