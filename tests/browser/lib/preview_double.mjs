// preview_double.mjs - NOT the office: what the doubles say would follow from closing, or from other hours.

export function previewOf(what, end, visitors) {
    const hours = { open: true, opens: "08:30", closes: "17:00", reason_ja: "開庁日", reason_en: "Opening day" };
    return {
        what,
        date: "2026-11-24",
        today: true,
        before: hours,
        after: { ...hours, closes: "10:00", reason_ja: "台風のため" },
        visitors: { total: 0, waiting: 0, called: 0, serving: 0, held: 0, absent: 0, printing: 0, ...visitors, end },
        latest_end: "2026-11-24T12:00:00.000+09:00",
        next_opening: "2026-11-25T08:30:00.000+09:00",
        next_opening_before: "2026-11-25T08:30:00.000+09:00",
    };
}
