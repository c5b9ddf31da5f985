# Toban. One non-recursive makefile: every product folder becomes one archive, the tree is the build.
#   make [VARIANT=plain|clang|asan|tsan|cover] [WERROR=1] [V=1]      make help
VARIANT ?= plain
BUILD   ?= build
B       := $(BUILD)/$(VARIANT)
Q       := $(if $(V),,@)
comma   := ,

CC_plain := gcc
CC_clang := clang
CC_asan  := clang
CC_tsan  := clang
CC_cover := gcc
# One build for the unit tests and for libFuzzer: its counters cost the tests little.
FLAGS_asan  := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1
FLAGS_tsan  := -fsanitize=thread -fno-omit-frame-pointer -O1
FLAGS_cover := --coverage -O0
CC      := $(CC_$(VARIANT))
CFLAGS  ?= -O2 -g
ALL_CFLAGS := -std=gnu17 -I. -D_GNU_SOURCE -Wall -Wextra -Wconversion -Wshadow \
	-Wmissing-prototypes -Wstrict-prototypes -Wswitch-enum -Wvla -Wundef -Wno-sign-conversion \
	$(if $(WERROR),-Werror) -fstack-protector-strong -fno-common -pthread $(CFLAGS) $(FLAGS_$(VARIANT))
LIBS    := -lcpg -lcmap -lcfg -llmdb -lnanomsg -lssl -lcrypto -lsystemd -lnl-route-3 -lnl-3 \
	-lmicrohttpd -ljansson -lcyaml -lyaml -lfreetype -lqrencode -lm
# CHECK(!"why") is meant: clang alone takes it for a slip.
ALL_CFLAGS += -I/usr/include/libnl3 -I/usr/include/freetype2 $(if $(filter clang,$(CC)),-Wno-string-conversion)

PURE    := base storage/entry storage/ship cluster/duty appliance/queue appliance/calendar appliance/access appliance/statistics \
	watchdog/pet \
	appliance/devices/paper appliance/devices/printer
FOLDERS := $(PURE) storage/adapters cluster/adapters appliance/adapters appliance/engine \
	appliance/gateway appliance/devices appliance/ops watchdog/adapters tests/lib tests/sim tests/printer
# A program is a folder's main.c: name=folder.
PROGRAMS := toband=appliance/engine toban-web=appliance/gateway toban-devices=appliance/devices toban-net=cluster toban-watchdog=watchdog toban=tools/toban \
	toban-office=tools/office toban-bench=tools/bench toban-sim=tests/sim toban-crash=tests/crash \
	toban-printer=tests/printer duty-doc=tools/checks
program_name   = $(firstword $(subst =, ,$(1)))
program_folder = $(lastword $(subst =, ,$(1)))
PRESENT := $(foreach p,$(PROGRAMS),$(if $(wildcard $(call program_folder,$(p))/main.c),$(p)))
BINS    := $(foreach p,$(PRESENT),$(B)/bin/$(call program_name,$(p)))

sources  = $(filter-out %/main.c,$(wildcard $(1)/*.c))
objects  = $(patsubst %.c,$(B)/obj/%.o,$(1))
archive  = $(B)/lib/$(subst /,-,$(1)).a
# What takes the place of libc's functions is linked to its own program only.
ALONE    := tests/crash
ARCHIVED := $(foreach f,$(FOLDERS) tools/toban tools/office tools/bench tools/checks $(ALONE),$(if $(call sources,$(f)),$(f)))
ARCHIVES := $(foreach f,$(filter-out $(ALONE),$(ARCHIVED)),$(call archive,$(f)))
# Programs take what they use from all product archives; tests/ is linked to tests only.
PRODUCT_ARCHIVES := $(foreach f,$(filter-out tests/% tools/%,$(ARCHIVED)),$(call archive,$(f)))

tests_of = $(patsubst %.c,$(B)/tests/%,$(wildcard $(foreach f,$(1),tests/$(f)/*_test.c)))
UNIT_TESTS        := $(call tests_of,unit regression conformance)
INTEGRATION_TESTS := $(call tests_of,integration)
FUZZERS           := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))

.PHONY: all programs tests links web help
all: $(ARCHIVES) $(BINS) links web
	@:

programs: $(ARCHIVES) $(BINS)
tests: $(UNIT_TESTS) $(INTEGRATION_TESTS) $(B)/lib/toban-nth.so $(B)/lib/toban-fakedog.so

help:
	@sed -n 's/^## //p' Makefile

links: $(BINS)
	$(Q)mkdir -p $(BUILD)/bin
	$(Q)for program in $(notdir $(BINS)); do ln -sfn ../$(VARIANT)/bin/$$program $(BUILD)/bin/$$program; done

# The pages are plain files: nothing is compiled or fetched. toban-web serves build/web; start.html, which
# lies on the screens' own disks, is not among what it serves.
PAGES := $(wildcard appliance/gateway/web/*.html appliance/gateway/web/assets/* appliance/gateway/web/voice/*)
web: $(patsubst appliance/gateway/web/%,$(BUILD)/web/%,$(filter-out %/start.html,$(PAGES))) $(BUILD)/start.html
$(BUILD)/web/%: appliance/gateway/web/%
	$(Q)install -D -m 0644 $< $@
$(BUILD)/start.html: appliance/gateway/web/start.html
	$(Q)install -D -m 0644 $< $@

$(B)/obj/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(if $(Q),@echo "  CC    $<")
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# Carried inside the program by .incbin, which the compiler's dependency files do not see.
$(B)/obj/appliance/gateway/openapi.o: appliance/gateway/openapi.json

define archive_rule
$(call archive,$(1)): $(call objects,$(call sources,$(1)))
	$(Q)mkdir -p $$(@D) && rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach f,$(ARCHIVED),$(eval $(call archive_rule,$(f))))

# What this program's own objects ask for fails when its tests want it to (tests/crash/failing.c).
LINK_toban-crash := $(addprefix -Wl$(comma)--wrap=,malloc calloc strdup EVP_MD_CTX_new fdopendir flock eventfd pipe2 \
	pread pthread_create mdb_env_create mdb_env_open mdb_txn_begin mdb_txn_renew mdb_dbi_open mdb_get mdb_put \
	mdb_del mdb_drop mdb_cursor_open mdb_cursor_get mdb_txn_commit mdb_env_copyfd2)
define program_rule
$(B)/bin/$(1): $(B)/obj/$(2)/main.o $$(if $$(filter tests/% tools/%,$(2)),$$(if $$(call sources,$(2)),$$(call archive,$(2)))) $(PRODUCT_ARCHIVES)
	$(Q)mkdir -p $$(@D)
	$$(if $(Q),@echo "  LINK  $(1)")
	$(Q)$(CC) $(ALL_CFLAGS) $(LINK_$(1)) -o $$@ $(B)/obj/$(2)/main.o -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group -Wl,--as-needed $(LIBS)
endef
$(foreach p,$(PRESENT),$(eval $(call program_rule,$(call program_name,$(p)),$(call program_folder,$(p)))))

$(B)/tests/%: $(B)/obj/%.o $(ARCHIVES)
	$(Q)mkdir -p $(@D)
	$(if $(Q),@echo "  LINK  $*")
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $< -Wl,--start-group $(ARCHIVES) -Wl,--end-group -Wl,--as-needed $(LIBS) -lcmocka

## make                 build all programs into build/VARIANT, links at build/bin
## make run             an office on this machine, in the foreground (installs what is missing)
## make demo            one office day with faults, unattended; writes build/demo/report.html
## make test            everything; ends with "N passed, N failed, N skipped" (tests/run.sh STAGE... for parts)
## make check-fast      build, layers, purity, unit tests
## make sim SEEDS=n [SEED=s] [FAULTS=n]  simulated days of two units
## make soak [HOURS=h] [SEED=s]  simulated days without end; failures, made short, in build/sim-failures
## make crash-images [IMAGES=10000] [SEED=s]  power cuts at every flush of a recorded ledger
## make nth-failures    the ledger's operations, and toband, toban-net, toban-web whole, with the n-th call of each kind failing
## make campaign N=500 [SEED=s] [JOBS=2]  random faults on live offices in namespaces; build/campaign
## make planted         each bug of tests/planted must be found by the simulator
## make model          the protocol's model, searched to its end; without each rule it must fail (ten minutes)
## make evidence        the figures of docs/EVIDENCE.md, from docs/evidence (tools/evidence.mjs collect)
## make bench [QUICK=1]  the numbers of DESIGN 8, measured here beside PostgreSQL and Redis
## make wear           what a unit's disk is written for, a visit and an idle hour (docs/SIZING.md)
## make fuzz [T=name] [RUNS=n|SECONDS=n] every decoder against random bytes, one after the other
## make fuzz-short [FUZZ_SECONDS=15] the same for so long each, two at a time, as in make test
## make lint [CHANGED=1]       clang-format, clang-tidy, cppcheck, shellcheck (lint-quick: without path analysis)
## make cover           lines reached by the unit tests (cover-pure: the gate, pure folders reach every line)
## make format          lays out all C sources as .clang-format says
## make manual-pictures takes the pictures of docs/manual anew, from the pages as the browser tests see them
## make deps            installs the Debian and npm packages that are missing
.PHONY: evidence unit check-fast check-layers check-pure check-duty-doc duty-doc check-access-doc access-doc planted run demo test campaign sim model soak crash-images nth-failures bench fuzz fuzzers fuzz-short lint lint-quick cover cover-pure pure-tests format deps clean
.SECONDARY:
check-fast: all check-layers check-pure check-duty-doc check-access-doc unit

check-duty-doc: $(B)/bin/duty-doc
	$(Q)tools/check-duty-doc $(B)/bin/duty-doc

duty-doc: $(B)/bin/duty-doc
	$(Q)tools/check-duty-doc $(B)/bin/duty-doc --write

check-access-doc: $(B)/bin/duty-doc
	$(Q)tools/check-access-doc $(B)/bin/duty-doc

access-doc: $(B)/bin/duty-doc
	$(Q)tools/check-access-doc $(B)/bin/duty-doc --write

planted:
	$(Q)tests/planted/run.sh

check-layers:
	$(Q)tools/check-layers

check-pure:
	$(Q)tools/check-pure $(PURE)

unit: $(UNIT_TESTS)
	$(Q)tests/run.sh --programs $(UNIT_TESTS)

deps:
	$(Q)tools/deps test lint

run:
	$(Q)tools/deps run
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(BUILD)/bin/toban-office run

.PHONY: manual-pictures
manual-pictures: all
	TOBAN_PICTURES=$(CURDIR)/docs/manual/pictures tests/browser/run.sh $(foreach t,kiosk_looks kiosk_guide counter manager board \
		board_voice day,tests/browser/$(t).test.mjs)

demo:
	$(Q)tools/deps run
	$(Q)$(MAKE) --no-print-directory all
	$(Q)node tools/office/demo/demo.mjs $(BUILD)/demo

test:
	$(Q)tools/deps test lint
	$(Q)tests/run.sh

SEEDS  ?= 200
FAULTS ?= 20
sim: $(B)/bin/toban-sim
	$(Q)mkdir -p $(BUILD)/bin && ln -sfn ../$(VARIANT)/bin/toban-sim $(BUILD)/bin/toban-sim
	$(Q)$(B)/bin/toban-sim --seeds $(SEEDS) --faults $(FAULTS) $(if $(SEED),--seed $(SEED)) \
		--jobs $(or $(JOBS),1) --coverage $(BUILD)/sim-coverage.txt --rows tests/sim/rows-not-met.txt

# Seeds that nobody has run yet, unless SEED says which.
HOURS ?= 24
soak: $(B)/bin/toban-sim
	$(Q)mkdir -p $(BUILD)/bin && ln -sfn ../$(VARIANT)/bin/toban-sim $(BUILD)/bin/toban-sim
	$(Q)mkdir -p $(BUILD)/sim-failures
	$(Q)$(B)/bin/toban-sim --hours $(HOURS) --faults $(FAULTS) --seed $(or $(SEED),$(shell date +%s)000) --jobs $(or $(JOBS),1) \
		--keep $(BUILD)/sim-failures --coverage $(BUILD)/sim-coverage.txt

IMAGES ?= 10000
crash-images: $(B)/bin/toban-crash
	$(Q)$(B)/bin/toban-crash --images $(IMAGES) $(if $(SEED),--seed $(SEED))

# What takes the place of the C library's functions in a whole program: tests/nth.
$(B)/lib/toban-nth.so: tests/nth/preload.c tests/nth/points.h
$(B)/lib/toban-fakedog.so: tests/watchdog/fakedog.c
$(B)/lib/toban-%.so:
	$(Q)mkdir -p $(@D)
	$(if $(Q),@echo "  LINK  $@")
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -shared -o $@ $<

nth-failures: all $(B)/lib/toban-nth.so
	$(Q)tools/deps test
	$(Q)$(B)/bin/toban-crash --nth all
	$(Q)node tests/nth/nth.mjs

# A round again: make campaign N=1 SEED=s
N    ?= 500
JOBS ?= 2
campaign:
	$(Q)tools/deps test
	$(Q)$(MAKE) --no-print-directory all
	$(Q)node tests/campaign/campaign.mjs $(BUILD)/campaign --rounds $(N) --jobs $(JOBS) $(if $(SEED),--seed $(SEED))

model:
	$(Q)tools/deps test
	$(Q)BUILD=$(BUILD) tests/model/run.sh

evidence:
	$(Q)node tools/evidence.mjs write

.PHONY: wear
wear: all
	$(Q)node tools/bench/wear.mjs

bench:
	$(Q)tools/deps bench
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(MAKE) --no-print-directory -s $(B)/tests/tests/unit/queue_estimate_day_test
	$(Q)$(B)/tests/tests/unit/queue_estimate_day_test | grep 'wait estimate'
	$(Q)BUILD=$(BUILD) QUICK=$(QUICK) tools/bench/run.sh

RUNS ?= 10000
FUZZ_SECONDS ?= 15
FUZZ_ARCHIVES := $(PRODUCT_ARCHIVES) $(call archive,tools/toban) $(call archive,tests/lib)
$(BUILD)/asan/fuzz/%: $(BUILD)/asan/obj/tests/fuzz/%.o $(FUZZ_ARCHIVES)
	$(Q)mkdir -p $(@D)
	$(if $(Q),@echo "  LINK  $*")
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -o $@ $< -Wl,--start-group $(FUZZ_ARCHIVES) -Wl,--end-group -Wl,--as-needed $(LIBS)

ifeq ($(VARIANT),asan)
fuzzers: $(FUZZERS)
fuzz: $(FUZZERS)
	$(Q)tools/fuzz $(if $(SECONDS),--seconds $(SECONDS),--runs $(RUNS)) $(filter %/$(or $(T:%=%_fuzz),%),$(FUZZERS))
else
fuzz fuzzers:
	$(Q)$(MAKE) --no-print-directory VARIANT=asan $@
endif

fuzz-short:
	$(Q)FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run.sh fuzz

lint:
	$(Q)tools/lint $(if $(CHANGED),--changed) -- $(ALL_CFLAGS)

lint-quick:
	$(Q)tools/lint --quick $(if $(CHANGED),--changed) -- $(ALL_CFLAGS)

cover:
	$(Q)$(MAKE) --no-print-directory VARIANT=cover CFLAGS=-g tests
	$(Q)tools/cover $(BUILD)/cover $(PURE)

# The gate alone: unit tests named after a pure folder must reach every line of it.
PURE_TESTS := $(patsubst %.c,$(B)/tests/%,$(foreach f,$(notdir $(PURE)),$(wildcard tests/unit/$(f)_test.c tests/unit/$(f)_*_test.c)))
pure-tests: $(PURE_TESTS)
cover-pure:
	$(Q)$(MAKE) --no-print-directory VARIANT=cover CFLAGS=-g pure-tests
	$(Q)tools/cover --pure $(BUILD)/cover $(PURE)

# .c files alone: the tables of headers are laid out by hand.
format:
	$(Q)find $(FOLDERS) tools tests cluster watchdog -name '*.c' -not -path '*/node_modules/*' | sort -u | xargs clang-format -i

clean:
	$(Q)rm -rf $(BUILD)

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
