// status_texts.js - what the public page says, in the five languages of the kiosk.

import { LANGUAGES } from "./texts.js";

const TEXTS = {
    title: {
        ja: "窓口の混雑状況",
        "ja-easy": "まどぐちは こんで いますか",
        en: "How busy are we?",
        zh: "窗口等候情况",
        ko: "창구 혼잡 상황",
    },
    open: {
        ja: "● 受付しています",
        "ja-easy": "● うけつけて います",
        en: "● Open",
        zh: "● 正在受理",
        ko: "● 접수 중입니다",
    },
    closed: {
        ja: "○ ただいまの時間は受付していません",
        "ja-easy": "○ いまは うけつけて いません",
        en: "○ Closed at the moment",
        zh: "○ 现在不受理",
        ko: "○ 지금은 접수하지 않습니다",
    },
    loading: {
        ja: "読み込んでいます",
        "ja-easy": "よみこんで います",
        en: "Loading",
        zh: "正在读取",
        ko: "불러오는 중입니다",
    },
    next_opening: {
        ja: "次の受付開始 {time}",
        "ja-easy": "つぎの うけつけ {time}",
        en: "Next opening {time}",
        zh: "下次受理时间 {time}",
        ko: "다음 접수 시작 {time}",
    },
    stale: {
        ja: "情報が古い可能性があります（{time} から）",
        "ja-easy": "この ないようは ふるいかも しれません（{time} から）",
        en: "May be out of date, since {time}",
        zh: "信息可能已过时（自 {time} 起）",
        ko: "오래된 정보일 수 있습니다 ({time}부터)",
    },
    offline: {
        ja: "通信できません。つながるまで、この画面は {time} のものです。",
        "ja-easy": "インターネットに つながって いません。これは {time} の ないようです。",
        en: "You are offline. This is what was known at {time}.",
        zh: "网络已断开。显示的是 {time} 的信息。",
        ko: "오프라인입니다. {time}의 정보입니다.",
    },
    register: {
        ja: "来庁前の受付",
        "ja-easy": "くる まえに ばんごうを とる",
        en: "Take a number before you come",
        zh: "来访前取号",
        ko: "방문 전 접수",
    },
    register_about: {
        ja: "番号だけをお取りします。順番は、来庁されてから数えます。お名前などは伺いません。",
        "ja-easy": "ばんごうを だします。じゅんばんは、ここに きてから かぞえます。なまえは ききません。",
        en: "You get a number. Your place in the line counts from when you arrive. We ask for no name.",
        zh: "只取号码。排队顺序从您到达后开始计算。无需填写姓名。",
        ko: "번호만 발급합니다. 순서는 도착하신 뒤부터 셉니다. 성함 등은 묻지 않습니다.",
    },
    register_sure: {
        ja: "「{name}」の番号を取りますか。",
        "ja-easy": "「{name}」の ばんごうを とりますか。",
        en: "Take a number for “{name}”?",
        zh: "要取“{name}”的号码吗？",
        ko: "“{name}” 번호를 받으시겠습니까?",
    },
    register_yes: {
        ja: "番号を取る",
        "ja-easy": "ばんごうを とる",
        en: "Take a number",
        zh: "取号",
        ko: "번호 받기",
    },
    register_no: {
        ja: "やめる",
        "ja-easy": "やめる",
        en: "No",
        zh: "取消",
        ko: "그만두기",
    },
    register_full: {
        ja: "本日の定員に達しました。来庁して番号札をお取りください。",
        "ja-easy": "きょうは もう いっぱいです。ここに きて ばんごうを とって ください。",
        en: "No places left today. Please come and take a ticket.",
        zh: "今日名额已满，请到现场取号。",
        ko: "오늘 정원이 찼습니다. 방문하여 번호표를 받아 주십시오.",
    },
    register_not_now: {
        ja: "いまは受け付けていません。",
        "ja-easy": "いまは うけつけて いません。",
        en: "Not at the moment.",
        zh: "目前不受理。",
        ko: "지금은 접수하지 않습니다.",
    },
    expected: {
        ja: "来庁前の受付が済みました。着きましたら、番号発券機か窓口でこの番号をお知らせください。それから順番にお呼びします。",
        "ja-easy":
            "ばんごうを とりました。ここに ついたら、きかいか まどぐちで この ばんごうを おしえて ください。それから よびます。",
        en: "You have a number. When you arrive, give it at a ticket machine or a counter; you wait from then on.",
        zh: "已取号。到达后请在取号机或窗口告知此号码，之后按顺序叫号。",
        ko: "접수되었습니다. 도착하시면 번호표 발급기나 창구에서 이 번호를 알려 주십시오. 그때부터 순서대로 불러 드립니다.",
    },
    own_code: {
        ja: "番号のQRコード",
        "ja-easy": "ばんごうの QRコード",
        en: "A code with your number",
        zh: "号码二维码",
        ko: "번호 QR 코드",
    },
    arrive: {
        ja: "着きました",
        "ja-easy": "つきました",
        en: "I am here",
        zh: "我已到达",
        ko: "도착했습니다",
    },
    categories: {
        ja: "用件ごとの待ち",
        "ja-easy": "まっている人",
        en: "Waiting",
        zh: "各业务等候情况",
        ko: "용건별 대기",
    },
    counters: { ja: "窓口", "ja-easy": "まどぐち", en: "Counters", zh: "窗口", ko: "창구" },
    counter_open: { ja: "● 受付中", "ja-easy": "● うけつけ中", en: "● Open", zh: "● 开放", ko: "● 접수 중" },
    counter_closed: {
        ja: "○ 休止中",
        "ja-easy": "○ しまって います",
        en: "○ Closed",
        zh: "○ 关闭",
        ko: "○ 닫힘",
    },
    calls: {
        ja: "最近の呼出",
        "ja-easy": "さいきん よばれた ばんごう",
        en: "Recent calls",
        zh: "最近叫号",
        ko: "최근 호출",
    },
    calls_none: { ja: "まだありません", "ja-easy": "まだ ありません", en: "None yet", zh: "暂无", ko: "아직 없습니다" },
    to_counter: {
        ja: "→ {n}番窓口",
        "ja-easy": "→ {n}ばん まどぐち",
        en: "→ Counter {n}",
        zh: "→ {n}号窗口",
        ko: "→ {n}번 창구",
    },
    people: { ja: "{n}人待ち", "ja-easy": "{n}人 まって います", en: "{n} waiting", zh: "{n}人等候", ko: "{n}명 대기" },
    about: {
        ja: "待ち時間は目安です。番号の順に前後することがあります。",
        "ja-easy": "じかんは だいたいです。じゅんばんが かわることも あります。",
        en: "Waiting times are estimates. Numbers may be called out of order.",
        zh: "等候时间仅供参考，叫号顺序可能有前后变动。",
        ko: "대기 시간은 예상입니다. 번호 순서가 바뀔 수 있습니다.",
    },
    as_of: { ja: "{time} 現在", "ja-easy": "{time} の ないようです", en: "as of {time}", zh: "{time} 现在", ko: "{time} 현재" },
    suspended: {
        ja: "受付停止中",
        "ja-easy": "いまは うけつけて いません",
        en: "Not accepting now",
        zh: "暂停受理",
        ko: "접수 중단",
    },
    quiet: { ja: "空いています", "ja-easy": "すいて います", en: "Quiet", zh: "空闲", ko: "여유" },
    busy: { ja: "やや混んでいます", "ja-easy": "すこし こんで います", en: "Rather busy", zh: "稍拥挤", ko: "약간 혼잡" },
    crowded: { ja: "混んでいます", "ja-easy": "こんで います", en: "Crowded", zh: "拥挤", ko: "혼잡" },
    unknown: { ja: "目安なし", "ja-easy": "わかりません", en: "No estimate", zh: "暂无预计", ko: "예상 없음" },

    own_title: { ja: "あなたの番号", "ja-easy": "あなたの ばんごう", en: "Your number", zh: "您的号码", ko: "내 번호" },
    ahead: {
        ja: "前にお待ちの方",
        "ja-easy": "まえに まっている人",
        en: "People ahead of you",
        zh: "前面等候",
        ko: "앞에 대기 중인 분",
    },
    n_people: { ja: "{n}人", "ja-easy": "{n}人", en: "{n}", zh: "{n}人", ko: "{n}명" },
    wait: {
        ja: "待ち時間の目安",
        "ja-easy": "まつ じかん",
        en: "Estimated wait",
        zh: "预计等候时间",
        ko: "예상 대기 시간",
    },
    waiting: {
        ja: "順番をお待ちください。",
        "ja-easy": "じゅんばんを まって ください。",
        en: "Please wait for your turn.",
        zh: "请等候叫号。",
        ko: "차례를 기다려 주세요.",
    },
    soon: {
        ja: "まもなくです。窓口の近くでお待ちください。",
        "ja-easy": "もうすぐです。まどぐちの ちかくで まって ください。",
        en: "Soon your turn. Please stay near the counters.",
        zh: "即将轮到您，请在窗口附近等候。",
        ko: "곧 차례입니다. 창구 가까이에서 기다려 주세요.",
    },
    called: {
        ja: "お呼びしています。{n}番窓口へお越しください。",
        "ja-easy": "よんで います。{n}ばん まどぐちに きて ください。",
        en: "It is your turn. Please come to counter {n}.",
        zh: "正在叫您的号，请到{n}号窗口。",
        ko: "호출 중입니다. {n}번 창구로 와 주세요.",
    },
    serving: {
        ja: "{n}番窓口で対応しています。",
        "ja-easy": "{n}ばん まどぐちで はなして います。",
        en: "You are being served at counter {n}.",
        zh: "正在{n}号窗口办理。",
        ko: "{n}번 창구에서 응대 중입니다.",
    },
    held: {
        ja: "手続きの途中です。もう一度お呼びしますので、お待ちください。",
        "ja-easy": "まだ とちゅうです。また よびますから、まって ください。",
        en: "On hold. We will call you again, please wait.",
        zh: "办理中暂停，请等候再次叫号。",
        ko: "처리 중입니다. 다시 호출하니 기다려 주세요.",
    },
    absent: {
        ja: "お呼びしましたが、おいでになりませんでした。窓口の係員に番号をお見せください。",
        "ja-easy": "よびましたが、いませんでした。まどぐちの 人に ばんごうを みせて ください。",
        en: "We called you and you were not there. Please show your number to the staff.",
        zh: "已叫号但您不在。请向窗口工作人员出示号码。",
        ko: "호출했지만 안 계셨습니다. 창구 직원에게 번호를 보여 주세요.",
    },
    letter: {
        ja: "「{letter}」も番号の一部です。「{display}」とお呼びします。",
        "ja-easy": "「{letter}」も ばんごうです。「{display}」と よびます。",
        en: "The letter {letter} is part of your number: we will call {display}.",
        zh: "字母“{letter}”也是号码的一部分，叫号时将显示“{display}”。",
        ko: "‘{letter}’도 번호의 일부입니다. ‘{display}’로 호출합니다.",
    },
    done: {
        ja: "番号 {display} の手続きは終わりました。ご利用ありがとうございました。",
        "ja-easy": "{display} は おわりました。ありがとう ございました。",
        en: "Number {display} is finished. Thank you for your visit.",
        zh: "{display}号已办理完毕，感谢您的光临。",
        ko: "{display}번의 처리가 끝났습니다. 감사합니다.",
    },
    cancelled: {
        ja: "番号 {display} は取り消しました。",
        "ja-easy": "{display} は とりけしました。",
        en: "Number {display} is cancelled.",
        zh: "{display}号已取消。",
        ko: "{display}번은 취소되었습니다.",
    },
    over: {
        ja: "番号 {display} は終了しました。ご用の方は、もう一度番号をお取りください。",
        "ja-easy": "{display} は おわりました。もう いちど ばんごうを とって ください。",
        en: "Number {display} has ended. Please take a new number if you still need us.",
        zh: "{display}号已结束。如仍需办理，请重新取号。",
        ko: "{display}번은 종료되었습니다. 필요하시면 번호를 다시 받아 주세요.",
    },
    gone: {
        ja: "この番号札の情報はもうありません。",
        "ja-easy": "この ばんごうの ないようは もう ありません。",
        en: "Nothing is kept of this ticket any more.",
        zh: "此号码的信息已不存在。",
        ko: "이 번호표의 정보는 더 이상 없습니다.",
    },
    cancel: {
        ja: "番号を取り消す",
        "ja-easy": "ばんごうを とりけす",
        en: "Cancel my number",
        zh: "取消号码",
        ko: "번호 취소",
    },
    cancel_sure: {
        ja: "本当に取り消しますか。この番号では呼ばれなくなります。",
        "ja-easy": "とりけしても いいですか。この ばんごうは よばれなく なります。",
        en: "Cancel it? This number will not be called any more.",
        zh: "确定要取消吗？此号码将不再叫号。",
        ko: "정말 취소할까요? 이 번호는 더 이상 호출되지 않습니다.",
    },
    cancel_yes: {
        ja: "はい、取り消します",
        "ja-easy": "はい、とりけします",
        en: "Yes, cancel it",
        zh: "是，取消",
        ko: "네, 취소합니다",
    },
    cancel_no: {
        ja: "いいえ、待ちます",
        "ja-easy": "いいえ、まちます",
        en: "No, I will wait",
        zh: "否，继续等候",
        ko: "아니요, 기다립니다",
    },
};

/** The sentence in a language, with {name} filled from values. */
export function say(key, language, values = {}) {
    const entry = TEXTS[key];
    return (entry[language] ?? entry.ja).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Every sentence in every language: a test looks whether one is missing. */
export const STATUS_TEXTS = TEXTS;

/** Which of the five a telephone that asks for `wanted` ("zh-CN", "ko") is shown. */
export function languageFor(wanted) {
    const id = (wanted ?? "").toLowerCase();
    return LANGUAGES.find((each) => each.id === id)?.id ??
        LANGUAGES.find((each) => each.id === id.split("-")[0])?.id ?? (id ? "en" : "ja");
}
