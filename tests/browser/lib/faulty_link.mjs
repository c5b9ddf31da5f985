// faulty_link.mjs - a wire between the browser and an office, which a test can cut, freeze or make lose
// answers. Bytes pass unchanged: whatever the page meets comes from the server behind it.

import { connect, createServer } from "node:net";

export async function layLink(target_port, target_host = "127.0.0.1") {
    const link = {
        target_port,
        pairs: new Set(),
        is_cut: false,
        is_frozen: false,
        lost_answers: 0,
    };
    const server = createServer((client) => join(link, client, target_host));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    link.port = server.address().port;

    /** Power gone and noticed: open connections are reset, new ones too. */
    link.cut = () => {
        link.is_cut = true;
        reset(link);
    };
    /** Power gone and not noticed: connections stay, no byte moves. */
    link.freeze = () => {
        link.is_frozen = true;
    };
    link.heal = () => {
        link.is_cut = false;
        if (link.is_frozen) {
            link.is_frozen = false;
            reset(link);
        }
    };
    /** The next n POSTs reach the office, their answers are lost and the connection is reset. */
    link.loseAnswers = (count) => {
        link.lost_answers = count;
    };
    link.remove = () => {
        reset(link);
        return new Promise((resolve) => server.close(resolve));
    };
    return link;
}

function reset(link) {
    for (const pair of link.pairs) {
        pair.client.resetAndDestroy();
        pair.office.destroy();
    }
    link.pairs.clear();
}

function join(link, client, target_host) {
    if (link.is_cut) {
        client.resetAndDestroy();
        return;
    }
    const office = connect({ port: link.target_port, host: target_host, noDelay: true });
    const pair = { client, office, loses: false };
    link.pairs.add(pair);
    client.on("data", (bytes) => {
        if (link.lost_answers > 0 && bytes.includes("POST ")) {
            link.lost_answers--;
            pair.loses = true;
        }
        if (!link.is_frozen) {
            office.write(bytes);
        }
    });
    office.on("data", (bytes) => {
        if (pair.loses) {
            client.resetAndDestroy();
            office.destroy();
        } else if (!link.is_frozen) {
            client.write(bytes);
        }
    });
    const end = () => {
        // What ends behind a frozen link is not heard of before it: the client's side waits for heal().
        if (link.is_frozen) {
            return;
        }
        link.pairs.delete(pair);
        client.destroy();
        office.destroy();
    };
    for (const socket of [client, office]) {
        socket.on("error", end);
        socket.on("close", end);
    }
}
