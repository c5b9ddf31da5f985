/*
 * The pair, as a Spin model: what DESIGN 3 and cluster/duty, appliance/engine do about terms, sessions, meetings and
 * plain numbers, searched breadth first within the bounds below. docs/DUTY.md, "The model", says which transition is
 * which row of duty's table, what is left out and why, and names every rule of this file; tests/model/run.sh searches
 * it, and again with each rule taken away (-DNO_rule), which must give a counter-example.
 *
 * One category, one day. A ledger is an array of entries; an entry that two ledgers hold at one place is the same
 * entry (that is what the chain hash says). `count` entries are in memory, `disk` of them durable: a crash takes the
 * rest. Time is not there: every wait may end at any moment, so every suspicion may be false.
 */
#ifndef LOG
#define LOG 8      /* entries in a ledger */
#endif
#ifndef NUMBERS
#define NUMBERS 3  /* the highest plain number */
#endif
#ifndef STEP
#define STEP 1     /* a ceiling is so far above the highest number */
#endif
#ifndef TERMS
#define TERMS 4    /* the highest number of a term; the pair begins in term 1 */
#endif
#ifndef SESSIONS
#define SESSIONS 2 /* of one unit id */
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef BREAKS
#define BREAKS 2   /* a contact given up although both live: lost frames, false suspicion, a cut */
#endif
#ifndef HANDOVERS
#define HANDOVERS 1
#endif
#define TERM_SLOTS (TERMS + 2)

/* ---- entries ---- */
#define NOTHING 0
#define TICKET(number, twin) (2 * (number) - 1 + (twin)) /* two different tickets may have one number: twins */
#define IS_TICKET(e) ((e) >= 1 && (e) < 16)
#define NUMBER(e) (((e) + 1) / 2)
#define TWIN(e) ((((e) - 1) ^ 1) + 1)
#define SESSION(id, number, second) (16 + (id) * 8 + (number) * 2 + (second)) /* stands for a lettered ticket, too */
#define IS_SESSION(e) ((e) >= 16 && (e) < 40)
#define SESSION_ID(e) (((e) - 16) / 8)
#define SESSION_NUMBER(e) ((((e) - 16) / 2) & 3)
#define IS_KEPT(e) ((e) >= 1 && (e) < 40) /* what a visitor may have in his hand */
#define TERM(slot) (40 + (slot))
#define IS_TERM(e) ((e) >= 40 && (e) < 48)
#define CEILING(number) (48 + (number))
#define IS_CEILING(e) ((e) >= 48 && (e) < 64)
#define SKIP(number) (64 + (number))
#define IS_SKIP(e) ((e) >= 64 && (e) < 80)
#define APPROVED 80

byte log[2 * LOG];
#define AT(u, i) log[(u) * LOG + (i)]
byte count[2], disk[2];
/* A term entry's content, by the slot that it is named by while a ledger holds it. */
byte term_number[TERM_SLOTS], term_duty[TERM_SLOTS], term_ceiling[TERM_SLOTS], term_newcomer[TERM_SLOTS];

/* ---- a unit; P is the other ---- */
#define P (1 - u)
#define DOWN 0
#define WAITING 1
#define TAKING 2
#define ALONE 3
#define SOURCE 4
#define OTHER 5
#define MINTING 6
#define DUTY 7
#define SPARE 8
#define HANDING 9
byte mode[2];
bit agreed[2];         /* believes in a contact */
bit contact;           /* and the other is in the same one; without DELAYS they always know alike */
bit serves[2];         /* by letter */
byte asked[2];         /* BEGIN_SESSION is out: durable up to here, it may be used */
byte step[2];          /* SOURCE: 1 the tail is adopted. OTHER: 1 tail closed, 2 has the source's ledger */
byte until[2];         /* SOURCE: what the other must hold */
byte acked[2];         /* the other's disk holds so much, as far as we heard */
#ifdef DELAYS
byte flying[2];        /* an acknowledgement on its way to us */
#endif
byte mint[2];          /* a term of ours is being confirmed: up to here */
byte obey[2];          /* a term of theirs is to be obeyed when durable: up to here */
byte highest[2];       /* term that it heard of, in this process */
/* the record outside the data disk */
byte record_term[2], record_replaced[2], record_session[2], record_ceiling[2];
bit restored[2];       /* began with a ledger older than the record; nothing was minted since */
byte joins[2];         /* on the data disk: INCOMPLETE until a term of this number */
bit newcomer[2];       /* the box in this place is the one that replaced the first */
#ifdef NO_NEW_ID
#define ID(u) (u)
#else
#define ID(u) (newcomer[u] -> 2 : u)
#endif
#define BLANK(u) (count[u] == 0 || joins[u] != 0)

byte crashes, breaks, handovers;
byte fault;            /* of a disk: 0 none yet, 1 + u: u's is being rolled back, 3 over */

#ifdef IMAGE
byte image[LOG], image_count; /* a copy of a data disk, kept somewhere: of unit image_of - 1 */
byte image_of;
#endif

/* ---- what visitors saw, and what must hold: seen from outside ---- */
short answered;        /* tickets that somebody was told of */
short on_both;         /* told of while PAIRED */
int lettered;          /* sessions used: id * 4 + number */
byte used_term;        /* the highest term in which a unit was on duty */
byte ever_term[2];     /* the highest term that was ever durable on the disk of this box */
bit hurt[2];           /* its disk was changed by a fault since its last contact */
#define HAS_BIT(set, n) (((set) >> (n)) & 1)

/* scratch: zero between transitions */
byte i, j, e, x, n, c, common, limit, safe;
byte hi, ceil, slot, sess; /* of fold() */
byte appr, found, need;

/* What the first `UPTO` entries of W's ledger fold to. */
inline fold(W, UPTO)
{
    hi = 0; ceil = 0; slot = 0; sess = 0; appr = 0; i = 0; limit = UPTO;
    do
    :: i < limit ->
        e = AT(W, i);
        if
        :: IS_TICKET(e) -> if :: NUMBER(e) > hi -> hi = NUMBER(e) :: else fi
        :: IS_SESSION(e) -> if :: SESSION_ID(e) == ID(W) && SESSION_NUMBER(e) > sess -> sess = SESSION_NUMBER(e) :: else fi
        :: IS_TERM(e) -> slot = e - TERM(0); appr = 0;
            if :: term_ceiling[slot] > ceil -> ceil = term_ceiling[slot] :: else fi
        :: IS_CEILING(e) -> if :: e - CEILING(0) > ceil -> ceil = e - CEILING(0) :: else fi
        :: IS_SKIP(e) -> if :: e - SKIP(0) > hi -> hi = e - SKIP(0) :: else fi
        :: e == APPROVED -> appr = 1
        :: else
        fi;
        i++
    :: else -> break
    od
}

/* found: the first `UPTO` entries of W's ledger hold `ENTRY`. */
inline look_for(W, UPTO, ENTRY)
{
    found = 0; j = 0;
    do
    :: j < UPTO -> if :: AT(W, j) == ENTRY -> found = 1 :: else fi; j++
    :: else -> break
    od
}

inline append(W, ENTRY)
{
    AT(W, count[W]) = ENTRY;
    count[W]++
}

/* Slots of terms that no ledger holds are free again: what is forgotten makes no difference. */
inline forget_terms()
{
    c = 1;
    do
    :: c < TERM_SLOTS ->
        look_for(0, count[0], TERM(c)); x = found;
        look_for(1, count[1], TERM(c));
#ifdef IMAGE
        j = 0;
        do
        :: j < image_count -> if :: image[j] == TERM(c) -> found = 1 :: else fi; j++
        :: else -> break
        od;
#endif
        if
        :: !x && !found -> term_number[c] = 0; term_duty[c] = 0; term_ceiling[c] = 0; term_newcomer[c] = 0
        :: else
        fi;
        c++
    :: else -> break
    od
}

/* Visitors are told of every ticket in the first `UPTO` entries: whoever asks with its key again is. */
inline answer(W, UPTO, PAIRED)
{
    i = 0; limit = UPTO;
    do
    :: i < limit ->
        e = AT(W, i);
        if
        :: IS_TICKET(e) ->
            assert(!HAS_BIT(answered, TWIN(e))); /* promise 1: two papers, one number */
            answered = answered | (1 << e);
            if
            :: PAIRED && !HAS_BIT(on_both, e) ->
                look_for((1 - W), disk[(1 - W)], e);
                assert(found || hurt[(1 - W)]);        /* promise 2: both disks hold it */
                on_both = on_both | (1 << e)
            :: else
            fi
        :: else
        fi;
        i++
    :: else -> break
    od
}

/* Promise 5: the spare's ledger is a beginning of the duty unit's. */
inline check_prefix(W)
{
    i = 0;
    do
    :: i < count[(1 - W)] && i < count[W] -> assert(AT(W, i) == AT((1 - W), i)); i++
    :: else -> break
    od
}

/* Promise 2: no fault of W's disk loses what was told of while PAIRED. */
inline check_kept(W)
{
    i = 1;
    do
    :: i < 16 ->
        if
        :: HAS_BIT(on_both, i) -> look_for((1 - W), disk[(1 - W)], i); assert(found)
        :: else
        fi;
        i++
    :: else -> break
    od
}

inline leave_contact(W)
{
    if
    :: agreed[W] ->
        agreed[W] = 0;
        step[W] = 0; until[W] = 0; acked[W] = 0; mint[W] = 0; obey[W] = 0;
#ifdef DELAYS
#ifndef NO_DROPPED_FRAMES
        flying[W] = 0; /* frames of a contact given up are dropped */
#endif
#endif
        if
        :: mode[W] == SOURCE || mode[W] == OTHER || mode[W] == MINTING || mode[W] == DUTY || mode[W] == SPARE ||
            mode[W] == HANDING ->
            asked[W] = 0;
            mode[W] = (serves[W] -> ALONE : WAITING);
            if :: serves[W] -> answer(W, disk[W], 0) :: else fi
        :: else
        fi
    :: else
    fi
}

/* W gives its contact up, or dies. The other finds out when it hears of it; what it does until then it could have
 * done before, unless an acknowledgement is still flying to it. */
inline end_contact(W)
{
    contact = 0;
#ifndef DELAYS
    leave_contact(1 - W);
#endif
    leave_contact(W)
}

inline take_duty(W, NUMBER_OF)
{
    assert(NUMBER_OF > used_term); /* promise 4 */
    used_term = NUMBER_OF;
    serves[W] = 0; restored[W] = 0; step[W] = 0; until[W] = 0;
    mode[W] = DUTY;
    assert(mode[1 - W] != DUTY)    /* promise 3 */
}

inline become_spare(W)
{
    serves[W] = 0; restored[W] = 0; step[W] = 0; until[W] = 0; acked[W] = 0;
#ifdef DELAYS
    flying[W] = 0;
#endif
    mode[W] = SPARE
}

/* safe: up to here both disks hold it, as far as W heard. */
inline find_safe(W)
{
    safe = disk[W];
    if :: acked[W] < disk[W] -> safe = acked[W] :: else fi
}

/* After a sync and after an acknowledgement: a term of ours may be confirmed, replies may leave. */
inline note_both(W)
{
    if
#ifdef NO_CONFIRMATION
    :: mint[W] != 0 && disk[W] >= mint[W] ->
        acked[W] = disk[W];
#else
    :: mint[W] != 0 && disk[W] >= mint[W] && acked[W] >= mint[W] ->
#endif
        e = AT(W, mint[W] - 1);
        n = e - TERM(0);
        look_for(1 - W, disk[1 - W], e);
        assert(found || hurt[1 - W]); /* promise 4: durable on both before the first plain number */
        mint[W] = 0;
        if
        :: mode[W] == MINTING -> take_duty(W, term_number[n])
        :: else ->
            find_safe(W); answer(W, safe, 1); /* replies of before */
            become_spare(W)
        fi
    :: else
    fi;
    if
    :: mode[W] == DUTY || mode[W] == HANDING -> find_safe(W); answer(W, safe, 1)
    :: else
    fi
}

/* From its own sync of a term entry a unit obeys it. */
inline obey_term(W)
{
    n = AT(W, obey[W] - 1) - TERM(0);
#ifdef DELAYS
    if :: contact -> flying[1 - W] = obey[W] :: else fi;
#endif
    obey[W] = 0;
    if
    :: term_duty[n] == W ->
        take_duty(W, term_number[n]);
        acked[W] = disk[W]; /* the giver holds all that we hold */
        answer(W, disk[W], 1)
    :: else -> become_spare(W)
    fi
}

/* Session and term of the record are written behind the ledger's transaction, before anything is told. */
inline note_durable(W)
{
    fold(W, disk[W]);
    if :: term_number[slot] > record_term[W] -> record_term[W] = term_number[slot] :: else fi;
    if :: record_term[W] > highest[W] -> highest[W] = record_term[W] :: else fi;
    if :: ceil > record_ceiling[W] -> record_ceiling[W] = ceil :: else fi;
    if :: joins[W] != 0 && term_number[slot] >= joins[W] -> joins[W] = 0 :: else fi
}

/* Promise 1: no letter is used twice. */
inline session_stored(W)
{
    e = AT(W, asked[W] - 1);
    asked[W] = 0;
    record_session[W] = SESSION_NUMBER(e);
    assert(!HAS_BIT(lettered, SESSION_ID(e) * 4 + SESSION_NUMBER(e)));
    lettered = lettered | (1 << (SESSION_ID(e) * 4 + SESSION_NUMBER(e)));
    serves[W] = 1;
    if :: mode[W] == TAKING -> mode[W] = ALONE :: else fi
}

/* The newest term of W's ledger, which fold() found, names the box in the other place. */
#define NAMES_PEER(w) (slot != 0 && (newcomer[1 - (w)] -> term_newcomer[slot] == 2 - (w) : term_newcomer[slot] != 2 - (w)))

inline write_term(W, PLACE)
{
    fold(W, count[W]);
#ifdef NO_HIGHEST_TERM
    n = term_number[slot] + 1;
#else
    n = highest[W] + 1;
#endif
    c = (ceil <= hi -> hi + STEP : ceil);
    x = 1;
    do
    :: x < TERM_SLOTS && term_number[x] != 0 -> x++
    :: else -> break
    od;
    if
    :: n <= TERMS && x < TERM_SLOTS ->
        assert(n > ever_term[0] && n > ever_term[1]); /* promise 4 */
        term_number[x] = n; term_duty[x] = PLACE; term_ceiling[x] = c;
        term_newcomer[x] = (newcomer[0] -> 1 : (newcomer[1] -> 2 : 0));
        append(W, TERM(x));
        mint[W] = count[W]; highest[W] = n;
        mode[W] = (PLACE == W -> MINTING : HANDING)
    :: else
    fi
}

/* Our ledgers are equal before this entry. */
inline find_common()
{
    common = 0;
    do
    :: common < count[0] && common < count[1] && AT(0, common) == AT(1, common) -> common++
    :: else -> break
    od
}

inline clear()
{
    i = 0; j = 0; e = 0; x = 0; n = 0; c = 0; common = 0; limit = 0; safe = 0;
    hi = 0; ceil = 0; slot = 0; sess = 0; appr = 0; found = 0; need = 0
}

proctype unit(byte u)
{
    do
    /* ---- the process ---- */
    :: d_step { /* crash: what is not durable is lost */
        mode[u] != DOWN && crashes < CRASHES ->
        crashes++;
        do :: count[u] > disk[u] -> count[u]--; AT(u, count[u]) = NOTHING :: else -> break od;
        end_contact(u);
        serves[u] = 0; mode[u] = DOWN; highest[u] = 0; asked[u] = 0;
#ifdef NO_RESTORED_REMEMBERED
        restored[u] = 0;
#endif
        forget_terms();
        clear()
    }
    :: d_step { /* crash: the last batch is durable, and nobody was told; the record does not know of it */
        mode[u] != DOWN && crashes < CRASHES && count[u] > disk[u] ->
        crashes++;
        disk[u] = count[u];
        end_contact(u);
        serves[u] = 0; mode[u] = DOWN; highest[u] = 0; asked[u] = 0;
#ifdef NO_RESTORED_REMEMBERED
        restored[u] = 0;
#endif
        fold(u, disk[u]);
        if :: joins[u] != 0 && term_number[slot] >= joins[u] -> joins[u] = 0 :: else fi;
        clear()
    }
    :: d_step { /* start: looks first, is never on duty by memory */
        mode[u] == DOWN ->
        mode[u] = WAITING;
        if :: fault == 1 + u -> fault = 3 :: else fi;
        fold(u, disk[u]);
        highest[u] = term_number[slot];
#ifndef NO_RECORDED_TERM
        if :: record_term[u] > highest[u] -> highest[u] = record_term[u] :: else fi;
#endif
#ifndef NO_RESTORED
        restored[u] = restored[u] ||
            (count[u] != 0 && ((record_term[u] > term_number[slot] && record_term[u] > record_replaced[u]) ||
                               record_session[u] > sess || record_ceiling[u] > ceil));
#endif
#ifdef NO_LOOKING_FIRST
        if
        :: slot != 0 && term_duty[slot] == u && !BLANK(u) && !agreed[u] && !agreed[P] &&
            (mode[P] == WAITING || mode[P] == ALONE) ->
            mode[u] = DUTY; mode[P] = SPARE; serves[P] = 0; agreed[u] = 1; agreed[P] = 1; contact = 1;
            acked[u] = 0
        :: else
        fi;
#endif
        clear()
    }
    :: d_step { /* sync: the batch is durable, and what waited for that is told */
        mode[u] != DOWN && disk[u] < count[u] ->
        disk[u] = count[u];
        note_durable(u);
        if :: record_term[u] > ever_term[u] -> ever_term[u] = record_term[u] :: else fi;
        if :: asked[u] != 0 -> session_stored(u) :: else fi;
        if :: obey[u] != 0 && (mode[u] == SPARE || mode[u] == OTHER) -> obey_term(u) :: else fi;
        note_both(u);
        if :: serves[u] && mode[u] != MINTING -> answer(u, disk[u], 0) :: else fi;
        clear()
    }

    /* ---- contact ---- */
    :: d_step { /* give-up: mute, not acknowledged in time, links closed; or the other has given us up */
        agreed[u] && (!contact || breaks < BREAKS) ->
        if :: contact -> breaks++ :: else fi;
        end_contact(u);
        clear()
    }

    /* ---- alone ---- */
    :: d_step { /* session: begun in the ledger; also by a source that serves nobody */
        (mode[u] == WAITING || mode[u] == SOURCE) && !serves[u] && asked[u] == 0 &&
#ifndef NO_BLANK_WAITS
            !BLANK(u) &&
#endif
            count[u] < LOG ->
        fold(u, count[u]);
#ifndef NO_RECORD
        if :: record_session[u] > sess -> sess = record_session[u] :: else fi;
#endif
        if
        :: sess < SESSIONS ->
            append(u, SESSION(ID(u), sess + 1, 0));
            asked[u] = count[u];
            if :: mode[u] == WAITING -> mode[u] = TAKING :: else fi
        :: else
        fi;
        clear()
    }
#ifdef LETTERS
    :: d_step { /* letter: a second ticket of a session */
        serves[u] && mode[u] != MINTING && count[u] < LOG ->
        look_for(u, count[u], SESSION(ID(u), record_session[u], 1));
        if :: !found -> append(u, SESSION(ID(u), record_session[u], 1)) :: else fi;
        clear()
    }
#endif

    /* ---- paired ---- */
    :: d_step { /* assign: a plain number that both disks know to be reserved */
#ifdef NO_LETTERS
        (mode[u] == DUTY || mode[u] == ALONE) &&
#else
#ifdef NO_HOLD
        (mode[u] == DUTY || mode[u] == HANDING) &&
#else
        mode[u] == DUTY &&
#endif
#endif
            count[u] < LOG ->
#ifdef NO_CEILING_ON_BOTH
        fold(u, count[u]);
#else
        find_safe(u); fold(u, safe);
#endif
        c = ceil;
#ifdef NO_LETTERS
        if :: mode[u] == ALONE -> c = NUMBERS :: else fi;
#endif
        fold(u, count[u]);
        if
        :: hi < c && hi < NUMBERS ->
            e = TICKET(hi + 1, 0);
            look_for(0, count[0], e); x = found;
            look_for(1, count[1], e);
            if :: x || found || HAS_BIT(answered, e) -> e = TWIN(e) :: else fi;
            append(u, e)
        :: else
        fi;
        clear()
    }
    :: d_step { /* raise: the ceiling */
        mode[u] == DUTY && count[u] < LOG ->
        fold(u, count[u]);
        if :: ceil <= hi + STEP - 1 && hi + STEP <= NUMBERS -> append(u, CEILING(hi + STEP)) :: else fi;
        clear()
    }
    :: d_step { /* take: the spare, or the other of a mint, takes the next entry */
        (mode[u] == SPARE || (mode[u] == OTHER && step[u] == 2)) && contact &&
            (mode[P] == DUTY || mode[P] == MINTING || mode[P] == HANDING) &&
#ifndef NO_TERM_DURABLE_FIRST
            (mint[P] == 0 || disk[P] >= mint[P] || count[u] + 1 < mint[P]) &&
#endif
            count[u] < count[P] ->
        append(u, AT(P, count[u]));
        if :: mint[P] != 0 && count[u] == mint[P] -> obey[u] = count[u] :: else fi;
        check_prefix(u);
#ifdef NO_OWN_SYNC
        if :: obey[u] != 0 -> obey_term(u) :: else fi;
#endif
        clear()
    }
#ifdef NO_OWN_SYNC
#define ACKNOWLEDGED(w) count[w]
#else
#define ACKNOWLEDGED(w) disk[w]
#endif
#ifdef DELAYS
    :: d_step { /* acknowledge: what its disk holds */
        (mode[u] == SPARE || (mode[u] == OTHER && step[u] == 2)) && contact && agreed[u] &&
            ACKNOWLEDGED(u) > acked[P] && flying[P] < ACKNOWLEDGED(u) ->
        flying[P] = ACKNOWLEDGED(u)
    }
    :: d_step { /* acknowledge: it arrives, however late */
        agreed[u] && flying[u] != 0 ->
        if :: flying[u] > acked[u] -> acked[u] = flying[u] :: else fi;
        flying[u] = 0;
        note_both(u);
        clear()
    }
#else
    :: d_step { /* acknowledge: what its disk holds, and it arrives */
        (mode[u] == DUTY || mode[u] == MINTING || mode[u] == HANDING) && contact && ACKNOWLEDGED(P) > acked[u] &&
            (mode[P] == SPARE || (mode[P] == OTHER && step[P] == 2) || (mode[P] == DUTY && mint[u] > acked[u])) ->
        acked[u] = (mode[P] == DUTY -> mint[u] : ACKNOWLEDGED(P));
        note_both(u);
        clear()
    }
#endif
#ifdef NO_BOTH_DISKS
    :: d_step { /* assign: and answered without the spare */
        mode[u] == DUTY && acked[u] < disk[u] ->
        acked[u] = disk[u];
        note_both(u);
        clear()
    }
#endif
    :: d_step { /* hand-over: a term that names the other */
        mode[u] == DUTY && mode[P] == SPARE && contact && count[u] < LOG && handovers < HANDOVERS ->
        handovers++;
        write_term(u, P);
        clear()
    }

    /* ---- meeting: which of the two is the source does not matter here, but a blank one never is ---- */
    :: d_step { /* meet: each has heard the other, and that the other heard it; both name u the source */
        !agreed[0] && !agreed[1] && (mode[u] == WAITING || mode[u] == ALONE) &&
#ifndef NO_BLANK_WAITS
            !BLANK(u) &&
#endif
            (mode[P] == WAITING || mode[P] == ALONE) ->
        fold(u, count[u]);
        if
        :: NAMES_PEER(u) || slot == 0 || (appr && BLANK(P)) ->
            agreed[0] = 1; agreed[1] = 1; contact = 1; hurt[0] = 0; hurt[1] = 0;
            if :: highest[0] > highest[1] -> highest[1] = highest[0] :: else -> highest[0] = highest[1] fi;
            mode[u] = SOURCE; mode[P] = OTHER
        :: else
        fi;
        clear()
    }
    :: d_step { /* close-tail: the other ends its session, durably */
        mode[u] == OTHER && step[u] == 0 && contact &&
#ifndef NO_TAIL_CLOSED
            disk[u] == count[u] &&
#endif
            agreed[u] ->
#ifndef NO_TAIL_CLOSED
        serves[u] = 0;
#endif
        step[u] = 1
    }
    :: d_step { /* adopt: the source compares, adopts, and skips numbers */
        mode[u] == SOURCE && step[u] == 0 && contact && step[P] == 1 ->
        find_common();
        n = count[u]; x = common; /* the room that it takes */
        do
        :: x < count[P] ->
            look_for(u, count[u], AT(P, x));
            if :: !found && IS_KEPT(AT(P, x)) -> n++ :: else fi;
            x++
        :: else -> break
        od;
        fold(P, count[P]);
        c = ceil;
        fold(u, count[u]);
        if :: ceil > c -> c = ceil :: else fi;
        if :: record_ceiling[u] > c -> c = record_ceiling[u] :: else fi;
        need = restored[u] || restored[P] || BLANK(P) || !NAMES_PEER(u);
#ifdef NO_SKIP
        need = 0;
#endif
        if
        :: n + need <= LOG ->
#ifndef NO_ADOPTION
            x = common;
            do
            :: x < count[P] ->
                e = AT(P, x);
                look_for(u, count[u], e);
                if :: !found && IS_KEPT(e) -> append(u, e) :: else fi;
                x++
            :: else -> break
            od;
#endif
            fold(u, count[u]);
            if :: need && c > hi -> append(u, SKIP(c)) :: else fi;
            until[u] = count[u]; step[u] = 1
        :: else
        fi;
        clear()
    }
    :: d_step { /* swap: the source's ledger takes the place of the other's, in one transaction */
        mode[u] == OTHER && step[u] == 1 && contact && mode[P] == SOURCE &&
#ifndef NO_ADOPTED_FIRST
            disk[P] >= until[P] &&
#endif
            step[P] == 1 ->
        serves[u] = 0;
        x = 0;
        do /* promise 5: nothing is dropped */
        :: x < count[u] ->
            e = AT(u, x);
            look_for(P, disk[P], e);
            assert(!IS_KEPT(e) || found);
            x++
        :: else -> break
        od;
#ifndef NO_INCOMPLETE
        if :: BLANK(u) -> joins[u] = highest[P] + 1 :: else fi;
#endif
        find_common();
        if
        :: common < count[u] -> record_replaced[u] = record_term[u]; record_ceiling[u] = 0
        :: else
        fi;
        x = 0;
        do
        :: x < LOG -> AT(u, x) = AT(P, x); x++
        :: else -> break
        od;
        count[u] = count[P]; disk[u] = count[P]; step[u] = 2;
        note_durable(u);
        forget_terms();
        clear()
    }
#ifdef SNAPSHOT
    :: d_step { /* snapshot: an older one of it does, longer than what both share; the process starts anew with that */
        mode[u] == OTHER && step[u] == 1 && contact && mode[P] == SOURCE && step[P] == 1 && disk[P] >= until[P] ->
        find_common();
        need = 1;
#ifndef NO_ADOPTED_IN_SNAPSHOT
        x = common;
        do
        :: x < disk[u] ->
            look_for(P, disk[P] - 1, AT(u, x));
            if :: IS_KEPT(AT(u, x)) && !found -> need = 0 :: else fi;
            x++
        :: else -> break
        od;
#endif
        if
        :: need && disk[P] > common + 1 ->
            if :: BLANK(u) -> joins[u] = highest[P] + 1 :: else fi;
#ifdef NO_INCOMPLETE
            joins[u] = 0;
#endif
            record_replaced[u] = record_term[u]; record_ceiling[u] = 0;
            count[u] = disk[P] - 1; disk[u] = count[u];
            x = 0;
            do
            :: x < LOG -> AT(u, x) = (x < count[u] -> AT(P, x) : NOTHING); x++
            :: else -> break
            od;
            note_durable(u);
            end_contact(u);
            serves[u] = 0; mode[u] = DOWN; highest[u] = 0;
            forget_terms()
        :: else
        fi;
        clear()
    }
#endif
    :: d_step { /* mint: the other holds all */
        mode[u] == SOURCE && step[u] == 1 && contact && step[P] == 2 && asked[u] == 0 && count[u] < LOG ->
        acked[u] = until[u];
        write_term(u, u);
        clear()
    }

    /* ---- disks ---- */
#ifdef ROLLBACK
    :: d_step { /* roll-back: an older image of the data disk comes back; the record does not */
        mode[u] == DOWN && (fault == 0 || fault == 1 + u) && disk[u] > 1 ->
        fault = 1 + u; hurt[u] = 1;
        disk[u]--; count[u]--; AT(u, disk[u]) = NOTHING;
        check_kept(u);
        forget_terms();
        clear()
    }
#endif
#ifdef IMAGE
    :: d_step { /* back-up: an image of the data disk is made */
        image_of == 0 && fault == 0 && mode[u] != DOWN ->
        image_of = 1 + u; image_count = disk[u];
        x = 0;
        do
        :: x < disk[u] -> image[x] = AT(u, x); x++
        :: else -> break
        od;
        clear()
    }
    :: d_step { /* roll-back: that image comes back, whatever meetings have replaced since; the record does not */
        image_of == 1 + u && fault == 0 && mode[u] == DOWN ->
        fault = 1 + u; hurt[u] = 1; image_of = 0;
        x = 0;
        do
        :: x < LOG -> AT(u, x) = (x < image_count -> image[x] : NOTHING); image[x] = NOTHING; x++
        :: else -> break
        od;
        disk[u] = image_count; count[u] = image_count; image_count = 0;
        check_kept(u);
        forget_terms();
        clear()
    }
#endif
#ifdef REPLACEMENT
    :: d_step { /* replace: another box in its place: no ledger, no record */
        mode[u] == DOWN && fault == 0 ->
        fault = 3; hurt[u] = 1; newcomer[u] = 1;
        do :: count[u] > 0 -> count[u]--; AT(u, count[u]) = NOTHING :: else -> break od;
        disk[u] = 0; joins[u] = 0; ever_term[u] = 0; restored[u] = 0;
        record_term[u] = 0; record_replaced[u] = 0; record_session[u] = 0; record_ceiling[u] = 0;
        check_kept(u);
        forget_terms();
        clear()
    }
    :: d_step { /* approve: two people have sworn, the place is free */
        (mode[u] == ALONE || mode[u] == WAITING) && newcomer[P] && !BLANK(u) && count[u] < LOG ->
        fold(u, count[u]);
        if :: !appr && !NAMES_PEER(u) -> append(u, APPROVED) :: else fi;
        clear()
    }
#endif
    od
}

init
{
    d_step { /* a pair at work, before its first number */
        term_number[1] = 1; term_duty[1] = 0; term_ceiling[1] = STEP;
        append(0, TERM(1)); append(1, TERM(1));
        disk[0] = 1; disk[1] = 1;
        mode[0] = DUTY; mode[1] = SPARE; agreed[0] = 1; agreed[1] = 1; contact = 1;
        acked[0] = 1; used_term = 1;
        i = 0;
        do
        :: i < 2 -> record_term[i] = 1; highest[i] = 1; ever_term[i] = 1; record_ceiling[i] = STEP; i++
        :: else -> break
        od;
        clear()
    }
    atomic { run unit(0); run unit(1) }
}
