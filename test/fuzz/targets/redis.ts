import { redisKind } from "../../../src/kinds/redis.js";
import { infoNumber, parseRedisInfo } from "../../../src/wire/redis-info.js";
import { type FuzzTarget, plantedSecret } from "../fuzz-target.js";
import { startHostileServer, turn } from "../hostile-peer.js";
import { mustHold } from "../invariants.js";

const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
const info =
  "# Server\r\nredis_version:7.0.15\r\nused_memory:1000\r\nmaxmemory:2000\r\nrole:slave\r\nmaster_link_status:up\r\nloading:0\r\nconnected_clients:3\r\n";
const clusterInfo = "cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16384\r\n";

/** What is asked: the password and a name for the client, `PING`, `INFO`. The last turn is for nothing: nobody hangs up. */
const aloneWith = (text: string): string => ["+OK\r\n+OK\r\n", "+PONG\r\n", bulk(text), ""].join(turn);

const words = [
  "\r\n",
  "+OK\r\n",
  "-ERR \r\n",
  "-NOAUTH x\r\n",
  "-WRONGPASS x\r\n",
  "-LOADING x\r\n",
  "-MOVED 1 127.0.0.1:1\r\n",
  "-CLUSTERDOWN x\r\n",
  "$-1\r\n",
  "*-1\r\n",
  "*1\r\n",
  "*1000000\r\n",
  ":1\r\n",
  "_\r\n",
  "%1\r\n",
  ">1\r\n",
  "=5\r\ntxt:a\r\n",
  "(1\r\n",
  ",inf\r\n",
  "#t\r\n",
  "redis_version:",
  "used_memory:",
  "maxmemory:",
  "role:",
  "loading:1\r\n",
  bulk(info),
];

export const redis: FuzzTarget = {
  name: "redis",
  feeds: "RESP of a server, to kind `redis`: alone, behind a sentinel, in a cluster",
  seeds: [
    aloneWith(info),
    `${aloneWith(info)}  `,
    ["+OK\r\n", "+OK\r\n", "+PONG\r\n", bulk(info), ""].join(turn),
    [`-WRONGPASS invalid ${plantedSecret}\r\n+OK\r\n`, "-NOAUTH x\r\n", ""].join(turn),
    ["+OK\r\n+OK\r\n", "*2\r\n$9\r\n127.0.0.1\r\n$1\r\n1\r\n", ""].join(turn),
    [aloneWith(info), bulk(clusterInfo), "+PONG\r\n", bulk(clusterInfo), bulk(clusterInfo), ""].join(turn),
    [
      aloneWith("redis_version:7\r\nloading:1\r\nused_memory:9\r\nmaxmemory:1\r\n"),
      bulk("cluster_state:fail\r\n"),
      "",
    ].join(turn),
  ],
  words: [...words, turn],
  maxLength: 4_096,
  runsInTests: 100,
  lanes: 8,
  start: () =>
    startHostileServer({
      kind: redisKind,
      loadDriver: () => import("ioredis"),
      optionsAt: (port, input) => {
        const nodes = [`127.0.0.1:${port}`];
        const alone = { host: "127.0.0.1", port, password: plantedSecret };
        const password = plantedSecret;
        return [alone, alone, { sentinel: { name: "main", nodes, password } }, { cluster: { nodes }, password }][
          input.length % 4
        ] as Readonly<Record<string, unknown>>;
      },
    }),
};

function judgeInfo(input: Buffer): void {
  const fields = parseRedisInfo(input.toString());
  for (const [name] of fields) {
    mustHold(name !== "" && !name.startsWith("#") && !name.includes("\n"), `no name: ${name}`);
    const value = infoNumber(fields, name);
    mustHold(value === undefined || Number.isFinite(value), `${name} is ${value}`);
  }
}

export const redisInfo: FuzzTarget = {
  name: "redis-info",
  feeds: "the text of `INFO`",
  seeds: [info, clusterInfo],
  words,
  maxLength: 8_192,
  runsInTests: 300,
  start: () => ({ judge: judgeInfo }),
};
