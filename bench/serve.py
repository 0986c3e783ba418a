"""What a click in `heaptrail serve` takes, from the request to the last byte of the answer: bench/serve.py DATABASE

Objects all over the heap, the one with most referrers, the first and the last pages of long lists; the worst of each question
is held to the target."""
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ.setdefault("HEAPTRAIL", os.path.join(os.environ.get("B", os.path.join(os.path.dirname(HERE), "build/release")), "heaptrail"))
sys.path.insert(1, os.path.join(os.path.dirname(HERE), "tests/serve"))
import server

CLICK_MS, OBJECTS = 200, 20


def clicks(database):
    """Seconds until the orders are there, and {question: milliseconds of its slowest click}."""
    begun = time.perf_counter()
    one = server.Server(database, "--sql-seconds", "60")
    worst = {}

    def click(question, **parameters):
        started = time.perf_counter()
        answer = one.ask(question, **parameters)
        worst[question] = max(worst.get(question, 0), 1000 * (time.perf_counter() - started))
        return answer

    try:
        one.ask("dominated", id=0)
        ready = time.perf_counter() - begun
        while not one.ask("page")["settled"]: # what is made beside is no part of a click
            time.sleep(0.2)
        types = click("types", find="")["rows"]
        last = one.sql("SELECT max(id) FROM heap_object")["rows"][0][0]
        held = one.sql("SELECT id FROM heap_object ORDER BY referrers DESC LIMIT 1")["rows"][0][0]
        holding = one.sql("SELECT id FROM heap_object ORDER BY length DESC LIMIT 1")["rows"][0][0]
        some = random.Random(1)
        for id in [held, holding, 1, last] + [some.randint(1, last) for _ in range(OBJECTS)]:
            address = click("object", id=id)["address"]
            click("find", address=address)
            for question in "chain", "dominators", "fields", "dominated", "referrers":
                click(question, id=id)
        for after in range(0, last, last // 8):
            click("referrers", id=held, key=0, after=after)
        for name, *_ in types[:8]:
            total = click("type", name=name)["total"]
            click("type", name=name, at=max(0, total - 100))
    finally:
        one.end()
    return ready, worst


if __name__ == "__main__":
    ready, worst = clicks(sys.argv[1])
    print("in order after %.1f s" % ready)
    for question in worst:
        print("%-12s %8.1f ms" % (question, worst[question]))
