// Preloaded into an agent: bugs where an exporter writes its request, where the server builds an answer, and where it sends one.
import { ServerResponse } from "node:http";

const { encode } = TextEncoder.prototype;
TextEncoder.prototype.encode = function (text) {
  if (text?.startsWith('{"resourceSpans"')) throw new TypeError("planted in an exporter");
  return encode.call(this, text);
};

const { getAll } = URLSearchParams.prototype;
URLSearchParams.prototype.getAll = function (name) {
  if (this.has("planted")) throw new TypeError("planted in an answer");
  return getAll.call(this, name);
};

const { writeHead } = ServerResponse.prototype;
ServerResponse.prototype.writeHead = function (...words) {
  if (this.req.url === "/health/web-0") throw new TypeError("planted in the sending");
  return writeHead.apply(this, words);
};
