// ways.js - which pages each role works with: what a page reads first is granted to it (docs/ACCESS.md). Nobody is shown
// a way that would be refused; who opens such a page all the same is told so by the office.

const COUNTER = ["/counter", "窓口", "Counter"];
const MANAGER = ["/manager", "窓口責任者", "Manager"];
const STATISTICS = ["/statistics", "統計", "Statistics"];
const ADMIN = ["/admin", "利用者・端末・祝日", "People, devices, holidays"];
const STATUS = ["/status", "混雑状況", "How busy are we?"];

export const WAYS = {
    operator: [COUNTER, STATUS],
    supervisor: [COUNTER, MANAGER, STATISTICS, STATUS],
    administrator: [MANAGER, STATISTICS, ADMIN, STATUS],
    engineer: [STATUS],
    auditor: [STATISTICS, ADMIN, STATUS],
};
