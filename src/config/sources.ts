import { dirname, isAbsolute, join, resolve } from "node:path";
import { type Disk, decodeText, isConfigFile, mendOfPath, Unreadable, withoutLastNewline } from "./disk.js";
import { fingerprintOf, fingerprintOfNames, unreadable, type Watched } from "./fingerprint.js";
import { emptyMap, type MapNode } from "./node.js";
import { concatenate, overlay } from "./overlay.js";
import { parseYaml } from "./parse-yaml.js";
import type { ConfigProblem } from "./problem.js";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface SourceOptions {
  /** What `--config` named, files or directories, in order. */
  readonly files?: readonly string[] | undefined;
  readonly env: Environment;
  readonly cwd: string;
  readonly disk: Disk;
}

export interface ReadSources {
  readonly root: MapNode;
  readonly problems: readonly ConfigProblem[];
  /** A file could not be read as YAML, so that the rest of what is missing says nothing. */
  readonly isIncomplete: boolean;
  /** Config files, as the user named them. */
  readonly sources: readonly string[];
  /** Everything that was read, `${file:}` references included, and directories. */
  readonly watched: readonly Watched[];
}

const defaultFile = "healthspan.yaml";

/** The files and directories to read: those given, else `HEALTHSPAN_CONFIG`, else `./healthspan.yaml`, else none. */
function chooseFiles({ files = [], env, cwd, disk }: SourceOptions): readonly string[] {
  if (files.length > 0) return files;
  if (env.HEALTHSPAN_CONFIG) return [env.HEALTHSPAN_CONFIG];
  try {
    disk.list(resolve(cwd, defaultFile));
    return [defaultFile];
  } catch (error) {
    // Only its absence means no-file mode: a file that may not be read must not be passed over.
    return (error as Error).message === "there is no such file" ? [] : [defaultFile];
  }
}

/** Reads and merges the chosen files; no file gives an empty tree. */
export function readSources(options: SourceOptions): ReadSources {
  return new SourceReader(options).read(chooseFiles(options));
}

class SourceReader {
  private readonly problems: ConfigProblem[] = [];
  private readonly sources: string[] = [];
  private readonly watched = new Map<string, string>();
  private isIncomplete = false;

  constructor(private readonly options: SourceOptions) {}

  read(chosen: readonly string[]): ReadSources {
    const layers = chosen.map((path) => this.readLayer(path));
    const root = layers.reduce<MapNode | undefined>(
      (below, above) => (below ? overlay(below, above) : above),
      undefined,
    );
    return {
      root: root ?? emptyMap({ file: "", line: 0, column: 0 }),
      problems: this.problems,
      isIncomplete: this.isIncomplete,
      sources: this.sources,
      watched: [...this.watched].map(([path, fingerprint]) => ({ path, fingerprint })),
    };
  }

  private readLayer(path: string): MapNode {
    const absolute = resolve(this.options.cwd, path);
    const names = this.attempt(path, () => this.list(absolute));
    if (names === "failed") return this.nothing(path);
    if (names === undefined) return this.readFile(path);
    const files = names.filter(isConfigFile).sort();
    if (files.length === 0) return this.refuse(path, "has no `*.yaml` or `*.yml` file in it", "put one there");
    const parts = files.map((name) => this.readFile(join(path, name)));
    return parts.reduce((first, second) => concatenate(first, second, this.problems));
  }

  private readFile(path: string): MapNode {
    const absolute = resolve(this.options.cwd, path);
    this.sources.push(path);
    const text = this.attempt(path, () => this.readText(absolute));
    if (text === "failed") return this.nothing(path);
    const references = {
      environment: this.options.env,
      readText: (reference: string) => this.readReference(reference, dirname(absolute)),
    };
    const { root, problems, isUnreadable } = parseYaml(path, text, references);
    for (const problem of problems) this.problems.push(problem);
    if (isUnreadable) this.isIncomplete = true;
    return root;
  }

  /** A relative path is one beside the config file that names it. */
  private readReference(reference: string, directory: string): string {
    const absolute = isAbsolute(reference) ? reference : resolve(directory, reference);
    return withoutLastNewline(this.readText(absolute));
  }

  private list(absolute: string): readonly string[] | undefined {
    this.watched.set(absolute, unreadable);
    const names = this.options.disk.list(absolute);
    if (names) this.watched.set(absolute, fingerprintOfNames(names));
    return names;
  }

  private readText(absolute: string): string {
    this.watched.set(absolute, unreadable);
    const bytes = this.options.disk.read(absolute);
    this.watched.set(absolute, fingerprintOf(bytes));
    return decodeText(bytes);
  }

  private attempt<Result>(path: string, read: () => Result): Result | "failed" {
    try {
      return read();
    } catch (error) {
      const mend = error instanceof Unreadable ? error.mend : mendOfPath;
      this.refuse(path, `cannot be read: ${(error as Error).message}`, mend);
      return "failed";
    }
  }

  private refuse(file: string, problem: string, mend: string): MapNode {
    this.problems.push({ file, line: 0, column: 0, path: "", problem, mend });
    return this.nothing(file);
  }

  private nothing(file: string): MapNode {
    this.isIncomplete = true;
    return emptyMap({ file, line: 0, column: 0 });
  }
}
