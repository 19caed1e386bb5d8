import { readdirSync, readFileSync, statSync } from "node:fs";

/** What a config is read from. Both throw with a message for people. */
export interface Disk {
  read(path: string): Uint8Array;
  /** Names in a directory; undefined when the path is none. */
  list(path: string): readonly string[] | undefined;
}

export const maxFileBytes = 16 * 1024 * 1024;

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: "no permission to read it",
  EPERM: "no permission to read it",
  EISDIR: "it is a directory",
  ELOOP: "its symbolic links go round in a circle",
};

/** The local file system. */
export const localDisk: Disk = {
  read: (path) =>
    inOurWords(() => {
      const { size, isFile } = describe(path);
      if (!isFile) throw new Error("it is no regular file");
      if (size > maxFileBytes) throw new Error("it is larger than 16 MiB");
      return readFileSync(path);
    }),
  list: (path) => inOurWords(() => (statSync(path).isDirectory() ? readdirSync(path) : undefined)),
};

function describe(path: string): { size: number; isFile: boolean } {
  const stats = statSync(path);
  if (stats.isDirectory()) throw new Error("it is a directory");
  return { size: stats.size, isFile: stats.isFile() };
}

function inOurWords<Result>(access: () => Result): Result {
  try {
    return access();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    throw new Error(reasons[code] ?? code, { cause: error });
  }
}

/** Of a directory's names, those that are read: not Kubernetes' `..data`, nor what an editor leaves there. */
export const isConfigFile = (name: string): boolean => /^[^.].*\.ya?ml$/.test(name);

/** Text of UTF-8 bytes, a byte order mark taken off. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Error("it is no UTF-8 text");
  }
}

export const withoutLastNewline = (text: string): string => text.replace(/\r?\n$/, "");
