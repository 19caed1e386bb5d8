import { postgresKind } from "../../../src/kinds/postgres.js";
import { type FuzzTarget, plantedSecret } from "../fuzz-target.js";
import { startHostileServer, turn } from "../hostile-peer.js";

function message(type: string, ...parts: readonly (string | number | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === "number" ? int16(part) : Buffer.from(part))));
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

const int32 = (value: number): Buffer =>
  Buffer.from([value >> 24, value >> 16, value >> 8, value].map((byte) => byte & 255));

const authOk = message("R", int32(0));
const ready = message("Z", "I");
const version = message("S", "server_version\0", "15.4\0");
const key = message("K", int32(1), int32(2));
const column = (name: string): Buffer =>
  Buffer.concat([Buffer.from(`${name}\0`), int32(0), int16(0), int32(25), int16(-1), int32(-1), int16(0)]);
const described = message("T", 2, column("connections"), column("max_connections"));
const row = message("D", 2, int32(1), "3", int32(3), "100");
const done = message("C", "SELECT 1\0");
const error = (code: string, text: string): Buffer => message("E", "SFATAL\0", `C${code}\0`, `M${text}\0`, "\0");
const notice = message("N", "SWARNING\0", "C01000\0", "Mhello\0", "\0");
const facts =
  '{"server_version":"15.4","connections":3,"max_connections":100,"in_recovery":false,"uptime_seconds":1e999}';
const aside = message("D", 1, int32(facts.length), facts);
const completed = (tag: string): Buffer => message("C", `${tag}\0`);
/** To the one query: begin, set, the check's own, commit, and the facts. */
const answer = Buffer.concat([
  completed("BEGIN"),
  completed("SET"),
  described,
  row,
  done,
  completed("COMMIT"),
  message("T", 1, column("json")),
  aside,
  done,
  ready,
]);
const turns = (...parts: readonly (Buffer | string)[]): Buffer =>
  Buffer.concat(
    parts.flatMap((part, index) => (index === 0 ? [Buffer.from(part)] : [Buffer.from(turn), Buffer.from(part)])),
  );

export const postgres: FuzzTarget = {
  name: "postgres",
  feeds: "messages of a PostgreSQL server, from sign-in to rows, to kind `postgres`",
  seeds: [
    turns(Buffer.concat([authOk, version, key, ready]), answer, ""),
    turns(message("R", int32(3)), Buffer.concat([authOk, ready]), answer, ""),
    turns(message("R", int32(5), "salt"), error("28P01", `password ${plantedSecret} failed`)),
    turns(
      message("R", int32(10), "SCRAM-SHA-256\0\0"),
      message("R", int32(11), "r=x,s=QSXCR+Q6sek8bf92,i=4096"),
      authOk,
    ),
    turns(error("53300", "sorry, too many clients already")),
    turns(Buffer.concat([authOk, notice, version, ready]), Buffer.concat([error("57014", "canceling"), ready]), ""),
    turns("N", authOk),
  ],
  words: [
    authOk,
    ready,
    version,
    key,
    described,
    row,
    done,
    aside,
    answer,
    completed("COMMIT"),
    notice,
    error("42P01", "\u001b[31mno table"),
    error("", ""),
    message("R", int32(12), "v=x"),
    message("R", int32(7)),
    message("v", int32(0), int32(0)),
    message("A", int32(1), "channel\0", "payload\0"),
    message("D", -1),
    message("D", 2, int32(-1), int32(-1)),
    message("G", Buffer.from([0]), 1, 0),
    message("I"),
    message("s"),
    int32(0x7fff_ffff),
    int32(-1),
    turn,
  ],
  maxLength: 8_192,
  runsInTests: 100,
  lanes: 8,
  start: () =>
    startHostileServer({
      kind: postgresKind,
      loadDriver: () => import("pg"),
      optionsAt: (port) => ({ host: "127.0.0.1", port, user: "probe", password: plantedSecret, database: "app" }),
    }),
};
