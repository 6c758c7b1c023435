# SPDX-License-Identifier: MIT
#
# isamon's build. `make help` lists the targets; V=1 shows the commands; SAN=1 builds with
# sanitizers into build/san; BUILD=DIR builds elsewhere.

VERSION := 0.1.0

MAKEFLAGS += -rR --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all
SHELL := /bin/bash

# --- where
BUILD   ?= build
ifdef SAN
FLAVOUR := san
else ifdef FUZZ
FLAVOUR := fuzz
else
FLAVOUR := release
endif
OUT     := $(BUILD)/$(FLAVOUR)
GEN     := $(BUILD)/gen

prefix        ?= /usr/local
bindir        ?= $(prefix)/bin
docdir        ?= $(prefix)/share/doc/isamon
mandir        ?= $(prefix)/share/man
completiondir ?= $(prefix)/share/bash-completion/completions
sysconfdir    ?= /etc
localstatedir ?= /var
unitdir       ?= $(prefix)/lib/systemd/system

ifneq ($(filter default undefined,$(origin CC)),)
CC := $(if $(FUZZ),clang,gcc)
endif
ifneq ($(filter default undefined,$(origin AR)),)
AR := ar
endif
CLANG      ?= clang
LLVM_STRIP ?= llvm-strip
PKG_CONFIG ?= pkg-config
# Ubuntu's bpftool in PATH refuses to work where there is none of the running kernel's version.
BPFTOOL    ?= $(firstword $(wildcard /usr/lib/linux-tools/*/bpftool) \
	$(shell PATH="$$PATH:/usr/sbin:/sbin" command -v bpftool) bpftool)

MACHINE := $(shell uname -m)
ARCH    := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(MACHINE)))

# --- how
ifdef V
Q   :=
say := @:
else
Q   := @
say = @printf '  %-7s %s\n'
endif

LIBS := libbpf libelf zlib libevent_core libevent_extra inih jansson libcap-ng ncursesw libcrypto sqlite3 libpcre2-8 expat
# Asked once, and only when something is compiled.
# (ncurses' own -D_XOPEN_SOURCE=600 is weaker than _GNU_SOURCE.)
PC_CFLAGS = $(eval PC_CFLAGS := $(filter-out -D_DEFAULT_SOURCE -D_XOPEN_SOURCE=%,$(shell \
	$(PKG_CONFIG) --cflags $(LIBS) 2>/dev/null)))$(PC_CFLAGS)
PC_LIBS   = $(eval PC_LIBS := $(shell $(PKG_CONFIG) --libs $(LIBS) 2>/dev/null) -lm)$(PC_LIBS)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	-Wpointer-arith -Wcast-qual -Wundef -Wvla
ifdef WERROR
WARNINGS += -Werror
endif
INCLUDES := -Iuserspace -Iinclude -isystem $(GEN)
DEFINES  := -D_GNU_SOURCE -DISAMON_VERSION='"$(VERSION)"'
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
ifeq ($(FLAVOUR),san)
OPTIMISE := -O1 -g $(SANITIZE)
LINK     := $(SANITIZE)
else ifeq ($(FLAVOUR),fuzz)
OPTIMISE := -O1 -g $(SANITIZE) -fsanitize=fuzzer-no-link
LINK     := $(SANITIZE)
else
OPTIMISE := -O2 -g -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fPIE
LINK     := -pie -Wl,-z,relro,-z,now
endif
COMPILE = $(CC) -std=gnu17 $(OPTIMISE) $(WARNINGS) $(DEFINES) $(INCLUDES) $(PC_CFLAGS) $(CPPFLAGS) $(CFLAGS)
LINKER  = $(CC) $(OPTIMISE) $(LINK) -Wl,--as-needed $(LDFLAGS)
DEPGEN  = -MD -MP -MF $(@:=.d) -MT $@

BPF_COMPILE = $(CLANG) -target bpf -D__TARGET_ARCH_$(ARCH) -mcpu=v3 -O2 -g -std=gnu17 -Wall -Wextra \
	-Wshadow -Wno-unused-parameter $(if $(WERROR),-Werror) -isystem vmlinux/$(ARCH) -Iinclude -Ibpf

# --- what
LIB_SRC  := $(sort $(filter-out userspace/main.c,$(wildcard userspace/*/*.c)))
LIB_OBJ  := $(LIB_SRC:%.c=$(OUT)/obj/%.o)
MAIN_OBJ := $(OUT)/obj/userspace/main.o
LIB      := $(OUT)/libisamon.a
SKELS    := $(patsubst bpf/%.bpf.c,$(GEN)/%.skel.h,$(wildcard bpf/*.bpf.c))

# Each tests/*/X.c is one program, $(OUT)/tests/*/X; what programs share is in headers. The BPF
# programs of tests and benchmarks become skeletons like the product's own.
TEST_BPF    := $(wildcard tests/*/*.bpf.c)
TEST_SKELS  := $(patsubst %.bpf.c,$(GEN)/%.skel.h,$(notdir $(TEST_BPF)))
TEST_SRC    := $(sort $(filter-out $(TEST_BPF) $(wildcard tests/fuzz/*.c),$(wildcard tests/*/*.c)))
TEST_PROGS  := $(TEST_SRC:%.c=$(OUT)/%)
FUZZ_PROGS  := $(patsubst %.c,$(OUT)/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))

.PHONY: all run demo test bench lint format install uninstall deps clean help
.PHONY: san tests fuzz skeletons FORCE

##@ Build
all: $(OUT)/isamon $(if $(filter release,$(FLAVOUR)),$(BUILD)/isamon) ## build the program: build/isamon
	@:

run: all ## build it and run the daemon on its defaults (as root)
	$(Q)exec $(BUILD)/isamon run

san: ## build it with sanitizers: build/san/isamon
	$(Q)$(MAKE) SAN=1 all

skeletons: $(SKELS)
	@:

tests: $(TEST_PROGS) # every test program of this flavour, not run
	@:

fuzz: # every fuzzer, not run: build/fuzz/tests/fuzz/*
	$(Q)$(MAKE) FUZZ=1 fuzzers
fuzzers: $(FUZZ_PROGS)
	@:
.PHONY: fuzzers

$(BUILD)/isamon: $(OUT)/isamon
	$(Q)ln -sfn $(FLAVOUR)/isamon $@

$(OUT)/isamon: $(MAIN_OBJ) $(LIB)
	$(say) LD $@
	$(Q)$(LINKER) -o $@ $(MAIN_OBJ) $(LIB) $(PC_LIBS)

$(LIB): $(LIB_OBJ) $(OUT)/objects
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $(LIB_OBJ)

# The example configuration is a part of the program.
$(OUT)/obj/userspace/config/example.o: dist/isamon.conf

$(OUT)/obj/%.o: %.c $(OUT)/flags
	$(say) CC $<
	$(Q)mkdir -p $(@D) && $(COMPILE) $(DEPGEN) -c -o $@ $<

# Only the probes (and some tests) include skeletons: the rest need not wait for BPF.
$(filter $(OUT)/obj/userspace/probe/%,$(LIB_OBJ)): | $(SKELS)

$(OUT)/tests/%: tests/%.c $(LIB) $(OUT)/flags | $(SKELS) $(TEST_SKELS)
	$(say) CC $<
	$(Q)mkdir -p $(@D) && $(COMPILE) -Itests -Ibpf $(DEPGEN) \
		$(LINK) $(if $(filter tests/fuzz/%,$<),-fsanitize=fuzzer) -Wl,--as-needed $(LDFLAGS) \
		-o $@ $< $(LIB) $(PC_LIBS)

# --- BPF: object without DWARF (its BTF stays), then the skeleton that user space includes.
define bpf_rules
$(BUILD)/bpf/%.bpf.o: $(1)/%.bpf.c $(BUILD)/bpf/flags | bpf-tools
	$$(say) BPF $$<
	$$(Q)$$(BPF_COMPILE) -I$(1) $$(DEPGEN) -c -o $$@ $$< && $$(LLVM_STRIP) -g $$@
endef
$(foreach dir,$(sort bpf $(patsubst %/,%,$(dir $(TEST_BPF)))),$(eval $(call bpf_rules,$(dir))))

$(GEN)/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(say) GEN $@
	$(Q)mkdir -p $(@D) && $(BPFTOOL) gen skeleton $< name $*_bpf >$@.new && mv $@.new $@

.SECONDARY:

# --- changed flags, compilers or lists of objects rebuild what they touch.
define keep
	@mkdir -p $(@D); t=$$(printf '%s\n' $(1)); [ "$$t" = "$$(cat $@ 2>/dev/null)" ] || printf '%s\n' "$$t" >$@
endef
quoted = '$(subst ','\'',$(1))'

$(OUT)/flags: FORCE | c-tools
	$(call keep,$(call quoted,$(COMPILE) $(LINKER)))
$(BUILD)/bpf/flags: FORCE
	$(call keep,$(call quoted,$(BPF_COMPILE)))
$(OUT)/objects: FORCE
	$(call keep,$(call quoted,$(LIB_OBJ)))
FORCE:

# --- tools: a missing one is named with what to do about it.
.PHONY: c-tools bpf-tools
c-tools:
	@dist/need.sh '$(CC)' '$(PKG_CONFIG)' && dist/need.sh --libs '$(PKG_CONFIG)' $(LIBS)
bpf-tools:
	@dist/need.sh '$(CLANG)' '$(LLVM_STRIP)' '$(BPFTOOL)'
	@[ -e vmlinux/$(ARCH)/vmlinux.h ] || { echo "isamon is not known to run on $(MACHINE): there is no vmlinux/$(ARCH)/vmlinux.h" >&2; exit 1; }

# As many jobs as there are CPUs, unless the user said how many.
JOBS = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$$(nproc))
SOURCES = git -c safe.directory='$(CURDIR)' ls-files -co --exclude-standard '*.c' '*.h'

##@ Try
demo: ## set up and show isamon at work on a live service (as root; DURATION=seconds)
	$(Q)dist/deps.sh --auto build test
	$(Q)$(MAKE) $(JOBS) all
	$(Q)exec tests/demo/demo

test: ## set up, build and run every test (as root)
	$(Q)dist/deps.sh --auto build test
	$(Q)$(MAKE) $(JOBS) all
	$(Q)BUILD=$(BUILD) exec tests/run $(or $(TESTS),all)

bench: ## print what isamon costs (as root)
	$(Q)dist/deps.sh --auto build test
	$(Q)$(MAKE) $(JOBS) all tests
	$(Q)BUILD=$(BUILD) exec tests/bench/run

##@ Develop
lint: ## check format, static analysers, banned functions, layers, sizes, scripts
	$(Q)dist/deps.sh --auto build lint
	$(Q)MAKE='$(MAKE)' tests/lint

format: ## format all C sources
	$(Q)dist/need.sh clang-format
	$(Q)$(SOURCES) | grep -v '^vmlinux/' | xargs -r clang-format -i

deps: ## install what building, testing and linting need
	$(Q)dist/deps.sh build test lint

##@ Install (DESTDIR, prefix=/usr/local, sysconfdir=/etc, localstatedir=/var, unitdir)
install: all ## install program, unit, example configuration, directories
	$(Q)bindir='$(bindir)' docdir='$(docdir)' mandir='$(mandir)' completiondir='$(completiondir)' sysconfdir='$(sysconfdir)' \
		localstatedir='$(localstatedir)' unitdir='$(unitdir)' DESTDIR='$(DESTDIR)' \
		dist/install.sh install '$(OUT)/isamon'

uninstall: ## remove what install put there; configuration and data stay
	$(Q)bindir='$(bindir)' docdir='$(docdir)' mandir='$(mandir)' completiondir='$(completiondir)' sysconfdir='$(sysconfdir)' \
		localstatedir='$(localstatedir)' unitdir='$(unitdir)' DESTDIR='$(DESTDIR)' \
		dist/install.sh uninstall

##@ Other
clean: ## remove what was built (downloaded kernels in build/vm stay)
	$(Q)[ ! -d $(BUILD) ] || find $(BUILD) -mindepth 1 -maxdepth 1 ! -name vm -exec rm -rf {} +

help: ## list the targets
	@sed -n -e 's/^##@ *\(.*\)/\n\1/p' -e 's/^\([a-z]*\):.*## *\(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

-include $(wildcard $(addsuffix .d,$(LIB_OBJ) $(MAIN_OBJ) $(TEST_PROGS) $(FUZZ_PROGS)) $(BUILD)/bpf/*.d)
