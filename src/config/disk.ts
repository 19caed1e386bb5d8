import { readdirSync, readFileSync, statSync } from "node:fs";

/** Why a file cannot be read, and what to do about that. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";

  constructor(
    problem: string,
    readonly mend: string,
    options?: ErrorOptions,
  ) {
    super(problem, options);
  }
}

/** What a config is read from. Both throw with a message for people. */
export interface Disk {
  read(path: string): Uint8Array;
  /** Names in a directory; undefined when the path is none. */
  list(path: string): readonly string[] | undefined;
}

export const maxFileBytes = 16 * 1024 * 1024;

type Reason = readonly [problem: string, mend: string];

/** What to do about a path that leads nowhere. */
export const mendOfPath = "correct the path, or create it";
const absent: Reason = ["there is no such file", mendOfPath];
const forbidden: Reason = ["no permission to read it", "let the user that runs healthspan read it"];
const short: Reason = ["too many files are open", "allow this process more (ulimit -n, LimitNOFILE)"];
const directory: Reason = ["it is a directory", "name it by --config of its own"];

const reasons: Readonly<Record<string, Reason>> = {
  ENOENT: absent,
  ENOTDIR: absent,
  EACCES: forbidden,
  EPERM: forbidden,
  EISDIR: directory,
  EMFILE: short,
  ENFILE: short,
  ELOOP: ["its symbolic links go round in a circle", "correct the links"],
};

/** The local file system. */
export const localDisk: Disk = {
  read: (path) =>
    inOurWords(() => {
      const { size, isFile } = describe(path);
      if (!isFile) throw new Unreadable("it is no regular file", "name one that is");
      if (size > maxFileBytes) throw new Unreadable("it is larger than 16 MiB", "split it; --config may be repeated");
      return readFileSync(path);
    }),
  list: (path) => inOurWords(() => (statSync(path).isDirectory() ? readdirSync(path) : undefined)),
};

/** For a config that no file says: none that lies about is read beside it. */
export const emptyDisk: Disk = { read: findNothing, list: findNothing };

function findNothing(): never {
  throw new Unreadable(...absent);
}

function describe(path: string): { size: number; isFile: boolean } {
  const stats = statSync(path);
  if (stats.isDirectory()) throw new Unreadable(...directory);
  return { size: stats.size, isFile: stats.isFile() };
}

function inOurWords<Result>(access: () => Result): Result {
  try {
    return access();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    const [problem, mend] = reasons[code] ?? [code, mendOfPath];
    throw new Unreadable(problem, mend, { cause: error });
  }
}

/** Of a directory's names, those that are read: not Kubernetes' `..data`, nor what an editor leaves there. */
export const isConfigFile = (name: string): boolean => /^[^.].*\.ya?ml$/.test(name);

/** Text of UTF-8 bytes, a byte order mark taken off. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Unreadable("it is no UTF-8 text", "save it as UTF-8");
  }
}

export const withoutLastNewline = (text: string): string => text.replace(/\r?\n$/, "");
