# heaptrail. One build directory a variant; nothing is written beside the sources.
#
#   make              build/heaptrail, libhtrail.a, libhtrail-capture.so and, for each Python found,
#                     build/pythonX.Y/heaptrail.*.so: the Python module and the LD_PRELOAD agent in one
#   make setup        install what is missing of packages.txt
#   make check        every test, after setup           make demo     a leak found in a minute
#   make asan         the tests under the address and undefined-behaviour sanitizers, in build/asan
#   make edge         what a device needs, in build/edge    make soak     200 snapshots of a busy server, a version and mode
#   make bench        figures beside their targets      make fuzz     the reader under libFuzzer
#   make mutate       break rules, see tests turn red   make install  uninstall    clean
#
# Variables: B (build directory), CC, CFLAGS, CPPFLAGS, LDFLAGS, PREFIX, DESTDIR, PYTHON (interpreters; else
# those that tools/pythons.sh finds), V=1 (show commands), DEV=1 (warnings are errors), JOBS (at a time, 2), TESTS (only these).
VERSION := 0.1.0
B       ?= build/release
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
JOBS    ?= 2
PARALLEL = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(JOBS))
Q       := $(if $(V),,@)
say      = $(if $(V),,@echo "  $(1)	$(patsubst $(CURDIR)/%,%,$@)")

CPPFLAGS_ALL = -D_GNU_SOURCE -Iinclude -I. -DHTRAIL_VERSION='"$(VERSION)"' -include tools/banned.h $(if $(EDGE),-DHTRAIL_EDGE) $(CPPFLAGS)
CFLAGS_ALL   = -std=c11 -fPIC -fvisibility=hidden -ffunction-sections -fdata-sections -Wall -Wextra -Wshadow \
               -Wstrict-prototypes -Wmissing-prototypes -Wvla $(if $(DEV),-Werror) $(SANITIZE) $(CFLAGS)
LDFLAGS_ALL  = -Wl,--as-needed -pthread $(SANITIZE) $(LDFLAGS)
# A library in somebody's process shows its own prefix only, and calls its own copy of everything.
SHARED       = -shared -Wl,--gc-sections -Wl,-z,noseparate-code -Wl,-z,lazy -Wl,-Bsymbolic -Wl,--exclude-libs,ALL
ZSTD_A       = $(shell $(CC) -print-file-name=libzstd.a)
GRAPHVIZ_DIR = $(shell pkg-config --variable=libdir libgvc 2>/dev/null)/graphviz
SQLITE_LIBS  = $(shell pkg-config --libs sqlite3 zlib yajl libmicrohttpd 2>/dev/null)
VIZ_CFLAGS   = $(shell pkg-config --cflags libcgraph libgvc librsvg-2.0 2>/dev/null)
VIZ_LIBS     = $(shell pkg-config --libs libcgraph libgvc librsvg-2.0 2>/dev/null) \
               $(wildcard $(GRAPHVIZ_DIR)/libgvplugin_dot_layout.so) -Wl,-rpath,$(GRAPHVIZ_DIR)
COMMAND_LIBS = $(if $(EDGE),$(ZSTD_A) -Wl$(comma)--exclude-libs$(comma)ALL,-lzstd $(SQLITE_LIBS) $(VIZ_LIBS) -lm)
comma       := ,

# Folders are layers. The command is main.o and whatever of the archive its table of commands needs,
# so an edge build leaves SQLite and Graphviz out by leaving their commands out.
FORMAT  := $(filter-out format/fast_only.c,$(wildcard format/*.c))
AGENT   := $(wildcard capture/agent/*.c capture/pause/*.c capture/process/*.c capture/sample/*.c)
ATTACH  := $(wildcard capture/attach/*.c)
LAUNCH  := $(wildcard capture/launch/*.c) $(patsubst %,capture/agent/%.c,environment settings signal_name) capture/pause/mode.c
ANALYZE := $(if $(EDGE),,$(wildcard analyze/*.c viz/*.c import/*.c export/*.c serve/*.c))
CLI     := $(if $(EDGE),$(wildcard $(patsubst %,cli/%.c,commands run snap info check output escape fit flow number terminal progress survey facts describe)),$(filter-out cli/main.c,$(wildcard cli/*.c)))
EXTENSION := $(if $(EDGE),,$(wildcard extension/*.c))
WALKER  := $(wildcard capture/python/*.c)
UNIT    := $(wildcard tests/unit/test_*.c)
objects  = $(patsubst %.c,$(B)/obj/%.o,$(1))
LIBRARY := $(B)/libhtrail.a $(if $(WALKER),$(B)/libhtrail-capture.so)
COMMAND := $(B)/heaptrail

all: $(LIBRARY) $(COMMAND) modules $(if $(EXTENSION),$(B)/htrail.so) build-links
.PHONY: all FORCE setup check check-run check-headers check-layers asan edge bench demo soak fuzz mutate unit modules build-links install uninstall clean
.DELETE_ON_ERROR .SECONDARY FORCE:

# Everything depends on the flags it was built with, and on the packages being there.
$(B)/flags: FORCE
	@mkdir -p $(@D); tools/setup.sh --check
	@echo '$(subst ','\'',$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL))' | cmp -s - $@ || echo '$(subst ','\'',$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL))' > $@
COMPILE = $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(EXTRA) -MMD -MP -c -o $@ $<
$(B)/obj/%.o: %.c $(B)/flags
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(COMPILE)
$(B)/obj/viz/%.o: EXTRA = $(VIZ_CFLAGS)
$(B)/obj/viz/report_assets.o: $(wildcard viz/report/*)

$(B)/libhtrail.a: $(call objects,$(FORMAT) $(ANALYZE))
$(B)/all.a: $(call objects,$(FORMAT) $(ANALYZE) $(AGENT) $(ATTACH) $(CLI))
$(B)/%.a:
	$(call say,AR)
	$(Q)rm -f $@ && ar rcs $@ $(filter %.o,$^)
$(COMMAND): $(B)/obj/cli/main.o $(B)/all.a
	$(call say,LD)
	$(Q)$(CC) -o $@ $^ -Wl,--gc-sections $(COMMAND_LIBS) $(LDFLAGS_ALL)

# One Python version: $(1) its interpreters, for the tests, $(2) 3.11, $(3) include folder, $(4) suffix of a module.
# Undefined Python symbols are made weak, so that the loader takes the object into a process without
# Python (a shell shim that becomes an interpreter later): there they are NULL and nobody may use them.
define python_rules
$(B)/obj/python$(2)/%.o: %.c $(B)/flags
	$$(call say,CC)
	$(Q)mkdir -p $$(@D) && $$(COMPILE)
$(B)/obj/python$(2)/%.o: EXTRA = -I$(3) -Wno-missing-prototypes -Wno-missing-field-initializers -Wno-unused-parameter
$(B)/obj/python$(2)/module.o: $(patsubst %.c,$(B)/obj/python$(2)/%.o,$(WALKER)) $(call objects,$(AGENT))
$(B)/obj/python$(2)/embed.o: $(patsubst %.c,$(B)/obj/python$(2)/%.o,$(WALKER)) $(call objects,$(filter-out capture/agent/%,$(AGENT)))
$(B)/obj/python$(2)/module.o $(B)/obj/python$(2)/embed.o:
	$(Q)ld -r -o $$@ $$^ && objcopy -w -W '!Py*_heaptrail' -W 'Py*' -W '_Py*' $$@
$(B)/python$(2)/heaptrail$(4): $(B)/obj/python$(2)/module.o $(call objects,$(FORMAT) format/fast_only.c) tools/module.map
	$$(call say,LD)
	$(Q)mkdir -p $$(@D) && $(CC) $(SHARED) -o $$@ $$(filter %.o,$$^) $(ZSTD_A) -Wl,--version-script=tools/module.map $(LDFLAGS_ALL) -lm -ldl
	$(Q)! nm -D --undefined-only $$@ | grep htrail
$(B)/python$(2)/interpreters: FORCE
	@mkdir -p $$(@D); printf '%s\n' $(subst $(comma), ,$(1)) | cmp -s - $$@ || printf '%s\n' $(subst $(comma), ,$(1)) > $$@
modules: $(if $(WALKER),$(B)/python$(2)/heaptrail$(4) $(B)/python$(2)/interpreters)
INSTALLED_MODULES += $(2):$(4)
endef
PYTHONS := $(shell tools/pythons.sh $(PYTHON))
$(if $(filter-out 0,$(.SHELLSTATUS)),$(error an interpreter named by PYTHON cannot be built for))
part = $(word $(2),$(subst |, ,$(1)))
$(foreach p,$(PYTHONS),$(eval $(call python_rules,$(call part,$(p),4),$(call part,$(p),1),$(call part,$(p),2),$(call part,$(p),3))))
FIRST_PYTHON := $(call part,$(firstword $(PYTHONS)),1)

# What `heaptrail run` preloads: it finds the agent for the Python that it is in. What SQLite loads to read a snapshot
# as tables: the reader, and nothing that SQLite does not bring itself.
$(B)/heaptrail-agent.so: $(call objects,$(LAUNCH)) tools/launcher.map
$(B)/htrail.so: $(call objects,$(EXTENSION) $(FORMAT)) tools/extension.map
$(B)/heaptrail-agent.so $(B)/htrail.so:
	$(call say,LD)
	$(Q)$(CC) $(SHARED) -o $@ $(filter %.o,$^) $(ZSTD_A) -Wl,--version-script=$(filter %.map,$^) $(LDFLAGS_ALL) -ldl
modules: $(if $(WALKER),$(B)/heaptrail-agent.so)

# For C programs that embed Python: the walker and the writer, without the agent and the reader.
$(B)/libhtrail-capture.so: $(B)/obj/python$(FIRST_PYTHON)/embed.o $(call objects,$(filter-out format/reader%,$(FORMAT)) format/fast_only.c) tools/capture.map
	$(call say,LD)
	$(Q)$(CC) $(SHARED) -Wl,-soname,libhtrail-capture.so.0 -o $@ $(filter %.o,$^) $(ZSTD_A) -Wl,--version-script=tools/capture.map $(LDFLAGS_ALL) -lm
	$(Q)! nm -D --undefined-only $@ | grep htrail
# The plain name of the default build: build/heaptrail, build/python3.11.
build-links: $(COMMAND) modules $(if $(EXTENSION),$(B)/htrail.so)
	$(if $(filter build/release,$(B)),@cd build && for f in heaptrail heaptrail-agent.so htrail.so $$(cd release && ls -d python* 2>/dev/null); do ln -sfn release/$$f $$f; done)

setup:
	@tools/setup.sh
check: setup
	@$(MAKE) --no-print-directory $(PARALLEL) check-run
check-run: all unit check-headers check-layers # many tests wait more than they compute
	@B=$(abspath $(B)) tests/run -j $$(($(JOBS) + 2)) $(TESTS)
unit: $(UNIT:tests/unit/%.c=$(B)/unit/%) $(B)/htrail-dump $(B)/random-snapshot $(B)/graph-to-htrail
# For the tests in other languages: every record of a file as text; a snapshot of a random heap, of a heap in text.
$(B)/htrail-dump: $(B)/obj/tests/capture/dump.o
$(B)/random-snapshot: $(B)/obj/tests/format/random_snapshot.o
$(B)/graph-to-htrail: $(B)/obj/tests/graph/graph_to_htrail.o
$(B)/htrail-dump $(B)/random-snapshot $(B)/graph-to-htrail: $(B)/libhtrail.a
	$(call say,LD)
	$(Q)$(CC) -o $@ $(filter %.o,$^) $(B)/libhtrail.a -lzstd -lm $(LDFLAGS_ALL)
$(B)/unit/%: $(B)/obj/tests/unit/%.o $(B)/all.a
	$(call say,LD)
	$(Q)mkdir -p $(@D) && $(CC) -o $@ $^ -lcriterion -lzstd $(SQLITE_LIBS) $(VIZ_LIBS) -lm $(LDFLAGS_ALL)
check-headers check-layers:
	@CC='$(CC)' tools/$@.sh
bench demo soak: setup
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@B=$(abspath $(B)) $(if $(filter demo,$@),tools/demo.sh,$(if $(filter soak,$@),tests/soak/soak.py,bench/run))
asan edge fuzz mutate install uninstall:
	@MAKE='$(MAKE) --no-print-directory' B='$(B)' CC='$(CC)' PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' VERSION=$(VERSION) MODULES='$(INSTALLED_MODULES)' tools/$@.sh
install: all
clean:
	rm -rf build
-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
