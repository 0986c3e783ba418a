#!/bin/sh
# The edge build holds to its limits of size and needs nothing but libc (tools/edge.sh says each).
unset B MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CPPFLAGS LDFLAGS SANITIZE
make -s edge && build/edge/heaptrail --help | grep -q snap && ! build/edge/heaptrail --help | grep -q graph
