import type { LookupAddress, LookupOptions } from "node:dns";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OpenSocket, type SocketTarget } from "../../src/wire/open-socket.js";
import { blackhole, type SocketPeer, startPeer } from "../servers/sockets.js";

/** What the resolver answers; the machine's own cannot be told to name a metadata address. */
let resolved: readonly LookupAddress[] = [];
const lookups: string[] = [];
vi.mock("node:dns", async (importOriginal) => ({
  ...(await importOriginal<typeof import("node:dns")>()),
  lookup: (host: string, _options: LookupOptions, callback: (error: null, found: readonly LookupAddress[]) => void) => {
    lookups.push(host);
    setImmediate(callback, null, resolved);
  },
}));

const metadata = [
  { address: "169.254.169.254", family: 4 },
  { address: "fd00:ec2::254", family: 6 },
];

describe("a socket", () => {
  let peer: SocketPeer;
  const opened: OpenSocket[] = [];
  const open = (target: Partial<SocketTarget>, signal = new AbortController().signal) => {
    const socket = new OpenSocket({ host: "service.test", port: peer.port, ...target }, signal);
    opened.push(socket);
    return socket;
  };
  beforeEach(async () => {
    peer = await startPeer(blackhole);
  });
  afterEach(async () => {
    for (const socket of opened.splice(0)) socket.close();
    await peer.close();
  });

  it.each([undefined, 4, 6] as const)(
    "does not go where a name leads to metadata only (ipFamily %s)",
    async (ipFamily) => {
      resolved = metadata;
      await expect(open({ ipFamily }).connected()).rejects.toMatchObject({
        reason: "dns",
        message: expect.stringContaining("metadata address"),
      });
    },
  );

  it.each([undefined, 4] as const)(
    "passes over metadata addresses where a name has others (ipFamily %s)",
    async (ipFamily) => {
      resolved = [...metadata, { address: "127.0.0.1", family: 4 }];
      const connection = open({ ipFamily });
      await connection.connected();
      expect(connection.socket.remoteAddress).toBe("127.0.0.1");
      expect(peer.taken).toBe(1);
    },
  );

  it("asks for a name once while the answer is outstanding, and anew afterwards", async () => {
    resolved = [{ address: "127.0.0.1", family: 4 }];
    lookups.length = 0;
    const controller = new AbortController();
    const givenUp = open({ host: "slow.test" }, controller.signal).connected();
    controller.abort(new Error("deadline"));
    await expect(givenUp).rejects.toThrow("deadline");
    await Promise.all([open({ host: "slow.test" }).connected(), open({ host: "slow.test" }).connected()]);
    expect(lookups).toEqual(["slow.test"]);
    await open({ host: "slow.test" }).connected();
    expect(lookups).toEqual(["slow.test", "slow.test"]);
  });

  it("times the name and the connection, the name only where there is one", async () => {
    resolved = [{ address: "127.0.0.1", family: 4 }];
    const named = open({});
    expect([named.dnsMs, named.connectMs]).toEqual([undefined, undefined]);
    await named.connected();
    expect(named.dnsMs).toBeGreaterThan(0);
    expect(named.connectMs).toBeGreaterThan(0);
    const addressed = open({ host: "127.0.0.1" });
    await addressed.connected();
    expect(addressed.dnsMs).toBeUndefined();
    expect(addressed.connectMs).toBeGreaterThan(0);
  });

  it("is destroyed by the signal, with the signal's reason", async () => {
    const controller = new AbortController();
    const aborted = open({ host: "127.0.0.1" }, controller.signal);
    const connected = aborted.connected();
    const reason = new Error("deadline");
    controller.abort(reason);
    await expect(connected).rejects.toBe(reason);
    expect(aborted.socket.destroyed).toBe(true);
  });

  it("is not even opened when the signal was aborted before", () => {
    const reason = new Error("shut down");
    expect(() => open({ host: "127.0.0.1" }, AbortSignal.abort(reason))).toThrow(reason);
  });
});
