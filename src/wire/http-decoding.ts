import type { Transform } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { CheckFailure } from "../check.js";
import { bodyReader, type HttpBody } from "./http-exchange.js";

// A body that was cut at the cap still gives what it holds; a whole one must end as its coding says.
const cutZlib = { finishFlush: constants.Z_SYNC_FLUSH };
const cutBrotli = { finishFlush: constants.BROTLI_OPERATION_FLUSH };

/** A map, since the name comes from the target. */
const decoders: ReadonlyMap<string, (isWhole: boolean) => Transform> = new Map([
  ["gzip", (isWhole: boolean): Transform => createGunzip(isWhole ? {} : cutZlib)],
  ["x-gzip", (isWhole) => createGunzip(isWhole ? {} : cutZlib)],
  ["deflate", (isWhole) => createInflate(isWhole ? {} : cutZlib)],
  ["br", (isWhole) => createBrotliDecompress(isWhole ? {} : cutBrotli)],
]);

/** Expands a body that came compressed though `identity` was asked for; stops at `maxBytes`, so no bomb goes off. */
export async function expandBody(body: HttpBody, coding: string, maxBytes: number): Promise<HttpBody> {
  const decoder = decoders.get(coding.toLowerCase())?.(body.isWhole);
  if (!decoder) throw new CheckFailure("unexpected", "body is encoded in a way that is not understood");
  try {
    decoder.end(body.bytes);
    const expanded = await readStream(decoder, maxBytes);
    return { ...expanded, isWhole: expanded.isWhole && body.isWhole };
  } catch (error) {
    throw new CheckFailure("protocol", "body is not encoded as its header says", { cause: error });
  } finally {
    decoder.destroy();
  }
}

function readStream(stream: Transform, maxBytes: number): Promise<HttpBody> {
  return new Promise((resolve, reject) => {
    const finish = (body: HttpBody): void => {
      stream.pause();
      resolve(body);
    };
    const reader = bodyReader(maxBytes, true, finish, reject);
    stream.on("error", reader.fail);
    stream.on("end", reader.end);
    stream.on("data", reader.piece);
  });
}
