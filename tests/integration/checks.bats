#!/usr/bin/env bats
# The checks that keep the tree's promises must themselves notice a broken one: each test plants one
# offence in a copy of the tree.

setup() {
    copy=$BATS_TEST_TMPDIR/tree
    mkdir "$copy"
    tar -C "$BATS_TEST_DIRNAME/../.." --exclude=./build --exclude=./.git --exclude=node_modules -c . |
        tar -C "$copy" -x
    cd "$copy" || return 1
}

plant() { # FILE TEXT
    printf '%s\n' "$2" >>"$1"
}

caught() { # the last run failed and said WORD
    [ "$status" -eq 1 ]
    [[ "$output" == *"$1"* ]]
}

@test "the tree as it is passes both checks" {
    tools/check-layers
    make check-pure
}

@test "a pure folder that includes another pure folder is caught" {
    plant storage/ship/ship.c '#include "cluster/duty/duty.h"'
    run tools/check-layers
    caught 'storage/ship may not include cluster/duty/duty.h'
}

@test "an include back from base into a layer above is caught" {
    plant base/ids.c '  #  include "storage/entry/entry.h"'
    run tools/check-layers
    caught 'base may not include storage/entry/entry.h'
}

@test "an include between siblings' adapters is caught" {
    mkdir -p cluster/adapters
    plant cluster/adapters/planted.c '#include "storage/adapters/ledger.h"'
    run tools/check-layers
    caught 'cluster/adapters may not include storage/adapters/ledger.h'
}

@test "a gateway that names the ledger is caught" {
    mkdir -p appliance/gateway
    plant appliance/gateway/planted.c '#include "storage/adapters/ledger.h"'
    run tools/check-layers
    caught 'appliance/gateway may not include storage/adapters/ledger.h'
}

@test "the engine's codec is open to the gateway, the rest of the engine is not" {
    mkdir -p appliance/gateway
    plant appliance/gateway/planted.c '#include "appliance/engine/api.h"'
    run tools/check-layers
    [[ "$output" != *"gateway/planted.c"* ]]
    plant appliance/engine/planted.h '/* inner */'
    plant appliance/gateway/planted.c '#include "appliance/engine/planted.h"'
    run tools/check-layers
    caught 'appliance/gateway may not include appliance/engine/planted.h'
}

@test "a library outside its folder is caught" {
    plant appliance/engine/api.c '#include <lmdb.h>'
    run tools/check-layers
    caught 'may not know the library of <lmdb.h>'
}

@test "a system header in a pure folder is caught" {
    plant base/bytes.c '#include <time.h>'
    run tools/check-layers
    caught 'base is pure and may not include <time.h>'
}

@test "an include that is not named from the root is caught" {
    plant base/bytes.c '#include "../base/ids.h"'
    run tools/check-layers
    caught 'not named from the root'
}

@test "an include by macro, and an own header between angles, are caught" {
    plant base/bytes.c '#include SOMETHING'
    run tools/check-layers
    caught 'an include must name its header'
    plant base/ids.c '#include <storage/entry/entry.h>'
    run tools/check-layers
    caught 'own header between < >'
}

@test "product code that includes tests is caught" {
    mkdir -p tests/lib
    plant tests/lib/planted.h '/* a test helper */'
    plant appliance/engine/api.c '#include "tests/lib/planted.h"'
    run tools/check-layers
    caught 'nobody includes tests'
}

@test "a folder that the table does not know is caught" {
    mkdir storage/other
    plant storage/other/planted.c 'int planted;'
    run tools/check-layers
    caught 'this folder has no line in tools/layers.txt'
}

@test "a clock call in a pure folder is caught" {
    plant base/bytes.c '#include <time.h>
long planted_clock(void);
long planted_clock(void) { return time(NULL); }'
    run make check-pure
    [ "$status" -ne 0 ]
    [[ "$output" == *"base: needs 'time' from outside"* ]]
}

@test "an allocation in a pure folder is caught" {
    plant storage/ship/ship.c 'void *planted_allocation(unsigned long n);
void *planted_allocation(unsigned long n) { return __builtin_malloc(n); }'
    run make check-pure
    [ "$status" -ne 0 ]
    [[ "$output" == *"storage/ship: needs 'malloc' from outside"* ]]
}

@test "a static counter in a pure folder is caught" {
    plant cluster/duty/duty.c 'int planted_count(void);
int planted_count(void) { static int calls; return ++calls; }'
    run make check-pure
    [ "$status" -ne 0 ]
    [[ "$output" == *"cluster/duty: holds the writable static 'calls"* ]]
}

@test "a thread-local variable and a writable table are caught" {
    plant cluster/duty/duty.c '_Thread_local int planted_local; int planted_table[2] = {1, 2};'
    run make check-pure
    [ "$status" -ne 0 ]
    [[ "$output" == *"'planted_local'"* ]]
    [[ "$output" == *"'planted_table'"* ]]
}

@test "a call from one pure folder into another is caught without any include" {
    plant storage/ship/ship.c 'void duty_step(void); void planted_call(void);
void planted_call(void) { duty_step(); }'
    run make check-pure
    [ "$status" -ne 0 ]
    [[ "$output" == *"storage/ship: needs 'duty_step' from outside"* ]]
}

@test "a clock read by an instruction is caught" {
    [ "$(uname -m)" = x86_64 ] || skip "rdtsc is an instruction of x86"
    plant base/bytes.c 'unsigned long long planted_cycles(void);
unsigned long long planted_cycles(void) { return __builtin_ia32_rdtsc(); }'
    run make check-pure
    [ "$status" -ne 0 ]
    [[ "$output" == *"uses the instruction 'rdtsc'"* ]]
}
