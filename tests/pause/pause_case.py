"""What the tests of fork mode share: programs that watch the copy of themselves."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../capture"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

# In every program: copies() are the process ids of snapshots' copies, hold() runs take() in a thread
# and returns when its copy is there, quiet, and stopped; release() lets it go on and returns what take
# did.
PRELUDE = """
import os, signal, threading, time
def text_of(path):
    try:
        with open(path) as file: return file.read()
    except (IOError, OSError): return ""
def copies():
    found = []
    for task in os.listdir("/proc/self/task"):
        found += [int(pid) for pid in text_of("/proc/self/task/%s/children" % task).split()
                  if text_of("/proc/%s/comm" % pid).strip() == "heaptrail-snap"]
    return found
def state_of(pid):
    return text_of("/proc/%d/stat" % pid).rpartition(")")[2].split()[0]
holding = {}
def hold(call=None, **options):
    def work():
        try: holding["result"] = (call or take)(**options)
        except BaseException as error: holding["result"] = error
    holding["thread"] = threading.Thread(target=work)
    holding["thread"].start()
    while not copies():
        if not holding["thread"].is_alive(): raise AssertionError("no copy: %r" % (holding["result"],))
    pid = copies()[0]
    os.kill(pid, signal.SIGSTOP)
    while state_of(pid) != "T": time.sleep(0.001)
    return pid
def release(pid):
    os.kill(pid, signal.SIGCONT)
    holding["thread"].join()
    return holding["result"]
def rss(kind="VmRSS"):
    for line in open("/proc/self/status"):
        if line.startswith(kind + ":"): return int(line.split()[1]) * 1024
keep = [[i] for i in range(60000)]
"""
