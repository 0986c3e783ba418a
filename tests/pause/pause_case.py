"""What the tests of fork mode share: a program that holds the copy of itself in the middle of its work."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../capture"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../agent"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

# copies() are the process ids of snapshots' copies. hold() takes a snapshot in a thread, to a small pipe that
# nobody reads, and returns when its copy stands in the middle of it; release() reads, and returns what
# the call did. No signal stops the copy: the kernel would tell the program of that by SIGCHLD.
PRELUDE = """
import errno, fcntl, os, signal, struct, termios, threading, time
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
def filled(): return struct.unpack("i", fcntl.ioctl(holding["pipe"], termios.FIONREAD, b"0000"))[0]
def stands(pid):
    def sight(): return (filled(), text_of("/proc/%d/stat" % pid).rpartition(")")[2].split()[:1], text_of("/proc/%d/stat" % pid).rpartition(")")[2].split()[11:13])
    first = sight()
    time.sleep(0.005)
    return first[0] > 0 and first[1] == ["S"] and first == sight()
holding = {}
def hold(**options):
    os.mkfifo(path + ".partial")
    holding["pipe"] = os.open(path + ".partial", os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(holding["pipe"], 1031, 4096) # F_SETPIPE_SZ
    def work():
        try: holding["result"] = heaptrail.snapshot(path, **options)
        except BaseException as error: holding["result"] = error
    holding["thread"] = threading.Thread(target=work)
    holding["thread"].start()
    while not copies() or not stands(copies()[0]):
        if not holding["thread"].is_alive(): raise AssertionError("no copy: %r" % (holding["result"],))
        time.sleep(0.001)
    return copies()[0]
def release():
    got = []
    while True:
        alive = holding["thread"].is_alive()
        try: data = os.read(holding["pipe"], 65536)
        except OSError: data = b""
        if data: got.append(data)
        elif not alive: break
        else: time.sleep(0.001)
    os.close(holding["pipe"])
    if os.path.exists(path): # the pipe, renamed
        os.remove(path)
        with open(path, "wb") as file: file.write(b"".join(got))
    return holding["result"]
def rss(kind="VmRSS"):
    for line in open("/proc/self/status"):
        if line.startswith(kind + ":"): return int(line.split()[1]) * 1024
def left(): return sorted(f for f in os.listdir(os.path.dirname(path)) if "htrail" in f)
"""
