/*
 * National holidays of Japan as the law had them in each year from 1980 to 2099.
 *
 * 国民の祝日に関する法律, 昭和23年法律第178号 ("the Act"), article 2 (which days) and article 3
 * (which other days are days off because of them). Each line of the table is one day in the years
 * in which one wording was in force; the law that began it is named beside it.
 */
#include "appliance/calendar/calendar.h"

#include "base/check.h"

#include <string.h>

/* How a line of the table names its day. */
enum day_rule {
    ON_DAY,       /* day of the month */
    NTH_MONDAY,   /* the so-called Happy Monday */
    SPRING_POINT, /* 春分日 and 秋分日: the day of the equinox in Japan */
    AUTUMN_POINT,
};

struct holiday_line {
    int16_t first_year, last_year;
    uint8_t month;
    enum day_rule rule;
    uint8_t ordinal; /* ON_DAY: day, NTH_MONDAY: n */
    char name_ja[40], name_en[48];
};

static const struct holiday_line lines[] = {
    {1980, 2099, 1, ON_DAY, 1, "元日", "New Year's Day"},
    {1980, 1999, 1, ON_DAY, 15, "成人の日", "Coming of Age Day"},
    /* 平成10年法律第141号 */
    {2000, 2099, 1, NTH_MONDAY, 2, "成人の日", "Coming of Age Day"},
    {1980, 2099, 2, ON_DAY, 11, "建国記念の日", "National Foundation Day"},
    /* 天皇の退位等に関する皇室典範特例法 (平成29年法律第63号), supplementary article 10. The reign
     * began on 2019-05-01, after February and before December: 2019 has no Emperor's Birthday. */
    {2020, 2099, 2, ON_DAY, 23, "天皇誕生日", "Emperor's Birthday"},
    {1980, 2099, 3, SPRING_POINT, 0, "春分の日", "Vernal Equinox Day"},
    {1980, 1988, 4, ON_DAY, 29, "天皇誕生日", "Emperor's Birthday"},
    /* 平成元年法律第5号, in force 1989-02-17: the day of the late emperor stays, under a new name.
     */
    {1989, 2006, 4, ON_DAY, 29, "みどりの日", "Greenery Day"},
    /* 平成17年法律第43号: Greenery Day moves to May 4, until then only a day between two holidays.
     */
    {2007, 2099, 4, ON_DAY, 29, "昭和の日", "Showa Day"},
    {1980, 2099, 5, ON_DAY, 3, "憲法記念日", "Constitution Memorial Day"},
    {2007, 2099, 5, ON_DAY, 4, "みどりの日", "Greenery Day"},
    {1980, 2099, 5, ON_DAY, 5, "こどもの日", "Children's Day"},
    /* 平成7年法律第22号, then 平成13年法律第59号 */
    {1996, 2002, 7, ON_DAY, 20, "海の日", "Marine Day"},
    {2003, 2019, 7, NTH_MONDAY, 3, "海の日", "Marine Day"},
    /* Moved around the Olympic ceremonies: 平成27年法律第33号 as changed by 平成30年法律第55号 (for
     * 2020) and, after the games were put off, by 令和2年法律第68号 (for 2021). */
    {2020, 2020, 7, ON_DAY, 23, "海の日", "Marine Day"},
    {2021, 2021, 7, ON_DAY, 22, "海の日", "Marine Day"},
    {2022, 2099, 7, NTH_MONDAY, 3, "海の日", "Marine Day"},
    /* 平成26年法律第43号, in force 2016-01-01; moved with the Olympic games as above. */
    {2016, 2019, 8, ON_DAY, 11, "山の日", "Mountain Day"},
    {2020, 2020, 8, ON_DAY, 10, "山の日", "Mountain Day"},
    {2021, 2021, 8, ON_DAY, 8, "山の日", "Mountain Day"},
    {2022, 2099, 8, ON_DAY, 11, "山の日", "Mountain Day"},
    {1980, 2002, 9, ON_DAY, 15, "敬老の日", "Respect for the Aged Day"},
    /* 平成13年法律第59号 */
    {2003, 2099, 9, NTH_MONDAY, 3, "敬老の日", "Respect for the Aged Day"},
    {1980, 2099, 9, AUTUMN_POINT, 0, "秋分の日", "Autumnal Equinox Day"},
    {1980, 1999, 10, ON_DAY, 10, "体育の日", "Health and Sports Day"},
    /* 平成10年法律第141号 */
    {2000, 2019, 10, NTH_MONDAY, 2, "体育の日", "Health and Sports Day"},
    /* 平成30年法律第57号: the new name, from 2020; moved with the Olympic games as above. */
    {2020, 2020, 7, ON_DAY, 24, "スポーツの日", "Sports Day"},
    {2021, 2021, 7, ON_DAY, 23, "スポーツの日", "Sports Day"},
    {2022, 2099, 10, NTH_MONDAY, 2, "スポーツの日", "Sports Day"},
    {1980, 2099, 11, ON_DAY, 3, "文化の日", "Culture Day"},
    {1980, 2099, 11, ON_DAY, 23, "勤労感謝の日", "Labor Thanksgiving Day"},
    /* 平成元年法律第5号 */
    {1989, 2018, 12, ON_DAY, 23, "天皇誕生日", "Emperor's Birthday"},
    /* Laws for one day. Only the last one says that article 3 (2) and (3) of the Act apply around
     * its days; near the other three no rule of article 3 could reach, so they need no distinction.
     */
    /* 昭和天皇の大喪の礼の行われる日を休日とする法律, 平成元年法律第4号 */
    {1989, 1989, 2, ON_DAY, 24, "大喪の礼", "Funeral of Emperor Showa"},
    /* 即位礼正殿の儀の行われる日を休日とする法律, 平成2年法律第24号 */
    {1990, 1990, 11, ON_DAY, 12, "即位礼正殿の儀", "Enthronement Ceremony"},
    /* 皇太子徳仁親王の結婚の儀の行われる日を休日とする法律, 平成5年法律第32号 */
    {1993, 1993, 6, ON_DAY, 9, "結婚の儀", "Wedding of the Crown Prince"},
    /* 天皇の即位の日及び即位礼正殿の儀の行われる日を休日とする法律, 平成30年法律第99号 */
    {2019, 2019, 5, ON_DAY, 1, "天皇の即位の日", "Day of the Emperor's Accession"},
    {2019, 2019, 10, ON_DAY, 22, "即位礼正殿の儀の行われる日", "Day of the Enthronement Ceremony"},
};

enum {
    YEAR_NEAREST_RULE = 2007, /* 平成17年法律第43号: article 3 (2) and (3) reworded */
    YEAR_BETWEEN_RULE = 1986, /* 昭和60年法律第103号, in force 1985-12-27 */
};

static const char substitute_ja[] = "振替休日", substitute_en[] = "Substitute holiday";
static const char between_ja[] = "国民の休日", between_en[] = "Citizens' holiday";

/* Day of the month, good from 1980 to 2099: the moment of the equinox drifts by 0.242194 days a
 * year and each leap year takes a day back. Whole numbers in millionths of a day, so that every
 * machine gives the same answer. */
static uint8_t equinox_day(int16_t year, int32_t millionths_1980)
{
    int32_t years = year - CALENDAR_YEAR_FIRST;

    return (uint8_t)((millionths_1980 + 242194 * years) / 1000000 - years / 4);
}

static uint8_t nth_monday(int16_t year, uint8_t month, uint8_t n)
{
    int32_t first = (int32_t)calendar_weekday_of((struct calendar_date){year, month, 1});
    int32_t first_monday = 1 + (CALENDAR_MONDAY - first + CALENDAR_WEEKDAYS) % CALENDAR_WEEKDAYS;

    return (uint8_t)(first_monday + (n - 1) * CALENDAR_WEEKDAYS);
}

static uint8_t day_in_year(const struct holiday_line *line, int16_t year)
{
    uint8_t day = line->ordinal;

    switch (line->rule) {
    case ON_DAY:
        break;
    case NTH_MONDAY:
        day = nth_monday(year, line->month, line->ordinal);
        break;
    case SPRING_POINT:
        day = equinox_day(year, 20843100);
        break;
    case AUTUMN_POINT:
        day = equinox_day(year, 23248800);
        break;
    }
    return day;
}

static const struct holiday_line *find_national(struct calendar_date date)
{
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        const struct holiday_line *line = &lines[i];

        if (line->month == date.month && date.year >= line->first_year &&
            date.year <= line->last_year && day_in_year(line, date.year) == date.day) {
            return line;
        }
    }
    return NULL;
}

static struct calendar_date day_beside(struct calendar_date date, int32_t days)
{
    return calendar_date_from_day_count(calendar_day_count(date) + days);
}

/* Article 3 (2). Until 2006 only the very next day of a Sunday could be a substitute
 * (昭和48年法律第10号); since 2007 it is the nearest later day that is not itself a national
 * holiday. */
static bool is_substitute(struct calendar_date date)
{
    struct calendar_date before = day_beside(date, -1);

    while (find_national(before) != NULL) {
        if (calendar_weekday_of(before) == CALENDAR_SUNDAY) {
            return true;
        }
        if (date.year < YEAR_NEAREST_RULE) {
            return false;
        }
        before = day_beside(before, -1);
    }
    return false;
}

/* Article 3 (3): substitutes beside a day do not count, only national holidays do. Until 2006 a
 * Sunday was not such a day (the caller has sorted out holidays and substitutes). */
static bool is_between(struct calendar_date date)
{
    if (date.year < YEAR_BETWEEN_RULE ||
        (date.year < YEAR_NEAREST_RULE && calendar_weekday_of(date) == CALENDAR_SUNDAY)) {
        return false;
    }
    return find_national(day_beside(date, -1)) != NULL &&
           find_national(day_beside(date, 1)) != NULL;
}

struct calendar_holiday calendar_holiday_by_law(struct calendar_date date)
{
    const struct holiday_line *line = find_national(date);

    if (line != NULL) {
        return (struct calendar_holiday){CALENDAR_HOLIDAY_NATIONAL, line->name_ja, line->name_en};
    }
    if (is_substitute(date)) {
        return (struct calendar_holiday){CALENDAR_HOLIDAY_SUBSTITUTE, substitute_ja, substitute_en};
    }
    if (is_between(date)) {
        return (struct calendar_holiday){CALENDAR_HOLIDAY_BETWEEN, between_ja, between_en};
    }
    return (struct calendar_holiday){.kind = CALENDAR_HOLIDAY_NONE};
}

const char *calendar_holiday_name_en(const char *name_ja)
{
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        if (strcmp(lines[i].name_ja, name_ja) == 0) {
            return lines[i].name_en;
        }
    }
    return NULL;
}
