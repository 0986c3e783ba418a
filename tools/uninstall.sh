#!/bin/sh
# Take away what install.sh put there.
exec "$(dirname "$0")/install.sh" --remove
