// Preloaded into an agent: bugs where an exporter writes its request, and where the server answers one of its paths.
import { ServerResponse } from "node:http";

const { encode } = TextEncoder.prototype;
TextEncoder.prototype.encode = function (text) {
  if (text?.startsWith('{"resourceSpans"')) throw new TypeError("planted in an exporter");
  return encode.call(this, text);
};

const { writeHead } = ServerResponse.prototype;
ServerResponse.prototype.writeHead = function (...words) {
  if (this.req.url === "/health/web-0") throw new TypeError("planted in a handler");
  return writeHead.apply(this, words);
};
