import { dnsKind } from "../../../src/kinds/dns.js";
import { recordTypes } from "../../../src/wire/dns-records.js";
import { runOnce } from "../../servers/run.js";
import { lengthAnd, nameBytes, records, startUdpPeer } from "../../servers/udp-peer.js";
import type { FuzzTarget, StartedTarget } from "../fuzz-target.js";
import { mustBeTellable } from "../invariants.js";

const headBytes = 12;
const hostname = "app.test";
const question = Buffer.concat([
  Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
  nameBytes(hostname),
  Buffer.alloc(4),
]);

/** The first byte says which type is asked for; then the answer, without the parts that must be the question's. */
function seed(type: (typeof recordTypes)[number], number: number, ...data: readonly Buffer[]): Buffer {
  const answer = records(...data.map((each) => ({ type: number, data: each })))(question);
  return Buffer.concat([
    Buffer.from([recordTypes.indexOf(type)]),
    answer.subarray(2, headBytes),
    answer.subarray(question.length),
  ]);
}

const numbers = (...values: readonly number[]): Buffer =>
  Buffer.from(values.flatMap((value) => [value >> 8, value & 255]));

/** The resolver's own parser is native code: what is fuzzed is that its answers, right or not, are told as they should. */
async function start(): Promise<StartedTarget> {
  let said: Buffer = Buffer.alloc(0);
  const peer = await startUdpPeer((asked) => {
    const end = asked.indexOf(0, headBytes) + 5;
    return Buffer.concat([
      asked.subarray(0, 2),
      said.subarray(0, 10),
      asked.subarray(headBytes, end),
      said.subarray(10),
    ]);
  });
  return {
    async judge(input) {
      said = input.subarray(1);
      const type = recordTypes[(input[0] ?? 0) % recordTypes.length];
      const options = { hostname, type, resolver: peer.address, expect: { answers: [] } };
      const { expect: _none, ...plain } = options;
      const check = dnsKind.create(dnsKind.options.parse(plain));
      mustBeTellable(await runOnce(check, { timeoutMs: 150 }), dnsKind);
      await check.close?.();
    },
    close: () => peer.close(),
  };
}

export const dns: FuzzTarget = {
  name: "dns",
  feeds: "datagrams of a name server, for each of the ten types, to kind `dns`",
  seeds: [
    seed("A", 1, Buffer.from([127, 0, 0, 2]), Buffer.from([127, 0, 0, 3])),
    seed("AAAA", 28, Buffer.concat([Buffer.from([0x20, 1, 0x0d, 0xb8]), Buffer.alloc(12)])),
    seed("CNAME", 5, nameBytes("www.test")),
    seed("MX", 15, Buffer.concat([numbers(10), nameBytes("mail.test")])),
    seed("TXT", 16, Buffer.concat([lengthAnd("v=spf1 \u001b[31m"), lengthAnd("-all")])),
    seed("SRV", 33, Buffer.concat([numbers(1, 2, 8_080), nameBytes("srv.test")])),
    seed("NS", 2, nameBytes("ns.test")),
    seed("PTR", 12, nameBytes("host.test")),
    seed("SOA", 6, Buffer.concat([nameBytes("ns.test"), nameBytes("admin.test"), Buffer.alloc(20, 1)])),
    seed("CAA", 257, Buffer.concat([Buffer.from([0]), lengthAnd("issue"), Buffer.from("ca.test")])),
  ],
  words: [
    Buffer.from([0xc0, 12]),
    Buffer.from([0xc0, 0xff]),
    Buffer.from([0x81, 0x80]),
    Buffer.from([0x81, 0x83]),
    Buffer.from([0x83, 0x80]),
    Buffer.from([63]),
    Buffer.from([0, 1, 0, 1]),
    Buffer.from([0, 41]),
    "\u202e",
    "__proto__",
    Buffer.from([9, ..."__proto__".split("").map((letter) => letter.charCodeAt(0))]),
  ],
  maxLength: 1_232,
  runsInTests: 40,
  lanes: 8,
  start,
};
