"""Programs that are none of ours (a browser, a JVM, node): what they run in."""
import os

# A sanitizer's library is for our own: they have stacks and signals of their own kind.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
