// kiosk_site.mjs - a site as GET /api/v1/site gives it, for the ticket machine's tests: a city-planning division with
// a tree of purposes, more than one page of them, and names as long as real ones.

const five = (ja, easy, en, zh, ko) => ({ ja, "ja-easy": easy, en, zh, ko });
const none = five("", "", "", "", "");
const hours = [];

const CATEGORIES = [
    [1, five("都市計画図の閲覧・交付", "まちの ちずを みる・もらう", "City planning maps: view or buy", "都市规划图的查阅与领取", "도시계획도 열람·교부")],
    [2, five("用途地域・都市計画制限の照会", "とちの つかいかたを きく", "Zoning and planning limits", "用途地区与规划限制查询", "용도지역·도시계획 제한 조회")],
    [3, five("地区計画の届出", "ちくけいかくの とどけ", "District plan notification", "地区规划申报", "지구계획 신고")],
    [4, five("都市計画法第53条の許可申請", "53じょうの きょか", "Permit under Article 53 of the City Planning Act", "《都市计划法》第53条许可申请", "도시계획법 제53조 허가 신청")],
    [5, five("開発許可の事前相談", "かいはつの そうだん", "Development permit: first advice", "开发许可事前咨询", "개발 허가 사전 상담")],
    [6, five("開発許可の申請・変更届", "かいはつの もうしこみ", "Development permit: application or change", "开发许可申请与变更申报", "개발 허가 신청·변경 신고")],
    [7, five("土地取引（国土利用計画法）の届出", "とちを うった・かった とどけ", "Land transaction notification (National Land Use Planning Act)", "土地交易（国土利用计划法）申报", "토지 거래(국토이용계획법) 신고")],
    [8, five("建築確認の申請", "たてものの かくにん", "Building confirmation", "建筑确认申请", "건축 확인 신청")],
    [9, five("建築計画概要書の閲覧", "たてものの しょるいを みる", "Building plan outlines: view", "建筑计划概要书查阅", "건축계획 개요서 열람")],
    [10, five("道路の幅員・種別の照会", "みちの はばを きく", "Road widths and types", "道路宽度与类别查询", "도로 폭·종별 조회")],
    [11, five("道路位置指定・狭あい道路の協議", "せまい みちの そうだん", "Road designation and narrow roads", "道路位置指定与狭窄道路协商", "도로 위치 지정·협소 도로 협의")],
    [12, five("景観計画・屋外広告物の届出", "かんばん・けしきの とどけ", "Landscape plan and outdoor signs", "景观计划与户外广告物申报", "경관계획·옥외광고물 신고")],
    [13, five("中高層建築物の紛争調整・ご相談", "たかい たてものの そうだん", "Advice on disputes about tall buildings", "中高层建筑物纠纷调解与咨询", "중고층 건축물 분쟁 조정·상담")],
    [14, five("証明書の発行", "しょうめいしょ", "Certificates", "证明书发放", "증명서 발급")],
    [15, five("窓口でのお支払い", "おかねを はらう", "Payments", "窗口缴费", "창구 납부")],
    [16, five("街づくりの相談・その他", "まちづくりの そうだん・ほか", "Town planning advice and other matters", "城市建设咨询及其他", "마을 만들기 상담·기타")],
];

export const SITE = {
    version: 3,
    name: five("世田谷区 都市計画課 総合受付", "せたがやく としけいかくか うけつけ", "Setagaya City Planning Division, General Reception", "世田谷区 都市计划课 综合服务台", "세타가야구 도시계획과 종합 접수"),
    organisation: five("世田谷区", "せたがやく", "Setagaya City", "世田谷区", "세타가야구"),
    section: five("都市計画課", "としけいかくか", "City Planning Division", "都市计划课", "도시계획과"),
    place: five("本庁東棟4階", "ひがしの たてもの 4かい", "East Building, 4th floor", "本厅东楼4层", "본청 동관 4층"),
    hours: { open: "08:30", close: "17:00" },
    languages: ["ja", "ja-easy", "en", "zh", "ko"],
    delivery: ["paper", "paperless"],
    priorities: [
        {
            level: 1,
            name: five("お体の不自由な方・妊娠中の方", "からだが ふじゆうな ひと・にんしん している ひと", "Disability or pregnancy", "行动不便者、孕妇", "몸이 불편하신 분·임신 중이신 분"),
        },
    ],
    public_page: true,
    silent_branch: false,
    categories: CATEGORIES.map(([id, name]) => ({
        id,
        name,
        note:
            id === 4
                ? five("都市計画道路の区域内に建物を建てる方が対象です。", "あたらしい みちが できる ところに いえを たてる ひと です。", "For buildings within a planned road.", "适用于在规划道路区域内建房者。", "도시계획도로 구역 안에 건물을 지으시는 분이 대상입니다.")
                : none,
        hours,
        last_ticket: null,
    })),
    groups: [
        {
            id: 1,
            name: five("開発・土地", "かいはつ・とち", "Development and land", "开发与土地", "개발·토지"),
            note: none,
            items: [5, 6, 7].map((category) => ({ category })),
        },
        {
            id: 2,
            name: five("建築・道路", "たてもの・みち", "Buildings and roads", "建筑与道路", "건축·도로"),
            note: none,
            items: [8, 9, 10, 11, 13].map((category) => ({ category })),
        },
    ],
    menu: [
        { category: 1 }, { category: 2 }, { category: 3 }, { category: 4 }, { group: 1 }, { group: 2 },
        { category: 12 }, { category: 14 }, { category: 15 }, { category: 16 },
    ],
    counters: [],
    devices: [],
    running_text: none,
    visitor_url: "http://10.90.0.10/status?ticket=",
    contact: null,
};

/** The same without groups: sixteen purposes are two pages. */
export const flatSite = () => ({
    ...structuredClone(SITE),
    groups: [],
    menu: CATEGORIES.map(([category]) => ({ category })),
});

/** What the double's queue has to know of them. */
export const categoriesOf = (site) =>
    site.categories.map(({ id, name }) => ({
        id,
        name_ja: name.ja,
        name_en: name.en,
        next: id * 100 + 1,
        suspended: false,
    }));
