// faulty_link.mjs - a wire between the browser and an office, which a test can cut, freeze or make lose
// answers. Bytes pass unchanged: whatever the page meets comes from the server behind it. With `site`, an office's
// {ca_file}, both ends speak TLS, and the wire itself has a certificate of that site: else it could not tell a press.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join as path_of } from "node:path";
import { TLSSocket, connect as connectTls, createSecureContext } from "node:tls";

function certificateOf(site) {
    const folder = mkdtempSync(path_of(tmpdir(), "toban-link-"));
    const [key, cert] = [path_of(folder, "key"), path_of(folder, "crt")];
    const words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=link -addext";
    try {
        execFileSync(
            "openssl",
            [...words.split(" "), "subjectAltName=IP:127.0.0.1", "-CA", site.ca_file, "-CAkey",
                site.ca_file.replace(/crt$/, "key"), "-keyout", key, "-out", cert],
            { stdio: "pipe" },
        );
        return { key: readFileSync(key), cert: readFileSync(cert), ca: readFileSync(site.ca_file) };
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
}

export async function layLink(target_port, target_host = "127.0.0.1", site = null) {
    const link = {
        target_port,
        pairs: new Set(),
        is_cut: false,
        is_frozen: false,
        lost_answers: 0,
        tls: site && certificateOf(site),
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
        pair.raw.resetAndDestroy();
        pair.office.destroy();
    }
    link.pairs.clear();
}

function join(link, raw, target_host) {
    if (link.is_cut) {
        raw.resetAndDestroy();
        return;
    }
    const where = { port: link.target_port, host: target_host, noDelay: true };
    const client = link.tls
        ? new TLSSocket(raw, { isServer: true, secureContext: createSecureContext(link.tls) })
        : raw;
    const office = link.tls ? connectTls({ ...where, ca: link.tls.ca }) : connect(where);
    const pair = { raw, office, loses: false };
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
            raw.resetAndDestroy();
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
        raw.destroy();
        office.destroy();
    };
    for (const socket of new Set([client, raw, office])) {
        socket.on("error", end);
        socket.on("close", end);
    }
}
