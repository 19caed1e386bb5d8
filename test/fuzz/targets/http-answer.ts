import { gzipSync } from "node:zlib";
import { httpKind } from "../../../src/kinds/http.js";
import { type FuzzTarget, plantedSecret } from "../fuzz-target.js";
import { startHostileServer, turn } from "../hostile-peer.js";

const password = encodeURIComponent(plantedSecret);

/** Each expectation in turn, so that all that reads an answer is reached. */
const expectations: readonly Readonly<Record<string, unknown>>[] = [
  {},
  { followRedirects: 3 },
  { expect: { json: { "/status": "up", "/items/0/id": 7 } } },
  { expect: { bodyContains: "ok", headers: { "x-a": "b", constructor: "" } } },
  { maxBodyBytes: 16, expect: { bodyContains: "ok" } },
];

const ok = "HTTP/1.1 200 OK\r\n";
const zipped = gzipSync('{"status":"up"}');

export const httpAnswer: FuzzTarget = {
  name: "http-answer",
  feeds: "bytes of an HTTP server, to kind `http` with and without expectations and redirects",
  seeds: [
    `${ok}content-length: 2\r\n\r\nok`,
    `${ok}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nf\r\n{"status":"up"}\r\n0\r\n\r\n`,
    Buffer.concat([Buffer.from(`${ok}content-encoding: gzip\r\ncontent-length: ${zipped.length}\r\n\r\n`), zipped]),
    ["HTTP/1.1 302 Found\r\nlocation: /next\r\ncontent-length: 0\r\n\r\n", `${ok}content-length: 2\r\n\r\nok`].join(
      turn,
    ),
    `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${ok}\r\nbody until the end`,
    "HTTP/1.1 503 Service Unavailable\r\nretry-after: 120\r\ncontent-length: 4\r\n\r\nbusy",
    `HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm="${plantedSecret}"\r\n\r\n${plantedSecret}`,
    `${ok}x-a: b\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\n{"status":"up","items":[{"id":7}]}`,
    "HTTP/1.0 200\r\n\r\n",
  ],
  words: [
    "\r\n",
    "\r\n\r\n",
    "HTTP/1.1 ",
    "HTTP/2 ",
    "200",
    "304",
    "101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade",
    "content-length: ",
    "transfer-encoding: chunked\r\n",
    "content-encoding: br\r\n",
    "content-encoding: deflate\r\n",
    "content-encoding: constructor\r\n",
    "location: ",
    "location: //user:pw@127.0.0.1:1/\r\n",
    "location: http://[::1\r\n",
    "retry-after: Wed, 21 Oct 2099 07:28:00 GMT\r\n",
    "retry-after: 1e9\r\n",
    "trailer: a\r\n",
    "0\r\n\r\n",
    "ffffffff\r\n",
    '{"status":"up"}',
    "[[[[",
    plantedSecret,
    turn,
  ],
  maxLength: 8_192,
  runsInTests: 120,
  lanes: 8,
  start: () =>
    startHostileServer({
      kind: httpKind,
      goesOn: true,
      optionsAt: (port, input) => ({
        url: `http://probe:${password}@127.0.0.1:${port}/?token=${password}`,
        ...expectations[input.length % expectations.length],
      }),
    }),
};
