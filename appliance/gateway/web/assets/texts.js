// texts.js - what the pages say. One entry per sentence, one member per language.
//
// Staff pages and the board show ja and en side by side; the kiosk shows the language that the visitor
// chose, large, and a second one beside it. {name} is filled in. Names of the office, its categories and
// counters are settings and come with every snapshot in ja and en: they are not translated here.

/** The kiosk's choices. html: the lang attribute; beside: the second language, null for none. */
export const LANGUAGES = [
    { id: "ja", label: "日本語", html: "ja", beside: "en" },
    { id: "ja-easy", label: "やさしい日本語", html: "ja", beside: null },
    { id: "en", label: "English", html: "en", beside: "ja" },
    { id: "zh", label: "中文", html: "zh-Hans", beside: "ja" },
    { id: "ko", label: "한국어", html: "ko", beside: "ja" },
];

export const TEXTS = {
    choose_title: {
        ja: "ご用件を選んでください",
        "ja-easy": "ようじ を えらんで ください",
        en: "Please choose your business",
        zh: "请选择您要办理的业务",
        ko: "용건을 선택해 주세요",
    },
    choose_hint: {
        ja: "画面のボタンに触れると、番号をお取りします。",
        "ja-easy": "ボタンを おすと、ばんごうが でます。",
        en: "Touch a button to take a number.",
        zh: "触摸按钮即可取号。",
        ko: "버튼을 누르면 번호가 발급됩니다.",
    },
    waiting: { ja: "待ち", "ja-easy": "まっている人", en: "waiting", zh: "等候", ko: "대기" },
    people: { ja: "{n}人", "ja-easy": "{n}人", en: "{n}", zh: "{n}人", ko: "{n}명" },
    estimate: { ja: "目安", "ja-easy": "だいたい", en: "about", zh: "预计", ko: "예상" },
    minutes: {
        ja: "約{n}分",
        "ja-easy": "{n}分くらい",
        en: "{n} min",
        zh: "约{n}分钟",
        ko: "약 {n}분",
    },
    minutes_many: {
        ja: "60分以上",
        "ja-easy": "60分より ながい",
        en: "60 min or more",
        zh: "60分钟以上",
        ko: "60분 이상",
    },
    minutes_none: { ja: "すぐ", "ja-easy": "すぐ", en: "no wait", zh: "无需等候", ko: "바로" },
    minutes_unknown: { ja: "—", "ja-easy": "—", en: "—", zh: "—", ko: "—" },
    suspended: {
        ja: "ただいま受付を停止しています",
        "ja-easy": "いまは うけつけて いません",
        en: "Not accepting visitors now",
        zh: "目前暂停受理",
        ko: "현재 접수를 중단하고 있습니다",
    },
    issuing: {
        ja: "番号をお取りしています",
        "ja-easy": "ばんごうを とって います",
        en: "Taking your number",
        zh: "正在取号",
        ko: "번호를 발급하고 있습니다",
    },
    wait_title: {
        ja: "少々お待ちください",
        "ja-easy": "すこし まって ください",
        en: "One moment, please",
        zh: "请稍候",
        ko: "잠시만 기다려 주세요",
    },
    wait_detail: {
        ja: "準備ができしだい、自動で画面が変わります。",
        "ja-easy": "がめんは じどうで かわります。",
        en: "The screen will go on by itself.",
        zh: "准备完成后画面会自动切换。",
        ko: "준비가 되면 화면이 자동으로 바뀝니다.",
    },
    wait_pressed: {
        ja: "ご用件は承っています。もう一度触れる必要はありません。",
        "ja-easy": "もう いちど おさなくて いいです。",
        en: "Your choice is kept. There is no need to press again.",
        zh: "已收到您的选择，无需再次触摸。",
        ko: "선택하신 용건은 접수되었습니다. 다시 누르지 않으셔도 됩니다.",
    },
    give_up: { ja: "やめる", "ja-easy": "やめる", en: "Cancel", zh: "取消", ko: "취소" },
    your_number: {
        ja: "あなたの番号",
        "ja-easy": "あなたの ばんごう",
        en: "Your number",
        zh: "您的号码",
        ko: "고객님의 번호",
    },
    until_called: {
        ja: "お呼びするまでお待ちください",
        "ja-easy": "よばれるまで まって ください",
        en: "Please wait until your number is called",
        zh: "请等候叫号",
        ko: "번호를 부를 때까지 기다려 주세요",
    },
    keep_paper: {
        ja: "番号札をお取りください。",
        "ja-easy": "かみを とって ください。",
        en: "Please take your ticket.",
        zh: "请取走号码票。",
        ko: "번호표를 가져가 주세요.",
    },
    keep_printing: {
        ja: "番号札を印刷しています。",
        "ja-easy": "かみに いんさつ しています。",
        en: "Your ticket is being printed.",
        zh: "正在打印号码票。",
        ko: "번호표를 인쇄하고 있습니다.",
    },
    keep_undelivered: {
        ja: "番号札が出ないときは、この番号をお控えください。",
        "ja-easy": "かみが でないときは、この ばんごうを おぼえて ください。",
        en: "If no ticket comes out, please note this number.",
        zh: "如未出票，请记住此号码。",
        ko: "번호표가 나오지 않으면 이 번호를 기억해 주세요.",
    },
    keep_no_paper: {
        ja: "番号札は印刷できません。この番号をお控えください。",
        "ja-easy": "かみは でません。この ばんごうを おぼえて ください。",
        en: "No ticket can be printed. Please note this number.",
        zh: "目前无法打印号码票，请记住此号码。",
        ko: "번호표를 인쇄할 수 없습니다. 이 번호를 기억해 주세요.",
    },
    code_hint: {
        ja: "順番をスマートフォンで確認できます",
        "ja-easy": "スマートフォンで じゅんばんが わかります",
        en: "See your turn on your phone",
        zh: "可用手机查看顺序",
        ko: "스마트폰으로 순서를 확인할 수 있습니다",
    },
    paper_out: {
        ja: "係員の方へ：番号札の用紙を交換してください",
        "ja-easy": "かかりの人へ：かみを かえて ください",
        en: "For staff: please change the paper roll",
        zh: "工作人员请注意：请更换纸卷",
        ko: "직원께: 용지를 교체해 주세요",
    },
    keep_screen: {
        ja: "この番号をお控えください。",
        "ja-easy": "この ばんごうを おぼえて ください。",
        en: "Please note this number.",
        zh: "请记住此号码。",
        ko: "이 번호를 기억해 주세요.",
    },
    ahead: {
        ja: "前にお待ちの方",
        "ja-easy": "まえに まっている人",
        en: "People ahead of you",
        zh: "前面等候",
        ko: "앞에 대기 중인 분",
    },
    wait_time: {
        ja: "待ち時間の目安",
        "ja-easy": "まつ じかん",
        en: "Estimated wait",
        zh: "预计等候时间",
        ko: "예상 대기 시간",
    },
    letter: {
        ja: "「{letter}」も番号の一部です。「{display}」とお呼びします。",
        "ja-easy": "「{letter}」も ばんごうです。「{display}」と よびます。",
        en: "The letter {letter} is part of your number: we will call {display}.",
        zh: "字母“{letter}”也是号码的一部分，叫号时将显示“{display}”。",
        ko: "‘{letter}’도 번호의 일부입니다. ‘{display}’로 호출합니다.",
    },
    back: {
        ja: "はじめの画面へ",
        "ja-easy": "はじめに もどる",
        en: "Back to start",
        zh: "返回首页",
        ko: "처음 화면으로",
    },
    longer: {
        ja: "長く表示する",
        "ja-easy": "もっと みる",
        en: "Show longer",
        zh: "延长显示",
        ko: "더 오래 표시",
    },
    back_in: {
        ja: "{n}秒後にはじめの画面に戻ります",
        "ja-easy": "{n}秒で もどります",
        en: "Back to start in {n} seconds",
        zh: "{n}秒后返回首页",
        ko: "{n}초 후 처음 화면으로 돌아갑니다",
    },
    closed_title: {
        ja: "ただいまの時間は受付していません",
        "ja-easy": "いまは うけつけて いません",
        en: "We are closed at the moment",
        zh: "现在不是受理时间",
        ko: "지금은 접수 시간이 아닙니다",
    },
    closed_ended: {
        ja: "本日の受付は終了しました。",
        "ja-easy": "きょうの うけつけは おわりました。",
        en: "Reception has ended for today.",
        zh: "今天的受理已结束。",
        ko: "오늘 접수는 종료되었습니다.",
    },
    closed_before: {
        ja: "受付はまだ始まっていません。",
        "ja-easy": "うけつけは まだです。",
        en: "Reception has not started yet.",
        zh: "尚未开始受理。",
        ko: "아직 접수가 시작되지 않았습니다.",
    },
    next_opening: {
        ja: "次の受付開始",
        "ja-easy": "つぎの うけつけ",
        en: "Next opening",
        zh: "下次受理时间",
        ko: "다음 접수 시작",
    },
    ask_staff: {
        ja: "恐れ入りますが、係員にお声がけください。",
        "ja-easy": "かかりの ひとに いって ください。",
        en: "Please speak to a member of staff.",
        zh: "请咨询工作人员。",
        ko: "직원에게 문의해 주세요.",
    },
};

/** TEXTS[key] in a language (ja where it is missing), with {name} filled from values. */
export function text(key, language, values = {}) {
    const entry = TEXTS[key];
    const said = entry[language] ?? entry.ja;
    return said.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** A category's or counter's name: settings exist in ja and en. */
export function nameIn(named, language) {
    return language.startsWith("ja") ? named.name_ja : named.name_en || named.name_ja;
}

/** The same with the word that it is an estimate, where a number follows. */
export function aboutText(estimated_wait_s, language) {
    const said = estimateText(estimated_wait_s, language);
    return estimated_wait_s === 0 ? said : `${text("estimate", language)} ${said}`;
}

/** Seconds of an estimate as people read it: upwards in steps of 5 minutes, no false precision. */
export function estimateText(estimated_wait_s, language) {
    if (estimated_wait_s === null || estimated_wait_s === undefined) {
        return text("minutes_unknown", language);
    }
    const minutes = Math.ceil(estimated_wait_s / 300) * 5;
    if (minutes === 0) {
        return text("minutes_none", language);
    }
    return minutes > 60
        ? text("minutes_many", language)
        : text("minutes", language, { n: minutes });
}
