# Toban. One non-recursive makefile: every product folder becomes one archive, the tree is the build.
#   make [VARIANT=plain|clang|asan|tsan|cover] [WERROR=1] [V=1]      make help
VARIANT ?= plain
BUILD   ?= build
B       := $(BUILD)/$(VARIANT)
Q       := $(if $(V),,@)

CC_plain := gcc
CC_clang := clang
CC_asan  := clang
CC_tsan  := clang
CC_cover := gcc
FLAGS_asan  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1
FLAGS_tsan  := -fsanitize=thread -fno-omit-frame-pointer -O1
FLAGS_cover := --coverage -O0
CC      := $(CC_$(VARIANT))
CFLAGS  ?= -O2 -g
ALL_CFLAGS := -std=gnu17 -I. -D_GNU_SOURCE -Wall -Wextra -Wconversion -Wshadow \
	-Wmissing-prototypes -Wstrict-prototypes -Wswitch-enum -Wvla -Wundef -Wno-sign-conversion \
	$(if $(WERROR),-Werror) -fstack-protector-strong -fno-common -pthread $(CFLAGS) $(FLAGS_$(VARIANT))
LIBS    := -lcpg -lcmap -lcfg -llmdb -lnanomsg -lssl -lcrypto -lsystemd -lnl-route-3 -lnl-3 \
	-lmicrohttpd -ljansson -lcyaml -lyaml -lm
ALL_CFLAGS += -I/usr/include/libnl3

PURE    := base storage/entry storage/ship cluster/duty appliance/queue appliance/calendar watchdog/pet
FOLDERS := $(PURE) storage/adapters cluster/adapters appliance/adapters appliance/engine \
	appliance/gateway appliance/devices appliance/ops watchdog/adapters tests/lib tests/sim
# A program is a folder's main.c: name=folder.
PROGRAMS := toband=appliance/engine toban-web=appliance/gateway toban-net=cluster toban=tools/toban \
	toban-office=tools/office toban-bench=tools/bench toban-sim=tests/sim
program_name   = $(firstword $(subst =, ,$(1)))
program_folder = $(lastword $(subst =, ,$(1)))
PRESENT := $(foreach p,$(PROGRAMS),$(if $(wildcard $(call program_folder,$(p))/main.c),$(p)))
BINS    := $(foreach p,$(PRESENT),$(B)/bin/$(call program_name,$(p)))

sources  = $(filter-out %/main.c,$(wildcard $(1)/*.c))
objects  = $(patsubst %.c,$(B)/obj/%.o,$(1))
archive  = $(B)/lib/$(subst /,-,$(1)).a
ARCHIVED := $(foreach f,$(FOLDERS) tools/toban tools/office tools/bench,$(if $(call sources,$(f)),$(f)))
ARCHIVES := $(foreach f,$(ARCHIVED),$(call archive,$(f)))
# Programs take what they use from all product archives; tests/ is linked to tests only.
PRODUCT_ARCHIVES := $(foreach f,$(filter-out tests/% tools/%,$(ARCHIVED)),$(call archive,$(f)))

UNIT_TESTS := $(patsubst %.c,$(B)/tests/%,$(wildcard tests/unit/*_test.c tests/regression/*_test.c \
	tests/conformance/*_test.c))

.PHONY: all help
all: $(BINS) links
	@:

help:
	@sed -n 's/^## //p' Makefile

.PHONY: links
links: $(BINS)
	$(Q)mkdir -p $(BUILD)/bin
	$(Q)for program in $(notdir $(BINS)); do ln -sfn ../$(VARIANT)/bin/$$program $(BUILD)/bin/$$program; done

$(B)/obj/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(if $(Q),@echo "  CC    $<")
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

define archive_rule
$(call archive,$(1)): $(call objects,$(call sources,$(1)))
	$(Q)mkdir -p $$(@D) && rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach f,$(ARCHIVED),$(eval $(call archive_rule,$(f))))

define program_rule
$(B)/bin/$(1): $(B)/obj/$(2)/main.o $$(if $$(filter tests/% tools/%,$(2)),$$(if $$(call sources,$(2)),$$(call archive,$(2)))) $(PRODUCT_ARCHIVES)
	$(Q)mkdir -p $$(@D)
	$$(if $(Q),@echo "  LINK  $(1)")
	$(Q)$(CC) $(ALL_CFLAGS) -o $$@ $(B)/obj/$(2)/main.o -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group -Wl,--as-needed $(LIBS)
endef
$(foreach p,$(PRESENT),$(eval $(call program_rule,$(call program_name,$(p)),$(call program_folder,$(p)))))

$(B)/tests/%: $(B)/obj/%.o $(ARCHIVES)
	$(Q)mkdir -p $(@D)
	$(if $(Q),@echo "  LINK  $*")
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $< -Wl,--start-group $(ARCHIVES) -Wl,--end-group -Wl,--as-needed $(LIBS) -lcmocka

.PHONY: unit check-fast check-layers check-pure clean
.SECONDARY:
unit: $(UNIT_TESTS)
	$(Q)for t in $(UNIT_TESTS); do $$t 2>$$t.log >$$t.out || { cat $$t.out $$t.log; exit 1; }; tail -n 3 $$t.log; done

check-layers:
	$(Q)tools/check-layers

check-pure:
	$(Q)tools/check-pure $(PURE)

clean:
	$(Q)rm -rf $(BUILD)

-include mk/*.mk
-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
