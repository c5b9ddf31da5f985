#include "storage/adapters/ledger_internal.h"

#include "base/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The structure of the file, checked page by page with pread before LMDB follows it. LMDB 0.9
 * believes what lies on the disk: of 15,000 flipped page header bits, one in six made it abort,
 * overrun or read beyond the file. Here a page is believed only if every node lies inside it, no
 * two overlap, nothing is left over, keys ascend within what the parent says, and no page is used
 * twice.
 *
 * At open all trees are walked except the leaves of the entries (ten million entries have 750,000
 * of them); those are checked as the chain walk comes to them. A reader pins the pages meanwhile:
 * they are those of one commit, whatever the writer does.
 *
 * Layout (mdb.c, struct MDB_page, MDB_node, MDB_db; native byte order):
 *   page   u64 number | u16 pad | u16 flags | u16 lower | u16 upper | u16 node offsets ...
 *          overflow: u32 pages in place of lower and upper
 *   node   u16 low | u16 high | u16 flags | u16 key size | key | data
 *          branch: low, high, flags are the child's number; leaf: low, high are the data's size
 *   tree   u32 pad | u16 flags | u16 depth | u64 branch | leaf | overflow pages | entries | root
 */
enum {
    PAGE_HEADER_BYTES = 16,
    PAGE_BRANCH = 1,
    PAGE_LEAF = 2,
    PAGE_OVERFLOW = 4,
    NODE_HEADER_BYTES = 8,
    NODE_BIG = 1,
    NODE_TREE = 2,
    TREE_BYTES = 48,
    TREE_INTEGER_KEYS = 8,
    DEPTH_MAX = 16,
    KEY_BYTES_MAX = 511,
    BITS = 8,
};

struct tree {
    uint16_t flags, depth;
    uint64_t branch_pages, leaf_pages, overflow_pages, entries, root;
};

enum tree_kind { TREE_FREE, TREE_MAIN, TREE_NAMED };

struct bound {
    const uint8_t *key; /* NULL: none */
    size_t len_bytes;
};

struct checker {
    int fd;
    size_t page_bytes;
    uint64_t last_page;
    uint8_t *buffers; /* one page for each level, then the list of free pages */
    uint8_t *seen;    /* a bit for each page, or NULL: not accounted */
    uint8_t *covered; /* a byte for each of a page */
    enum tree_kind kind;
    bool skip_leaves;
    struct bound from, to; /* only what these keys may lie in */
    struct tree found;     /* counted while walking */
    unsigned depth;
    uint64_t free_pages;
    struct tree named[LEDGER_DATABASES];
    unsigned named_count;
    int entries_index;
    uint64_t bad_page;
};

struct node {
    const uint8_t *key, *data;
    size_t key_bytes;
    uint64_t child;
    uint32_t data_bytes;
    uint16_t flags;
};

static uint16_t load_u16(const uint8_t *bytes)
{
    uint16_t value;

    memcpy(&value, bytes, sizeof(value));
    return value;
}

static uint64_t load_u64(const uint8_t *bytes)
{
    uint64_t value;

    memcpy(&value, bytes, sizeof(value));
    return value;
}

static struct tree load_tree(const uint8_t *bytes)
{
    return (struct tree){
        .flags = load_u16(bytes + 4),
        .depth = load_u16(bytes + 6),
        .branch_pages = load_u64(bytes + 8),
        .leaf_pages = load_u64(bytes + 16),
        .overflow_pages = load_u64(bytes + 24),
        .entries = load_u64(bytes + 32),
        .root = load_u64(bytes + 40),
    };
}

static int bad(struct checker *checker, uint64_t page)
{
    checker->bad_page = page;
    return -EUCLEAN;
}

/* Every page has one use. */
static int mark(struct checker *checker, uint64_t page)
{
    if (page < LEDGER_META_PAGES || page > checker->last_page) {
        return bad(checker, page);
    }
    if (checker->seen != NULL) {
        uint8_t bit = (uint8_t)(1u << page % BITS);
        if ((checker->seen[page / BITS] & bit) != 0) {
            return bad(checker, page);
        }
        checker->seen[page / BITS] |= bit;
    }
    return 0;
}

static int page_read(struct checker *checker, uint64_t page, uint8_t *bytes, size_t len_bytes)
{
    ssize_t n = pread(checker->fd, bytes, len_bytes, (off_t)(page * checker->page_bytes));

    if (n < 0) {
        return -errno;
    }
    return n == (ssize_t)len_bytes && load_u64(bytes) == page ? 0 : bad(checker, page);
}

static int key_compare(const struct checker *checker, const uint8_t *a, size_t a_bytes,
                       const uint8_t *b, size_t b_bytes)
{
    if (checker->kind == TREE_FREE && a_bytes == sizeof(uint64_t) && b_bytes == sizeof(uint64_t)) {
        return (load_u64(a) > load_u64(b)) - (load_u64(a) < load_u64(b));
    }
    int r = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);
    return r != 0 ? r : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

static size_t node_count(const uint8_t *page)
{
    return (size_t)(load_u16(page + 12) - PAGE_HEADER_BYTES) / sizeof(uint16_t);
}

/* Only after page_shape_check. */
static struct node node_at(const uint8_t *page, size_t index)
{
    const uint8_t *raw = page + load_u16(page + PAGE_HEADER_BYTES + index * sizeof(uint16_t));
    struct node node = {
        .key = raw + NODE_HEADER_BYTES,
        .key_bytes = load_u16(raw + 6),
        .flags = load_u16(raw + 4),
        .data_bytes = (uint32_t)load_u16(raw) | (uint32_t)load_u16(raw + 2) << 16,
    };

    node.child = (uint64_t)node.data_bytes | (uint64_t)node.flags << 32;
    node.data = node.key + node.key_bytes;
    return node;
}

/* What the node takes of its page, or 0: it does not fit. */
static size_t node_bytes(const struct checker *checker, const uint8_t *page, size_t offset,
                         bool branch)
{
    if (offset + NODE_HEADER_BYTES > checker->page_bytes) {
        return 0;
    }
    const uint8_t *raw = page + offset;
    size_t key_bytes = load_u16(raw + 6);
    size_t data_bytes = 0;

    if (!branch) {
        uint16_t flags = load_u16(raw + 4);
        uint32_t size = (uint32_t)load_u16(raw) | (uint32_t)load_u16(raw + 2) << 16;
        bool tree = flags == NODE_TREE && size == TREE_BYTES && checker->kind == TREE_MAIN;
        if ((flags != 0 && flags != NODE_BIG && !tree) || (checker->kind == TREE_MAIN && !tree)) {
            return 0;
        }
        data_bytes = flags == NODE_BIG ? sizeof(uint64_t) : size;
    }
    size_t whole = NODE_HEADER_BYTES + key_bytes + data_bytes;
    whole += whole % 2;
    bool integer = checker->kind != TREE_FREE || key_bytes == sizeof(uint64_t) || branch;
    return key_bytes <= KEY_BYTES_MAX && integer && whole <= checker->page_bytes - offset ? whole
                                                                                          : 0;
}

static int page_shape_check(struct checker *checker, uint64_t number, const uint8_t *page,
                            bool branch)
{
    size_t lower = load_u16(page + 12);
    size_t upper = load_u16(page + 14);
    size_t sum = 0;

    if (load_u16(page + 10) != (branch ? PAGE_BRANCH : PAGE_LEAF) || lower < PAGE_HEADER_BYTES ||
        lower % 2 != 0 || lower > upper || upper > checker->page_bytes) {
        return bad(checker, number);
    }
    size_t count = node_count(page);
    if (count < (branch ? 2u : 1u)) {
        return bad(checker, number);
    }
    memset(checker->covered, 0, checker->page_bytes);
    for (size_t i = 0; i < count; i++) {
        size_t offset = load_u16(page + PAGE_HEADER_BYTES + i * sizeof(uint16_t));
        size_t whole = offset < upper ? 0 : node_bytes(checker, page, offset, branch);
        if (whole == 0 || memchr(checker->covered + offset, 1, whole) != NULL) {
            return bad(checker, number);
        }
        memset(checker->covered + offset, 1, whole);
        sum += whole;
    }
    return sum == checker->page_bytes - upper ? 0 : bad(checker, number);
}

/* Ascending, and within what the parent promised; a branch's first key may be left out. */
static int page_order_check(struct checker *checker, uint64_t number, const uint8_t *page,
                            bool branch, struct bound low, struct bound high)
{
    size_t count = node_count(page);
    struct bound before = low;
    bool strict = false;

    for (size_t i = 0; i < count; i++) {
        struct node node = node_at(page, i);
        if (branch && i == 0) {
            continue;
        }
        if (before.key != NULL) {
            int order =
                key_compare(checker, before.key, before.len_bytes, node.key, node.key_bytes);
            if (order > 0 || (order == 0 && strict)) {
                return bad(checker, number);
            }
        }
        before = (struct bound){node.key, node.key_bytes};
        strict = true;
    }
    if (high.key != NULL && before.key != NULL &&
        key_compare(checker, before.key, before.len_bytes, high.key, high.len_bytes) >= 0) {
        return bad(checker, number);
    }
    return 0;
}

/* A value too long for its page: a run of pages with one header. A shorter value written over a
 * longer one keeps the whole run. */
static int overflow_check(struct checker *checker, uint64_t number, const struct node *node)
{
    uint8_t header[PAGE_HEADER_BYTES];
    uint32_t pages = 0;
    uint64_t first = load_u64(node->data);
    uint64_t expected =
        (PAGE_HEADER_BYTES - 1 + (uint64_t)node->data_bytes) / checker->page_bytes + 1;

    if (first < LEDGER_META_PAGES || first > checker->last_page ||
        expected > checker->last_page + 1 - first) {
        return bad(checker, number);
    }
    int r = page_read(checker, first, header, sizeof(header));
    if (r < 0) {
        return r;
    }
    memcpy(&pages, header + 12, sizeof(pages));
    if (load_u16(header + 10) != PAGE_OVERFLOW || pages < expected ||
        pages > checker->last_page + 1 - first) {
        return bad(checker, first);
    }
    for (uint64_t i = 0; r == 0 && i < pages; i++) {
        r = mark(checker, first + i);
    }
    checker->found.overflow_pages += pages;
    return r;
}

/* A list of pages that wait to be used again. */
static int free_list_check(struct checker *checker, uint64_t number, const struct node *node)
{
    const uint8_t *ids = node->data;
    uint8_t *list = NULL;
    int r = 0;

    if (node->data_bytes < sizeof(uint64_t) || node->data_bytes % sizeof(uint64_t) != 0 ||
        node->data_bytes / sizeof(uint64_t) > checker->last_page + 1) {
        return bad(checker, number);
    }
    if (node->flags == NODE_BIG) {
        list = malloc(node->data_bytes);
        if (list == NULL) {
            return -ENOMEM;
        }
        off_t at = (off_t)(load_u64(node->data) * checker->page_bytes + PAGE_HEADER_BYTES);
        ssize_t n = pread(checker->fd, list, node->data_bytes, at);
        r = n < 0 ? -errno : n == (ssize_t)node->data_bytes ? 0 : bad(checker, number);
        ids = list;
    }
    if (r == 0) {
        uint64_t count = load_u64(ids);
        r = count + 1 <= node->data_bytes / sizeof(uint64_t) ? 0 : bad(checker, number);
        for (uint64_t i = 1; r == 0 && i <= count; i++) {
            r = mark(checker, load_u64(ids + i * sizeof(uint64_t)));
        }
        checker->free_pages += r == 0 ? count : 0;
    }
    free(list);
    return r;
}

static int named_tree_note(struct checker *checker, uint64_t number, const struct node *node)
{
    static const char entries[] = "entries";

    if (checker->named_count == LEDGER_DATABASES) {
        return bad(checker, number);
    }
    if (node->key_bytes == sizeof(entries) - 1 &&
        memcmp(node->key, entries, node->key_bytes) == 0) {
        checker->entries_index = (int)checker->named_count;
    }
    checker->named[checker->named_count++] = load_tree(node->data);
    return 0;
}

static int leaf_check(struct checker *checker, uint64_t number, const uint8_t *page)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < node_count(page); i++) {
        struct node node = node_at(page, i);
        if (node.flags == NODE_BIG) {
            r = overflow_check(checker, number, &node);
        }
        if (r == 0 && checker->kind == TREE_FREE) {
            r = free_list_check(checker, number, &node);
        } else if (r == 0 && checker->kind == TREE_MAIN) {
            r = named_tree_note(checker, number, &node);
        }
        checker->found.entries++;
    }
    return r;
}

static bool outside(const struct checker *checker, struct bound low, struct bound high)
{
    const struct bound *from = &checker->from;
    const struct bound *to = &checker->to;

    return (from->key != NULL && high.key != NULL &&
            key_compare(checker, high.key, high.len_bytes, from->key, from->len_bytes) <= 0) ||
           (to->key != NULL && low.key != NULL &&
            key_compare(checker, low.key, low.len_bytes, to->key, to->len_bytes) > 0);
}

/* Recursion is bounded by the tree's depth, which is bounded by DEPTH_MAX. */
static int page_check(struct checker *checker, uint64_t number, unsigned level, struct bound low,
                      struct bound high)
{
    uint8_t *page = checker->buffers + (size_t)level * checker->page_bytes;
    bool branch = level + 1 < checker->depth;
    int r = mark(checker, number);

    if (r == 0 && !branch && checker->skip_leaves) {
        checker->found.leaf_pages++;
        return 0;
    }
    r = r < 0 ? r : page_read(checker, number, page, checker->page_bytes);
    r = r < 0 ? r : page_shape_check(checker, number, page, branch);
    r = r < 0 ? r : page_order_check(checker, number, page, branch, low, high);
    if (r < 0) {
        return r;
    }
    if (!branch) {
        checker->found.leaf_pages++;
        return leaf_check(checker, number, page);
    }
    checker->found.branch_pages++;
    size_t count = node_count(page);
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct node node = node_at(page, i);
        struct bound child_low = i == 0 ? low : (struct bound){node.key, node.key_bytes};
        struct bound child_high = high;
        if (i + 1 < count) {
            struct node next = node_at(page, i + 1);
            child_high = (struct bound){next.key, next.key_bytes};
        }
        if (!outside(checker, child_low, child_high)) {
            r = page_check(checker, node.child, level + 1, child_low, child_high);
        }
    }
    return r;
}

static int tree_check(struct checker *checker, const struct tree *tree, uint64_t holder)
{
    const struct bound none = {0};
    const struct tree *found = &checker->found;
    bool whole = checker->from.key == NULL && checker->to.key == NULL;

    checker->found = (struct tree){0};
    checker->depth = tree->depth;
    if (tree->flags != (checker->kind == TREE_FREE ? TREE_INTEGER_KEYS : 0) ||
        tree->depth > DEPTH_MAX || (tree->depth == 0) != (tree->root == UINT64_MAX)) {
        return bad(checker, holder);
    }
    int r = tree->depth == 0 ? 0 : page_check(checker, tree->root, 0, none, none);
    if (r < 0 || !whole) {
        return r;
    }
    bool leaves_fit = checker->skip_leaves || (found->overflow_pages == tree->overflow_pages &&
                                               found->entries == tree->entries);
    return leaves_fit && found->branch_pages == tree->branch_pages &&
                   found->leaf_pages == tree->leaf_pages
               ? 0
               : bad(checker, holder);
}

static void checker_finish(struct checker *checker)
{
    free(checker->buffers);
    free(checker->covered);
    free(checker->seen);
}

static uint64_t meta_page(const struct ledger_raw_meta *meta)
{
    return meta->txn_id % LEDGER_META_PAGES;
}

static int checker_begin(struct checker *checker, struct ledger *ledger)
{
    mdb_filehandle_t fd = -1;

    CHECK(ledger->reader_depth > 0);
    CHECK(mdb_env_get_fd(ledger->env, &fd) == 0);
    *checker = (struct checker){
        .fd = fd,
        .page_bytes = ledger->page_bytes,
        .last_page = ledger->reader_meta.last_page,
        .entries_index = -1,
        .buffers = malloc((DEPTH_MAX + 1) * ledger->page_bytes),
        .covered = malloc(ledger->page_bytes),
    };
    return checker->buffers == NULL || checker->covered == NULL ? -ENOMEM : 0;
}

static int main_check(struct checker *checker, const struct ledger_raw_meta *meta)
{
    struct tree tree = load_tree(meta->bytes + LEDGER_RAW_META_MAIN_TREE);

    checker->kind = TREE_MAIN;
    return tree_check(checker, &tree, meta_page(meta));
}

static int whole_check(struct checker *checker, const struct ledger_raw_meta *meta)
{
    struct tree tree = load_tree(meta->bytes + LEDGER_RAW_META_FREE_TREE);
    uint64_t unmarked = LEDGER_META_PAGES;

    checker->seen = calloc(checker->last_page / BITS + 1, 1);
    if (checker->seen == NULL) {
        return -ENOMEM;
    }
    checker->kind = TREE_FREE;
    int r = tree_check(checker, &tree, meta_page(meta));
    if (r == 0) {
        r = main_check(checker, meta);
    }
    checker->kind = TREE_NAMED;
    for (unsigned i = 0; r == 0 && i < checker->named_count; i++) {
        checker->skip_leaves = (int)i == checker->entries_index;
        unmarked += checker->skip_leaves ? checker->named[i].overflow_pages : 0;
        r = tree_check(checker, &checker->named[i], meta_page(meta));
    }
    /* Nothing is lost either: every page up to the last is in use or free. */
    uint64_t pages = unmarked;
    for (uint64_t i = 0; r == 0 && i <= checker->last_page / BITS; i++) {
        pages += (uint64_t)__builtin_popcount(checker->seen[i]);
    }
    return r < 0 || pages == checker->last_page + 1 ? r : bad(checker, meta_page(meta));
}

int ledger_pages_check(struct ledger *ledger, uint64_t *ret_free_pages, uint64_t *ret_bad_page)
{
    __attribute__((cleanup(checker_finish))) struct checker checker = {0};
    int r = checker_begin(&checker, ledger);

    if (r == 0) {
        r = whole_check(&checker, &ledger->reader_meta);
    }
    *ret_free_pages = checker.free_pages;
    *ret_bad_page = checker.bad_page;
    return r;
}

int ledger_pages_check_entries(struct ledger *ledger, uint64_t from_lsn, uint64_t to_lsn)
{
    __attribute__((cleanup(checker_finish))) struct checker checker = {0};
    uint8_t from[LEDGER_LSN_KEY_BYTES];
    uint8_t to[LEDGER_LSN_KEY_BYTES];
    int r = checker_begin(&checker, ledger);

    if (r == 0) {
        r = main_check(&checker, &ledger->reader_meta);
    }
    if (r < 0 || checker.entries_index < 0) {
        return r;
    }
    ledger_key_from_lsn(from_lsn, from);
    ledger_key_from_lsn(to_lsn, to);
    checker.kind = TREE_NAMED;
    checker.from = (struct bound){from, sizeof(from)};
    checker.to = (struct bound){to, sizeof(to)};
    return tree_check(&checker, &checker.named[checker.entries_index],
                      meta_page(&ledger->reader_meta));
}
