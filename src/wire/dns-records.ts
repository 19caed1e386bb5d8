import type { promises } from "node:dns";
import { isIP, isIPv4, isIPv6, SocketAddress } from "node:net";

export const recordTypes = ["A", "AAAA", "CNAME", "MX", "TXT", "SRV", "NS", "PTR", "SOA", "CAA"] as const;
export type RecordType = (typeof recordTypes)[number];

type Resolver = promises.Resolver;
type LookUp = (resolver: Resolver, hostname: string) => Promise<readonly string[]>;

/** Each record as in a zone file (RFC 1035, section 5): `10 mail.test`; a text is one string however it was cut. */
const lookUps: Readonly<Record<RecordType, LookUp>> = {
  A: (resolver, hostname) => resolver.resolve4(hostname),
  AAAA: (resolver, hostname) => resolver.resolve6(hostname),
  CNAME: (resolver, hostname) => resolver.resolveCname(hostname),
  NS: (resolver, hostname) => resolver.resolveNs(hostname),
  PTR: (resolver, hostname) => resolver.resolvePtr(hostname),
  TXT: async (resolver, hostname) => (await resolver.resolveTxt(hostname)).map((parts) => parts.join("")),
  MX: async (resolver, hostname) =>
    (await resolver.resolveMx(hostname)).map(({ priority, exchange }) => `${priority} ${exchange}`),
  SRV: async (resolver, hostname) =>
    (await resolver.resolveSrv(hostname)).map(
      ({ priority, weight, port, name }) => `${priority} ${weight} ${port} ${name}`,
    ),
  SOA: async (resolver, hostname) => {
    const { nsname, hostmaster, serial, refresh, retry, expire, minttl } = await resolver.resolveSoa(hostname);
    return [`${nsname} ${hostmaster} ${serial} ${refresh} ${retry} ${expire} ${minttl}`];
  },
  CAA: async (resolver, hostname) => (await resolver.resolveCaa(hostname)).map(caaText),
};

/** A record is its flags and one property, whose name Node makes the key. */
const caaTags = ["issue", "issuewild", "iodef", "contactemail", "contactphone"] as const;

function caaText(record: Awaited<ReturnType<Resolver["resolveCaa"]>>[number]): string {
  const tag = caaTags.find((name) => record[name] !== undefined);
  return tag === undefined ? `${record.critical}` : `${record.critical} ${tag} "${record[tag]}"`;
}

/** The answers in an order of their own, since servers rotate theirs; rejects with the resolver's error. */
export async function lookUpRecords(
  resolver: Resolver,
  type: RecordType,
  hostname: string,
): Promise<readonly string[]> {
  return [...(await lookUps[type](resolver, hostname))].sort();
}

/** What an answer that is none of this type is told; undefined for one that can come. */
export function answerProblem(type: RecordType, answer: string): string | undefined {
  if (type === "A" && !isIPv4(answer)) return "is no IPv4 address, which answers of type A are";
  if (type === "AAAA" && !isIPv6(answer)) return "is no IPv6 address, which answers of type AAAA are";
  return undefined;
}

/** The expected answers that did not come. */
export function missingAnswers(
  type: RecordType,
  expected: readonly string[],
  answers: readonly string[],
): readonly string[] {
  const came = new Set(answers.map((answer) => comparable(type, answer)));
  return expected.filter((answer) => !came.has(comparable(type, answer)));
}

/** Names have no letter case and may end in a dot, IPv6 addresses have many spellings; texts and CAA values are exact. */
function comparable(type: RecordType, answer: string): string {
  if (isIP(answer) === 6) return new SocketAddress({ address: answer, family: "ipv6" }).address;
  if (type === "TXT" || type === "CAA") return answer;
  return answer.toLowerCase().replace(/\.(?= |$)/g, "");
}
