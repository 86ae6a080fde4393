// Connecting over TLS: who is let in, who is turned away, and how long a client tries.

import { once } from "node:events";
import { connect as connectTcp, createServer as createTcpServer, type Server } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { describe, expect, it } from "vitest";
import { createAuthority, issueIdentity } from "../crypto/certificates.ts";
import { systemClock } from "../platform/clock.ts";
import { connect, listen } from "./tls.ts";
import {
  accept,
  atEnd,
  authority,
  client,
  closed,
  first,
  host,
  rawClient,
  rejection,
  second,
  server,
} from "./tls-parties.test-helper.ts";

const { sleep, nowMs } = systemClock;
// The same name, another key: only the signature tells them apart.
const otherAuthority = await createAuthority("market");
const otherFirst = await issueIdentity(otherAuthority, first);
const otherSecond = await issueIdentity(otherAuthority, second);

async function listeningPort(tcpServer: Server): Promise<number> {
  tcpServer.listen(0, host);
  await once(tcpServer, "listening");
  atEnd(() => tcpServer.close());
  return (tcpServer.address() as { port: number }).port;
}

describe("authentication", () => {
  it("gives each side the party at the other end", async () => {
    const { port, peers, nextPeer } = await accept();
    const arrived = nextPeer();
    const link = await connect(client, { host, port, expect: first });
    atEnd(() => link.close());
    expect((await arrived).peer).toBe("evaluator-1");
    expect(peers.map(({ party }) => party)).toEqual([second]);
    expect(link.peer).toBe("evaluator-0");
  });

  it("turns away a client of another authority", async () => {
    const { port, peers, refusals } = await accept();
    // Such a client would not accept the server either; this one looks away to be looked at.
    const careless = { ...otherSecond, authorityPem: authority.certificatePem };
    const error = await rejection(connect(careless, { host, port, expect: first }));
    expect(error.code).toBe("unauthenticated");
    expect(error.message).toContain("our certificate");
    expect(peers).toEqual([]);
    expect(refusals.length).toBeGreaterThan(0);
  });

  it("turns away a client without a certificate", async () => {
    const { port, peers, refusals } = await accept();
    const socket = connectTls({
      host,
      port,
      ca: authority.certificatePem,
      rejectUnauthorized: false,
    });
    socket.on("error", () => {});
    await closed(socket);
    expect(peers).toEqual([]);
    expect(refusals).toHaveLength(1);
  });

  it("turns away a client whose certificate has expired", async () => {
    const { port, peers } = await accept();
    const notBeforeMs = systemClock.utcMs() - 3 * 24 * 3600 * 1000;
    const expired = await issueIdentity(authority, second, { notBeforeMs, validityDays: 1 });
    const error = await rejection(connect(expired, { host, port, expect: first }));
    expect(error.code).toBe("unauthenticated");
    expect(peers).toEqual([]);
  });

  it("does not connect to a server of another authority", async () => {
    const { port, peers } = await accept(otherFirst);
    const error = await rejection(connect(client, { host, port, expect: first }));
    expect(error.code).toBe("unauthenticated");
    expect(error.message).toContain("evaluator-0 at 127.0.0.1");
    expect(peers).toEqual([]);
  });

  it("does not connect to another party than expected", async () => {
    const { port } = await accept();
    for (const expected of [second, { role: "supplier", id: "0" } as const]) {
      const error = await rejection(connect(client, { host, port, expect: expected }));
      expect(error.code).toBe("unauthenticated");
      expect(error.message).toContain("it is evaluator-0's");
    }
  });

  it("uses TLS 1.3 with AES-128-GCM only by default, and refuses TLS 1.2", async () => {
    const { port, peers, nextPeer } = await accept();
    const arrived = nextPeer();
    const socket = await rawClient(port);
    await arrived;
    expect(socket.getProtocol()).toBe("TLSv1.3");
    expect(socket.getCipher().standardName).toBe("TLS_AES_128_GCM_SHA256");
    const old = connectTls({ host, port, maxVersion: "TLSv1.2", rejectUnauthorized: false });
    const [error] = (await once(old, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toContain("PROTOCOL_VERSION");
    expect(peers).toHaveLength(1);
  });

  it("turns away a client that does not speak TLS", async () => {
    const { port, peers, refusals } = await accept();
    const socket = connectTcp({ host, port });
    socket.on("error", () => {});
    socket.resume();
    socket.write("GET / HTTP/1.1\r\n\r\n");
    await closed(socket);
    expect(peers).toEqual([]);
    expect(refusals).toHaveLength(1);
  });
});

describe("connecting", () => {
  it("keeps trying until the listener is there", async () => {
    const { listener, port } = await accept();
    listener.close();
    const connecting = connect(client, { host, port, expect: first, deadlineMs: 20_000 });
    await sleep(200);
    const late = await listen(server, {
      host,
      port,
      onPeer: (link) => atEnd(() => link.close()),
    });
    atEnd(() => late.close());
    const link = await connecting;
    atEnd(() => link.close());
    expect(link.peer).toBe("evaluator-0");
  });

  it("gives up at the deadline when nobody listens", async () => {
    const { listener, port } = await accept();
    listener.close();
    const startMs = nowMs();
    const connecting = connect(client, { host, port, expect: first, deadlineMs: 300 });
    const error = await rejection(connecting);
    expect(error.code).toBe("unreachable");
    expect(error.message).toContain("ECONNREFUSED");
    expect(nowMs() - startMs).toBeLessThan(2000);
  });

  it("gives up at the deadline when the listener never answers", async () => {
    const port = await listeningPort(createTcpServer(() => {}));
    const connecting = connect(client, { host, port, expect: first, deadlineMs: 200 });
    expect((await rejection(connecting)).code).toBe("unreachable");
  });

  it("stops trying when told to", async () => {
    const { listener, port } = await accept();
    listener.close();
    const stop = new AbortController();
    const connecting = connect(client, { host, port, expect: first, signal: stop.signal });
    await sleep(120);
    stop.abort();
    expect((await rejection(connecting)).code).toBe("closed");
  });

  it("refuses a server that does not speak TLS", async () => {
    const port = await listeningPort(createTcpServer((socket) => socket.end("SSH-2.0-x\r\n")));
    const error = await rejection(connect(client, { host, port, expect: first }));
    expect(error.code).toBe("unauthenticated");
  });

  it("refuses an authentic server that begins with something else", async () => {
    const options = { key: server.privateKeyPem, cert: server.certificatePem };
    const tlsServer = createTlsServer({ ...options, ALPNProtocols: ["hushwatt/1"] }, (socket) => {
      socket.on("error", () => {});
      socket.write("HTTP/1.1 400 Bad Request\r\n");
    });
    const port = await listeningPort(tlsServer);
    const error = await rejection(connect(client, { host, port, expect: first }));
    expect(error.code).toBe("protocol");
  });

  it("says why it cannot listen", async () => {
    const { port } = await accept();
    const error = await rejection(listen(server, { host, port, onPeer: () => {} }));
    expect(error.code).toBe("unreachable");
    expect(error.message).toContain(`port ${port}: EADDRINUSE`);
  });
});
