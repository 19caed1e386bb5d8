import { pick, type Random } from "./random.js";

export interface Material {
  /** Inputs that others are made of. */
  readonly pool: readonly Buffer[];
  readonly words: readonly Buffer[];
  readonly maxLength: number;
}

type Mutation = (input: Buffer, random: Random, material: Material) => Buffer;

/** Numbers at which lengths, counts and codes change their meaning. */
const edges = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const numbers = ["0", "-1", "1e999", "-0", "00", "2147483648", "9007199254740993", "9".repeat(40), "NaN", "0x10", "1."];
const nasty = [
  "\0",
  "\u001b[31m",
  "\u202e",
  "\u2028",
  "\ufeff",
  "\r\n",
  "\n",
  "\t",
  "é",
  "💥",
  "__proto__",
  "${",
  "%00",
].map((text) => Buffer.from(text));
/** Half of characters of UTF-8. */
const broken = [Buffer.from([0xff]), Buffer.from([0xc3]), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from([0xf0, 0x9f])];

const mutations: readonly Mutation[] = [
  (input, random) => replace(input, random(input.length), 1, Buffer.from([random(256)])),
  (input, random) => {
    const at = random(input.length);
    return replace(input, at, 1, Buffer.from([(input[at] ?? 0) ^ (1 << random(8))]));
  },
  (input, random, { words }) => replace(input, random(input.length + 1), 0, pick(random, words)),
  (input, random, { words }) => {
    const word = pick(random, words);
    return replace(input, random(input.length + 1), word.length, word);
  },
  (input, random) => replace(input, random(input.length + 1), 0, pick(random, random(4) === 0 ? broken : nasty)),
  (input, random) => replace(input, ...range(input, random, 64), Buffer.alloc(0)),
  (input, random) => {
    const [at, length] = range(input, random, 64);
    return replace(input, random(input.length + 1), 0, input.subarray(at, at + length));
  },
  repeat,
  (input, random, { pool }) => {
    const other = pick(random, pool);
    return Buffer.concat([input.subarray(0, random(input.length + 1)), other.subarray(random(other.length + 1))]);
  },
  (input, random) => input.subarray(0, random(input.length + 1)),
  edgeNumber,
  digits,
];

/** A new input, made of one of the pool by a few mutations on top of each other. */
export function mutate(random: Random, material: Material): Buffer {
  let input = pick(random, material.pool);
  for (let left = 1 + random(5); left > 0; left--) input = pick(random, mutations)(input, random, material);
  return input.subarray(0, material.maxLength);
}

function replace(input: Buffer, at: number, length: number, by: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, at), by, input.subarray(at + length)]);
}

function range(input: Buffer, random: Random, longest: number): [at: number, length: number] {
  const at = random(input.length + 1);
  return [at, random(Math.min(longest, input.length - at) + 1)];
}

/** Many of the same: for what counts, nests or backtracks. */
function repeat(input: Buffer, random: Random, { maxLength }: Material): Buffer {
  const [at, length] = range(input, random, 16);
  const piece = input.subarray(at, at + length);
  const most = Math.floor(maxLength / Math.max(1, length));
  const times = 2 + random(random(8) === 0 ? most : Math.min(most, 40));
  return replace(input, at, length, Buffer.concat(Array.from({ length: times }, () => piece)));
}

function edgeNumber(input: Buffer, random: Random): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(pick(random, edges));
  const width = pick(random, [1, 2, 4]);
  return replace(input, random(input.length + 1), width, bytes.subarray(4 - width));
}

/** A number that is written in the input becomes another one. */
function digits(input: Buffer, random: Random): Buffer {
  const found = [...input.toString("latin1").matchAll(/\d+/g)];
  if (found.length === 0) return input;
  const { index, 0: text } = pick(random, found);
  return replace(input, index, text.length, Buffer.from(pick(random, numbers)));
}
